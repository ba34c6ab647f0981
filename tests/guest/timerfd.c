/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timerfd.
 */
#include "fs.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

static struct itimerspec its(long interval_ns, long value_ns)
{
	return (struct itimerspec){{interval_ns / 1000000000, interval_ns % 1000000000},
				   {value_ns / 1000000000, value_ns % 1000000000}};
}

TEST(timerfd_expires_once)
{
	uint64_t n = 0;
	struct itimerspec t = its(0, 5000000);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(fd);
	ASSERT_OK(timerfd_settime(fd, 0, &t, NULL));
	ASSERT_EQ(read(fd, &n, 8), 8);
	ASSERT_EQ(n, 1);
	ASSERT_OK(timerfd_gettime(fd, &t));
	ASSERT_EQ(t.it_value.tv_sec, 0);
	ASSERT_EQ(t.it_value.tv_nsec, 0);
}

TEST(timerfd_counts_expirations)
{
	uint64_t n = 0;
	struct itimerspec t = its(1000000, 1000000);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(timerfd_settime(fd, 0, &t, NULL));
	usleep(20000);
	ASSERT_EQ(read(fd, &n, 8), 8);
	ASSERT(n >= 15);
}

TEST(timerfd_unarmed_is_eagain)
{
	uint64_t n;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	ASSERT_ERR(read(fd, &n, 8), EAGAIN);
}

TEST(timerfd_gettime_shows_the_rest)
{
	struct itimerspec t = its(0, 100000000000), now;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(timerfd_settime(fd, 0, &t, NULL));
	ASSERT_OK(timerfd_gettime(fd, &now));
	ASSERT(now.it_value.tv_sec >= 80 && now.it_value.tv_sec <= 100);
	ASSERT_EQ(now.it_interval.tv_sec, 0);
}

TEST(timerfd_settime_returns_the_old_and_disarms)
{
	uint64_t n;
	struct itimerspec t = its(7000000000, 100000000000), off = its(0, 0), old;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	ASSERT_OK(timerfd_settime(fd, 0, &t, &old));
	ASSERT_EQ(old.it_value.tv_sec, 0);
	ASSERT_OK(timerfd_settime(fd, 0, &off, &old));
	ASSERT(old.it_value.tv_sec >= 80);
	ASSERT_EQ(old.it_interval.tv_sec, 7);
	ASSERT_ERR(read(fd, &n, 8), EAGAIN);
}

TEST(timerfd_absolute_in_the_past_expires_at_once)
{
	uint64_t n;
	struct itimerspec t = its(0, 1);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	ASSERT_EQ(read(fd, &n, 8), 8);
	ASSERT_EQ(n, 1);
}

TEST(timerfd_settime_forgets_unread_expirations)
{
	uint64_t n;
	struct itimerspec t = its(0, 1), far = its(0, 100000000000);
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	ASSERT_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	struct pollfd p = {fd, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, -1), 1);
	ASSERT_OK(timerfd_settime(fd, 0, &far, NULL));
	ASSERT_ERR(read(fd, &n, 8), EAGAIN);
}

TEST(timerfd_read_consumes)
{
	uint64_t n;
	struct itimerspec t = its(0, 1);
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	ASSERT_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	struct pollfd p = {fd, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, -1), 1);
	ASSERT_EQ(read(fd, &n, 8), 8);
	ASSERT_EQ(poll(&p, 1, 0), 0);
	ASSERT_ERR(read(fd, &n, 8), EAGAIN);
}

TEST(timerfd_errors)
{
	int p[2];
	struct itimerspec t = its(0, 1), bad = {{0, 0}, {0, 1000000000}}, neg = {{0, 0}, {-1, 0}};
	char buf[8];
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(pipe(p));
	ASSERT_ERR(timerfd_create(77, 0), EINVAL);
	ASSERT_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	ASSERT_ERR(timerfd_create(CLOCK_MONOTONIC, 0x100), EINVAL);
	ASSERT_ERR(timerfd_settime(fd, 0x100, &t, NULL), EINVAL);
	ASSERT_ERR(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
	ASSERT_ERR(timerfd_settime(fd, 0, &neg, NULL), EINVAL);
	ASSERT_ERR(timerfd_settime(fd, 0, bad_ptr, NULL), EFAULT);
	ASSERT_ERR(timerfd_settime(p[0], 0, &t, NULL), EINVAL);
	ASSERT_ERR(timerfd_settime(-1, 0, &t, NULL), EBADF);
	ASSERT_ERR(timerfd_gettime(p[0], &t), EINVAL);
	ASSERT_ERR(read(fd, buf, 7), EINVAL);
	ASSERT_ERR(write(fd, buf, 8), EINVAL);
}

TEST(timerfd_clocks)
{
	ASSERT_OK(timerfd_create(CLOCK_REALTIME, 0));
	ASSERT_OK(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC));
	ASSERT_EQ(fcntl(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
}

TEST(timerfd_is_shared_by_fork)
{
	uint64_t n;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	JOIN(SPAWN({
		struct itimerspec t = its(0, 1000000);
		ASSERT_OK(timerfd_settime(fd, 0, &t, NULL));
	}));
	ASSERT_EQ(read(fd, &n, 8), 8);
}

TEST_MAIN()
