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

TEST_MAIN()
