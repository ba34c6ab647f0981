/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack a program starts on, from the top down:
 *
 *	NULL word · file name · environment strings · argument strings ·
 *	"x86_64" · 16 random bytes · auxv · envp · argv · argc   <- rsp, 16-aligned
 *
 * Built in one sentry buffer and written with one copy.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "platform/host.h"
#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/auxv.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/mman.h"

/* Left for the program itself when the arguments fill a small limit. */
enum { STACK_SLACK = 64 * 4096 };

struct build {
	char *buf;	       /* mirrors [base, top) */
	uaddr_t base, top, at; /* at: next free byte, growing down */
	int err;
};

static uaddr_t push(struct build *b, const void *data, size_t size)
{
	if (size > b->at - b->base) {
		b->err = -E2BIG;
		return b->at;
	}
	b->at -= size;
	memcpy(b->buf + (b->at - b->base), data, size);
	return b->at;
}

static uaddr_t push_str(struct build *b, const char *s)
{
	return push(b, s, strlen(s) + 1);
}

/* Pushes strings last first; *out_first becomes the address of string 0. */
static uaddr_t push_strings(struct build *b, char *const *v, size_t n)
{
	for (size_t i = n; i-- > 0;)
		push_str(b, v[i]);
	return b->at;
}

static void aux(struct mm *mm, uint64_t type, uint64_t value)
{
	mm->auxv[mm->auxv_count++] = type;
	mm->auxv[mm->auxv_count++] = value;
}

struct strings_at {
	uaddr_t name, platform, random, args, envs;
};

/* Not getauxval(AT_HWCAP): libc puts an answer of its own there. */
static uint32_t cpu_features(void)
{
	unsigned a, b, c, d = 0;
	__get_cpuid(1, &a, &b, &c, &d);
	return d;
}

static void auxv_fill(struct task *t, const struct elf_image *e, const struct elf_image *interp,
		      const struct strings_at *at, bool secure)
{
	struct mm *mm = t->mm;
	const struct cred *c = task_cred_self(t);
	mm->auxv_count = 0;
	if (mm->vdso)
		aux(mm, AT_SYSINFO_EHDR, mm->vdso);
	aux(mm, AT_MINSIGSTKSZ, sigframe_max_size());
	aux(mm, AT_HWCAP, cpu_features());
	aux(mm, AT_PAGESZ, PAGE_SIZE);
	aux(mm, AT_CLKTCK, 100);
	aux(mm, AT_PHDR, e->ph_addr);
	aux(mm, AT_PHENT, sizeof(struct abi_elf_phdr));
	aux(mm, AT_PHNUM, e->phnum);
	aux(mm, AT_BASE, interp ? interp->bias + interp->low : 0);
	aux(mm, AT_FLAGS, 0);
	aux(mm, AT_ENTRY, e->entry + e->bias);
	aux(mm, AT_UID, uid_seen(c->user_ns, c->ruid));
	aux(mm, AT_EUID, uid_seen(c->user_ns, c->euid));
	aux(mm, AT_GID, gid_seen(c->user_ns, c->rgid));
	aux(mm, AT_EGID, gid_seen(c->user_ns, c->egid));
	aux(mm, AT_SECURE, secure);
	aux(mm, AT_RANDOM, at->random);
	/* Not FSGSBASE: a stub finds its slot by %gs, which programs are to ask the kernel for. */
	aux(mm, AT_HWCAP2, getauxval(AT_HWCAP2) & ~2ul);
	aux(mm, AT_EXECFN, at->name);
	aux(mm, AT_PLATFORM, at->platform);
	aux(mm, AT_NULL, 0);
}

static void put_word(struct build *b, uaddr_t where, uint64_t v)
{
	memcpy(b->buf + (where - b->base), &v, sizeof v);
}

/* A NULL-terminated vector of pointers to consecutive strings; the address after it. */
static uaddr_t put_vector(struct build *b, uaddr_t where, uaddr_t str, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_word(b, where, str);
		where += sizeof(uint64_t);
		str += strlen(v[i]) + 1;
	}
	put_word(b, where, 0);
	return where + sizeof(uint64_t);
}

static void put_vectors(struct build *b, const struct mm *mm, const struct exec_strings *s,
			const struct strings_at *at)
{
	size_t words = 1 + s->argc + 1 + s->envc + 1 + mm->auxv_count;
	uaddr_t rsp = (b->at - words * 8) & ~15ull;
	if (b->at - b->base < words * 8 + 16) {
		b->err = -E2BIG;
		return;
	}
	b->at = rsp;
	put_word(b, rsp, s->argc);
	uaddr_t p = put_vector(b, rsp + 8, at->args, s->arg, s->argc);
	p = put_vector(b, p, at->envs, s->env, s->envc);
	for (unsigned i = 0; i < mm->auxv_count; i++)
		put_word(b, p + i * 8, mm->auxv[i]);
}

static int64_t stack_map(struct task *t, bool exec, uint64_t need)
{
	struct mm_limits lim = task_mm_limits(t);
	uaddr_t top = USER_TOP - PAGE_SIZE - exec_random_pages(t, 0xfffff);
	int prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);
	int err = mm_stack_map(t->mm, t->ctx, top, PAGE_ALIGN(need) + STACK_SLACK, prot, &lim);
	return err < 0 ? err : (int64_t)top;
}

int64_t exec_stack_build(struct task *t, const struct elf_image *e, const struct elf_image *interp,
			 const char *name, const struct exec_strings *s, bool secure)
{
	uint8_t random[16];
	struct strings_at at;
	uint64_t need = s->bytes + strlen(name) + (s->argc + s->envc) * 8 + 2048;
	int64_t top = stack_map(t, e->exec_stack, need);
	if (top < 0)
		return top;
	struct build b = {.top = (uaddr_t)top, .at = (uaddr_t)top};
	b.base = (b.top - need) & PAGE_MASK;
	b.buf = calloc(1, b.top - b.base);
	if (!b.buf)
		return -ENOMEM;
	host_random(random, sizeof random);
	push(&b, &(uint64_t){0}, 8);
	at.name = push_str(&b, name);
	t->mm->env_end = b.at;
	at.envs = t->mm->env_start = push_strings(&b, s->env, s->envc);
	t->mm->arg_end = b.at;
	at.args = t->mm->arg_start = push_strings(&b, s->arg, s->argc);
	at.platform = push_str(&b, "x86_64");
	at.random = push(&b, random, sizeof random);
	b.at &= ~15ull;
	auxv_fill(t, e, interp, &at, secure);
	put_vectors(&b, t->mm, s, &at);
	if (b.err == 0)
		b.err = copy_out(t->mm, b.at, b.buf + (b.at - b.base), b.top - b.at);
	free(b.buf);
	return b.err < 0 ? b.err : (int64_t)b.at;
}
