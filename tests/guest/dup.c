/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dup, dup2, dup3, F_DUPFD.
 */
#include "fs.h"

#include <sys/resource.h>

TEST(dup_is_the_lowest_free_fd)
{
	int a = dup(0), b = dup(0);
	ASSERT(b > a);
	ASSERT_OK(close(a));
	ASSERT_EQ(dup(0), a);
}

TEST(dup_shares_offset_and_status_flags)
{
	test_tmpdir();
	put("f", "abc");
	int a = open("f", O_RDWR), b = dup(a);
	ASSERT_EQ(lseek(a, 2, SEEK_SET), 2);
	ASSERT_EQ(lseek(b, 0, SEEK_CUR), 2);
	ASSERT_OK(fcntl(a, F_SETFL, O_APPEND));
	ASSERT_EQ(fcntl(b, F_GETFL) & O_APPEND, O_APPEND);
}

TEST(dup_clears_cloexec)
{
	int a = open("/", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(fcntl(dup(a), F_GETFD), 0);
	ASSERT_OK(dup2(a, 50));
	ASSERT_EQ(fcntl(50, F_GETFD), 0);
	ASSERT_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
}

TEST(dup2_closes_the_old_one_quietly)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_EQ(dup2(0, p[1]), p[1]);
	/* The last writer is gone. */
	ASSERT_EQ(read(p[0], &c, 1), 0);
}

TEST(dup2_same_fd_is_a_no_op)
{
	int a = open("/", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(dup2(a, a), a);
	ASSERT_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
	ASSERT_ERR(dup2(700, 700), EBADF);
}

TEST(dup3_same_fd_is_einval)
{
	ASSERT_ERR(dup3(0, 0, 0), EINVAL);
	ASSERT_ERR(dup3(700, 700, 0), EINVAL);
}

TEST(dup3_flags)
{
	ASSERT_EQ(dup3(0, 50, O_CLOEXEC), 50);
	ASSERT_EQ(fcntl(50, F_GETFD), FD_CLOEXEC);
	ASSERT_ERR(dup3(0, 51, O_NONBLOCK), EINVAL);
	ASSERT_ERR(dup3(0, 51, 0x40000000), EINVAL);
}

TEST(dup_bad_fds_are_ebadf)
{
	ASSERT_ERR(dup(-1), EBADF);
	ASSERT_ERR(dup(700), EBADF);
	ASSERT_ERR(dup2(700, 50), EBADF);
	ASSERT_ERR(dup2(0, -1), EBADF);
	ASSERT_ERR(dup3(0, -1, 0), EBADF);
}

TEST(dup2_failed_leaves_the_target_open)
{
	int a = open("/", O_RDONLY);
	ASSERT_ERR(dup2(700, a), EBADF);
	ASSERT_OK(fcntl(a, F_GETFD));
}

TEST(dup2_at_the_limit_is_ebadf_and_dup_emfile)
{
	struct rlimit rl;
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = 20;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_ERR(dup2(0, 20), EBADF);
	ASSERT_EQ(dup2(0, 19), 19);
	int n = 0;
	while (dup(0) >= 0)
		n++;
	ASSERT_EQ(errno, EMFILE);
	ASSERT(n <= 19);
	ASSERT_ERR(fcntl(0, F_DUPFD, 20), EINVAL);
	ASSERT_ERR(fcntl(0, F_DUPFD, 10), EMFILE);
}

TEST(lowering_the_limit_keeps_high_fds_open)
{
	struct rlimit rl;
	ASSERT_EQ(dup2(0, 100), 100);
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = 10;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_OK(fcntl(100, F_GETFD));
	ASSERT_OK(close(100));
}

TEST(f_dupfd_takes_the_first_free_from_a_minimum)
{
	ASSERT_EQ(fcntl(0, F_DUPFD, 60), 60);
	ASSERT_EQ(fcntl(0, F_DUPFD, 60), 61);
	ASSERT_EQ(fcntl(0, F_DUPFD_CLOEXEC, 60), 62);
	ASSERT_EQ(fcntl(61, F_GETFD), 0);
	ASSERT_EQ(fcntl(62, F_GETFD), FD_CLOEXEC);
	ASSERT_ERR(fcntl(0, F_DUPFD, -1), EINVAL);
	ASSERT_ERR(fcntl(700, F_DUPFD, 0), EBADF);
}

TEST(close_twice_is_ebadf)
{
	int a = dup(0);
	ASSERT_OK(close(a));
	ASSERT_ERR(close(a), EBADF);
	ASSERT_ERR(close(-1), EBADF);
}

TEST(fds_are_copied_by_fork)
{
	int a = dup(0);
	JOIN(SPAWN({ ASSERT_OK(close(a)); }));
	ASSERT_OK(fcntl(a, F_GETFD));
}

static void *close_it(void *arg)
{
	ASSERT_OK(close(*(int *)arg));
	return NULL;
}

TEST(fds_are_shared_by_threads)
{
	pthread_t t;
	int a = dup(0);
	ASSERT_EQ(pthread_create(&t, NULL, close_it, &a), 0);
	pthread_join(t, NULL);
	ASSERT_ERR(fcntl(a, F_GETFD), EBADF);
}

TEST(opening_proc_self_fd_is_a_new_open_not_a_dup)
{
	test_tmpdir();
	char name[64];
	put("f", "abc");
	int a = open("f", O_RDONLY);
	snprintf(name, sizeof name, "/proc/self/fd/%d", a);
	int b = open(name, O_RDONLY);
	ASSERT_EQ(lseek(a, 2, SEEK_SET), 2);
	/* Opening the magic link is a new open, unlike dup. */
	ASSERT_EQ(lseek(b, 0, SEEK_CUR), 0);
}

TEST_MAIN()
