/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe(2) and pipe2(2).
 */
#include "fs.h"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>

TEST(pipe_carries_bytes_in_order)
{
	int p[2];
	char buf[8] = "";
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "abc", 3), 3);
	ASSERT_EQ(write(p[1], "de", 2), 2);
	ASSERT_EQ(read(p[0], buf, 4), 4);
	ASSERT_STR(buf, "abcd");
	ASSERT_EQ(read(p[0], buf, 4), 1);
}

TEST(pipe_ends_are_one_way)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_ERR(read(p[1], &c, 1), EBADF);
	ASSERT_ERR(write(p[0], "x", 1), EBADF);
}

TEST(pipe_fds_are_the_two_lowest)
{
	int a = dup(0), p[2];
	ASSERT_OK(close(a));
	ASSERT_OK(pipe(p));
	ASSERT_EQ(p[0], a);
	ASSERT_EQ(p[1], a + 1);
}

TEST(pipe2_rejects_unknown_flags)
{
	int fd[2];
	ASSERT_ERR(pipe2(fd, 0x40000000), EINVAL);
	ASSERT_ERR(pipe2(fd, O_APPEND), EINVAL);
}

TEST(pipe2_flags_apply_to_both_ends)
{
	int p[2];
	ASSERT_OK(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(fcntl(p[i], F_GETFD), FD_CLOEXEC);
		ASSERT_EQ(fcntl(p[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	}
}

TEST(pipe_bad_pointer_is_efault_and_leaks_nothing)
{
	int a = dup(0);
	ASSERT_OK(close(a));
	ASSERT_ERR(syscall(SYS_pipe, bad_ptr), EFAULT);
	ASSERT_ERR(syscall(SYS_pipe2, page_edge() - 4, 0), EFAULT);
	ASSERT_EQ(dup(0), a);
}

TEST(pipe_end_of_file_when_the_last_writer_closes)
{
	int p[2], w;
	char c;
	ASSERT_OK(pipe(p));
	w = dup(p[1]);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_OK(close(p[1]));
	ASSERT_OK(set_nonblock(p[0]));
	ASSERT_EQ(read(p[0], &c, 1), 1);
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
	ASSERT_OK(close(w));
	ASSERT_EQ(read(p[0], &c, 1), 0);
}

static volatile sig_atomic_t got_pipe;

static void on_pipe(int sig)
{
	got_pipe = sig;
}

TEST(pipe_write_without_reader_is_epipe_and_sigpipe)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[0]));
	signal(SIGPIPE, on_pipe);
	ASSERT_ERR(write(p[1], "x", 1), EPIPE);
	ASSERT_EQ(got_pipe, SIGPIPE);
	/* Nothing to write, nothing to complain about. */
	ASSERT_EQ(write(p[1], "", 0), 0);
	signal(SIGPIPE, SIG_IGN);
	ASSERT_ERR(write(p[1], "x", 1), EPIPE);
}

TEST(pipe_sigpipe_kills_by_default)
{
	int p[2], st;
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[0]));
	pid_t pid = SPAWN({ write(p[1], "x", 1); });
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE);
}

TEST(pipe_nonblocking_empty_and_full)
{
	int p[2];
	static char buf[65536];
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	ASSERT_ERR(read(p[0], buf, 1), EAGAIN);
	ASSERT_EQ(write(p[1], buf, 65536), 65536);
	ASSERT_ERR(write(p[1], buf, 1), EAGAIN);
	ASSERT_EQ(read(p[0], buf, 65536), 65536);
	ASSERT_EQ(write(p[1], buf, 1), 1);
}

TEST(pipe_read_zero_bytes_never_blocks)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_EQ(read(p[0], &c, 0), 0);
}

TEST(pipe_small_nonblocking_write_is_all_or_nothing)
{
	int p[2];
	static char buf[65536];
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	ASSERT_EQ(write(p[1], buf, 65536 - 4096), 65536 - 4096);
	ASSERT_EQ(write(p[1], buf, 100), 100);
	/* Less than PIPE_BUF and no room for it all: nothing is written. */
	ASSERT_ERR(write(p[1], buf, PIPE_BUF), EAGAIN);
	/* More than PIPE_BUF: what fits. */
	ASSERT_EQ(read(p[0], buf, 65536), 65536 - 4096 + 100);
	ASSERT_EQ(write(p[1], buf, 65536 - 4096), 65536 - 4096);
	ASSERT_EQ(write(p[1], buf, 8192), 4096);
}

TEST(pipe_blocking_write_waits_for_all_of_it)
{
	int p[2];
	static char buf[200000];
	size_t n = 0;
	ssize_t r;
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({ ASSERT_EQ(write(p[1], buf, sizeof buf), sizeof buf); });
	ASSERT_OK(close(p[1]));
	while ((r = read(p[0], buf, 3000)) > 0)
		n += (size_t)r;
	ASSERT_EQ(n, 200000);
	JOIN(pid);
}

TEST(pipe_buf_writes_of_two_writers_do_not_mix)
{
	enum { N = 100 };
	int p[2];
	static char buf[PIPE_BUF];
	pid_t pid[2];
	ASSERT_OK(pipe(p));
	for (int i = 0; i < 2; i++)
		pid[i] = SPAWN({
			memset(buf, 'a' + i, sizeof buf);
			for (int k = 0; k < N; k++)
				ASSERT_EQ(write(p[1], buf, sizeof buf), PIPE_BUF);
		});
	ASSERT_OK(close(p[1]));
	for (int k = 0; k < 2 * N; k++) {
		size_t n = 0;
		while (n < PIPE_BUF) {
			ssize_t r = read(p[0], buf + n, PIPE_BUF - n);
			ASSERT(r > 0);
			n += (size_t)r;
		}
		for (int j = 1; j < PIPE_BUF; j++)
			ASSERT_EQ(buf[j], buf[0]);
	}
	ASSERT_EQ(read(p[0], buf, 1), 0);
	JOIN(pid[0]);
	JOIN(pid[1]);
}

TEST(pipe_read_wakes_on_write)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		settle();
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	ASSERT_EQ(read(p[0], &c, 1), 1);
	JOIN(pid);
}

TEST(pipe_fionread)
{
	int p[2], n = -1;
	ASSERT_OK(pipe(p));
	ASSERT_OK(ioctl(p[0], FIONREAD, &n));
	ASSERT_EQ(n, 0);
	ASSERT_EQ(write(p[1], "hello", 5), 5);
	ASSERT_OK(ioctl(p[0], FIONREAD, &n));
	ASSERT_EQ(n, 5);
	ASSERT_OK(ioctl(p[1], FIONREAD, &n));
	ASSERT_EQ(n, 5);
	ASSERT_ERR(ioctl(p[0], FIONREAD, bad_ptr), EFAULT);
	ASSERT_ERR(ioctl(p[0], 0x12345678, &n), ENOTTY);
}

TEST(pipe_fionbio_sets_nonblock)
{
	int p[2], on = 1;
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(ioctl(p[0], FIONBIO, &on));
	ASSERT_EQ(fcntl(p[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
}

TEST(pipe_packet_mode_keeps_boundaries)
{
	int p[2];
	char buf[16] = "";
	ASSERT_OK(pipe2(p, O_DIRECT));
	ASSERT_EQ(write(p[1], "abc", 3), 3);
	ASSERT_EQ(write(p[1], "defg", 4), 4);
	ASSERT_EQ(read(p[0], buf, 16), 3);
	/* A short read loses the rest of the packet. */
	ASSERT_EQ(read(p[0], buf, 2), 2);
	ASSERT_OK(set_nonblock(p[0]));
	ASSERT_ERR(read(p[0], buf, 16), EAGAIN);
}

TEST(pipe_packet_above_pipe_buf_is_split)
{
	int p[2];
	static char buf[8192];
	ASSERT_OK(pipe2(p, O_DIRECT));
	ASSERT_EQ(write(p[1], buf, 5000), 5000);
	ASSERT_EQ(read(p[0], buf, 8192), 4096);
	ASSERT_EQ(read(p[0], buf, 8192), 904);
}

TEST(pipe_poll_states)
{
	int p[2];
	static char buf[65536];
	ASSERT_OK(pipe(p));
	struct pollfd r = {p[0], POLLIN | POLLOUT, 0}, w = {p[1], POLLIN | POLLOUT, 0};
	ASSERT_EQ(poll(&r, 1, 0), 0);
	ASSERT_EQ(poll(&w, 1, 0), 1);
	ASSERT_EQ(w.revents, POLLOUT);
	ASSERT_EQ(write(p[1], buf, 65536), 65536);
	ASSERT_EQ(poll(&r, 1, 0), 1);
	ASSERT_EQ(r.revents, POLLIN);
	ASSERT_EQ(poll(&w, 1, 0), 0);
	ASSERT_OK(close(p[1]));
	ASSERT_EQ(poll(&r, 1, 0), 1);
	ASSERT_EQ(r.revents, POLLIN | POLLHUP);
}

TEST(pipe_poll_writer_without_reader_is_pollerr)
{
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(close(p[0]));
	struct pollfd w = {p[1], POLLOUT, 0};
	ASSERT_EQ(poll(&w, 1, 0), 1);
	ASSERT_EQ(w.revents, POLLOUT | POLLERR);
}

TEST(pipe_bad_buffers_are_efault)
{
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_ERR(write(p[1], bad_ptr, 1), EFAULT);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_ERR(read(p[0], bad_ptr, 1), EFAULT);
	/* The byte is still there. */
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(pipe_read_is_interrupted_or_restarted)
{
	JOIN(SPAWN({
		int p[2];
		char c;
		struct sigaction sa = {.sa_handler = on_alarm};
		ASSERT_OK(pipe(p));
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_ERR(read(p[0], &c, 1), EINTR);
	}));
	JOIN(SPAWN({
		int p[2];
		char c;
		struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
		ASSERT_OK(pipe(p));
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(5000, 5000);
		pid_t pid = SPAWN({
			settle();
			ASSERT_EQ(write(p[1], "x", 1), 1);
		});
		ASSERT_EQ(read(p[0], &c, 1), 1);
		ualarm(0, 0);
		JOIN(pid);
	}));
}

TEST(pipe_interrupted_write_returns_what_went_in)
{
	JOIN(SPAWN({
		int p[2];
		static char buf[100000];
		struct sigaction sa = {.sa_handler = on_alarm};
		ASSERT_OK(pipe(p));
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_EQ(write(p[1], buf, sizeof buf), 65536);
		ASSERT_ERR(write(p[1], buf, sizeof buf), EINTR);
	}));
}

TEST(pipe_can_be_reopened_through_proc)
{
	int p[2];
	char name[64], c;
	ASSERT_OK(pipe(p));
	snprintf(name, sizeof name, "/proc/self/fd/%d", p[0]);
	int w = open(name, O_WRONLY);
	ASSERT_OK(w);
	ASSERT_EQ(write(w, "x", 1), 1);
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

TEST(pipe_both_ends_are_one_inode)
{
	int p[2];
	struct stat a, b;
	ASSERT_OK(pipe(p));
	ASSERT_OK(fstat(p[0], &a));
	ASSERT_OK(fstat(p[1], &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	ASSERT_EQ(a.st_mode & 0777, 0600);
}

TEST_MAIN()
