/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals against sleeping calls: which ones return EINTR and which are restarted.
 *
 * A child pesters us with SIGUSR1.  Without SA_RESTART the first one must end the
 * call; with it the handler lets the call finish on its third run, so that success
 * proves at least two restarts.
 */
#include "task.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

static int fds[2];

static void write_on_third(int sig)
{
	count_signal(sig);
	if (signal_count == 3)
		ASSERT_EQ(write(fds[1], "x", 1), 1);
}

static void pipe_and_pester(void (*handler)(int), int flags)
{
	ASSERT_OK(pipe(fds));
	on_signal(SIGUSR1, handler, flags);
	pester(SIGUSR1);
}

TEST(read_from_a_pipe_is_interrupted)
{
	char c;
	pipe_and_pester(count_signal, 0);
	ASSERT_ERR(read(fds[0], &c, 1), EINTR);
}

TEST(read_from_a_pipe_is_restarted)
{
	char c;
	pipe_and_pester(write_on_third, SA_RESTART);
	ASSERT_EQ(read(fds[0], &c, 1), 1);
	ASSERT(signal_count >= 3);
}

static char block[1 << 20];

TEST(write_to_a_full_pipe_is_interrupted)
{
	pipe_and_pester(count_signal, 0);
	ASSERT_OK(fcntl(fds[1], F_SETFL, O_NONBLOCK));
	while (write(fds[1], block, PAGE) > 0)
		;
	ASSERT_OK(fcntl(fds[1], F_SETFL, 0));
	ASSERT_ERR(write(fds[1], block, PAGE), EINTR);
}

TEST(a_partial_write_returns_its_length_instead)
{
	pipe_and_pester(count_signal, SA_RESTART);
	ssize_t n = write(fds[1], block, sizeof block);
	ASSERT(n >= 65536 && n < (ssize_t)sizeof block);
}

static void read_some(int sig)
{
	char buf[PAGE];
	count_signal(sig);
	if (signal_count == 3)
		ASSERT_EQ(read(fds[0], buf, sizeof buf), sizeof buf);
}

TEST(write_to_a_full_pipe_is_restarted)
{
	ASSERT_OK(pipe(fds));
	ASSERT_OK(fcntl(fds[1], F_SETFL, O_NONBLOCK));
	while (write(fds[1], block, PAGE) > 0)
		;
	ASSERT_OK(fcntl(fds[1], F_SETFL, 0));
	on_signal(SIGUSR1, read_some, SA_RESTART);
	pester(SIGUSR1);
	ASSERT_EQ(write(fds[1], block, PAGE), PAGE);
	ASSERT(signal_count >= 3);
}

TEST(a_socket_read_is_restarted)
{
	char c;
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	on_signal(SIGUSR1, write_on_third, SA_RESTART);
	pester(SIGUSR1);
	ASSERT_EQ(recv(fds[0], &c, 1, 0), 1);
}

TEST(a_socket_read_with_a_timeout_is_interrupted_even_with_restart)
{
	char c;
	struct timeval tv = {10, 0};
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	ASSERT_OK(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pester(SIGUSR1);
	ASSERT_ERR(recv(fds[0], &c, 1, 0), EINTR);
}

TEST(a_record_lock_is_restarted)
{
	test_tmpdir();
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct gate locked = gate_new();
	int fd = file_of_pages("f", 1);
	volatile int *stop = (volatile int *)map_shared(PAGE);
	(void)SPAWN({
		ASSERT_OK(fcntl(fd, F_SETLK, &l));
		gate_open(locked);
		while (!*stop)
			nap(1);
	});
	gate_wait(locked);
	ASSERT_OK(pipe(fds));
	on_signal(SIGUSR1, write_on_third, SA_RESTART);
	pester(SIGUSR1);
	(void)SPAWN({
		char c;
		ASSERT_EQ(read(fds[0], &c, 1), 1);
		*stop = 1;
	});
	ASSERT_OK(fcntl(fd, F_SETLKW, &l));
	ASSERT(signal_count >= 3);
}

/* The calls below are interrupted whatever the flags say. */
static void pester_with_restart(void)
{
	pipe_and_pester(count_signal, SA_RESTART);
}

TEST(pause_is_interrupted)
{
	pester_with_restart();
	ASSERT_ERR(pause(), EINTR);
	ASSERT(signal_count >= 1);
}

TEST(nanosleep_is_interrupted)
{
	struct timespec ts = {100, 0}, rem = {0, 0};
	pester_with_restart();
	ASSERT_ERR(nanosleep(&ts, &rem), EINTR);
	/* Not less than 100: what is left includes the timer slack. */
	ASSERT(rem.tv_sec >= 80 && rem.tv_sec <= 100);
}

TEST(poll_is_interrupted)
{
	pester_with_restart();
	struct pollfd p = {.fd = fds[0], .events = POLLIN};
	ASSERT_ERR(poll(&p, 1, -1), EINTR);
	ASSERT_ERR(poll(&p, 1, 100000), EINTR);
	ASSERT_ERR(ppoll(&p, 1, NULL, NULL), EINTR);
}

TEST(select_is_interrupted)
{
	fd_set r;
	pester_with_restart();
	FD_ZERO(&r);
	FD_SET(fds[0], &r);
	ASSERT_ERR(select(fds[0] + 1, &r, NULL, NULL, NULL), EINTR);
	ASSERT_ERR(pselect(fds[0] + 1, &r, NULL, NULL, NULL, NULL), EINTR);
}

TEST(epoll_wait_is_interrupted)
{
	struct epoll_event ev;
	int ep = epoll_create1(0);
	pester_with_restart();
	ASSERT_ERR(epoll_wait(ep, &ev, 1, -1), EINTR);
}

TEST(a_futex_wait_without_timeout_is_restarted)
{
	/* Seen from here: the call does not return EINTR before the third signal changes the word.
	 */
	pipe_and_pester(write_on_third, SA_RESTART);
	uint32_t *w = (uint32_t *)map_shared(PAGE);
	(void)SPAWN({
		char c;
		ASSERT_EQ(read(fds[0], &c, 1), 1);
		__atomic_store_n(w, 1, __ATOMIC_SEQ_CST);
		while (syscall(SYS_futex, w, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
			nap(1);
	});
	long r = syscall(SYS_futex, w, FUTEX_WAIT, 0, NULL, NULL, 0);
	ASSERT(r == 0 || errno == EAGAIN);
	ASSERT(signal_count >= 3);
}

TEST(a_futex_wait_without_restart_is_interrupted)
{
	static uint32_t word;
	pipe_and_pester(count_signal, 0);
	ASSERT_ERR(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0), EINTR);
}

TEST(sigsuspend_swaps_the_mask_and_returns_eintr)
{
	sigset_t none = set_of(0), now;
	block_signal(SIGUSR1);
	pester_with_restart();
	ASSERT_EQ(signal_count, 0);
	ASSERT_ERR(sigsuspend(&none), EINTR);
	ASSERT_EQ(signal_count, 1);
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	ASSERT(sigismember(&now, SIGUSR1));
}

TEST(sigsuspend_returns_at_once_for_a_pending_signal)
{
	sigset_t none = set_of(0);
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_ERR(sigsuspend(&none), EINTR);
	ASSERT_EQ(signal_count, 1);
	ASSERT(!is_pending(SIGUSR1));
}

static sigset_t mask_inside;

static void note_mask(int sig)
{
	count_signal(sig);
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

TEST(the_temporary_mask_holds_inside_the_handler)
{
	sigset_t temp = set_of(SIGUSR2);
	on_signal(SIGUSR1, note_mask, 0);
	block_signal(SIGUSR1);
	block_signal(SIGHUP);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_ERR(sigsuspend(&temp), EINTR);
	ASSERT(sigismember(&mask_inside, SIGUSR2));
	ASSERT(sigismember(&mask_inside, SIGUSR1));
	ASSERT(!sigismember(&mask_inside, SIGHUP));
}

TEST(ppoll_with_a_mask_lets_a_pending_signal_in)
{
	sigset_t none = set_of(0);
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_ERR(ppoll(NULL, 0, NULL, &none), EINTR);
	ASSERT_EQ(signal_count, 1);
}

TEST(ppoll_that_finds_something_leaves_the_signal_pending)
{
	sigset_t none = set_of(0);
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(pipe(fds));
	ASSERT_OK(raise(SIGUSR1));
	struct pollfd p = {.fd = fds[1], .events = POLLOUT};
	ASSERT_EQ(ppoll(&p, 1, NULL, &none), 1);
	ASSERT_EQ(signal_count, 0);
	ASSERT(is_pending(SIGUSR1));
}

TEST(sigsuspend_errors)
{
	unsigned long set = 0;
	ASSERT_ERR(syscall(SYS_rt_sigsuspend, &set, 4), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigsuspend, 1, 8), EFAULT);
}

TEST(an_ignored_signal_interrupts_nothing)
{
	char c;
	ASSERT_OK(pipe(fds));
	on_signal(SIGUSR1, SIG_IGN, 0);
	pester(SIGUSR1);
	(void)SPAWN({
		nap(60);
		ASSERT_EQ(write(fds[1], "x", 1), 1);
	});
	ASSERT_EQ(read(fds[0], &c, 1), 1);
}

TEST(a_stop_and_continue_interrupts_no_read)
{
	char c;
	ASSERT_OK(pipe(fds));
	pid_t p = SPAWN({ ASSERT_EQ(read(fds[0], &c, 1), 1); });
	for (int i = 0; i < 3; i++) {
		ASSERT_OK(kill(p, SIGSTOP));
		ASSERT_EQ(waitpid(p, NULL, WUNTRACED), p);
		ASSERT_OK(kill(p, SIGCONT));
		ASSERT_EQ(waitpid(p, NULL, WCONTINUED), p);
	}
	ASSERT_EQ(write(fds[1], "x", 1), 1);
	JOIN(p);
}

/* epoll_wait and sigtimedwait return EINTR after a stop although no handler ran (signal(7)). */
TEST(a_stop_and_continue_ends_epoll_wait)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		struct epoll_event ev;
		int ep = epoll_create1(0);
		gate_open(up);
		ASSERT_ERR(epoll_wait(ep, &ev, 1, -1), EINTR);
	});
	gate_wait(up);
	for (;;) {
		int st;
		ASSERT_OK(kill(p, SIGSTOP));
		ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
		if (!WIFSTOPPED(st)) {
			ASSERT_EQ(st, 0);
			return;
		}
		ASSERT_OK(kill(p, SIGCONT));
		nap(2);
	}
}

TEST(a_restarted_read_has_its_first_arguments)
{
	char buf[64];
	pipe_and_pester(write_on_third, SA_RESTART);
	memset(buf, 'q', sizeof buf);
	ASSERT_EQ(read(fds[0], buf + 7, 50), 1);
	ASSERT_EQ(buf[7], 'x');
	ASSERT_EQ(buf[6], 'q');
	ASSERT_EQ(buf[8], 'q');
}

TEST_MAIN()
