/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program may know without asking, asked at the moment it changes: an answer that
 * was true before the change is a wrong one.
 */
#include "exec.h"

#include <pthread.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static long ask(long nr)
{
	return syscall(nr);
}

static int reporter(const char *mode, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (strcmp(mode, "ids") == 0)
		printf("%ld %ld %ld %ld %ld %ld %ld\n", ask(SYS_getpid), ask(SYS_gettid),
		       ask(SYS_getppid), ask(SYS_getuid), ask(SYS_geteuid), ask(SYS_getgid),
		       ask(SYS_getegid));
	if (strcmp(mode, "uname") == 0) {
		struct utsname u;
		uname(&u);
		printf("%s\n", u.release);
	}
	return 0;
}

/* --- parents --- */

TEST(a_child_knows_itself_from_its_first_call_on)
{
	for (int i = 0; i < 200; i++) {
		long me = ask(SYS_getpid), pid = fork();
		if (pid == 0)
			_exit(ask(SYS_getppid) == me && ask(SYS_getpid) != me &&
					      ask(SYS_gettid) == ask(SYS_getpid)
				      ? 0
				      : 1);
		int st;
		ASSERT_EQ(waitpid((pid_t)pid, &st, 0), pid);
		ASSERT_EQ(st, 0);
		ASSERT_EQ(ask(SYS_getpid), me);
		ASSERT_EQ(ask(SYS_gettid), me);
	}
}

/* The reaper is the test's: what an orphan must see is known. */
TEST(an_orphan_sees_its_new_parent)
{
	int fd[2];
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_OK(pipe(fd));
	long me = ask(SYS_getpid);
	pid_t p = SPAWN({
		long parent = ask(SYS_getpid);
		pid_t q = fork();
		if (q == 0) {
			long seen[2] = {ask(SYS_getppid), 0};
			for (int64_t end = now_ns() + 10000000000; now_ns() < end;)
				if ((seen[1] = ask(SYS_getppid)) != parent)
					break;
			ASSERT_EQ(seen[0] == parent || seen[0] == seen[1], 1);
			ASSERT_EQ(write(fd[1], seen, sizeof seen), sizeof seen);
			_exit(0);
		}
	});
	JOIN(p);
	long seen[2];
	ASSERT_EQ(read(fd[0], seen, sizeof seen), sizeof seen);
	ASSERT_EQ(seen[1], me);
}

TEST(the_death_signal_comes_when_getppid_has_changed)
{
	int fd[2], go[2];
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	ASSERT_OK(pipe(fd) | pipe(go));
	long me = ask(SYS_getpid);
	pid_t p = SPAWN({
		pid_t q = fork();
		if (q == 0) {
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			ASSERT_EQ(write(go[1], "", 1), 1);
			int sig;
			sigwait(&set, &sig);
			long now = ask(SYS_getppid);
			ASSERT_EQ(write(fd[1], &now, sizeof now), sizeof now);
			_exit(0);
		}
		char c;
		ASSERT_EQ(read(go[0], &c, 1), 1);
	});
	JOIN(p);
	long seen;
	ASSERT_EQ(read(fd[0], &seen, sizeof seen), sizeof seen);
	ASSERT_EQ(seen, me);
}

TEST(a_child_by_clone_parent_is_a_sibling)
{
	long parent = ask(SYS_getppid);
	int fd[2];
	ASSERT_OK(pipe(fd));
	long p = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (p == 0) {
		long now = ask(SYS_getppid);
		if (write(fd[1], &now, sizeof now) != sizeof now)
			_exit(1);
		_exit(0);
	}
	if (p < 0)
		SKIP("clone: %s", strerror(errno));
	long seen;
	ASSERT_EQ(read(fd[0], &seen, sizeof seen), sizeof seen);
	ASSERT_EQ(seen, parent);
}

/* Another process in the same memory: its facts are not its parent's. */
TEST(a_vfork_child_is_somebody_else)
{
	volatile long child[3], me = ask(SYS_getpid), parent = ask(SYS_getppid);
	for (volatile int i = 0; i < 50; i++) {
		pid_t p = vfork();
		if (p == 0) {
			child[0] = ask(SYS_getpid);
			child[1] = ask(SYS_gettid);
			child[2] = ask(SYS_getppid);
			_exit(0);
		}
		ASSERT_EQ(child[0], p);
		ASSERT_EQ(child[1], p);
		ASSERT_EQ(child[2], me);
		ASSERT_EQ(ask(SYS_getpid), me);
		ASSERT_EQ(ask(SYS_gettid), me);
		ASSERT_EQ(ask(SYS_getppid), parent);
		ASSERT_EQ(waitpid(p, NULL, 0), p);
	}
}

/* --- exec --- */

static void check_ids_line(long pid, long ppid, long uid, long gid)
{
	long v[7] = {0};
	ASSERT_EQ(sscanf(output, "%ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4,
			 v + 5, v + 6),
		  7);
	ASSERT(pid < 0 || v[0] == pid);
	ASSERT_EQ(v[1], v[0]);
	ASSERT_EQ(v[2], ppid);
	ASSERT_EQ(v[3], uid);
	ASSERT_EQ(v[4], uid);
	ASSERT_EQ(v[5], gid);
	ASSERT_EQ(v[6], gid);
}

TEST(exec_keeps_who_one_is)
{
	ASSERT_EQ(run_mode("MODE=ids", NULL, NULL), 0);
	check_ids_line(-1, ask(SYS_getpid), getuid(), getgid());
}

static void become_nobody(void)
{
	ASSERT_OK(setresgid(NOBODY, NOBODY, NOBODY));
	ASSERT_OK(setresuid(NOBODY, NOBODY, NOBODY));
}

TEST(exec_after_setuid_has_the_new_ids)
{
	if (getuid() != 0)
		SKIP("not root");
	/* The program must be one that nobody may read. */
	ASSERT_EQ(run_mode("MODE=ids", NULL, become_nobody), 0);
	check_ids_line(-1, ask(SYS_getpid), NOBODY, NOBODY);
}

static void *exec_in_thread(void *arg)
{
	char *argv[] = {"self", NULL}, *envp[] = {"MODE=ids", NULL};
	(void)arg;
	execve(SELF, argv, envp);
	_exit(99);
}

static void exec_by_thread(void)
{
	pthread_t t;
	pthread_create(&t, NULL, exec_in_thread, NULL);
	for (;;)
		ask(SYS_gettid);
}

TEST(exec_by_a_thread_makes_it_the_leader)
{
	ASSERT_EQ(run_mode("MODE=ids", NULL, exec_by_thread), 0);
	check_ids_line(-1, ask(SYS_getpid), getuid(), getgid());
}

static void exec_by_vfork(void)
{
	char *argv[] = {"self", NULL}, *envp[] = {"MODE=ids", NULL};
	long me = ask(SYS_getpid);
	pid_t p = vfork();
	if (p == 0) {
		execve(SELF, argv, envp);
		_exit(99);
	}
	int st;
	if (waitpid(p, &st, 0) != p || st != 0 || ask(SYS_getpid) != me)
		_exit(98);
	printf("%d %ld\n", p, me);
	fflush(stdout);
	_exit(0);
}

TEST(exec_after_vfork)
{
	long child, parent, v[3];
	ASSERT_EQ(run_mode("MODE=ids", NULL, exec_by_vfork), 0);
	char *second = strchr(output, '\n');
	ASSERT(second != NULL);
	ASSERT_EQ(sscanf(second, "%ld %ld", &child, &parent), 2);
	ASSERT_EQ(sscanf(output, "%ld %ld %ld", v, v + 1, v + 2), 3);
	ASSERT_EQ(v[0], child);
	ASSERT_EQ(v[1], child);
	ASSERT_EQ(v[2], parent);
}

/* --- threads --- */

struct thread {
	long pid, tid, ppid;
	pid_t told;
};

static void *know_thyself(void *arg)
{
	struct thread *t = arg;
	t->pid = ask(SYS_getpid);
	t->tid = ask(SYS_gettid);
	t->ppid = ask(SYS_getppid);
	return NULL;
}

TEST(threads_that_come_and_go_know_their_numbers)
{
	long me = ask(SYS_getpid), parent = ask(SYS_getppid), last = 0;
	for (int i = 0; i < 100; i++) {
		struct thread v[3];
		pthread_t t[3];
		for (int j = 0; j < 3; j++)
			ASSERT_EQ(pthread_create(&t[j], NULL, know_thyself, &v[j]), 0);
		for (int j = 0; j < 3; j++) {
			ASSERT_EQ(pthread_join(t[j], NULL), 0);
			ASSERT_EQ(v[j].pid, me);
			ASSERT_EQ(v[j].ppid, parent);
			ASSERT(v[j].tid != me && v[j].tid != last);
			last = v[j].tid;
		}
		ASSERT(v[0].tid != v[1].tid && v[1].tid != v[2].tid && v[0].tid != v[2].tid);
	}
}

static volatile int stage;

static void *other_thread(void *arg)
{
	long *seen = arg;
	while (stage == 0)
		;
	for (int i = 0; i < 1000; i++)
		if (ask(SYS_getuid) != 0 || ask(SYS_geteuid) != 0 || ask(SYS_getegid) != 0)
			seen[0]++;
	return NULL;
}

TEST(ids_change_for_one_thread_and_at_once)
{
	long wrong = 0;
	pthread_t t;
	if (getuid() != 0 || getgid() != 0)
		SKIP("not root");
	ASSERT_EQ(pthread_create(&t, NULL, other_thread, &wrong), 0);
	ASSERT_OK(syscall(SYS_setresgid, 5, 6, 7));
	ASSERT_EQ(ask(SYS_getgid), 5);
	ASSERT_EQ(ask(SYS_getegid), 6);
	ASSERT_OK(syscall(SYS_setresuid, 1, 2, 0));
	ASSERT_EQ(ask(SYS_getuid), 1);
	ASSERT_EQ(ask(SYS_geteuid), 2);
	stage = 1;
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(wrong, 0);
	for (int i = 0; i < 1000; i++) {
		ASSERT_OK(syscall(SYS_setresuid, -1, i % 2, -1));
		ASSERT_EQ(ask(SYS_geteuid), i % 2);
	}
}

TEST(large_ids_are_not_negative)
{
	if (getuid() != 0)
		SKIP("not root");
	ASSERT_OK(syscall(SYS_setresuid, 4294967294u, 4294967293u, -1));
	ASSERT_EQ(ask(SYS_getuid), 4294967294);
	ASSERT_EQ(ask(SYS_geteuid), 4294967293);
}

/* --- names and CPUs --- */

TEST(uname_follows_the_personality)
{
	struct utsname u, old;
	ASSERT_OK(uname(&u));
	ASSERT_OK(personality(UNAME26));
	ASSERT_OK(uname(&old));
	ASSERT_EQ(strncmp(old.release, "2.6.", 4), 0);
	ASSERT_EQ(run_mode("MODE=uname", NULL, NULL), 0);
	ASSERT_EQ(strncmp(output, "2.6.", 4), 0);
	ASSERT_OK(personality(PER_LINUX32));
	ASSERT_OK(uname(&old));
	ASSERT(strcmp(old.machine, "x86_64") != 0);
	ASSERT_OK(personality(0));
	ASSERT_OK(uname(&old));
	ASSERT_EQ(memcmp(&u, &old, sizeof u), 0);
}

TEST(uname_writes_its_size_and_no_more)
{
	char b[sizeof(struct utsname) + 8];
	memset(b, 0x55, sizeof b);
	ASSERT_OK(syscall(SYS_uname, b));
	for (unsigned i = sizeof(struct utsname); i < sizeof b; i++)
		ASSERT_EQ(b[i], 0x55);
}

TEST(a_bound_thread_is_where_it_wants_to_be)
{
	cpu_set_t all, one;
	unsigned cpu;
	ASSERT_OK(sched_getaffinity(0, sizeof all, &all));
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		ASSERT_OK(sched_setaffinity(0, sizeof one, &one));
		ASSERT_OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
		ASSERT_EQ(cpu, i);
	}
	ASSERT_OK(sched_setaffinity(0, sizeof all, &all));
	unsigned node = 77;
	ASSERT_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
	ASSERT(CPU_ISSET((int)cpu, &all) && node != 77);
	ASSERT_ERR(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
	ASSERT_OK(syscall(SYS_getcpu, NULL, NULL, NULL));
}

/* --- time --- */

static int64_t raw_ns(int id)
{
	struct timespec ts;
	ASSERT_OK(syscall(SYS_clock_gettime, id, &ts));
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

TEST(the_call_and_the_library_read_one_clock)
{
	static const int ids[] = {CLOCK_REALTIME,	 CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
				  CLOCK_BOOTTIME,	 CLOCK_TAI,	  CLOCK_REALTIME_COARSE,
				  CLOCK_MONOTONIC_COARSE};
	for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		int64_t last = clock_ns(ids[i]);
		for (int n = 0; n < 2000; n++) {
			int64_t now = n % 2 ? clock_ns(ids[i]) : raw_ns(ids[i]);
			ASSERT(now >= last);
			last = now;
		}
	}
}

TEST(all_ways_to_the_wall_clock_agree)
{
	for (int i = 0; i < 1000; i++) {
		struct timeval a, b;
		int64_t from = raw_ns(CLOCK_REALTIME) / 1000;
		ASSERT_OK(gettimeofday(&a, NULL));
		ASSERT_OK(syscall(SYS_gettimeofday, &b, NULL));
		int64_t to = raw_ns(CLOCK_REALTIME) / 1000, x = a.tv_sec * 1000000 + a.tv_usec,
			y = b.tv_sec * 1000000 + b.tv_usec;
		ASSERT(from <= x && x <= y && y <= to);
		/* time(2) shows the last tick. */
		time_t t = time(NULL), u;
		long told = syscall(SYS_time, &u);
		ASSERT_EQ(told, u);
		ASSERT(u >= t && t >= from / 1000000 - 1 && u <= to / 1000000 + 1);
	}
}

TEST(a_sleep_is_never_short)
{
	for (int i = 0; i < 20; i++) {
		struct timespec d = {0, 2000000};
		int64_t a = raw_ns(CLOCK_MONOTONIC), b = raw_ns(CLOCK_BOOTTIME);
		ASSERT_OK(nanosleep(&d, NULL));
		ASSERT(raw_ns(CLOCK_MONOTONIC) - a >= 2000000);
		ASSERT(raw_ns(CLOCK_BOOTTIME) - b >= 2000000);
	}
}

TEST(clock_errors)
{
	struct timespec ts;
	char *page = mmap(NULL, PAGE, PROT_READ, ANON_PRIV, -1, 0);
	ASSERT_ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, page), EFAULT);
	ASSERT_ERR(syscall(SYS_clock_gettime, CLOCK_REALTIME, -16L), EFAULT);
	ASSERT_ERR(syscall(SYS_clock_gettime, 31, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_gettime, 12, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_clock_gettime, 1000000, &ts), EINVAL);
	ASSERT_OK(syscall(SYS_clock_gettime, 1l << 32 | CLOCK_MONOTONIC, &ts));
	ASSERT_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	ASSERT_OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	ASSERT_ERR(clock_gettime(77, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_gettimeofday, page, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_gettimeofday, NULL, page), EFAULT);
	ASSERT_OK(syscall(SYS_gettimeofday, NULL, NULL));
	ASSERT_ERR(syscall(SYS_time, page), EFAULT);
	ASSERT_ERR(syscall(SYS_uname, page), EFAULT);
	struct {
		int minutes, dst;
	} zone = {7, 7};
	ASSERT_OK(syscall(SYS_gettimeofday, NULL, &zone));
	ASSERT(zone.minutes != 7 || zone.dst != 7);
}

TEST(a_signal_in_the_middle_of_reading_the_clock)
{
	struct itimerval it = {{0, 500}, {0, 500}};
	on_signal(SIGALRM, count_signal, 0);
	ASSERT_OK(setitimer(ITIMER_REAL, &it, NULL));
	int64_t last = now_ns(), end = last + 300000000;
	while (last < end) {
		for (int i = 0; i < 200; i++) {
			int64_t now = i % 2 ? now_ns() : raw_ns(CLOCK_MONOTONIC);
			ASSERT(now >= last);
			last = now;
		}
	}
	ASSERT(signal_count > 10);
}

EXEC_MAIN()
