/* SPDX-License-Identifier: Apache-2.0 */
/* futex_waitv, and futex_wake, futex_wait, futex_requeue of Linux 6.7. */
#include "task.h"

#include <pthread.h>

#define SIZE_U32   2
#define PRIVATE	   128
#define NR_WAITV   449
#define NR_WAKE	   454
#define NR_WAIT	   455
#define NR_REQUEUE 456

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static uint32_t word[4];

static long wake(uint32_t *at, unsigned long mask, int n, unsigned flags)
{
	return syscall(NR_WAKE, at, mask, n, flags);
}

static long wait_on(uint32_t *at, unsigned long val, unsigned long mask, unsigned flags,
		    const struct timespec *ts)
{
	return syscall(NR_WAIT, at, val, mask, flags, ts, CLOCK_MONOTONIC);
}

static struct waitv waitv_of(uint32_t *at, uint64_t val)
{
	return (struct waitv){.val = val, .uaddr = (uintptr_t)at, .flags = SIZE_U32 | PRIVATE};
}

static int has_67(void)
{
	return syscall(NR_WAKE, word, 1ul, 1, 77) < 0 && errno == EINVAL;
}

static struct timespec in_ms(long ms)
{
	int64_t at = now_ns() + ms * 1000000;
	return (struct timespec){at / 1000000000, at % 1000000000};
}

static void *waitv_thread(void *arg)
{
	struct waitv v[3];
	(void)arg;
	for (int i = 0; i < 3; i++)
		v[i] = waitv_of(&word[i], 0);
	return (void *)syscall(NR_WAITV, v, 3, 0, NULL, 0);
}

TEST(waitv_says_which_was_woken)
{
	pthread_t t;
	void *ret;
	ASSERT_EQ(pthread_create(&t, NULL, waitv_thread, NULL), 0);
	while (syscall(SYS_futex, &word[1], 1 | PRIVATE, 1, NULL, NULL, 0) == 0)
		nap(1);
	pthread_join(t, &ret);
	ASSERT_EQ((long)ret, 1);
}

TEST(waitv_compares_and_times_out)
{
	struct waitv v[2] = {waitv_of(&word[0], 0), waitv_of(&word[1], 1)};
	struct timespec ts = in_ms(5);
	ASSERT_ERR(syscall(NR_WAITV, v, 2, 0, &ts, CLOCK_MONOTONIC), EAGAIN);
	v[1].val = 0;
	ASSERT_ERR(syscall(NR_WAITV, v, 2, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
}

TEST(waitv_errors)
{
	struct waitv v = waitv_of(&word[0], 0);
	struct timespec ts = in_ms(5);
	ASSERT_ERR(syscall(NR_WAITV, &v, 0, 0, NULL, 0), EINVAL);
	ASSERT_ERR(syscall(NR_WAITV, &v, 129, 0, NULL, 0), EINVAL);
	ASSERT_ERR(syscall(NR_WAITV, &v, 1, 1, NULL, 0), EINVAL);
	ASSERT_ERR(syscall(NR_WAITV, NULL, 1, 0, NULL, 0), EINVAL);
	ASSERT_ERR(syscall(NR_WAITV, (void *)8, 1, 0, NULL, 0), EFAULT);
	ASSERT_ERR(syscall(NR_WAITV, &v, 1, 0, &ts, CLOCK_BOOTTIME), EINVAL);
	v.reserved = 1;
	ASSERT_ERR(syscall(NR_WAITV, &v, 1, 0, NULL, 0), EINVAL);
	v = waitv_of(&word[0], 0);
	v.flags = PRIVATE | 3;
	ASSERT_ERR(syscall(NR_WAITV, &v, 1, 0, NULL, 0), EINVAL);
	v = waitv_of((uint32_t *)((char *)word + 2), 0);
	ASSERT_ERR(syscall(NR_WAITV, &v, 1, 0, NULL, 0), EINVAL);
}

static void *wait_thread(void *arg)
{
	return (void *)wait_on(arg, 0, 2, SIZE_U32 | PRIVATE, NULL);
}

TEST(wake_selects_by_mask)
{
	pthread_t t;
	void *ret;
	if (!has_67())
		SKIP("no futex_wake");
	ASSERT_EQ(pthread_create(&t, NULL, wait_thread, word), 0);
	while (wake(word, 2, 1, SIZE_U32 | PRIVATE) == 0) {
		ASSERT_EQ(wake(word, 1, 1, SIZE_U32 | PRIVATE), 0);
		nap(1);
	}
	pthread_join(t, &ret);
	ASSERT_EQ((long)ret, 0);
	/* Unlike FUTEX_WAKE, none means none. */
	ASSERT_EQ(wake(word, 1, 0, SIZE_U32 | PRIVATE), 0);
}

TEST(wait_compares_and_times_out)
{
	struct timespec ts = in_ms(5);
	if (!has_67())
		SKIP("no futex_wait");
	ASSERT_ERR(wait_on(word, 1, 1, SIZE_U32 | PRIVATE, NULL), EAGAIN);
	ASSERT_ERR(wait_on(word, 0, 1, SIZE_U32 | PRIVATE, &ts), ETIMEDOUT);
	ASSERT_ERR(wait_on(word, 0, 0, SIZE_U32 | PRIVATE, &ts), EINVAL);
	ASSERT_ERR(wait_on(word, 1ul << 32, 1, SIZE_U32 | PRIVATE, &ts), EINVAL);
	ASSERT_ERR(wait_on(word, 0, 1ul << 32, SIZE_U32 | PRIVATE, &ts), EINVAL);
	ASSERT_ERR(wait_on(word, 0, 1, 3 | PRIVATE, &ts), EINVAL);
}

TEST(a_wait_is_restarted_after_a_handler_that_asks_for_it)
{
	struct timespec ts = in_ms(60);
	if (!has_67())
		SKIP("no futex_wait");
	on_signal(SIGALRM, count_signal, SA_RESTART);
	ASSERT_OK(ualarm(10000, 0));
	ASSERT_ERR(wait_on(word, 0, 1, SIZE_U32 | PRIVATE, &ts), ETIMEDOUT);
	ASSERT_EQ(signal_count, 1);
}

TEST(requeue_moves_waiters)
{
	struct waitv v[2] = {waitv_of(&word[0], 0), waitv_of(&word[1], 0)};
	pthread_t t;
	if (!has_67())
		SKIP("no futex_requeue");
	ASSERT_EQ(pthread_create(&t, NULL, wait_thread, word), 0);
	while (syscall(NR_REQUEUE, v, 0, 0, 1) == 0)
		nap(1);
	ASSERT_EQ(wake(&word[0], 2, 1, SIZE_U32 | PRIVATE), 0);
	ASSERT_EQ(wake(&word[1], 2, 1, SIZE_U32 | PRIVATE), 1);
	pthread_join(t, NULL);
	v[0].val = 5;
	ASSERT_ERR(syscall(NR_REQUEUE, v, 0, 0, 1), EAGAIN);
	ASSERT_ERR(syscall(NR_REQUEUE, v, 1, 0, 1), EINVAL);
	ASSERT_ERR(syscall(NR_REQUEUE, v, 0, -1, 1), EINVAL);
	ASSERT_ERR(syscall(NR_REQUEUE, NULL, 0, 0, 1), EINVAL);
}

TEST_MAIN()
