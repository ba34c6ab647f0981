/* SPDX-License-Identifier: Apache-2.0 */
/* The first forms of calls for which libc uses a later one; and restart_syscall, unseen. */
#include "task.h"

TEST(the_fork_call_forks)
{
	int global = 1;
	pid_t p = (pid_t)syscall(SYS_fork);
	ASSERT_OK(p);
	if (p == 0)
		_exit(++global == 2 && getppid() != getpid() ? 7 : 1);
	int st = wait_status(p);
	ASSERT(WIFEXITED(st));
	ASSERT_EQ(WEXITSTATUS(st), 7);
	ASSERT_EQ(global, 1);
}

TEST(the_first_eventfd_has_no_flags)
{
	uint64_t v = 0;
	int fd = (int)syscall(SYS_eventfd, 5);
	ASSERT_OK(fd);
	ASSERT_EQ(fcntl(fd, F_GETFD), 0);
	ASSERT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ASSERT_EQ(read(fd, &v, 8), 8);
	ASSERT_EQ(v, 5);
}

TEST(the_first_signalfd_has_no_flags)
{
	uint64_t mask = 1ull << (SIGUSR1 - 1);
	unsigned char info[128];

	block_signal(SIGUSR1);
	int fd = (int)syscall(SYS_signalfd, -1, &mask, 8);
	ASSERT_OK(fd);
	ASSERT_EQ(fcntl(fd, F_GETFD), 0);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(read(fd, info, sizeof info), sizeof info);
	ASSERT_EQ(info[0], SIGUSR1);
	ASSERT_ERR(syscall(SYS_signalfd, -1, &mask, 4), EINVAL);
}

TEST(a_sleep_over_a_stop_is_restarted_and_ends_in_time)
{
	struct gate ready = gate_new();
	int64_t before = now_ns();
	pid_t p = SPAWN({
		struct timespec ts = {0, 200000000};
		gate_open(ready);
		ASSERT_OK(nanosleep(&ts, NULL));
		ASSERT(now_ns() - before >= 200000000);
	});
	int st;
	gate_wait(ready);
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	ASSERT(WIFSTOPPED(st));
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

TEST_MAIN()
