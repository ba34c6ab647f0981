/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest that knows the trap platform can do: host calls from the stub's own text,
 * and writing its slots.  Inside only, under trap; elsewhere tests are skipped.
 *
 * Each attack runs in a process of its own.  What must hold afterwards: a neighbour works
 * and has its memory, the attacker can be killed at once, the sandbox ends.
 */
#pragma once

#include "../guest/task.h"

#include "platform/trap/slot.h"
#include "platform/trap/stub/stub.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

static volatile struct slot *const slots = (volatile struct slot *)SLOTS_AT;
static uint64_t text_base, raw_site; /* the stub's text; `syscall; ret` in it */
static int is_long;		     /* HOSTILE_LONG is set: by hand */

HELPER volatile struct slot *slot_of(unsigned n)
{
	return (volatile struct slot *)(SLOTS_AT + (uint64_t)n * SLOT_SIZE);
}

static sigjmp_buf raw_back;
static volatile sig_atomic_t raw_away;

HELPER void raw_came(int sig)
{
	if (raw_away)
		siglongjmp(raw_back, 1);
	_exit(100 + sig);
}

HELPER void catch_faults(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGFPE, SIGSYS};
	stack_t alt = {.ss_sp = map_anon(64 << 10), .ss_size = 64 << 10};
	ASSERT_OK(sigaltstack(&alt, NULL));
	for (size_t i = 0; i < sizeof sigs / sizeof sigs[0]; i++)
		on_signal(sigs[i], raw_came, SA_ONSTACK | SA_NODEFER);
}

HELPER int is_readable(uint64_t at)
{
	volatile int ok = 0;
	raw_away = 1;
	if (sigsetjmp(raw_back, 1) == 0) {
		(void)*(volatile unsigned char *)at;
		ok = 1;
	}
	raw_away = 0;
	return ok;
}

/* The same places as in platform/trap/zygote.c. */
HELPER void need_trap(void)
{
	static const uint64_t bases[] = {0x7fffff800000, 0x7fffff400000, 0x7fffffc00000,
					 0x7fffff200000};
	is_long = getenv("HOSTILE_LONG") != NULL;
	catch_faults();
	if (!is_readable(SLOTS_AT) || slots->self != SLOTS_AT)
		SKIP("not under trap");
	for (size_t i = 0; i < sizeof bases / sizeof bases[0] && !text_base; i++)
		if (is_readable(bases[i]))
			text_base = bases[i];
	const unsigned char *p = (const unsigned char *)text_base;
	for (size_t i = 0; p && i + 3 < STUB_TEXT_MAX && !raw_site; i++)
		if (p[i] == 0x0f && p[i + 1] == 0x05 && p[i + 2] == 0xc3)
			raw_site = text_base + i;
	ASSERT(raw_site != 0);
}

/* A host call, as the stub makes them; what the filter refuses becomes one of ours. */
HELPER long raw(long nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		uint64_t a5)
{
	long ret;
	register uint64_t r10 __asm__("r10") = a3;
	register uint64_t r8 __asm__("r8") = a4;
	register uint64_t r9 __asm__("r9") = a5;
	__asm__ volatile("lea -128(%%rsp), %%rsp; call *%[site]; lea 128(%%rsp), %%rsp"
			 : "=a"(ret)
			 : "0"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9),
			   [site] "b"(raw_site)
			 : "rcx", "r11", "memory", "cc");
	return ret;
}

/* A process that has nothing to do with it: says whether its memory is as it was. */
struct neighbour {
	pid_t pid;
	int ask[2], tell[2];
};

enum { NEIGHBOUR_SIZE = 1 << 20 };

HELPER uint64_t pattern_at(uint64_t i)
{
	return (i + 1) * 0x9e3779b97f4a7c15;
}

HELPER void neighbour_main(struct neighbour *n)
{
	uint64_t *p = (uint64_t *)map_anon(NEIGHBOUR_SIZE), count = NEIGHBOUR_SIZE / sizeof *p;
	char c;
	for (uint64_t i = 0; i < count; i++)
		p[i] = pattern_at(i);
	close(n->ask[1]);
	while (read(n->ask[0], &c, 1) == 1) {
		for (uint64_t i = 0; i < count; i++)
			ASSERT(p[i] == pattern_at(i));
		ASSERT_EQ(munmap(map_anon(PAGE), PAGE), 0);
		int fd = open("/proc/self/comm", O_RDONLY);
		ASSERT_OK(fd);
		ASSERT(read(fd, &c, 1) == 1);
		ASSERT_EQ(close(fd), 0);
		JOIN(SPAWN({}));
		ASSERT_EQ(write(n->tell[1], "", 1), 1);
	}
	_exit(0);
}

HELPER void neighbour_start(struct neighbour *n)
{
	ASSERT_OK(pipe(n->ask));
	ASSERT_OK(pipe(n->tell));
	n->pid = SPAWN({ neighbour_main(n); });
	close(n->ask[0]);
	close(n->tell[1]);
}

HELPER void neighbour_check(struct neighbour *n)
{
	char c;
	ASSERT_EQ(write(n->ask[1], "", 1), 1);
	ASSERT_EQ(read(n->tell[0], &c, 1), 1);
}

HELPER void neighbour_end(struct neighbour *n)
{
	neighbour_check(n);
	close(n->ask[1]);
	JOIN(n->pid);
}

/* How long until a killed process can be waited for, in microseconds. */
HELPER int64_t kill_time_us(pid_t pid)
{
	int64_t from = now_ns();
	int st;
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	return (now_ns() - from) / 1000;
}

/* Ends by itself within that time, or is killed; a bound that holds on busy machines. */
HELPER void end_within(pid_t pid, int ms)
{
	int st;
	for (int i = 0; i < ms / 5; i++) {
		if (waitpid(pid, &st, WNOHANG) == pid)
			return;
		nap(5);
	}
	int64_t us = kill_time_us(pid);
	if (us > 2000000)
		FAIL("killed after %lld us", (long long)us);
}

HELPER uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}
