/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a call, while its caller is stopped: what it will read can still be changed
 * before it, what it has written is there after it.
 */
#include "trace.h"

#include <sys/uio.h>
#include <sys/utsname.h>

static char buf[8192];

static pid_t tracee_of(void (*fn)(void))
{
	pid_t p = TRACEE({
		fn();
		_exit(0);
	});
	options(p, PTRACE_O_TRACESYSGOOD);
	return p;
}

static ssize_t look(pid_t p, void *at, void *to, size_t n)
{
	struct iovec l = {to, n}, r = {at, n};
	return process_vm_readv(p, &l, 1, &r, 1, 0);
}

static ssize_t change(pid_t p, void *at, const void *from, size_t n)
{
	struct iovec l = {(void *)from, n}, r = {at, n};
	return process_vm_writev(p, &l, 1, &r, 1, 0);
}

static void calls_uname(void)
{
	ASSERT_OK(syscall(SYS_uname, buf));
	ASSERT_EQ(strncmp(buf, "Linux", 6), 0);
}

TEST(what_a_call_has_written_is_there_at_its_end)
{
	struct utsname u;
	pid_t p = tracee_of(calls_uname);
	run_to_call(p, SYS_uname);
	ASSERT_EQ(look(p, buf, &u, sizeof u), sizeof u);
	ASSERT_EQ(u.sysname[0], 0);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	ASSERT_EQ(look(p, buf, &u, sizeof u), sizeof u);
	ASSERT_EQ(strcmp(u.sysname, "Linux"), 0);
	cont(p, 0);
	expect_exit(p, 0);
}

static void reads_and_compares(void)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	ASSERT_EQ(write(fd[1], "0123456789", 10), 10);
	ASSERT_EQ(read(fd[0], buf, 100), 10);
	ASSERT_EQ(memcmp(buf, "01xx456789", 11), 0);
}

TEST(what_is_changed_after_a_call_stays_changed)
{
	char got[10];
	pid_t p = tracee_of(reads_and_compares);
	run_to_call(p, SYS_read);
	ASSERT_EQ(step_call(p), SYSCALL_STOP);
	ASSERT_EQ(look(p, buf, got, 10), 10);
	ASSERT_EQ(memcmp(got, "0123456789", 10), 0);
	ASSERT_EQ(change(p, buf + 2, "xx", 2), 2);
	cont(p, 0);
	expect_exit(p, 0);
}

static void opens_null(void)
{
	strcpy(buf, "/dev/zero");
	int fd = (int)syscall(SYS_open, buf, O_RDONLY);
	char c;
	ASSERT_OK(fd);
	/* The tracer has made it the null device. */
	ASSERT_EQ(read(fd, &c, 1), 0);
}

TEST(what_is_changed_before_a_call_counts)
{
	pid_t p = tracee_of(opens_null);
	run_to_call(p, SYS_open);
	ASSERT_EQ(change(p, buf, "/dev/null", 10), 10);
	cont(p, 0);
	expect_exit(p, 0);
}

static void writes_to_a_pipe(void)
{
	int fd[2];
	char got[8];
	ASSERT_OK(pipe(fd));
	strcpy(buf, "before");
	ASSERT_EQ(write(fd[1], buf, 6), 6);
	ASSERT_EQ(read(fd[0], got, 6), 6);
	ASSERT_EQ(memcmp(got, "behind", 6), 0);
}

TEST(a_buffer_is_read_when_the_call_runs)
{
	pid_t p = tracee_of(writes_to_a_pipe);
	run_to_call(p, SYS_write);
	poke(p, buf, (long)0x646e69686562); /* "behind" */
	cont(p, 0);
	expect_exit(p, 0);
}

/* A parent that does not trace: the stop is that of the whole process. */
TEST(a_stopped_process_has_its_memory_in_order)
{
	char *shared = map_shared(PAGE);
	pid_t p = SPAWN({
		for (;;) {
			struct utsname *u = (void *)shared;
			memset(u, 0, sizeof *u);
			syscall(SYS_uname, u);
			/* What it has returned with is there, wherever it is stopped. */
			shared[4000] = 1;
			if (strcmp(u->sysname, "Linux") != 0)
				_exit(1);
			shared[4000] = 0;
		}
	});
	for (int i = 0; i < 50; i++) {
		ASSERT_OK(kill(p, SIGSTOP));
		int st;
		ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
		ASSERT(WIFSTOPPED(st));
		if (shared[4000])
			ASSERT_EQ(strcmp(shared, "Linux"), 0);
		ASSERT_OK(kill(p, SIGCONT));
	}
	ASSERT_OK(kill(p, SIGKILL));
	expect_killed(p, SIGKILL);
}

TEST_MAIN()
