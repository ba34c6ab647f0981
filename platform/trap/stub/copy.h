/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory copied by the stub, where it is at hand anyway.
 *
 * Before a call is handed over its row in syscalls/table.def is walked: what it reads
 * is copied into the slot's data, for what it writes room is reserved, and each is told
 * in slot.ranges.  Only what fits, is mapped, and whose length the row knows; all else is
 * left to process_vm_*, and a call is right without a single range.
 *
 * Room is offered only if the guest could write there: each page has been touched.
 * After the answer the written part of each room goes back; a page that has become
 * unwritable meanwhile ends the transfer.
 *
 * Nothing here reaches USER_TOP or above: a range of the stub's own memory is refused.
 */
#pragma once

#include "platform/trap/slot.h"

#pragma GCC visibility push(hidden)

/* Fills s->range_count, s->ranges_own and s->ranges; args are the guest's registers. */
void stub_copy_in(struct slot *s, uint64_t nr, const uint64_t args[6]);
/* The same of rt_sigreturn: what it reads is not named by an argument.  sp: the guest's. */
void stub_copy_frame(struct slot *s, uint64_t sp);
/*
 * The call's result, ret if all is well.  Where a page could not be written (s->range_fault):
 * -EFAULT, or how many bytes came that far, if ret is a count of them.
 */
int64_t stub_copy_out(struct slot *s, int64_t ret);
/* Puts the call into the slot's line, its ranges too if they fit there: true if so. */
bool stub_pack(struct slot *s, uint64_t nr, const uint64_t args[6]);
/* Of one that was packed, after DO_RETURN: what was written, into the ranges. */
void stub_unpack(struct slot *s);
/*
 * For the handler of SIGSEGV and SIGBUS: true if a copy of ours met a page that is not
 * there: *rip is where to go on.  Nothing else of the frame changes.
 */
bool stub_copy_fixup(uint64_t *rip);

#pragma GCC visibility pop
