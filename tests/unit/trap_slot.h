/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slot without a stub: the stub's code runs here, on memory of this process as the
 * guest's.  Guest memory is below USER_TOP; the stub's page faults are answered as its
 * handler does.
 */
#pragma once

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/trap/ranges.h"
#include "platform/trap/stub/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"
#include "syscalls/table.h"

static inline void on_fault(int sig, siginfo_t *info, void *context)
{
	uint64_t rip = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	(void)info;
	if (!stub_copy_fixup(&rip)) {
		signal(sig, SIG_DFL);
		return;
	}
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)rip;
}

static inline void catch_faults(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static inline struct slot *slot_make(void)
{
	void *p = mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/*
 * Pages of a guest, low enough to be below USER_TOP wherever this process was put.  From here
 * on faults are answered: cmocka has its own handlers at the start of each test.
 */
/* With a page before and behind that cannot be touched: sanitizers map without gaps. */
static inline char *guest_pages(unsigned n, int prot)
{
	catch_faults();
	static uintptr_t next = 0x300000000000;
	char *p = mmap((void *)next, (n + 2) * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_true((uintptr_t)p < USER_TOP - (n + 3) * PAGE_SIZE);
	next = (uintptr_t)p + (n + 16) * PAGE_SIZE;
	assert_int_equal(mprotect(p + PAGE_SIZE, n * PAGE_SIZE, prot), 0);
	return p + PAGE_SIZE;
}

#define ADDR(p)		 ((uint64_t)(uintptr_t)(p))
#define CALL(s, nr, ...) stub_copy_in(s, nr, (const uint64_t[6]){__VA_ARGS__})

static inline ssize_t read_range(struct ranges *r, void *dst, const void *src, size_t n)
{
	struct iovec l = {dst, n}, m = {(void *)(uintptr_t)src, n};
	return ranges_read(r, &l, 1, &m, 1);
}

static inline ssize_t write_range(struct ranges *r, const void *dst, const void *src, size_t n)
{
	struct iovec l = {(void *)(uintptr_t)src, n}, m = {(void *)(uintptr_t)dst, n};
	return ranges_write(r, &l, 1, &m, 1);
}
