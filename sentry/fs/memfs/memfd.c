/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name, from a tmpfs that nobody mounts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sentry/cred/cred.h"
#include "sentry/fs/memfs/private.h"

static struct lock shmem_lock = LOCK_INIT(RANK_BOOT);
static struct fs *shmem; /* shmem_lock; made on first use, kept to the end */

static int shmem_get(struct fs **out)
{
	static const struct memfs_options options = {.name = "tmpfs", .mode = 01777};
	lock(&shmem_lock);
	int err = shmem ? 0 : memfs_new(&options, &shmem);
	*out = shmem;
	unlock(&shmem_lock);
	return err;
}

int memfs_file_new(const char *name, const struct cred *cred, uint32_t flags, uint32_t mode,
		   uint32_t seals, struct file **out)
{
	struct fs *fs;
	struct inode *i;
	char *label;
	int err = shmem_get(&fs);
	if (err == 0)
		err = node_new(fs->priv, S_IFREG | mode, &i);
	if (err < 0)
		return err;
	if (asprintf(&label, "/memfd:%s (deleted)", name) < 0) {
		inode_put(i);
		return -ENOMEM;
	}
	i->label = label;
	i->nlink = 0;
	i->uid = cred->fsuid;
	i->gid = cred->fsgid;
	node_of(i)->seals = seals;
	node_of(i)->opens = 1;
	return file_new(&memfs_file_ops, FILE_INODE, NULL, (struct path){NULL, NULL}, i, cred,
			flags, out);
}
