/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd(2).
 */
#include "fs.h"

#include <poll.h>
#include <sys/signalfd.h>

static sigset_t block(int a, int b)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, a);
	if (b)
		sigaddset(&s, b);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &s, NULL));
	return s;
}

TEST(signalfd_reads_a_pending_signal)
{
	struct signalfd_siginfo si;
	sigset_t s = block(SIGUSR1, 0);
	int fd = signalfd(-1, &s, SFD_NONBLOCK);
	ASSERT_OK(fd);
	ASSERT_ERR(read(fd, &si, sizeof si), EAGAIN);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(read(fd, &si, sizeof si), 128);
	ASSERT_EQ(si.ssi_signo, SIGUSR1);
	ASSERT_EQ(si.ssi_code, SI_USER);
	ASSERT_EQ(si.ssi_pid, getpid());
	ASSERT_EQ(si.ssi_uid, 0);
	/* It is consumed. */
	sigset_t pending;
	ASSERT_OK(sigpending(&pending));
	ASSERT(!sigismember(&pending, SIGUSR1));
}

TEST(signalfd_reads_several_at_once)
{
	struct signalfd_siginfo si[4];
	sigset_t s = block(SIGUSR1, SIGUSR2);
	int fd = signalfd(-1, &s, SFD_NONBLOCK);
	ASSERT_OK(raise(SIGUSR2));
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(read(fd, si, sizeof si), 256);
	ASSERT_EQ(si[0].ssi_signo, SIGUSR1);
	ASSERT_EQ(si[1].ssi_signo, SIGUSR2);
}

TEST(signalfd_queue_value)
{
	struct signalfd_siginfo si;
	sigset_t s = block(SIGRTMIN, 0);
	int fd = signalfd(-1, &s, 0);
	union sigval v = {.sival_int = 42};
	ASSERT_OK(sigqueue(getpid(), SIGRTMIN, v));
	ASSERT_EQ(read(fd, &si, sizeof si), 128);
	ASSERT_EQ(si.ssi_code, SI_QUEUE);
	ASSERT_EQ(si.ssi_int, 42);
}

TEST(signalfd_small_buffer_is_einval)
{
	char buf[127];
	sigset_t s = block(SIGUSR1, 0);
	int fd = signalfd(-1, &s, 0);
	ASSERT_ERR(read(fd, buf, sizeof buf), EINVAL);
}

TEST(signalfd_changes_its_mask)
{
	struct signalfd_siginfo si;
	sigset_t s = block(SIGUSR1, SIGUSR2), two;
	sigemptyset(&two);
	sigaddset(&two, SIGUSR2);
	int fd = signalfd(-1, &s, SFD_NONBLOCK);
	ASSERT_EQ(signalfd(fd, &two, 0), fd);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_ERR(read(fd, &si, sizeof si), EAGAIN);
	ASSERT_OK(raise(SIGUSR2));
	ASSERT_EQ(read(fd, &si, sizeof si), 128);
}

TEST(signalfd_kill_and_stop_are_silently_left_out)
{
	sigset_t s;
	sigfillset(&s);
	ASSERT_OK(signalfd(-1, &s, 0));
}

TEST(signalfd_errors)
{
	int p[2];
	sigset_t s = block(SIGUSR1, 0);
	ASSERT_OK(pipe(p));
	ASSERT_ERR(signalfd(-1, &s, 0x100), EINVAL);
	ASSERT_ERR(signalfd(p[0], &s, 0), EINVAL);
	ASSERT_ERR(signalfd(700, &s, 0), EBADF);
	ASSERT_ERR(syscall(SYS_signalfd4, -1, &s, 4, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_signalfd4, -1, bad_ptr, 8, 0), EFAULT);
}

TEST(signalfd_poll)
{
	sigset_t s = block(SIGUSR1, 0);
	struct pollfd p = {signalfd(-1, &s, 0), POLLIN, 0};
	ASSERT_EQ(poll(&p, 1, 0), 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN);
}

TEST(signalfd_reads_the_signals_of_the_reader)
{
	sigset_t s = block(SIGUSR1, 0);
	int fd = signalfd(-1, &s, SFD_NONBLOCK);
	ASSERT_OK(raise(SIGUSR1));
	/* The child's own queue is empty: the descriptor holds a mask, no signals. */
	JOIN(SPAWN({
		struct signalfd_siginfo si;
		ASSERT_ERR(read(fd, &si, sizeof si), EAGAIN);
	}));
}

TEST(signalfd_blocking_read_wakes)
{
	struct signalfd_siginfo si;
	sigset_t s = block(SIGUSR1, 0);
	int fd = signalfd(-1, &s, 0);
	pid_t me = getpid(), pid = SPAWN({
				     settle();
				     ASSERT_OK(kill(me, SIGUSR1));
			     });
	ASSERT_EQ(read(fd, &si, sizeof si), 128);
	ASSERT_EQ(si.ssi_pid, pid);
	JOIN(pid);
}

TEST(signalfd_sigchld)
{
	struct signalfd_siginfo si;
	sigset_t s = block(SIGCHLD, 0);
	int fd = signalfd(-1, &s, SFD_CLOEXEC);
	pid_t pid = SPAWN({ _exit(7); });
	ASSERT_EQ(read(fd, &si, sizeof si), 128);
	ASSERT_EQ(si.ssi_pid, pid);
	ASSERT_EQ(si.ssi_code, CLD_EXITED);
	ASSERT_EQ(si.ssi_status, 7);
}

TEST_MAIN()
