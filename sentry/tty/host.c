/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's terminals behind descriptors 0-2 of a process that was started from
 * outside; the first of them is its session's controlling terminal.
 *
 * Line discipline, settings and window are the host's; who is in the foreground
 * inside is ours, and so is the name: the next free /dev/pts/N, as in a
 * container whose engine made a terminal for it.  Signals that the host's
 * terminal sends to the vedette command are handed on to our foreground group.
 *
 * `away': outside, the shell has put the whole sandbox into the background.
 * Then nobody inside is in the foreground, whatever pgrp says.
 *
 * References to a terminal: one of its set, one a host descriptor on it, and
 * those of groups.  `ends' would keep themselves alive: the set's end drops them.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

struct hosttty {
	struct tty tty;
	uint64_t outside;		/* I  its device number there */
	struct lock lock;		/* RANK_LEAF */
	struct file *ends[HOSTTTY_MAX];	/* lock  our references: one a descriptor on it */
	unsigned count;			/* lock */
};

static struct file *end_get(struct hosttty *h, unsigned i)
{
	lock(&h->lock);
	struct file *f = i < h->count ? file_get(h->ends[i]) : NULL;
	unlock(&h->lock);
	return f;
}

/* The descriptor that came with the rights. */
static int hosttty_open(struct tty *tty, struct path path, const struct cred *cred, uint32_t flags,
			struct file **out)
{
	struct hosttty *h = container_of(tty, struct hosttty, tty);
	struct file *end;
	int err = -EIO; /* hung up */
	for (unsigned i = 0; (end = end_get(h, i)); i++) {
		err = hostfile_reopen(end, path, cred, flags, out);
		file_put(end);
		if (err != -EACCES)
			break;
	}
	if (err == 0)
		tty_opened(tty, flags);
	return err;
}

static void hosttty_destroy(struct tty *tty)
{
	devpts_put(tty->pts);
	free(container_of(tty, struct hosttty, tty));
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

static void hosttty_forget(void *terminal)
{
	struct hosttty *h = terminal;
	tty_put(&h->tty);
}

static const struct hostfile_tty_hooks hooks = {
	.ioctl = hosttty_ioctl,
	.background = hosttty_background,
	.check = hosttty_check,
	.release = hosttty_forget,
};

/* /dev/tty outside is the controlling one under another number. */
static struct hosttty *known(const struct hosttty_set *set, uint64_t outside)
{
	for (unsigned i = 0; i < HOSTTTY_MAX && set->at[i]; i++)
		if (set->at[i]->outside == outside || outside == abi_makedev(5, 0))
			return set->at[i];
	return NULL;
}

static int hosttty_new(struct hosttty_set *set, const struct file *f, struct hosttty **out)
{
	unsigned n = 0;
	struct hosttty *h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	tty_init(&h->tty);
	lock_init(&h->lock, RANK_LEAF);
	h->tty.open = hosttty_open;
	h->tty.destroy = hosttty_destroy;
	h->outside = hostfile_rdev(f);
	int err = pts_claim(&h->tty);
	if (err < 0) {
		free(h);
		return err;
	}
	err = devpts_add(&h->tty, f->cred);
	if (err < 0 && err != -ENODEV) { /* no devpts: a terminal without a name */
		pts_release(&h->tty);
		hosttty_destroy(&h->tty);
		return err;
	}
	while (set->at[n])
		n++;
	*out = set->at[n] = h;
	return 0;
}

static void control(struct hosttty *h, struct task *t)
{
	lock(&kernel.tasks_lock);
	struct group *g = t->group;
	if (!g->tty) {
		h->tty.sid = g->sid;
		h->tty.pgrp = g->pgid;
		g->tty = tty_get(&h->tty);
	}
	unlock(&kernel.tasks_lock);
}

int hosttty_attach(struct hosttty_set *set, struct task *t, struct file **f)
{
	struct file *named;
	if (!hostfile_is_tty(*f))
		return 0;
	struct hosttty *h = known(set, hostfile_rdev(*f));
	int err = h ? 0 : hosttty_new(set, *f, &h);
	if (err < 0)
		return err;
	hostfile_set_tty_hooks(&hooks);
	lock(&h->lock);
	h->ends[h->count++] = file_get(*f);
	unlock(&h->lock);
	tty_get(&h->tty);
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

int hosttty_path(const struct hosttty_set *set, struct path *out)
{
	return set->at[0] ? devpts_path(&set->at[0]->tty, out) : -ENXIO;
}

void hosttty_away(const struct hosttty_set *set, bool away)
{
	if (!set->at[0])
		return;
	lock(&kernel.tasks_lock);
	set->at[0]->tty.away = away;
	unlock(&kernel.tasks_lock);
}

bool hosttty_signal(const struct hosttty_set *set, const struct abi_siginfo *info)
{
	lock(&kernel.tasks_lock);
	int pgrp = set->at[0] ? set->at[0]->tty.pgrp : 0;
	if (pgrp)
		signal_send_pgrp_locked(pgrp, info);
	unlock(&kernel.tasks_lock);
	return pgrp != 0;
}

void hosttty_release(struct hosttty_set *set)
{
	for (unsigned i = 0; i < HOSTTTY_MAX && set->at[i]; i++) {
		struct hosttty *h = STEAL(set->at[i]);
		devpts_remove(&h->tty);
		pts_release(&h->tty);
		lock(&h->lock);
		unsigned count = h->count;
		h->count = 0;
		unlock(&h->lock);
		for (unsigned n = 0; n < count; n++)
			file_put(h->ends[n]);
		tty_put(&h->tty);
	}
}
