/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prctl(2).  What is about hardware, tracing or memory we do not model is
 * refused as by a kernel built without it: EINVAL.
 */
#include "syscalls/abi/prctl.h"

#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/task/facts.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"
#include "syscalls/prctl_cred.h"
#include "syscalls/sys.h"


static long put_int(struct task *t, uaddr_t at, int value)
{
	return copy_out(t->mm, at, &value, sizeof value);
}

static long set_pdeathsig(struct task *t, uint64_t sig)
{
	if (sig > ABI_NSIG)
		return -EINVAL;
	lock(&kernel.tasks_lock);
	t->pdeath_signal = (int)sig;
	unlock(&kernel.tasks_lock);
	return 0;
}

static long set_name(struct task *t, uaddr_t name)
{
	char comm[TASK_COMM_LEN] = {0};

	ssize_t n = copy_str(t->mm, comm, name, sizeof comm);
	if (n == -EFAULT)
		return n;
	/* Longer names are cut. */
	comm[TASK_COMM_LEN - 1] = '\0';
	size_t size = n < 0 ? sizeof comm : (size_t)n;
	memset(comm + size, 0, sizeof comm - size);
	lock(&kernel.tasks_lock);
	memcpy(t->comm, comm, sizeof comm);
	unlock(&kernel.tasks_lock);
	return 0;
}

static long get_name(struct task *t, uaddr_t at)
{
	char comm[TASK_COMM_LEN];

	lock(&kernel.tasks_lock);
	memcpy(comm, t->comm, sizeof comm);
	unlock(&kernel.tasks_lock);
	return copy_out(t->mm, at, comm, sizeof comm);
}

static long set_subreaper(struct task *t, bool on)
{
	lock(&kernel.tasks_lock);
	t->group->subreaper = on;
	unlock(&kernel.tasks_lock);
	return 0;
}

static long set_dumpable(struct task *t, uint64_t value)
{
	if (value > 1)
		return -EINVAL;
	__atomic_store_n(&t->group->dumpable, (int)value, __ATOMIC_RELAXED);
	return 0;
}

static long set_slack(struct task *t, uint64_t ns)
{
	t->timer_slack_ns = (int64_t)ns <= 0 ? t->default_slack_ns : ns;
	return 0;
}

/* Which pages are huge is the host's business: only the answer is kept. */
static long set_thp_disabled(struct task *t, bool on)
{
	__atomic_store_n(&t->mm->thp_disabled, on, __ATOMIC_RELAXED);
	return 0;
}

/* Most of prctl wants the unused arguments to be 0. */
static bool unused(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return !(a | b | c | d);
}

static long set_tsc(struct task *t, uint64_t how)
{
	if (how != PR_TSC_ENABLE && how != PR_TSC_SIGSEGV)
		return -EINVAL;
	return t->no_tsc == (how == PR_TSC_SIGSEGV) ? 0 : task_set_tsc(t, how == PR_TSC_ENABLE);
}

static long get_option(struct task *t, int option, uint64_t a2)
{
	switch (option) {
	case PR_GET_PDEATHSIG:
		return put_int(t, a2, t->pdeath_signal);
	case PR_GET_NAME:
		return get_name(t, a2);
	case PR_GET_DUMPABLE:
		return __atomic_load_n(&t->group->dumpable, __ATOMIC_RELAXED);
	case PR_GET_TIMING:
		return 0; /* PR_TIMING_STATISTICAL */
	case PR_GET_TSC:
		return put_int(t, a2, t->no_tsc ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
	case PR_GET_TIMERSLACK:
		return (long)t->timer_slack_ns;
	case PR_GET_TID_ADDRESS:
		return copy_out(t->mm, a2, &t->clear_child_tid, sizeof t->clear_child_tid);
	case PR_GET_CHILD_SUBREAPER:
		return put_int(t, a2, t->group->subreaper);
	default:
		return -EINVAL;
	}
}

static long set_option(struct task *t, int option, uint64_t a2)
{
	switch (option) {
	case PR_SET_PDEATHSIG:
		return set_pdeathsig(t, a2);
	case PR_SET_NAME:
		return set_name(t, a2);
	case PR_SET_DUMPABLE:
		return set_dumpable(t, a2);
	case PR_SET_TIMING:
		return a2 == 0 ? 0 : -EINVAL;
	case PR_SET_TSC:
		return set_tsc(t, a2);
	case PR_SET_TIMERSLACK:
		return set_slack(t, a2);
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(t, a2);
	case PR_SET_MM:
		return task_capable(t, CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	default:
		return get_option(t, option, a2);
	}
}

long sys_prctl(struct task *t, int option, uint64_t arg2, uint64_t arg3, uint64_t arg4,
	       uint64_t arg5)
{
	switch (option) {
	case PR_CAPBSET_READ:
		return prctl_bset_read(t, arg2);
	case PR_CAPBSET_DROP:
		return prctl_bset_drop(t, arg2);
	case PR_GET_SECUREBITS:
		return t->cred->securebits;
	case PR_SET_SECUREBITS:
		return prctl_set_securebits(t, arg2);
	case PR_GET_KEEPCAPS:
		return !!(t->cred->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return prctl_set_keepcaps(t, arg2);
	case PR_CAP_AMBIENT:
		return prctl_ambient(t, arg2, arg3, arg4, arg5);
	case PR_SET_NO_NEW_PRIVS:
		return arg2 == 1 && unused(arg3, arg4, arg5, 0) ? prctl_no_new_privs(t) : -EINVAL;
	case PR_GET_NO_NEW_PRIVS:
		return unused(arg2, arg3, arg4, arg5) ? prctl_get_no_new_privs(t) : -EINVAL;
	case PR_SET_SECCOMP:
		return prctl_set_seccomp(t, arg2, arg3);
	case PR_GET_SECCOMP:
		return prctl_get_seccomp(t);
	case PR_GET_THP_DISABLE:
		return unused(arg2, arg3, arg4, arg5)
			       ? __atomic_load_n(&t->mm->thp_disabled, __ATOMIC_RELAXED)
			       : -EINVAL;
	case PR_SET_THP_DISABLE:
		return unused(arg3, arg4, arg5, 0) ? set_thp_disabled(t, arg2) : -EINVAL;
	case PR_GET_MDWE:
		return unused(arg2, arg3, arg4, arg5) ? 0 : -EINVAL;
	case PR_MCE_KILL_GET:
		return unused(arg2, arg3, arg4, arg5) ? PR_MCE_KILL_DEFAULT : -EINVAL;
	default:
		return set_option(t, option, arg2);
	}
}
