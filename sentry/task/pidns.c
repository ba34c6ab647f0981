/* SPDX-License-Identifier: Apache-2.0 */
/* PID namespaces: made and ended.  Ids and numbers: pid.c. */
#include "sentry/task/pidns.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/task/reap.h"
#include "sentry/task/signal.h"

struct pid_ns pid_first = {.ns = NS_FIRST(NS_PID, 4026531836, &user_first)};

static void pid_ns_free(struct ns *ns)
{
	struct pid_ns *n = pid_ns_of(ns);
	if (n->parent)
		pid_ns_put(n->parent);
	waitq_destroy(&n->emptied);
	free(n->ids);
	free(n);
}

int pid_ns_new(struct pid_ns *parent, struct user_ns *owner, struct ns **out)
{
	if (parent && parent->level + 1 >= PID_NS_LEVELS)
		return -ENOSPC;
	struct pid_ns *n = calloc(1, sizeof *n);
	int *ids = calloc(PID_MAX, sizeof *ids);
	if (!n || !ids) {
		free(n);
		free(ids);
		return -ENOMEM;
	}
	ns_init(&n->ns, NS_PID, owner, pid_ns_free);
	n->ids = ids;
	n->parent = parent ? pid_ns_get(parent) : NULL;
	n->level = parent ? parent->level + 1 : 0;
	waitq_init(&n->emptied);
	*out = &n->ns;
	return 0;
}

bool pid_ns_below(const struct pid_ns *n, const struct pid_ns *above)
{
	while (n && n->level > above->level)
		n = n->parent;
	return n == above;
}

struct pid_ns *pid_ns_here(void)
{
	const struct task *t = task_current();
	return t ? t->group->pid_ns : &pid_first;
}

static bool kill_inside(struct group *g, void *arg)
{
	const struct group *init = arg;
	const struct abi_siginfo info = {.signo = SIGKILL, .code = SI_KERNEL};
	if (g != init && !g->zombie && pid_ns_below(g->pid_ns, init->pid_ns))
		signal_send_group_locked(g, &info);
	return true;
}

/* Those it should have waited for: nobody else will. */
static void reap_children_locked(struct group *g)
{
	struct group *child, *next;
	list_for_each_safe (child, next, &g->children, siblings)
		if (child->zombie && !child->dead_tracees &&
		    !(child->leader && child->leader->tr.tracer))
			group_reap_locked(child, /*waited=*/false);
}

static bool find_other(struct group *g, void *arg)
{
	const struct group **init = arg;
	if (g == *init || !pid_ns_below(g->pid_ns, (*init)->pid_ns))
		return true;
	*init = NULL;
	return false;
}

static bool is_alone(const struct group *init)
{
	const struct group *found = init;
	lock(&kernel.tasks_lock);
	group_for_each_locked(find_other, &found);
	unlock(&kernel.tasks_lock);
	return found == init;
}

void pid_ns_end_locked(struct task *t) NO_LOCK_ANALYSIS
{
	struct group *g = t->group;
	struct pid_ns *n = g->pid_ns;

	n->over = true;
	group_for_each_locked(kill_inside, g);
	reap_children_locked(g);
	unlock(&kernel.tasks_lock);
	/* Nothing interrupts this: who is killed already has nothing else to do. */
	struct waiter *self = waiter_self();
	waiter_set_self(NULL);
	waitq_sleep(&n->emptied, 0, WAIT_KILLABLE, WAIT_FOREVER, is_alone(g));
	waiter_set_self(self);
	lock(&kernel.tasks_lock);
	n->init = NULL;
}
