/* SPDX-License-Identifier: Apache-2.0 */
/* mq_notify(2): one process is told once that a message has come to an empty queue. */
#include "mqueue.h"

#include <sys/socket.h>

static siginfo_t seen;

static void keep(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signal_last = sig;
	signal_count++;
	seen = *info;
}

static struct sigevent by_signal(int sig)
{
	return (struct sigevent){
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig, .sigev_value.sival_int = 4711};
}

static const char *status_of(mqd_t q)
{
	static char text[128];
	ssize_t n = pread(q, text, sizeof text - 1, 0);
	ASSERT_OK(n);
	text[n] = 0;
	return text;
}

#define ASSERT_STATUS(q, want)                                                                     \
	do {                                                                                       \
		const char *is_ = status_of(q);                                                    \
		if (strcmp(is_, want) != 0)                                                        \
			FAIL("status \"%s\", want \"%s\"", is_, want);                             \
	} while (0)

TEST(signal_tells_of_the_first_message_only)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = by_signal(SIGUSR1);
	on_siginfo(SIGUSR1, keep, 0);
	ASSERT_OK(mq_notify(q, &ev));
	send_text(q, "a", 0);
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(seen.si_code, SI_MESGQ);
	ASSERT_EQ(seen.si_value.sival_int, 4711);
	ASSERT_EQ(seen.si_pid, getpid());
	ASSERT_EQ(seen.si_uid, getuid());
	/* That was it: it must be asked for again, and the queue must be empty before. */
	send_text(q, "b", 0);
	expect(q, "a", 0);
	expect(q, "b", 0);
	send_text(q, "c", 0);
	ASSERT_EQ(signal_count, 1);
	ASSERT_OK(mq_notify(q, &ev));
	send_text(q, "d", 0);
	ASSERT_EQ(signal_count, 1);
	expect(q, "c", 0);
	expect(q, "d", 0);
	send_text(q, "e", 0);
	ASSERT_EQ(signal_count, 2);
}

TEST(sender_is_named)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = by_signal(SIGUSR1);
	on_siginfo(SIGUSR1, keep, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(mq_notify(q, &ev));
	pid_t p = SPAWN({
		become_nobody();
		send_text(q, "x", 0);
	});
	JOIN(p);
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(seen.si_pid, p);
	ASSERT_EQ(seen.si_uid, NOBODY);
}

TEST(only_one_process_at_a_time)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = by_signal(SIGUSR1), none = {.sigev_notify = SIGEV_NONE};
	on_siginfo(SIGUSR1, keep, 0);
	ASSERT_OK(mq_notify(q, &ev));
	ASSERT_ERR(mq_notify(q, &ev), EBUSY);
	JOIN(SPAWN({
		ASSERT_ERR(mq_notify(q, &none), EBUSY);
		/* It is not this one's to take back. */
		ASSERT_OK(mq_notify(q, NULL));
		ASSERT_ERR(mq_notify(q, &none), EBUSY);
	}));
	ASSERT_OK(mq_notify(q, NULL));
	send_text(q, "x", 0);
	ASSERT_EQ(signal_count, 0);
	JOIN(SPAWN({ ASSERT_OK(mq_notify(q, &none)); }));
	/* The child's has ended with it. */
	ASSERT_OK(mq_notify(q, &ev));
}

TEST(sleeping_receiver_goes_before)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = by_signal(SIGUSR1);
	on_siginfo(SIGUSR1, keep, 0);
	pid_t p = SPAWN({ expect(q, "x", 0); });
	until_asleep(p);
	ASSERT_OK(mq_notify(q, &ev));
	send_text(q, "x", 0);
	JOIN(p);
	ASSERT_EQ(signal_count, 0);
	ASSERT_ERR(mq_notify(q, &ev), EBUSY);
	send_text(q, "y", 0);
	ASSERT_EQ(signal_count, 1);
}

TEST(close_of_any_descriptor_ends_it)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0), other = mq_open("/q", O_RDONLY);
	struct sigevent ev = by_signal(SIGUSR1);
	ASSERT_OK(mq_notify(q, &ev));
	ASSERT_OK(mq_close(other));
	ASSERT_OK(mq_notify(q, &ev));
	int copy = dup(q);
	ASSERT_OK(close(copy));
	ASSERT_OK(mq_notify(q, &ev));
	/* But not that of another process. */
	JOIN(SPAWN({ ASSERT_OK(mq_close(q)); }));
	ASSERT_ERR(mq_notify(q, &ev), EBUSY);
}

TEST(none_is_shown_but_tells_nobody)
{
	own_queues();
	char want[128];
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = {.sigev_notify = SIGEV_NONE, .sigev_signo = 77};
	ASSERT_STATUS(q, "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	ASSERT_OK(mq_notify(q, &ev));
	snprintf(want, sizeof want, "QSIZE:0          NOTIFY:1     SIGNO:0     NOTIFY_PID:%-6d\n",
		 getpid());
	ASSERT_STATUS(q, want);
	send_text(q, "four", 0);
	ASSERT_STATUS(q, "QSIZE:4          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
	expect(q, "four", 0);
	ev = by_signal(SIGUSR1);
	ASSERT_OK(mq_notify(q, &ev));
	snprintf(want, sizeof want, "QSIZE:0          NOTIFY:0     SIGNO:10    NOTIFY_PID:%-6d\n",
		 getpid());
	ASSERT_STATUS(q, want);
}

TEST(wrong_requests)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = by_signal(65);
	ASSERT_ERR(mq_notify(q, &ev), EINVAL);
	ev.sigev_signo = -1;
	ASSERT_ERR(mq_notify(q, &ev), EINVAL);
	ev.sigev_notify = 3;
	ASSERT_ERR(mq_notify(q, &ev), EINVAL);
	ev.sigev_notify = SIGEV_THREAD_ID;
	ASSERT_ERR(mq_notify(q, &ev), EINVAL);
	ASSERT_ERR(syscall(SYS_mq_notify, q, 8), EFAULT);
	ASSERT_ERR(syscall(SYS_mq_notify, -1, NULL), EBADF);
	/* Number 0 is a signal that is never sent. */
	ev = by_signal(0);
	ASSERT_OK(mq_notify(q, &ev));
	send_text(q, "x", 0);
	ASSERT_OK(mq_notify(q, NULL));
}

/* SIGEV_THREAD of the call itself names a socket in sigev_signo, and 32 bytes to be sent there. */
TEST(thread_needs_a_netlink_socket)
{
	own_queues();
	char cookie[32] = "";
	int p[2], s[2];
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_ptr = cookie};
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	ev.sigev_signo = -1;
	ASSERT_ERR(syscall(SYS_mq_notify, q, &ev), EBADF);
	ev.sigev_signo = p[0];
	ASSERT_ERR(syscall(SYS_mq_notify, q, &ev), ENOTSOCK);
	ev.sigev_signo = s[0];
	ASSERT_ERR(syscall(SYS_mq_notify, q, &ev), EINVAL);
	ev.sigev_value.sival_ptr = (void *)8;
	ASSERT_ERR(syscall(SYS_mq_notify, q, &ev), EFAULT);
}

TEST(program_that_came_by_exec_is_not_told)
{
	own_queues();
	/* By a descriptor that exec does not close, so that only the exec tells. */
	mqd_t q = queue_new("/q", 4, 8, 0);
	struct gate done = gate_new(), sent = gate_new();
	pid_t p = SPAWN({
		struct sigevent ev = by_signal(SIGUSR1);
		ASSERT_OK(fcntl(q, F_SETFD, 0));
		ASSERT_OK(mq_notify(q, &ev));
		ASSERT_OK(close(sent.fd[1]));
		ASSERT_OK(dup2(done.fd[1], 1));
		ASSERT_OK(dup2(sent.fd[0], 0));
		execl("/bin/sh", "sh", "-c", "echo; read x; exit 0", NULL);
		_exit(9);
	});
	gate_wait(done);
	send_text(q, "x", 0);
	gate_open(sent);
	ASSERT_OK(close(sent.fd[1]));
	/* A signal would have killed it; and nobody is registered now. */
	ASSERT_EQ(wait_status(p) & 0x7f, 0);
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	ASSERT_OK(mq_notify(q, &none));
}
TEST_MAIN()
