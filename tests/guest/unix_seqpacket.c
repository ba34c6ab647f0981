/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sequenced packets: connected like a stream, divided like datagrams.
 */
#include "unix.h"

TEST(unix_seqpacket_keeps_boundaries)
{
	int s[2];
	char buf[8];
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_EQ(write(s[0], "de", 2), 2);
	ASSERT_EQ(read(s[1], buf, 8), 3);
	ASSERT_EQ(read(s[1], buf, 1), 1);
	ASSERT_ERR(recv(s[1], buf, 8, MSG_DONTWAIT), EAGAIN);
}

TEST(unix_seqpacket_connects_and_accepts)
{
	test_tmpdir();
	char buf[8];
	int l = listener(SOCK_SEQPACKET, "s", 5), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ASSERT_OK(connect_at(c, "s"));
	int a = accept(l, NULL, NULL);
	ASSERT_OK(a);
	ASSERT_EQ(write(c, "abc", 3), 3);
	ASSERT_EQ(read(a, buf, 8), 3);
	ASSERT_ERR(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"), EPROTOTYPE);
}

TEST(unix_seqpacket_close_is_end_of_file)
{
	int s[2];
	char buf[8];
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_OK(close(s[0]));
	ASSERT_EQ(read(s[1], buf, 8), 3);
	ASSERT_EQ(read(s[1], buf, 8), 0);
	ASSERT_ERR(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(unix_seqpacket_trunc)
{
	int s[2];
	char buf[2];
	struct iovec v = {buf, 2};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(write(s[0], "abcdef", 6), 6);
	ASSERT_EQ(recv(s[1], buf, 2, MSG_PEEK | MSG_TRUNC), 6);
	ASSERT_EQ(recvmsg(s[1], &m, 0), 2);
	ASSERT_EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
}

TEST(unix_seqpacket_unconnected)
{
	char c;
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ASSERT_ERR(send(s, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	ASSERT_ERR(recv(s, &c, 1, 0), ENOTCONN);
}

TEST(unix_seqpacket_address_is_ignored_when_connected)
{
	int s[2];
	char c;
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(send_at(s[0], abstract("nobody"), "x"), 1);
	ASSERT_EQ(read(s[1], &c, 1), 1);
}

TEST(unix_seqpacket_rights)
{
	int s[2], got;
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(send_fds(s[0], s, 1), 1);
	ASSERT_EQ(recv_fds(s[1], &got, 1, MSG_CMSG_CLOEXEC, NULL), 1);
	ASSERT_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
}

TEST(unix_seqpacket_too_big_is_emsgsize)
{
	int s[2];
	static char big[1 << 20];
	pair(SOCK_SEQPACKET, s);
	ASSERT_OK(set_opt(s[0], SO_SNDBUF, 20000));
	ASSERT_ERR(write(s[0], big, sizeof big), EMSGSIZE);
}

TEST(unix_seqpacket_type)
{
	int s[2];
	pair(SOCK_SEQPACKET, s);
	ASSERT_EQ(get_opt(s[0], SO_TYPE), SOCK_SEQPACKET);
}

TEST_MAIN()
