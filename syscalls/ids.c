/* SPDX-License-Identifier: Apache-2.0 */
/* User and group ids: credentials(7).  The rules are in sentry/task/idchange.c. */
#include <limits.h>

#include "platform/base/cleanup.h"
#include "platform/base/sort.h"
#include "sentry/task/idchange.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_getuid(struct task *t)
{
	return uid_seen(t->cred->user_ns, t->cred->ruid);
}

long sys_geteuid(struct task *t)
{
	return uid_seen(t->cred->user_ns, t->cred->euid);
}

long sys_getgid(struct task *t)
{
	return gid_seen(t->cred->user_ns, t->cred->rgid);
}

long sys_getegid(struct task *t)
{
	return gid_seen(t->cred->user_ns, t->cred->egid);
}

static long copy_out_three(struct task *t, enum id_kind kind, const uaddr_t at[3],
			   const uint32_t is[3])
{

	for (unsigned i = 0; i < 3; i++) {
		uint32_t id = user_ns_seen(t->cred->user_ns, kind, is[i]);
		if (copy_out(t->mm, at[i], &id, sizeof id) < 0)
			return -EFAULT;
	}
	return 0;
}

long sys_getresuid(struct task *t, uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = t->cred;
	return copy_out_three(t, ID_USER, (uaddr_t[]){ruid, euid, suid},
			      (uint32_t[]){c->ruid, c->euid, c->suid});
}

long sys_getresgid(struct task *t, uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = t->cred;
	return copy_out_three(t, ID_GROUP, (uaddr_t[]){rgid, egid, sgid},
			      (uint32_t[]){c->rgid, c->egid, c->sgid});
}

long sys_setuid(struct task *t, uint32_t uid)
{
	return id_set(t, ID_USER, uid);
}

long sys_setgid(struct task *t, uint32_t gid)
{
	return id_set(t, ID_GROUP, gid);
}

long sys_setreuid(struct task *t, uint32_t ruid, uint32_t euid)
{
	return id_setre(t, ID_USER, ruid, euid);
}

long sys_setregid(struct task *t, uint32_t rgid, uint32_t egid)
{
	return id_setre(t, ID_GROUP, rgid, egid);
}

long sys_setresuid(struct task *t, uint32_t ruid, uint32_t euid, uint32_t suid)
{
	return id_setres(t, ID_USER, ruid, euid, suid);
}

long sys_setresgid(struct task *t, uint32_t rgid, uint32_t egid, uint32_t sgid)
{
	return id_setres(t, ID_GROUP, rgid, egid, sgid);
}

long sys_setfsuid(struct task *t, uint32_t uid)
{
	return id_setfs(t, ID_USER, uid);
}

long sys_setfsgid(struct task *t, uint32_t gid)
{
	return id_setfs(t, ID_GROUP, gid);
}

long sys_getgroups(struct task *t, int size, uaddr_t list)
{
	const struct cred *c = t->cred;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return c->ngroups;
	if ((uint32_t)size < c->ngroups)
		return -EINVAL;
	for (uint32_t done = 0; done < c->ngroups;) {
		uint32_t ids[64], n = 0;
		while (n < ARRAY_SIZE(ids) && done + n < c->ngroups) {
			ids[n] = gid_seen(c->user_ns, c->groups[done + n]);
			n++;
		}
		if (copy_out(t->mm, list + done * sizeof ids[0], ids, n * sizeof ids[0]) < 0)
			return -EFAULT;
		done += n;
	}
	return c->ngroups;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

long sys_setgroups(struct task *t, int size, uaddr_t list)
{
	if (!cred_capable_own(t->cred, CAP_SETGID) || !user_ns_setgroups(t->cred->user_ns))
		return -EPERM;
	if ((uint32_t)size > NGROUPS_LIMIT)
		return -EINVAL;
	struct cred *c = cred_copy(t->cred, (uint32_t)size);
	if (!c)
		return -ENOMEM;
	int err = copy_in(t->mm, c->groups, list, (uint32_t)size * sizeof c->groups[0]);
	for (int i = 0; err == 0 && i < size; i++)
		if (c->groups[i] == ID_NONE ||
		    (c->groups[i] = gid_meant(c->user_ns, c->groups[i])) == ID_NONE)
			err = -EINVAL;
	if (err < 0) {
		cred_put(c);
		return err;
	}
	sort(c->groups, (uint32_t)size, sizeof c->groups[0], compare_ids);
	task_set_cred(t, c);
	return 0;
}
