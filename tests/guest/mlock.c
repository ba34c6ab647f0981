/* SPDX-License-Identifier: Apache-2.0 */
/* mlock, mlock2, mlockall, munlock: residence, accounting and limits. */
#include "task.h"

#include <sys/resource.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static unsigned long long locked_kb(void)
{
	return status_field("VmLck", 10);
}

static void drop_root(rlim_t limit)
{
	struct rlimit rl = {limit, limit};
	ASSERT_OK(setrlimit(RLIMIT_MEMLOCK, &rl));
	ASSERT_OK(setuid(NOBODY));
}

TEST(locked_pages_are_resident_and_counted)
{
	unsigned char v[4];
	unsigned long long before = locked_kb();
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(mlock(m, 4 * PAGE));
	ASSERT_OK(mincore(m, 4 * PAGE, v));
	ASSERT(v[0] & v[1] & v[2] & v[3] & 1);
	ASSERT_EQ(locked_kb() - before, 16);
	ASSERT_OK(munlock(m, 2 * PAGE));
	ASSERT_EQ(locked_kb() - before, 8);
	ASSERT_OK(munmap(m, 4 * PAGE));
	ASSERT_EQ(locked_kb(), before);
}

TEST(the_range_is_rounded_outwards)
{
	unsigned long long before = locked_kb();
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(mlock(m + PAGE - 1, 2));
	ASSERT_EQ(locked_kb() - before, 8);
}

TEST(locking_twice_counts_once)
{
	unsigned long long before = locked_kb();
	char *m = map_anon(PAGE);
	ASSERT_OK(mlock(m, PAGE));
	ASSERT_OK(mlock(m, PAGE));
	ASSERT_EQ(locked_kb() - before, 4);
	ASSERT_OK(munlock(m, PAGE));
	ASSERT_EQ(locked_kb(), before);
}

TEST(locks_are_not_inherited)
{
	ASSERT_OK(mlock(map_anon(PAGE), PAGE));
	JOIN(SPAWN({ ASSERT_EQ(locked_kb(), 0); }));
}

TEST(errors)
{
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(mlock(m, 3 * PAGE), ENOMEM);
	ASSERT_ERR(mlock(m + PAGE, PAGE), ENOMEM);
	ASSERT_ERR(munlock(m + PAGE, PAGE), ENOMEM);
	ASSERT_ERR(syscall(SYS_mlock, m, -(long)PAGE), EINVAL);
	ASSERT_ERR(syscall(SYS_mlock2, m, PAGE, 2), EINVAL);
	ASSERT_ERR(mlockall(0), EINVAL);
	ASSERT_ERR(mlockall(8), EINVAL);
	ASSERT_ERR(mlockall(MCL_ONFAULT), EINVAL);
	ASSERT_OK(mlock(m, 0));
}

TEST(mlock2_onfault_locks_later)
{
	unsigned char v[8];
	unsigned long long before = locked_kb();
	char *m = map_anon(8 * PAGE);
	madvise(m, 8 * PAGE, MADV_NOHUGEPAGE);
	ASSERT_OK(syscall(SYS_mlock2, m, 8 * PAGE, MLOCK_ONFAULT));
	ASSERT_EQ(locked_kb() - before, 32);
	ASSERT_OK(mincore(m, 8 * PAGE, v));
	ASSERT(!(v[4] & 1));
}

TEST(without_privilege_the_limit_counts)
{
	JOIN(SPAWN({
		drop_root(4 * PAGE);
		char *m = map_anon(8 * PAGE);
		ASSERT_OK(mlock(m, 4 * PAGE));
		ASSERT_ERR(mlock(m + 4 * PAGE, PAGE), ENOMEM);
		ASSERT_OK(munlock(m, PAGE));
		ASSERT_OK(mlock(m + 4 * PAGE, PAGE));
	}));
}

TEST(without_privilege_and_limit_it_is_eperm)
{
	JOIN(SPAWN({
		drop_root(0);
		char *m = map_anon(PAGE);
		ASSERT_ERR(mlock(m, PAGE), EPERM);
		ASSERT_ERR(mlockall(MCL_CURRENT), EPERM);
		ASSERT_OK(munlock(m, PAGE));
		ASSERT_OK(munlockall());
	}));
}

TEST(root_is_not_limited)
{
	struct rlimit rl = {0, 0};
	ASSERT_OK(setrlimit(RLIMIT_MEMLOCK, &rl));
	ASSERT_OK(mlock(map_anon(PAGE), PAGE));
}

TEST(map_locked_counts)
{
	unsigned long long before = locked_kb();
	map_at(NULL, 2 * PAGE, RW, ANON_PRIV | MAP_LOCKED);
	ASSERT_EQ(locked_kb() - before, 8);
	JOIN(SPAWN({
		drop_root(0);
		ASSERT(mmap(NULL, PAGE, RW, ANON_PRIV | MAP_LOCKED, -1, 0) == MAP_FAILED);
		ASSERT_EQ(errno, EPERM);
	}));
}

TEST(mlockall_future_locks_what_comes)
{
	ASSERT_OK(mlockall(MCL_FUTURE));
	unsigned long long before = locked_kb();
	unsigned char v;
	char *m = map_anon(PAGE);
	ASSERT_EQ(locked_kb() - before, 4);
	ASSERT_OK(mincore(m, PAGE, &v));
	ASSERT(v & 1);
	ASSERT_OK(munlockall());
	ASSERT_EQ(locked_kb(), 0);
}

TEST(dontneed_of_locked_memory_is_einval)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(mlock(m, PAGE));
	ASSERT_ERR(madvise(m, PAGE, MADV_DONTNEED), EINVAL);
	ASSERT_ERR(msync(m, PAGE, MS_INVALIDATE), EBUSY);
}

/* Pages that cost nothing but time: all of them are the zero page. */
static void killed_while(int how)
{
	size_t size = 256ull << 30;
	pid_t pid = SPAWN({
		int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		char *m = mmap(NULL, size, PROT_READ, flags, -1, 0);
		ASSERT(m != MAP_FAILED);
		madvise(m, size, MADV_NOHUGEPAGE);
		if (how == 0)
			mlock(m, size);
		else if (how == 1)
			madvise(m, size, 22 /* MADV_POPULATE_READ */);
		else
			mmap(m, size, PROT_READ, flags | MAP_POPULATE | MAP_FIXED, -1, 0);
		pause();
	});
	int64_t begin;
	nap(200);
	begin = clock_ns(CLOCK_MONOTONIC);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	ASSERT(clock_ns(CLOCK_MONOTONIC) - begin < 10000000000);
}

TEST(mlock_of_much_memory_can_be_killed)
{
	killed_while(0);
}

TEST(populating_much_memory_can_be_killed)
{
	killed_while(1);
}

TEST(mapping_much_memory_populated_can_be_killed)
{
	killed_while(2);
}

TEST_MAIN()
