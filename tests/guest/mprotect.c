/* SPDX-License-Identifier: Apache-2.0 */
/* mprotect: what it allows and refuses, and where it stops. */
#include "task.h"

#include <sys/prctl.h>

static int can(void *p, int write)
{
	pid_t pid = SPAWN({
		volatile char *c = p;
		if (write)
			*c = 1;
		else
			(void)*c;
	});
	int st = wait_status(pid);
	ASSERT(st == 0 || st == SIGSEGV);
	return st == 0;
}

TEST(read_only_memory_keeps_its_contents)
{
	char *m = map_anon(PAGE);
	m[5] = 7;
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(m[5], 7);
	ASSERT(can(m, 0) && !can(m, 1));
	ASSERT_OK(mprotect(m, PAGE, RW));
	ASSERT_EQ(m[5], 7);
	ASSERT(can(m, 1));
}

TEST(none_forbids_everything_and_loses_nothing)
{
	char *m = map_anon(PAGE);
	m[5] = 7;
	ASSERT_OK(mprotect(m, PAGE, PROT_NONE));
	ASSERT(!can(m, 0) && !can(m, 1));
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(m[5], 7);
}

TEST(only_the_named_pages_change)
{
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(mprotect(m + PAGE, PAGE, PROT_NONE));
	ASSERT(can(m, 1) && !can(m + PAGE, 0) && can(m + 2 * PAGE, 1));
}

TEST(the_length_is_rounded_up)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_OK(mprotect(m, 1, PROT_NONE));
	ASSERT(!can(m + PAGE - 1, 0) && can(m + PAGE, 1));
	ASSERT_OK(mprotect(m, PAGE + 1, PROT_NONE));
	ASSERT(!can(m + 2 * PAGE - 1, 0));
}

TEST(errors)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_ERR(mprotect(m + 1, PAGE, RW), EINVAL);
	ASSERT_ERR(mprotect(m, PAGE, 0x40000000), EINVAL);
	ASSERT_ERR(mprotect(m, PAGE, PROT_GROWSUP | PROT_GROWSDOWN), EINVAL);
	ASSERT_ERR(mprotect(m, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
	ASSERT_ERR(mprotect(m, SIZE_MAX - PAGE, RW), ENOMEM);
	ASSERT_ERR(mprotect((void *)-PAGE, PAGE, RW), ENOMEM);
	ASSERT_OK(munmap(m, 2 * PAGE));
	ASSERT_ERR(mprotect(m, PAGE, RW), ENOMEM);
}

TEST(length_zero_succeeds_anywhere)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(mprotect(m, 0, PROT_NONE));
	ASSERT(can(m, 1));
	ASSERT_OK(munmap(m, PAGE));
	ASSERT_OK(mprotect(m, 0, PROT_NONE));
	ASSERT_ERR(mprotect(m + 1, 0, PROT_NONE), EINVAL);
}

TEST(a_hole_stops_it_after_the_pages_before)
{
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(mprotect(m, 3 * PAGE, PROT_READ), ENOMEM);
	/* The kernel wins: no rollback. */
	ASSERT(!can(m, 1));
	ASSERT(can(m + 2 * PAGE, 1));
}

TEST(a_range_may_cross_areas_of_different_kinds)
{
	char *m = map_anon(3 * PAGE);
	map_at(m + PAGE, PAGE, PROT_NONE, ANON_SHR | MAP_FIXED);
	ASSERT_OK(mprotect(m, 3 * PAGE, PROT_READ));
	ASSERT(can(m, 0) && can(m + PAGE, 0) && can(m + 2 * PAGE, 0));
	ASSERT(!can(m + PAGE, 1));
}

TEST(a_private_mapping_of_a_read_only_file_can_become_writable)
{
	char c;
	test_tmpdir();
	close(file_of_pages("f", PAGE));
	int fd = open("f", O_RDONLY);
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_OK(mprotect(m, PAGE, RW));
	m[0] = 'x';
	ASSERT_EQ(pread(fd, &c, 1, 0), 1);
	ASSERT_EQ(c, 'a');
}

TEST(a_shared_mapping_of_a_read_only_file_cannot)
{
	test_tmpdir();
	close(file_of_pages("f", PAGE));
	int fd = open("f", O_RDONLY);
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_ERR(mprotect(m, PAGE, RW), EACCES);
	ASSERT_OK(mprotect(m, PAGE, PROT_NONE));
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(m[0], 'a');
}

TEST(code_runs_after_exec_is_granted)
{
	char *m = map_anon(PAGE);
	memcpy(m, "\xb8\x2a\x00\x00\x00\xc3", 6);
	int (*fn)(void) = (int (*)(void))(void *)m;
	ASSERT_EQ(wait_status(SPAWN({ _exit(fn()); })), SIGSEGV);
	ASSERT_OK(mprotect(m, PAGE, PROT_READ | PROT_EXEC));
	ASSERT_EQ(fn(), 42);
}

TEST(system_calls_respect_it)
{
	int fd[2];
	char *m = map_anon(PAGE);
	ASSERT_OK(pipe(fd));
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(write(fd[1], m, 10), 10);
	ASSERT_ERR(read(fd[0], m, 10), EFAULT);
	ASSERT_OK(mprotect(m, PAGE, PROT_NONE));
	ASSERT_ERR(write(fd[1], m, 10), EFAULT);
}

TEST(the_program_text_can_be_made_writable_privately)
{
	JOIN(SPAWN({
		uintptr_t page = (uintptr_t)&page_is_mapped & ~(PAGE - 1);
		ASSERT_OK(mprotect((void *)page, 2 * PAGE, RW | PROT_EXEC));
		volatile char *c = (volatile char *)page;
		*c = *c;
	}));
}

TEST(two_hundred_flips)
{
	char *m = map_anon(4 * PAGE);
	for (int i = 0; i < 200; i++) {
		m[i] = (char)i;
		ASSERT_OK(mprotect(m, 4 * PAGE, i % 2 ? PROT_READ : PROT_NONE));
		ASSERT_OK(mprotect(m, 4 * PAGE, RW));
	}
	ASSERT_EQ(m[199], (char)199);
}

TEST_MAIN()
