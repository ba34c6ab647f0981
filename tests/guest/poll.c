/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll and ppoll.
 */
#include "fs.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

TEST(poll_counts_the_ready)
{
	int p[2];
	ASSERT_OK(pipe(p));
	struct pollfd f[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
	ASSERT_EQ(poll(f, 2, 0), 1);
	ASSERT_EQ(f[0].revents, 0);
	ASSERT_EQ(f[1].revents, POLLOUT);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(poll(f, 2, -1), 2);
}

TEST(poll_negative_fd_is_ignored)
{
	struct pollfd f = {-5, POLLIN, 77};
	ASSERT_EQ(poll(&f, 1, 0), 0);
	ASSERT_EQ(f.revents, 0);
}

TEST(poll_bad_fd_is_pollnval)
{
	struct pollfd f = {700, POLLIN, 0};
	ASSERT_EQ(poll(&f, 1, -1), 1);
	ASSERT_EQ(f.revents, POLLNVAL);
}

TEST(poll_regular_file_is_always_ready)
{
	test_tmpdir();
	put("f", "");
	struct pollfd f = {open("f", O_RDONLY), POLLIN | POLLOUT | POLLPRI, 0};
	ASSERT_EQ(poll(&f, 1, 0), 1);
	ASSERT_EQ(f.revents, POLLIN | POLLOUT);
}

TEST(poll_nothing_just_sleeps)
{
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	ASSERT_EQ(poll(NULL, 0, 20), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ASSERT((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec >= 20000000);
}

TEST(poll_bad_array_is_efault)
{
	ASSERT_ERR(poll(bad_ptr, 1, 0), EFAULT);
}

TEST(poll_more_than_rlimit_nofile_is_einval)
{
	static struct pollfd f[65];
	struct rlimit rl;
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = 64;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	for (int i = 0; i < 65; i++)
		f[i].fd = -1;
	ASSERT_EQ(poll(f, 64, 0), 0);
	ASSERT_ERR(poll(f, 65, 0), EINVAL);
}

TEST(poll_same_fd_twice)
{
	int p[2];
	ASSERT_OK(pipe(p));
	struct pollfd f[2] = {{p[1], POLLOUT, 0}, {p[1], POLLOUT, 0}};
	ASSERT_EQ(poll(f, 2, 0), 2);
}

TEST(poll_socketpair_states)
{
	int s[2];
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	struct pollfd f = {s[0], POLLIN | POLLOUT | POLLRDHUP, 0};
	ASSERT_EQ(poll(&f, 1, 0), 1);
	ASSERT_EQ(f.revents, POLLOUT);
	ASSERT_OK(shutdown(s[1], SHUT_WR));
	ASSERT_EQ(poll(&f, 1, 0), 1);
	ASSERT_EQ(f.revents, POLLIN | POLLOUT | POLLRDHUP);
	ASSERT_OK(close(s[1]));
	ASSERT_EQ(poll(&f, 1, 0), 1);
	ASSERT_EQ(f.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST(poll_wakes_on_close_of_the_peer)
{
	int p[2];
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		ASSERT_OK(close(p[0]));
		settle();
	});
	ASSERT_OK(close(p[1]));
	struct pollfd f = {p[0], POLLIN, 0};
	ASSERT_EQ(poll(&f, 1, -1), 1);
	ASSERT_EQ(f.revents, POLLHUP);
	JOIN(pid);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(poll_is_interrupted_even_with_sa_restart)
{
	JOIN(SPAWN({
		struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_ERR(poll(NULL, 0, -1), EINTR);
	}));
}

TEST(ppoll_mask_and_timeout)
{
	sigset_t block, none;
	struct timespec t = {0, 1000000}, bad = {0, 1000000000};
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	signal(SIGUSR1, on_signal);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(ppoll(NULL, 0, &t, NULL), 0);
	ASSERT_ERR(ppoll(NULL, 0, NULL, &none), EINTR);
	ASSERT_ERR(ppoll(NULL, 0, &bad, NULL), EINVAL);
}

TEST(ppoll_system_call_writes_the_time_left)
{
	int p[2];
	struct timespec t = {100, 0};
	ASSERT_OK(pipe(p));
	struct pollfd f = {p[1], POLLOUT, 0};
	ASSERT_EQ(syscall(SYS_ppoll, &f, 1, &t, NULL, 8), 1);
	ASSERT(t.tv_sec < 100 || (t.tv_sec == 100 && t.tv_nsec == 0));
	ASSERT(t.tv_sec >= 80);
	ASSERT_ERR(syscall(SYS_ppoll, &f, 1, &t, &t, 4), EINVAL);
}

TEST(poll_unconnected_unix_stream_is_writable_and_hung_up)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd f = {s, POLLIN | POLLOUT, 0};
	ASSERT_EQ(poll(&f, 1, 0), 1);
	ASSERT_EQ(f.revents, POLLOUT | POLLHUP);
}

TEST_MAIN()
