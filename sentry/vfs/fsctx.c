/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a task stands: root, current directory, umask.
 */
#include <stdlib.h>

#include "platform/base/count.h"
#include "sentry/cred/cred.h"
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

struct mount_ns *fsctx_mounts(struct fsctx *fs)
{
	lock(&fs->lock);
	struct mount_ns *ns = mount_ns_get(fs->mounts);
	unlock(&fs->lock);
	return ns;
}

/* Takes over ns and the references in root and cwd. */
static void move_to(struct fsctx *fs, struct mount_ns *ns, struct path root, struct path cwd)
{
	lock(&fs->lock);
	struct path old_root = fs->root, old_cwd = fs->cwd;
	struct mount_ns *old = fs->mounts;
	fs->root = root;
	fs->cwd = cwd;
	fs->mounts = ns;
	unlock(&fs->lock);
	path_put(&old_root);
	path_put(&old_cwd);
	mount_ns_put(old);
}

int fsctx_unshare_mounts(struct fsctx *fs, const struct cred *cred)
{
	struct mount_ns *ns;
	struct path root, cwd, *both[] = {&root, &cwd};
	lock(&fs->lock);
	root = fs->root;
	cwd = fs->cwd;
	path_get(&root);
	path_get(&cwd);
	unlock(&fs->lock);
	int err = ns_charge(cred->user_ns, cred->euid, NS_MNT);
	if (err == 0) {
		err = mount_ns_copy(fs->mounts, cred->user_ns, both, ARRAY_SIZE(both), &ns);
		if (err < 0)
			ns_uncharge(cred->user_ns, cred->euid, NS_MNT);
		else
			ns_charged(&ns->ns, cred->euid);
	}
	if (err < 0) {
		path_put(&root);
		path_put(&cwd);
		return err;
	}
	move_to(fs, ns, root, cwd);
	return 0;
}

void fsctx_enter_mounts(struct fsctx *fs, struct mount_ns *ns)
{
	struct path root, cwd;
	mount_ns_root(ns, &root);
	mount_down(&root);
	cwd = root;
	path_get(&cwd);
	move_to(fs, mount_ns_get(ns), root, cwd);
}

uint32_t fsctx_umask(struct fsctx *fs)
{
	lock(&fs->lock);
	uint32_t mask = fs->umask;
	unlock(&fs->lock);
	return mask;
}
