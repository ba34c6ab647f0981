/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of the file decides, never the guest's memory: a plan is shared
 * with every process that maps the same file.
 */
#include "platform/trap/rewrite/source.h"

#include <errno.h>
#include <stdlib.h>

#include "platform/base/cleanup.h"
#include "platform/trap/rewrite/sections.h"

/* The function around an address, as a range of the file. */
static bool function_range(struct elf_file *f, uint64_t address, struct code_range *out)
{
	uint64_t off;
	int err = ehframe_find(f, address, out);
	if (err == -ENOENT)
		err = gofunc_find(f, address, out);
	if (err == -ENOENT)
		err = symbol_find(f, address, out);
	if (err < 0)
		return false;
	if (out->size == 0 || out->size > FUNCTION_MAX ||
	    !elf_offset(f, out->start, out->size, &off))
		return false;
	out->start = off;
	return true;
}

enum plan_why plan_from_file(const struct text_source *src, uint64_t off, struct plan *out)
{
	struct code_range range;
	uint64_t address;
	autofree struct elf_file *f = malloc(sizeof *f);
	if (!f || elf_open(f, src) < 0 || !elf_address(f, off, PF_X, &address) ||
	    !function_range(f, address, &range) || off - range.start >= range.size)
		return WHY_RANGE;
	autofree uint8_t *text = malloc(range.size);
	if (!text || src->read(src->arg, range.start, text, range.size) != (ssize_t)range.size)
		return WHY_RANGE;
	return plan_make(text, range.size, off - range.start, out);
}
