/* SPDX-License-Identifier: Apache-2.0 */
/* The list of calls.  SENTRY_ONLY=NAME in the caller's environment takes one row; for perf(1). */
#include "bench/sentry/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "syscalls/abi/fcntl.h"
#include "syscalls/sys.h"

enum { MANY = 200000, PREVIOUS = 0x7001, STACK = 0x10000, THREAD = 0x50f00 };
enum { FD_ZERO = 3, FD_NULL, FD_FILE, FD_SHM, FD_PIPE, FD_SOCK = 9, FD_EVENT = 11, FD_EPOLL };

/* What the calls point at. */
static struct {
	char zero[16], null[16], file[16], shm[16];
	int64_t wait[2];
	int poll[2], event[3];
	char buf[8192];
} arena = {"/dev/zero",	 "/dev/null",	"/etc/passwd", "/dev/shm/x",
	   {0, 1000000}, {FD_EVENT, 1}, {1},	       ""};
#define AT(member) ((uintptr_t)arena.member)

struct call {
	uint64_t nr, a[6];
};

/* count 1: preparation, not printed.  threads: so many others do it at once. */
static const struct op {
	const char *name;
	long count, want;    /* want: the result of the first call; -1: above 0 */
	struct call call[2]; /* the second, if its first argument is not 0 */
	int threads;
} ops[] = {
	{"", 1, FD_ZERO, {{NR_open, {AT(zero), O_RDONLY}}}, 0},
	{"", 1, FD_NULL, {{NR_open, {AT(null), O_WRONLY}}}, 0},
	{"", 1, FD_FILE, {{NR_open, {AT(file), O_RDONLY}}}, 0},
	{"", 1, FD_SHM, {{NR_open, {AT(shm), O_RDWR | O_CREAT, 0600}}}, 0},
	{"", 1, 4096, {{NR_pwrite64, {FD_SHM, AT(buf), 4096, 0}}}, 0},
	{"getpid", MANY, 2, {{NR_getpid, {0}}}, 0},
	{"read 1, /dev/zero", MANY, 1, {{NR_read, {FD_ZERO, AT(buf), 1}}}, 0},
	{"write 1, /dev/null", MANY, 1, {{NR_write, {FD_NULL, AT(buf), 1}}}, 0},
	{"fstat", MANY, 0, {{NR_fstat, {FD_FILE, AT(buf)}}}, 0},
	{"stat", MANY, 0, {{NR_stat, {AT(file), AT(buf)}}}, 0},
	{"open, close", MANY, 7, {{NR_open, {AT(file), O_RDONLY}}, {NR_close, {PREVIOUS}}}, 0},
	{"pread 4k, tmpfs", MANY, 4096, {{NR_pread64, {FD_SHM, AT(buf), 4096, 0}}}, 0},
	{"pwrite 4k, tmpfs", MANY, 4096, {{NR_pwrite64, {FD_SHM, AT(buf), 4096, 0}}}, 0},
	{"pread 1, host file", MANY, 1, {{NR_pread64, {FD_FILE, AT(buf), 1, 0}}}, 0},
	{"lseek", MANY, 0, {{NR_lseek, {FD_SHM, 0, SEEK_SET}}}, 0},
	{"mmap, munmap",
	 MANY,
	 -1,
	 {{NR_mmap, {0, 4096, 3, 0x22, -1ull, 0}}, {NR_munmap, {PREVIOUS, 4096}}},
	 0},
	{"futex wake", MANY, 0, {{NR_futex, {AT(buf), 129, 1}}}, 0},
	{"", 1, 0, {{NR_pipe2, {AT(buf), 0}}}, 0},
	{"pipe write, read",
	 MANY,
	 1,
	 {{NR_write, {FD_PIPE + 1, AT(buf), 1}}, {NR_read, {FD_PIPE, AT(buf), 1}}},
	 0},
	{"", 1, 0, {{NR_socketpair, {1, 1, 0, AT(buf)}}}, 0},
	{"socket write, read",
	 MANY,
	 1,
	 {{NR_write, {FD_SOCK, AT(buf), 1}}, {NR_read, {FD_SOCK + 1, AT(buf), 1}}},
	 0},
	{"", 1, FD_EVENT, {{NR_eventfd2, {1, 0}}}, 0},
	{"", 1, FD_EPOLL, {{NR_epoll_create1, {0}}}, 0},
	{"", 1, 0, {{NR_epoll_ctl, {FD_EPOLL, 1, FD_EVENT, AT(event)}}}, 0},
	{"epoll_wait, 1 ready", MANY, 1, {{NR_epoll_wait, {FD_EPOLL, AT(buf), 100, 0}}}, 0},
	{"poll, 1 ready", MANY, 1, {{NR_poll, {AT(poll), 1, 0}}}, 0},
	{"getpid", MANY, 2, {{NR_getpid, {0}}}, 2},
	{"read 1, /dev/zero", MANY, 1, {{NR_read, {FD_ZERO, AT(buf), 1}}}, 2},
	{"read 1, /dev/zero", MANY, 1, {{NR_read, {FD_ZERO, AT(buf), 1}}}, 8},
	{"pread 1, tmpfs", MANY, 1, {{NR_pread64, {FD_SHM, AT(buf) + 4096, 1, 0}}}, 2},
	{"stat", MANY, 0, {{NR_stat, {AT(file), AT(buf)}}}, 2},
};
enum { OPS = sizeof ops / sizeof *ops };

static const char *only;
static int at = -1;	 /* the row; before the first */
static long done, began; /* iterations, calls of this one */
static int64_t start_ns;
static int started, running; /* threads of the crowd; running is atomic */

__attribute__((constructor)) static void read_only(void)
{
	only = getenv("SENTRY_ONLY");
}

/* CPU time of the sentry: what the neighbours of a shared machine do is not in it. */
static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The sentry's filter allows writev(2) and not write(2). */
static void say(const char *text)
{
	struct iovec v = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};

	if (writev(2, &v, 1) < 0)
		abort();
}

bool steps_has(uaddr_t addr, uint64_t size)
{
	return addr >= (uintptr_t)&arena && addr + size <= (uintptr_t)&arena + sizeof arena;
}

static void set_call(struct regs *r, const struct call *c, uint64_t previous)
{
	r->orig_rax = c->nr;
	r->rdi = c->a[0] == PREVIOUS ? previous : c->a[0];
	r->rsi = c->a[1];
	r->rdx = c->a[2];
	r->r10 = c->a[3];
	r->r8 = c->a[4];
	r->r9 = c->a[5];
	r->rax = (uint64_t)-ENOSYS;
}

static bool skipped(const struct op *op)
{
	return only && *op->name && strcmp(op->name, only) != 0;
}

static void print(const struct op *op)
{
	char line[120];
	double calls = (double)op->count * (op->threads ? op->threads : 1);
	double ns = (double)(now_ns() - start_ns) / calls;

	if (op->threads)
		snprintf(line, sizeof line, "%-20s %8.0f ns, %d threads at once\n", op->name, ns,
			 op->threads);
	else
		snprintf(line, sizeof line, "%-20s %8.0f ns\n", op->name, ns);
	if (op->count > 1)
		say(line);
}

static void next_op(void)
{
	if (at >= 0)
		print(&ops[at]);
	do
		at++;
	while (at < OPS && skipped(&ops[at]));
	done = began = 0;
	started = 0;
	start_ns = now_ns();
}

static void check(const struct op *op, long ret)
{
	char line[120];

	if (ret == op->want || (op->want == -1 && ret > 0))
		return;
	snprintf(line, sizeof line, "%s (row %d): %ld, not %ld\n", op->name, at, ret, op->want);
	say(line);
	abort();
}

void steps_thread(struct ctx *c)
{
	c->op = at;
	c->left = ops[at].count;
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
}

static void thread_next(struct ctx *c)
{
	static const struct call leave = {NR_exit, {0}};

	if (c->left-- > 0) {
		set_call(&c->regs, &ops[c->op].call[0], 0);
		return;
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	set_call(&c->regs, &leave, 0);
}

/* Makes the threads, one a call, then sleeps until they have gone. */
static bool crowd_next(struct ctx *c, const struct op *op)
{
	static const struct call make = {NR_clone, {THREAD, STACK}};
	static const struct call rest = {NR_nanosleep, {AT(wait), 0}};

	if (started < op->threads) {
		started++;
		set_call(&c->regs, &make, 0);
		return true;
	}
	if (__atomic_load_n(&running, __ATOMIC_ACQUIRE) == 0)
		return false;
	set_call(&c->regs, &rest, 0);
	return true;
}

void steps_next(struct ctx *c)
{
	static const struct call leave = {NR_exit_group, {0}};
	static uint64_t previous;

	if (c->left > 0 || c->op > 0) {
		thread_next(c);
		return;
	}
	if (at >= 0 && !ops[at].threads && began == 1)
		check(&ops[at], (long)c->regs.rax);
	if (at >= 0 && !ops[at].threads && began == 1 && ops[at].call[1].a[0]) {
		previous = c->regs.rax;
		began = 2;
		set_call(&c->regs, &ops[at].call[1], previous);
		return;
	}
	if (at < 0 || (!ops[at].threads && ++done >= ops[at].count))
		next_op();
	while (at < OPS && ops[at].threads) {
		if (crowd_next(c, &ops[at]))
			return;
		next_op();
	}
	began = 1;
	set_call(&c->regs, at < OPS ? &ops[at].call[0] : &leave, 0);
}
