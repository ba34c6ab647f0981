/* SPDX-License-Identifier: Apache-2.0 */
/* futex_wait, futex_wake, futex_requeue, futex_waitv: one call for each thing futex(2) does. */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>

#ifndef SYS_futex_wake
#define SYS_futex_wake	  454
#define SYS_futex_wait	  455
#define SYS_futex_requeue 456
#endif

/* FUTEX2_SIZE_U32, FUTEX2_PRIVATE, FUTEX_BITSET_MATCH_ANY: headers of 2022 lack the first two. */
enum { U32 = 2, PRIVATE = 128 };
#define ANY 0xffffffffull

static uint32_t word, word2;

static void need_futex2(void)
{
	if (syscall(SYS_futex_wake, &word, ANY, 0, U32) < 0 && errno == ENOSYS)
		SKIP("no futex_wake before Linux 6.7");
}

static long wake2(uint32_t *at, unsigned long mask, int n, unsigned flags)
{
	return syscall(SYS_futex_wake, at, mask, n, flags);
}

static long wait2(uint32_t *at, unsigned long val, unsigned long mask, unsigned flags,
		  const struct timespec *timeout)
{
	return syscall(SYS_futex_wait, at, val, mask, flags, timeout, CLOCK_MONOTONIC);
}

/* A moment that many milliseconds from now. */
static struct timespec in_ms(long ms)
{
	int64_t ns = now_ns() + ms * 1000000;
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

struct waiter {
	pthread_t thread;
	uint32_t *at;
	unsigned long mask;
	long result;
};

static void *wait_thread(void *arg)
{
	struct waiter *w = arg;
	w->result = wait2(w->at, 0, w->mask, U32 | PRIVATE, NULL);
	return NULL;
}

static void start(struct waiter *w, uint32_t *at, unsigned long mask)
{
	w->at = at;
	w->mask = mask;
	ASSERT_EQ(pthread_create(&w->thread, NULL, wait_thread, w), 0);
}

/* Wakes until one was there to be woken. */
static void wake_one(uint32_t *at, unsigned long mask)
{
	while (wake2(at, mask, 1, U32 | PRIVATE) == 0)
		nap(1);
}

static void finish(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	ASSERT_EQ(w->result, 0);
}

TEST(futex_wait_on_another_value_is_eagain)
{
	need_futex2();
	ASSERT_ERR(wait2(&word, 4, ANY, U32, NULL), EAGAIN);
	ASSERT_ERR(wait2(&word, 4, ANY, U32 | PRIVATE, NULL), EAGAIN);
}

TEST(futex_wait_times_out_at_a_moment)
{
	need_futex2();
	struct timespec ts = in_ms(30);
	ASSERT_ERR(wait2(&word, 0, ANY, U32, &ts), ETIMEDOUT);
	ASSERT(now_ns() >= ts.tv_sec * 1000000000 + ts.tv_nsec);
	ASSERT_ERR(wait2(&word, 0, ANY, U32, &ts), ETIMEDOUT);
}

TEST(a_futex_wait_is_restarted_after_a_handler)
{
	need_futex2();
	struct timespec ts = in_ms(60);
	on_signal(SIGALRM, count_signal, SA_RESTART);
	ualarm(10000, 0);
	ASSERT_ERR(wait2(&word, 0, ANY, U32 | PRIVATE, &ts), ETIMEDOUT);
	ASSERT_EQ(signal_count, 1);
}

TEST(futex_wake_wakes_a_wait)
{
	struct waiter w;
	need_futex2();
	start(&w, &word, ANY);
	wake_one(&word, ANY);
	finish(&w);
}

TEST(the_old_call_wakes_a_new_wait)
{
	struct waiter w;
	need_futex2();
	start(&w, &word, ANY);
	while (syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0)
		nap(1);
	finish(&w);
}

TEST(futex_wake_of_none_wakes_none)
{
	struct waiter w;
	need_futex2();
	start(&w, &word, ANY);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(wake2(&word, ANY, 0, U32 | PRIVATE), 0);
		nap(2);
	}
	wake_one(&word, ANY);
	finish(&w);
}

TEST(futex_wake_chooses_by_mask)
{
	struct waiter w;
	need_futex2();
	start(&w, &word, 4);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(wake2(&word, 8, 1, U32 | PRIVATE), 0);
		nap(2);
	}
	wake_one(&word, 12);
	finish(&w);
}

TEST(futex2_flags_and_masks_are_checked)
{
	need_futex2();
	ASSERT_ERR(wake2(&word, 0, 1, U32), EINVAL);
	ASSERT_ERR(wake2(&word, ANY + 1, 1, U32), EINVAL);
	ASSERT_ERR(wake2(&word, ANY, 1, U32 | 0x1000), EINVAL);
	ASSERT_ERR(wake2(&word, ANY, 1, 3), EINVAL);
	ASSERT_ERR(wait2(&word, 0, 0, U32, NULL), EINVAL);
	ASSERT_ERR(wait2(&word, ANY + 1, ANY, U32, NULL), EINVAL);
	ASSERT_ERR(wait2((uint32_t *)((char *)&word + 1), 0, ANY, U32, NULL), EINVAL);
	struct timespec ts = in_ms(1);
	ASSERT_ERR(syscall(SYS_futex_wait, &word, 0, ANY, U32, &ts, CLOCK_BOOTTIME), EINVAL);
}

TEST(futex_requeue_moves_a_waiter)
{
	struct waiter w;
	struct futex_waitv v[2] = {{.uaddr = (uintptr_t)&word, .flags = U32 | PRIVATE},
				   {.uaddr = (uintptr_t)&word2, .flags = U32 | PRIVATE}};
	need_futex2();
	start(&w, &word, ANY);
	while (syscall(SYS_futex_requeue, v, 0, 0, 1) == 0)
		nap(1);
	ASSERT_EQ(wake2(&word, ANY, 1, U32 | PRIVATE), 0);
	ASSERT_EQ(wake2(&word2, ANY, 1, U32 | PRIVATE), 1);
	finish(&w);
}

TEST(futex_requeue_compares_and_checks)
{
	struct futex_waitv v[2] = {{.val = 1, .uaddr = (uintptr_t)&word, .flags = U32},
				   {.uaddr = (uintptr_t)&word2, .flags = U32}};
	need_futex2();
	ASSERT_ERR(syscall(SYS_futex_requeue, v, 0, 0, 1), EAGAIN);
	v[0].val = 0;
	ASSERT_EQ(syscall(SYS_futex_requeue, v, 0, 1, 1), 0);
	ASSERT_ERR(syscall(SYS_futex_requeue, v, 1, 1, 1), EINVAL);
	ASSERT_ERR(syscall(SYS_futex_requeue, v, 0, -1, 1), EINVAL);
	ASSERT_ERR(syscall(SYS_futex_requeue, NULL, 0, 1, 1), EINVAL);
	ASSERT_ERR(syscall(SYS_futex_requeue, (void *)8, 0, 1, 1), EFAULT);
}

static long waitv(struct futex_waitv *v, unsigned n, const struct timespec *timeout)
{
	return syscall(SYS_futex_waitv, v, n, 0, timeout, CLOCK_MONOTONIC);
}

static void need_waitv(void)
{
	if (waitv(NULL, 0, NULL) < 0 && errno == ENOSYS)
		SKIP("no futex_waitv before Linux 5.16");
}

static void *waitv_thread(void *arg)
{
	struct futex_waitv v[2] = {{.uaddr = (uintptr_t)&word, .flags = U32 | PRIVATE},
				   {.uaddr = (uintptr_t)&word2, .flags = U32 | PRIVATE}};
	*(long *)arg = waitv(v, 2, NULL);
	return NULL;
}

TEST(futex_waitv_says_which_word_woke_it)
{
	uint32_t *words[] = {&word, &word2};
	need_waitv();
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		long result = -1;
		ASSERT_EQ(pthread_create(&thread, NULL, waitv_thread, &result), 0);
		while (syscall(SYS_futex, words[i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0)
			nap(1);
		pthread_join(thread, NULL);
		ASSERT_EQ(result, i);
		/* It waits for none of them any more. */
		ASSERT_EQ(syscall(SYS_futex, words[!i], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	}
}

TEST(futex_waitv_compares_every_word)
{
	struct futex_waitv v[2] = {{.uaddr = (uintptr_t)&word, .flags = U32},
				   {.val = 1, .uaddr = (uintptr_t)&word2, .flags = U32}};
	need_waitv();
	ASSERT_ERR(waitv(v, 2, NULL), EAGAIN);
	struct timespec ts = in_ms(20);
	ASSERT_ERR(waitv(v, 1, &ts), ETIMEDOUT);
	ASSERT(now_ns() >= ts.tv_sec * 1000000000 + ts.tv_nsec);
}

TEST(futex_waitv_arguments_are_checked)
{
	struct futex_waitv v[1] = {{.uaddr = (uintptr_t)&word, .flags = U32}};
	need_waitv();
	ASSERT_ERR(waitv(v, 0, NULL), EINVAL);
	ASSERT_ERR(waitv(v, 129, NULL), EINVAL);
	ASSERT_ERR(waitv(NULL, 1, NULL), EINVAL);
	ASSERT_ERR(waitv((void *)8, 1, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_futex_waitv, v, 1, 1, NULL, CLOCK_MONOTONIC), EINVAL);
	v[0].__reserved = 1;
	ASSERT_ERR(waitv(v, 1, NULL), EINVAL);
	v[0].__reserved = 0;
	v[0].flags = 0x1000 | U32;
	ASSERT_ERR(waitv(v, 1, NULL), EINVAL);
}

TEST_MAIN()
