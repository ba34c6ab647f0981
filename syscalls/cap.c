/* SPDX-License-Identifier: Apache-2.0 */
/* capget(2), capset(2). */
#include "sentry/task/idchange.h"
#include "syscalls/abi/capability.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

struct capsets {
	uint64_t effective, permitted, inheritable;
};

/*
 * How many structs of 32 capabilities each; a version we do not know is answered with ours.
 * The version comes first, and alone: there may be no more of the header.
 */
static int version_check(struct task *t, uaddr_t header, uint32_t *version)
{
	const uint32_t ours = _LINUX_CAPABILITY_VERSION_3;

	if (copy_in(t->mm, version, header, sizeof *version) < 0)
		return -EFAULT;
	switch (*version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	default:
		return copy_out(t->mm, header, &ours, sizeof ours) < 0 ? -EFAULT : -EINVAL;
	}
}

static int read_caps(struct task *t, int pid, struct capsets *out)
{
	autoput(task) struct task *found = pid ? task_find(pid) : task_get(t);
	if (!found)
		return -ESRCH;
	autoput(cred) struct cred *c = task_cred(found);
	*out = (struct capsets){c->cap_effective, c->cap_permitted, c->cap_inheritable};
	return 0;
}

long sys_capget(struct task *t, uaddr_t header, uaddr_t data)
{
	struct abi_user_cap_data out[2];
	struct abi_user_cap_header h;
	struct capsets s;

	int n = version_check(t, header, &h.version);
	/* Without a place for the answer it is a question for the version. */
	if (n < 0)
		return n == -EINVAL && !data ? 0 : n;
	if (!data)
		return 0;
	if (copy_in(t->mm, &h.pid, header + offsetof(struct abi_user_cap_header, pid),
		    sizeof h.pid) < 0)
		return -EFAULT;
	if (h.pid < 0)
		return -EINVAL;
	int err = read_caps(t, h.pid, &s);
	if (err < 0)
		return err;
	for (int i = 0; i < 2; i++)
		out[i] = (struct abi_user_cap_data){
			.effective = (uint32_t)(s.effective >> (32 * i)),
			.permitted = (uint32_t)(s.permitted >> (32 * i)),
			.inheritable = (uint32_t)(s.inheritable >> (32 * i)),
		};
	return copy_out(t->mm, data, out, (size_t)n * sizeof out[0]);
}

static int apply(struct task *t, const struct capsets *s)
{
	const struct cred *old = t->cred;

	if (!cred_capable_own(t->cred, CAP_SETPCAP) &&
	    (s->inheritable & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if ((s->inheritable & ~(old->cap_inheritable | old->cap_bset)) ||
	    (s->permitted & ~old->cap_permitted) || (s->effective & ~s->permitted))
		return -EPERM;
	struct cred *c = cred_copy(old, old->ngroups);
	if (!c)
		return -ENOMEM;
	c->cap_effective = s->effective;
	c->cap_permitted = s->permitted;
	c->cap_inheritable = s->inheritable;
	c->cap_ambient &= s->permitted & s->inheritable;
	task_commit_cred(t, c);
	return 0;
}

long sys_capset(struct task *t, uaddr_t header, uaddr_t data)
{
	struct abi_user_cap_data in[2] = {0};
	struct abi_user_cap_header h;
	struct capsets s = {0};

	int n = version_check(t, header, &h.version);
	if (n < 0)
		return n;
	if (copy_in(t->mm, &h.pid, header + offsetof(struct abi_user_cap_header, pid),
		    sizeof h.pid) < 0)
		return -EFAULT;
	if (h.pid != 0 && h.pid != t->nr)
		return -EPERM;
	if (copy_in(t->mm, in, data, (size_t)n * sizeof in[0]) < 0)
		return -EFAULT;
	for (int i = 0; i < n; i++) {
		s.effective |= (uint64_t)in[i].effective << (32 * i);
		s.permitted |= (uint64_t)in[i].permitted << (32 * i);
		s.inheritable |= (uint64_t)in[i].inheritable << (32 * i);
	}
	s.effective &= CAP_ALL;
	s.permitted &= CAP_ALL;
	s.inheritable &= CAP_ALL;
	return apply(t, &s);
}
