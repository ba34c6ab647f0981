/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/idchange.h"

#include "syscalls/abi/errno.h"
#include "syscalls/abi/prctl.h"

#define ID_KEEP ID_NONE

/* What setfsuid(2) gives back or takes away: the capabilities about files. */
#define FILE_CAPS                                                                                  \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_DAC_OVERRIDE) |                     \
	 CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |                \
	 CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MAC_OVERRIDE))

/* The four ids of one kind. */
struct ids {
	uint32_t *real, *effective, *saved, *fs;
	unsigned cap;
};

static struct ids ids_of(struct cred *c, enum id_kind kind)
{
	if (kind == ID_USER)
		return (struct ids){&c->ruid, &c->euid, &c->suid, &c->fsuid, CAP_SETUID};
	return (struct ids){&c->rgid, &c->egid, &c->sgid, &c->fsgid, CAP_SETGID};
}

static bool any_root(const struct cred *c, uint32_t root)
{
	return c->ruid == root || c->euid == root || c->suid == root;
}

static void fix_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	uint32_t root = cred_root(c);
	if (any_root(old, root) && !any_root(c, root)) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->cap_permitted = c->cap_effective = 0;
		c->cap_ambient = 0;
	}
	if (old->euid == root && c->euid != root)
		c->cap_effective = 0;
	if (old->euid != root && c->euid == root)
		c->cap_effective = c->cap_permitted;
}

static void fix_file_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	uint32_t root = cred_root(c);
	if (old->fsuid == root && c->fsuid != root)
		c->cap_effective &= ~FILE_CAPS;
	if (old->fsuid != root && c->fsuid == root)
		c->cap_effective |= c->cap_permitted & FILE_CAPS;
}

void task_commit_cred(struct task *t, struct cred *c)
{
	const struct cred *old = t->cred;
	bool ids = old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
		   old->fsgid != c->fsgid;

	if (ids || !cred_caps_within(c, old)) {
		__atomic_store_n(&t->group->dumpable, 0, __ATOMIC_RELAXED);
		lock(&kernel.tasks_lock);
		t->pdeath_signal = 0;
		unlock(&kernel.tasks_lock);
	}
	task_set_cred(t, c);
}

/*
 * Programs do not look at what setuid(2) returns, so it never fails for RLIMIT_NPROC: the
 * execve(2) that follows does.  The caller itself does not count yet.
 */
static bool nproc_exceeded(struct task *t, const struct cred *c)
{
	lock(&kernel.tasks_lock);
	unsigned count = task_count_uid_locked(c->ruid);
	unlock(&kernel.tasks_lock);
	return c->ruid != 0 && count > task_rlimit(t, RLIMIT_NPROC);
}

/* Nothing below can fail: the copy is published. */
static int commit(struct task *t, enum id_kind kind, struct cred *c)
{
	if (kind == ID_USER)
		fix_caps(c, t->cred);
	if (c->ruid != t->cred->ruid)
		t->nproc_exceeded = nproc_exceeded(t, c);
	task_commit_cred(t, c);
	return 0;
}

static int refuse(struct cred *c)
{
	cred_put(c);
	return -EPERM;
}

static uint32_t meant(const struct task *t, enum id_kind kind, uint32_t id)
{
	return id == ID_KEEP ? id : user_ns_meant(t->cred->user_ns, kind, id);
}

/* Each that is not to be kept is somebody. */
static bool all_meant(const struct task *t, enum id_kind kind, uint32_t *const id[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (*id[i] != ID_KEEP && (*id[i] = meant(t, kind, *id[i])) == ID_NONE)
			return false;
	return true;
}

int id_set(struct task *t, enum id_kind kind, uint32_t id)
{
	id = meant(t, kind, id);
	if (id == ID_NONE)
		return -EINVAL;
	struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	if (!c)
		return -ENOMEM;
	struct ids n = ids_of(c, kind);
	if (cred_capable_own(c, n.cap))
		*n.real = *n.saved = id;
	else if (id != *n.real && id != *n.saved)
		return refuse(c);
	*n.effective = *n.fs = id;
	return commit(t, kind, c);
}

int id_setre(struct task *t, enum id_kind kind, uint32_t real, uint32_t effective)
{
	if (!all_meant(t, kind, (uint32_t *[]){&real, &effective}, 2))
		return -EINVAL;
	struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	if (!c)
		return -ENOMEM;
	struct ids n = ids_of(c, kind);
	bool able = cred_capable_own(c, n.cap);
	uint32_t old_real = *n.real, old_eff = *n.effective;
	if (real != ID_KEEP && !able && real != old_real && real != old_eff)
		return refuse(c);
	if (effective != ID_KEEP && !able && effective != old_real && effective != old_eff &&
	    effective != *n.saved)
		return refuse(c);
	if (real != ID_KEEP)
		*n.real = real;
	if (effective != ID_KEEP)
		*n.effective = effective;
	if (real != ID_KEEP || (effective != ID_KEEP && effective != old_real))
		*n.saved = *n.effective;
	*n.fs = *n.effective;
	return commit(t, kind, c);
}

int id_setres(struct task *t, enum id_kind kind, uint32_t real, uint32_t effective, uint32_t saved)
{
	uint32_t wish[3] = {real, effective, saved};
	if (!all_meant(t, kind, (uint32_t *[]){&wish[0], &wish[1], &wish[2]}, 3))
		return -EINVAL;
	struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	if (!c)
		return -ENOMEM;
	struct ids n = ids_of(c, kind);
	uint32_t *const slot[3] = {n.real, n.effective, n.saved};
	const uint32_t old[3] = {*n.real, *n.effective, *n.saved};
	for (unsigned i = 0; i < 3; i++) {
		if (wish[i] == ID_KEEP)
			continue;
		if (!cred_capable_own(c, n.cap) && wish[i] != old[0] && wish[i] != old[1] &&
		    wish[i] != old[2])
			return refuse(c);
		*slot[i] = wish[i];
	}
	*n.fs = *n.effective;
	return commit(t, kind, c);
}

uint32_t id_setfs(struct task *t, enum id_kind kind, uint32_t id)
{
	struct cred *c = cred_copy(t->cred, t->cred->ngroups);
	uint32_t is = kind == ID_USER ? t->cred->fsuid : t->cred->fsgid;
	uint32_t old = user_ns_seen(t->cred->user_ns, kind, is);
	if (!c)
		return old;
	struct ids n = ids_of(c, kind);
	id = meant(t, kind, id);
	if (id == ID_NONE || id == is ||
	    (!cred_capable_own(c, n.cap) && id != *n.real && id != *n.effective &&
	     id != *n.saved)) {
		cred_put(c);
		return old;
	}
	*n.fs = id;
	if (kind == ID_USER)
		fix_file_caps(c, t->cred);
	task_commit_cred(t, c);
	return old;
}
