/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices every container has.
 */
#include "fs.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

static void is_device(const char *path, unsigned maj, unsigned min)
{
	struct stat st;
	ASSERT_OK(stat(path, &st));
	ASSERT(S_ISCHR(st.st_mode));
	ASSERT_EQ(major(st.st_rdev), maj);
	ASSERT_EQ(minor(st.st_rdev), min);
	ASSERT_EQ(st.st_mode & 0666, 0666);
}

TEST(dev_numbers)
{
	is_device("/dev/null", 1, 3);
	is_device("/dev/zero", 1, 5);
	is_device("/dev/full", 1, 7);
	is_device("/dev/random", 1, 8);
	is_device("/dev/urandom", 1, 9);
	is_device("/dev/tty", 5, 0);
}

TEST(dev_null)
{
	char c;
	int fd = open("/dev/null", O_RDWR);
	ASSERT_EQ(read(fd, &c, 1), 0);
	ASSERT_EQ(write(fd, "abc", 3), 3);
	/* It looks at nothing. */
	ASSERT_EQ(write(fd, bad_ptr, 100), 100);
	ASSERT_EQ(read(fd, bad_ptr, 100), 0);
	ASSERT_EQ(lseek(fd, 100, SEEK_SET), 0);
	ASSERT_OK(open("/dev/null", O_WRONLY | O_TRUNC | O_CREAT, 0600));
	ASSERT_ERR(ftruncate(fd, 0), EINVAL);
}

TEST(dev_zero)
{
	char buf[5000];
	memset(buf, 1, sizeof buf);
	int fd = open("/dev/zero", O_RDWR);
	ASSERT_EQ(read(fd, buf, sizeof buf), 5000);
	for (int i = 0; i < 5000; i++)
		ASSERT_EQ(buf[i], 0);
	ASSERT_EQ(write(fd, "abc", 3), 3);
	ASSERT_ERR(read(fd, bad_ptr, 1), EFAULT);
}

TEST(dev_zero_mappings)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED && q != MAP_FAILED);
	JOIN(SPAWN({
		p[0] = 1;
		q[0] = 1;
	}));
	ASSERT_EQ(p[0], 0);
	ASSERT_EQ(q[0], 1);
}

TEST(dev_full)
{
	char c = 1;
	int fd = open("/dev/full", O_RDWR);
	ASSERT_ERR(write(fd, "x", 1), ENOSPC);
	ASSERT_EQ(read(fd, &c, 1), 1);
	ASSERT_EQ(c, 0);
}

TEST(dev_urandom_is_random)
{
	char a[32], b[32];
	int fd = open("/dev/urandom", O_RDONLY);
	ASSERT_EQ(read(fd, a, 32), 32);
	ASSERT_EQ(read(fd, b, 32), 32);
	ASSERT(memcmp(a, b, 32) != 0);
	ASSERT_EQ(read(fd, a, 0), 0);
	ASSERT_ERR(read(fd, bad_ptr, 32), EFAULT);
}

TEST(dev_random_reads_without_waiting)
{
	char a[32];
	int fd = open("/dev/random", O_RDWR | O_NONBLOCK);
	ASSERT_EQ(read(fd, a, 32), 32);
	/* Anyone may stir the pool. */
	ASSERT_EQ(write(fd, "seed", 4), 4);
	struct pollfd p = {fd, POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, 0), 1);
}

TEST(getrandom_call)
{
	char a[64], b[64];
	ASSERT_EQ(getrandom(a, sizeof a, 0), 64);
	ASSERT_EQ(getrandom(b, sizeof b, GRND_NONBLOCK), 64);
	ASSERT(memcmp(a, b, 64) != 0);
	ASSERT_EQ(syscall(SYS_getrandom, a, 0, 0), 0);
	ASSERT_ERR(getrandom(a, sizeof a, 0x100), EINVAL);
	ASSERT_ERR(getrandom(a, sizeof a, GRND_RANDOM | GRND_INSECURE), EINVAL);
	ASSERT_ERR(syscall(SYS_getrandom, bad_ptr, 8, 0), EFAULT);
}

TEST(dev_tty_without_a_terminal_is_enxio)
{
	JOIN(SPAWN({
		ASSERT_OK(setsid());
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
	}));
}

TEST(dev_fd_links)
{
	char buf[64] = "";
	ASSERT(readlink("/dev/fd", buf, 63) > 0);
	ASSERT_STR(buf, "/proc/self/fd");
	ASSERT(readlink("/dev/stdin", memset(buf, 0, 64), 63) > 0);
	ASSERT_STR(buf, "/proc/self/fd/0");
	ASSERT(readlink("/dev/stderr", memset(buf, 0, 64), 63) > 0);
	ASSERT_STR(buf, "/proc/self/fd/2");
}

TEST(dev_stdin_is_fd_zero)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_EQ(dup2(p[0], 0), 0);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	int fd = open("/dev/stdin", O_RDONLY);
	ASSERT_OK(fd);
	ASSERT_EQ(read(fd, &c, 1), 1);
}

TEST(dev_fd_of_a_closed_number_is_enoent)
{
	ASSERT_ERR(open("/dev/fd/700", O_RDONLY), ENOENT);
}

TEST(dev_shm_is_for_all)
{
	struct stat st = stat_of("/dev/shm");
	ASSERT_EQ(st.st_mode, S_IFDIR | 01777);
	char name[64];
	snprintf(name, sizeof name, "/dev/shm/guest-%d", getpid());
	AS_USER({
		int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		ASSERT_OK(fd);
		ASSERT_OK(ftruncate(fd, 4096));
		char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ASSERT(p != MAP_FAILED);
		p[0] = 'x';
		char c;
		ASSERT_EQ(pread(fd, &c, 1, 0), 1);
		ASSERT_EQ(c, 'x');
	});
	ASSERT_OK(unlink(name));
}

TEST(dev_null_is_no_tty)
{
	int n;
	ASSERT_EQ(isatty(open("/dev/null", O_RDWR)), 0);
	ASSERT_ERR(ioctl(open("/dev/null", O_RDWR), FIONREAD, &n), ENOTTY);
}

TEST(dev_poll)
{
	struct pollfd p[2] = {{open("/dev/null", O_RDWR), POLLIN | POLLOUT, 0},
			      {open("/dev/zero", O_RDWR), POLLIN | POLLOUT, 0}};
	ASSERT_EQ(poll(p, 2, 0), 2);
	ASSERT_EQ(p[0].revents, POLLIN | POLLOUT);
	ASSERT_EQ(p[1].revents, POLLIN | POLLOUT);
}

TEST_MAIN()
