/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp(2), and the ways prctl(2) has into it. */
#include "sentry/task/seccomp/seccomp.h"

#include <stdlib.h>

#include "platform/base/cleanup.h"
#include "sentry/mm/copy.h"
#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/prctl_cred.h"
#include "syscalls/sys.h"

static long set_filter(struct task *t, uint64_t flags, uaddr_t at)
{
	struct abi_sock_fprog prog;

	if (flags & ~FLAGS_KNOWN(SECCOMP_FILTER))
		return -EINVAL;
	if (copy_in(t->mm, &prog, at, sizeof prog) < 0)
		return -EFAULT;
	if (prog.len == 0 || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	if (!task_no_new_privs(t) && !cred_capable_own(t->cred, CAP_SYS_ADMIN))
		return -EACCES;
	size_t size = prog.len * sizeof(struct abi_sock_filter);
	autofree struct abi_sock_filter *insn = malloc(size);
	if (!insn)
		return -ENOMEM;
	if (copy_in(t->mm, insn, prog.filter, size) < 0)
		return -EFAULT;
	return seccomp_install(t, insn, prog.len, flags);
}

static long action_available(struct task *t, uaddr_t at)
{
	uint32_t action;

	if (copy_in(t->mm, &action, at, sizeof action) < 0)
		return -EFAULT;
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

long sys_seccomp(struct task *t, uint32_t op, uint32_t flags, uaddr_t args)
{
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || args ? -EINVAL : seccomp_set_strict(t);
	case SECCOMP_SET_MODE_FILTER:
		return set_filter(t, flags, args);
	case SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_available(t, args);
	default:
		return -EINVAL;
	}
}

long prctl_set_seccomp(struct task *t, uint64_t mode, uaddr_t filter)
{
	switch (mode) {
	case SECCOMP_MODE_STRICT:
		return seccomp_set_strict(t);
	case SECCOMP_MODE_FILTER:
		return set_filter(t, 0, filter);
	default:
		return -EINVAL;
	}
}

long prctl_get_seccomp(struct task *t)
{
	return seccomp_mode(t);
}

long prctl_get_no_new_privs(struct task *t)
{
	return task_no_new_privs(t);
}
