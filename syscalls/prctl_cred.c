/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/prctl_cred.h"

#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/prctl.h"

#define SECBIT_ALL                                                                                 \
	(SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS | SECBIT_NO_CAP_AMBIENT_RAISE)
#define SECBIT_LOCKS (SECBIT_ALL << 1)

static struct cred *copy_own(struct task *t)
{
	return cred_copy(t->cred, t->cred->ngroups);
}

long prctl_bset_read(struct task *t, uint64_t cap)
{
	if (cap > CAP_LAST)
		return -EINVAL;
	return !!(t->cred->cap_bset & CAP_BIT(cap));
}

long prctl_bset_drop(struct task *t, uint64_t cap)
{
	if (!cred_capable_own(t->cred, CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	struct cred *c = copy_own(t);
	if (!c)
		return -ENOMEM;
	c->cap_bset &= ~CAP_BIT(cap);
	task_set_cred(t, c);
	return 0;
}

static long set_securebits(struct task *t, uint32_t bits)
{
	struct cred *c = copy_own(t);
	if (!c)
		return -ENOMEM;
	c->securebits = bits;
	task_set_cred(t, c);
	return 0;
}

long prctl_set_securebits(struct task *t, uint64_t bits)
{
	uint32_t old = t->cred->securebits;
	bool locked_changed = ((old & SECBIT_LOCKS) >> 1) & (old ^ bits);
	bool lock_opened = old & SECBIT_LOCKS & ~bits;

	if (locked_changed || lock_opened || (bits & ~(uint64_t)(SECBIT_ALL | SECBIT_LOCKS)) ||
	    !cred_capable_own(t->cred, CAP_SETPCAP))
		return -EPERM;
	return set_securebits(t, (uint32_t)bits);
}

long prctl_set_keepcaps(struct task *t, uint64_t on)
{
	uint32_t old = t->cred->securebits;

	if (on > 1)
		return -EINVAL;
	if (old & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	return set_securebits(t, on ? old | SECBIT_KEEP_CAPS : old & ~(uint32_t)SECBIT_KEEP_CAPS);
}

static long set_ambient(struct task *t, uint64_t set)
{
	struct cred *c = copy_own(t);
	if (!c)
		return -ENOMEM;
	c->cap_ambient = set;
	task_set_cred(t, c);
	return 0;
}

long prctl_ambient(struct task *t, uint64_t op, uint64_t cap, uint64_t arg4, uint64_t arg5)
{
	const struct cred *c = t->cred;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		return cap | arg4 | arg5 ? -EINVAL : set_ambient(t, 0);
	if (cap > CAP_LAST || arg4 || arg5)
		return -EINVAL;
	switch (op) {
	case PR_CAP_AMBIENT_IS_SET:
		return !!(c->cap_ambient & CAP_BIT(cap));
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->cap_permitted & c->cap_inheritable & CAP_BIT(cap)) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		return set_ambient(t, c->cap_ambient | CAP_BIT(cap));
	case PR_CAP_AMBIENT_LOWER:
		return set_ambient(t, c->cap_ambient & ~CAP_BIT(cap));
	default:
		return -EINVAL;
	}
}

long prctl_no_new_privs(struct task *t)
{
	struct cred *c = copy_own(t);
	if (!c)
		return -ENOMEM;
	c->no_new_privs = true;
	task_set_cred(t, c);
	return 0;
}
