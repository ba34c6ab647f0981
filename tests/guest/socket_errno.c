/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What socket calls say to wrong arguments, whatever the family.
 */
#include "unix.h"

TEST(socket_unknown_family_is_eafnosupport)
{
	ASSERT_ERR(socket(200, SOCK_STREAM, 0), EAFNOSUPPORT);
	ASSERT_ERR(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
}

TEST(socket_bad_type_is_einval)
{
	ASSERT_ERR(socket(AF_UNIX, 15, 0), EINVAL);
	ASSERT_ERR(socket(AF_UNIX, -1, 0), EINVAL);
}

TEST(socket_unix_types)
{
	ASSERT_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	ASSERT_OK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX));
	ASSERT_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	ASSERT_ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	ASSERT_ERR(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
}

TEST(socket_flags)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ASSERT_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
	ASSERT_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	ASSERT_ERR(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
}

TEST(socket_calls_on_no_socket_are_enotsock)
{
	int fd = open("/", O_RDONLY), v = 0;
	socklen_t n = sizeof v;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr *a = (struct sockaddr *)&un;
	struct msghdr m = {0};
	socklen_t an = sizeof un;
	ASSERT_ERR(bind(fd, a, sizeof un), ENOTSOCK);
	ASSERT_ERR(connect(fd, a, sizeof un), ENOTSOCK);
	ASSERT_ERR(listen(fd, 1), ENOTSOCK);
	ASSERT_ERR(accept(fd, NULL, NULL), ENOTSOCK);
	ASSERT_ERR(send(fd, "x", 1, 0), ENOTSOCK);
	ASSERT_ERR(recv(fd, &v, 1, 0), ENOTSOCK);
	ASSERT_ERR(sendmsg(fd, &m, 0), ENOTSOCK);
	ASSERT_ERR(recvmsg(fd, &m, 0), ENOTSOCK);
	ASSERT_ERR(getsockname(fd, a, &an), ENOTSOCK);
	ASSERT_ERR(getpeername(fd, a, &an), ENOTSOCK);
	ASSERT_ERR(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n), ENOTSOCK);
	ASSERT_ERR(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &v, n), ENOTSOCK);
	ASSERT_ERR(shutdown(fd, SHUT_RD), ENOTSOCK);
}

TEST(socket_calls_on_no_fd_are_ebadf)
{
	int v = 0;
	socklen_t n = sizeof v;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr *a = (struct sockaddr *)&un;
	struct msghdr m = {0};
	socklen_t an = sizeof un;
	ASSERT_ERR(bind(-1, a, sizeof un), EBADF);
	ASSERT_ERR(connect(-1, a, sizeof un), EBADF);
	ASSERT_ERR(listen(-1, 1), EBADF);
	ASSERT_ERR(send(-1, "x", 1, 0), EBADF);
	ASSERT_ERR(recv(-1, &v, 1, 0), EBADF);
	ASSERT_ERR(sendmsg(-1, &m, 0), EBADF);
	ASSERT_ERR(recvmsg(-1, &m, 0), EBADF);
	ASSERT_ERR(getsockname(-1, a, &an), EBADF);
	ASSERT_ERR(getpeername(-1, a, &an), EBADF);
	ASSERT_ERR(setsockopt(-1, SOL_SOCKET, SO_PASSCRED, &v, n), EBADF);
}

TEST(socket_bad_buffers_are_efault)
{
	int s[2];
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_ERR(send(s[0], bad_ptr, 1, 0), EFAULT);
	ASSERT_EQ(send(s[0], "x", 1, 0), 1);
	ASSERT_ERR(recv(s[1], bad_ptr, 1, 0), EFAULT);
	ASSERT_EQ(recv(s[1], &c, 1, 0), 1);
	ASSERT_ERR(getsockname(s[0], bad_ptr, bad_ptr), EFAULT);
}

TEST(socket_o_path_is_ebadf)
{
	test_tmpdir();
	listener(SOCK_STREAM, "s", 1);
	ASSERT_ERR(listen(open("s", O_PATH), 1), EBADF);
}

TEST(socket_recvmsg_bad_iovec_count)
{
	int s[2];
	struct msghdr m = {.msg_iovlen = 1025};
	pair(SOCK_DGRAM, s);
	ASSERT_ERR(recvmsg(s[0], &m, MSG_DONTWAIT), EMSGSIZE);
	m.msg_iov = bad_ptr;
	m.msg_iovlen = 1;
	ASSERT_ERR(recvmsg(s[0], &m, MSG_DONTWAIT), EFAULT);
	ASSERT_ERR(recvmsg(s[0], bad_ptr, MSG_DONTWAIT), EFAULT);
}

TEST(socket_control_message_shapes)
{
	int s[2];
	union {
		struct cmsghdr h;
		char room[64];
	} c;
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	pair(SOCK_STREAM, s);
	m.msg_control = &c;
	/* Room for one header: behind it a second one would be looked for. */
	m.msg_controllen = CMSG_SPACE(4);
	/* Shorter than its own header. */
	c.h = (struct cmsghdr){4, SOL_SOCKET, SCM_RIGHTS};
	ASSERT_ERR(sendmsg(s[0], &m, 0), EINVAL);
	/* Longer than the buffer. */
	c.h.cmsg_len = 1000;
	ASSERT_ERR(sendmsg(s[0], &m, 0), EINVAL);
	/* Not of a kind that SOL_SOCKET knows. */
	c.h = (struct cmsghdr){CMSG_LEN(4), SOL_SOCKET, 77};
	ASSERT_ERR(sendmsg(s[0], &m, 0), EINVAL);
	/* Rights of a size that is no array of descriptors. */
	c.h = (struct cmsghdr){CMSG_LEN(0) + 2, SOL_SOCKET, SCM_RIGHTS};
	ASSERT_EQ(sendmsg(s[0], &m, 0), 1);
	/* Other levels are not its business. */
	c.h = (struct cmsghdr){CMSG_LEN(4), 12345, 1};
	ASSERT_EQ(sendmsg(s[0], &m, 0), 1);
	m.msg_control = bad_ptr;
	ASSERT_ERR(sendmsg(s[0], &m, 0), EFAULT);
	m.msg_controllen = (size_t)1 << 40;
	ASSERT_ERR(sendmsg(s[0], &m, 0), ENOBUFS);
}

TEST(socket_recv_oversized_count_is_clamped)
{
	int s[2];
	char *p = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_EQ(syscall(SYS_recvfrom, s[1], p, 1L << 40, 0, NULL, NULL), 3);
}

TEST(socket_fd_link_name)
{
	int s[2];
	char name[64], got[64] = "", want[64];
	struct stat st;
	pair(SOCK_STREAM, s);
	ASSERT_OK(fstat(s[0], &st));
	snprintf(name, sizeof name, "/proc/self/fd/%d", s[0]);
	ASSERT(readlink(name, got, 63) > 0);
	snprintf(want, sizeof want, "socket:[%llu]", (unsigned long long)st.st_ino);
	ASSERT_STR(got, want);
	ASSERT_ERR(open(name, O_RDWR), ENXIO);
}

TEST_MAIN()
