/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels beside the bytes of an AF_UNIX socket: descriptors and credentials.
 */
#include "unix.h"

TEST(unix_rights_pass_a_descriptor)
{
	test_tmpdir();
	int s[2], got = -1;
	struct stat a, b;
	pair(SOCK_STREAM, s);
	put("f", "hello");
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(send_fds(s[0], &fd, 1), 1);
	ASSERT_EQ(recv_fds(s[1], &got, 1, 0, NULL), 1);
	ASSERT(got != fd);
	ASSERT_OK(fstat(fd, &a));
	ASSERT_OK(fstat(got, &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	/* It is the same open file. */
	ASSERT_EQ(lseek(fd, 3, SEEK_SET), 3);
	ASSERT_EQ(lseek(got, 0, SEEK_CUR), 3);
	ASSERT_EQ(fcntl(got, F_GETFD), 0);
}

TEST(unix_rights_survive_the_senders_close)
{
	int s[2], p[2], got;
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(send_fds(s[0], &p[1], 1), 1);
	ASSERT_OK(close(p[1]));
	ASSERT_OK(close(s[0]));
	ASSERT_EQ(recv_fds(s[1], &got, 1, 0, NULL), 1);
	ASSERT_EQ(write(got, "x", 1), 1);
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

TEST(unix_rights_unread_are_closed_with_the_socket)
{
	int s[2], p[2];
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(send_fds(s[0], &p[1], 1), 1);
	ASSERT_OK(close(p[1]));
	ASSERT_OK(close(s[0]));
	ASSERT_OK(close(s[1]));
	ASSERT_EQ(read(p[0], &c, 1), 0);
}

TEST(unix_rights_skipped_by_plain_read_are_closed)
{
	int s[2], p[2];
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(send_fds(s[0], &p[1], 1), 1);
	ASSERT_OK(close(p[1]));
	ASSERT_EQ(read(s[1], &c, 1), 1);
	ASSERT_EQ(read(p[0], &c, 1), 0);
}

TEST(unix_rights_limit_is_253)
{
	int s[2], fds[254], got[254];
	pair(SOCK_STREAM, s);
	for (int i = 0; i < 254; i++)
		fds[i] = s[0];
	ASSERT_ERR(send_fds(s[0], fds, 254), EINVAL);
	ASSERT_EQ(send_fds(s[0], fds, 253), 1);
	ASSERT_EQ(recv_fds(s[1], got, 253, 0, NULL), 253);
}

TEST(unix_rights_bad_descriptor_is_ebadf)
{
	int s[2], bad = 700;
	pair(SOCK_STREAM, s);
	ASSERT_ERR(send_fds(s[0], &bad, 1), EBADF);
}

TEST(unix_rights_without_room_are_truncated)
{
	int s[2], p[2], got[4], flags;
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_OK(pipe(p));
	int fds[2] = {p[0], p[1]};
	ASSERT_EQ(send_fds(s[0], fds, 2), 1);
	ASSERT_EQ(recv_fds(s[1], got, 1, 0, &flags), 1);
	ASSERT_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
	/* The one that found no room is closed, not leaked. */
	ASSERT_OK(close(p[1]));
	ASSERT_EQ(read(p[0], &c, 1), 0);
	ASSERT_EQ(send_fds(s[0], fds, 1), 1);
	ASSERT_EQ(recv_fds(s[1], got, 0, 0, &flags), 0);
	ASSERT_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
}

TEST(unix_rights_cloexec)
{
	int s[2], got;
	pair(SOCK_STREAM, s);
	ASSERT_EQ(send_fds(s[0], s, 1), 1);
	ASSERT_EQ(recv_fds(s[1], &got, 1, MSG_CMSG_CLOEXEC, NULL), 1);
	ASSERT_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
}

TEST(unix_rights_end_a_stream_read)
{
	int s[2], got;
	char buf[8];
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "ab", 2), 2);
	ASSERT_EQ(send_fds(s[0], s, 1), 1);
	ASSERT_EQ(write(s[0], "cd", 2), 2);
	/* Data before a message with rights may join it; data behind never does. */
	ASSERT_EQ(read(s[1], buf, 2), 2);
	ASSERT_EQ(recv_fds(s[1], &got, 1, 0, NULL), 1);
	ASSERT_EQ(read(s[1], buf, 8), 2);
}

TEST(unix_rights_peek_duplicates)
{
	int s[2], a, b;
	pair(SOCK_STREAM, s);
	ASSERT_EQ(send_fds(s[0], s, 1), 1);
	ASSERT_EQ(recv_fds(s[1], &a, 1, MSG_PEEK, NULL), 1);
	ASSERT_EQ(recv_fds(s[1], &b, 1, 0, NULL), 1);
	ASSERT(a != b);
}

TEST(unix_rights_of_the_socket_itself_are_no_leak)
{
	/* A cycle: only the collector can free it.  It may not crash or hang. */
	for (int i = 0; i < 50; i++) {
		int s[2];
		pair(SOCK_STREAM, s);
		ASSERT_EQ(send_fds(s[0], &s[1], 1), 1);
		ASSERT_EQ(send_fds(s[1], &s[0], 1), 1);
		ASSERT_OK(close(s[0]));
		ASSERT_OK(close(s[1]));
	}
}

TEST(unix_peercred)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	struct ucred u;
	socklen_t n = sizeof u;
	int l = listener(SOCK_STREAM, "s", 5);
	ASSERT_OK(chmod("s", 0777));
	pid_t pid = SPAWN({
		become_user();
		int c = socket(AF_UNIX, SOCK_STREAM, 0);
		char byte;
		ASSERT_OK(connect_at(c, "s"));
		ASSERT_OK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &n));
		/* The listener's, as of listen(). */
		ASSERT_EQ(u.uid, 0);
		ASSERT_EQ(u.pid, getppid());
		ASSERT_EQ(read(c, &byte, 1), 1);
	});
	int a = accept(l, NULL, NULL);
	ASSERT_OK(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &u, &n));
	ASSERT_EQ(u.pid, pid);
	ASSERT_EQ(u.uid, 1000);
	ASSERT_EQ(u.gid, 1000);
	ASSERT_EQ(write(a, "x", 1), 1);
	JOIN(pid);
}

TEST(unix_peercred_of_a_pair_is_the_maker)
{
	int s[2];
	struct ucred u;
	socklen_t n = sizeof u;
	pair(SOCK_STREAM, s);
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &n));
		ASSERT_EQ(u.pid, me);
	}));
}

TEST(unix_passcred_adds_credentials)
{
	int s[2];
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} c;
	char byte;
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	m.msg_control = &c;
	m.msg_controllen = sizeof c;
	pair(SOCK_STREAM, s);
	ASSERT_OK(set_opt(s[1], SO_PASSCRED, 1));
	ASSERT_EQ(get_opt(s[1], SO_PASSCRED), 1);
	pid_t pid = SPAWN({ ASSERT_EQ(write(s[0], "x", 1), 1); });
	ASSERT_EQ(recvmsg(s[1], &m, 0), 1);
	JOIN(pid);
	struct ucred u;
	ASSERT(CMSG_FIRSTHDR(&m));
	ASSERT_EQ(c.h.cmsg_type, SCM_CREDENTIALS);
	memcpy(&u, CMSG_DATA(&c.h), sizeof u);
	ASSERT_EQ(u.pid, pid);
	ASSERT_EQ(u.uid, 0);
}

static ssize_t send_cred(int s, struct ucred u)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} c;
	memset(&c, 0, sizeof c);
	c.h = (struct cmsghdr){CMSG_LEN(sizeof u), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(&c.h), &u, sizeof u);
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	m.msg_control = &c;
	m.msg_controllen = sizeof c;
	return sendmsg(s, &m, 0);
}

TEST(unix_credentials_may_not_be_forged_by_a_user)
{
	int s[2];
	pair(SOCK_STREAM, s);
	AS_USER({
		ASSERT_EQ(send_cred(s[0], (struct ucred){getpid(), 1000, 1000}), 1);
		ASSERT_ERR(send_cred(s[0], (struct ucred){getppid(), 1000, 1000}), EPERM);
		ASSERT_ERR(send_cred(s[0], (struct ucred){getpid(), 0, 1000}), EPERM);
		ASSERT_ERR(send_cred(s[0], (struct ucred){getpid(), 1000, 0}), EPERM);
	});
	ASSERT_EQ(send_cred(s[0], (struct ucred){getpid(), 5, 6}), 1);
}

TEST_MAIN()
