/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/elfread.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const uint8_t *elf_peek(struct elf_file *f, uint64_t off, size_t size)
{
	assert(size <= 512);
	uint64_t skip = off - f->window_off;
	if (off < f->window_off || skip > f->window_size || size > f->window_size - skip) {
		f->window_size = 0;
		ssize_t got = off > INT64_MAX - sizeof f->window
				      ? 0
				      : f->src->read(f->src->arg, off, f->window, sizeof f->window);
		if (got < 0 || (size_t)got < size)
			return NULL;
		f->window_off = off;
		f->window_size = min_u64((uint64_t)got, sizeof f->window);
		skip = 0;
	}
	return f->window + skip;
}

int elf_open(struct elf_file *f, const struct text_source *src)
{
	f->src = src;
	f->count = 0;
	f->window_off = f->window_size = 0;
	const uint8_t *p = elf_peek(f, 0, sizeof f->head);
	if (!p)
		return -ENOEXEC;
	memcpy(&f->head, p, sizeof f->head);
	if (memcmp(f->head.e_ident, ELFMAG, SELFMAG) || f->head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    f->head.e_machine != EM_X86_64 || f->head.e_phentsize != sizeof *f->segments ||
	    f->head.e_phnum > ELF_SEGMENTS || f->head.e_phoff > INT64_MAX / 2)
		return -ENOEXEC;
	for (; f->count < f->head.e_phnum; f->count++) {
		p = elf_peek(f, f->head.e_phoff + f->count * sizeof *f->segments,
			     sizeof *f->segments);
		if (!p)
			return -ENOEXEC;
		memcpy(&f->segments[f->count], p, sizeof *f->segments);
	}
	return 0;
}

bool elf_address(const struct elf_file *f, uint64_t off, uint32_t flags, uint64_t *out)
{
	for (unsigned i = 0; i < f->count; i++) {
		const Elf64_Phdr *s = &f->segments[i];
		if (s->p_type != PT_LOAD || (s->p_flags & flags) != flags || off < s->p_offset ||
		    off - s->p_offset >= s->p_filesz)
			continue;
		return !__builtin_add_overflow(s->p_vaddr, off - s->p_offset, out);
	}
	return false;
}

bool elf_offset(const struct elf_file *f, uint64_t address, uint64_t size, uint64_t *out)
{
	for (unsigned i = 0; i < f->count; i++) {
		const Elf64_Phdr *s = &f->segments[i];
		uint64_t skip = address - s->p_vaddr;
		if (s->p_type != PT_LOAD || address < s->p_vaddr || skip > s->p_filesz ||
		    size > s->p_filesz - skip)
			continue;
		return !__builtin_add_overflow(s->p_offset, skip, out);
	}
	return false;
}

const Elf64_Phdr *elf_segment(const struct elf_file *f, uint32_t type)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->segments[i].p_type == type)
			return &f->segments[i];
	return NULL;
}
