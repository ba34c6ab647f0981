/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest threads that do not come back: with the interrupt signal blocked, or with a
 * hand-over that is never answered.  They can be killed all the same, within 10 ms on a
 * machine that has them to give, and nobody waits for them.
 */
#include "raw.h"

#include <ucontext.h>

extern const char spin_here[];
__asm__(".text\nspin_here: jmp spin_here\n");

enum { TRIES = 7, BOUND_US = 15000 };

/* Back from a signal that never was, to a loop that no signal ends. */
static void go_deaf(void)
{
	ucontext_t *uc = (ucontext_t *)map_anon(PAGE);
	uint64_t mask = ~0ull;
	memcpy(&uc->uc_sigmask, &mask, sizeof mask);
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)spin_here;
	uc->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)uc + PAGE;
	uc->uc_mcontext.gregs[REG_EFL] = 0x202;
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0x33 | (greg_t)0x2b << 48;
	uc->uc_flags = 6; /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
	__asm__ volatile("mov %0, %%rsp; jmp *%1"
			 :
			 : "r"(uc), "r"(raw_site), "a"(SYS_rt_sigreturn)
			 : "memory");
	__builtin_unreachable();
}

/* Each attacker says on fd 1 of its pipe that it is about to; then it is killed. */
static int64_t killed_in(void (*attack)(void))
{
	int64_t best = INT64_MAX;
	for (int i = 0; i < TRIES; i++) {
		int ready[2];
		char c;
		ASSERT_OK(pipe(ready));
		pid_t pid = SPAWN({
			ASSERT_EQ(write(ready[1], "", 1), 1);
			attack();
		});
		ASSERT_EQ(read(ready[0], &c, 1), 1);
		nap(20);
		int64_t us = kill_time_us(pid);
		best = us < best ? us : best;
		close(ready[0]);
		close(ready[1]);
	}
	fprintf(stderr, "# %lld us\n", (long long)best);
	return best;
}

TEST(a_thread_with_all_signals_blocked_is_killed)
{
	need_trap();
	ASSERT(killed_in(go_deaf) < BOUND_US);
}

static void *deaf_thread(void *arg)
{
	go_deaf();
	return arg;
}

static void deaf_threads(void)
{
	pthread_t t;
	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, deaf_thread, NULL);
	nap(5);
	go_deaf();
}

TEST(many_of_them_are_killed)
{
	need_trap();
	ASSERT(killed_in(deaf_threads) < BOUND_US);
}

/* The rest of the process ends it. */
TEST(exit_group_ends_deaf_threads)
{
	need_trap();
	for (int i = 0; i < TRIES; i++) {
		int st;
		pid_t pid = SPAWN({
			pthread_t t;
			pthread_create(&t, NULL, deaf_thread, NULL);
			nap(5);
			_exit(7);
		});
		ASSERT_EQ(waitpid(pid, &st, 0), pid);
		ASSERT_EQ(st, 7 << 8);
	}
}

TEST(exec_ends_deaf_threads)
{
	need_trap();
	for (int i = 0; i < TRIES; i++) {
		int st;
		pid_t pid = SPAWN({
			pthread_t t;
			pthread_create(&t, NULL, deaf_thread, NULL);
			nap(5);
			execl("/bin/true", "true", NULL);
			_exit(1);
		});
		ASSERT_EQ(waitpid(pid, &st, 0), pid);
		ASSERT_EQ(st, 0);
	}
}

/* Puts another command in the place of one that the sentry gives slot 0. */
static volatile uint32_t wanted, instead;

static void *change_commands(void *arg)
{
	volatile struct slot *s = slots;
	(void)arg;
	for (;;)
		if (s->command == wanted && s->turn != TURN_SENTRY)
			s->command = instead;
	return NULL;
}

static void change(uint32_t from, uint32_t to)
{
	pthread_t t;
	wanted = from;
	instead = to;
	ASSERT_EQ(pthread_create(&t, NULL, change_commands, NULL), 0);
}

static void never_resumes(void)
{
	change(DO_RESUME, DO_PARK);
	for (;;)
		getppid(), sched_yield(), close(-1);
}

static void never_maps(void)
{
	change(DO_CALL, DO_PARK);
	for (;;)
		munmap(map_anon(PAGE), PAGE);
}

static void never_forks(void)
{
	change(DO_FORK, DO_PARK);
	for (;;) {
		pid_t p = fork();
		if (p == 0)
			_exit(0);
		if (p > 0)
			waitpid(p, NULL, 0);
	}
}

static void never_has_threads(void)
{
	change(DO_THREAD, DO_PARK);
	for (;;) {
		pthread_t t;
		if (pthread_create(&t, NULL, deaf_thread, NULL) == 0)
			pthread_detach(t);
	}
}

TEST(a_parked_hand_over_is_killed)
{
	need_trap();
	ASSERT(killed_in(never_resumes) < BOUND_US);
}
TEST(a_command_without_end_is_killed)
{
	need_trap();
	ASSERT(killed_in(never_maps) < BOUND_US);
}
TEST(a_fork_without_end_is_killed)
{
	need_trap();
	ASSERT(killed_in(never_forks) < BOUND_US);
}
TEST(a_thread_that_is_never_born_is_killed)
{
	need_trap();
	ASSERT(killed_in(never_has_threads) < BOUND_US);
}

/* Its memory is locked by the sentry while the command lasts: whoever looks waits, but not long. */
TEST(a_command_without_end_does_not_hold_up_proc_for_long)
{
	char path[64], buf[4096];
	need_trap();
	pid_t pid = SPAWN({ never_maps(); });
	nap(50);
	int64_t from = now_ns();
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	int fd = open(path, O_RDONLY);
	if (fd >= 0 && read(fd, buf, sizeof buf) < 0)
		ASSERT(errno == ESRCH);
	ASSERT(now_ns() - from < 8 * 1000000000ll);
	end_within(pid, 5);
}

/* A child that is said to be there, and is not: nobody waits for it but who asks for it. */
static void *lie_about_fork(void *arg)
{
	volatile struct slot *s = slots;
	for (;;)
		if (s->command == DO_FORK && s->turn != TURN_SENTRY) {
			s->command = DO_PARK;
			s->word[0] = (uint64_t)(uintptr_t)arg;
			s->event = SAYS_DONE;
			s->turn = TURN_SENTRY;
		}
	return NULL;
}

static void forge_children(int64_t said)
{
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, lie_about_fork, (void *)(uintptr_t)said), 0);
	for (int i = 0; i < 20; i++)
		if (fork() == 0)
			_exit(0);
	for (;;)
		pause();
}

TEST(children_that_are_not_there)
{
	struct neighbour n;
	need_trap();
	neighbour_start(&n);
	/* The sentry, the zygote, the first stubs, nobody. */
	static const int64_t said[] = {1, 2, 3, 4, 5, 6, 7, 8, 30000, 0x7fffffff, 1ll << 32, -1};
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		pid_t pid = SPAWN({ forge_children(said[i]); });
		nap(10);
		int64_t from = now_ns();
		neighbour_check(&n);
		ASSERT(now_ns() - from < 2 * 1000000000ll);
		end_within(pid, 5);
	}
	neighbour_end(&n);
}

TEST_MAIN()
