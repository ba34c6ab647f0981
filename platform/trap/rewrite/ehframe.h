/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which function an address lies in, by the unwinder's tables.
 *
 * .eh_frame is a row of records: a CIE says how the addresses in the FDEs that
 * refer to it are written, an FDE says [start, start + size) of one function
 * (or of one part of it).  .eh_frame_hdr has a sorted index of them.
 */
#pragma once

#include "platform/trap/rewrite/elfread.h"

struct code_range {
	uint64_t start, size; /* addresses as the file's segments have them */
};

/*
 * 0, -ENOENT if no FDE covers the address, -EINVAL if the tables are not understood.
 * Section headers are looked at only if there is no index.
 */
int ehframe_find(struct elf_file *f, uint64_t address, struct code_range *out);
