/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's terminal as the sandbox's controlling terminal.
 *
 * Its line discipline, settings and window are the host's; who is in the
 * foreground inside is ours.  Signals that the host's terminal sends to the
 * vedette command are handed on to our foreground group.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/errno.h"

static struct hosttty {
	struct tty tty;
	struct inode *inode;	/* I  our reference: what /dev/tty opens */
} *host;

static int hosttty_open(struct tty *tty, const struct cred *cred, uint32_t flags,
			struct file **out)
{
	struct hosttty *h = container_of(tty, struct hosttty, tty);
	struct path none = {NULL, NULL};
	return h->inode->ops->open(h->inode, none, cred, flags, out);
}

static void hosttty_destroy(struct tty *tty)
{
	(void)tty; /* lives until the end of the sandbox */
}

static int64_t hosttty_ioctl(struct file *f, const struct ioctl_args *a)
{
	(void)f;
	if (!host)
		return -ENOTTY;
	int64_t r = tty_job_ioctl(&host->tty, a, /*master=*/false);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

int hosttty_attach(struct task *t, struct file *f)
{
	if (host || !hostfile_is_tty(f))
		return 0;
	struct hosttty *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	tty_init(&h->tty, f->inode->rdev);
	h->tty.open = hosttty_open;
	h->tty.destroy = hosttty_destroy;
	h->inode = inode_get(f->inode);
	host = h;
	hostfile_set_tty_hook(hosttty_ioctl);
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	h->tty.sid = g->sid;
	h->tty.pgrp = g->pgid;
	g->tty = tty_get(&h->tty);
	unlock(&kernel.tasks_lock);
	return 0;
}

bool hosttty_signal(const struct abi_siginfo *info)
{
	if (!host)
		return false;
	lock(&kernel.tasks_lock);
	int pgrp = host->tty.pgrp;
	if (pgrp)
		signal_send_pgrp_locked(pgrp, info);
	unlock(&kernel.tasks_lock);
	return pgrp != 0;
}

void hosttty_release(void)
{
	if (!host)
		return;
	inode_put(host->inode);
	free(host);
	host = NULL;
}
