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
	return t->cred->ruid;
}

long sys_geteuid(struct task *t)
{
	return t->cred->euid;
}

long sys_getgid(struct task *t)
{
	return t->cred->rgid;
}

long sys_getegid(struct task *t)
{
	return t->cred->egid;
}

static long copy_out_three(struct task *t, const uaddr_t at[3], uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t id[3] = {a, b, c};

	for (unsigned i = 0; i < 3; i++)
		if (copy_out(t->mm, at[i], &id[i], sizeof id[i]) < 0)
			return -EFAULT;
	return 0;
}

long sys_getresuid(struct task *t, uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = t->cred;
	return copy_out_three(t, (uaddr_t[]){ruid, euid, suid}, c->ruid, c->euid, c->suid);
}

long sys_getresgid(struct task *t, uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = t->cred;
	return copy_out_three(t, (uaddr_t[]){rgid, egid, sgid}, c->rgid, c->egid, c->sgid);
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
	int err = copy_out(t->mm, list, c->groups, c->ngroups * sizeof c->groups[0]);
	return err < 0 ? err : (long)c->ngroups;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

long sys_setgroups(struct task *t, int size, uaddr_t list)
{
	if (!task_capable(t, CAP_SETGID))
		return -EPERM;
	if ((uint32_t)size > NGROUPS_LIMIT)
		return -EINVAL;
	struct cred *c = cred_copy(t->cred, (uint32_t)size);
	if (!c)
		return -ENOMEM;
	int err = copy_in(t->mm, c->groups, list, (uint32_t)size * sizeof c->groups[0]);
	for (int i = 0; err == 0 && i < size; i++)
		if (c->groups[i] == UINT32_MAX)
			err = -EINVAL;
	if (err < 0) {
		cred_put(c);
		return err;
	}
	sort(c->groups, (uint32_t)size, sizeof c->groups[0], compare_ids);
	task_set_cred(t, c);
	return 0;
}
