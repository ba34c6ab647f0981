/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF images without a file system or a stub: a file that is a buffer, and a
 * task whose platform says yes to every mapping.
 */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "sentry/cred/cred.h"
#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/sched.h"

static struct {
	const uint8_t *data;
	size_t size;
} image;

static ssize_t image_read(struct file *f, struct uio *u, int64_t *pos)
{
	(void)f;
	if (*pos < 0 || (uint64_t)*pos >= image.size)
		return 0;
	ssize_t n = uio_put(u, image.data + *pos, image.size - (size_t)*pos);
	if (n > 0)
		*pos += n;
	return n;
}

static int image_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		      struct mmap_source *out)
{
	(void)f, (void)prot, (void)off, (void)size;
	assert(!shared);
	*out = (struct mmap_source){.fd = 1000};
	return 0;
}

static int64_t image_seek(struct file *f, int64_t off, int whence)
{
	return file_seek_generic(f, off, whence, (int64_t)image.size);
}

static const struct file_ops image_ops = {
	.read = image_read,
	.write = file_nowrite,
	.seek = image_seek,
	.poll = file_alwaysready,
	.ioctl = file_noioctl,
	.mmap = image_mmap,
	.readdir = file_noreaddir,
	.fsync = file_okfsync,
	.fallocate = file_nofallocate,
	.setflags = file_okflags,
	.flush = file_noflush,
	.release = file_norelease,
};

static int yes_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	(void)z;
	static char as, ctx;
	*out = (struct aspace *)&as;
	*out_ctx = (struct ctx *)&ctx;
	return 0;
}

static int yes_reset(struct ctx *by)
{
	(void)by;
	return 0;
}

static void yes_destroy(struct aspace *as, struct usage *out)
{
	(void)as, (void)out;
}

static int yes_map(struct ctx *by, const struct map_req *r)
{
	(void)by;
	assert(r->addr % PAGE_SIZE == 0 && r->size % PAGE_SIZE == 0 && r->size > 0);
	assert(r->addr < USER_TOP && r->size <= USER_TOP - r->addr && r->off >= 0);
	return 0;
}

static int yes_range(struct ctx *by, uaddr_t addr, uint64_t size)
{
	(void)by;
	assert(addr < USER_TOP && size <= USER_TOP - addr);
	return 0;
}

static ssize_t yes_write(struct aspace *as, const struct iovec *local, size_t nlocal,
			 const struct iovec *remote, size_t nremote)
{
	(void)as, (void)local, (void)nlocal;
	ssize_t n = 0;
	for (size_t i = 0; i < nremote; i++)
		n += (ssize_t)remote[i].iov_len;
	return n;
}

static const struct platform_ops yes_platform = {
	.name = "yes",
	.aspace_new = yes_new,
	.aspace_reset = yes_reset,
	.aspace_destroy = yes_destroy,
	.map = yes_map,
	.unmap = yes_range,
	.write = yes_write,
};

struct loader {
	struct task *task;
	struct file *file;
};

static inline void loader_new(struct loader *l)
{
	platform = &yes_platform;
	l->task = task_alloc();
	l->task->group = group_alloc();
	l->task->cred = cred_new_root(CAP_ALL);
	l->task->personality = ADDR_NO_RANDOMIZE;
	for (unsigned i = 0; i < ABI_RLIM_NLIMITS; i++)
		l->task->group->rlimits[i] = (struct abi_rlimit){UINT64_MAX, UINT64_MAX};
	int err = mm_new(NULL, &l->task->mm, &l->task->ctx);
	assert(err == 0);
	l->task->mm->mmap_base = USER_TOP - (6ull << 30);
	err = file_new_anon(&image_ops, FILE_INODE, NULL, "elf", l->task->cred, 0, &l->file);
	assert(err == 0);
	l->file->readable = true;
}

static inline void loader_free(struct loader *l)
{
	mm_unuse(l->task->mm);
	mm_put(l->task->mm);
	file_put(l->file);
	task_put(l->task);
}

static inline int image_load(struct loader *l, const void *data, size_t size, struct elf_image *out)
{
	image.data = data;
	image.size = size;
	return elf_read(l->file, out);
}

/* What elf_read promises of an image it accepts. */
static inline void image_check(const struct elf_image *e)
{
	assert(e->phnum > 0 && e->ph && e->low < e->high);
	assert(e->high <= USER_TOP && !(e->low & ~PAGE_MASK) && !(e->high & ~PAGE_MASK));
	assert(!e->interp || strlen(e->interp) < 4096);
}

struct sorted {
	uaddr_t at;
	unsigned n;
};

static inline bool area_sorted(const struct area *a, void *arg)
{
	struct sorted *s = arg;
	assert(a->start >= s->at && a->end > a->start && a->end <= USER_TOP);
	assert(!((a->start | a->end | a->off) & ~PAGE_MASK));
	s->at = a->end;
	s->n++;
	return true;
}

/* Maps it into an empty space, whose list must be in order afterwards; the result of elf_map. */
static inline int image_map(struct loader *l, struct elf_image *e)
{
	struct sorted s = {0};
	mm_reset(l->task->mm, l->task->ctx);
	int err = elf_map(l->task, e, /*interp=*/false);
	mm_for_each(l->task->mm, area_sorted, &s);
	assert(err < 0 || s.n > 0);
	return err;
}

/* A small program that is in order: text, data with bss, an interpreter. */
struct good_elf {
	struct abi_elf_ehdr h;
	struct abi_elf_phdr ph[4];
	char interp[32];
	uint8_t text[16];
};

static inline struct good_elf good_elf(void)
{
	return (struct good_elf){
		.h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		      .e_type = ET_DYN,
		      .e_machine = EM_X86_64,
		      .e_version = EV_CURRENT,
		      .e_entry = 0x1000,
		      .e_phoff = sizeof(struct abi_elf_ehdr),
		      .e_ehsize = sizeof(struct abi_elf_ehdr),
		      .e_phentsize = sizeof(struct abi_elf_phdr),
		      .e_phnum = 4},
		.ph = {{.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_filesz = sizeof(struct good_elf),
			.p_memsz = sizeof(struct good_elf),
			.p_align = 4096},
		       {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W,
			.p_vaddr = 0x2000 + 64,
			.p_offset = 64,
			.p_filesz = 100,
			.p_memsz = 0x5000,
			.p_align = 4096},
		       {.p_type = PT_INTERP,
			.p_flags = PF_R,
			.p_offset = offsetof(struct good_elf, interp),
			.p_filesz = 20,
			.p_memsz = 20},
		       {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W}},
		.interp = "/lib64/ld-good.so.1",
	};
}
