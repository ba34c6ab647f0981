/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of character devices, and the first entries of /dev. */
#include "sentry/fs/devfs/devfs.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sentry/vfs/dentry.h"

enum { DRIVERS_MAX = 32 };

static struct driver {
	uint32_t major, first, count;
	const char *name;
	dev_open_fn open;
} drivers[DRIVERS_MAX]; /* written at boot only */
static unsigned driver_count;

int dev_register(uint32_t major, uint32_t first, uint32_t count, const char *name, dev_open_fn open)
{
	if (driver_count == DRIVERS_MAX)
		return -ENOSPC;
	drivers[driver_count++] = (struct driver){major, first, count, name, open};
	return 0;
}

int dev_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	     struct file **out)
{
	uint32_t major = abi_major(i->rdev), minor = abi_minor(i->rdev);
	for (unsigned n = 0; n < driver_count; n++) {
		const struct driver *d = &drivers[n];
		if (d->major == major && minor >= d->first && minor - d->first < d->count)
			return d->open(i, path, cred, flags, out);
	}
	return -ENXIO;
}

const char *dev_name(unsigned i, uint32_t *out_major)
{
	if (i >= driver_count)
		return NULL;
	*out_major = drivers[i].major;
	return drivers[i].name;
}

struct dev_node {
	const char *name;
	uint32_t mode;
	uint8_t major, minor;
	const char *target;
};

/* What the OCI runtime specification promises a container. */
static const struct dev_node nodes[] = {
	{"null", S_IFCHR | 0666, 1, 3, NULL},
	{"zero", S_IFCHR | 0666, 1, 5, NULL},
	{"full", S_IFCHR | 0666, 1, 7, NULL},
	{"random", S_IFCHR | 0666, 1, 8, NULL},
	{"urandom", S_IFCHR | 0666, 1, 9, NULL},
	{"tty", S_IFCHR | 0666, 5, 0, NULL},
	{"ptmx", S_IFLNK | 0777, 0, 0, "pts/ptmx"},
	{"fd", S_IFLNK | 0777, 0, 0, "/proc/self/fd"},
	{"stdin", S_IFLNK | 0777, 0, 0, "/proc/self/fd/0"},
	{"stdout", S_IFLNK | 0777, 0, 0, "/proc/self/fd/1"},
	{"stderr", S_IFLNK | 0777, 0, 0, "/proc/self/fd/2"},
	{"core", S_IFLNK | 0777, 0, 0, "/proc/kcore"},
	{"pts", S_IFDIR | 0755, 0, 0, NULL},
	{"shm", S_IFDIR | 01777, 0, 0, NULL},
	{"mqueue", S_IFDIR | 01777, 0, 0, NULL},
};

static int node_add_locked(struct dentry *dir, const struct dev_node *n)
{
	autoput(dentry) struct dentry *child = NULL;
	struct node_spec spec = {
		.mode = n->mode,
		.rdev = abi_makedev(n->major, n->minor),
		.target = n->target,
	};
	int err = dentry_lookup_locked(dir, n->name, strlen(n->name), &child);
	if (err < 0 || child->inode)
		return err;
	return dir->inode->ops->create(dir, child, &spec);
}

int devfs_populate(struct fs *fs)
{
	int err = 0;
	lock(&fs->root->inode->lock);
	for (size_t i = 0; i < ARRAY_SIZE(nodes) && err == 0; i++)
		err = node_add_locked(fs->root, &nodes[i]);
	unlock(&fs->root->inode->lock);
	return err;
}
