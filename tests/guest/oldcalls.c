/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first forms of calls for which libc uses a later one, and calls it has no function for:
 * fork, eventfd, signalfd, restart_syscall, kcmp, membarrier, syslog, clock_adjtime.
 */
#include "task.h"

#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <sys/klog.h>
#include <sys/timex.h>

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

TEST(restart_syscall_with_nothing_to_restart_is_eintr)
{
	ASSERT_ERR(syscall(SYS_restart_syscall), EINTR);
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

static long kcmp(pid_t a, pid_t b, int type, unsigned long i, unsigned long j)
{
	long r = syscall(SYS_kcmp, a, b, type, i, j);
	if (r < 0 && errno == ENOSYS)
		SKIP("no kcmp in this kernel");
	return r;
}

TEST(kcmp_knows_one_file_from_two)
{
	pid_t me = getpid();
	int a = open("/dev/null", O_RDONLY), b = dup(a), c = open("/dev/null", O_RDONLY);
	ASSERT_EQ(kcmp(me, me, KCMP_FILE, (unsigned long)a, (unsigned long)b), 0);
	long one = kcmp(me, me, KCMP_FILE, (unsigned long)a, (unsigned long)c);
	long other = kcmp(me, me, KCMP_FILE, (unsigned long)c, (unsigned long)a);
	ASSERT((one == 1 && other == 2) || (one == 2 && other == 1));
	ASSERT_ERR(kcmp(me, me, KCMP_FILE, (unsigned long)a, 900), EBADF);
}

TEST(kcmp_tells_what_processes_share)
{
	pid_t me = getpid();
	struct gate done = gate_new();
	ASSERT_EQ(kcmp(me, me, KCMP_VM, 0, 0), 0);
	pid_t p = SPAWN({ gate_wait(done); });
	ASSERT(kcmp(me, p, KCMP_VM, 0, 0) > 0);
	ASSERT(kcmp(me, p, KCMP_FILES, 0, 0) > 0);
	ASSERT_EQ(kcmp(me, p, KCMP_FILE, 0, 0), 0);
	gate_open(done);
	JOIN(p);
	ASSERT_ERR(kcmp(me, dead_pid(), KCMP_VM, 0, 0), ESRCH);
	ASSERT_ERR(kcmp(me, me, 99, 0, 0), EINVAL);
}

TEST(membarrier_does_only_what_its_query_offers)
{
	long offered = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	if (offered < 0 && errno == ENOSYS)
		SKIP("no membarrier in this kernel");
	ASSERT_OK(offered);
	if (offered & MEMBARRIER_CMD_GLOBAL)
		ASSERT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	else
		ASSERT_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1u << 30, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

TEST(the_kernels_log_checks_its_arguments)
{
	char line[16];
	ASSERT_ERR(klogctl(11, NULL, 0), EINVAL);
	ASSERT_ERR(klogctl(-1, NULL, 0), EINVAL);
	ASSERT_ERR(klogctl(3, NULL, 1), EINVAL);
	ASSERT_ERR(klogctl(3, line, -1), EINVAL);
	ASSERT_EQ(klogctl(3, line, 0), 0);
	ASSERT_OK(klogctl(10, NULL, 0));
	ASSERT_ERR(klogctl(8, NULL, 9), EINVAL);
}

TEST(clock_adjtime_reads_the_real_time_clock)
{
	struct timex x = {.modes = 0};
	ASSERT_OK(clock_adjtime(CLOCK_REALTIME, &x));
	int64_t ns = clock_ns(CLOCK_REALTIME);
	ASSERT(ns / 1000000000 - x.time.tv_sec <= 1);
	ASSERT(x.tick > 0);
	ASSERT_ERR(clock_adjtime(CLOCK_MONOTONIC, &x), EOPNOTSUPP);
	ASSERT_ERR(clock_adjtime(77, &x), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME, 8), EFAULT);
}

TEST_MAIN()
