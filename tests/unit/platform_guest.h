/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiny guests for the platform tests: a few instructions at CODE, a stack page
 * below STACK, a data page at DATA, driven through platform_ops directly.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "platform/host.h"
#include "platform/platform.h"

#define CODE  0x400000ull
#define DATA  0x500000ull
#define STACK 0x600000ull

/* VEDETTE_PLATFORM=trap: the same tests on the other one. */
static const struct platform_ops *P = &ptrace_platform;

struct guest {
	struct aspace *as;
	struct ctx *c;
	struct event ev;
};

/* Assembles a guest: GUEST(name, "instructions"); name and name_size. */
#define GUEST(name, text)                                                                          \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection");        \
	extern const unsigned char name[], name##_end[]

static inline void poke(struct aspace *as, uaddr_t at, const void *buf, size_t size)
{
	struct iovec l = {.iov_base = (void *)(uintptr_t)buf, .iov_len = size};
	struct iovec r = {.iov_base = (void *)(uintptr_t)at, .iov_len = size};
	assert_int_equal(P->write(as, &l, 1, &r, 1), size);
}

static inline ssize_t peek(struct aspace *as, uaddr_t at, void *buf, size_t size)
{
	struct iovec l = {.iov_base = buf, .iov_len = size};
	struct iovec r = {.iov_base = (void *)(uintptr_t)at, .iov_len = size};
	return P->read(as, &l, 1, &r, 1);
}

static inline int map_anon(struct ctx *c, uaddr_t at, uint64_t size, int prot)
{
	struct map_req req = {.addr = at, .size = size, .prot = prot, .fd = -1};
	return P->map(c, &req);
}

static inline void guest_load(struct guest *g, const unsigned char *code, const unsigned char *end)
{
	assert_int_equal(map_anon(g->c, CODE, PAGE_SIZE, 7), 0);
	assert_int_equal(map_anon(g->c, DATA, PAGE_SIZE, 3), 0);
	assert_int_equal(map_anon(g->c, STACK - PAGE_SIZE, PAGE_SIZE, 3), 0);
	poke(g->as, CODE, code, (size_t)(end - code));
	struct regs *r = P->regs_mut(g->c);
	r->rip = CODE;
	r->rsp = STACK;
}

#define guest_start(g, name) guest_start_at(g, name, name##_end)
static inline void guest_start_at(struct guest *g, const unsigned char *code,
				  const unsigned char *end)
{
	memset(g, 0, sizeof *g);
	assert_int_equal(P->aspace_new(NULL, &g->as, &g->c), 0);
	assert_int_equal(P->ctx_adopt(g->c), 0);
	guest_load(g, code, end);
}

static inline void guest_end(struct guest *g)
{
	P->ctx_destroy(g->c);
	P->aspace_destroy(g->as, NULL);
}

/* Runs to the next event that is not an interruption. */
static inline enum event_kind guest_run(struct guest *g)
{
	do
		P->run(g->c, &g->ev);
	while (g->ev.kind == EV_INTERRUPT);
	return g->ev.kind;
}

/* Of what tests wait for, in ms: long, as other processes may keep all CPUs busy. */
enum { PATIENCE = 30000 };

/*
 * The host lists children by age; their numbers may have begun anew.  The zygote is the first, its
 * clones are ours, and the last is the spare, once it is there.  0: this host has no such list.
 */
static inline int spare_wait(int guest)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	for (int i = 0; i < PATIENCE; i++) {
		int pid = 0, next, n = 0;
		FILE *f = fopen(path, "r");
		if (!f)
			return 0;
		for (; fscanf(f, "%d", &next) == 1; n++)
			pid = next;
		fclose(f);
		if (n > 1 && pid != guest)
			return pid;
		usleep(1000);
	}
	fail_msg("there is no spare");
	return 0;
}

static inline int64_t now_ns(void)
{
	int64_t t = 0;
	host_clock_get(CLOCK_MONOTONIC, &t);
	return t;
}

/* Hosts below 3.17: what the gofer does for the sentry. */
static inline int memfile(void *arg, const char *name)
{
	char path[] = "/tmp/vedette-test-XXXXXX";
	(void)arg;
	(void)name;
	int fd = mkstemp(path);
	if (fd >= 0)
		unlink(path);
	return fd < 0 ? -errno : fd;
}

/* How often the platform has said that a stub died. */
static int deaths __attribute__((unused)); /* a */

static inline void death_seen(void)
{
	__atomic_fetch_add(&deaths, 1, __ATOMIC_SEQ_CST);
}

static inline bool platform_choose(void)
{
	const char *name = getenv("VEDETTE_PLATFORM");
	if (name && strcmp(name, trap_platform.name) == 0)
		P = &trap_platform;
	return P == &trap_platform;
}

static inline int platform_setup(void **state)
{
	(void)state;
	host_set_memfile(memfile, NULL);
	platform_choose();
	return host_init() < 0 || P->init() < 0 || P->watch(death_seen) < 0;
}

static inline int platform_teardown(void **state)
{
	(void)state;
	P->shutdown();
	return 0;
}
