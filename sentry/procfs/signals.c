/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of signals as /proc shows them. */
#include "sentry/procfs/pid.h"
#include "sentry/task/signal.h"

static void dispositions(struct group *g, struct pid_signals *out)
{
	struct sigactions *a = g->actions;

	if (!a)
		return;
	lock(&a->lock);
	for (int sig = 1; sig <= NSIG; sig++) {
		uint64_t handler = a->action[sig - 1].handler;
		if (handler == ABI_SIG_IGN)
			out->ignored |= SIGBIT(sig);
		else if (handler != ABI_SIG_DFL)
			out->caught |= SIGBIT(sig);
	}
	unlock(&a->lock);
}

void pid_signals_get(struct task *t, struct pid_signals *out)
{
	struct group *g = t->group;

	*out = (struct pid_signals){.pending = 0};
	lock(&g->siglock);
	out->pending = t->pending.set;
	out->shared = g->pending.set;
	out->blocked = t->blocked;
	dispositions(g, out);
	unlock(&g->siglock);
}
