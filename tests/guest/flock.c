/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flock(2): locks that belong to the open file.
 */
#include "fs.h"

#include <sys/file.h>

TEST(flock_exclusive_excludes_another_open)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_EX));
	ASSERT_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	ASSERT_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	ASSERT_OK(flock(a, LOCK_UN));
	ASSERT_OK(flock(b, LOCK_EX | LOCK_NB));
}

TEST(flock_shared_locks_coexist)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_SH));
	ASSERT_OK(flock(b, LOCK_SH | LOCK_NB));
	ASSERT_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST(flock_is_shared_by_dup_and_fork)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), d = dup(a), b = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_EX));
	ASSERT_OK(flock(d, LOCK_EX | LOCK_NB));
	JOIN(SPAWN({ ASSERT_OK(flock(a, LOCK_EX | LOCK_NB)); }));
	/* Closing one name of it keeps the lock... */
	ASSERT_OK(close(a));
	ASSERT_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	/* ...the last one frees it. */
	ASSERT_OK(close(d));
	ASSERT_OK(flock(b, LOCK_EX | LOCK_NB));
}

TEST(flock_unlock_by_a_child_unlocks)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_EX));
	JOIN(SPAWN({ ASSERT_OK(flock(a, LOCK_UN)); }));
	ASSERT_OK(flock(b, LOCK_EX | LOCK_NB));
}

TEST(flock_converts)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_EX));
	ASSERT_OK(flock(a, LOCK_SH));
	ASSERT_OK(flock(b, LOCK_SH | LOCK_NB));
	ASSERT_ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST(flock_failed_upgrade_loses_the_old_lock)
{
	/* Conversion is not atomic: the old lock is dropped first, and stays dropped. */
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY), c = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_SH));
	ASSERT_OK(flock(b, LOCK_SH));
	ASSERT_ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	ASSERT_OK(flock(b, LOCK_UN));
	ASSERT_OK(flock(c, LOCK_EX | LOCK_NB));
}

TEST(flock_waits_for_the_holder)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY), p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(flock(a, LOCK_EX));
	pid_t pid = SPAWN({
		int b = open("f", O_RDONLY);
		ASSERT_OK(flock(b, LOCK_EX));
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	settle();
	ASSERT_OK(set_nonblock(p[0]));
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
	ASSERT_OK(flock(a, LOCK_UN));
	JOIN(pid);
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

TEST(flock_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(flock(-1, LOCK_EX), EBADF);
	ASSERT_ERR(flock(open("f", O_RDONLY), 0), EINVAL);
	ASSERT_ERR(flock(open("f", O_RDONLY), LOCK_EX | LOCK_SH), EINVAL);
	ASSERT_ERR(flock(open("f", O_PATH), LOCK_EX), EBADF);
}

TEST(flock_and_fcntl_do_not_see_each_other)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDWR);
	ASSERT_OK(flock(a, LOCK_EX));
	JOIN(SPAWN({
		struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		ASSERT_OK(fcntl(open("f", O_RDWR), F_SETLK, &fl));
	}));
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(flock_wait_is_interrupted)
{
	test_tmpdir();
	put("f", "");
	int a = open("f", O_RDONLY);
	ASSERT_OK(flock(a, LOCK_EX));
	JOIN(SPAWN({
		struct sigaction sa = {.sa_handler = on_alarm};
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		int b = open("f", O_RDONLY);
		ualarm(20000, 20000);
		ASSERT_ERR(flock(b, LOCK_EX), EINTR);
	}));
}

TEST(flock_on_a_directory_and_a_read_only_fd)
{
	test_tmpdir();
	ASSERT_OK(flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB));
}

TEST_MAIN()
