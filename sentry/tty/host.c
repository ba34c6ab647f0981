/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's terminals behind descriptors 0-2; the first of them is the
 * sandbox's controlling terminal.
 *
 * Line discipline, settings and window are the host's; who is in the foreground
 * inside is ours, and so is the name: the next free /dev/pts/N, as in a
 * container whose engine made a terminal for it.  Signals that the host's
 * terminal sends to the vedette command are handed on to our foreground group.
 *
 * `away': outside, the shell has put the whole sandbox into the background.
 * Then nobody inside is in the foreground, whatever pgrp says.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

enum { ENDS_MAX = 3 };

static struct hosttty {
	struct tty tty;
	uint64_t outside;		/* I  its device number there */
	struct file *ends[ENDS_MAX];	/* I  our references: one a descriptor on it */
	unsigned count;			/* I once the first process runs */
} *terminals[ENDS_MAX];			/* I once the first process runs; [0] controls */

/* The descriptor that came with the rights. */
static int hosttty_open(struct tty *tty, struct path path, const struct cred *cred, uint32_t flags,
			struct file **out)
{
	struct hosttty *h = container_of(tty, struct hosttty, tty);
	int err = -EACCES;
	for (unsigned i = 0; err == -EACCES && i < h->count; i++)
		err = hostfile_reopen(h->ends[i], path, cred, flags, out);
	if (err == 0)
		tty_opened(tty, flags);
	return err;
}

static void hosttty_destroy(struct tty *tty)
{
	(void)tty; /* lives until the end of the sandbox */
}

static int64_t hosttty_ioctl(void *terminal, const struct ioctl_args *a)
{
	struct hosttty *h = terminal;
	int64_t r = tty_job_ioctl(&h->tty, a, /*master=*/false);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

static bool hosttty_background(void *terminal)
{
	struct hosttty *h = terminal;
	return tty_is_background(&h->tty);
}

static int hosttty_check(void *terminal, int sig)
{
	struct hosttty *h = terminal;
	return tty_check_change(&h->tty, sig);
}

static const struct hostfile_tty_hooks hooks = {
	.ioctl = hosttty_ioctl,
	.background = hosttty_background,
	.check = hosttty_check,
};

/* /dev/tty outside is the controlling one under another number. */
static struct hosttty *known(uint64_t outside)
{
	for (unsigned i = 0; i < ENDS_MAX && terminals[i]; i++)
		if (terminals[i]->outside == outside || outside == abi_makedev(5, 0))
			return terminals[i];
	return NULL;
}

static int hosttty_new(const struct file *f, struct hosttty **out)
{
	unsigned n = 0;
	struct hosttty *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	tty_init(&h->tty);
	h->tty.open = hosttty_open;
	h->tty.destroy = hosttty_destroy;
	h->outside = hostfile_rdev(f);
	int err = pts_claim(&h->tty);
	if (err == 0 && (err = devpts_add(&h->tty, f->cred)) == -ENODEV)
		err = 0; /* no devpts: a terminal without a name */
	if (err < 0) {
		free(h);
		return err;
	}
	while (terminals[n])
		n++;
	*out = terminals[n] = h;
	return 0;
}

static void control(struct hosttty *h, struct task *t)
{
	hostfile_set_tty_hooks(&hooks);
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	if (!g->tty) {
		h->tty.sid = g->sid;
		h->tty.pgrp = g->pgid;
		g->tty = tty_get(&h->tty);
	}
	unlock(&kernel.tasks_lock);
}

int hosttty_attach(struct task *t, struct file **f)
{
	struct file *named;
	if (!hostfile_is_tty(*f))
		return 0;
	struct hosttty *h = known(hostfile_rdev(*f));
	int err = h ? 0 : hosttty_new(*f, &h);
	if (err < 0)
		return err;
	h->ends[h->count++] = file_get(*f);
	hostfile_set_terminal(*f, h);
	control(h, t);
	uint32_t mode = ((*f)->readable ? (*f)->writable ? O_RDWR : O_RDONLY : O_WRONLY);
	err = tty_open(&h->tty, (*f)->cred, file_flags(*f) | mode | O_NOCTTY, &named);
	if (err < 0)
		return err;
	file_put(*f);
	*f = named;
	return 0;
}

int hosttty_path(struct path *out)
{
	return terminals[0] ? devpts_path(terminals[0]->tty.index, out) : -ENXIO;
}

void hosttty_away(bool away)
{
	if (!terminals[0])
		return;
	lock(&kernel.tasks_lock);
	terminals[0]->tty.away = away;
	unlock(&kernel.tasks_lock);
}

bool hosttty_signal(const struct abi_siginfo *info)
{
	if (!terminals[0])
		return false;
	lock(&kernel.tasks_lock);
	int pgrp = terminals[0]->tty.pgrp;
	if (pgrp)
		signal_send_pgrp_locked(pgrp, info);
	unlock(&kernel.tasks_lock);
	return pgrp != 0;
}

void hosttty_release(void)
{
	for (unsigned i = 0; i < ENDS_MAX && terminals[i]; i++) {
		struct hosttty *h = STEAL(terminals[i]);
		for (unsigned n = 0; n < h->count; n++)
			file_put(h->ends[n]);
		pts_release(&h->tty);
		free(h);
	}
}
