/* SPDX-License-Identifier: Apache-2.0 */
/* EPIPE comes with SIGPIPE from pipes and stream sockets only, whichever call finds it. */
#include "unix.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

static volatile sig_atomic_t signals;

static void on_pipe(int sig)
{
	(void)sig;
	signals++;
}

/* A file with two bytes at its beginning, and a pipe that holds one. */
static int source, filled;

static ssize_t by_write(int s)
{
	return write(s, "x", 1);
}

static ssize_t by_writev(int s)
{
	struct iovec v[2] = {{"x", 1}, {"y", 1}};
	return writev(s, v, 2);
}

static ssize_t by_send(int s)
{
	return send(s, "x", 1, 0);
}

static ssize_t by_send_nosignal(int s)
{
	return send(s, "x", 1, MSG_NOSIGNAL);
}

static ssize_t by_sendmsg(int s)
{
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	return sendmsg(s, &m, 0);
}

static ssize_t by_sendmsg_nosignal(int s)
{
	struct iovec v = {"x", 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	return sendmsg(s, &m, MSG_NOSIGNAL);
}

static ssize_t by_sendmmsg(int s)
{
	struct iovec v = {"x", 1};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
	return sendmmsg(s, &m, 1, 0);
}

static ssize_t by_sendfile(int s)
{
	off_t off = 0;
	return sendfile(s, source, &off, 1);
}

static ssize_t by_splice(int s)
{
	return splice(filled, NULL, s, NULL, 1, 0);
}

static void prepare(void)
{
	int p[2];
	struct sigaction sa = {.sa_handler = on_pipe};
	test_tmpdir();
	ASSERT_OK(sigaction(SIGPIPE, &sa, NULL));
	source = open("source", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(source, "ab", 2), 2);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "c", 1), 1);
	filled = p[0];
}

/* The other end can no longer be written to; each call says so, with that many signals. */
static void refused(ssize_t (*call)(int), int s, int want)
{
	signals = 0;
	ASSERT_ERR(call(s), EPIPE);
	ASSERT_EQ(signals, want);
}

static void refused_by_all(int s, int want)
{
	refused(by_write, s, want);
	refused(by_writev, s, want);
	refused(by_send, s, want);
	refused(by_sendmsg, s, want);
	refused(by_sendmmsg, s, want);
	refused(by_sendfile, s, want);
	refused(by_splice, s, want);
	refused(by_send_nosignal, s, 0);
	refused(by_sendmsg_nosignal, s, 0);
}

TEST(sigpipe_of_a_stream_socket)
{
	int s[2];
	prepare();
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(shutdown(s[0], SHUT_WR));
	refused_by_all(s[0], 1);
}

TEST(sigpipe_of_a_stream_socket_without_peer)
{
	int s[2];
	prepare();
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(close(s[1]));
	refused_by_all(s[0], 1);
}

TEST(sigpipe_never_of_a_datagram_socket)
{
	int s[2];
	prepare();
	ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	ASSERT_OK(shutdown(s[0], SHUT_WR));
	refused_by_all(s[0], 0);
}

TEST(sigpipe_never_of_a_seqpacket_socket)
{
	int s[2];
	prepare();
	ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	ASSERT_OK(shutdown(s[0], SHUT_WR));
	refused_by_all(s[0], 0);
}

TEST(sigpipe_never_of_a_seqpacket_socket_without_peer)
{
	int s[2];
	prepare();
	ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	ASSERT_OK(close(s[1]));
	refused_by_all(s[0], 0);
}

TEST(sigpipe_of_a_pipe)
{
	int p[2];
	prepare();
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[0]));
	refused(by_write, p[1], 1);
	refused(by_writev, p[1], 1);
	refused(by_sendfile, p[1], 1);
	refused(by_splice, p[1], 1);
}

TEST_MAIN()
