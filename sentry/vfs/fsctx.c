/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a task stands: root, current directory, umask.
 */
#include <stdlib.h>

#include "platform/base/count.h"
#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

void path_get(struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	if (p->dentry)
		dentry_put(STEAL(p->dentry));
	if (p->mnt)
		mount_put(STEAL(p->mnt));
}

int fsctx_new(struct mount_ns *ns, struct path root, struct path cwd, struct fsctx **out)
{
	struct fsctx *fs = calloc(1, sizeof *fs);
	if (!fs)
		return -ENOMEM;
	ref_init(&fs->ref);
	lock_init(&fs->lock, RANK_FS);
	path_get(&root);
	path_get(&cwd);
	fs->root = root;
	fs->cwd = cwd;
	fs->umask = 022;
	fs->mounts = mount_ns_get(ns);
	*out = fs;
	count_new(fsctx);
	return 0;
}

int fsctx_copy(struct fsctx *from, struct fsctx **out)
{
	lock(&from->lock);
	int err = fsctx_new(from->mounts, from->root, from->cwd, out);
	if (err == 0)
		(*out)->umask = from->umask;
	unlock(&from->lock);
	return err;
}

struct fsctx *fsctx_get(struct fsctx *fs)
{
	ref_get(&fs->ref);
	return fs;
}

void fsctx_put(struct fsctx *fs)
{
	if (!ref_put(&fs->ref))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	mount_ns_put(fs->mounts);
	free(fs);
	count_gone(fsctx);
}

uint32_t fsctx_umask(struct fsctx *fs)
{
	lock(&fs->lock);
	uint32_t mask = fs->umask;
	unlock(&fs->lock);
	return mask;
}
