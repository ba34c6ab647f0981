/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: Linux Standard Base, Core, "Exception Frames"; DWARF's DW_EH_PE_*.
 */
#include "platform/trap/rewrite/ehframe.h"

#include <errno.h>
#include <string.h>

#include "platform/trap/rewrite/sections.h"

/* Pointer encodings: low half the form, high half what it is relative to. */
/* clang-format off */
enum {
	PE_ABSPTR = 0x00, PE_UDATA2 = 0x02, PE_UDATA4 = 0x03, PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a, PE_SDATA4 = 0x0b, PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10, PE_DATAREL = 0x30, PE_OMIT = 0xff,
};
/* clang-format on */

/* No table is read further: what is larger is no table of ours. */
enum { RECORDS_MAX = 1 << 20, CIE_MAX = 64 };

static unsigned form_size(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case PE_UDATA2:
	case PE_SDATA2:
		return 2;
	case PE_UDATA4:
	case PE_SDATA4:
		return 4;
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		return 8;
	default:
		return 0;
	}
}

/* The pointer in p[size]; 0 bytes: not understood.  at: the address of p; base: for DATAREL. */
static unsigned pointer_read(const uint8_t *p, size_t size, uint8_t encoding, uint64_t at,
			     uint64_t base, uint64_t *out)
{
	unsigned n = form_size(encoding);
	if (n == 0 || n > size)
		return 0;
	uint64_t v = elf_load(p, n);
	if ((encoding & 0x08) && n < 8 && v >> (8 * n - 1))
		v |= ~0ull << 8 * n;
	switch (encoding & 0xf0) {
	case 0:
		break;
	case PE_PCREL:
		v += at;
		break;
	case PE_DATAREL:
		v += base;
		break;
	default:
		return 0;
	}
	*out = v;
	return n;
}

/* Skips a LEB128 number; false at the end. */
static bool leb_skip(const uint8_t **p, const uint8_t *end)
{
	while (*p < end)
		if (!(*(*p)++ & 0x80))
			return true;
	return false;
}

/* What a CIE says of its FDEs. */
struct cie {
	uint8_t encoding;
	bool signal; /* a signal's return: the range begins a byte early, so unwinders find it */
};

/* After 'z' and its length: one letter, one field. */
static bool augmentation(const char *letters, const uint8_t *p, const uint8_t *end, struct cie *out)
{
	for (; *letters; letters++) {
		out->signal |= *letters == 'S';
		if (*letters == 'B' || *letters == 'S')
			continue;
		if (p == end)
			return false;
		uint8_t encoding = *p++;
		unsigned n = form_size(encoding);
		if (*letters == 'R') {
			out->encoding = encoding;
		} else if (*letters == 'P' && encoding != PE_OMIT) {
			if (n == 0 || n > (size_t)(end - p))
				return false;
			p += n;
		} else if (*letters != 'P' && *letters != 'L') {
			return false;
		}
	}
	return true;
}

/* The CIE at off; false: not understood. */
static bool cie_read(struct elf_file *f, uint64_t off, struct cie *out)
{
	const uint8_t *p = elf_peek(f, off, 8);
	*out = (struct cie){.encoding = PE_ABSPTR};
	if (!p || elf_load(p + 4, 4) != 0)
		return false;
	size_t size = min_u64(elf_load(p, 4), CIE_MAX - 4) + 4;
	if (size < 12 || !(p = elf_peek(f, off, size)))
		return false;
	const uint8_t *end = p + size, version = p[8];
	const char *letters = (const char *)p + 9;
	const uint8_t *nul = memchr(letters, 0, (size_t)(end - (p + 9)));
	if (!nul || (version != 1 && version != 3))
		return false;
	p = nul + 1;
	if (!leb_skip(&p, end) || !leb_skip(&p, end))
		return false;
	/* The return address's register: one byte, which looks like a short number. */
	if (version == 1 ? p++ >= end : !leb_skip(&p, end))
		return false;
	if (*letters == 0)
		return true;
	return *letters == 'z' && leb_skip(&p, end) && augmentation(letters + 1, p, end, out);
}

static int fde_read(struct elf_file *f, uint64_t off, uint64_t size, const struct cie *cie,
		    struct code_range *out)
{
	unsigned n = form_size(cie->encoding);
	const uint8_t *p = elf_peek(f, off + 8, 2 * n);
	uint64_t at;
	if (n == 0 || size < 4 + 2 * n || !p || !elf_address(f, off + 8, 0, &at) ||
	    !pointer_read(p, n, cie->encoding, at, 0, &out->start))
		return -EINVAL;
	out->size = elf_load(p + n, n);
	return 0;
}

/*
 * The record at off: an FDE's range, or size 0 for one that is none or is not understood;
 * *next: the record behind.
 */
static int record_read(struct elf_file *f, uint64_t off, struct code_range *out, bool *signal,
		       uint64_t *next)
{
	struct cie cie;
	const uint8_t *p = elf_peek(f, off, 8);
	*out = (struct code_range){0};
	if (!p || elf_load(p, 4) == 0)
		return -ENOENT;
	uint64_t size = elf_load(p, 4), back = elf_load(p + 4, 4);
	if (size < 4 || size >= 0xfffffff0)
		return -EINVAL;
	*next = off + 4 + size;
	if (back == 0 || back > off + 4 || !cie_read(f, off + 4 - back, &cie))
		return 0;
	*signal = cie.signal;
	if (fde_read(f, off, size, &cie, out) < 0)
		*out = (struct code_range){0};
	return 0;
}

static bool range_holds(const struct code_range *r, uint64_t address)
{
	return address - r->start < r->size && r->start + r->size > r->start;
}

/* One after the other, from file offset off on. */
static int find_slowly(struct elf_file *f, uint64_t off, uint64_t address, struct code_range *out)
{
	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		uint64_t next;
		bool signal;
		int err = record_read(f, off, out, &signal, &next);
		if (err < 0)
			return err;
		if (range_holds(out, address))
			return signal ? -EINVAL : 0;
		off = next;
	}
	return -EINVAL;
}

/* The index: pairs of (function, FDE), 32 bits each, relative to its own start, sorted. */
static int find_in_index(struct elf_file *f, const Elf64_Phdr *hdr, uint64_t address,
			 struct code_range *out)
{
	const uint8_t *p = elf_peek(f, hdr->p_offset, 12);
	uint64_t off, next, fde;
	bool signal;
	if (!p || p[0] != 1 || p[1] != (PE_PCREL | PE_SDATA4) || p[2] != PE_UDATA4 ||
	    p[3] != (PE_DATAREL | PE_SDATA4))
		return -EINVAL;
	uint64_t low = 0, high = elf_load(p + 8, 4);
	if (high > RECORDS_MAX)
		return -EINVAL;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2, start;
		if (!(p = elf_peek(f, hdr->p_offset + 12 + 8 * mid, 8)) ||
		    !pointer_read(p, 4, PE_DATAREL | PE_SDATA4, 0, hdr->p_vaddr, &start))
			return -EINVAL;
		if (start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return -ENOENT;
	if (!(p = elf_peek(f, hdr->p_offset + 12 + 8 * (low - 1), 8)) ||
	    !pointer_read(p + 4, 4, PE_DATAREL | PE_SDATA4, 0, hdr->p_vaddr, &fde) ||
	    !elf_offset(f, fde, 8, &off))
		return -EINVAL;
	int err = record_read(f, off, out, &signal, &next);
	if (err < 0 || !range_holds(out, address))
		return err < 0 ? err : -ENOENT;
	return signal ? -EINVAL : 0;
}

int ehframe_find(struct elf_file *f, uint64_t address, struct code_range *out)
{
	const Elf64_Phdr *hdr = elf_segment(f, PT_GNU_EH_FRAME);
	uint64_t off;
	if (hdr && hdr->p_offset <= INT64_MAX / 2)
		return find_in_index(f, hdr, address, out);
	if (!section_find(f, ".eh_frame", &off))
		return -ENOENT;
	return find_slowly(f, off, address, out);
}
