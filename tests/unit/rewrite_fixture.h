/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting tried on this process itself: a second copy of libc's text is the guest's,
 * host calls are made directly, and `fixture_entry` is the stub's entry.  It makes the
 * call it was asked for and goes on as the descriptor says, so a rewritten libc works.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "platform/trap/rewrite/cache.h"
#include "platform/trap/rewrite/sites.h"
#include "platform/trap/slot.h"

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

enum { FIXTURE_DATA = 1 << 20 };

/* A file, and the text of it that is mapped. */
struct guest_text {
	const uint8_t *file;
	size_t file_size;
	uaddr_t start, end;
	uint64_t off;
};

extern char fixture_entry[];
extern __thread uint64_t fixture_site, fixture_next;
extern __thread unsigned fixture_calls;
__thread uint64_t fixture_site, fixture_next;
__thread unsigned fixture_calls;

__asm__(".pushsection .text\n"
	"fixture_entry:\n"
	"	mov %rcx, %fs:fixture_site@tpoff\n"
	"	mov 8(%rcx), %rcx\n"
	"	mov %rcx, %fs:fixture_next@tpoff\n"
	"	syscall\n"
	"	mov %fs:fixture_site@tpoff, %rcx\n"
	"	mov (%rcx), %rcx\n"
	"	jmp *%fs:fixture_next@tpoff\n"
	".popsection\n");

/* Where %gs of a thread points that comes through islands: `ours`, else at nothing of the kind. */
static void fixture_gs(bool ours)
{
	static const struct slot slot = {.magic = SLOT_MAGIC}, other;
	assert_int_equal(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, ours ? &slot : &other), 0);
}

static struct rewrite *fixture_rewrite;
static __thread sigjmp_buf *fixture_escape;
static __thread uaddr_t fixture_ill; /* where the last middle was met */

static int fixture_call(const struct rewrite_call *c)
{
	void *at = (void *)c->addr;
	if (c->what == REWRITE_UNMAP)
		return munmap(at, c->size);
	if (c->what == REWRITE_PROTECT)
		return mprotect(at, c->size, c->prot);
	at = mmap(at, c->size, c->prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return at == MAP_FAILED ? -1 : 0;
}

static int fixture_do(struct ctx *by, const struct rewrite_call *calls, unsigned count)
{
	int err = 0;
	(void)by;
	for (unsigned i = 0; i < count; i++)
		if (fixture_call(&calls[i]) < 0 && err == 0)
			err = -errno;
	return err;
}

static int fixture_read(struct ctx *by, const struct rewrite_bytes *v, unsigned count)
{
	(void)by;
	for (unsigned i = 0; i < count; i++)
		memcpy(v[i].buf, (void *)v[i].addr, v[i].size);
	return 0;
}

/* Byte by byte, the worst that process_vm_writev could do. */
static int fixture_write(struct ctx *by, const struct rewrite_bytes *v, unsigned count)
{
	(void)by;
	for (unsigned i = 0; i < count; i++)
		for (size_t k = 0; k < v[i].size; k++)
			((volatile uint8_t *)v[i].addr)[k] = ((const uint8_t *)v[i].buf)[k];
	return 0;
}

static ssize_t fixture_file(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct guest_text *g = arg;
	if (off >= g->file_size)
		return 0;
	size = min_u64(size, g->file_size - off);
	memcpy(buf, g->file + off, size);
	return (ssize_t)size;
}

/* Free if the kernel takes the hint. */
static uaddr_t fixture_gap(void *arg, uint64_t size, uaddr_t low, uaddr_t high)
{
	(void)arg;
	if (high - low < size)
		return 0;
	void *p = mmap((void *)low, size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (p == MAP_FAILED)
		return 0;
	munmap(p, size);
	return (uaddr_t)p == low ? low : 0;
}

static void fixture_interrupt(struct ctx *by)
{
	(void)by;
}

static struct rewrite_host fixture_host = {
	.interrupt = fixture_interrupt,
	.calls = fixture_do,
	.read = fixture_read,
	.write = fixture_write,
};

static void fixture_fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uaddr_t rip = (uaddr_t)uc->uc_mcontext.gregs[REG_RIP], to;
	if (rewrite_fault(fixture_rewrite, signo, rip, (uaddr_t)info->si_addr,
			  (uint64_t)uc->uc_mcontext.gregs[REG_ERR], &to)) {
		if (signo == SIGILL)
			fixture_ill = rip;
		if (signo == SIGILL && fixture_escape)
			siglongjmp(*fixture_escape, 1);
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)to;
		return;
	}
	signal(signo, SIG_DFL);
}

/* The executable segment of a file, mapped as the dynamic loader would. */
static void guest_text_open(struct guest_text *g, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	g->file_size = (size_t)st.st_size;
	g->file = mmap(NULL, g->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(g->file != MAP_FAILED);
	const Elf64_Ehdr *head = (const void *)g->file;
	const Elf64_Phdr *ph = (const void *)(g->file + head->e_phoff);
	while (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
		ph++;
	g->off = ph->p_offset & PAGE_MASK;
	size_t size = PAGE_ALIGN(ph->p_offset + ph->p_filesz - g->off);
	/* Behind the text, where its data would be: flags that say "one thread". */
	char *p = mmap(NULL, size + FIXTURE_DATA, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	memset(p + size, 1, FIXTURE_DATA);
	assert_true(mmap(p, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
			 (off_t)g->off) == p);
	g->start = (uaddr_t)p;
	g->end = g->start + size;
	close(fd);
}

static struct rewrite_req guest_req(struct guest_text *g, uaddr_t call)
{
	return (struct rewrite_req){.rip = call + CALL_SIZE,
				    .start = g->start,
				    .end = g->end,
				    .off = g->off,
				    .file = {1, 2, 3, 4},
				    .arg = g,
				    .read = fixture_file,
				    .gap = fixture_gap};
}

/* In the test itself: cmocka takes these signals before it. */
static void fixture_signals(void)
{
	struct sigaction sa = {.sa_sigaction = fixture_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
}

static void fixture_start(struct guest_text *g)
{
	fixture_host.entry = (uaddr_t)fixture_entry;
	fixture_gs(true);
	rewrite_init(&fixture_host);
	assert_int_equal(rewrite_new(&fixture_rewrite), 0);
	guest_text_open(g, LIBC);
}

static void fixture_end(struct guest_text *g)
{
	assert_int_equal(rewrite_change(fixture_rewrite, NULL, 0, USER_TOP), 0);
	rewrite_free(fixture_rewrite);
	rewrite_shutdown();
	munmap((void *)g->start, g->end - g->start + FIXTURE_DATA);
	munmap((void *)(uintptr_t)g->file, g->file_size);
}

/* Addresses with the bytes of a call. */
static uaddr_t next_call(const struct guest_text *g, uaddr_t from)
{
	const uint8_t *text = g->file + g->off;
	for (uaddr_t at = from; at + 1 < g->end; at++)
		if (text[at - g->start] == 0x0f && text[at - g->start + 1] == 0x05)
			return at;
	return 0;
}
