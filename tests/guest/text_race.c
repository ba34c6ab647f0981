/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads make calls while their text is protected, replaced, dropped and forked, and while
 * signals come.  TEXT_RACE_SECONDS: of all tests together, 20 unless said.
 */
#include "text.h"

#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

#define SIZE ((size_t)(sites_end - sites))
#define RX   (PROT_READ | PROT_EXEC)

enum { THREADS = 4, TESTS = 6 };

static volatile int stop;
static char *volatile text; /* where the threads call */
static long parent;
static unsigned long calls[THREADS];

static void *caller(void *arg)
{
	unsigned long *n = arg;
	while (!stop)
		for (int k = 0; k < SITES; k++, ++*n)
			if (call_at(text, k, NR_PPID) != parent)
				FAIL("site %d", k);
	return NULL;
}

static int64_t budget_ns(void)
{
	const char *s = getenv("TEXT_RACE_SECONDS");
	return (s ? atoi(s) : 20) * 1000000000ll / TESTS;
}

/* Threads call, change() goes on. */
static void race(void (*change)(int))
{
	pthread_t t[THREADS];
	int64_t until = now_ns() + budget_ns();
	alarm(0);
	if (!text)
		text = map_sites(NULL);
	parent = getppid();
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, caller, &calls[i]), 0);
	for (int turn = 0; now_ns() < until; turn++)
		change(turn);
	stop = 1;
	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
		ASSERT(calls[i] > 0);
	}
}

static void rest(int turn)
{
	if (turn % 8 == 0)
		nap(1);
	else
		sched_yield();
}

static void protect(int turn)
{
	ASSERT_OK(mprotect(text, SIZE, turn % 2 ? RX : RX | PROT_WRITE));
	rest(turn);
}

TEST(race_protect)
{
	race(protect);
}

/* Always a fresh mapping, whose text has never been writable. */
static void replace(int turn)
{
	map_sites(text);
	rest(turn);
}

TEST(race_replace)
{
	race(replace);
}

static void drop(int turn)
{
	ASSERT_OK(madvise(text, SIZE, MADV_DONTNEED));
	rest(turn);
}

TEST(race_drop)
{
	race(drop);
}

static void fork_and_call(int turn)
{
	pid_t p = SPAWN({
		parent = getppid();
		if (turn % 2)
			map_sites(text);
		for (int i = 0; i < 20; i++)
			for (int k = 0; k < SITES; k++)
				ASSERT_EQ(call_at(text, k, NR_PPID), parent);
	});
	if (turn % 4 == 0)
		map_sites(text);
	JOIN(p);
}

TEST(race_fork)
{
	race(fork_and_call);
}

static void on_alarm(int sig)
{
	(void)sig;
	for (int k = 0; k < SITES; k++)
		if (call_at(text, k, NR_PPID) != parent)
			FAIL("in a handler: site %d", k);
}

static void replace_all(int turn)
{
	if (turn % 3 == 0)
		map_sites(text);
	else if (turn % 3 == 1)
		ASSERT_OK(mprotect(text, SIZE, RX | PROT_WRITE));
	else
		ASSERT_OK(mprotect(text, SIZE, RX));
	rest(turn);
}

TEST(race_signals)
{
	struct itimerval every = {{0, 200}, {0, 200}};
	text = map_sites(NULL);
	parent = getppid();
	on_signal(SIGVTALRM, on_alarm, SA_RESTART);
	on_signal(SIGALRM, on_alarm, SA_RESTART);
	alarm(0);
	ASSERT_OK(setitimer(ITIMER_REAL, &every, NULL));
	race(replace_all);
}

/* Text is somewhere else all the time; the old place is gone once nobody calls there. */
static volatile int inside[THREADS];

static void *moving_caller(void *arg)
{
	int me = (int)(intptr_t)arg;
	while (!stop) {
		inside[me] = 1;
		__sync_synchronize();
		const char *at = text;
		for (int k = 0; at && k < SITES; k++)
			if (call_at(at, k, NR_PPID) != parent)
				FAIL("site %d", k);
		calls[me]++;
		inside[me] = 0;
		__sync_synchronize();
		if (!at)
			sched_yield();
	}
	return NULL;
}

TEST(race_unmap)
{
	pthread_t t[THREADS];
	int64_t until = now_ns() + budget_ns();
	alarm(0);
	parent = getppid();
	for (intptr_t i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, moving_caller, (void *)i), 0);
	while (now_ns() < until) {
		char *p = map_sites(NULL);
		text = p;
		nap(2);
		text = NULL;
		__sync_synchronize();
		for (int i = 0; i < THREADS; i++)
			while (inside[i])
				sched_yield();
		ASSERT_OK(munmap(p, SIZE));
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
}

TEST_MAIN()
