/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX stream sockets.
 */
#include "unix.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/time.h>

TEST(unix_stream_connect_and_talk)
{
	test_tmpdir();
	char buf[8] = "";
	int l = listener(SOCK_STREAM, "s", 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(connect_at(c, "s"));
	int a = accept(l, NULL, NULL);
	ASSERT_OK(a);
	ASSERT_EQ(write(c, "ping", 4), 4);
	ASSERT_EQ(read(a, buf, 8), 4);
	ASSERT_STR(buf, "ping");
	ASSERT_EQ(write(a, "pong", 4), 4);
	ASSERT_EQ(read(c, buf, 8), 4);
}

TEST(unix_stream_data_before_accept_is_kept)
{
	test_tmpdir();
	char buf[8] = "";
	int l = listener(SOCK_STREAM, "s", 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(connect_at(c, "s"));
	ASSERT_EQ(write(c, "early", 5), 5);
	ASSERT_OK(close(c));
	int a = accept(l, NULL, NULL);
	ASSERT_EQ(read(a, buf, 8), 5);
	ASSERT_EQ(read(a, buf, 8), 0);
}

TEST(unix_stream_has_no_boundaries)
{
	int s[2];
	char buf[8] = "";
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "ab", 2), 2);
	ASSERT_EQ(write(s[0], "cd", 2), 2);
	ASSERT_EQ(read(s[1], buf, 3), 3);
	ASSERT_STR(buf, "abc");
	ASSERT_EQ(read(s[1], buf, 8), 1);
}

TEST(unix_bind_makes_a_socket_file_subject_to_umask)
{
	test_tmpdir();
	umask(027);
	ASSERT_OK(bind_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"));
	ASSERT_EQ(stat_of("s").st_mode, S_IFSOCK | 0750);
}

TEST(unix_bind_errors)
{
	test_tmpdir();
	put("f", "");
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(bind_at(s, "f"), EADDRINUSE);
	ASSERT_ERR(bind_at(s, "missing/s"), ENOENT);
	ASSERT_ERR(bind_at(s, "f/s"), ENOTDIR);
	struct sockaddr_un un = {.sun_family = AF_INET};
	ASSERT_ERR(bind(s, (struct sockaddr *)&un, sizeof un), EINVAL);
	un.sun_family = AF_UNIX;
	ASSERT_ERR(bind(s, (struct sockaddr *)&un, 1), EINVAL);
	ASSERT_ERR(bind(s, (struct sockaddr *)&un, sizeof un + 1), EINVAL);
	ASSERT_ERR(bind(s, bad_ptr, sizeof un), EFAULT);
	ASSERT_OK(bind_at(s, "s"));
	ASSERT_ERR(bind_at(s, "t"), EINVAL);
	ASSERT_ERR(bind_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"), EADDRINUSE);
}

TEST(unix_bind_needs_write_permission_on_the_directory)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	AS_USER({ ASSERT_ERR(bind_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"), EACCES); });
}

TEST(unix_connect_needs_write_permission_on_the_socket)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	listener(SOCK_STREAM, "s", 5);
	ASSERT_OK(chmod("s", 0644));
	AS_USER({ ASSERT_ERR(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"), EACCES); });
	ASSERT_OK(chmod("s", 0222));
	AS_USER({ ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s")); });
}

TEST(unix_path_of_108_bytes_needs_no_nul)
{
	test_tmpdir();
	struct sockaddr_un un = {.sun_family = AF_UNIX}, got;
	socklen_t n = sizeof got;
	memset(un.sun_path, 'p', 108);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind(s, (struct sockaddr *)&un, sizeof un));
	char name[110];
	memset(name, 'p', 108);
	name[108] = 0;
	ASSERT(S_ISSOCK(stat_of(name).st_mode));
	ASSERT_OK(getsockname(s, (struct sockaddr *)&got, &n));
	/* The kernel counts the NUL that found no room. */
	ASSERT_EQ(n, 111);
}

TEST(unix_connect_errors)
{
	test_tmpdir();
	put("f", "");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(connect_at(s, "gone"), ENOENT);
	ASSERT_ERR(connect_at(s, "f"), ECONNREFUSED);
	ASSERT_OK(bind_at(b, "s"));
	/* Bound, not listening. */
	ASSERT_ERR(connect_at(s, "s"), ECONNREFUSED);
	ASSERT_ERR(connect_at(s, abstract("nobody")), ECONNREFUSED);
	ASSERT_OK(close(b));
	ASSERT_ERR(connect_at(s, "s"), ECONNREFUSED);
	ASSERT_OK(bind_at(socket(AF_UNIX, SOCK_DGRAM, 0), "d"));
	ASSERT_ERR(connect_at(s, "d"), EPROTOTYPE);
	ASSERT_ERR(connect(s, bad_ptr, 10), EFAULT);
}

TEST(unix_connect_twice_is_eisconn)
{
	test_tmpdir();
	listener(SOCK_STREAM, "s", 5);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(connect_at(c, "s"));
	ASSERT_ERR(connect_at(c, "s"), EISCONN);
}

TEST(unix_abstract_name_needs_no_file)
{
	test_tmpdir();
	char name[100];
	snprintf(name, sizeof name, "%s", abstract("plain"));
	int l = listener(SOCK_STREAM, name, 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(bind_at(socket(AF_UNIX, SOCK_STREAM, 0), name), EADDRINUSE);
	ASSERT_OK(connect_at(c, name));
	ASSERT_OK(accept(l, NULL, NULL));
	ASSERT_OK(close(l));
	/* The name is free once the socket is gone. */
	ASSERT_OK(bind_at(socket(AF_UNIX, SOCK_STREAM, 0), name));
}

TEST(unix_autobind_gives_five_hex_digits)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t n = sizeof un;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind(s, (struct sockaddr *)&un, sizeof un.sun_family));
	ASSERT_OK(getsockname(s, (struct sockaddr *)&un, &n));
	ASSERT_EQ(n, 2 + 6);
	ASSERT_EQ(un.sun_path[0], 0);
	ASSERT_EQ(strspn(un.sun_path + 1, "0123456789abcdef"), 5);
}

TEST(unix_names_of_both_ends)
{
	test_tmpdir();
	struct sockaddr_un un;
	socklen_t n = sizeof un;
	int l = listener(SOCK_STREAM, "s", 5), c = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(getpeername(c, (struct sockaddr *)&un, &n), ENOTCONN);
	ASSERT_OK(connect_at(c, "s"));
	ASSERT_OK(getpeername(c, (struct sockaddr *)&un, &n));
	ASSERT_EQ(n, 4);
	ASSERT_STR(un.sun_path, "s");
	n = sizeof un;
	ASSERT_OK(getsockname(c, (struct sockaddr *)&un, &n));
	ASSERT_EQ(n, 2);
	n = sizeof un;
	int a = accept(l, (struct sockaddr *)&un, &n);
	ASSERT_OK(a);
	/* The client has no name. */
	ASSERT_EQ(n, 2);
	n = sizeof un;
	ASSERT_OK(getsockname(a, (struct sockaddr *)&un, &n));
	ASSERT_STR(un.sun_path, "s");
}

TEST(unix_name_is_truncated_and_its_length_told)
{
	test_tmpdir();
	struct sockaddr_un un;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind_at(s, "abcdef"));
	memset(&un, 'z', sizeof un);
	socklen_t n = 4;
	ASSERT_OK(getsockname(s, (struct sockaddr *)&un, &n));
	ASSERT_EQ(n, 9);
	ASSERT(!memcmp(un.sun_path, "abzz", 4));
	n = (socklen_t)-1;
	ASSERT_ERR(getsockname(s, (struct sockaddr *)&un, &n), EINVAL);
}

TEST(unix_backlog_full_is_eagain_when_nonblocking)
{
	test_tmpdir();
	int l = listener(SOCK_STREAM, "s", 0), c[4], n = 0;
	for (; n < 4; n++) {
		c[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect_at(c[n], "s") < 0)
			break;
	}
	ASSERT_EQ(n, 1);
	ASSERT_EQ(errno, EAGAIN);
	ASSERT_OK(accept(l, NULL, NULL));
	ASSERT_OK(connect_at(c[1], "s"));
}

TEST(unix_connect_waits_for_the_backlog)
{
	test_tmpdir();
	int l = listener(SOCK_STREAM, "s", 0);
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"));
	pid_t pid = SPAWN({ ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s")); });
	settle();
	ASSERT_OK(accept(l, NULL, NULL));
	JOIN(pid);
	ASSERT_OK(accept(l, NULL, NULL));
}

TEST(unix_accept_errors)
{
	test_tmpdir();
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(accept(s, NULL, NULL), EINVAL);
	ASSERT_ERR(accept(-1, NULL, NULL), EBADF);
	ASSERT_ERR(accept(open(".", O_RDONLY), NULL, NULL), ENOTSOCK);
	int l = listener(SOCK_STREAM, "s", 5);
	ASSERT_OK(set_nonblock(l));
	ASSERT_ERR(accept(l, NULL, NULL), EAGAIN);
	ASSERT_ERR(accept4(l, NULL, NULL, 0x100), EINVAL);
}

TEST(unix_accept4_flags_are_not_inherited)
{
	test_tmpdir();
	int l = listener(SOCK_STREAM, "s", 5);
	ASSERT_OK(set_nonblock(l));
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"));
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"));
	int a = accept(l, NULL, NULL), b = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ASSERT_EQ(fcntl(a, F_GETFL), O_RDWR);
	ASSERT_EQ(fcntl(b, F_GETFL), O_RDWR | O_NONBLOCK);
	ASSERT_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
}

TEST(unix_closing_the_listener_resets_the_waiting)
{
	test_tmpdir();
	char c;
	int l = listener(SOCK_STREAM, "s", 5), s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(connect_at(s, "s"));
	ASSERT_OK(close(l));
	ASSERT_ERR(read(s, &c, 1), ECONNRESET);
	ASSERT_EQ(read(s, &c, 1), 0);
}

TEST(unix_close_with_unread_data_is_econnreset)
{
	int s[2];
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "x", 1), 1);
	ASSERT_OK(close(s[1]));
	ASSERT_ERR(read(s[0], &c, 1), ECONNRESET);
	ASSERT_EQ(read(s[0], &c, 1), 0);
}

TEST(unix_write_to_a_closed_peer_is_epipe)
{
	int s[2];
	pair(SOCK_STREAM, s);
	ASSERT_OK(close(s[1]));
	ASSERT_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	int st;
	pid_t pid = SPAWN({ write(s[0], "x", 1); });
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE);
}

TEST(unix_shutdown_directions)
{
	int s[2];
	char c;
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "x", 1), 1);
	ASSERT_OK(shutdown(s[0], SHUT_WR));
	ASSERT_ERR(send(s[0], "y", 1, MSG_NOSIGNAL), EPIPE);
	ASSERT_EQ(read(s[1], &c, 1), 1);
	ASSERT_EQ(read(s[1], &c, 1), 0);
	/* The other direction still works. */
	ASSERT_EQ(write(s[1], "z", 1), 1);
	ASSERT_EQ(read(s[0], &c, 1), 1);
	ASSERT_OK(shutdown(s[0], SHUT_RD));
	ASSERT_EQ(read(s[0], &c, 1), 0);
	ASSERT_ERR(send(s[1], "z", 1, MSG_NOSIGNAL), EPIPE);
	ASSERT_ERR(shutdown(s[0], 3), EINVAL);
}

TEST(unix_shutdown_unconnected_is_enotconn_for_tcp_only)
{
	/* AF_UNIX takes it without complaint. */
	ASSERT_OK(shutdown(socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RDWR));
	ASSERT_ERR(shutdown(-1, SHUT_RD), EBADF);
	ASSERT_ERR(shutdown(open("/", O_RDONLY), SHUT_RD), ENOTSOCK);
}

TEST(unix_read_and_write_unconnected)
{
	char c;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_ERR(read(s, &c, 1), EINVAL);
	ASSERT_ERR(send(s, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	ASSERT_ERR(send_at(s, abstract("no"), "x"), EOPNOTSUPP);
}

TEST(unix_sendto_connected_with_address_is_eisconn)
{
	int s[2];
	pair(SOCK_STREAM, s);
	ASSERT_ERR(send_at(s[0], abstract("no"), "x"), EISCONN);
}

TEST(unix_peek_leaves_the_data)
{
	int s[2];
	char buf[4] = "";
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_EQ(recv(s[1], buf, 2, MSG_PEEK), 2);
	ASSERT_STR(buf, "ab");
	ASSERT_EQ(recv(s[1], buf, 3, MSG_PEEK), 3);
	ASSERT_EQ(recv(s[1], buf, 3, 0), 3);
	ASSERT_ERR(recv(s[1], buf, 3, MSG_DONTWAIT), EAGAIN);
}

TEST(unix_waitall_waits_for_all)
{
	int s[2];
	char buf[8] = "";
	pair(SOCK_STREAM, s);
	pid_t pid = SPAWN({
		ASSERT_EQ(write(s[0], "ab", 2), 2);
		settle();
		ASSERT_EQ(write(s[0], "cd", 2), 2);
	});
	ASSERT_EQ(recv(s[1], buf, 4, MSG_WAITALL), 4);
	ASSERT_STR(buf, "abcd");
	JOIN(pid);
}

TEST(unix_nonblocking_send_fills_up)
{
	int s[2];
	static char buf[65536];
	size_t sent = 0, got = 0;
	ssize_t r;
	pair(SOCK_STREAM | SOCK_NONBLOCK, s);
	while ((r = write(s[0], buf, sizeof buf)) > 0)
		sent += (size_t)r;
	ASSERT_EQ(errno, EAGAIN);
	ASSERT(sent >= 65536);
	struct pollfd p = {s[0], POLLOUT, 0};
	ASSERT_EQ(poll(&p, 1, 0), 0);
	while ((r = read(s[1], buf, sizeof buf)) > 0)
		got += (size_t)r;
	ASSERT_EQ(got, sent);
	ASSERT_EQ(poll(&p, 1, 0), 1);
}

TEST(unix_fionread_and_siocoutq)
{
	int s[2], n = -1;
	pair(SOCK_STREAM, s);
	ASSERT_EQ(write(s[0], "abc", 3), 3);
	ASSERT_OK(ioctl(s[1], FIONREAD, &n));
	ASSERT_EQ(n, 3);
	ASSERT_OK(ioctl(s[0], TIOCOUTQ, &n));
	ASSERT(n > 0);
	char buf[4];
	ASSERT_EQ(read(s[1], buf, 4), 3);
	ASSERT_OK(ioctl(s[0], TIOCOUTQ, &n));
	ASSERT_EQ(n, 0);
}

TEST(unix_socket_options_read)
{
	test_tmpdir();
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(get_opt(s, SO_TYPE), SOCK_STREAM);
	ASSERT_EQ(get_opt(s, SO_DOMAIN), AF_UNIX);
	ASSERT_EQ(get_opt(s, SO_PROTOCOL), 0);
	ASSERT_EQ(get_opt(s, SO_ERROR), 0);
	ASSERT_EQ(get_opt(s, SO_ACCEPTCONN), 0);
	ASSERT_EQ(get_opt(listener(SOCK_STREAM, "s", 5), SO_ACCEPTCONN), 1);
}

TEST(unix_buffer_sizes_are_doubled)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(set_opt(s, SO_SNDBUF, 20000));
	ASSERT_EQ(get_opt(s, SO_SNDBUF), 40000);
	ASSERT_OK(set_opt(s, SO_RCVBUF, 20000));
	ASSERT_EQ(get_opt(s, SO_RCVBUF), 40000);
	/* There is a floor. */
	ASSERT_OK(set_opt(s, SO_SNDBUF, 1));
	ASSERT(get_opt(s, SO_SNDBUF) >= 2048);
}

TEST(unix_sockopt_errors)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), v = 1;
	socklen_t n = sizeof v;
	ASSERT_ERR(getsockopt(s, SOL_SOCKET, 9999, &v, &n), ENOPROTOOPT);
	ASSERT_ERR(setsockopt(s, SOL_SOCKET, 9999, &v, sizeof v), ENOPROTOOPT);
	ASSERT_ERR(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &v, 2), EINVAL);
	ASSERT_ERR(setsockopt(s, SOL_SOCKET, SO_PASSCRED, bad_ptr, 4), EFAULT);
	ASSERT_ERR(setsockopt(s, 6, 1, &v, sizeof v), EOPNOTSUPP);
	ASSERT_ERR(getsockopt(-1, SOL_SOCKET, SO_TYPE, &v, &n), EBADF);
	ASSERT_ERR(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, bad_ptr), EFAULT);
	ASSERT_ERR(set_opt(s, SO_TYPE, 1), ENOPROTOOPT);
	n = 2;
	v = 0;
	ASSERT_OK(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &n));
	ASSERT_EQ(n, 2);
}

TEST(unix_receive_timeout)
{
	int s[2];
	char c;
	struct timeval t = {0, 20000}, got;
	socklen_t n = sizeof got;
	pair(SOCK_STREAM, s);
	ASSERT_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	ASSERT_OK(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &n));
	ASSERT_EQ(got.tv_sec, 0);
	ASSERT(got.tv_usec >= 20000);
	ASSERT_ERR(read(s[0], &c, 1), EAGAIN);
}

TEST(unix_socketpair_is_connected_both_ways)
{
	int s[2];
	struct sockaddr_un un;
	socklen_t n = sizeof un;
	pair(SOCK_STREAM | SOCK_CLOEXEC, s);
	ASSERT_EQ(fcntl(s[1], F_GETFD), FD_CLOEXEC);
	ASSERT_OK(getpeername(s[0], (struct sockaddr *)&un, &n));
	ASSERT_EQ(n, 2);
	ASSERT_ERR(socketpair(AF_UNIX, SOCK_STREAM, 99, s), EPROTONOSUPPORT);
	ASSERT_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, bad_ptr), EFAULT);
	ASSERT_ERR(socketpair(AF_UNIX, 77, 0, s), EINVAL);
}

TEST(unix_sendmsg_gathers_and_recvmsg_scatters)
{
	int s[2];
	char a[3] = "", b[8] = "";
	struct iovec out[] = {{"ab", 2}, {"cde", 3}}, in[] = {{a, 2}, {b, 7}};
	struct msghdr mo = {.msg_iov = out, .msg_iovlen = 2};
	struct msghdr mi = {.msg_iov = in, .msg_iovlen = 2};
	pair(SOCK_STREAM, s);
	ASSERT_EQ(sendmsg(s[0], &mo, 0), 5);
	ASSERT_EQ(recvmsg(s[1], &mi, 0), 5);
	ASSERT_STR(a, "ab");
	ASSERT_STR(b, "cde");
	mo.msg_iovlen = 1025;
	ASSERT_ERR(sendmsg(s[0], &mo, 0), EMSGSIZE);
	ASSERT_ERR(sendmsg(s[0], bad_ptr, 0), EFAULT);
}

TEST(unix_out_of_band_byte)
{
	int s[2];
	char c = 0;
	pair(SOCK_STREAM, s);
	if (send(s[0], "ab", 2, MSG_OOB) < 0 && errno == EOPNOTSUPP)
		SKIP("kernel without MSG_OOB on AF_UNIX");
	ASSERT_EQ(recv(s[1], &c, 1, MSG_OOB), 1);
	ASSERT_EQ(c, 'b');
	ASSERT_EQ(recv(s[1], &c, 1, 0), 1);
	ASSERT_EQ(c, 'a');
}

TEST(unix_reading_wakes_on_peer_exit)
{
	int s[2];
	char c;
	pair(SOCK_STREAM, s);
	pid_t pid = SPAWN({
		close(s[0]);
		settle();
	});
	ASSERT_OK(close(s[1]));
	ASSERT_EQ(read(s[0], &c, 1), 0);
	JOIN(pid);
}

TEST(unix_listener_poll_is_pollin)
{
	test_tmpdir();
	int l = listener(SOCK_STREAM, "s", 5);
	struct pollfd p = {l, POLLIN | POLLOUT, 0};
	ASSERT_EQ(poll(&p, 1, 0), 0);
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "s"));
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN);
}

TEST(unix_connect_follows_symlinks_and_renames)
{
	test_tmpdir();
	listener(SOCK_STREAM, "s", 5);
	ASSERT_OK(symlink("s", "l"));
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "l"));
	ASSERT_OK(rename("s", "t"));
	ASSERT_OK(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "t"));
	ASSERT_ERR(connect_at(socket(AF_UNIX, SOCK_STREAM, 0), "l"), ENOENT);
}

TEST(unix_send_timeout_returns_what_was_sent)
{
	static char buf[1 << 20];
	int s[2];
	struct timeval t = {0, 20000};
	pair(SOCK_STREAM, s);
	ASSERT_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
	ssize_t n = write(s[0], buf, sizeof buf);
	ASSERT(n > 0 && n < (ssize_t)sizeof buf);
	while ((n = write(s[0], buf, 1)) == 1)
		;
	ASSERT_EQ(n, -1);
	ASSERT_EQ(errno, EAGAIN);
}

TEST_MAIN()
