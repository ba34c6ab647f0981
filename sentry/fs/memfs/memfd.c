/* SPDX-License-Identifier: Apache-2.0 */
/* Files without a name, from a tmpfs that nobody mounts; and file seals, which only they have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/fs/memfs/private.h"
#include "syscalls/abi/fcntl.h"

enum {
	SEALS_WRITE = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE,
	SEALS_ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | SEALS_WRITE | F_SEAL_EXEC,
};

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

void memfs_release(void)
{
	lock(&shmem_lock);
	if (shmem)
		fs_put(STEAL(shmem));
	unlock(&shmem_lock);
}

/* Takes over label. */
static int unnamed_new(char *label, const struct cred *cred, uint32_t mode, struct inode **out)
{
	struct fs *fs;
	int err = shmem_get(&fs);
	if (err == 0)
		err = node_new(fs->priv, S_IFREG | mode, /*charged=*/true, out);
	if (err < 0) {
		free(label);
		return err;
	}
	(*out)->label = label;
	(*out)->nlink = 0;
	(*out)->uid = cred->fsuid;
	(*out)->gid = cred->fsgid;
	return 0;
}

int memfs_segment_new(const char *label, const struct cred *cred, uint64_t size, struct inode **out)
{
	char *copy = strdup(label);
	int err = copy ? unnamed_new(copy, cred, 0600, out) : -ENOMEM;
	if (err < 0)
		return err;
	lock(&(*out)->lock);
	err = file_resize_locked(*out, size);
	unlock(&(*out)->lock);
	node_of(*out)->seals = F_SEAL_SEAL;
	if (err < 0)
		inode_put(*out);
	return err;
}

int memfs_file_new(const char *name, const struct cred *cred, uint32_t flags, uint32_t mode,
		   uint32_t seals, struct file **out)
{
	struct inode *i;
	char *label;
	if (asprintf(&label, "/memfd:%s (deleted)", name) < 0)
		return -ENOMEM;
	int err = unnamed_new(label, cred, mode, &i);
	if (err < 0)
		return err;
	node_of(i)->seals = seals;
	node_of(i)->opens = 1;
	return file_new(&memfs_file_ops, FILE_INODE, NULL, (struct path){NULL, NULL}, i, cred,
			flags, out);
}

bool memfs_is_file(const struct file *f)
{
	return f->ops == &memfs_file_ops;
}

int memfs_get_seals(struct file *f)
{
	if (!memfs_is_file(f))
		return -EINVAL;
	lock(&f->inode->lock);
	uint32_t seals = node_of(f->inode)->seals;
	unlock(&f->inode->lock);
	return (int)seals;
}

static int add_locked(struct inode *i, uint32_t seals)
{
	uint32_t *have = &node_of(i)->seals;
	if (*have & F_SEAL_SEAL)
		return -EPERM;
	/* An executable that must stay one must stay what it is. */
	if ((seals & F_SEAL_EXEC) && (i->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | SEALS_WRITE;
	if ((seals & ~*have & F_SEAL_WRITE) && __atomic_load_n(&i->writable_maps, __ATOMIC_RELAXED))
		return -EBUSY;
	int err = seals & ~*have & F_SEAL_WRITE ? content_sealed(&node_of(i)->content, i->size) : 0;
	if (err == 0)
		*have |= seals;
	return err;
}

int memfs_add_seals(struct file *f, uint32_t seals)
{
	if (!memfs_is_file(f) || (seals & ~(uint32_t)SEALS_ALL))
		return -EINVAL;
	if (!f->writable)
		return -EPERM;
	lock(&f->inode->lock);
	int err = add_locked(f->inode, seals);
	unlock(&f->inode->lock);
	return err;
}
