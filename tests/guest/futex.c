/* SPDX-License-Identifier: Apache-2.0 */
/* futex: waiting and waking, timeouts, bitsets, requeueing, and across processes. */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>

static uint32_t word, word2;

static long futex(uint32_t *at, int op, uint32_t val, const void *timeout, uint32_t *at2,
		  uint32_t val3)
{
	return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

static long wake(uint32_t *at, uint32_t n)
{
	return futex(at, FUTEX_WAKE, n, NULL, NULL, 0);
}

struct waiter {
	pthread_t thread;
	uint32_t *at;
	uint32_t bits;
	int op;
	volatile long result;
	volatile int done;
};

static volatile int waiters_done;

static void *wait_thread(void *arg)
{
	struct waiter *w = arg;
	w->result = futex(w->at, w->op, 0, NULL, NULL, w->bits);
	w->done = 1;
	__atomic_add_fetch(&waiters_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/*
 * How many sleep on the word: requeueing counts them, and puts them back in their order.
 * A sleeper that the kernel wakes spuriously meanwhile goes back by itself.
 */
static long sleepers(uint32_t *at)
{
	static uint32_t aside;
	long n = futex(at, FUTEX_REQUEUE, 0, (void *)(long)INT_MAX, &aside, 0);
	futex(&aside, FUTEX_REQUEUE, 0, (void *)(long)INT_MAX, at, 0);
	return n;
}

/* False if one came while they were counted: it may be before the others now. */
static int wait_sleepers(uint32_t *at, int n)
{
	int counts = 0;
	do {
		nap(2);
		counts++;
	} while (sleepers(at) != n);
	return counts == 1;
}

static void start_waiters(struct waiter *w, int n, uint32_t *at)
{
	for (int i = 0; i < n; i++) {
		if (!w[i].op)
			w[i].op = FUTEX_WAIT;
		w[i].at = at;
		ASSERT_EQ(pthread_create(&w[i].thread, NULL, wait_thread, &w[i]), 0);
	}
	wait_sleepers(at, n);
}

static void join_waiters(struct waiter *w, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
}

static void wait_done(int n)
{
	while (__atomic_load_n(&waiters_done, __ATOMIC_SEQ_CST) < n)
		nap(1);
}

TEST(wait_on_another_value_is_eagain)
{
	word = 5;
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
	ASSERT_ERR(futex(&word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0), EAGAIN);
}

TEST(wake_without_waiters_is_zero)
{
	ASSERT_EQ(wake(&word, 1), 0);
	ASSERT_EQ(wake(&word, INT_MAX), 0);
}

TEST(wait_times_out)
{
	struct timespec ts = {0, 50000000};
	int64_t before = now_ns();
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
	ASSERT(now_ns() - before >= 50000000);
}

TEST(a_zero_timeout_is_etimedout)
{
	struct timespec ts = {0, 0};
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
}

TEST(a_bitset_wait_has_an_absolute_timeout)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += 50000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	ASSERT_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 1), ETIMEDOUT);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ASSERT(now.tv_sec > ts.tv_sec || (now.tv_sec == ts.tv_sec && now.tv_nsec >= ts.tv_nsec));
	ASSERT_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, &(struct timespec){1, 0}, NULL, 1),
		   ETIMEDOUT);
}

TEST(a_bitset_wait_can_use_the_real_time_clock)
{
	struct timespec past = {1000, 0};
	int op = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
	ASSERT_ERR(futex(&word, op, 0, &past, NULL, 1), ETIMEDOUT);
}

TEST(a_bad_timeout_is_einval)
{
	struct timespec nsec = {0, 1000000000}, negative = {-1, 0};
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 0, &nsec, NULL, 0), EINVAL);
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0), EINVAL);
	ASSERT_ERR(futex(&word, FUTEX_WAIT, 0, (void *)1, NULL, 0), EFAULT);
}

TEST(addresses_are_checked)
{
	uint32_t *odd = (uint32_t *)((char *)map_anon(PAGE) + 2);
	uint32_t *none = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	ASSERT_ERR(futex(odd, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
	ASSERT_ERR(futex(odd, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	ASSERT_ERR(futex(none, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	ASSERT_ERR(futex((uint32_t *)-4096l, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	ASSERT_ERR(futex(NULL, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
}

/* The kernel wins: a private wake needs no page behind the address. */
TEST(a_private_wake_does_not_touch_the_memory)
{
	uint32_t *none = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	ASSERT_EQ(futex(none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	ASSERT_ERR(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
}

TEST(an_unknown_operation_is_enosys)
{
	ASSERT_ERR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
	ASSERT_ERR(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
}

TEST(an_empty_bitset_is_einval)
{
	ASSERT_ERR(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	ASSERT_ERR(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

TEST(wake_wakes_as_many_as_asked)
{
	struct waiter w[5] = {{0}};
	start_waiters(w, 5, &word);
	ASSERT_EQ(wake(&word, 2), 2);
	wait_done(2);
	wait_sleepers(&word, 3);
	ASSERT_EQ(wake(&word, INT_MAX), 3);
	join_waiters(w, 5);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(w[i].result, 0);
}

/* The kernel wins: zero and negative counts wake one. */
TEST(wake_of_zero_wakes_one)
{
	struct waiter w[2] = {{0}};
	start_waiters(w, 2, &word);
	ASSERT_EQ(wake(&word, 0), 1);
	ASSERT_EQ(wake(&word, 0), 1);
	join_waiters(w, 2);
}

/* 1, 0, or -1: nobody knows in which order they wait. */
static int woken_in_order(void)
{
	struct waiter w[4] = {{0}};
	int ordered = 1, known = 1;
	waiters_done = 0;
	for (int i = 0; i < 4; i++) {
		w[i].op = FUTEX_WAIT;
		w[i].at = &word;
		ASSERT_EQ(pthread_create(&w[i].thread, NULL, wait_thread, &w[i]), 0);
		known &= wait_sleepers(&word, i + 1);
	}
	for (int i = 0; i < 4; i++) {
		while (wake(&word, 1) == 0)
			nap(1);
		wait_done(i + 1);
		ordered &= w[i].done;
	}
	join_waiters(w, 4);
	return known ? ordered : -1;
}

TEST(wakes_are_in_the_order_of_the_waits)
{
	/* A spurious wake-up inside the kernel puts one at the end of the queue: rare, and no bug.
	 */
	int n = 0;
	for (int i = 0; i < 10;) {
		int ordered = woken_in_order();
		n += ordered == 1;
		i += ordered >= 0;
	}
	ASSERT(n >= 8);
}

TEST(other_words_do_not_wake)
{
	struct waiter w[1] = {{0}};
	start_waiters(w, 1, &word);
	ASSERT_EQ(wake(&word2, INT_MAX), 0);
	ASSERT_EQ(wake(&word, 1), 1);
	join_waiters(w, 1);
}

TEST(private_and_shared_are_different_futexes)
{
	struct waiter w[1] = {{.op = FUTEX_WAIT}};
	start_waiters(w, 1, &word);
	ASSERT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	ASSERT_EQ(wake(&word, 1), 1);
	join_waiters(w, 1);
}

TEST(a_private_waiter_is_woken_privately)
{
	struct waiter w = {.op = FUTEX_WAIT_PRIVATE, .at = &word};
	ASSERT_EQ(pthread_create(&w.thread, NULL, wait_thread, &w), 0);
	while (futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0)
		nap(1);
	pthread_join(w.thread, NULL);
	ASSERT_EQ(w.result, 0);
}

TEST(wake_bitset_chooses)
{
	struct waiter w[2] = {{.op = FUTEX_WAIT_BITSET, .bits = 1},
			      {.op = FUTEX_WAIT_BITSET, .bits = 6}};
	start_waiters(w, 2, &word);
	ASSERT_EQ(futex(&word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, 8), 0);
	ASSERT_EQ(futex(&word, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, 4), 1);
	wait_done(1);
	ASSERT(w[1].done && !w[0].done);
	ASSERT_EQ(wake(&word, INT_MAX), 1);
	join_waiters(w, 2);
}

TEST(requeue_moves_the_rest)
{
	struct waiter w[5] = {{0}};
	start_waiters(w, 5, &word);
	/* Wakes one, moves at most three, counts both. */
	ASSERT_EQ(futex(&word, FUTEX_REQUEUE, 1, (void *)3, &word2, 0), 4);
	wait_done(1);
	ASSERT_EQ(wake(&word, INT_MAX), 1);
	ASSERT_EQ(wake(&word2, INT_MAX), 3);
	join_waiters(w, 5);
}

TEST(cmp_requeue_checks_the_value)
{
	struct waiter w[2] = {{0}};
	start_waiters(w, 2, &word);
	ASSERT_ERR(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 77), EAGAIN);
	ASSERT_EQ(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word2, 0), 2);
	ASSERT_EQ(wake(&word2, 1), 1);
	join_waiters(w, 2);
}

TEST(negative_requeue_counts_are_einval)
{
	ASSERT_ERR(futex(&word, FUTEX_REQUEUE, (uint32_t)-1, (void *)1, &word2, 0), EINVAL);
	ASSERT_ERR(futex(&word, FUTEX_REQUEUE, 1, (void *)-1, &word2, 0), EINVAL);
}

TEST(wake_op_changes_the_second_word_and_wakes_both)
{
	struct waiter a[1] = {{0}}, b[1] = {{0}};
	start_waiters(a, 1, &word);
	start_waiters(b, 1, &word2);
	uint32_t op = FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0);
	ASSERT_EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, op), 2);
	ASSERT_EQ(word2, 5);
	join_waiters(a, 1);
	join_waiters(b, 1);
}

TEST(wake_op_wakes_the_second_only_if_the_old_value_compares)
{
	struct waiter b[1] = {{0}};
	start_waiters(b, 1, &word2);
	uint32_t op = FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_NE, 0);
	ASSERT_EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, op), 0);
	ASSERT_EQ(word2, 9);
	ASSERT_EQ(wake(&word2, 1), 1);
	join_waiters(b, 1);
}

TEST(wake_op_operations)
{
	static const struct {
		uint32_t op, arg, before, after;
	} t[] = {
		{FUTEX_OP_SET, 7, 3, 7},     {FUTEX_OP_ADD, 7, 3, 10},
		{FUTEX_OP_OR, 12, 3, 15},    {FUTEX_OP_ANDN, 1, 3, 2},
		{FUTEX_OP_XOR, 6, 3, 5},     {FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, 3, 16},
		{FUTEX_OP_ADD, 0xfff, 3, 2},
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		word2 = t[i].before;
		uint32_t op = (t[i].op << 28) | (t[i].arg & 0xfff) << 12;
		ASSERT_EQ(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, op), 0);
		ASSERT_EQ(word2, t[i].after);
	}
	ASSERT_ERR(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, 7u << 28), ENOSYS);
}

/* Threads that add with the operation, and one that adds itself: nothing is lost. */
static void *add_by_wake_op(void *arg)
{
	for (int i = 0; i < 500; i++)
		ASSERT_OK(futex(arg, FUTEX_WAKE_OP, 0, NULL, &word2,
				FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 5)));
	return NULL;
}

TEST(wake_op_is_atomic)
{
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, add_by_wake_op, &word), 0);
	for (int i = 0; i < 100000; i++)
		__atomic_add_fetch(&word2, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
	ASSERT_EQ(word2, 101000);
}

TEST(a_value_changed_before_the_wait_is_never_missed)
{
	/* Two processes hand a number over 500 times, with waits only when needed. */
	uint32_t *m = (uint32_t *)map_shared(PAGE);
	pid_t p = SPAWN({
		for (uint32_t i = 0; i < 500; i++) {
			while (__atomic_load_n(m, __ATOMIC_SEQ_CST) != 2 * i + 1)
				futex(m, FUTEX_WAIT, 2 * i, NULL, NULL, 0);
			__atomic_store_n(m, 2 * i + 2, __ATOMIC_SEQ_CST);
			wake(m, 1);
		}
	});
	for (uint32_t i = 0; i < 500; i++) {
		__atomic_store_n(m, 2 * i + 1, __ATOMIC_SEQ_CST);
		wake(m, 1);
		while (__atomic_load_n(m, __ATOMIC_SEQ_CST) != 2 * i + 2)
			futex(m, FUTEX_WAIT, 2 * i + 1, NULL, NULL, 0);
	}
	JOIN(p);
}

TEST(a_shared_file_makes_one_futex_at_two_addresses)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	uint32_t *a = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	uint32_t *b = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	struct waiter w[1] = {{0}};
	ASSERT(a != b);
	*a = 0;
	start_waiters(w, 1, a);
	ASSERT_EQ(wake(b, 1), 1);
	join_waiters(w, 1);
}

TEST(private_memory_is_not_shared_with_the_child)
{
	struct waiter w[1] = {{0}};
	start_waiters(w, 1, &word);
	JOIN(SPAWN({ ASSERT_EQ(wake(&word, 1), 0); }));
	ASSERT_EQ(wake(&word, 1), 1);
	join_waiters(w, 1);
}

TEST(waiting_in_another_process_over_shared_memory)
{
	uint32_t *m = (uint32_t *)map_shared(PAGE);
	pid_t p = SPAWN({ ASSERT_EQ(futex(m, FUTEX_WAIT, 0, NULL, NULL, 0), 0); });
	while (wake(m, 1) == 0)
		nap(1);
	JOIN(p);
}

TEST(a_killed_waiter_is_no_waiter)
{
	uint32_t *m = (uint32_t *)map_shared(PAGE);
	pid_t p = SPAWN({ futex(m, FUTEX_WAIT, 0, NULL, NULL, 0); });
	wait_sleepers(m, 1);
	kill_and_reap(p);
	ASSERT_EQ(wake(m, 1), 0);
}

TEST(lock_pi_of_a_free_word_writes_the_owner)
{
	ASSERT_OK(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	ASSERT_EQ(word & FUTEX_TID_MASK, thread_id());
	ASSERT_ERR(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	ASSERT_ERR(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	ASSERT_OK(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	ASSERT_EQ(word, 0);
	ASSERT_ERR(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
}

static void *bump(void *arg)
{
	pthread_mutex_t *m = arg;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(m);
		word++;
		pthread_mutex_unlock(m);
	}
	return NULL;
}

TEST(a_mutex_under_contention_loses_nothing)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, bump, &m), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ASSERT_EQ(word, 8000);
}

TEST_MAIN()
