/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll.
 */
#include "fs.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = 0x1234567800000000ULL | (unsigned)fd};
	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

/* The events of the only ready descriptor, 0 for none. */
static uint32_t one(int ep)
{
	struct epoll_event e[4];
	int n = epoll_wait(ep, e, 4, 0);
	ASSERT(n == 0 || n == 1);
	return n ? e[0].events : 0;
}

TEST(epoll_create_flags_and_sizes)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC);
	ASSERT_ERR(epoll_create1(0x100), EINVAL);
	ASSERT_ERR(epoll_create(0), EINVAL);
	ASSERT_OK(epoll_create(1));
}

TEST(epoll_level_triggered_repeats)
{
	int p[2], ep = epoll_create1(0);
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN));
	ASSERT_EQ(one(ep), 0);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(read(p[0], &c, 1), 1);
	ASSERT_EQ(one(ep), 0);
}

TEST(epoll_edge_triggered_tells_once_per_arrival)
{
	int p[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN | EPOLLET));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(one(ep), 0);
	/* The old byte was not read; a new one is an edge all the same. */
	ASSERT_EQ(write(p[1], "y", 1), 1);
	ASSERT_EQ(one(ep), EPOLLIN);
}

TEST(epoll_edge_triggered_sees_what_was_there_before)
{
	int p[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_OK(add(ep, p[0], EPOLLIN | EPOLLET));
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(one(ep), 0);
}

TEST(epoll_oneshot_needs_rearming)
{
	int p[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN | EPOLLONESHOT));
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(ep), 0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT};
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	ASSERT_EQ(one(ep), EPOLLIN);
}

TEST(epoll_data_comes_back_untouched)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e;
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[1], EPOLLOUT));
	ASSERT_EQ(epoll_wait(ep, &e, 1, 0), 1);
	ASSERT_EQ(e.data.u64, 0x1234567800000000ULL | (unsigned)p[1]);
	ASSERT_EQ(sizeof e, 12);
}

TEST(epoll_ctl_errors)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN));
	ASSERT_ERR(add(ep, p[0], EPOLLIN), EEXIST);
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e), ENOENT);
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL), ENOENT);
	ASSERT_ERR(epoll_ctl(ep, 77, p[1], &e), EINVAL);
	ASSERT_ERR(add(-1, p[0], EPOLLIN), EBADF);
	ASSERT_ERR(add(ep, -1, EPOLLIN), EBADF);
	ASSERT_ERR(add(p[0], p[1], EPOLLIN), EINVAL);
	ASSERT_ERR(add(ep, ep, EPOLLIN), EINVAL);
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], bad_ptr), EFAULT);
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], bad_ptr));
}

TEST(epoll_regular_file_and_directory_are_eperm)
{
	test_tmpdir();
	put("f", "x");
	int ep = epoll_create1(0);
	ASSERT_ERR(add(ep, open("f", O_RDONLY), EPOLLIN), EPERM);
	ASSERT_ERR(add(ep, open(".", O_RDONLY), EPOLLIN), EPERM);
}

TEST(epoll_wait_errors)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e;
	ASSERT_OK(pipe(p));
	ASSERT_ERR(syscall(SYS_epoll_wait, ep, &e, 0, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_epoll_wait, ep, &e, -1, 0), EINVAL);
	ASSERT_ERR(epoll_wait(-1, &e, 1, 0), EBADF);
	ASSERT_ERR(epoll_wait(p[0], &e, 1, 0), EINVAL);
	ASSERT_OK(add(ep, p[1], EPOLLOUT));
	ASSERT_ERR(epoll_wait(ep, bad_ptr, 1, 0), EFAULT);
	/* What could not be told is told again. */
	ASSERT_EQ(one(ep), EPOLLOUT);
}

TEST(epoll_hup_and_err_need_no_asking)
{
	int p[2], q[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], 0));
	ASSERT_OK(close(p[1]));
	ASSERT_EQ(one(ep), EPOLLHUP);
	ASSERT_OK(close(p[0]));
	ASSERT_OK(pipe(q));
	ASSERT_OK(add(ep, q[1], 0));
	ASSERT_OK(close(q[0]));
	ASSERT_EQ(one(ep), EPOLLERR);
}

TEST(epoll_rdhup_on_a_socket)
{
	int s[2], ep = epoll_create1(0);
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(add(ep, s[0], EPOLLRDHUP));
	ASSERT_EQ(one(ep), 0);
	ASSERT_OK(shutdown(s[1], SHUT_WR));
	ASSERT_EQ(one(ep), EPOLLRDHUP);
	ASSERT_OK(close(s[1]));
	ASSERT_EQ(one(ep), EPOLLRDHUP | EPOLLHUP);
}

TEST(epoll_closing_the_last_fd_removes_it)
{
	int p[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[1], EPOLLOUT));
	ASSERT_EQ(one(ep), EPOLLOUT);
	int d = dup(p[1]);
	ASSERT_OK(close(p[1]));
	/* The open file lives in d, so it is still watched, and no longer removable by number. */
	ASSERT_EQ(one(ep), EPOLLOUT);
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL), EBADF);
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL), ENOENT);
	ASSERT_OK(close(d));
	ASSERT_EQ(one(ep), 0);
}

TEST(epoll_same_file_by_two_numbers)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e[4];
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[1], EPOLLOUT));
	ASSERT_OK(add(ep, dup(p[1]), EPOLLOUT));
	ASSERT_EQ(epoll_wait(ep, e, 4, 0), 2);
}

TEST(epoll_maxevents_rotates)
{
	int p[2][2], ep = epoll_create1(0);
	struct epoll_event a, b;
	for (int i = 0; i < 2; i++) {
		ASSERT_OK(pipe(p[i]));
		ASSERT_OK(add(ep, p[i][1], EPOLLOUT));
	}
	ASSERT_EQ(epoll_wait(ep, &a, 1, 0), 1);
	ASSERT_EQ(epoll_wait(ep, &b, 1, 0), 1);
	/* Nobody starves: the one told goes to the end of the queue. */
	ASSERT(a.data.u64 != b.data.u64);
}

TEST(epoll_nested)
{
	int p[2], in = epoll_create1(0), out = epoll_create1(0);
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(in, p[0], EPOLLIN));
	ASSERT_OK(add(out, in, EPOLLIN));
	ASSERT_EQ(one(out), 0);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(out), EPOLLIN);
	ASSERT_EQ(read(p[0], &c, 1), 1);
	ASSERT_EQ(one(out), 0);
}

TEST(epoll_loop_is_eloop)
{
	int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0);
	ASSERT_OK(add(a, b, EPOLLIN));
	ASSERT_OK(add(b, c, EPOLLIN));
	ASSERT_ERR(add(b, a, EPOLLIN), ELOOP);
	ASSERT_ERR(add(c, a, EPOLLIN), ELOOP);
}

TEST(epoll_nesting_deeper_than_five_is_refused)
{
	int ep[8];
	for (int i = 0; i < 8; i++)
		ep[i] = epoll_create1(0);
	/* From the bottom: ep[1] watches ep[0], ep[2] watches ep[1] ... */
	int i = 1;
	while (i < 8 && add(ep[i], ep[i - 1], EPOLLIN) == 0)
		i++;
	ASSERT(i < 8);
	ASSERT(errno == ELOOP || errno == EINVAL);
}

TEST(epoll_wait_times_out)
{
	int ep = epoll_create1(0);
	struct epoll_event e;
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	ASSERT_EQ(epoll_wait(ep, &e, 1, 20), 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ASSERT((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec >= 20000000);
}

TEST(epoll_wait_wakes_on_another_process)
{
	int p[2], ep = epoll_create1(0);
	struct epoll_event e;
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN));
	pid_t pid = SPAWN({
		settle();
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	ASSERT_EQ(epoll_wait(ep, &e, 1, -1), 1);
	JOIN(pid);
}

static void *add_later(void *arg)
{
	int *fd = arg;
	settle();
	ASSERT_OK(add(fd[0], fd[1], EPOLLOUT));
	return NULL;
}

TEST(epoll_adding_while_another_thread_waits)
{
	int p[2], fd[2] = {epoll_create1(0), 0};
	struct epoll_event e;
	pthread_t t;
	ASSERT_OK(pipe(p));
	fd[1] = p[1];
	ASSERT_EQ(pthread_create(&t, NULL, add_later, fd), 0);
	ASSERT_EQ(epoll_wait(fd[0], &e, 1, -1), 1);
	pthread_join(t, NULL);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(epoll_wait_is_interrupted_even_with_sa_restart)
{
	JOIN(SPAWN({
		int ep = epoll_create1(0);
		struct epoll_event e;
		struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_ERR(epoll_wait(ep, &e, 1, -1), EINTR);
	}));
}

TEST(epoll_pwait_opens_the_mask_for_the_wait)
{
	int ep = epoll_create1(0);
	struct epoll_event e;
	sigset_t block, none;
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &block, NULL));
	signal(SIGUSR1, on_alarm);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(epoll_wait(ep, &e, 1, 0), 0);
	ASSERT_ERR(epoll_pwait(ep, &e, 1, -1, &none), EINTR);
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &none));
	ASSERT(sigismember(&none, SIGUSR1));
}

TEST(epoll_pwait2_takes_nanoseconds)
{
	int ep = epoll_create1(0);
	struct epoll_event e;
	struct timespec t = {0, 1000}, bad = {0, 1000000000}, neg = {-1, 0};
	ASSERT_EQ(epoll_pwait2(ep, &e, 1, &t, NULL), 0);
	ASSERT_ERR(epoll_pwait2(ep, &e, 1, &bad, NULL), EINVAL);
	ASSERT_ERR(epoll_pwait2(ep, &e, 1, &neg, NULL), EINVAL);
	ASSERT_ERR(epoll_pwait2(ep, &e, 1, bad_ptr, NULL), EFAULT);
}

TEST(epoll_exclusive_rules)
{
	int p[2], ep = epoll_create1(0), in = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
	/* Not changeable later, not with oneshot, not on another epoll. */
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), EINVAL);
	ASSERT_ERR(add(ep, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	ASSERT_ERR(add(ep, in, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	e.events = EPOLLIN | EPOLLEXCLUSIVE;
	ASSERT_ERR(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), EINVAL);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(one(ep), EPOLLIN);
}

/* Else a server's process that is busy, or dies, swallows what its brothers wait for. */
TEST(epoll_exclusive_event_passes_an_epoll_where_nobody_waits)
{
	int p[2], told[2], idle = epoll_create1(0);
	char c;
	ASSERT_OK(pipe(p));
	ASSERT_OK(pipe(told));
	ASSERT_OK(add(idle, p[0], EPOLLIN | EPOLLEXCLUSIVE));
	pid_t pid = SPAWN({
		struct epoll_event e;
		int ep = epoll_create1(0);
		ASSERT_OK(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
		ASSERT_EQ(write(told[1], "x", 1), 1);
		ASSERT_EQ(epoll_wait(ep, &e, 1, 5000), 1);
	});
	ASSERT_EQ(read(told[0], &c, 1), 1);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	JOIN(pid);
}

TEST(epoll_mod_to_ready_events_tells_at_once)
{
	int s[2], ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT};
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(add(ep, s[0], EPOLLIN));
	ASSERT_EQ(one(ep), 0);
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_MOD, s[0], &e));
	ASSERT_EQ(one(ep), EPOLLOUT);
}

TEST(epoll_edge_out_comes_back_after_drain)
{
	int p[2], ep = epoll_create1(0);
	static char buf[65536];
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	ASSERT_OK(add(ep, p[1], EPOLLOUT | EPOLLET));
	ASSERT_EQ(one(ep), EPOLLOUT);
	ASSERT_EQ(write(p[1], buf, sizeof buf), 65536);
	ASSERT_EQ(one(ep), 0);
	ASSERT_EQ(read(p[0], buf, sizeof buf), 65536);
	ASSERT_EQ(one(ep), EPOLLOUT);
}

TEST(epoll_survives_fork_and_is_shared)
{
	int p[2], ep = epoll_create1(0);
	ASSERT_OK(pipe(p));
	JOIN(SPAWN({ ASSERT_OK(add(ep, p[1], EPOLLOUT)); }));
	ASSERT_EQ(one(ep), EPOLLOUT);
}

TEST(epoll_eventfd_edge)
{
	int fd = eventfd(0, EFD_NONBLOCK), ep = epoll_create1(0);
	uint64_t v = 1;
	ASSERT_OK(add(ep, fd, EPOLLIN | EPOLLET));
	ASSERT_EQ(write(fd, &v, 8), 8);
	ASSERT_EQ(write(fd, &v, 8), 8);
	ASSERT_EQ(one(ep), EPOLLIN);
	ASSERT_EQ(one(ep), 0);
	ASSERT_EQ(write(fd, &v, 8), 8);
	ASSERT_EQ(one(ep), EPOLLIN);
}

TEST(epoll_fdinfo_lists_the_targets)
{
	int p[2], ep = epoll_create1(0);
	char name[64], want[64];
	ASSERT_OK(pipe(p));
	ASSERT_OK(add(ep, p[0], EPOLLIN));
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", ep);
	snprintf(want, sizeof want, "tfd: %8d events:", p[0]);
	ASSERT(strstr(get(name), want));
}

TEST_MAIN()
