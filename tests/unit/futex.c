/* SPDX-License-Identifier: Apache-2.0 */
/* Futexes between host threads that play guest threads. */
#include "task_fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "sentry/task/clock.h"
#include "sentry/task/futex.h"
#include "syscalls/abi/futex.h"

enum { SLEEPERS = 8 };

struct sleeper {
	pthread_t thread;
	struct family *f;
	uint32_t *word;
	uint32_t bitset;
	int result;
	struct waiter waiter;
};

static struct futex_key key_of(struct family *f, uint32_t *word)
{
	struct futex_key k;
	assert_int_equal(futex_key(&f->mm, (uaddr_t)(uintptr_t)word, /*private=*/true, &k), 0);
	return k;
}

static int wait_on(struct family *f, uint32_t *word, uint32_t val, uint32_t bitset, int64_t ns)
{
	struct futex_key k = key_of(f, word);
	return futex_wait(&f->mm, (uaddr_t)(uintptr_t)word, &k, val, bitset,
			  ns < 0 ? WAIT_FOREVER : deadline_in(ns));
}

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	waiter_set_self(&s->waiter);
	s->result = wait_on(s->f, s->word, 0, s->bitset, -1);
	waiter_set_self(NULL);
	return NULL;
}

/* How many wait on the word: moving them to it again changes nothing but their place. */
static int queued(struct family *f, uint32_t *word)
{
	const struct futex_requeue r = {
		.from = key_of(f, word), .to = key_of(f, word), .move = INT32_MAX};
	return futex_requeue(&f->mm, &r);
}

static void start(struct family *f, struct sleeper *s, int n, uint32_t *word)
{
	for (int i = 0; i < n; i++) {
		s[i] = (struct sleeper){.f = f, .word = word, .bitset = s[i].bitset ?: UINT32_MAX};
		assert_int_equal(pthread_create(&s[i].thread, NULL, sleeper_main, &s[i]), 0);
		while (queued(f, word) < i + 1)
			usleep(200);
	}
}

static void join(struct sleeper *s, int n, int result)
{
	for (int i = 0; i < n; i++) {
		pthread_join(s[i].thread, NULL);
		assert_int_equal(s[i].result, result);
	}
}

static void the_value_and_the_clock_end_a_wait(void **state)
{
	struct family *f = *state;
	arena[0] = 5;
	assert_int_equal(wait_on(f, &arena[0], 4, UINT32_MAX, -1), -EAGAIN);
	assert_int_equal(wait_on(f, &arena[0], 5, UINT32_MAX, 1000000), -ETIMEDOUT);
	assert_int_equal(queued(f, &arena[0]), 0);
	struct futex_key k = key_of(f, &arena[0]);
	assert_int_equal(futex_wait(&f->mm, 64, &k, 0, 1, WAIT_FOREVER), -EFAULT);
	assert_int_equal(futex_key(&f->mm, 2, true, &k), -EINVAL);
	assert_int_equal(futex_key(&f->mm, USER_TOP, true, &k), -EFAULT);
}

static void wake_counts(void **state)
{
	struct family *f = *state;
	struct sleeper s[SLEEPERS] = {0};
	struct futex_key k = key_of(f, &arena[0]), other = key_of(f, &arena[1]);
	start(f, s, SLEEPERS, &arena[0]);
	assert_int_equal(futex_wake(&other, INT32_MAX, UINT32_MAX), 0);
	assert_int_equal(futex_wake(&k, 3, UINT32_MAX), 3);
	assert_int_equal(futex_wake(&k, INT32_MAX, UINT32_MAX), SLEEPERS - 3);
	join(s, SLEEPERS, 0);
}

static void bitsets_select(void **state)
{
	struct family *f = *state;
	struct sleeper s[2] = {{.bitset = 1}, {.bitset = 2}};
	struct futex_key k = key_of(f, &arena[0]);
	start(f, s, 2, &arena[0]);
	assert_int_equal(futex_wake(&k, INT32_MAX, 2), 1);
	pthread_join(s[1].thread, NULL);
	assert_int_equal(queued(f, &arena[0]), 1);
	assert_int_equal(futex_wake(&k, INT32_MAX, 1), 1);
	pthread_join(s[0].thread, NULL);
}

static void requeue_wakes_some_and_moves_the_rest(void **state)
{
	struct family *f = *state;
	struct sleeper s[SLEEPERS] = {0};
	struct futex_requeue r = {
		.from = key_of(f, &arena[0]),
		.to = key_of(f, &arena[9]),
		.wake = 1,
		.move = 4,
		.compare = true,
		.addr = (uaddr_t)(uintptr_t)&arena[0],
		.val = 1,
	};
	start(f, s, SLEEPERS, &arena[0]);
	assert_int_equal(futex_requeue(&f->mm, &r), -EAGAIN);
	r.val = 0;
	assert_int_equal(futex_requeue(&f->mm, &r), 5);
	assert_int_equal(queued(f, &arena[9]), 4);
	assert_int_equal(futex_wake(&r.to, INT32_MAX, UINT32_MAX), 4);
	assert_int_equal(futex_wake(&r.from, INT32_MAX, UINT32_MAX), SLEEPERS - 5);
	join(s, SLEEPERS, 0);
}

static void a_signal_ends_a_wait(void **state)
{
	struct family *f = *state;
	struct sleeper s[1] = {0};
	start(f, s, 1, &arena[0]);
	waiter_flag(&s[0].waiter, WAITER_SIGNAL, 0);
	join(s, 1, -ERESTARTSYS);
	assert_int_equal(queued(f, &arena[0]), 0);
}

static void wake_op_changes_compares_and_wakes(void **state)
{
	struct family *f = *state;
	struct sleeper s[2] = {0};
	struct futex_key a = key_of(f, &arena[0]), b = key_of(f, &arena[1]);
	uint32_t result;
	const uint32_t add = (uint32_t)FUTEX_OP_ADD << 28 | FUTEX_OP_CMP_EQ << 24 | 7 << 12 | 0;
	start(f, &s[0], 1, &arena[0]);
	start(f, &s[1], 1, &arena[1]);
	assert_int_equal(futex_op(add, 0, &result), 0);
	assert_int_equal(result, 7);
	assert_int_equal(futex_op_wakes(add, 0), 1);
	assert_int_equal(futex_op_wakes(add, 1), 0);
	assert_int_equal(futex_op(6u << 28, 0, &result), -ENOSYS);
	assert_int_equal(futex_op_wakes(0xfu << 24, 0), -ENOSYS);
	assert_int_equal(futex_wake_both(&a, 1, &b, 1), 2);
	join(s, 2, 0);
}

static void waiting_for_many_says_which(void **state)
{
	struct family *f = *state;
	struct futex_many v[3] = {0};
	for (int i = 0; i < 3; i++) {
		v[i].addr = (uaddr_t)(uintptr_t)&arena[i];
		v[i].key = key_of(f, &arena[i]);
	}
	assert_int_equal(futex_wait_many(&f->mm, v, 3, deadline_in(1000000)), -ETIMEDOUT);
	arena[2] = 1;
	assert_int_equal(futex_wait_many(&f->mm, v, 3, WAIT_FOREVER), -EAGAIN);
	for (int i = 0; i < 3; i++)
		assert_int_equal(queued(f, &arena[i]), 0);
}

/* A list whose entries are at `arena[at]`, each followed by its mutex. */
static uint64_t entry(unsigned at)
{
	return (uint64_t)(uintptr_t)&arena[at];
}

static void put64(unsigned at, uint64_t v)
{
	memcpy(&arena[at], &v, sizeof v);
}

static void dead_owners_are_marked(void **state)
{
	struct family *f = *state;
	struct task *t = f->t[0];
	put64(0, entry(16)); /* head: list, offset 8, pending */
	put64(2, 8);
	put64(4, entry(32));
	put64(16, entry(24));
	put64(24, entry(0));
	arena[18] = (uint32_t)t->tid;
	arena[26] = 999; /* somebody else's */
	arena[34] = (uint32_t)t->tid | FUTEX_WAITERS;
	t->robust_list = entry(0);
	futex_exit_robust(t);
	assert_int_equal(arena[18], FUTEX_OWNER_DIED);
	assert_int_equal(arena[26], 999);
	assert_int_equal(arena[34], FUTEX_OWNER_DIED | FUTEX_WAITERS);
}

static void hostile_lists_end(void **state)
{
	struct family *f = *state;
	struct task *t = f->t[0];
	put64(0, entry(16));
	put64(2, 8);
	put64(16, entry(16)); /* a ring that never comes back to the head */
	t->robust_list = entry(0);
	futex_exit_robust(t);
	put64(16, 1); /* and one that leads nowhere */
	futex_exit_robust(t);
	put64(2, (uint64_t)INT64_MIN);
	futex_exit_robust(t);
	t->robust_list = 12;
	futex_exit_robust(t);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, family_setup, family_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_value_and_the_clock_end_a_wait),
		T(wake_counts),
		T(bitsets_select),
		T(requeue_wakes_some_and_moves_the_rest),
		T(a_signal_ends_a_wait),
		T(wake_op_changes_compares_and_wakes),
		T(waiting_for_many_says_which),
		T(dead_owners_are_marked),
		T(hostile_lists_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
