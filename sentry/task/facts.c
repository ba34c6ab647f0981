/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/facts.h"

#include <string.h>

#include "sentry/task/pidns.h"
#include "sentry/task/uts.h"
#include "sentry/task/watch.h"
#include "syscalls/abi/sched.h"

void uts_get(struct uts_ns *ns, struct abi_utsname *out)
{
	*out = (struct abi_utsname){.sysname = "Linux", .machine = "x86_64"};
	memcpy(out->release, kernel.release, sizeof out->release);
	memcpy(out->version, kernel.version, sizeof out->version);
	uts_name_get(ns, ns->hostname, out->nodename);
	uts_name_get(ns, ns->domainname, out->domainname);
}

/* siglock held, or t is the caller: its ctx stays. */
static void tell(struct task *t, enum fact which, uint32_t value)
{
	if (t->ctx && platform->fact)
		platform->fact(t->ctx, which, value);
}

static void tell_ids(struct task *t)
{
	autoput(cred) struct cred *c = task_cred(t);
	tell(t, FACT_RUID, uid_seen(c->user_ns, c->ruid));
	tell(t, FACT_EUID, uid_seen(c->user_ns, c->euid));
	tell(t, FACT_RGID, gid_seen(c->user_ns, c->rgid));
	tell(t, FACT_EGID, gid_seen(c->user_ns, c->egid));
}

/* The page with the names is one for all threads of a memory: it has those of the first namespace.
 */
static bool is_renamed(const struct task *t)
{
	return (t->ns && task_uts(t) != &uts_first) || (t->personality & UNAME26) ||
	       (t->personality & PER_MASK) == PER_LINUX32;
}

static void tell_names_locked(struct task *t)
{
	struct abi_utsname uts;
	if (!t->ctx || !platform->uts)
		return;
	uts_get(&uts_first, &uts);
	platform->uts(t->ctx, &uts, sizeof uts);
}

void facts_tell_locked(struct task *t)
{
	const struct group *parent = t->group->parent;
	lock_assert_held(&kernel.tasks_lock);
	lock(&t->group->siglock);
	tell(t, FACT_SEEN, task_syscalls_visible(t));
	tell(t, FACT_BOUND, __atomic_load_n(&t->cpus_allowed, __ATOMIC_RELAXED) != 0);
	tell(t, FACT_RENAMED, is_renamed(t));
	tell(t, FACT_TIMELESS, t->no_tsc);
	tell(t, FACT_PID, (uint32_t)t->group->nr);
	tell(t, FACT_PPID, parent ? (uint32_t)pid_in_locked(t->group->pid_ns, parent->tgid) : 0);
	tell_ids(t);
	tell_names_locked(t);
	/* The last one: from here on the rest counts. */
	tell(t, FACT_TID, (uint32_t)t->nr);
	unlock(&t->group->siglock);
}

void facts_parent_locked(struct group *g)
{
	struct task *t;
	int ppid = g->parent ? pid_in_locked(g->pid_ns, g->parent->tgid) : 0;
	lock(&g->siglock);
	list_for_each (t, &g->threads, threads)
		tell(t, FACT_PPID, (uint32_t)ppid);
	unlock(&g->siglock);
}

void facts_ids(struct task *t)
{
	lock(&t->group->siglock);
	tell_ids(t);
	unlock(&t->group->siglock);
}

static bool tell_group_ids(struct group *g, void *ns)
{
	struct task *t;
	lock(&g->siglock);
	list_for_each (t, &g->threads, threads) {
		autoput(cred) struct cred *c = task_cred(t);
		if (c->user_ns == ns)
			tell_ids(t);
	}
	unlock(&g->siglock);
	return true;
}

void facts_user_ns(struct user_ns *ns)
{
	lock(&kernel.tasks_lock);
	group_for_each_locked(tell_group_ids, ns);
	unlock(&kernel.tasks_lock);
}

void facts_personality(struct task *t)
{
	tell(t, FACT_RENAMED, is_renamed(t));
}

int task_set_tsc(struct task *t, bool allowed)
{
	/* The stub first loses its own use of it. */
	if (!allowed)
		tell(t, FACT_TIMELESS, true);
	int err = platform->set_tsc(t->ctx, allowed);
	if (err == 0)
		t->no_tsc = !allowed;
	tell(t, FACT_TIMELESS, t->no_tsc);
	return err;
}

void facts_namespace(struct task *t)
{
	tell(t, FACT_RENAMED, is_renamed(t));
}

void facts_affinity(struct task *t)
{
	lock(&t->group->siglock);
	tell(t, FACT_BOUND, __atomic_load_n(&t->cpus_allowed, __ATOMIC_RELAXED) != 0);
	unlock(&t->group->siglock);
}

/* One of its threads is told for all: they share the address space. */
static bool tell_group_names(struct group *g, void *arg)
{
	struct task *t;
	(void)arg;
	lock(&g->siglock);
	list_for_each (t, &g->threads, threads) {
		if (!t->ctx)
			continue;
		tell_names_locked(t);
		break;
	}
	unlock(&g->siglock);
	return true;
}

void facts_names(void)
{
	lock(&kernel.tasks_lock);
	group_for_each_locked(tell_group_names, NULL);
	unlock(&kernel.tasks_lock);
}
