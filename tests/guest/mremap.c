/* SPDX-License-Identifier: Apache-2.0 */
/* mremap: growing, shrinking, moving; flags and errors. */
#include "task.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define NO_REMAP(err, ...)                                                                         \
	do {                                                                                       \
		ASSERT(mremap(__VA_ARGS__) == MAP_FAILED);                                         \
		ASSERT_EQ(errno, err);                                                             \
	} while (0)

static char *numbered(size_t pages)
{
	char *m = map_anon(pages * PAGE);
	for (size_t i = 0; i < pages; i++)
		memset(m + i * PAGE, (int)i + 1, PAGE);
	return m;
}

/* An area with n free pages behind it. */
static char *with_room(size_t pages, size_t room)
{
	char *m = numbered(pages + room);
	ASSERT_OK(munmap(m + pages * PAGE, room * PAGE));
	return m;
}

TEST(shrinking_unmaps_the_tail)
{
	char *m = numbered(4);
	ASSERT(mremap(m, 4 * PAGE, 2 * PAGE, 0) == m);
	ASSERT(page_is_mapped(m + PAGE) && !page_is_mapped(m + 2 * PAGE));
	ASSERT_EQ(m[PAGE], 2);
}

TEST(the_same_size_is_the_same_place)
{
	char *m = numbered(2);
	ASSERT(mremap(m, 2 * PAGE, 2 * PAGE, 0) == m);
	ASSERT(mremap(m, 2 * PAGE, 2 * PAGE - 5, 0) == m);
	ASSERT_EQ(m[PAGE], 2);
}

TEST(growing_in_place_adds_zeroes)
{
	char *m = with_room(2, 2);
	ASSERT(mremap(m, 2 * PAGE, 4 * PAGE, 0) == m);
	ASSERT_EQ(m[PAGE], 2);
	ASSERT_EQ(m[2 * PAGE], 0);
	m[4 * PAGE - 1] = 1;
}

TEST(growing_without_room_is_enomem)
{
	char *m = numbered(4);
	ASSERT_OK(mprotect(m + 2 * PAGE, 2 * PAGE, PROT_READ));
	NO_REMAP(ENOMEM, m, 2 * PAGE, 3 * PAGE, 0);
	ASSERT_EQ(m[PAGE], 2);
}

TEST(growing_may_move)
{
	char *m = numbered(4);
	ASSERT_OK(mprotect(m + 2 * PAGE, 2 * PAGE, PROT_READ));
	char *n = mremap(m, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	ASSERT(n != MAP_FAILED && n != m);
	ASSERT(n[0] == 1 && n[PAGE] == 2 && n[2 * PAGE] == 0);
	ASSERT(!page_is_mapped(m) && !page_is_mapped(m + PAGE));
	ASSERT_EQ(m[2 * PAGE], 3);
}

TEST(a_large_area_moves_with_its_contents)
{
	size_t len = 16 << 20;
	uint64_t *m = (uint64_t *)map_anon(len);
	for (size_t i = 0; i < len / 8; i += 64)
		m[i] = i;
	uint64_t *n = mremap(m, len, 4 * len, MREMAP_MAYMOVE);
	ASSERT(n != MAP_FAILED);
	for (size_t i = 0; i < len / 8; i += 64)
		ASSERT_EQ(n[i], i);
	ASSERT_EQ(n[len / 8], 0);
}

TEST(fixed_moves_over_what_is_there)
{
	char *m = numbered(2), *to = numbered(3);
	ASSERT(mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	ASSERT(to[0] == 1 && to[PAGE] == 2 && to[2 * PAGE] == 3);
	ASSERT(!page_is_mapped(m));
}

TEST(fixed_can_resize_on_the_way)
{
	char *m = numbered(4), *to = map_anon(8 * PAGE);
	ASSERT(mremap(m, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	ASSERT(to[PAGE] == 2 && to[2 * PAGE] == 0);
	ASSERT(!page_is_mapped(m) && !page_is_mapped(m + 3 * PAGE));
}

TEST(a_part_can_be_taken_out)
{
	char *m = numbered(3), *to = map_anon(PAGE);
	ASSERT(mremap(m + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	ASSERT_EQ(to[0], 2);
	ASSERT(page_is_mapped(m) && !page_is_mapped(m + PAGE) && page_is_mapped(m + 2 * PAGE));
}

TEST(argument_errors)
{
	char *m = numbered(4);
	NO_REMAP(EINVAL, m, PAGE, PAGE, 8);
	NO_REMAP(EINVAL, m, PAGE, PAGE, MREMAP_FIXED, m + PAGE);
	NO_REMAP(EINVAL, m + 1, PAGE, PAGE, 0);
	NO_REMAP(EINVAL, m, PAGE, 0, 0);
	NO_REMAP(EINVAL, m, 0, PAGE, MREMAP_MAYMOVE);
	int fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
	NO_REMAP(EINVAL, m, 2 * PAGE, 2 * PAGE, fixed, m + PAGE);
	NO_REMAP(EINVAL, m, PAGE, PAGE, fixed, m + 2 * PAGE + 1);
	NO_REMAP(EINVAL, m, PAGE, PAGE, fixed, (void *)-PAGE);
}

TEST(unmapped_memory_is_efault)
{
	char *m = numbered(3);
	ASSERT_OK(munmap(m, 3 * PAGE));
	NO_REMAP(EFAULT, m, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
}

TEST(growing_over_two_areas_is_efault)
{
	char *m = numbered(4);
	ASSERT_OK(mprotect(m + PAGE, PAGE, PROT_READ));
	NO_REMAP(EFAULT, m, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	ASSERT_EQ(m[PAGE], 2);
}

TEST(a_huge_size_is_enomem)
{
	char *m = numbered(1);
	NO_REMAP(ENOMEM, m, PAGE, (1ul << 47) - 2 * PAGE, MREMAP_MAYMOVE);
	ASSERT_EQ(m[0], 1);
}

TEST(a_shared_mapping_stays_shared)
{
	char *m = map_shared(2 * PAGE),
	     *n = mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map_anon(2 * PAGE));
	ASSERT(n != MAP_FAILED);
	JOIN(SPAWN({ n[PAGE] = 5; }));
	ASSERT_EQ(n[PAGE], 5);
}

TEST(old_size_zero_duplicates_a_shared_mapping)
{
	char *m = map_shared(2 * PAGE);
	char *n = mremap(m, 0, 2 * PAGE, MREMAP_MAYMOVE);
	ASSERT(n != MAP_FAILED && n != m);
	m[PAGE] = 9;
	ASSERT_EQ(n[PAGE], 9);
}

TEST(a_file_mapping_grows_over_the_file)
{
	test_tmpdir();
	int fd = file_of_pages("f", 4 * PAGE);
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	char *n = mremap(m, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	ASSERT(n != MAP_FAILED);
	ASSERT(n[0] == 'b' && n[PAGE] == 'c' && n[2 * PAGE] == 'd');
}

TEST(dontunmap_leaves_an_empty_area_behind)
{
	char *m = numbered(2);
	/* With this flag the fifth argument is a hint. */
	char *n = mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	ASSERT(n != MAP_FAILED && n != m);
	ASSERT(n[0] == 1 && n[PAGE] == 2);
	ASSERT(m[0] == 0 && m[PAGE] == 0);
}

TEST(dontunmap_needs_maymove_and_the_same_size)
{
	char *m = numbered(2);
	NO_REMAP(EINVAL, m, PAGE, PAGE, MREMAP_DONTUNMAP, NULL);
	NO_REMAP(EINVAL, m, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
}

TEST(the_protection_moves_too)
{
	char *m = numbered(1);
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	char *to = map_anon(PAGE);
	ASSERT(mremap(m, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	ASSERT_EQ(wait_status(SPAWN({ *(volatile char *)to = 1; })), SIGSEGV);
}

TEST_MAIN()
