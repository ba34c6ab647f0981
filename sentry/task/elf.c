/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF images: read, checked, mapped.
 *
 * Every number in the headers is the guest's.  elf_read() refuses what could
 * overflow later, so that elf_map() only adds numbers known to be small; what
 * a file still can do is ask for a silly layout, which mm_map() refuses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/mman.h"

enum { PHNUM_MAX = 65536 / sizeof(struct abi_elf_phdr), INTERP_MAX = 4096 };

int exec_read(struct file *f, void *buf, size_t size, uint64_t off)
{
	struct uio u;
	int64_t pos = (int64_t)off;
	if (off > INT64_MAX - size)
		return -EIO;
	uio_kernel(&u, buf, size);
	while (u.left > 0) {
		ssize_t n = file_read(f, &u, &pos, /*nonblock=*/true);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
	}
	return 0;
}

static int header_check(const struct abi_elf_ehdr *h)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return -ENOEXEC;
	if (h->e_machine != EM_X86_64 || h->e_phentsize != sizeof(struct abi_elf_phdr))
		return -ENOEXEC;
	if (h->e_phnum == 0 || h->e_phnum > PHNUM_MAX)
		return -ENOEXEC;
	return 0;
}

/* A segment: inside user space, file part not larger than memory part, congruent offset. */
static int load_check(const struct abi_elf_phdr *p)
{
	uint64_t end, fend;
	if (p->p_filesz > p->p_memsz)
		return -EINVAL;
	if (__builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > USER_TOP)
		return -EINVAL;
	if (__builtin_add_overflow(p->p_offset, p->p_filesz, &fend) || fend > INT64_MAX)
		return -EINVAL;
	return (p->p_vaddr ^ p->p_offset) & ~PAGE_MASK ? -EINVAL : 0;
}

static int interp_read(struct elf_image *e, const struct abi_elf_phdr *p)
{
	if (e->interp)
		return 0; /* the first one counts */
	if (p->p_filesz < 2 || p->p_filesz > INTERP_MAX)
		return -ENOEXEC;
	e->interp = malloc(p->p_filesz);
	if (!e->interp)
		return -ENOMEM;
	int err = exec_read(e->file, e->interp, p->p_filesz, p->p_offset);
	if (err == 0 && e->interp[p->p_filesz - 1] != '\0')
		err = -ENOEXEC;
	return err;
}

static int segments_scan(struct elf_image *e)
{
	int err = 0;
	bool any = false;
	e->low = UINT64_MAX;
	for (unsigned i = 0; err == 0 && i < e->phnum; i++) {
		const struct abi_elf_phdr *p = &e->ph[i];
		switch (p->p_type) {
		case PT_LOAD:
			if ((err = load_check(p)) < 0)
				break;
			any = true;
			e->low = min_u64(e->low, p->p_vaddr & PAGE_MASK);
			e->high = max_u64(e->high, PAGE_ALIGN(p->p_vaddr + p->p_memsz));
			break;
		case PT_INTERP:
			err = interp_read(e, p);
			break;
		case PT_GNU_STACK:
			e->exec_stack = p->p_flags & PF_X;
			break;
		default:
			break;
		}
	}
	if (err == 0 && (!any || e->low >= e->high))
		err = -ENOEXEC;
	return err;
}

int elf_read(struct file *file, struct elf_image *out)
{
	struct abi_elf_ehdr h;
	*out = (struct elf_image){.file = file};
	int err = exec_read(file, &h, sizeof h, 0);
	if (err == -EIO)
		err = -ENOEXEC; /* too short to be anything */
	if (err == 0)
		err = header_check(&h);
	if (err < 0)
		return err;
	out->type = h.e_type;
	out->phnum = h.e_phnum;
	out->entry = h.e_entry;
	out->phoff = h.e_phoff;
	out->ph = malloc(h.e_phnum * sizeof *out->ph);
	if (!out->ph)
		return -ENOMEM;
	err = exec_read(file, out->ph, h.e_phnum * sizeof *out->ph, h.e_phoff);
	if (err == -EIO)
		err = -ENOEXEC;
	if (err == 0)
		err = segments_scan(out);
	if (err < 0)
		elf_free(out);
	return err;
}

void elf_free(struct elf_image *e)
{
	free(e->ph);
	free(e->interp);
	e->ph = NULL;
	e->interp = NULL;
}

static int prot_of(const struct abi_elf_phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_fixed(struct task *t, uaddr_t at, uint64_t size, int prot, struct file *f,
		     uint64_t off)
{
	struct mm_limits lim = task_mm_limits(t);
	int flags = MAP_PRIVATE | MAP_FIXED | (f ? 0 : MAP_ANONYMOUS);
	int64_t r = mm_map(t->mm, t->ctx, at, size, prot, flags, f, off, &lim);
	return r < 0 ? (int)r : 0;
}

/*
 * All of the rest of the last file page, and whole pages after it, read as zero.
 * Not only up to p_memsz: ld.so's first allocations live behind it.
 */
static int map_bss(struct task *t, const struct elf_image *e, const struct abi_elf_phdr *p)
{
	uaddr_t from = p->p_vaddr + e->bias + p->p_filesz;
	uaddr_t to = p->p_vaddr + e->bias + p->p_memsz;
	uaddr_t page = PAGE_ALIGN(from);
	if (p->p_memsz == p->p_filesz)
		return 0;
	if (p->p_filesz > 0 && (p->p_flags & PF_W) && page > from) {
		int err = clear_out(t->mm, from, page - from);
		if (err < 0)
			return err;
	}
	if (p->p_filesz == 0)
		page = from & PAGE_MASK;
	if (PAGE_ALIGN(to) > page)
		return map_fixed(t, page, PAGE_ALIGN(to) - page, prot_of(p), NULL, 0);
	return 0;
}

static int map_segment(struct task *t, struct elf_image *e, const struct abi_elf_phdr *p)
{
	uaddr_t at = (p->p_vaddr + e->bias) & PAGE_MASK;
	uint64_t lead = p->p_vaddr & ~PAGE_MASK;
	int err = 0;
	if (p->p_filesz > 0)
		err = map_fixed(t, at, PAGE_ALIGN(p->p_filesz + lead), prot_of(p), e->file,
				p->p_offset - lead);
	if (err == 0)
		err = map_bss(t, e, p);
	return err;
}

static void note_layout(struct elf_image *e, const struct abi_elf_phdr *p)
{
	uaddr_t start = p->p_vaddr + e->bias, fend = start + p->p_filesz, end = start + p->p_memsz;
	if (!e->start_code || start < e->start_code)
		e->start_code = start;
	if ((p->p_flags & PF_X) && fend > e->end_code)
		e->end_code = fend;
	e->start_data = max_u64(e->start_data, start);
	e->end_data = max_u64(e->end_data, fend);
	e->brk = max_u64(e->brk, end);
	if (e->phoff >= p->p_offset && e->phoff < p->p_offset + p->p_filesz)
		e->ph_addr = start + (e->phoff - p->p_offset);
}

/* One reservation for the whole image, so that nothing else can land between its segments. */
static int64_t choose_base(struct task *t, const struct elf_image *e, bool interp)
{
	struct mm_limits lim = task_mm_limits(t);
	uaddr_t hint = 0;
	if (!interp && e->interp)
		hint = PIE_BASE + exec_random_pages(t, 0xfffffff);
	return mm_map(t->mm, t->ctx, hint, e->high - e->low, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0, &lim);
}

int elf_map(struct task *t, struct elf_image *e, bool interp)
{
	int err = 0;
	int64_t base = 0;
	if (e->type == ET_DYN) {
		base = choose_base(t, e, interp);
		if (base < 0)
			return (int)base;
		e->bias = (uint64_t)base - e->low;
	}
	for (unsigned i = 0; err == 0 && i < e->phnum; i++) {
		if (e->ph[i].p_type != PT_LOAD || e->ph[i].p_memsz == 0)
			continue;
		err = map_segment(t, e, &e->ph[i]);
		note_layout(e, &e->ph[i]);
	}
	return err;
}
