/* SPDX-License-Identifier: Apache-2.0 */
/* fork: what the child gets a copy of, what it shares, and what it starts without. */
#include "task.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

static int global = 1;

TEST(memory_is_copied_both_ways)
{
	int local = 2;
	char *heap = malloc(100), *map = map_anon(PAGE);
	struct gate wrote = gate_new(), checked = gate_new();
	strcpy(heap, "before");
	strcpy(map, "before");
	pid_t p = SPAWN({
		gate_wait(wrote);
		ASSERT_EQ(global, 1);
		ASSERT_EQ(local, 2);
		ASSERT_EQ(strcmp(heap, "before"), 0);
		ASSERT_EQ(strcmp(map, "before"), 0);
		global = local = 9;
		strcpy(heap, "child");
		strcpy(map, "child");
		gate_open(checked);
	});
	global = local = 5;
	strcpy(heap, "parent");
	strcpy(map, "parent");
	gate_open(wrote);
	gate_wait(checked);
	JOIN(p);
	ASSERT_EQ(global, 5);
	ASSERT_EQ(local, 5);
	ASSERT_EQ(strcmp(heap, "parent"), 0);
	ASSERT_EQ(strcmp(map, "parent"), 0);
}

TEST(shared_memory_stays_shared)
{
	volatile int *m = (volatile int *)map_shared(PAGE);
	m[0] = 1;
	JOIN(SPAWN({
		ASSERT_EQ(m[0], 1);
		m[1] = 2;
	}));
	ASSERT_EQ(m[1], 2);
}

TEST(a_large_private_area_survives_the_childs_writes)
{
	size_t len = 8 << 20;
	unsigned char *m = (unsigned char *)map_anon(len);
	for (size_t i = 0; i < len; i += 512)
		m[i] = (unsigned char)(i >> 9);
	JOIN(SPAWN({ memset(m, 0xee, len); }));
	for (size_t i = 0; i < len; i += 512)
		ASSERT_EQ(m[i], (unsigned char)(i >> 9));
}

TEST(file_offset_is_shared)
{
	test_tmpdir();
	int fd = file_of_pages("f", 3 * PAGE);
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
	JOIN(SPAWN({ ASSERT_EQ(lseek(fd, 100, SEEK_CUR), 100); }));
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 100);
}

TEST(file_status_flags_are_shared_and_descriptor_flags_are_not)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	JOIN(SPAWN({
		ASSERT_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
		ASSERT_OK(fcntl(fd[0], F_SETFD, FD_CLOEXEC));
	}));
	ASSERT(fcntl(fd[0], F_GETFL) & O_NONBLOCK);
	ASSERT_EQ(fcntl(fd[0], F_GETFD), 0);
}

TEST(closing_in_the_child_leaves_the_parents_descriptor)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	JOIN(SPAWN({
		ASSERT_OK(close(fd[0]));
		ASSERT_OK(close(fd[1]));
	}));
	ASSERT_EQ(write(fd[1], "x", 1), 1);
}

TEST(close_on_exec_descriptors_stay_open_over_fork)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT_OK(fd);
	JOIN(SPAWN({ ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC); }));
}

TEST(pending_signals_are_not_inherited)
{
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT(is_pending(SIGUSR1));
	JOIN(SPAWN({ ASSERT(!is_pending(SIGUSR1)); }));
	ASSERT(is_pending(SIGUSR1));
}

TEST(mask_and_handlers_are_inherited)
{
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	on_signal(SIGUSR2, SIG_IGN, 0);
	block_signal(SIGHUP);
	JOIN(SPAWN({
		struct sigaction sa;
		sigset_t s;
		ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
		ASSERT(sa.sa_handler == count_signal && sa.sa_flags & SA_RESTART);
		ASSERT_OK(sigaction(SIGUSR2, NULL, &sa));
		ASSERT(sa.sa_handler == SIG_IGN);
		ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &s));
		ASSERT(sigismember(&s, SIGHUP));
		ASSERT(!sigismember(&s, SIGINT));
		ASSERT_OK(raise(SIGUSR1));
		ASSERT_EQ(signal_count, 1);
	}));
	ASSERT_EQ(signal_count, 0);
}

TEST(handlers_are_a_copy)
{
	JOIN(SPAWN({ on_signal(SIGUSR1, SIG_IGN, 0); }));
	struct sigaction sa;
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == SIG_DFL);
}

TEST(the_alternate_signal_stack_is_inherited)
{
	stack_t ss = {.ss_sp = map_anon(65536), .ss_size = 65536}, old;
	ASSERT_OK(sigaltstack(&ss, NULL));
	JOIN(SPAWN({
		ASSERT_OK(sigaltstack(NULL, &old));
		ASSERT(old.ss_sp == ss.ss_sp && old.ss_size == ss.ss_size);
	}));
}

TEST(cwd_and_umask_are_copied)
{
	char here[PATH_MAX], there[PATH_MAX];
	test_tmpdir();
	umask(027);
	ASSERT(getcwd(here, sizeof here));
	JOIN(SPAWN({
		ASSERT(getcwd(there, sizeof there));
		ASSERT_EQ(strcmp(here, there), 0);
		ASSERT_EQ(umask(0), 027);
		ASSERT_OK(chdir("/"));
	}));
	ASSERT(getcwd(there, sizeof there));
	ASSERT_EQ(strcmp(here, there), 0);
	ASSERT_EQ(umask(0), 027);
}

TEST(alarm_is_not_inherited)
{
	alarm(1000);
	JOIN(SPAWN({ ASSERT_EQ(alarm(0), 0); }));
	ASSERT(alarm(20) > 900);
}

TEST(cpu_times_of_the_child_start_at_zero)
{
	struct tms t;
	do
		times(&t);
	while (t.tms_utime + t.tms_stime < 10);
	JOIN(SPAWN({
		struct tms c;
		times(&c);
		ASSERT(c.tms_utime + c.tms_stime < 10);
		ASSERT_EQ(c.tms_cutime + c.tms_cstime, 0);
	}));
}

TEST(record_locks_are_not_inherited)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	ASSERT_OK(fcntl(fd, F_SETLK, &l));
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_ERR(fcntl(fd, F_SETLK, &l), EAGAIN);
		ASSERT_OK(fcntl(fd, F_GETLK, &l));
		ASSERT_EQ(l.l_type, F_WRLCK);
		ASSERT_EQ(l.l_pid, me);
	}));
}

TEST(parent_death_signal_is_cleared)
{
	int sig = -1;
	ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGHUP));
	JOIN(SPAWN({
		ASSERT_OK(prctl(PR_GET_PDEATHSIG, &sig));
		ASSERT_EQ(sig, 0);
	}));
}

TEST(rlimits_and_nice_are_inherited)
{
	struct rlimit r = {77, 88}, seen;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &r));
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 3));
	JOIN(SPAWN({
		ASSERT_OK(getrlimit(RLIMIT_NOFILE, &seen));
		ASSERT(seen.rlim_cur == 77 && seen.rlim_max == 88);
		ASSERT_EQ(getpriority(PRIO_PROCESS, 0), 3);
	}));
}

TEST(twenty_children_have_twenty_pids_and_statuses)
{
	pid_t p[20];
	for (int i = 0; i < 20; i++) {
		p[i] = SPAWN({ _exit(i); });
		for (int j = 0; j < i; j++)
			ASSERT(p[i] != p[j]);
	}
	for (int i = 19; i >= 0; i--)
		ASSERT_EQ(wait_status(p[i]), i << 8);
	ASSERT_ERR(wait(NULL), ECHILD);
}

static void descend(int depth)
{
	if (depth > 0)
		JOIN(SPAWN({ descend(depth - 1); }));
}

TEST(a_chain_of_thirty_generations)
{
	descend(30);
}

static void *sleep_forever(void *arg)
{
	gate_open(*(struct gate *)arg);
	for (;;)
		pause();
	return NULL;
}

TEST(only_the_forking_thread_exists_in_the_child)
{
	struct gate up = gate_new();
	pthread_t t;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(pthread_create(&t, NULL, sleep_forever, &up), 0);
		gate_wait(up);
	}
	ASSERT_EQ(status_field("Threads", 10), 4);
	JOIN(SPAWN({ ASSERT_EQ(status_field("Threads", 10), 1); }));
}

static void fork_in_handler(int sig)
{
	(void)sig;
	JOIN(SPAWN({ signal_count = 100; }));
	signal_count = signal_count + 1;
}

TEST(fork_works_in_a_signal_handler)
{
	on_signal(SIGUSR1, fork_in_handler, 0);
	for (int i = 0; i < 5; i++)
		ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 5);
}

static void leave_handler(int sig)
{
	(void)sig;
	signal_last = fork();
}

TEST(the_child_of_a_handler_returns_through_its_frame)
{
	on_signal(SIGUSR1, leave_handler, 0);
	pid_t me = getpid();
	ASSERT_OK(raise(SIGUSR1));
	if (getpid() != me) {
		ASSERT_EQ(signal_last, 0);
		_exit(42);
	}
	ASSERT_EQ(wait_status(signal_last), 42 << 8);
}

TEST(dontfork_area_is_absent_in_the_child)
{
	char *m = map_anon(3 * PAGE);
	memset(m, 7, 3 * PAGE);
	ASSERT_OK(madvise(m + PAGE, PAGE, MADV_DONTFORK));
	JOIN(SPAWN({
		ASSERT(page_is_mapped(m));
		ASSERT(!page_is_mapped(m + PAGE));
		ASSERT(page_is_mapped(m + 2 * PAGE));
		ASSERT_EQ(m[2 * PAGE], 7);
	}));
	ASSERT_EQ(m[PAGE], 7);
}

TEST(dofork_undoes_dontfork)
{
	char *m = map_anon(PAGE);
	m[0] = 7;
	ASSERT_OK(madvise(m, PAGE, MADV_DONTFORK));
	ASSERT_OK(madvise(m, PAGE, MADV_DOFORK));
	JOIN(SPAWN({ ASSERT_EQ(m[0], 7); }));
}

TEST(wipeonfork_area_is_zero_in_the_child)
{
	char *m = map_anon(2 * PAGE);
	memset(m, 7, 2 * PAGE);
	ASSERT_OK(madvise(m, PAGE, MADV_WIPEONFORK));
	JOIN(SPAWN({
		ASSERT_EQ(m[0], 0);
		ASSERT_EQ(m[PAGE - 1], 0);
		ASSERT_EQ(m[PAGE], 7);
	}));
	ASSERT_EQ(m[0], 7);
}

TEST(wipeonfork_is_for_private_anonymous_memory_only)
{
	char *m = map_shared(PAGE);
	ASSERT_ERR(madvise(m, PAGE, MADV_WIPEONFORK), EINVAL);
}

TEST(page_protections_are_inherited)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	pid_t p = SPAWN({ *(volatile char *)m = 1; });
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(two_hundred_messages_over_a_pair_of_pipes)
{
	int down[2], up[2], v;
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	pid_t p = SPAWN({
		close(down[1]);
		while (read(down[0], &v, sizeof v) == sizeof v) {
			v++;
			ASSERT_EQ(write(up[1], &v, sizeof v), sizeof v);
		}
	});
	for (int i = 0; i < 200; i++) {
		ASSERT_EQ(write(down[1], &i, sizeof i), sizeof i);
		ASSERT_EQ(read(up[0], &v, sizeof v), sizeof v);
		ASSERT_EQ(v, i + 1);
	}
	close(down[1]);
	JOIN(p);
}

TEST_MAIN()
