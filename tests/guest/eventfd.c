/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventfd(2).
 */
#include "fs.h"

#include <poll.h>
#include <sys/eventfd.h>

static uint64_t take(int fd)
{
	uint64_t v = 0;
	ASSERT_EQ(read(fd, &v, 8), 8);
	return v;
}

static ssize_t add(int fd, uint64_t v)
{
	return write(fd, &v, 8);
}

TEST(eventfd_read_takes_the_sum)
{
	int fd = eventfd(3, 0);
	ASSERT_OK(fd);
	ASSERT_EQ(add(fd, 4), 8);
	ASSERT_EQ(take(fd), 7);
}

TEST(eventfd_empty_nonblocking_is_eagain)
{
	uint64_t v;
	int fd = eventfd(0, EFD_NONBLOCK);
	ASSERT_ERR(read(fd, &v, 8), EAGAIN);
	ASSERT_EQ(add(fd, 1), 8);
	ASSERT_EQ(take(fd), 1);
	ASSERT_ERR(read(fd, &v, 8), EAGAIN);
}

TEST(eventfd_semaphore_takes_one)
{
	uint64_t v;
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	ASSERT_EQ(take(fd), 1);
	ASSERT_EQ(take(fd), 1);
	ASSERT_ERR(read(fd, &v, 8), EAGAIN);
}

TEST(eventfd_sizes)
{
	char buf[16];
	int fd = eventfd(1, 0);
	ASSERT_ERR(read(fd, buf, 7), EINVAL);
	ASSERT_ERR(write(fd, buf, 7), EINVAL);
	ASSERT_EQ(read(fd, buf, 16), 8);
}

TEST(eventfd_maximum)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	ASSERT_ERR(add(fd, UINT64_MAX), EINVAL);
	ASSERT_EQ(add(fd, UINT64_MAX - 1), 8);
	ASSERT_ERR(add(fd, 1), EAGAIN);
	ASSERT_EQ(add(fd, 0), 8);
	ASSERT_EQ(take(fd), UINT64_MAX - 1);
}

TEST(eventfd_poll)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLOUT);
	ASSERT_EQ(add(fd, UINT64_MAX - 1), 8);
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN);
}

TEST(eventfd_flags)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	ASSERT_ERR(eventfd(0, 0x100), EINVAL);
}

TEST(eventfd_blocking_read_wakes)
{
	int fd = eventfd(0, 0);
	pid_t pid = SPAWN({
		settle();
		ASSERT_EQ(add(fd, 5), 8);
	});
	ASSERT_EQ(take(fd), 5);
	JOIN(pid);
}

TEST(eventfd_blocking_write_wakes)
{
	int fd = eventfd(0, 0);
	ASSERT_EQ(add(fd, UINT64_MAX - 1), 8);
	pid_t pid = SPAWN({ ASSERT_EQ(add(fd, 5), 8); });
	settle();
	ASSERT_EQ(take(fd), UINT64_MAX - 1);
	JOIN(pid);
	ASSERT_EQ(take(fd), 5);
}

TEST(eventfd_bad_pointers_and_seek)
{
	int fd = eventfd(1, 0);
	ASSERT_ERR(read(fd, bad_ptr, 8), EFAULT);
	ASSERT_ERR(write(fd, bad_ptr, 8), EFAULT);
	/* It has no position, yet seeking is no error: the kernel wins. */
	ASSERT_EQ(lseek(fd, 5, SEEK_SET), 0);
}

TEST(eventfd_fdinfo_shows_the_count)
{
	char name[64];
	int fd = eventfd(0x2a, 0);
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	char *line = strstr(get(name), "eventfd-count:");
	ASSERT(line);
	ASSERT_EQ(strtoull(line + 14, NULL, 16), 0x2a);
}

TEST(eventfd_link_name)
{
	char name[64], got[64] = "";
	snprintf(name, sizeof name, "/proc/self/fd/%d", eventfd(0, 0));
	ASSERT(readlink(name, got, 63) > 0);
	ASSERT_STR(got, "anon_inode:[eventfd]");
}

TEST_MAIN()
