/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select and pselect.
 */
#include "fs.h"

#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

static fd_set set_of(int fd)
{
	fd_set s;
	FD_ZERO(&s);
	FD_SET(fd, &s);
	return s;
}

TEST(select_marks_the_ready)
{
	int p[2];
	struct timeval now = {0, 0};
	ASSERT_OK(pipe(p));
	fd_set r = set_of(p[0]), w = set_of(p[1]);
	ASSERT_EQ(select(p[1] + 1, &r, &w, NULL, &now), 1);
	ASSERT(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	r = set_of(p[0]);
	ASSERT_EQ(select(p[1] + 1, &r, &w, NULL, NULL), 2);
}

TEST(select_counts_bits_not_fds)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_RDWR);
	fd_set r = set_of(fd), w = set_of(fd);
	ASSERT_EQ(select(fd + 1, &r, &w, NULL, NULL), 2);
}

TEST(select_end_of_file_is_readable)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[1]));
	fd_set r = set_of(p[0]);
	ASSERT_EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
}

TEST(select_broken_pipe_is_writable)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[0]));
	fd_set w = set_of(p[1]);
	ASSERT_EQ(select(p[1] + 1, NULL, &w, NULL, NULL), 1);
}

TEST(select_closed_fd_is_ebadf)
{
	struct timeval now = {0, 0};
	fd_set r = set_of(40);
	close(40);
	ASSERT_ERR(select(41, &r, NULL, NULL, &now), EBADF);
	ASSERT(FD_ISSET(40, &r));
	/* A bit at or above nfds does not count. */
	ASSERT_EQ(select(40, &r, NULL, NULL, &now), 0);
}

TEST(select_negative_nfds_and_times_are_einval)
{
	struct timeval now = {0, 0}, bad = {-1, 0};
	ASSERT_ERR(select(-1, NULL, NULL, NULL, &now), EINVAL);
	ASSERT_ERR(select(0, NULL, NULL, NULL, &bad), EINVAL);
}

TEST(select_usec_above_a_second_is_normalised)
{
	test_tmpdir();
	int p[2];
	ASSERT_OK(pipe(p));
	struct timeval t = {0, 5000000};
	fd_set w = set_of(p[1]);
	ASSERT_EQ(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t), 1);
}

TEST(select_writes_the_time_left)
{
	int p[2];
	ASSERT_OK(pipe(p));
	struct timeval t = {100, 0};
	fd_set w = set_of(p[1]);
	ASSERT_EQ(select(p[1] + 1, NULL, &w, NULL, &t), 1);
	ASSERT(t.tv_sec >= 80 && t.tv_sec <= 100);
	t = (struct timeval){0, 10000};
	ASSERT_EQ(select(0, NULL, NULL, NULL, &t), 0);
	ASSERT_EQ(t.tv_sec, 0);
	ASSERT_EQ(t.tv_usec, 0);
}

TEST(select_bad_pointers_are_efault)
{
	struct timeval now = {0, 0};
	ASSERT_ERR(select(1, bad_ptr, NULL, NULL, &now), EFAULT);
	ASSERT_ERR(syscall(SYS_select, 0, NULL, NULL, NULL, bad_ptr), EFAULT);
	/* With no descriptor no set is read. */
	ASSERT_EQ(select(0, bad_ptr, NULL, NULL, &now), 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(pselect_mask)
{
	sigset_t block, none;
	struct timespec t = {0, 1000000};
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	signal(SIGUSR1, on_signal);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(pselect(0, NULL, NULL, NULL, &t, NULL), 0);
	ASSERT_ERR(pselect(0, NULL, NULL, NULL, NULL, &none), EINTR);
}

TEST(select_wakes_on_write)
{
	int p[2];
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		settle();
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	fd_set r = set_of(p[0]);
	ASSERT_EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
	JOIN(pid);
}

TEST_MAIN()
