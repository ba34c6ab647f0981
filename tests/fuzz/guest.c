/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random system calls from many processes and threads: run inside, never on a real kernel.
 *
 *	fuzz-guest [-s SEED] [-n CALLS] [-p PROCESSES] [-t THREADS] [-o ROW]
 *
 * The first process is the watchdog and makes no random calls.  It starts workers anew when they
 * die, wakes calls that sleep, kills workers that do not go on, and cleans up after them.  It
 * ends with 0 after CALLS calls, and with 3 if a killed worker did not die: the kernel lost it.
 */
#include "tests/fuzz/guest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 16, THREADS = 8, LIFE = 3000, FORKS = 24, CHILD_CALLS = 20 };

/* What a thread does just now; written by it, read by the watchdog. */
struct slot {
	volatile int tid, nr;
	volatile uint64_t args[6], calls;
};

struct worker {
	struct slot slot[THREADS];
	struct pids pids;
	int forks; /* left */
	/* The watchdog's own. */
	int pid, poked, killed;
	uint64_t seen[THREADS], since[THREADS], killed_at;
};

static struct shared {
	int64_t left; /* calls */
	struct worker worker[WORKERS];
} * shared;

static uint64_t seed = 1;
static int64_t calls = 10000;
static int processes = 2, threads = 2, only = -1;
static const char *own_path;
static struct worker *me;
static uint64_t made;

static uint64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A child that shares memory ends at once, on whatever stack it was given. */
static long raw_call(long nr, const uint64_t a[6], int child_ends)
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4],
			      r9 __asm__("r9") = a[5];
	register long ends __asm__("r12") = child_ends;
	long ret;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "test %%r12, %%r12\n\t"
			 "jz 1f\n\t"
			 "mov $60, %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9),
			   "r"(ends)
			 : "rcx", "r11", "memory");
	return ret;
}

static int makes_child(long nr)
{
	return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_fork || nr == SYS_vfork;
}

/* Stays in the same memory, or has no stack to return on. */
static int child_must_end(long nr, const uint64_t a[6])
{
	if (nr == SYS_fork)
		return 0;
	return nr != SYS_clone || (a[0] & (CLONE_VM | CLONE_VFORK)) || a[1];
}

static const struct call_row *pick_row(struct rng *r)
{
	if (only >= 0 && !rng_one_in(r, 4))
		return &call_rows[only];
	const struct call_row *row = &call_rows[rng_below(r, (uint64_t)call_row_count)];
	switch (row->nr) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_execve:
	case SYS_execveat:
	case SYS_pause:
	case SYS_arch_prctl:
		return rng_one_in(r, 12) ? row : pick_row(r);
	case SYS_rt_sigprocmask: /* all blocked would be the end of interruptions */
	case SYS_close_range:
		return rng_one_in(r, 4) ? row : pick_row(r);
	}
	return row->offered || rng_one_in(r, 20) ? row : pick_row(r);
}

static void one_call(struct slot *s, struct rng *r, int depth);

static void born(struct rng *r, long pid, int depth)
{
	struct rng mine = {rng_next(r)};
	if (pid > 0) {
		me->pids.pid[rng_below(r, PIDS_MAX)] = (int)pid;
		return;
	}
	struct slot unwatched = {0};
	for (int i = 0; i < CHILD_CALLS; i++)
		one_call(&unwatched, &mine, depth + 1);
	_exit(0);
}

static void one_call(struct slot *s, struct rng *r, int depth)
{
	const struct call_row *row = pick_row(r);
	uint64_t a[6];
	args_make(row, r, a);
	int child = makes_child(row->nr);
	if (child && (depth > 1 || __atomic_sub_fetch(&me->forks, 1, __ATOMIC_RELAXED) < 0))
		return;
	for (int i = 0; i < 6; i++)
		s->args[i] = a[i];
	s->nr = row->nr;
	s->calls++;
	__atomic_sub_fetch(&shared->left, 1, __ATOMIC_RELAXED);
	long ret = raw_call(row->nr, a, child && child_must_end(row->nr, a));
	if (child && ret >= 0)
		born(r, ret, depth);
}

static void nothing(int sig)
{
	(void)sig;
}

static void *thread_main(void *arg)
{
	struct slot *s = arg;
	struct rng r = {seed * 1000003 + made * 101 + (uint64_t)(s - me->slot) +
			(uint64_t)(me - shared->worker) * 7919};
	s->tid = (int)syscall(SYS_gettid);
	for (int i = 0; i < LIFE / threads && __atomic_load_n(&shared->left, __ATOMIC_RELAXED) > 0;
	     i++)
		one_call(s, &r, 0);
	s->tid = 0;
	return NULL;
}

static void worker_main(void)
{
	struct sigaction poke = {.sa_handler = nothing};
	struct rlimit limit = {1 << 28, 1 << 28}, files = {256, 256}, core = {0, 0};
	pthread_t t;
	setsid();
	dup2(2, 1); /* where writes by chance may go */
	sigaction(SIGALRM, &poke, NULL);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){16 << 20, 16 << 20});
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_AS, &limit);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	args_set_up(&me->pids, own_path);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&t, NULL, thread_main, &me->slot[i]) == 0)
			pthread_detach(t);
	thread_main(&me->slot[0]);
	/* The others may be at it still; they end with us. */
	_exit(0);
}

static void worker_start(struct worker *w)
{
	memset(w, 0, sizeof *w);
	w->forks = FORKS;
	w->pids.keep_out = getpid();
	made++;
	fflush(NULL);
	int pid = fork();
	if (pid == 0) {
		me = w;
		w->pids.pid[0] = getpid();
		worker_main();
	}
	w->pid = pid;
	uint64_t now = now_ms();
	for (int i = 0; i < THREADS; i++)
		w->since[i] = now;
}

static void describe(const char *what, const struct worker *w)
{
	printf("%s worker %d\n", what, w->pid);
	for (int i = 0; i < threads; i++) {
		const struct slot *s = &w->slot[i];
		printf("  tid %d, call %d(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", s->tid, s->nr,
		       s->args[0], s->args[1], s->args[2], s->args[3], s->args[4], s->args[5]);
	}
	fflush(stdout);
}

/* What a worker leaves behind: its children, which may have left its session too. */
static void worker_clean(struct worker *w)
{
	for (int i = 0; i < PIDS_MAX; i++)
		if (w->pid > 1 && w->pids.pid[i] > 1 && w->pids.pid[i] != getpid())
			kill(w->pids.pid[i], SIGKILL);
	if (w->pid > 1)
		kill(-w->pid, SIGKILL);
}

/* Nothing for 30 ms: a signal; for 300 ms: SIGKILL; and then it has 20 s to go. */
static void worker_watch(struct worker *w, uint64_t now)
{
	int stuck = 0;
	for (int i = 0; i < threads; i++) {
		const struct slot *s = &w->slot[i];
		if (s->calls != w->seen[i]) {
			w->seen[i] = s->calls;
			w->since[i] = now;
			continue;
		}
		if (!s->tid && i > 0) /* has ended, or was never made */
			continue;
		if (s->tid && now - w->since[i] > 30)
			syscall(SYS_tgkill, w->pid, s->tid, SIGALRM);
		if (now - w->since[i] > 300)
			stuck = 1;
	}
	if (stuck && !w->killed) {
		w->killed = 1;
		w->killed_at = now;
		kill(w->pid, SIGKILL);
	}
	if (w->killed && now - w->killed_at > 20000) {
		describe("NOT DYING", w);
		exit(3);
	}
}

static struct worker *worker_of(int pid)
{
	for (int i = 0; i < processes; i++)
		if (shared->worker[i].pid == pid)
			return &shared->worker[i];
	return NULL;
}

static void watch(void)
{
	int pid;
	for (int i = 0; i < processes; i++)
		worker_start(&shared->worker[i]);
	while (shared->left > 0) {
		usleep(10000);
		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0) {
			struct worker *w = worker_of(pid);
			if (!w)
				continue; /* an orphan of one */
			worker_clean(w);
			worker_start(w);
		}
		for (int i = 0; i < processes; i++)
			worker_watch(&shared->worker[i], now_ms());
	}
	for (int i = 0; i < processes; i++) {
		kill(shared->worker[i].pid, SIGKILL);
		worker_clean(&shared->worker[i]);
	}
	uint64_t start = now_ms();
	while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) >= 0 || errno == EINTR) {
		if (pid == 0)
			usleep(5000);
		if (now_ms() - start > 30000)
			break; /* orphans of orphans: the end of the sandbox takes them */
	}
}

static int row_by_name(const char *name)
{
	for (int i = 0; i < call_row_count; i++)
		if (strcmp(call_rows[i].name, name) == 0)
			return i;
	fprintf(stderr, "no call %s\n", name);
	exit(2);
}

static void options(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "s:n:p:t:o:")) != -1;) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'n')
			calls = atoll(optarg);
		else if (c == 'p')
			processes = atoi(optarg);
		else if (c == 't')
			threads = atoi(optarg);
		else if (c == 'o')
			only = row_by_name(optarg);
		else
			exit(2);
	}
	if (processes < 1 || processes > WORKERS || threads < 1 || threads > THREADS)
		exit(2);
}

int main(int argc, char **argv)
{
	struct utsname uts;
	char dir[] = "/tmp/fuzz.XXXXXX";
	if (argc > 1 && strcmp(argv[1], "-leaf") == 0)
		return 0; /* what workers execute */
	uname(&uts);
	if (!strstr(uts.version, "vedette") && !getenv("FUZZ_ANYWHERE")) {
		fprintf(stderr, "only for the inside of a sandbox\n");
		return 2;
	}
	own_path = realpath(argv[0], NULL);
	options(argc, argv);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || !mkdtemp(dir) || chdir(dir) < 0)
		return 2;
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared->left = calls;
	printf("seed %lu\n", seed);
	watch();
	printf("done %ld calls, %lu workers\n", calls, made);
	return 0;
}
