/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small reads of an ELF file through a window, by file offset or by address.
 *
 * The file is hostile: every read is bounded by what could be read, and every
 * count below by a constant.
 */
#pragma once

#include <elf.h>

#include "platform/base/types.h"

enum { ELF_SEGMENTS = 64 };

struct text_source {
	void *arg;
	/* Bytes read, short at the end of the file, or -errno. */
	ssize_t (*read)(void *arg, uint64_t off, void *buf, size_t size);
};

struct elf_file {
	const struct text_source *src;
	Elf64_Ehdr head;
	Elf64_Phdr segments[ELF_SEGMENTS];
	unsigned count;
	uint64_t window_off;
	size_t window_size;
	uint8_t window[4096];
};

/* -ENOEXEC: no x86-64 ELF file, or too many segments. */
int elf_open(struct elf_file *f, const struct text_source *src);
/* size bytes (<= 512) at off, valid until the next call; NULL: the file ends before. */
const uint8_t *elf_peek(struct elf_file *f, uint64_t off, size_t size);
/* Address of the loaded byte at file offset off, whose segment must have these PF_* flags. */
bool elf_address(const struct elf_file *f, uint64_t off, uint32_t flags, uint64_t *out);
/* File offset of [address, address + size), which must lie in one loaded segment. */
bool elf_offset(const struct elf_file *f, uint64_t address, uint64_t size, uint64_t *out);
/* The first segment of that type. */
const Elf64_Phdr *elf_segment(const struct elf_file *f, uint32_t type);

static inline uint64_t elf_load(const uint8_t *p, unsigned size)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}
