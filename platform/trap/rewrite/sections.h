/* SPDX-License-Identifier: Apache-2.0 */
/* What only section headers say: where a section is, and symbols. */
#pragma once

#include "platform/trap/rewrite/ehframe.h"

/* File offset of the first section of that name. */
bool section_find(struct elf_file *f, const char *name, uint64_t *out_off);
/*
 * By .symtab and .dynsym, 0 or -ENOENT: the function that covers the address, or what
 * lies between two (a stripped library's own functions).  Such a gap is no function, but
 * where one function ends an instruction begins.
 */
int symbol_find(struct elf_file *f, uint64_t address, struct code_range *out);
/* By the table of functions that every Go program carries; the same. */
int gofunc_find(struct elf_file *f, uint64_t address, struct code_range *out);
