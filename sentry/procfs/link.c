/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symlinks: ordinary ones with a text, and magic ones that lead to an object
 * and show where it is, as seen from the reader's root.
 */
#include <errno.h>
#include <string.h>

#include "sentry/procfs/tree.h"
#include "sentry/vfs/namei.h"

static int link_look(struct inode *i, struct proc_look *out)
{
	const struct proc_node *n = proc_node_of(i);
	*out = (struct proc_look){.node = n};
	if (n->group && !(out->task = proc_task(n)))
		return n->entry->follow ? -ENOENT : -ESRCH;
	int err = out->task && n->entry->follow ? proc_may_inspect(out->task) : 0;
	if (err < 0)
		task_put(out->task);
	return err;
}

static int link_follow(struct inode *i, struct path *out)
{
	struct proc_look look;

	if (!proc_node_of(i)->entry->follow)
		return -EOPNOTSUPP;
	int err = link_look(i, &look);
	if (err < 0)
		return err;
	err = look.node->entry->follow(&look, out);
	if (look.task)
		task_put(look.task);
	return err;
}

int proc_path_text(const struct path *p, char *buf, size_t size)
{
	static const char away[] = "(unreachable)";
	struct task *by = task_current();
	struct path root = {NULL, NULL};

	if (by && by->fs) {
		lock(&by->fs->lock);
		root = by->fs->root;
		path_get(&root);
		unlock(&by->fs->lock);
	}
	ssize_t n = path_format(p, root.mnt ? &root : NULL, buf, size);
	/* Only getcwd(2) says that a path cannot be reached: links show it from its own top. */
	if (n >= (ssize_t)sizeof away - 1 && strncmp(buf, away, sizeof away - 1) == 0)
		n = path_format(p, NULL, buf, size);
	path_put(&root);
	return (int)n;
}

static ssize_t link_readlink(struct inode *i, char *buf, size_t size)
{
	const struct proc_entry *e = proc_node_of(i)->entry;
	struct proc_look look;
	struct path p;

	if (!e->follow) {
		int err = link_look(i, &look);
		if (err < 0)
			return err;
		err = e->target(&look, buf, size);
		if (look.task)
			task_put(look.task);
		return err;
	}
	int err = link_follow(i, &p);
	if (err < 0)
		return err;
	err = proc_path_text(&p, buf, size);
	path_put(&p);
	return err;
}

const struct inode_ops proc_link_inode_ops = {
	INODE_NO_NAMES,
	.readlink = link_readlink,
	.follow = link_follow,
	.setattr = proc_setattr,
	.getattr = proc_getattr,
	.open = inode_noopen,
	INODE_NO_XATTRS,
	.evict = proc_evict,
};
