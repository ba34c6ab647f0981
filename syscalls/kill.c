/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: kill(2), tkill(2), rt_sigqueueinfo(2). */
#include <limits.h>

#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"
#include "syscalls/siginfo.h"

struct kill_many {
	struct task *from;
	const struct abi_siginfo *info;
	int pgid; /* 0: everybody but init and the sender */
	int err;  /* the last failure that counts */
	bool sent, found;
};

static bool kill_one_of_many(struct group *g, void *arg)
{
	struct kill_many *k = arg;

	if (k->pgid ? g->pgid != k->pgid
		    : pid_in_locked(k->from->group->pid_ns, g->tgid) <= 1 || g == k->from->group)
		return true;
	k->found = true;
	int err = signal_user_group_locked(k->from, g, k->info);
	if (err == 0)
		k->sent = true;
	/* For kill(-1) a refusal is no failure: there is always somebody else's process. */
	if (k->pgid || err != -EPERM)
		k->err = err;
	return true;
}

/* pid: 0, -1, or a process group's number below zero. */
static int kill_many_locked(struct task *t, int pid, const struct abi_siginfo *info)
{
	struct kill_many k = {.from = t, .info = info};
	int pgid = pid == -1 ? 0 : pid == 0 ? t->group->pgid : pid_id_here_locked(-pid);

	if (pid < -1 && !pgid)
		return -ESRCH;
	k.pgid = pgid;
	group_for_each_locked(kill_one_of_many, &k);
	if (!k.found)
		return -ESRCH;
	return pgid && k.sent ? 0 : k.err;
}

static int kill_group_locked(struct task *t, int tgid, const struct abi_siginfo *info)
{
	/* Any thread's number names its process here. */
	struct task *to = tgid > 0 ? task_find_locked(tgid) : NULL;
	struct group *g = to ? to->group : tgid > 0 ? group_find_locked(tgid) : NULL;
	return g ? signal_user_group_locked(t, g, info) : -ESRCH;
}

long sys_kill(struct task *t, int pid, int sig)
{
	struct abi_siginfo info;
	int err;

	signal_info_user(&info, sig, SI_USER, t);
	if (pid == INT_MIN)
		return -ESRCH;
	lock(&kernel.tasks_lock);
	if (pid > 0)
		err = kill_group_locked(t, pid, &info);
	else
		err = kill_many_locked(t, pid, &info);
	unlock(&kernel.tasks_lock);
	return err;
}

/* tgid <= 0: any. */
static int kill_task(struct task *t, int tgid, int tid, const struct abi_siginfo *info)
{
	int sig = info->signo, err = -ESRCH;

	lock(&kernel.tasks_lock);
	struct task *to = task_find_locked(tid);
	if (to && (tgid <= 0 || to->group->tgid == pid_id_here_locked(tgid))) {
		err = sig < 0 || sig > ABI_NSIG ? -EINVAL : signal_may_send_locked(t, to, sig);
		const struct abi_siginfo seen = signal_seen_locked(t, to->group, info);
		if (err == 0 && sig > 0)
			err = signal_send_task_locked(to, &seen);
	}
	unlock(&kernel.tasks_lock);
	return err;
}

long sys_tgkill(struct task *t, int tgid, int tid, int sig)
{
	struct abi_siginfo info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	signal_info_user(&info, sig, SI_TKILL, t);
	return kill_task(t, tgid, tid, &info);
}

long sys_tkill(struct task *t, int tid, int sig)
{
	struct abi_siginfo info;

	if (tid <= 0)
		return -EINVAL;
	signal_info_user(&info, sig, SI_TKILL, t);
	return kill_task(t, 0, tid, &info);
}

/* Only to itself may a process pretend that the kernel or kill(2) had sent something. */
static bool forged(const struct task *t, int pid, const struct abi_siginfo *info)
{
	return (info->code >= 0 || info->code == SI_TKILL) && t->nr != pid;
}

long sys_rt_sigqueueinfo(struct task *t, int pid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;

	int err = siginfo_copy_in(t->mm, uinfo, sig, &info);
	if (err < 0)
		return err;
	if (forged(t, pid, &info))
		return -EPERM;
	lock(&kernel.tasks_lock);
	err = kill_group_locked(t, pid, &info);
	unlock(&kernel.tasks_lock);
	return err;
}

long sys_rt_tgsigqueueinfo(struct task *t, int tgid, int tid, int sig, uaddr_t uinfo)
{
	struct abi_siginfo info;

	int err = siginfo_copy_in(t->mm, uinfo, sig, &info);
	if (err < 0)
		return err;
	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	if (forged(t, tid, &info))
		return -EPERM;
	return kill_task(t, tgid, tid, &info);
}
