/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zygote: a clean stub that all first stubs are cloned from.  Forked while the
 * sentry is one thread, it gives up every right and then every page it inherited
 * but the stub's text and a stack, and becomes entry_zygote (stub/entry.S).
 * Further ones are its clones.
 *
 * init() must come after the sentry's last change of user, user namespace and pid
 * namespace: process_vm_* compares them.
 */
#include "platform/trap/trap.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/log.h"
#include "platform/stub/clean.h"
#include "platform/stub_filter.h"
#include "platform/trap/clock.h"
#include "platform/trap/pool/pool.h"
#include "platform/trap/stub/answer.h"

/* End of a 47-bit address space; nothing is mapped above it unless asked for. */
static const uint64_t HOST_TOP = 0x7ffffffff000;

/* Where the stub's text may go: the host's stack is at a random place there. */
static const uint64_t bases[] = {0x7fffff800000, 0x7fffff400000, 0x7fffffc00000, 0x7fffff200000};

enum { ZYGOTE_STACK = 0x1000, ZYGOTE_SIZE = STUB_TEXT_MAX + ZYGOTE_STACK };

static int text_fill(void *at)
{
	const size_t size = (size_t)(__stop_stub_text - __start_stub_text);
	assert(size <= STUB_TEXT_MAX);
	memset(at, 0xcc, STUB_TEXT_MAX); /* int3 */
	memcpy(at, __start_stub_text, size);
	return mprotect(at, STUB_TEXT_MAX, PROT_READ | PROT_EXEC) < 0 ? -errno : 0;
}

static int text_map(uint64_t *out_base)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		void *want = (void *)(uintptr_t)(bases[i] - CLOCK_SIZE);
		char *p = mmap(want, CLOCK_SIZE + ZYGOTE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return -errno;
		int err = p == want ? text_fill(p + CLOCK_SIZE) : -EADDRINUSE;
		if (err == 0) {
			*out_base = bases[i];
			return 0;
		}
		munmap(p, CLOCK_SIZE + ZYGOTE_SIZE);
		if (err != -EADDRINUSE)
			return err;
	}
	return -EADDRINUSE;
}

static void zygote_filter(uint64_t base)
{
	static struct sock_filter code[STUB_FILTER_MAX];
	size_t n = stub_filter_build(code, STUB_OF_TRAP, base, STUB_TEXT_MAX);
	struct sock_fprog prog = {.len = (unsigned short)n, .filter = code};
	assert(n <= ARRAY_SIZE(code));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		_exit(1);
}

static _Noreturn void zygote_child(const struct trap_host *h, int sock)
{
	const uint64_t entry = stub_at(h->base, entry_zygote), base = h->base;
	uint64_t keep = base;
	int fds[1 + POOLS_MAX * POOL_BELLS] = {sock};
	size_t nfds = 1 + pool_descriptors(fds + 1);
	clean_descriptors(fds, nfds);
	clean_signals(INTERRUPT_SIGNAL, stub_at(base, stub_handler), stub_at(base, stub_restorer));
	clean_limits(h->tasks);
	clean_rights();
	clean_libc();
	clean_parent(h->sentry_pid);
	/* Nothing below reads a clock. */
	munmap((void *)(uintptr_t)(base - CLOCK_SIZE), CLOCK_SIZE);
	if (clock_move(base))
		keep = base - CLOCK_SIZE;
	zygote_filter(base);
	register uint64_t parent __asm__("r12") = (uint64_t)h->sentry_pid;
	__asm__ volatile("jmp *%0"
			 :
			 : "a"(entry), "D"(keep), "S"(base + ZYGOTE_SIZE), "d"(HOST_TOP), "r"(parent));
	__builtin_unreachable();
}

struct zygote trap_zygote_first = {.ref = {1}};

static struct list zygotes = LIST_INIT(zygotes); /* zygotes_lock */
static struct lock zygotes_lock = LOCK_INIT(RANK_LEAF);

void zygote_list(struct zygote *z)
{
	lock(&zygotes_lock);
	list_append(&zygotes, &z->link);
	unlock(&zygotes_lock);
}

void zygote_unlist(struct zygote *z)
{
	lock(&zygotes_lock);
	list_del(&z->link);
	unlock(&zygotes_lock);
}

void zygote_for_each(void (*fn)(struct zygote *z))
{
	struct zygote *z;
	list_for_each(z, &zygotes, link)
		fn(z);
}

bool zygote_reaped(int pid)
{
	struct zygote *z;
	bool found = false;
	lock(&zygotes_lock);
	list_for_each(z, &zygotes, link)
		if (__atomic_load_n(&z->pid, __ATOMIC_ACQUIRE) == pid) {
			__atomic_store_n(&z->dead, true, __ATOMIC_RELEASE);
			found = true;
		}
	unlock(&zygotes_lock);
	return found;
}

void zygote_put(struct zygote *z)
{
	if (ref_put(&z->ref))
		free(z);
}

int zygote_trap_start(void)
{
	struct trap_host *h = &trap_host;
	struct zygote *z = &trap_zygote_first;
	int pair[2];
	int err = text_map(&h->base);
	if (err < 0)
		return err;
	if ((err = host_socketpair(SOCK_SEQPACKET, pair)) < 0)
		goto undo_map;
	h->sentry_pid = getpid();
	/* Not fork(3): a sanitizer's starts a thread in the child, whose memory is about to go. */
	z->pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (z->pid == 0)
		zygote_child(h, pair[1]);
	err = z->pid < 0 ? -errno : 0;
	host_close(pair[1]);
	z->fd = pair[0];
	z->dead = false;
	if (err < 0)
		host_close(pair[0]);
undo_map:
	munmap((void *)(uintptr_t)(h->base - CLOCK_SIZE), CLOCK_SIZE + ZYGOTE_SIZE);
	return err;
}

/* The length of the message says what is to be made: one byte, a stub. */
int zygote_trap_spawn(const struct zygote *z, int fd, int ctl)
{
	const int fds[2] = {fd, ctl};
	return host_send_fds(z->fd, fds, ARRAY_SIZE(fds));
}

int trap_zygote_ask(int sock)
{
	static const char word[STUB_MAKE_ZYGOTE];
	return host_send_fd(trap_zygote_first.fd, word, sizeof word, sock);
}

int trap_zygote_take(int fd, int pid, struct zygote **out)
{
	struct zygote *z = calloc(1, sizeof *z);
	if (!z) {
		host_close(fd); /* then it ends */
		return -ENOMEM;
	}
	ref_init(&z->ref);
	z->pid = pid;
	z->fd = fd;
	spare_begin(z);
	*out = z;
	return 0;
}

void trap_zygote_end(struct zygote *z)
{
	spare_end(z);
	zygote_trap_stop(z);
	reap_rest(z);
	zygote_put(z);
}

bool trap_zygote_dead(struct zygote *z)
{
	return __atomic_load_n(&(z ? z : &trap_zygote_first)->dead, __ATOMIC_ACQUIRE);
}

void zygote_trap_stop(struct zygote *z)
{
	int status, n;
	/* First of all: its end is no news for reap.c then. */
	int pid = __atomic_exchange_n(&z->pid, 0, __ATOMIC_ACQ_REL);
	if (pid <= 0)
		return;
	host_close(z->fd);
	host_tgkill(pid, pid, SIGKILL);
	do
		n = host_wait(pid, &status, 0);
	while (n == -EINTR);
}
