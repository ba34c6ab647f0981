/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for the guest tests about processes, signals, memory and time.
 *
 * Nothing here decides by time: what must happen "while the other one sleeps"
 * is either repeated until it has an effect (pester) or ordered by a pipe (gate).
 */
#pragma once

#include "test.h"

#include <limits.h>
#include <time.h>

#define HELPER	  __attribute__((unused)) static
#define PAGE	  4096ul
#define NOBODY	  65534
#define ANON_PRIV (MAP_PRIVATE | MAP_ANONYMOUS)
#define ANON_SHR  (MAP_SHARED | MAP_ANONYMOUS)
#define RW	  (PROT_READ | PROT_WRITE)

HELPER int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;
	ASSERT_OK(clock_gettime(clock, &ts));
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

HELPER int64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

HELPER void nap(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&ts, &ts) < 0)
		;
}

HELPER pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* Signals: a counting handler, and installing one. */
static volatile sig_atomic_t signal_count, signal_last;

HELPER void count_signal(int sig)
{
	signal_count = signal_count + 1;
	signal_last = sig;
}

HELPER void on_signal(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};
	ASSERT_OK(sigaction(sig, &sa, NULL));
}

HELPER void on_siginfo(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO};
	ASSERT_OK(sigaction(sig, &sa, NULL));
}

HELPER sigset_t set_of(int sig)
{
	sigset_t s;
	sigemptyset(&s);
	if (sig)
		sigaddset(&s, sig);
	return s;
}

HELPER void block_signal(int sig)
{
	sigset_t s = set_of(sig);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &s, NULL));
}

HELPER void unblock_signal(int sig)
{
	sigset_t s = set_of(sig);
	ASSERT_OK(sigprocmask(SIG_UNBLOCK, &s, NULL));
}

HELPER int is_pending(int sig)
{
	sigset_t s;
	ASSERT_OK(sigpending(&s));
	return sigismember(&s, sig);
}

/* A child that sends sig to the caller every few milliseconds until the caller is gone. */
HELPER pid_t pester(int sig)
{
	pid_t me = getpid();
	return SPAWN({
		while (getppid() == me) {
			kill(me, sig);
			nap(5);
		}
	});
}

HELPER int wait_status(pid_t pid)
{
	int st = 0;
	ASSERT_EQ(waitpid(pid, &st, __WALL), pid);
	return st;
}

HELPER void kill_and_reap(pid_t pid)
{
	ASSERT_OK(kill(pid, SIGKILL));
	wait_status(pid);
}

/* A pid that belonged to a process which is gone. */
HELPER pid_t dead_pid(void)
{
	pid_t p = SPAWN({});
	JOIN(p);
	return p;
}

/* A pipe used as an event: gate_open lets one gate_wait through, and never blocks. */
struct gate {
	int fd[2];
};

HELPER struct gate gate_new(void)
{
	struct gate g;
	ASSERT_OK(pipe(g.fd));
	return g;
}

HELPER void gate_open(struct gate g)
{
	ASSERT_EQ(write(g.fd[1], "x", 1), 1);
}

HELPER void gate_wait(struct gate g)
{
	char c;
	ssize_t n;
	do
		n = read(g.fd[0], &c, 1);
	while (n < 0 && errno == EINTR);
	ASSERT_EQ(n, 1);
}

HELPER void *map_at(void *at, size_t len, int prot, int flags)
{
	void *p = mmap(at, len, prot, flags, -1, 0);
	ASSERT(p != MAP_FAILED);
	return p;
}

HELPER char *map_anon(size_t len)
{
	return map_at(NULL, len, RW, ANON_PRIV);
}

HELPER char *map_shared(size_t len)
{
	return map_at(NULL, len, RW, ANON_SHR);
}

/* Is the page at p mapped at all?  Asks mincore, which knows only mapped pages. */
HELPER int page_is_mapped(const void *p)
{
	unsigned char v;
	return mincore((void *)((uintptr_t)p & ~(PAGE - 1)), PAGE, &v) == 0;
}

/* A file of len bytes in the cwd, byte i is (char)(i / PAGE + 'a'); returns a read-write fd. */
HELPER int file_of_pages(const char *name, size_t len)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ASSERT_OK(fd);
	char buf[PAGE];
	for (size_t at = 0; at < len; at += PAGE) {
		size_t n = len - at < PAGE ? len - at : PAGE;
		memset(buf, (int)('a' + at / PAGE), n);
		ASSERT_EQ(write(fd, buf, n), n);
	}
	return fd;
}

/* The text after "KEY:\t" in /proc/self/status, as a number of the given base. */
HELPER unsigned long long status_field(const char *key, int base)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	ASSERT(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			fclose(f);
			return strtoull(line + strlen(key) + 1, NULL, base);
		}
	FAIL("no %s in /proc/self/status", key);
}
