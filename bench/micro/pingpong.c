/* SPDX-License-Identifier: Apache-2.0 */
/* There and back: one operation is a message to the other side and its answer. */
#include "micro.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int to_fd = -1, from_fd = -1;
static pid_t echo_pid;

/* Answers each byte with the next one, until the other end closes. */
static void echo(int from, int to)
{
	unsigned char byte;

	while (read(from, &byte, 1) == 1) {
		byte++;
		if (write(to, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static int start_echo(const int there[2], const int back[2])
{
	echo_pid = fork();
	if (echo_pid < 0)
		return wrong("fork: %s", strerror(errno));
	if (echo_pid == 0) {
		close(there[1]);
		if (back[0] != there[1])
			close(back[0]);
		echo(there[0], back[1]);
	}
	close(there[0]);
	if (back[1] != there[0])
		close(back[1]);
	to_fd = there[1];
	from_fd = back[0];
	return 0;
}

static int start_pipes(void)
{
	int there[2], back[2];

	echo_pid = 0;
	if (pipe(there) != 0 || pipe(back) != 0)
		return wrong("pipe: %s", strerror(errno));
	return start_echo(there, back);
}

static int start_sockets(void)
{
	int pair[2];

	echo_pid = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return wrong("socketpair: %s", strerror(errno));
	const int there[2] = {pair[0], pair[1]}, back[2] = {pair[1], pair[0]};
	return start_echo(there, back);
}

static void stop_echo(void)
{
	if (to_fd >= 0)
		close(to_fd);
	if (from_fd >= 0 && from_fd != to_fd)
		close(from_fd);
	to_fd = from_fd = -1;
	if (echo_pid > 0)
		waitpid(echo_pid, NULL, 0);
}

static int batch_echo(long n)
{
	for (long i = 0; i < n; i++) {
		unsigned char out = (unsigned char)i, in = 0;
		if (write(to_fd, &out, 1) != 1 || read(from_fd, &in, 1) != 1 ||
		    in != (unsigned char)(out + 1))
			return wrong("echo of %d: %d", out, in);
	}
	return 0;
}

/* Whose turn it is: even is ours.  It only grows; the other side stops at FUTEX_STOP. */
enum { FUTEX_STOP = 0xffffffff };
static uint32_t turn;
static pthread_t partner;

static void turn_wait(uint32_t seen)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == seen)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL);
}

static void turn_give(uint32_t next)
{
	__atomic_store_n(&turn, next, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
}

static void *partner_main(void *unused)
{
	uint32_t seen = 0;

	(void)unused;
	for (;;) {
		turn_wait(seen);
		if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == FUTEX_STOP)
			return NULL;
		seen += 2;
		turn_give(seen);
	}
}

static int start_futex(void)
{
	turn = 0;
	int err = pthread_create(&partner, NULL, partner_main, NULL);
	if (err) {
		partner = 0;
		return wrong("pthread_create: %s", strerror(err));
	}
	return 0;
}

static void stop_futex(void)
{
	if (!partner)
		return;
	turn_give(FUTEX_STOP);
	pthread_join(partner, NULL);
	partner = 0;
}

static int batch_futex(long n)
{
	uint32_t now = turn;

	for (long i = 0; i < n; i++, now += 2) {
		turn_give(now + 1);
		turn_wait(now + 1);
		if (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != now + 2)
			return wrong("turn %u, not %u", turn, now + 2);
	}
	return 0;
}

const struct op ops_pingpong[] = {
	{"pipe_pingpong", "1 byte there and back, two processes", start_pipes, NULL, batch_echo,
	 stop_echo, 0, 0},
	{"socket_pingpong", "the same over socketpair(2)", start_sockets, NULL, batch_echo,
	 stop_echo, 0, 0},
	{"futex_pingpong", "there and back between two threads", start_futex, NULL, batch_futex,
	 stop_futex, 0, 0},
	{0},
};
