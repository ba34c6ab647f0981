/* SPDX-License-Identifier: Apache-2.0 */
/* clone(2), clone3(2), fork(2), vfork(2): arguments to one struct clone_spec. */
#include "sentry/task/clone.h"

#include <errno.h>

#include "sentry/task/nsset.h"
#include "sentry/task/pidns.h"
#include "syscalls/abi/sched.h"
#include "syscalls/abi/signal.h"
#include "syscalls/sys.h"

long sys_clone(struct task *t, uint64_t flags, uaddr_t stack, uaddr_t parent_tid,
	       uaddr_t child_tid, uaddr_t tls)
{
	struct clone_spec s = {
		.flags = flags & 0xffffffff & ~(uint64_t)CSIGNAL,
		.exit_signal = (int)(flags & CSIGNAL),
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
	};
	return task_clone(t, &s);
}

long sys_fork(struct task *t)
{
	struct clone_spec s = {.exit_signal = SIGCHLD};
	return task_clone(t, &s);
}

long sys_vfork(struct task *t)
{
	struct clone_spec s = {.flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD};
	return task_clone(t, &s);
}

/* The struct grows with kernel versions: what we do not know must be zero. */
static int args_copy(struct task *t, uaddr_t at, uint64_t size, struct abi_clone_args *out)
{
	char rest[256];
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	*out = (struct abi_clone_args){0};
	int err = copy_in(t->mm, out, at, min_u64(size, sizeof *out));
	for (uint64_t off = sizeof *out; err == 0 && off < size; off += sizeof rest) {
		uint64_t n = min_u64(size - off, sizeof rest);
		err = copy_in(t->mm, rest, at + off, n);
		for (uint64_t i = 0; err == 0 && i < n; i++)
			if (rest[i])
				err = -E2BIG;
	}
	return err;
}

/* Numbers wished for, innermost namespace first; out has room for PID_NS_LEVELS. */
static int wish_copy(struct task *t, const struct abi_clone_args *a, int *out)
{
	const struct pid_ns *n = pid_ns_of(t->ns->of[NS_PID]);
	unsigned depth = n->level + 1 + !!(a->flags & CLONE_NEWPID);
	if (!a->set_tid != !a->set_tid_size || a->set_tid_size > depth ||
	    a->set_tid_size > PID_NS_LEVELS)
		return -EINVAL;
	if (!a->set_tid)
		return 0;
	int err = copy_in(t->mm, out, a->set_tid, a->set_tid_size * sizeof *out);
	for (uint64_t i = 0; err == 0 && i < a->set_tid_size; i++)
		if (out[i] <= 0)
			err = -EINVAL;
	for (uint64_t i = 0; err == 0 && i < a->set_tid_size; i++) {
		/* That of a new namespace is to be made by who owns it. */
		if (i == 0 && (a->flags & CLONE_NEWPID) && (a->flags & CLONE_NEWUSER))
			continue;
		if (i > 0 || !(a->flags & CLONE_NEWPID)) {
			const struct user_ns *owner = n->ns.owner;
			if (!task_capable_in(t, owner, CAP_SYS_ADMIN) &&
			    !task_capable_in(t, owner, CAP_CHECKPOINT_RESTORE))
				err = -EPERM;
			n = n->parent;
		} else if (!cred_capable_own(t->cred, CAP_SYS_ADMIN) &&
			   !cred_capable_own(t->cred, CAP_CHECKPOINT_RESTORE)) {
			err = -EPERM;
		}
	}
	return err;
}

long sys_clone3(struct task *t, uaddr_t args, uint64_t size)
{
	struct abi_clone_args a;
	int wish[PID_NS_LEVELS], err = args_copy(t, args, size, &a);
	if (err == 0)
		err = wish_copy(t, &a, wish);
	if (err < 0)
		return err;
	if (a.exit_signal > NSIG || (a.flags & CSIGNAL & ~(uint64_t)CLONE_NEWTIME))
		return -EINVAL;
	if (a.flags & (CLONE_DETACHED | CLONE_NEWTIME | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (a.flags >> 33 || !a.stack != !a.stack_size)
		return -EINVAL;
	if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal)
		return -EINVAL;
	struct clone_spec s = {
		.flags = a.flags,
		.exit_signal = (int)a.exit_signal,
		.stack = a.stack + a.stack_size,
		.tls = a.tls,
		.parent_tid = a.parent_tid,
		.child_tid = a.child_tid,
		.pidfd = a.pidfd,
		.set_tid = wish,
		.set_tids = (unsigned)a.set_tid_size,
	};
	return task_clone(t, &s);
}
