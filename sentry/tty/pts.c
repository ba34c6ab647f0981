/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which terminal is /dev/pts/N: slaves of pseudoterminals, and the terminals
 * that the sandbox was given as descriptors 0-2.
 */
#include <errno.h>

#include "sentry/fs/devfs/devfs.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"

enum { MAJOR_TTY = 5, MAJOR_PTS = 136, MINOR_TTY = 0, MINOR_PTMX = 2 };

/* Of what devpts_lines() leads to; not referenced: pts_release takes out. */
static struct lock lines_lock = LOCK_INIT(RANK_LEAF);

int pts_claim(struct tty *tty)
{
	struct devpts *d = devpts_here();
	struct tty **lines = devpts_lines(d);
	int i = 0;
	lock(&lines_lock);
	while (i < PTS_MAX && lines[i])
		i++;
	if (i < PTS_MAX)
		lines[i] = tty;
	unlock(&lines_lock);
	if (i == PTS_MAX)
		return -ENOSPC;
	tty->pts = devpts_get(d);
	tty->index = i;
	tty->rdev = abi_makedev(MAJOR_PTS, (uint32_t)i);
	return 0;
}

void pts_release(struct tty *tty)
{
	lock(&lines_lock);
	devpts_lines(tty->pts)[tty->index] = NULL;
	unlock(&lines_lock);
}

/* The one with that number, referenced, or NULL. */
static struct tty *pts_find(struct devpts *d, int index)
{
	if (index < 0 || index >= PTS_MAX)
		return NULL;
	lock(&lines_lock);
	struct tty *tty = devpts_lines(d)[index];
	if (tty && !ref_tryget(&tty->ref))
		tty = NULL;
	unlock(&lines_lock);
	return tty;
}

int tty_open(struct tty *tty, const struct cred *cred, uint32_t flags, struct file **out)
{
	struct path path;
	if (devpts_path(tty, &path) < 0)
		path = (struct path){NULL, NULL};
	int err = tty->open(tty, path, cred, flags, out);
	if (err < 0 && path.dentry)
		path_put(&path);
	return err;
}

static int pts_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	struct devpts *d = devpts_of(i);
	struct tty *tty = pts_find(d, (int)abi_minor(i->rdev));
	devpts_put(d);
	if (!tty)
		return -EIO;
	int err = tty->open(tty, path, cred, flags, out);
	tty_put(tty);
	return err;
}

int pts_init(void)
{
	int err = dev_register(MAJOR_TTY, MINOR_TTY, 1, "/dev/tty", tty_dev_open);
	if (err == 0)
		err = dev_register(MAJOR_TTY, MINOR_PTMX, 1, "/dev/ptmx", ptmx_open);
	if (err == 0)
		err = dev_register(MAJOR_PTS, 0, PTS_MAX, "pts", pts_open);
	return err;
}
