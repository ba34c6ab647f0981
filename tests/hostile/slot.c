/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that forges what the trap platform's stub and the sentry say to each other about
 * memory (slot.ranges), and uses what lies in every stub for its own ends: struct facts, the
 * host's vDSO.  Inside only, under trap; elsewhere everything is skipped.
 *
 * What must hold: the sandbox and every other process go on.  What becomes of this process is
 * its own affair, but its calls return, with some result or a signal.
 */
#include "../guest/task.h"

#include "platform/trap/facts.h"
#include "platform/trap/slot.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/time.h>
#include <sys/uio.h>

static struct slot *const first = (struct slot *)SLOTS_AT;
static const struct facts *const facts = (const struct facts *)FACTS_AT;

static sigjmp_buf back;
static volatile sig_atomic_t away;

static void come_back(int sig)
{
	(void)sig;
	if (away)
		siglongjmp(back, 1);
	_exit(3);
}

static void catch_all(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGSYS};
	stack_t alt = {.ss_sp = map_anon(64 << 10), .ss_size = 64 << 10};
	ASSERT_OK(sigaltstack(&alt, NULL));
	for (size_t i = 0; i < sizeof sigs / sizeof sigs[0]; i++)
		on_signal(sigs[i], come_back, SA_ONSTACK | SA_NODEFER);
}

/* Does the access work, or raise a signal? */
#define WORKS(access)                                                                              \
	({                                                                                         \
		volatile int ok_ = 0;                                                              \
		away = 1;                                                                          \
		if (sigsetjmp(back, 1) == 0) {                                                     \
			access;                                                                    \
			ok_ = 1;                                                                   \
		}                                                                                  \
		away = 0;                                                                          \
		ok_;                                                                               \
	})

static void need_slot(void)
{
	catch_all();
	if (!WORKS((void)*(volatile uint64_t *)&first->self) || first->self != SLOTS_AT)
		SKIP("not under trap");
}

TEST(facts_can_be_read_and_not_written)
{
	need_slot();
	ASSERT_EQ(facts->thread[0][FACT_TID] & FACTS_TID, thread_id());
	ASSERT(!WORKS(*(volatile uint32_t *)FACTS_AT = 1));
	ASSERT(mprotect((void *)FACTS_AT, PAGE, RW) < 0);
	ASSERT(munmap((void *)FACTS_AT, PAGE) < 0);
	ASSERT(mmap((void *)FACTS_AT, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0) == MAP_FAILED);
}

typedef long clock_function(int id, struct timespec *out);

/* With our own stack, a system call of the host's vDSO is a system call like any other. */
TEST(the_clock_of_the_stub_can_be_called)
{
	struct timespec a, b;
	need_slot();
	clock_function *clock = (clock_function *)(uintptr_t)facts->clock;
	if (!clock)
		SKIP("no clock");
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(clock(CLOCK_MONOTONIC, &a), 0);
		ASSERT_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b));
		ASSERT(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
	}
	ASSERT_EQ(clock(CLOCK_PROCESS_CPUTIME_ID, &a), 0);
	ASSERT_EQ(clock(CLOCK_THREAD_CPUTIME_ID, &b), 0);
	ASSERT(a.tv_sec < 100 && b.tv_sec < 100);
	ASSERT_EQ(clock(77, &a), -EINVAL);
}

/* With a stack in the slot it is taken for the stub's: refused, and no more. */
TEST(the_clock_on_the_stub_s_stack)
{
	need_slot();
	uint64_t clock = facts->clock, top = SLOTS_AT + SLOT_CALLSTACK - 256, ret = 1;
	if (!clock)
		SKIP("no clock");
	for (int i = 0; i < 100; i++) {
		uint64_t id = CLOCK_THREAD_CPUTIME_ID, out = top + 64; /* the call's to spoil */
		__asm__ volatile("mov %%rsp, %%rbx; mov %4, %%rsp; call *%3; mov %%rbx, %%rsp"
				 : "=a"(ret), "+D"(id), "+S"(out)
				 : "r"(clock), "r"(top)
				 : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
		ASSERT_EQ((int)ret, -ENOSYS);
	}
	ASSERT_EQ(getpid(), getpid());
}

static volatile int stop;
static char *target; /* memory of this process that calls are about */

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t some_address(uint64_t x)
{
	static const uint64_t places[] = {
		FACTS_AT,	    SLOTS_AT,	    SLOTS_AT + SLOT_SIZE - 8,
		FACTS_AT - 8,	    0x7fffff800000, 0x7fffff7fe000,
		0xffffffffff600000, UINT64_MAX - 7, 0,
		0x800000000000 - 8,
	};
	return x % 3 ? (uint64_t)(uintptr_t)target + x / 4 % 8192
		     : places[x / 4 % (sizeof places / sizeof places[0])];
}

/* Writes all that a slot says about memory, all the time. */
static void *forge(void *arg)
{
	uint64_t x = (uint64_t)(uintptr_t)&arg | 1;
	struct slot *s = arg;
	while (!stop) {
		struct slot_range *r = &s->ranges[next(&x) % SLOT_RANGES];
		switch (next(&x) % 12) {
		case 0:
			s->range_count = (uint16_t)(next(&x) % 3 ? next(&x) % 10 : next(&x));
			break;
		case 1:
			r->addr = some_address(next(&x));
			break;
		case 2:
			r->size = (uint32_t)(next(&x) % 2 ? next(&x) % 9000 : next(&x));
			break;
		case 3:
			r->at = (uint16_t)next(&x);
			break;
		case 4:
			r->out = (uint16_t)(next(&x) % 5);
			break;
		case 5:
			r->used = (uint32_t)(next(&x) % 2 ? next(&x) % 9000 : next(&x));
			break;
		case 6:
			r->from = (uint32_t)(next(&x) % 2 ? next(&x) % 9000 : next(&x));
			break;
		case 7: /* the ranges of a packed call, and its arguments */
			s->word[next(&x) % 6] = next(&x) % 2 ? next(&x) : some_address(next(&x));
			break;
		case 8:
			s->word[4 + next(&x) % 2] = PACK(next(&x) % 9000, next(&x) % 5, next(&x) % 4) |
						    (uint64_t)PACK(next(&x), next(&x), 1) << 32;
			break;
		case 9:
			s->event = next(&x) % 2 ? SAYS_PACKED : SAYS_CALL;
			break;
		case 10:
			s->ranges_own = (uint32_t)(next(&x) % 10);
			break;
		default:
			((volatile char *)s)[SLOT_DATA + next(&x) % SLOT_DATA_SIZE] =
				(char)next(&x);
		}
	}
	return NULL;
}

static void *forge_turn(void *arg)
{
	const uint32_t turn = (uint32_t)(uintptr_t)arg;
	while (!stop)
		__atomic_store_n(&first->turn, turn, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Calls of all shapes, none that sleeps for as long as its memory says; any result will do. */
static void call_all(int fd, int rounds)
{
	struct iovec v[3] = {{target, 100}, {target + 4000, 200}, {target + 5000, 0}};
	struct pollfd p[4] = {{fd, POLLIN, 0}, {fd, POLLOUT, 0}, {-1, 0, 0}, {fd, 0, 0}};
	struct stat st;
	for (int i = 0; i < rounds; i++) {
		strcpy(target + 64, "/tmp/../etc/passwd");
		pread(fd, target, 5000, 0);
		pwrite(fd, target + 100, 6000, 0);
		stat(target + 64, &st);
		close(open(target + 64, O_RDONLY));
		readv(fd, v, 3);
		writev(fd, v, 3);
		poll(p, 4, 0);
		readlink("/proc/self/exe", target, 100);
		getcwd(target, 4096);
		clock_gettime(CLOCK_REALTIME, (struct timespec *)(void *)target);
		lseek(fd, 0, SEEK_SET);
	}
}

static pid_t run_forged(int rounds)
{
	return SPAWN({
		pthread_t t;
		target = map_anon(16384);
		int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
		ASSERT_OK(fd);
		/* A forged argument may be a time to sleep. */
		struct itimerval soon = {.it_value = {.tv_usec = 300000}};
		signal(SIGALRM, SIG_DFL);
		setitimer(ITIMER_REAL, &soon, NULL);
		/* It forges as soon as it runs: this call may be told that it has failed. */
		pthread_create(&t, NULL, forge, first);
		for (int sig = 1; sig < 32; sig++)
			if (sig != SIGKILL && sig != SIGSTOP && sig != SIGALRM)
				signal(sig, SIG_DFL);
		call_all(fd, rounds);
		_exit(0);
	});
}

TEST(forged_ranges_hurt_only_who_forges_them)
{
	need_slot();
	for (int i = 0; i < 20; i++) {
		int st;
		test_goes_on();
		pid_t p = run_forged(200);
		ASSERT_EQ(waitpid(p, &st, 0), p);
		/* Another process of the sandbox is as well as before. */
		JOIN(SPAWN({
			char b[64] = {0};
			int fd = open("/proc/self/comm", O_RDONLY);
			ASSERT(fd >= 0 && read(fd, b, sizeof b) > 0);
		}));
	}
}

/* Answers of host calls lie there: here the time a thread has used. */
static void *forge_scratch(void *arg)
{
	uint64_t x = (uint64_t)(uintptr_t)&arg | 1;
	volatile uint64_t *scratch = (uint64_t *)(uintptr_t)((char *)first + SLOT_SCRATCH);
	while (!stop)
		for (int i = 0; i < 4; i++)
			scratch[i] = i % 2 ? next(&x) : UINT64_MAX / 4 + next(&x);
	return NULL;
}

/* What a sanitizer would say of that; whatever else was to be answered there may end the process. */
TEST(a_time_of_its_own_making)
{
	need_slot();
	wait_status(SPAWN({
		pthread_t t;
		struct timespec now;
		pthread_create(&t, NULL, forge_scratch, NULL);
		for (int i = 0; i < 2000; i++) {
			ASSERT_OK(syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now));
			ASSERT(now.tv_sec < 1000 && now.tv_nsec >= 0);
		}
	}));
	JOIN(SPAWN({ ASSERT_EQ(getppid(), getppid()); }));
}

/* The stub has been told to write over its own slot and text: it does not. */
TEST(ranges_do_not_reach_above_user_space)
{
	need_slot();
	static const uint64_t bad[] = {FACTS_AT, SLOTS_AT, 0x7fffff800000, UINT64_MAX - 100};
	char buf[64];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int fd = open("/dev/zero", O_RDONLY);
		ASSERT_ERR(read(fd, (void *)bad[i], 8), EFAULT);
		ASSERT_ERR(syscall(SYS_stat, bad[i], buf), EFAULT);
		ASSERT_ERR(syscall(SYS_fstat, fd, bad[i]), EFAULT);
		close(fd);
	}
	ASSERT_EQ(first->self, SLOTS_AT);
}

/* rax, rdi, rsi, rdx, then to a system call of the stub: what follows it there ends in a signal. */
static void stub_write(uint64_t site, uint64_t fd, const uint64_t *value)
{
	away = 1;
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("xor %%ebp, %%ebp; xor %%ebx, %%ebx; jmp *%4"
				 :
				 : "a"(SYS_write), "D"(fd), "S"(value), "d"(8ul), "r"(site)
				 : "memory", "rbx");
	away = 0;
}

static void ring_all(void)
{
	static const uint64_t values[] = {1, 0xfffffffffffffffe, 0xffffffffffffffff, 0};
	const unsigned char *text = (const unsigned char *)0x7fffff800000;
	catch_all();
	alarm(2); /* who fills a bell that nobody listens to waits for ever */
	signal(SIGALRM, SIG_DFL);
	for (uint64_t i = 0; i + 1 < 0x3000; i++)
		for (uint64_t fd = STUB_BELL_FD; text[i] == 0x0f && text[i + 1] == 0x05 &&
						 fd < STUB_BELL_FD + 3;
		     fd++)
			for (size_t v = 0; v < 4; v++)
				stub_write((uint64_t)(uintptr_t)text + i, fd, &values[v]);
}

/* The descriptors that wake the sentry can be rung by anybody: it looks, and sleeps again. */
TEST(bells_wake_and_no_more)
{
	need_slot();
	if (!WORKS((void)*(volatile char *)0x7fffff800000))
		SKIP("the stub is elsewhere");
	for (int i = 0; i < 10; i++) {
		int st;
		pid_t p = SPAWN(ring_all());
		JOIN(SPAWN({
			char b[64] = {0};
			int fd = open("/proc/self/comm", O_RDONLY);
			ASSERT(fd >= 0 && read(fd, b, sizeof b) > 0);
			usleep(1000);
		}));
		kill(p, SIGKILL);
		ASSERT_EQ(waitpid(p, &st, 0), p);
	}
}

/* Whose turn it is, whatever the word says: the others are served, and this one can be killed. */
TEST(turns_that_are_none)
{
	need_slot();
	for (uint32_t turn = 0; turn < 40; turn++) {
		int st;
		pid_t p = SPAWN({
			pthread_t t;
			target = map_anon(4096);
			pthread_create(&t, NULL, forge_turn, (void *)(uintptr_t)turn);
			for (int i = 0; i < 2000; i++)
				lseek(0, 0, SEEK_CUR);
			_exit(0);
		});
		usleep(2000);
		JOIN(SPAWN({ ASSERT_EQ(getppid(), getppid()); }));
		kill(p, SIGKILL);
		ASSERT_EQ(waitpid(p, &st, 0), p);
	}
}

TEST_MAIN()
