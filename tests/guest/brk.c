/* SPDX-License-Identifier: Apache-2.0 */
/* brk: the program break.  The raw call returns the break it left, never an error. */
#include "task.h"

#include <sys/resource.h>

static char *brk_raw(void *to)
{
	return (char *)syscall(SYS_brk, to);
}

/* A page-aligned break to work from. */
static char *aligned_break(void)
{
	uintptr_t at = ((uintptr_t)brk_raw(NULL) + PAGE - 1) & ~(PAGE - 1);
	ASSERT(brk_raw((void *)at) == (char *)at);
	return (char *)at;
}

TEST(zero_asks)
{
	char *b = brk_raw(NULL);
	ASSERT(b != NULL);
	ASSERT(brk_raw(NULL) == b);
}

TEST(growing_gives_zeroed_memory)
{
	char *b = aligned_break();
	ASSERT(brk_raw(b + 10 * PAGE) == b + 10 * PAGE);
	for (size_t i = 0; i < 10 * PAGE; i++)
		ASSERT_EQ(b[i], 0);
	memset(b, 1, 10 * PAGE);
}

TEST(shrinking_unmaps_and_growing_again_is_zero)
{
	char *b = aligned_break();
	brk_raw(b + 4 * PAGE);
	memset(b, 1, 4 * PAGE);
	ASSERT(brk_raw(b + PAGE) == b + PAGE);
	ASSERT(page_is_mapped(b) && !page_is_mapped(b + PAGE));
	brk_raw(b + 4 * PAGE);
	ASSERT_EQ(b[0], 1);
	ASSERT_EQ(b[PAGE], 0);
}

TEST(the_break_need_not_be_aligned)
{
	char *b = aligned_break();
	ASSERT(brk_raw(b + 5) == b + 5);
	ASSERT(brk_raw(NULL) == b + 5);
	b[PAGE - 1] = 1;
	ASSERT(!page_is_mapped(b + PAGE));
}

/* The kernel wins: bytes within the last page are not cleared. */
TEST(a_shrink_within_a_page_keeps_its_bytes)
{
	char *b = aligned_break();
	brk_raw(b + 100);
	b[50] = 7;
	brk_raw(b + 10);
	brk_raw(b + 100);
	ASSERT_EQ(b[50], 7);
}

TEST(below_the_start_it_stays)
{
	char *b = brk_raw(NULL);
	ASSERT(brk_raw((void *)PAGE) == b);
	ASSERT(brk_raw((void *)1) == b);
}

TEST(too_far_it_stays)
{
	char *b = brk_raw(NULL);
	ASSERT(brk_raw((void *)(1ul << 47)) == b);
	ASSERT(brk_raw((void *)-PAGE) == b);
}

TEST(it_does_not_grow_over_a_mapping)
{
	char *b = aligned_break();
	map_at(b + 4 * PAGE, PAGE, RW, ANON_PRIV | MAP_FIXED);
	ASSERT(brk_raw(b + 8 * PAGE) == b);
	ASSERT(brk_raw(b + 2 * PAGE) == b + 2 * PAGE);
}

TEST(the_data_limit_stops_it)
{
	struct rlimit rl = {0, RLIM_INFINITY};
	char *b = aligned_break();
	ASSERT_OK(setrlimit(RLIMIT_DATA, &rl));
	ASSERT(brk_raw(b + PAGE) == b);
	ASSERT_ERR(brk(b + PAGE), ENOMEM);
}

TEST(the_child_has_its_own)
{
	char *b = aligned_break();
	brk_raw(b + PAGE);
	b[0] = 1;
	JOIN(SPAWN({
		ASSERT(brk_raw(NULL) == b + PAGE);
		b[0] = 2;
		ASSERT(brk_raw(b) == b);
	}));
	ASSERT(brk_raw(NULL) == b + PAGE);
	ASSERT_EQ(b[0], 1);
}

TEST(sbrk_returns_the_old_break)
{
	char *b = sbrk(0);
	ASSERT(sbrk(1000) == b);
	ASSERT(sbrk(-1000) == b + 1000);
	ASSERT(sbrk(0) == b);
}

TEST(the_heap_is_named_in_maps)
{
	char line[256], *b = aligned_break();
	int found = 0;
	brk_raw(b + PAGE);
	FILE *f = fopen("/proc/self/maps", "re");
	ASSERT(f);
	while (fgets(line, sizeof line, f))
		if (strstr(line, "[heap]"))
			found = 1;
	ASSERT(found);
}

TEST_MAIN()
