/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcntl record locks: the process's (F_SETLK) and the open file's (F_OFD_SETLK).
 */
#include "fs.h"

static struct flock range(int type, off_t start, off_t len)
{
	return (struct flock){
		.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static int lock(int fd, int type, off_t start, off_t len)
{
	struct flock fl = range(type, start, len);
	return fcntl(fd, F_SETLK, &fl);
}

static int ofd_lock(int fd, int type, off_t start, off_t len)
{
	struct flock fl = range(type, start, len);
	return fcntl(fd, F_OFD_SETLK, &fl);
}

/* What another process would meet in this range: F_UNLCK, or the lock in *out. */
static int probe(const char *path, int type, off_t start, off_t len, struct flock *out)
{
	int p[2];
	struct flock fl = range(type, start, len);
	ASSERT_OK(pipe(p));
	JOIN(SPAWN({
		ASSERT_OK(fcntl(open(path, O_RDWR), F_GETLK, &fl));
		ASSERT_EQ(write(p[1], &fl, sizeof fl), sizeof fl);
	}));
	ASSERT_EQ(read(p[0], &fl, sizeof fl), sizeof fl);
	if (out)
		*out = fl;
	close(p[0]);
	close(p[1]);
	return fl.l_type;
}

static int file(void)
{
	test_tmpdir();
	put("f", "0123456789");
	return open("f", O_RDWR);
}

TEST(posix_lock_excludes_another_process)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	JOIN(SPAWN({
		int other = open("f", O_RDWR);
		ASSERT_ERR(lock(other, F_WRLCK, 0, 0), EAGAIN);
		ASSERT_ERR(lock(other, F_RDLCK, 5, 1), EAGAIN);
		ASSERT_ERR(lock(fd, F_WRLCK, 0, 0), EAGAIN);
	}));
}

TEST(posix_lock_read_locks_coexist)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_RDLCK, 0, 5));
	JOIN(SPAWN({
		ASSERT_OK(lock(fd, F_RDLCK, 0, 5));
		ASSERT_ERR(lock(fd, F_WRLCK, 4, 1), EAGAIN);
		ASSERT_OK(lock(fd, F_WRLCK, 5, 1));
	}));
}

TEST(posix_lock_never_conflicts_with_itself)
{
	int fd = file(), other = open("f", O_RDWR);
	ASSERT_OK(lock(fd, F_WRLCK, 0, 5));
	ASSERT_OK(lock(other, F_WRLCK, 3, 5));
	ASSERT_OK(lock(other, F_RDLCK, 0, 0));
}

TEST(posix_lock_getlk_names_the_holder)
{
	int fd = file();
	struct flock got;
	ASSERT_OK(lock(fd, F_WRLCK, 2, 3));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, &got), F_WRLCK);
	ASSERT_EQ(got.l_pid, getpid());
	ASSERT_EQ(got.l_start, 2);
	ASSERT_EQ(got.l_len, 3);
	ASSERT_EQ(got.l_whence, SEEK_SET);
	ASSERT_EQ(probe("f", F_WRLCK, 5, 0, NULL), F_UNLCK);
	ASSERT_EQ(probe("f", F_WRLCK, 0, 2, NULL), F_UNLCK);
}

/* Not the one that was made first: the one that starts first. */
TEST(posix_lock_getlk_names_the_first_in_the_file)
{
	struct flock fl;
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 6, 2));
	ASSERT_OK(lock(fd, F_RDLCK, 1, 2));
	ASSERT_OK(lock(fd, F_WRLCK, 4, 1));
	probe("f", F_WRLCK, 0, 0, &fl);
	ASSERT(fl.l_type == F_RDLCK && fl.l_start == 1 && fl.l_len == 2);
	/* What is left of a lock, too. */
	ASSERT_OK(lock(fd, F_UNLCK, 1, 2));
	ASSERT_OK(lock(fd, F_RDLCK, 0, 6));
	ASSERT_OK(lock(fd, F_WRLCK, 2, 1));
	probe("f", F_WRLCK, 2, 0, &fl);
	ASSERT(fl.l_type == F_WRLCK && fl.l_start == 2 && fl.l_len == 1);
}

TEST(posix_lock_getlk_for_a_read_lock_ignores_read_locks)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_RDLCK, 0, 0));
	ASSERT_EQ(probe("f", F_RDLCK, 0, 0, NULL), F_UNLCK);
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, NULL), F_RDLCK);
}

TEST(posix_lock_getlk_of_the_own_lock_is_unlocked)
{
	int fd = file();
	struct flock fl = range(F_WRLCK, 0, 0);
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	ASSERT_OK(fcntl(fd, F_GETLK, &fl));
	ASSERT_EQ(fl.l_type, F_UNLCK);
}

TEST(posix_lock_unlocking_the_middle_splits)
{
	int fd = file();
	struct flock got;
	ASSERT_OK(lock(fd, F_WRLCK, 0, 10));
	ASSERT_OK(lock(fd, F_UNLCK, 4, 2));
	ASSERT_EQ(probe("f", F_WRLCK, 4, 2, NULL), F_UNLCK);
	ASSERT_EQ(probe("f", F_WRLCK, 0, 10, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 0);
	ASSERT_EQ(got.l_len, 4);
	ASSERT_EQ(probe("f", F_WRLCK, 4, 10, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 6);
	ASSERT_EQ(got.l_len, 4);
}

TEST(posix_lock_neighbours_merge)
{
	int fd = file();
	struct flock got;
	ASSERT_OK(lock(fd, F_WRLCK, 0, 3));
	ASSERT_OK(lock(fd, F_WRLCK, 6, 3));
	ASSERT_OK(lock(fd, F_WRLCK, 3, 3));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 0);
	ASSERT_EQ(got.l_len, 9);
}

TEST(posix_lock_downgrade_of_a_part)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 0, 10));
	ASSERT_OK(lock(fd, F_RDLCK, 3, 3));
	ASSERT_EQ(probe("f", F_RDLCK, 3, 3, NULL), F_UNLCK);
	ASSERT_EQ(probe("f", F_RDLCK, 0, 3, NULL), F_WRLCK);
	ASSERT_EQ(probe("f", F_RDLCK, 6, 1, NULL), F_WRLCK);
}

TEST(posix_lock_length_zero_is_to_infinity)
{
	int fd = file();
	struct flock got;
	ASSERT_OK(lock(fd, F_WRLCK, 5, 0));
	ASSERT_EQ(probe("f", F_WRLCK, 1LL << 40, 1, &got), F_WRLCK);
	ASSERT_EQ(got.l_len, 0);
	ASSERT_EQ(probe("f", F_WRLCK, 0, 5, NULL), F_UNLCK);
}

TEST(posix_lock_negative_length_is_before_start)
{
	int fd = file();
	struct flock got;
	ASSERT_OK(lock(fd, F_WRLCK, 5, -3));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 2);
	ASSERT_EQ(got.l_len, 3);
	ASSERT_ERR(lock(fd, F_WRLCK, 2, -3), EINVAL);
}

TEST(posix_lock_whence)
{
	int fd = file();
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -4, .l_len = 2}, got;
	ASSERT_OK(fcntl(fd, F_SETLK, &fl));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 6);
	ASSERT_EQ(lseek(fd, 1, SEEK_SET), 1);
	fl = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 1, .l_len = 1};
	ASSERT_OK(fcntl(fd, F_SETLK, &fl));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 5, &got), F_WRLCK);
	ASSERT_EQ(got.l_start, 2);
	fl.l_whence = 9;
	ASSERT_ERR(fcntl(fd, F_SETLK, &fl), EINVAL);
}

TEST(posix_lock_closing_any_fd_of_the_file_releases_all)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	int other = open("f", O_RDONLY);
	ASSERT_OK(close(other));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, NULL), F_UNLCK);
}

TEST(posix_lock_is_not_inherited_by_fork)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	/* The child closing its copy releases nothing of ours. */
	JOIN(SPAWN({ ASSERT_OK(close(fd)); }));
	ASSERT_EQ(probe("f", F_WRLCK, 0, 0, NULL), F_WRLCK);
}

TEST(posix_lock_is_released_at_exit)
{
	int fd = file();
	JOIN(SPAWN({ ASSERT_OK(lock(fd, F_WRLCK, 0, 0)); }));
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
}

TEST(posix_lock_needs_the_access_mode)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(lock(open("f", O_RDONLY), F_WRLCK, 0, 0), EBADF);
	ASSERT_ERR(lock(open("f", O_WRONLY), F_RDLCK, 0, 0), EBADF);
	ASSERT_OK(lock(open("f", O_WRONLY), F_WRLCK, 0, 0));
}

TEST(posix_lock_errors)
{
	int fd = file();
	ASSERT_ERR(lock(fd, 77, 0, 0), EINVAL);
	ASSERT_ERR(lock(-1, F_WRLCK, 0, 0), EBADF);
	ASSERT_ERR(fcntl(fd, F_SETLK, bad_ptr), EFAULT);
	ASSERT_ERR(lock(fd, F_WRLCK, -1, 1), EINVAL);
	struct flock fl = range(F_UNLCK, 0, 0);
	ASSERT_ERR(fcntl(fd, F_GETLK, &fl), EINVAL);
	ASSERT_ERR(lock(fd, F_WRLCK, INT64_MAX, 2), EOVERFLOW);
}

TEST(posix_lock_setlkw_waits)
{
	int fd = file(), p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	pid_t pid = SPAWN({
		struct flock fl = range(F_WRLCK, 0, 0);
		ASSERT_OK(fcntl(fd, F_SETLKW, &fl));
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	settle();
	ASSERT_OK(set_nonblock(p[0]));
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
	ASSERT_OK(lock(fd, F_UNLCK, 0, 0));
	JOIN(pid);
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

TEST(posix_lock_deadlock_is_edeadlk)
{
	int fd = file(), p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(lock(fd, F_WRLCK, 0, 1));
	pid_t pid = SPAWN({
		struct flock fl = range(F_WRLCK, 0, 1);
		ASSERT_OK(lock(fd, F_WRLCK, 1, 1));
		ASSERT_EQ(write(p[1], "x", 1), 1);
		/* One of the two gets EDEADLK; the other gets the lock once that one lets go. */
		if (fcntl(fd, F_SETLKW, &fl) < 0) {
			ASSERT_EQ(errno, EDEADLK);
			_exit(9);
		}
	});
	ASSERT_EQ(read(p[0], &c, 1), 1);
	struct flock fl = range(F_WRLCK, 1, 1);
	int mine = fcntl(fd, F_SETLKW, &fl), err = errno, st;
	if (mine < 0) {
		ASSERT_EQ(err, EDEADLK);
		ASSERT_OK(lock(fd, F_UNLCK, 0, 0));
	}
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	ASSERT_EQ(WEXITSTATUS(st), mine < 0 ? 0 : 9);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(posix_lock_wait_is_interrupted)
{
	int fd = file();
	ASSERT_OK(lock(fd, F_WRLCK, 0, 0));
	JOIN(SPAWN({
		struct sigaction sa = {.sa_handler = on_alarm};
		struct flock fl = range(F_WRLCK, 0, 0);
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_ERR(fcntl(fd, F_SETLKW, &fl), EINTR);
	}));
}

TEST(ofd_lock_belongs_to_the_open_file)
{
	int a = file(), b = open("f", O_RDWR), d = dup(a);
	ASSERT_OK(ofd_lock(a, F_WRLCK, 0, 0));
	ASSERT_ERR(ofd_lock(b, F_WRLCK, 0, 0), EAGAIN);
	ASSERT_OK(ofd_lock(d, F_WRLCK, 0, 0));
	JOIN(SPAWN({ ASSERT_OK(ofd_lock(a, F_WRLCK, 0, 0)); }));
	ASSERT_OK(close(a));
	ASSERT_ERR(ofd_lock(b, F_RDLCK, 0, 0), EAGAIN);
	ASSERT_OK(close(d));
	ASSERT_OK(ofd_lock(b, F_WRLCK, 0, 0));
}

TEST(ofd_lock_survives_closing_another_open)
{
	int a = file(), b = open("f", O_RDWR), c = open("f", O_RDWR);
	ASSERT_OK(ofd_lock(a, F_WRLCK, 0, 0));
	ASSERT_OK(close(b));
	ASSERT_ERR(ofd_lock(c, F_WRLCK, 0, 0), EAGAIN);
}

TEST(ofd_lock_conflicts_with_posix_lock_of_the_same_process)
{
	int a = file(), b = open("f", O_RDWR);
	ASSERT_OK(ofd_lock(a, F_WRLCK, 0, 0));
	ASSERT_ERR(lock(b, F_WRLCK, 0, 0), EAGAIN);
}

TEST(ofd_getlk_says_pid_minus_one)
{
	int a = file(), b = open("f", O_RDWR);
	struct flock fl = range(F_WRLCK, 0, 0);
	ASSERT_OK(ofd_lock(a, F_WRLCK, 3, 4));
	ASSERT_OK(fcntl(b, F_OFD_GETLK, &fl));
	ASSERT_EQ(fl.l_type, F_WRLCK);
	ASSERT_EQ(fl.l_pid, -1);
	ASSERT_EQ(fl.l_start, 3);
}

TEST(ofd_lock_wants_pid_zero)
{
	int a = file();
	struct flock fl = range(F_WRLCK, 0, 0);
	fl.l_pid = 1;
	ASSERT_ERR(fcntl(a, F_OFD_SETLK, &fl), EINVAL);
	ASSERT_ERR(fcntl(a, F_OFD_GETLK, &fl), EINVAL);
}

TEST_MAIN()
