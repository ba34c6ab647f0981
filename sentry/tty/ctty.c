/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Controlling terminals.
 *
 * group->tty, tty->sid and tty->pgrp change only under kernel.tasks_lock, so
 * that a session, its members and its terminal are always seen together.
 */
#include <errno.h>

#include "sentry/fs/devfs/devfs.h"
#include "sentry/task/pidns.h"
#include "sentry/task/jobctl.h"
#include "sentry/task/signal.h"
#include "sentry/task/tty_hooks.h"
#include "sentry/tty/tty.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

struct tty *tty_get(struct tty *tty)
{
	ref_get(&tty->ref);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (ref_put(&tty->ref))
		tty->destroy(tty);
}

void tty_init(struct tty *tty)
{
	ref_init(&tty->ref);
	lock_init(&tty->lock, RANK_TTY);
}

struct task *tty_current(void)
{
	return task_current();
}

/* References groups gave back.  tty->destroy only frees, so they may be put under tasks_lock. */
struct dropped {
	struct tty *tty;
	unsigned count;
};

static void drop_refs(const struct dropped *d)
{
	for (unsigned i = 0; i < d->count; i++)
		tty_put(d->tty);
}

static bool leave_if_ours(struct group *g, void *arg)
{
	struct dropped *d = arg;
	if (g->tty == d->tty) {
		g->tty = NULL;
		d->count++;
	}
	return true;
}

static void send_locked(int pgid, int sig)
{
	struct abi_siginfo info = {.signo = sig, .code = SI_KERNEL};
	if (pgid > 0)
		signal_send_pgrp_locked(pgid, &info);
}

void tty_signal(struct tty *tty, int sig)
{
	lock(&kernel.tasks_lock);
	send_locked(tty->pgrp, sig);
	unlock(&kernel.tasks_lock);
}

/* exiting: the leader is at its end, so that its own group is told as a group. */
static void session_hangup_locked(struct tty *tty, bool exiting, struct dropped *d)
{
	struct group *leader = tty->sid ? group_by_id_locked(tty->sid) : NULL;
	struct abi_siginfo hup = {.signo = SIGHUP, .code = SI_KERNEL};
	struct abi_siginfo cont = {.signo = SIGCONT, .code = SI_KERNEL};
	if (leader && !exiting) {
		signal_send_group_locked(leader, &hup);
		signal_send_group_locked(leader, &cont);
	}
	if (tty->pgrp && (!leader || exiting || leader->pgid != tty->pgrp)) {
		send_locked(tty->pgrp, SIGHUP);
		send_locked(tty->pgrp, SIGCONT);
	}
	d->tty = tty;
	group_for_each_locked(leave_if_ours, d);
	tty->sid = tty->pgrp = 0;
}

void tty_hangup_session(struct tty *tty)
{
	struct dropped d = {0};
	lock(&kernel.tasks_lock);
	session_hangup_locked(tty, /*exiting=*/false, &d);
	unlock(&kernel.tasks_lock);
	drop_refs(&d);
}

void tty_session_end_locked(struct group *leader)
{
	struct dropped d = {0};
	struct tty *tty = leader->tty;
	if (!tty || tty->sid != leader->sid)
		return;
	session_hangup_locked(tty, /*exiting=*/true, &d);
	drop_refs(&d);
}

void tty_share_locked(struct group *child, struct group *parent)
{
	child->tty = parent->tty ? tty_get(parent->tty) : NULL;
}

void tty_leave_locked(struct group *g)
{
	if (!g->tty)
		return;
	struct tty *tty = g->tty;
	g->tty = NULL;
	tty_put(tty);
}

static bool ignores(struct task *t, int sig)
{
	struct group *g = t->group;
	lock(&g->siglock);
	lock(&g->actions->lock);
	bool yes = (t->blocked & SIGBIT(sig)) ||
		   g->actions->action[sig - 1].handler == ABI_SIG_IGN;
	unlock(&g->actions->lock);
	unlock(&g->siglock);
	return yes;
}

static bool background_locked(const struct tty *tty, const struct group *g)
{
	return g->tty == tty && (tty->away || (tty->pgrp && g->pgid != tty->pgrp));
}

bool tty_is_background(struct tty *tty)
{
	struct task *t = tty_current();
	lock(&kernel.tasks_lock);
	bool yes = t && background_locked(tty, t->group);
	unlock(&kernel.tasks_lock);
	return yes;
}

int tty_check_change(struct tty *tty, int sig)
{
	struct task *t = tty_current();
	int err = 0;
	if (!t)
		return 0;
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	bool background = background_locked(tty, g);
	if (background && ignores(t, sig)) {
		err = sig == SIGTTIN ? -EIO : 0;
	} else if (background && jobctl_orphaned_locked(g->pgid, g->sid)) {
		err = -EIO;
	} else if (background) {
		send_locked(g->pgid, sig);
		err = -ERESTARTSYS;
	}
	unlock(&kernel.tasks_lock);
	return err;
}

static void take_locked(struct tty *tty, struct group *g)
{
	tty->sid = g->sid;
	tty->pgrp = g->pgid;
	g->tty = tty_get(tty);
}

/* As seen from a pid namespace that does not hold the group. */
int tty_pgrp_locked(const struct tty *tty)
{
	return tty->away ? 0 : tty->pgrp;
}

void tty_opened(struct tty *tty, uint32_t flags)
{
	struct task *t = tty_current();
	if (!t || (flags & O_NOCTTY))
		return;
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	if (g->sid == g->tgid && !g->tty && !tty->sid)
		take_locked(tty, g);
	unlock(&kernel.tasks_lock);
}

/* TIOCSCTTY: arg 1 lets root steal the terminal of another session. */
static int64_t set_controlling(struct tty *tty, const struct ioctl_args *a)
{
	struct dropped d = {0};
	struct group *g = a->task->group;
	int64_t err = 0;
	lock(&kernel.tasks_lock);
	if (g->sid == g->tgid && tty->sid == g->sid)
		err = 0;
	else if (g->sid != g->tgid || g->tty)
		err = -EPERM;
	else if (tty->sid && !(a->arg == 1 && cred_capable(a->cred, CAP_SYS_ADMIN)))
		err = -EPERM;
	else {
		d.tty = tty;
		if (tty->sid)
			group_for_each_locked(leave_if_ours, &d);
		take_locked(tty, g);
	}
	unlock(&kernel.tasks_lock);
	drop_refs(&d);
	return err;
}

static int64_t give_up(struct tty *tty, struct task *t)
{
	struct dropped d = {0};
	int64_t err = 0;
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	if (g->tty != tty) {
		err = -ENOTTY;
	} else if (g->sid == g->tgid) {
		session_hangup_locked(tty, /*exiting=*/false, &d);
	} else {
		g->tty = NULL;
		d = (struct dropped){tty, 1};
	}
	unlock(&kernel.tasks_lock);
	drop_refs(&d);
	return err;
}

static int64_t get_id(struct tty *tty, const struct ioctl_args *a, bool master, bool session)
{
	lock(&kernel.tasks_lock);
	bool ours = a->task->group->tty == tty;
	int id = pid_here_locked(session ? tty->sid : tty_pgrp_locked(tty));
	unlock(&kernel.tasks_lock);
	/* The master may ask for a terminal that is not its own. */
	if (!ours && !master)
		return -ENOTTY;
	return copy_out(a->mm, a->arg, &id, sizeof id);
}

static int64_t set_foreground(struct tty *tty, const struct ioctl_args *a, bool master)
{
	int nr;
	struct task *t = a->task;
	int64_t err = master ? 0 : tty_check_change(tty, SIGTTOU);
	if (err < 0)
		return err;
	if (copy_in(a->mm, &nr, a->arg, sizeof nr) < 0)
		return -EFAULT;
	lock(&kernel.tasks_lock);
	int pgrp = pid_id_here_locked(nr);
	if (t->group->tty != tty || tty->sid != t->group->sid)
		err = -ENOTTY;
	else if (nr < 0)
		err = -EINVAL;
	else if (!pgrp || !pgrp_exists_locked(pgrp, 0))
		err = -ESRCH;
	else if (!pgrp_exists_locked(pgrp, t->group->sid))
		err = -EPERM;
	else
		tty->pgrp = pgrp;
	unlock(&kernel.tasks_lock);
	return err;
}

int64_t tty_job_ioctl(struct tty *tty, const struct ioctl_args *a, bool master)
{
	switch (a->cmd) {
	case TIOCSCTTY:
		return set_controlling(tty, a);
	case TIOCNOTTY:
		return give_up(tty, a->task);
	case TIOCGPGRP:
		return get_id(tty, a, master, /*session=*/false);
	case TIOCGSID:
		return get_id(tty, a, master, /*session=*/true);
	case TIOCSPGRP:
		return set_foreground(tty, a, master);
	default:
		return -ENOIOCTLCMD;
	}
}

/* /dev/tty: another file on the caller's own terminal. */
int tty_dev_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		 struct file **out)
{
	struct task *t = tty_current();
	(void)i;
	lock(&kernel.tasks_lock);
	struct tty *tty = t && t->group->tty ? tty_get(t->group->tty) : NULL;
	unlock(&kernel.tasks_lock);
	if (!tty)
		return -ENXIO;
	int err = tty_open(tty, cred, flags | O_NOCTTY, out);
	tty_put(tty);
	/* The file is the terminal's, not the node's. */
	if (err == 0)
		path_put(&path);
	return err;
}
