/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes with an owner: FUTEX_LOCK_PI and its relatives, and what libc makes of them. */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static long futex(volatile uint32_t *w, int op, const struct timespec *ts)
{
	return syscall(SYS_futex, w, op, 0, ts, NULL, 0);
}

static volatile uint32_t word, other;

/* A thread that takes the word, says so, and gives it back when told. */
struct holder {
	volatile uint32_t *word;
	struct gate has, go;
	volatile pid_t tid;
	volatile int leave; /* ends without giving it back */
	pthread_t thread;
};

static void *hold(void *arg)
{
	struct holder *h = arg;
	h->tid = thread_id();
	ASSERT_OK(futex(h->word, FUTEX_LOCK_PI, NULL));
	ASSERT_EQ(*h->word & FUTEX_TID_MASK, h->tid);
	gate_open(h->has);
	gate_wait(h->go);
	if (!h->leave)
		ASSERT_OK(futex(h->word, FUTEX_UNLOCK_PI, NULL));
	return NULL;
}

static void holder_start(struct holder *h, volatile uint32_t *w)
{
	*h = (struct holder){.word = w, .has = gate_new(), .go = gate_new()};
	ASSERT_EQ(pthread_create(&h->thread, NULL, hold, h), 0);
}

static void holder_end(struct holder *h)
{
	gate_open(h->go);
	ASSERT_EQ(pthread_join(h->thread, NULL), 0);
}

static void await_waiters(volatile uint32_t *w)
{
	while (!(*w & FUTEX_WAITERS))
		sched_yield();
}

/* The thread sleeps: in the futex, once the word says that somebody waits. */
static void await_sleep(pid_t tid)
{
	char path[64], text[256];
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ASSERT_OK(fd);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		char *at = strrchr(text, ')');
		if (at && at[2] == 'S')
			return;
		sched_yield();
	}
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	int64_t ns = clock_ns(clock) + ms * 1000000;
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

TEST(a_free_word_gets_its_owner)
{
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, NULL));
	ASSERT_EQ(word, thread_id());
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, NULL), EDEADLK);
	ASSERT_ERR(futex(&word, FUTEX_TRYLOCK_PI, NULL), EDEADLK);
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
	ASSERT_EQ(word, 0);
	ASSERT_OK(futex(&word, FUTEX_TRYLOCK_PI, NULL));
	ASSERT_EQ(word, thread_id());
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, NULL));
}

TEST(only_the_owner_unlocks)
{
	ASSERT_ERR(futex(&word, FUTEX_UNLOCK_PI, NULL), EPERM);
	word = (uint32_t)getppid();
	ASSERT_ERR(futex(&word, FUTEX_UNLOCK_PI, NULL), EPERM);
}

TEST(an_owner_that_does_not_exist_is_esrch)
{
	word = (uint32_t)dead_pid();
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, NULL), ESRCH);
}

TEST(addresses_are_checked)
{
	volatile uint32_t *ro = map_at(NULL, PAGE, PROT_READ, ANON_PRIV);
	ASSERT_ERR(futex((uint32_t *)((char *)&word + 1), FUTEX_LOCK_PI, NULL), EINVAL);
	ASSERT_ERR(futex((uint32_t *)PAGE, FUTEX_LOCK_PI, NULL), EFAULT);
	ASSERT_ERR(futex(ro, FUTEX_LOCK_PI, NULL), EFAULT);
	ASSERT_ERR(futex(ro, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, NULL), EFAULT);
	ASSERT_ERR(futex((uint32_t *)PAGE, FUTEX_UNLOCK_PI, NULL), EFAULT);
}

TEST(a_bad_timeout_is_einval)
{
	struct timespec ts = {0, 1000000000};
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, &ts), EINVAL);
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, (void *)1), EFAULT);
}

TEST(the_clock_can_be_chosen_for_lock_pi2_only)
{
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, NULL), ENOSYS);
	ASSERT_ERR(futex(&word, FUTEX_UNLOCK_PI | FUTEX_CLOCK_REALTIME, NULL), ENOSYS);
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, NULL));
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
}

TEST(a_held_word_is_waited_for_and_handed_over)
{
	struct holder a, b;
	holder_start(&a, &word);
	gate_wait(a.has);
	holder_start(&b, &word);
	await_waiters(&word);
	ASSERT_EQ(word, (uint32_t)a.tid | FUTEX_WAITERS);
	holder_end(&a);
	gate_wait(b.has);
	ASSERT_EQ(word & FUTEX_TID_MASK, b.tid);
	holder_end(&b);
	ASSERT_EQ(word, 0);
}

TEST(trylock_does_not_wait)
{
	struct holder a;
	holder_start(&a, &word);
	gate_wait(a.has);
	ASSERT_ERR(futex(&word, FUTEX_TRYLOCK_PI, NULL), EAGAIN);
	holder_end(&a);
	ASSERT_OK(futex(&word, FUTEX_TRYLOCK_PI, NULL));
}

TEST(waiters_come_in_order)
{
	struct holder h[4];
	for (int i = 0; i < 4; i++) {
		holder_start(&h[i], &word);
		if (i == 0)
			gate_wait(h[0].has);
		else
			await_waiters(&word);
		while (!h[i].tid)
			sched_yield();
		if (i > 0)
			await_sleep(h[i].tid);
	}
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			gate_wait(h[i].has);
		ASSERT_EQ(word & FUTEX_TID_MASK, h[i].tid);
		holder_end(&h[i]);
	}
	ASSERT_EQ(word, 0);
}

TEST(a_wait_can_have_an_end)
{
	struct holder a;
	holder_start(&a, &word);
	gate_wait(a.has);
	int64_t start = now_ns();
	struct timespec ts = in_ms(CLOCK_REALTIME, 50);
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, &ts), ETIMEDOUT);
	ts = in_ms(CLOCK_MONOTONIC, 50);
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI2, &ts), ETIMEDOUT);
	ASSERT(now_ns() - start >= 90000000);
	ASSERT_EQ(word & FUTEX_TID_MASK, a.tid);
	holder_end(&a);
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, &ts));
}

static void *lock_both(void *arg)
{
	struct holder *h = arg;
	h->tid = thread_id();
	ASSERT_OK(futex(&other, FUTEX_LOCK_PI, NULL));
	gate_open(h->has);
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, NULL));
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
	ASSERT_OK(futex(&other, FUTEX_UNLOCK_PI, NULL));
	return NULL;
}

TEST(a_circle_is_edeadlk)
{
	struct holder h = {.has = gate_new()};
	pthread_t t;
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, NULL));
	ASSERT_EQ(pthread_create(&t, NULL, lock_both, &h), 0);
	gate_wait(h.has);
	await_waiters(&word);
	await_sleep(h.tid);
	ASSERT_ERR(futex(&other, FUTEX_LOCK_PI, NULL), EDEADLK);
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(word, 0);
}

TEST(a_dead_owners_word_goes_to_the_waiter)
{
	struct holder a, b;
	holder_start(&a, &word);
	gate_wait(a.has);
	holder_start(&b, &word);
	await_waiters(&word);
	while (!b.tid)
		sched_yield();
	await_sleep(b.tid);
	a.leave = 1;
	holder_end(&a);
	gate_wait(b.has);
	ASSERT_EQ(word & FUTEX_TID_MASK, b.tid);
	ASSERT(word & FUTEX_OWNER_DIED);
	holder_end(&b);
	ASSERT_EQ(word & FUTEX_TID_MASK, 0);
}

TEST(owners_are_not_woken_by_wake)
{
	struct holder a, b;
	holder_start(&a, &word);
	gate_wait(a.has);
	holder_start(&b, &word);
	await_waiters(&word);
	while (!b.tid)
		sched_yield();
	await_sleep(b.tid);
	ASSERT_ERR(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	holder_end(&a);
	gate_wait(b.has);
	holder_end(&b);
}

static void *lock_with_signals(void *arg)
{
	struct holder *h = arg;
	h->tid = thread_id();
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, NULL));
	ASSERT_EQ(signal_count, 1);
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
	return NULL;
}

TEST(a_signal_does_not_end_the_wait)
{
	struct holder h = {.tid = 0};
	pthread_t t;
	on_signal(SIGUSR1, count_signal, 0);
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, NULL));
	ASSERT_EQ(pthread_create(&t, NULL, lock_with_signals, &h), 0);
	await_waiters(&word);
	await_sleep(h.tid);
	ASSERT_EQ(pthread_kill(t, SIGUSR1), 0);
	while (!signal_count)
		sched_yield();
	nap(10);
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, NULL));
	ASSERT_EQ(pthread_join(t, NULL), 0);
}

TEST(processes_share_a_word_in_shared_memory)
{
	volatile uint32_t *w = (volatile uint32_t *)map_shared(PAGE);
	volatile uint32_t *count = w + 1;
	pid_t p[3];
	for (int i = 0; i < 3; i++)
		p[i] = SPAWN({
			for (int n = 0; n < 300; n++) {
				ASSERT_OK(futex(w, FUTEX_LOCK_PI, NULL));
				uint32_t was = *count;
				if (n % 50 == 0)
					sched_yield();
				*count = was + 1;
				ASSERT_OK(futex(w, FUTEX_UNLOCK_PI, NULL));
			}
		});
	for (int i = 0; i < 3; i++)
		JOIN(p[i]);
	ASSERT_EQ(*count, 900);
	ASSERT_EQ(*w, 0);
}

static pthread_mutex_t mutex_of(int robust, int shared)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	ASSERT_EQ(pthread_mutexattr_init(&a), 0);
	ASSERT_EQ(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT), 0);
	if (robust)
		ASSERT_EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	if (shared)
		ASSERT_EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	ASSERT_EQ(pthread_mutex_init(&m, &a), 0);
	return m;
}

static pthread_mutex_t mutex;
static long sum;

static void *add(void *arg)
{
	for (int i = 0; i < 3000; i++) {
		ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
		long was = sum;
		if (i % 100 == 0)
			sched_yield();
		sum = was + 1;
		ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
	}
	return arg;
}

TEST(libc_makes_a_mutex_of_it)
{
	pthread_t t[4];
	mutex = mutex_of(0, 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, add, NULL), 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
	ASSERT_EQ(sum, 12000);
}

static void *lock_and_leave(void *arg)
{
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
	return arg;
}

TEST(libc_makes_a_robust_mutex_of_it)
{
	pthread_t t;
	mutex = mutex_of(1, 0);
	ASSERT_EQ(pthread_create(&t, NULL, lock_and_leave, NULL), 0);
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	ASSERT_EQ(pthread_mutex_consistent(&mutex), 0);
	ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
	ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
}

TEST(a_robust_mutex_survives_a_killed_process)
{
	pthread_mutex_t *m = (pthread_mutex_t *)map_shared(PAGE);
	struct gate has = gate_new();
	*m = mutex_of(1, 1);
	pid_t p = SPAWN({
		ASSERT_EQ(pthread_mutex_lock(m), 0);
		gate_open(has);
		pause();
	});
	gate_wait(has);
	ASSERT_EQ(pthread_mutex_trylock(m), EBUSY);
	pid_t q = SPAWN({
		ASSERT_EQ(pthread_mutex_lock(m), EOWNERDEAD);
		ASSERT_EQ(pthread_mutex_consistent(m), 0);
		ASSERT_EQ(pthread_mutex_unlock(m), 0);
	});
	await_waiters((volatile uint32_t *)m);
	kill_and_reap(p);
	JOIN(q);
	ASSERT_EQ(pthread_mutex_lock(m), 0);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *signal_it(void *arg)
{
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
	sum = 1;
	ASSERT_EQ(pthread_cond_signal(&cond), 0);
	ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
	return arg;
}

TEST(a_condition_may_go_with_it)
{
	pthread_t t;
	mutex = mutex_of(0, 0);
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
	ASSERT_EQ(pthread_create(&t, NULL, signal_it, NULL), 0);
	while (!sum)
		ASSERT_EQ(pthread_cond_wait(&cond, &mutex), 0);
	ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
	ASSERT_EQ(pthread_join(t, NULL), 0);
}

static void *lock_until(void *arg)
{
	struct timespec ts = in_ms(CLOCK_REALTIME, 20);
	ASSERT_EQ(pthread_mutex_timedlock(&mutex, &ts), ETIMEDOUT);
	return arg;
}

TEST(libc_waits_until_a_time)
{
	pthread_t t;
	mutex = mutex_of(0, 0);
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
	ASSERT_EQ(pthread_create(&t, NULL, lock_until, NULL), 0);
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(pthread_mutex_unlock(&mutex), 0);
	ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
}

TEST_MAIN()
