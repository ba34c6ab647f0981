/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/trap/rewrite/sections.h"

#include <errno.h>
#include <string.h>

enum { SECTIONS_MAX = 1024, SYMBOLS_MAX = 1 << 20, NAME_MAX_SIZE = 16 };

static bool header_read(struct elf_file *f, unsigned i, Elf64_Shdr *out)
{
	if (f->head.e_shentsize != sizeof *out || f->head.e_shoff == 0 ||
	    f->head.e_shoff > INT64_MAX / 2)
		return false;
	const uint8_t *p = elf_peek(f, f->head.e_shoff + i * sizeof *out, sizeof *out);
	if (p)
		memcpy(out, p, sizeof *out);
	return p && out->sh_offset <= INT64_MAX / 2;
}

static unsigned header_count(const struct elf_file *f)
{
	return (unsigned)min_u64(f->head.e_shnum, SECTIONS_MAX);
}

bool section_find(struct elf_file *f, const char *name, uint64_t *out_off)
{
	Elf64_Shdr names, s;
	size_t size = strnlen(name, NAME_MAX_SIZE) + 1;
	if (!header_read(f, f->head.e_shstrndx, &names))
		return false;
	for (unsigned i = 0; i < header_count(f); i++) {
		if (!header_read(f, i, &s))
			return false;
		const uint8_t *p = elf_peek(f, names.sh_offset + s.sh_name, size);
		if (p && s.sh_type != SHT_NOBITS && !memcmp(p, name, size)) {
			*out_off = s.sh_offset;
			return true;
		}
	}
	return false;
}

/*
 * What symbols say of an address: the function that covers it, else what lies between the
 * end of the one before and the start of the one behind.
 */
struct search {
	uint64_t address, before, behind;
	struct code_range found;
};

static void symbol_weigh(struct search *s, const Elf64_Sym *sym)
{
	uint64_t start = sym->st_value, end = start + sym->st_size;
	if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx == SHN_UNDEF || end < start)
		return;
	if (start > s->address)
		s->behind = min_u64(s->behind, start);
	else if (end <= s->address)
		s->before = max_u64(s->before, end);
	else if (s->found.size == 0)
		s->found = (struct code_range){.start = start, .size = sym->st_size};
}

static void symbols_search(struct elf_file *f, const Elf64_Shdr *table, struct search *s)
{
	uint64_t count = min_u64(table->sh_size / sizeof(Elf64_Sym), SYMBOLS_MAX);
	for (uint64_t i = 0; i < count && s->found.size == 0; i++) {
		Elf64_Sym sym;
		const uint8_t *p = elf_peek(f, table->sh_offset + i * sizeof sym, sizeof sym);
		if (!p)
			return;
		memcpy(&sym, p, sizeof sym);
		symbol_weigh(s, &sym);
	}
}

int symbol_find(struct elf_file *f, uint64_t address, struct code_range *out)
{
	struct search s = {.address = address, .behind = UINT64_MAX};
	Elf64_Shdr table;
	for (unsigned i = 0; i < header_count(f) && header_read(f, i, &table); i++)
		if (table.sh_type == SHT_SYMTAB || table.sh_type == SHT_DYNSYM)
			symbols_search(f, &table, &s);
	if (s.found.size == 0) {
		if (s.before == 0 || s.behind == UINT64_MAX)
			return -ENOENT;
		s.found = (struct code_range){.start = s.before, .size = s.behind - s.before};
	}
	*out = s.found;
	return 0;
}

/* runtime.pclntab's header, Go 1.18 and 1.20. */
enum { GO_MAGIC_118 = 0xfffffff0u, GO_MAGIC_120 = 0xfffffff1u, GO_FUNCTIONS_MAX = 1 << 20 };

int gofunc_find(struct elf_file *f, uint64_t address, struct code_range *out)
{
	uint64_t off, low = 0;
	const uint8_t *p;
	if (!section_find(f, ".gopclntab", &off) || off > INT64_MAX / 4 ||
	    !(p = elf_peek(f, off, 72)))
		return -ENOENT;
	uint64_t magic = elf_load(p, 4), high = elf_load(p + 8, 8), text = elf_load(p + 24, 8);
	uint64_t table = elf_load(p + 64, 8);
	if ((magic != GO_MAGIC_118 && magic != GO_MAGIC_120) || p[7] != 8 ||
	    high > GO_FUNCTIONS_MAX || table > INT64_MAX / 4 || address < text)
		return -ENOENT;
	/* high entries of (start - text, where more is said), then the end of the last. */
	table += off;
	for (uint64_t count = high; low < high;) {
		uint64_t mid = low + (high - low) / 2;
		if (!(p = elf_peek(f, table + 8 * mid, 4)))
			return -ENOENT;
		if (elf_load(p, 4) <= address - text)
			low = mid + 1;
		else
			high = mid;
		if (low > count)
			return -ENOENT;
	}
	if (low == 0 || !(p = elf_peek(f, table + 8 * (low - 1), 12)))
		return -ENOENT;
	out->start = text + elf_load(p, 4);
	out->size = elf_load(p + 8, 4) - elf_load(p, 4);
	return address - out->start < out->size ? 0 : -ENOENT;
}
