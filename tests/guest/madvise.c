/* SPDX-License-Identifier: Apache-2.0 */
/* madvise: what the advice does to the contents, and the errors. */
#include "task.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif

TEST(dontneed_zeroes_private_anonymous_memory)
{
	char *m = map_anon(3 * PAGE);
	memset(m, 7, 3 * PAGE);
	ASSERT_OK(madvise(m + PAGE, PAGE, MADV_DONTNEED));
	ASSERT_EQ(m[PAGE - 1], 7);
	ASSERT_EQ(m[PAGE], 0);
	ASSERT_EQ(m[2 * PAGE - 1], 0);
	ASSERT_EQ(m[2 * PAGE], 7);
}

TEST(dontneed_keeps_shared_memory)
{
	char *m = map_shared(PAGE);
	m[0] = 7;
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
	ASSERT_EQ(m[0], 7);
}

TEST(dontneed_brings_a_private_file_mapping_back_to_the_file)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	m[0] = 'X';
	ASSERT_EQ(pwrite(fd, "n", 1, 1), 1);
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
	ASSERT_EQ(m[0], 'a');
	ASSERT_EQ(m[1], 'n');
}

TEST(dontneed_keeps_a_shared_file_mapping)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	m[0] = 'X';
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
	ASSERT_EQ(m[0], 'X');
}

TEST(dontneed_in_the_child_leaves_the_parent)
{
	char *m = map_anon(PAGE);
	m[0] = 7;
	JOIN(SPAWN({
		ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
		ASSERT_EQ(m[0], 0);
	}));
	ASSERT_EQ(m[0], 7);
}

TEST(dontneed_works_on_protected_memory)
{
	char *m = map_anon(PAGE);
	m[0] = 7;
	ASSERT_OK(mprotect(m, PAGE, PROT_NONE));
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(m[0], 0);
}

TEST(a_length_within_a_page_is_rounded_up)
{
	char *m = map_anon(2 * PAGE);
	memset(m, 7, 2 * PAGE);
	ASSERT_OK(madvise(m, 1, MADV_DONTNEED));
	ASSERT_EQ(m[PAGE - 1], 0);
	ASSERT_EQ(m[PAGE], 7);
}

TEST(errors)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_ERR(madvise(m + 1, PAGE, MADV_DONTNEED), EINVAL);
	ASSERT_ERR(madvise(m, PAGE, 9999), EINVAL);
	ASSERT_ERR(madvise(m, PAGE, -1), EINVAL);
	ASSERT_ERR(madvise(m, SIZE_MAX, MADV_DONTNEED), EINVAL);
	ASSERT_OK(munmap(m, 2 * PAGE));
	ASSERT_ERR(madvise(m, PAGE, MADV_DONTNEED), ENOMEM);
	ASSERT_ERR(madvise(m, PAGE, MADV_WILLNEED), ENOMEM);
}

TEST(length_zero_succeeds_anywhere)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(munmap(m, PAGE));
	ASSERT_OK(madvise(m, 0, MADV_DONTNEED));
	ASSERT_ERR(madvise(m, 0, 9999), EINVAL);
}

/* The kernel wins: a hole is reported, and the rest is done all the same. */
TEST(a_hole_is_skipped_and_reported)
{
	char *m = map_anon(3 * PAGE);
	memset(m, 7, 3 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(madvise(m, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	ASSERT_EQ(m[0], 0);
	ASSERT_EQ(m[2 * PAGE], 0);
}

TEST(hints_change_nothing)
{
	static const int hint[] = {MADV_NORMAL,	 MADV_RANDOM,	  MADV_SEQUENTIAL, MADV_WILLNEED,
				   MADV_DODUMP,	 MADV_DONTDUMP,	  MADV_COLD,	   MADV_DOFORK,
				   MADV_PAGEOUT, MADV_KEEPONFORK, MADV_NORMAL};
	char *m = map_anon(4 * PAGE);
	memset(m, 7, 4 * PAGE);
	for (size_t i = 0; i < sizeof hint / sizeof *hint; i++)
		ASSERT_OK(madvise(m + PAGE, 2 * PAGE, hint[i]));
	for (size_t i = 0; i < 4 * PAGE; i++)
		ASSERT_EQ(m[i], 7);
}

TEST(free_memory_is_old_or_zero_until_written)
{
	char *m = map_anon(PAGE);
	memset(m, 7, PAGE);
	ASSERT_OK(madvise(m, PAGE, MADV_FREE));
	ASSERT(m[5] == 7 || m[5] == 0);
	m[6] = 9;
	ASSERT_EQ(m[6], 9);
	ASSERT_ERR(madvise(map_shared(PAGE), PAGE, MADV_FREE), EINVAL);
}

TEST(remove_punches_a_hole_in_shared_memory)
{
	volatile char *m = map_shared(2 * PAGE);
	m[0] = m[PAGE] = 7;
	JOIN(SPAWN({ ASSERT_OK(madvise((void *)m, PAGE, MADV_REMOVE)); }));
	ASSERT_EQ(m[0], 0);
	ASSERT_EQ(m[PAGE], 7);
	ASSERT_ERR(madvise(map_anon(PAGE), PAGE, MADV_REMOVE), EINVAL);
}

TEST(populate_makes_pages_resident)
{
	char *m = map_anon(4 * PAGE);
	unsigned char v[4];
	ASSERT_OK(madvise(m, 4 * PAGE, MADV_POPULATE_WRITE));
	ASSERT_OK(mincore(m, 4 * PAGE, v));
	ASSERT(v[0] & v[1] & v[2] & v[3] & 1);
	ASSERT_OK(madvise(m, 4 * PAGE, MADV_POPULATE_READ));
	ASSERT_EQ(m[0], 0);
}

TEST(populate_of_inaccessible_memory_is_an_error)
{
	char *m = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	ASSERT_ERR(madvise(m, PAGE, MADV_POPULATE_READ), EINVAL);
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_ERR(madvise(m, PAGE, MADV_POPULATE_WRITE), EINVAL);
}

TEST(wipeonfork_can_be_taken_back)
{
	char *m = map_anon(PAGE);
	m[0] = 7;
	ASSERT_OK(madvise(m, PAGE, MADV_WIPEONFORK));
	ASSERT_OK(madvise(m, PAGE, MADV_KEEPONFORK));
	JOIN(SPAWN({ ASSERT_EQ(m[0], 7); }));
}

TEST_MAIN()
