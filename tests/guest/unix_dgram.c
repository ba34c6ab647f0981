/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX datagram sockets.
 */
#include "unix.h"

#include <poll.h>
#include <sys/ioctl.h>

static int bound(const char *name)
{
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	ASSERT_OK(s);
	ASSERT_OK(bind_at(s, name));
	return s;
}

TEST(unix_dgram_keeps_boundaries)
{
	int s[2];
	char buf[8] = "";
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_EQ(write(s[0], "de", 2), 2);
	ASSERT_EQ(read(s[1], buf, 8), 3);
	ASSERT_EQ(read(s[1], buf, 8), 2);
}

TEST(unix_dgram_short_read_loses_the_rest)
{
	int s[2];
	char buf[8] = "";
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[0], "abcdef", 6), 6);
	ASSERT_EQ(read(s[1], buf, 2), 2);
	ASSERT_ERR(recv(s[1], buf, 8, MSG_DONTWAIT), EAGAIN);
}

TEST(unix_dgram_trunc_tells_the_real_length)
{
	int s[2];
	char buf[2];
	struct iovec v = {buf, 2};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[0], "abcdef", 6), 6);
	ASSERT_EQ(recv(s[1], buf, 2, MSG_PEEK | MSG_TRUNC), 6);
	ASSERT_EQ(recvmsg(s[1], &m, 0), 2);
	ASSERT_EQ(m.msg_flags, MSG_TRUNC);
}

TEST(unix_dgram_empty_message_is_a_message)
{
	int s[2];
	char c;
	pair(SOCK_DGRAM | SOCK_NONBLOCK, s);
	ASSERT_EQ(send(s[0], "", 0, 0), 0);
	ASSERT_EQ(recv(s[1], &c, 1, 0), 0);
	ASSERT_ERR(recv(s[1], &c, 1, 0), EAGAIN);
}

TEST(unix_dgram_sendto_by_name_and_source_address)
{
	test_tmpdir();
	char buf[8] = "";
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	int a = bound("a"), b = bound("b");
	ASSERT_EQ(send_at(a, "b", "hi"), 2);
	ASSERT_EQ(recvfrom(b, buf, 8, 0, (struct sockaddr *)&from, &n), 2);
	ASSERT_STR(from.sun_path, "a");
	ASSERT_EQ(n, 4);
	ASSERT_EQ(sendto(b, "yo", 2, 0, (struct sockaddr *)&from, n), 2);
	ASSERT_EQ(read(a, buf, 8), 2);
}

TEST(unix_dgram_source_of_an_unbound_socket_is_empty)
{
	test_tmpdir();
	char buf[8];
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	int b = bound("b");
	ASSERT_EQ(send_at(socket(AF_UNIX, SOCK_DGRAM, 0), "b", "x"), 1);
	ASSERT_EQ(recvfrom(b, buf, 8, 0, (struct sockaddr *)&from, &n), 1);
	ASSERT_EQ(n, 0);
}

TEST(unix_dgram_connect_sets_the_default)
{
	test_tmpdir();
	char buf[8];
	int b = bound("b"), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	ASSERT_ERR(write(c, "x", 1), ENOTCONN);
	ASSERT_OK(connect_at(c, "b"));
	ASSERT_EQ(write(c, "x", 1), 1);
	ASSERT_EQ(read(b, buf, 8), 1);
	/* An address may still be given: unlike a stream. */
	bound("d");
	ASSERT_EQ(send_at(c, "d", "y"), 1);
	struct sockaddr sa = {.sa_family = AF_UNSPEC};
	ASSERT_OK(connect(c, &sa, sizeof sa));
	ASSERT_ERR(write(c, "x", 1), ENOTCONN);
}

TEST(unix_dgram_connected_pair_refuses_strangers)
{
	test_tmpdir();
	int a = bound("a"), b = bound("b"), c = bound("c");
	ASSERT_OK(connect_at(a, "b"));
	ASSERT_ERR(connect_at(c, "a"), EPERM);
	ASSERT_ERR(send_at(c, "a", "x"), EPERM);
	ASSERT_EQ(send_at(b, "a", "x"), 1);
}

TEST(unix_dgram_errors)
{
	test_tmpdir();
	put("f", "");
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	ASSERT_ERR(send_at(s, "gone", "x"), ENOENT);
	ASSERT_ERR(send_at(s, "f", "x"), ECONNREFUSED);
	ASSERT_ERR(send_at(s, abstract("nobody"), "x"), ECONNREFUSED);
	ASSERT_ERR(listen(s, 5), EOPNOTSUPP);
	ASSERT_ERR(accept(s, NULL, NULL), EOPNOTSUPP);
	listener(SOCK_STREAM, "s", 5);
	ASSERT_ERR(send_at(s, "s", "x"), EPROTOTYPE);
	ASSERT_ERR(connect_at(s, "s"), EPROTOTYPE);
}

TEST(unix_dgram_peer_gone_is_econnrefused)
{
	test_tmpdir();
	int b = bound("b"), c = socket(AF_UNIX, SOCK_DGRAM, 0);
	ASSERT_OK(connect_at(c, "b"));
	ASSERT_OK(close(b));
	ASSERT_ERR(write(c, "x", 1), ECONNREFUSED);
	/* And then it is no longer connected. */
	ASSERT_ERR(write(c, "x", 1), ENOTCONN);
}

TEST(unix_dgram_too_big_is_emsgsize)
{
	int s[2];
	static char big[1 << 20];
	pair(SOCK_DGRAM, s);
	ASSERT_OK(set_opt(s[0], SO_SNDBUF, 20000));
	ASSERT_ERR(write(s[0], big, sizeof big), EMSGSIZE);
	ASSERT_EQ(write(s[0], big, 10000), 10000);
}

TEST(unix_dgram_full_queue_is_eagain)
{
	int s[2], n = 0;
	pair(SOCK_DGRAM | SOCK_NONBLOCK, s);
	while (write(s[0], "x", 1) == 1)
		n++;
	ASSERT_EQ(errno, EAGAIN);
	ASSERT(n >= 1);
	char c;
	while (read(s[1], &c, 1) == 1)
		n--;
	ASSERT_EQ(n, 0);
	ASSERT_EQ(write(s[0], "x", 1), 1);
}

TEST(unix_dgram_rights_and_boundaries)
{
	int s[2], got;
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(send_fds(s[0], s, 1), 1);
	ASSERT_EQ(write(s[0], "y", 1), 1);
	ASSERT_EQ(recv_fds(s[1], &got, 1, 0, NULL), 1);
	ASSERT_EQ(recv_fds(s[1], &got, 1, 0, NULL), 0);
}

TEST(unix_dgram_sendmmsg_and_recvmmsg)
{
	int s[2];
	char a[4] = "", b[4] = "", c[4] = "";
	struct iovec out[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in[3] = {{a, 4}, {b, 4}, {c, 4}};
	struct mmsghdr mo[3], mi[3];
	memset(mo, 0, sizeof mo);
	memset(mi, 0, sizeof mi);
	for (int i = 0; i < 3; i++) {
		mo[i].msg_hdr.msg_iov = &out[i];
		mi[i].msg_hdr.msg_iov = &in[i];
		mo[i].msg_hdr.msg_iovlen = mi[i].msg_hdr.msg_iovlen = 1;
	}
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(sendmmsg(s[0], mo, 3, 0), 3);
	ASSERT_EQ(mo[2].msg_len, 3);
	ASSERT_EQ(recvmmsg(s[1], mi, 2, 0, NULL), 2);
	ASSERT_EQ(mi[1].msg_len, 2);
	ASSERT_EQ(recvmmsg(s[1], mi, 3, MSG_DONTWAIT, NULL), 1);
	ASSERT_ERR(recvmmsg(s[1], mi, 3, MSG_DONTWAIT, NULL), EAGAIN);
	ASSERT_EQ(sendmmsg(s[0], mo, 0, 0), 0);
}

TEST(unix_dgram_recvmmsg_waitforone)
{
	int s[2];
	char a[4], b[4];
	struct iovec in[2] = {{a, 4}, {b, 4}};
	struct mmsghdr mi[2];
	memset(mi, 0, sizeof mi);
	for (int i = 0; i < 2; i++) {
		mi[i].msg_hdr.msg_iov = &in[i];
		mi[i].msg_hdr.msg_iovlen = 1;
	}
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[0], "x", 1), 1);
	ASSERT_EQ(recvmmsg(s[1], mi, 2, MSG_WAITFORONE, NULL), 1);
	struct timespec bad = {0, 1000000000};
	ASSERT_ERR(recvmmsg(s[1], mi, 2, 0, &bad), EINVAL);
}

TEST(unix_dgram_fionread_is_the_next_message)
{
	int s[2], n = -1;
	pair(SOCK_DGRAM, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_EQ(write(s[0], "defgh", 5), 5);
	ASSERT_OK(ioctl(s[1], FIONREAD, &n));
	ASSERT_EQ(n, 3);
}

TEST(unix_dgram_shutdown)
{
	int s[2];
	char c;
	pair(SOCK_DGRAM, s);
	ASSERT_OK(shutdown(s[0], SHUT_WR));
	ASSERT_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	ASSERT_OK(shutdown(s[1], SHUT_RD));
	ASSERT_EQ(read(s[1], &c, 1), 0);
}

TEST(unix_dgram_closed_pair_peer)
{
	int s[2];
	pair(SOCK_DGRAM, s);
	ASSERT_OK(close(s[1]));
	ASSERT_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
}

TEST(unix_dgram_abstract)
{
	char name[100], buf[4];
	snprintf(name, sizeof name, "%s", abstract("dgram"));
	int a = bound(name);
	ASSERT_EQ(send_at(socket(AF_UNIX, SOCK_DGRAM, 0), name, "x"), 1);
	ASSERT_EQ(read(a, buf, 4), 1);
}

TEST(unix_dgram_autobind_on_send_with_passcred)
{
	test_tmpdir();
	struct sockaddr_un from;
	socklen_t n = sizeof from;
	char c;
	int b = bound("b"), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	ASSERT_OK(set_opt(s, SO_PASSCRED, 1));
	ASSERT_EQ(send_at(s, "b", "x"), 1);
	ASSERT_EQ(recvfrom(b, &c, 1, 0, (struct sockaddr *)&from, &n), 1);
	ASSERT_EQ(n, 8);
	ASSERT_EQ(from.sun_path[0], 0);
}

TEST(unix_dgram_raw_is_dgram)
{
	int s = socket(AF_UNIX, SOCK_RAW, 0);
	ASSERT_OK(s);
	ASSERT_EQ(get_opt(s, SO_TYPE), SOCK_DGRAM);
}

TEST(unix_dgram_write_waits_for_room)
{
	int s[2], n = 0;
	char c = 'x';
	pair(SOCK_DGRAM, s);
	while (send(s[0], &c, 1, MSG_DONTWAIT) == 1)
		n++;
	ASSERT_EQ(errno, EAGAIN);
	pid_t p = SPAWN({ ASSERT_EQ(write(s[0], "last", 4), 4); });
	char buf[8];
	for (int i = 0; i < n; i++)
		ASSERT_EQ(read(s[1], buf, sizeof buf), 1);
	ASSERT_EQ(read(s[1], buf, sizeof buf), 4);
	JOIN(p);
}

TEST(unix_dgram_write_without_room_times_out)
{
	int s[2];
	struct timeval t = {0, 20000};
	pair(SOCK_DGRAM, s);
	ASSERT_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
	while (write(s[0], "x", 1) == 1)
		;
	ASSERT_EQ(errno, EAGAIN);
}

TEST_MAIN()
