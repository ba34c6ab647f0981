/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of namespaces.  Everything that can fail is built first; what is built is then
 * put in place in one step, under tasks_lock, because others look at t->ns.
 */
#include "sentry/task/nsset.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/ipc/sem.h"
#include "sentry/sock/netns.h"
#include "sentry/task/facts.h"
#include "sentry/task/idchange.h"
#include "sentry/task/nsfs.h"
#include "sentry/task/pidfd.h"
#include "sentry/task/pidns.h"
#include "sentry/task/uts.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/sched.h"

/* There is nothing in these two yet: a cgroup namespace is where its maker was, and all are at /.
 */
static struct ns cgroup_first = NS_FIRST(NS_CGROUP, 4026531835, &user_first);
static struct ns time_first = NS_FIRST(NS_TIME, 4026531834, &user_first);

static void plain_free(struct ns *ns)
{
	free(ns);
}

static int plain_new(enum ns_kind kind, struct user_ns *owner, struct ns **out)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	ns_init(*out, kind, owner, plain_free);
	return 0;
}

void nsset_number_first(const uint64_t numbers[NS_KINDS])
{
	struct ns *const all[NS_KINDS] = {
		[NS_CGROUP] = &cgroup_first,  [NS_IPC] = &ipc_first.ns,	  [NS_NET] = &net_first.ns,
		[NS_PID] = &pid_first.ns,     [NS_TIME] = &time_first,	  [NS_UTS] = &uts_first.ns,
		[NS_USER] = &user_first.ns,
	};
	for (int i = 0; i < NS_KINDS; i++)
		if (all[i] && numbers[i])
			all[i]->ino = numbers[i];
}

struct nsset *nsset_first(void)
{
	struct nsset *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	ref_init(&s->ref);
	s->of[NS_CGROUP] = ns_get(&cgroup_first);
	s->of[NS_IPC] = ns_get(&ipc_first.ns);
	s->of[NS_NET] = ns_get(&net_first.ns);
	s->of[NS_PID] = ns_get(&pid_first.ns);
	s->of[NS_TIME] = ns_get(&time_first);
	s->of[NS_UTS] = ns_get(&uts_first.ns);
	return s;
}

static int make_alone(enum ns_kind kind, struct ns **out)
{
	switch (kind) {
	case NS_IPC:
		return ipc_ns_new(&user_first, out);
	case NS_NET:
		return net_ns_new(&user_first, out);
	case NS_PID:
		return pid_ns_new(NULL, &user_first, out);
	case NS_UTS:
		return uts_ns_new(NULL, &user_first, out);
	default:
		*out = ns_get(kind == NS_TIME ? &time_first : &cgroup_first);
		return 0;
	}
}

int nsset_new(struct ns *const shared[NS_KINDS], struct nsset **out)
{
	struct nsset *s = calloc(1, sizeof *s);
	int err = s ? 0 : -ENOMEM;
	if (s)
		ref_init(&s->ref);
	for (int i = 0; err == 0 && i < NS_KINDS; i++) {
		if (i == NS_MNT || i == NS_USER)
			continue;
		if (shared[i])
			s->of[i] = ns_get(shared[i]);
		else
			err = make_alone((enum ns_kind)i, &s->of[i]);
	}
	if (err < 0 && s)
		nsset_put(STEAL(s));
	*out = s;
	return err;
}

struct nsset *nsset_get(struct nsset *s)
{
	ref_get(&s->ref);
	return s;
}

void nsset_put(struct nsset *s)
{
	if (!ref_put(&s->ref))
		return;
	for (int i = 0; i < NS_KINDS; i++)
		if (s->of[i])
			ns_put(s->of[i]);
	free(s);
}

struct user_ns *nsset_owner(enum ns_kind kind)
{
	const struct task *t = task_current();
	return t && t->ns ? t->ns->of[kind]->owner : &user_first;
}

struct nsset *task_nsset(struct task *t)
{
	lock(&kernel.tasks_lock);
	struct nsset *s = t->ns ? nsset_get(t->ns) : NULL;
	unlock(&kernel.tasks_lock);
	return s;
}

static int make_any(struct task *t, enum ns_kind kind, struct user_ns *owner, struct ns **out)
{
	switch (kind) {
	case NS_CGROUP:
		return plain_new(kind, owner, out);
	case NS_IPC:
		return ipc_ns_new(owner, out);
	case NS_NET:
		return net_ns_new(owner, out);
	case NS_PID:
		/* Once: the children would be two levels away. */
		if (t->ns->of[NS_PID] != &t->group->pid_ns->ns)
			return -EINVAL;
		return pid_ns_new(t->group->pid_ns, owner, out);
	case NS_UTS:
		return uts_ns_new(t, owner, out);
	default:
		return -EINVAL;
	}
}

static int make(struct task *t, enum ns_kind kind, const struct cred *c, struct ns **out)
{
	int err = ns_room() ? ns_charge(c->user_ns, c->euid, kind) : -ENOSPC;
	if (err < 0)
		return err;
	if ((err = make_any(t, kind, c->user_ns, out)) < 0)
		ns_uncharge(c->user_ns, c->euid, kind);
	else
		ns_charged(*out, c->euid);
	return err;
}

int nsset_clone(struct task *t, uint64_t flags, const struct cred *c, struct nsset **out)
{
	if (!(flags & NS_FLAGS & ~(uint64_t)CLONE_NEWUSER)) {
		*out = nsset_get(t->ns);
		return 0;
	}
	if (!cred_capable_in(c, c->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	struct nsset *s = calloc(1, sizeof *s);
	int err = s ? 0 : -ENOMEM;
	if (s)
		ref_init(&s->ref);
	for (int i = 0; err == 0 && i < NS_KINDS; i++) {
		/* Not in the set. */
		if (i == NS_MNT || i == NS_USER)
			continue;
		if (flags & ns_about[i].flag)
			err = make(t, (enum ns_kind)i, c, &s->of[i]);
		else if (t->ns->of[i])
			s->of[i] = ns_get(t->ns->of[i]);
	}
	if (err < 0 && s)
		nsset_put(STEAL(s));
	*out = s;
	return err;
}

/* Takes over s. */
static void replace(struct task *t, struct nsset *s)
{
	lock(&kernel.tasks_lock);
	struct nsset *old = t->ns;
	t->ns = s;
	facts_namespace(t);
	unlock(&kernel.tasks_lock);
	nsset_put(old);
}

bool task_is_alone(struct task *t)
{
	lock(&kernel.tasks_lock);
	bool alone = t->group->nthreads == 1;
	unlock(&kernel.tasks_lock);
	return alone;
}

int task_is_chrooted(struct task *t)
{
	struct path root;
	mount_ns_root(t->fs->mounts, &root);
	mount_down(&root);
	lock(&t->fs->lock);
	bool same = root.mnt == t->fs->root.mnt && root.dentry == t->fs->root.dentry;
	unlock(&t->fs->lock);
	path_put(&root);
	return same ? 0 : -EPERM;
}

int task_unshare_ns(struct task *t, uint64_t flags)
{
	struct nsset *s = NULL;
	autoput(cred) struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	int err = c ? 0 : -ENOMEM;
	if (err == 0 && (flags & CLONE_NEWUSER) && (err = task_is_chrooted(t)) == 0)
		err = user_ns_enter_new(c);
	if (err == 0)
		err = nsset_clone(t, flags, c, &s);
	if (err < 0)
		return err;
	if ((flags & CLONE_NEWNS) && (err = fsctx_unshare_mounts(t->fs, c)) < 0) {
		nsset_put(s);
		return err;
	}
	/* Nothing below can fail. */
	replace(t, s);
	if (flags & CLONE_NEWUSER)
		task_commit_cred(t, STEAL(c));
	return 0;
}

/* ---- setns ---- */

/* What the caller will be in: built kind by kind. */
struct move {
	struct task *t;
	struct nsset *set;	 /* our reference, nobody else's */
	struct mount_ns *mounts; /* our reference, or NULL */
	struct cred *cred;	 /* our reference: what it will be */
};

static int may_join(struct move *m, const struct ns *ns)
{
	const struct cred *c = task_cred_self(m->t);
	const struct user_ns *to = m->cred->user_ns;
	bool able = cred_capable_in(c, ns->owner, CAP_SYS_ADMIN) &&
		    cred_capable_in(c, to, CAP_SYS_ADMIN);
	if (able && ns->kind == NS_MNT)
		able = cred_capable_in(c, to, CAP_SYS_CHROOT);
	return able ? 0 : -EPERM;
}

static int join_user(struct move *m, struct user_ns *u)
{
	struct task *t = m->t;
	/* Else its lost capabilities could be had again. */
	if (u == t->cred->user_ns || !task_is_alone(t) || ref_count(&t->fs->ref) > 1)
		return -EINVAL;
	if (!cred_capable_in(t->cred, u, CAP_SYS_ADMIN))
		return -EPERM;
	user_ns_enter(m->cred, u);
	return 0;
}

static int join(struct move *m, struct ns *ns)
{
	if (ns->kind == NS_USER)
		return join_user(m, user_ns_of(ns));
	int err = may_join(m, ns);
	if (err < 0)
		return err;
	switch (ns->kind) {
	case NS_CGROUP:
	case NS_IPC:
	case NS_NET:
	case NS_UTS:
		ns_put(m->set->of[ns->kind]);
		m->set->of[ns->kind] = ns_get(ns);
		return 0;
	case NS_PID:
		if (!pid_ns_below(pid_ns_of(ns), m->t->group->pid_ns))
			return -EINVAL;
		ns_put(m->set->of[NS_PID]);
		m->set->of[NS_PID] = ns_get(ns);
		return 0;
	case NS_MNT:
		/* Who shares it would be moved without being asked. */
		if (ref_count(&m->t->fs->ref) > 1)
			return -EINVAL;
		m->mounts = mount_ns_get(container_of(ns, struct mount_ns, ns));
		return 0;
	default:
		return -EINVAL;
	}
}

static int join_all(struct move *m, struct task *of, uint64_t flags)
{
	struct nsset *theirs = task_nsset(of);
	int err = theirs ? 0 : -ESRCH;
	/* The user namespace first: what the others need is looked at from there. */
	for (int i = -1; err == 0 && i < NS_KINDS; i++) {
		enum ns_kind kind = i < 0 ? NS_USER : (enum ns_kind)i;
		struct ns *ns = NULL;
		if (!(flags & ns_about[kind].flag) || i == NS_USER)
			continue;
		err = task_ns_get(of, kind, &ns);
		if (err == 0)
			err = join(m, ns);
		if (ns)
			ns_put(ns);
	}
	if (theirs)
		nsset_put(theirs);
	return err;
}

static int join_pidfd(struct move *m, struct group *g, uint64_t flags)
{
	if (!flags || (flags & ~(uint64_t)NS_FLAGS))
		return -EINVAL;
	lock(&kernel.tasks_lock);
	struct task *of = g->leader && g->leader->ns ? task_get(g->leader) : NULL;
	unlock(&kernel.tasks_lock);
	if (!of)
		return -ESRCH;
	int err = task_may_access(m->t, of);
	if (err == 0)
		err = join_all(m, of, flags);
	task_put(of);
	return err;
}

static int join_file(struct move *m, struct file *f, int flags)
{
	struct ns *ns = nsfs_of(f);
	struct group *g = pidfd_group(f);
	if (g)
		return join_pidfd(m, g, (uint32_t)flags);
	if (!ns || (flags && (uint32_t)flags != ns_about[ns->kind].flag))
		return -EINVAL;
	return join(m, ns);
}

static int set_copy(const struct nsset *from, struct nsset **out)
{
	struct nsset *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	ref_init(&s->ref);
	for (int i = 0; i < NS_KINDS; i++)
		if (from->of[i])
			s->of[i] = ns_get(from->of[i]);
	*out = s;
	return 0;
}

int task_setns(struct task *t, struct file *f, int flags)
{
	autoput(cred) struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	struct move m = {.t = t, .cred = c};
	int err = c ? set_copy(t->ns, &m.set) : -ENOMEM;
	if (err < 0)
		return err;
	err = join_file(&m, f, flags);
	if (err == 0 && m.mounts)
		fsctx_enter_mounts(t->fs, m.mounts);
	if (err == 0 && m.set->of[NS_IPC] != t->ns->of[NS_IPC])
		sem_exit(t);
	if (err == 0)
		replace(t, m.set);
	else
		nsset_put(m.set);
	if (err == 0 && c->user_ns != t->cred->user_ns)
		task_commit_cred(t, STEAL(c));
	if (m.mounts)
		mount_ns_put(m.mounts);
	return err;
}
