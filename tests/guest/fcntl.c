/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcntl(2): flags, owners, pipe sizes, leases' absence.  Locks are in posix_lock.c.
 */
#include "fs.h"

#include <sys/socket.h>

TEST(fcntl_getfl_is_mode_and_flags)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_WRONLY | O_APPEND | O_NONBLOCK | O_CREAT | O_TRUNC);
	/* Creation flags are forgotten; O_LARGEFILE is always there on 64 bits. */
	ASSERT_EQ(fcntl(fd, F_GETFL) & ~0100000, O_WRONLY | O_APPEND | O_NONBLOCK);
	ASSERT_EQ(fcntl(fd, F_GETFL) & 0100000, 0100000);
}

TEST(fcntl_getfl_of_pipe_and_socket_has_no_largefile)
{
	int p[2], s[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(fcntl(p[0], F_GETFL), O_RDONLY);
	ASSERT_EQ(fcntl(p[1], F_GETFL), O_WRONLY);
	ASSERT_EQ(fcntl(s[0], F_GETFL), O_RDWR);
}

TEST(fcntl_setfl_changes_only_some)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK | O_TRUNC | O_CREAT));
	ASSERT_EQ(fcntl(fd, F_GETFL) & ~0100000, O_RDONLY | O_NONBLOCK);
	ASSERT_OK(fcntl(fd, F_SETFL, 0));
	ASSERT_EQ(fcntl(fd, F_GETFL) & ~0100000, O_RDONLY);
}

TEST(fcntl_setfl_append_takes_effect)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_WRONLY);
	ASSERT_OK(fcntl(fd, F_SETFL, O_APPEND));
	ASSERT_EQ(write(fd, "d", 1), 1);
	ASSERT_OK(fcntl(fd, F_SETFL, 0));
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
	ASSERT_EQ(write(fd, "X", 1), 1);
	ASSERT_FILE("f", "Xbcd");
}

TEST(fcntl_setfl_noatime_needs_the_owner)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	AS_USER({
		int fd = open("f", O_RDONLY);
		ASSERT_ERR(fcntl(fd, F_SETFL, O_NOATIME), EPERM);
	});
}

TEST(fcntl_setfd_knows_one_bit)
{
	int fd = dup(0);
	ASSERT_OK(fcntl(fd, F_SETFD, FD_CLOEXEC | 0x70));
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ASSERT_OK(fcntl(fd, F_SETFD, 0));
	ASSERT_EQ(fcntl(fd, F_GETFD), 0);
}

TEST(fcntl_bad_command_and_fd)
{
	ASSERT_ERR(fcntl(-1, F_GETFL), EBADF);
	ASSERT_ERR(fcntl(700, F_GETFD), EBADF);
	ASSERT_ERR(fcntl(0, 9999), EINVAL);
	ASSERT_ERR(fcntl(700, 9999), EBADF);
}

TEST(fcntl_owner_process_and_group)
{
	int s[2];
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_EQ(fcntl(s[0], F_GETOWN), 0);
	ASSERT_OK(fcntl(s[0], F_SETOWN, getpid()));
	ASSERT_EQ(fcntl(s[0], F_GETOWN), getpid());
	struct f_owner_ex ex = {F_OWNER_PGRP, getpgrp()};
	ASSERT_OK(fcntl(s[0], F_SETOWN_EX, &ex));
	memset(&ex, 0, sizeof ex);
	ASSERT_OK(fcntl(s[0], F_GETOWN_EX, &ex));
	ASSERT_EQ(ex.type, F_OWNER_PGRP);
	ASSERT_EQ(ex.pid, getpgrp());
	ex = (struct f_owner_ex){F_OWNER_TID, gettid()};
	ASSERT_OK(fcntl(s[0], F_SETOWN_EX, &ex));
	ex.type = 77;
	ASSERT_ERR(fcntl(s[0], F_SETOWN_EX, &ex), EINVAL);
}

TEST(fcntl_setown_of_nobody_is_esrch)
{
	int s[2];
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	pid_t gone = SPAWN({});
	JOIN(gone);
	ASSERT_ERR(fcntl(s[0], F_SETOWN, gone), ESRCH);
	ASSERT_OK(fcntl(s[0], F_SETOWN, 0));
}

static volatile sig_atomic_t got_io;

static void on_io(int sig)
{
	got_io = sig;
}

TEST(fcntl_async_socket_sends_sigio)
{
	int s[2];
	sigset_t io, old;
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	signal(SIGIO, on_io);
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &io, &old));
	ASSERT_OK(fcntl(s[0], F_SETOWN, getpid()));
	ASSERT_OK(fcntl(s[0], F_SETFL, O_ASYNC));
	ASSERT_EQ(write(s[1], "x", 1), 1);
	ASSERT_EQ(sigsuspend(&old), -1);
	ASSERT_EQ(got_io, SIGIO);
}

TEST(fcntl_setsig)
{
	int s[2];
	siginfo_t si;
	sigset_t set;
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(fcntl(s[0], F_GETSIG), 0);
	ASSERT_ERR(fcntl(s[0], F_SETSIG, 99), EINVAL);
	ASSERT_OK(fcntl(s[0], F_SETSIG, SIGRTMIN + 3));
	ASSERT_EQ(fcntl(s[0], F_GETSIG), SIGRTMIN + 3);
	ASSERT_OK(fcntl(s[0], F_SETOWN, getpid()));
	ASSERT_OK(fcntl(s[0], F_SETFL, O_ASYNC));
	ASSERT_EQ(write(s[1], "x", 1), 1);
	ASSERT_EQ(sigwaitinfo(&set, &si), SIGRTMIN + 3);
	/* With an own signal the descriptor comes along. */
	ASSERT_EQ(si.si_fd, s[0]);
}

TEST(fcntl_pipe_size)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	ASSERT_EQ(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
	ASSERT_EQ(fcntl(p[0], F_GETPIPE_SZ), 4096);
	/* Rounded up to a power of two of pages. */
	ASSERT_EQ(fcntl(p[0], F_SETPIPE_SZ, 4097), 8192);
	ASSERT_EQ(fcntl(p[0], F_SETPIPE_SZ, 12289), 16384);
	ASSERT_EQ(fcntl(p[0], F_SETPIPE_SZ, 1), 4096);
	ASSERT_EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
}

TEST(fcntl_pipe_size_below_what_is_in_it_is_ebusy)
{
	int p[2];
	static char buf[16384];
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], buf, sizeof buf), 16384);
	ASSERT_ERR(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY);
	ASSERT_OK(fcntl(p[1], F_SETPIPE_SZ, 16384));
	ASSERT_EQ(read(p[0], buf, sizeof buf), 16384);
}

TEST(fcntl_pipe_size_of_no_pipe_is_ebadf)
{
	ASSERT_ERR(fcntl(open("/", O_RDONLY), F_GETPIPE_SZ), EBADF);
	ASSERT_ERR(fcntl(open("/", O_RDONLY), F_SETPIPE_SZ, 4096), EBADF);
}

TEST(fcntl_seals_of_no_memfd_are_einval)
{
	test_tmpdir();
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_ERR(fcntl(p[0], F_GET_SEALS), EINVAL);
	ASSERT_ERR(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
}

TEST(fcntl_o_path_allows_few_commands)
{
	int fd = open("/", O_PATH);
	ASSERT_OK(fcntl(fd, F_GETFD));
	ASSERT_OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	ASSERT_OK(fcntl(fd, F_GETFL));
	ASSERT_OK(fcntl(fd, F_DUPFD, 0));
	ASSERT_ERR(fcntl(fd, F_SETFL, 0), EBADF);
	ASSERT_ERR(fcntl(fd, F_GETOWN), EBADF);
}

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif

TEST(fcntl_tells_whether_open_made_the_file)
{
	test_tmpdir();
	int fd = open("f", O_CREAT | O_WRONLY, 0600);
	if (fcntl(fd, F_CREATED_QUERY, 0) < 0 && errno == EINVAL)
		SKIP("older than 6.12");
	ASSERT_EQ(fcntl(fd, F_CREATED_QUERY, 0), 1);
	ASSERT_EQ(fcntl(dup(fd), F_CREATED_QUERY, 0), 1);
	ASSERT_EQ(fcntl(open("f", O_CREAT | O_WRONLY, 0600), F_CREATED_QUERY, 0), 0);
	ASSERT_EQ(fcntl(open("f", O_RDONLY), F_CREATED_QUERY, 0), 0);
	ASSERT_EQ(fcntl(open("f", O_PATH), F_CREATED_QUERY, 0), 0);
	ASSERT_EQ(fcntl(open("g", O_CREAT | O_EXCL | O_RDONLY, 0600), F_CREATED_QUERY, 0), 1);
	ASSERT_ERR(fcntl(-1, F_CREATED_QUERY, 0), EBADF);
}

TEST_MAIN()
