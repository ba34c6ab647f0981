/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits: the calls, and each limit at its edge. */
#include "task.h"

#include <pthread.h>
#include <sys/resource.h>

static void limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit rl = {soft, hard};
	ASSERT_OK(setrlimit(what, &rl));
}

static void soft_limit(int what, rlim_t soft)
{
	struct rlimit rl;
	ASSERT_OK(getrlimit(what, &rl));
	limit(what, soft, rl.rlim_max);
}

TEST(every_limit_can_be_read)
{
	struct rlimit rl;
	for (int i = 0; i < 16; i++) {
		ASSERT_OK(getrlimit(i, &rl));
		ASSERT(rl.rlim_cur <= rl.rlim_max);
	}
	ASSERT_ERR(getrlimit(16, &rl), EINVAL);
	ASSERT_ERR(getrlimit(-1, &rl), EINVAL);
}

TEST(what_is_set_is_read)
{
	struct rlimit rl;
	limit(RLIMIT_NOFILE, 100, 200);
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &rl));
	ASSERT(rl.rlim_cur == 100 && rl.rlim_max == 200);
}

TEST(soft_may_not_exceed_hard)
{
	struct rlimit rl = {201, 200};
	ASSERT_ERR(setrlimit(RLIMIT_NOFILE, &rl), EINVAL);
}

TEST(raising_the_hard_limit_needs_privilege)
{
	JOIN(SPAWN({
		limit(RLIMIT_NOFILE, 10, 20);
		ASSERT_OK(setuid(NOBODY));
		struct rlimit more = {10, 21};
		struct rlimit less = {15, 19};
		struct rlimit back = {15, 20};
		ASSERT_ERR(setrlimit(RLIMIT_NOFILE, &more), EPERM);
		ASSERT_OK(setrlimit(RLIMIT_NOFILE, &less));
		ASSERT_ERR(setrlimit(RLIMIT_NOFILE, &back), EPERM);
	}));
}

TEST(prlimit_sets_and_returns_the_old_one)
{
	struct rlimit rl = {5, 50}, old;
	limit(RLIMIT_NOFILE, 40, 50);
	ASSERT_OK(prlimit(0, RLIMIT_NOFILE, &rl, &old));
	ASSERT(old.rlim_cur == 40 && old.rlim_max == 50);
	ASSERT_OK(prlimit(getpid(), RLIMIT_NOFILE, NULL, &old));
	ASSERT(old.rlim_cur == 5 && old.rlim_max == 50);
	ASSERT_OK(prlimit(0, RLIMIT_NOFILE, NULL, NULL));
}

TEST(prlimit_reaches_another_process)
{
	struct rlimit rl = {7, 8}, seen;
	struct gate go = gate_new();
	pid_t p = SPAWN({
		gate_wait(go);
		ASSERT_OK(getrlimit(RLIMIT_NOFILE, &seen));
		ASSERT(seen.rlim_cur == 7 && seen.rlim_max == 8);
	});
	ASSERT_OK(prlimit(p, RLIMIT_NOFILE, &rl, NULL));
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &seen));
	ASSERT(seen.rlim_cur != 7);
	gate_open(go);
	JOIN(p);
}

TEST(prlimit_errors)
{
	struct rlimit rl;
	pid_t me = getpid();
	ASSERT_ERR(prlimit(dead_pid(), RLIMIT_CORE, NULL, &rl), ESRCH);
	ASSERT_ERR(prlimit(0, 16, NULL, &rl), EINVAL);
	ASSERT_ERR(syscall(SYS_prlimit64, 0, RLIMIT_CORE, 1, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, 1), EFAULT);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(prlimit(me, RLIMIT_CORE, NULL, &rl), EPERM);
	}));
}

TEST(nofile_limits_the_number_not_the_count)
{
	int fd = open("/dev/null", O_RDONLY);
	ASSERT_EQ(dup2(fd, 50), 50);
	soft_limit(RLIMIT_NOFILE, 20);
	for (int i = 0; i < 100; i++) {
		fd = dup(0);
		if (fd < 0)
			break;
	}
	ASSERT_ERR(dup(0), EMFILE);
	ASSERT_ERR(open("/dev/null", O_RDONLY), EMFILE);
	int p[2];
	ASSERT_ERR(pipe(p), EMFILE);
	/* What is open above the limit goes on working. */
	ASSERT_OK(fcntl(50, F_GETFD));
	close(19);
	ASSERT_EQ(dup(0), 19);
}

TEST(nofile_bounds_dup2_and_f_dupfd)
{
	soft_limit(RLIMIT_NOFILE, 20);
	ASSERT_EQ(dup2(0, 19), 19);
	ASSERT_ERR(dup2(0, 20), EBADF);
	ASSERT_ERR(fcntl(0, F_DUPFD, 20), EINVAL);
	ASSERT_ERR(fcntl(0, F_DUPFD, 19), EMFILE);
}

TEST(fsize_stops_a_write_at_the_limit)
{
	char buf[100] = {0};
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	on_signal(SIGXFSZ, count_signal, 0);
	soft_limit(RLIMIT_FSIZE, 150);
	ASSERT_EQ(write(fd, buf, 100), 100);
	ASSERT_EQ(write(fd, buf, 100), 50);
	ASSERT_EQ(signal_count, 0);
	ASSERT_ERR(write(fd, buf, 1), EFBIG);
	ASSERT_EQ(signal_count, 1);
	ASSERT_ERR(ftruncate(fd, 151), EFBIG);
	ASSERT_EQ(signal_count, 2);
	ASSERT_OK(ftruncate(fd, 150));
}

TEST(fsize_kills_by_default)
{
	test_tmpdir();
	pid_t p = SPAWN({
		int fd = open("f", O_RDWR | O_CREAT, 0600);
		soft_limit(RLIMIT_FSIZE, 0);
		ASSERT_EQ(write(fd, "x", 1), 1);
	});
	ASSERT_EQ(wait_status(p) & 0x7f, SIGXFSZ);
}

TEST(fsize_does_not_limit_pipes)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	soft_limit(RLIMIT_FSIZE, 0);
	ASSERT_EQ(write(fd[1], "x", 1), 1);
}

/* A user nobody else is, so that nobody else's processes count. */
static uid_t lonely_user(void)
{
	return 1000000 + (uid_t)getpid();
}

TEST(nproc_limits_an_ordinary_user)
{
	JOIN(SPAWN({
		limit(RLIMIT_NPROC, 2, 2);
		ASSERT_OK(setuid(lonely_user()));
		pid_t p = SPAWN({ pause(); });
		ASSERT_ERR(fork(), EAGAIN);
		kill_and_reap(p);
		JOIN(SPAWN({}));
	}));
}

static void *nothing(void *arg)
{
	return arg;
}

TEST(nproc_counts_threads)
{
	JOIN(SPAWN({
		pthread_t t;
		limit(RLIMIT_NPROC, 1, 1);
		ASSERT_OK(setuid(lonely_user()));
		ASSERT_EQ(pthread_create(&t, NULL, nothing, NULL), EAGAIN);
	}));
}

/* setuid succeeds, and the program that would be too many cannot be started. */
TEST(nproc_stops_the_exec_after_setuid)
{
	char *argv[] = {"true", NULL};
	uid_t user = lonely_user();
	struct gate there = gate_new();
	pid_t other = SPAWN({
		ASSERT_OK(setuid(user));
		gate_open(there);
		pause();
	});
	gate_wait(there);
	JOIN(SPAWN({
		soft_limit(RLIMIT_NPROC, 0);
		ASSERT_OK(setuid(user));
		ASSERT_ERR(execv("/bin/true", argv), EAGAIN);
		soft_limit(RLIMIT_NPROC, 100);
		execv("/bin/true", argv);
		FAIL("exec");
	}));
	kill_and_reap(other);
}

TEST(nproc_does_not_limit_root)
{
	limit(RLIMIT_NPROC, 1, 1);
	JOIN(SPAWN({}));
}

TEST(as_limits_mappings)
{
	soft_limit(RLIMIT_AS, 64 << 20);
	ASSERT(mmap(NULL, 100 << 20, PROT_NONE, ANON_PRIV, -1, 0) == MAP_FAILED);
	ASSERT_EQ(errno, ENOMEM);
	char *m = map_anon(20 << 20);
	ASSERT(mremap(m, 20 << 20, 100 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
	ASSERT_EQ(errno, ENOMEM);
	ASSERT_OK(munmap(m, 20 << 20));
	map_anon(20 << 20);
}

TEST(data_limits_private_writable_memory)
{
	soft_limit(RLIMIT_DATA, 8 << 20);
	ASSERT(mmap(NULL, 20 << 20, RW, ANON_PRIV, -1, 0) == MAP_FAILED);
	ASSERT_EQ(errno, ENOMEM);
	char *m = map_at(NULL, 20 << 20, PROT_READ, ANON_PRIV);
	ASSERT_ERR(mprotect(m, 20 << 20, RW), ENOMEM);
	map_at(NULL, 20 << 20, RW, ANON_SHR);
}

TEST(stack_limits_growth)
{
	pid_t p = SPAWN({
		uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
		soft_limit(RLIMIT_STACK, 1 << 20);
		*(volatile char *)(sp - (2 << 20)) = 1;
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(stack_limits_the_arguments_of_exec)
{
	JOIN(SPAWN({
		char *big = malloc(100001);
		char *argv[6];
		memset(big, 'x', 100000);
		big[100000] = 0;
		for (int i = 0; i < 5; i++)
			argv[i] = big;
		argv[5] = NULL;
		/* A quarter of the limit, but never under 128 KiB. */
		soft_limit(RLIMIT_STACK, 1 << 20);
		ASSERT_ERR(execv("/proc/self/exe", argv), E2BIG);
	}));
}

TEST(sigpending_limits_queued_signals)
{
	block_signal(SIGRTMIN);
	block_signal(SIGUSR1);
	soft_limit(RLIMIT_SIGPENDING, 0);
	ASSERT_ERR(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}), EAGAIN);
	/* A standard signal gets through without its information. */
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT(is_pending(SIGUSR1));
}

TEST(cpu_sends_sigxcpu)
{
	on_signal(SIGXCPU, count_signal, 0);
	soft_limit(RLIMIT_CPU, 1);
	while (!signal_count)
		;
	/* The limit is compared with time sampled at clock ticks, hence far from exact. */
	ASSERT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 100000000);
}

TEST(cpu_kills_at_the_hard_limit)
{
	pid_t p = SPAWN({
		on_signal(SIGXCPU, count_signal, 0);
		limit(RLIMIT_CPU, 1, 2);
		for (;;)
			;
	});
	ASSERT_EQ(wait_status(p), SIGKILL);
}

/* What the limit arms must not be left behind when the process is waited for. */
TEST(cpu_of_a_zombie_can_be_limited)
{
	struct rlimit rl = {1, RLIM_INFINITY};
	siginfo_t info;
	for (int i = 0; i < 20; i++) {
		pid_t p = SPAWN({});
		ASSERT_OK(waitid(P_PID, (id_t)p, &info, WEXITED | WNOWAIT));
		ASSERT_OK(prlimit(p, RLIMIT_CPU, &rl, NULL));
		JOIN(p);
	}
	/* Longer than the limit. */
	for (int i = 0; i < 12; i++)
		JOIN(SPAWN({ usleep(100000); }));
}

TEST(nice_bounds_setpriority)
{
	JOIN(SPAWN({
		limit(RLIMIT_NICE, 0, 0);
		ASSERT_OK(setuid(NOBODY));
		ASSERT_OK(setpriority(PRIO_PROCESS, 0, 5));
		ASSERT_ERR(setpriority(PRIO_PROCESS, 0, 0), EACCES);
		ASSERT_OK(setpriority(PRIO_PROCESS, 0, 5));
	}));
}

TEST(the_old_calls_clamp_nothing_on_64_bits)
{
	struct rlimit rl = {1ul << 40, RLIM_INFINITY}, seen;
	if (setrlimit(RLIMIT_FSIZE, &rl) < 0)
		SKIP("the hard limit is lower");
	ASSERT_OK(getrlimit(RLIMIT_FSIZE, &seen));
	ASSERT(seen.rlim_cur == 1ul << 40 && seen.rlim_max == RLIM_INFINITY);
}

TEST_MAIN()
