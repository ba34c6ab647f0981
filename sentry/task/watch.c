/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/watch.h"

void task_watch_locked(struct task *t, uint32_t set, uint32_t clear)
{
	bool before = task_syscalls_visible(t);

	__atomic_store_n(&t->traced, (t->traced & ~clear) | set, __ATOMIC_RELAXED);
	bool after = task_syscalls_visible(t);
	if (before != after && platform->fact && t->ctx)
		platform->fact(t->ctx, FACT_SEEN, after);
}
