/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send what to whom: kill(2), "PERMISSIONS". */
#include "sentry/task/signal.h"
#include "sentry/task/pidns.h"
#include "syscalls/abi/errno.h"

static bool same_user(const struct cred *from, const struct cred *to)
{
	return from->euid == to->suid || from->euid == to->ruid || from->ruid == to->suid ||
	       from->ruid == to->ruid;
}

int signal_may_send_locked(struct task *from, struct task *to, int sig)
{
	lock_assert_held(&kernel.tasks_lock);
	if (from->group == to->group)
		return 0;
	autoput(cred) struct cred *c = task_cred(to);
	if (same_user(from->cred, c) || task_capable_in(from, c->user_ns, CAP_KILL))
		return 0;
	/* A shell may continue a set-user-ID job of its session. */
	if (sig == SIGCONT && from->group->sid == to->group->sid)
		return 0;
	return -EPERM;
}

int signal_may_send(struct task *from, struct task *to, int sig)
{
	lock(&kernel.tasks_lock);
	int err = signal_may_send_locked(from, to, sig);
	unlock(&kernel.tasks_lock);
	return err;
}

/* Others than these say who sent them, in the same place. */
static bool has_sender(const struct abi_siginfo *info)
{
	return info->code <= SI_USER && info->code != SI_TIMER && info->code != SI_SIGIO;
}

struct abi_siginfo signal_seen_locked(const struct task *from, const struct group *to,
				      const struct abi_siginfo *info)
{
	struct abi_siginfo seen = *info;
	/* Who cannot be seen there has the number 0, and more power over its first process. */
	if (from->group->pid_ns != to->pid_ns)
		seen.kill.pid = pid_in_locked(to->pid_ns, from->group->tgid);
	if (has_sender(info))
		seen.kill.uid =
			group_uid_seen_locked(to, uid_meant(task_user_ns(from), info->kill.uid));
	return seen;
}

int signal_user_group_locked(struct task *from, struct group *g, const struct abi_siginfo *info)
{
	int sig = info->signo;

	if (sig < 0 || sig > ABI_NSIG)
		return -EINVAL;
	/* The leader's credentials count, even if it has ended before its threads. */
	int err = g->leader ? signal_may_send_locked(from, g->leader, sig) : 0;
	if (err < 0 || sig == 0)
		return err;
	const struct abi_siginfo seen = signal_seen_locked(from, g, info);
	return signal_send_group_locked(g, &seen);
}
