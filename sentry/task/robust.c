/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of robust mutexes a dying thread holds: set_robust_list(2).
 *
 * The list is the guest's and may be anything, a ring or garbage: every entry
 * is copied once, at most ROBUST_LIST_LIMIT are looked at, and the first bad
 * address ends the walk.
 */
#include "sentry/mm/copy.h"
#include "sentry/task/futex.h"
#include "syscalls/abi/futex.h"

/* Bit 0 of a pointer to an entry says that its mutex has priority inheritance. */
static bool entry_pi(uint64_t entry)
{
	return entry & 1;
}

static uaddr_t entry_addr(uint64_t entry)
{
	return entry & ~1ull;
}

static int entry_release(struct task *t, uint64_t entry, int64_t offset, bool pending)
{
	uaddr_t word = entry_addr(entry) + (uint64_t)offset;
	return futex_owner_died(t->mm, word, t->nr, entry_pi(entry), pending);
}

void futex_exit_robust(struct task *t)
{
	struct abi_robust_list_head head;
	uaddr_t list = t->robust_list;

	if (!list || copy_in(t->mm, &head, list, sizeof head) < 0)
		return;
	uint64_t entry = head.list;
	for (unsigned i = 0; i < ROBUST_LIST_LIMIT && entry_addr(entry) != list; i++) {
		uint64_t next;
		/* Before its owner is told, who may free the entry at once. */
		int err = copy_in(t->mm, &next, entry_addr(entry), sizeof next);
		/* The one being locked or unlocked comes last. */
		if (entry_addr(entry) != entry_addr(head.list_op_pending) &&
		    entry_release(t, entry, head.futex_offset, /*pending=*/false) < 0)
			return;
		if (err < 0)
			return;
		entry = next;
	}
	if (entry_addr(head.list_op_pending))
		entry_release(t, head.list_op_pending, head.futex_offset, /*pending=*/true);
}
