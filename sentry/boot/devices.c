/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's /dev: the nodes of its description, the links that the OCI
 * runtime specification promises, and the console.
 *
 * A node may have any number; who answers for it is the registry of devfs, and
 * where nobody does open(2) is ENXIO, as on a kernel without that driver.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/cred/cred.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

static bool is_on_dev(const struct boot_mount *m)
{
	size_t n = strspn(m->target, "/");
	const char *name = m->target + n;
	return strncmp(name, "dev", 3) == 0 && name[3 + strspn(name + 3, "/")] == '\0';
}

static bool is_bind(const struct boot_mount *m)
{
	return strcmp(m->type, "bind") == 0;
}

bool boot_is_dev(const struct boot_mount *m)
{
	return is_on_dev(m) && !is_bind(m);
}

/* NULL: what is on /dev in the end is the host's, and nothing is to be made or replaced there. */
static const struct boot_mount *dev_of(const struct boot_spec *s)
{
	const struct boot_mount *m = NULL;
	for (size_t i = 0; i < s->nmounts; i++)
		if (is_on_dev(&s->mounts[i]))
			m = is_bind(&s->mounts[i]) ? NULL : &s->mounts[i];
	return m;
}

/* Parents as for a mount point; what has the name gives way, unless it is a mount: that stays. */
static int make_node(const struct walk *w, const struct boot_device *d)
{
	struct iattr own = {.mask = ATTR_MODE | ATTR_UID | ATTR_GID,
			    .mode = d->mode & 07777,
			    .uid = d->uid,
			    .gid = d->gid};
	struct walk nofollow = *w;
	char parent[4096];
	struct path p;
	nofollow.flags |= WALK_NOFOLLOW;
	snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(d->path, '/') - d->path), d->path);
	int err = *parent ? boot_make_target(w, parent, /*is_file=*/false) : 0;
	if (err == 0)
		err = vfs_mknod(w, d->path, d->mode, abi_makedev(d->major, d->minor));
	if (err == -EEXIST && (err = vfs_unlink(w, d->path)) == 0)
		err = vfs_mknod(w, d->path, d->mode, abi_makedev(d->major, d->minor));
	if (err == -EBUSY)
		return 0;
	/* The umask of nobody stood between: exactly that mode. */
	if (err < 0 || (err = path_walk(&nofollow, d->path, &p)) < 0)
		return err;
	err = vfs_setattr(&p, w->cred, &own);
	path_put(&p);
	return err;
}

static int make_links(const struct walk *w)
{
	static const struct {
		const char *name, *target;
	} links[] = {
		{"/dev/fd", "/proc/self/fd"},	    {"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
		{"/dev/ptmx", "pts/ptmx"},
	};
	int err = 0;
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(links); i++) {
		err = vfs_symlink(w, links[i].target, links[i].name);
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

/* Read-only only now that everything has been made in it, what the console is mounted on too. */
static int seal(const struct walk *w, const struct boot_mount *m, bool terminal)
{
	struct path p;
	if (!(m->flags & BOOT_READONLY))
		return 0;
	int err = terminal ? boot_make_target(w, "/dev/console", /*is_file=*/true) : 0;
	if (err == 0)
		err = path_walk(w, m->target, &p);
	if (err < 0)
		return err;
	err = mount_set_flags(p.mnt, m->flags);
	path_put(&p);
	return err;
}

int boot_devices(const struct boot_spec *s, const struct walk *w, struct boot_error *e)
{
	const struct boot_mount *dev = dev_of(s);
	int err = 0;
	if (!dev)
		return 0;
	for (size_t i = 0; i < s->ndevices; i++)
		if ((err = make_node(w, &s->devices[i])) < 0)
			return boot_fail(e, err, "cannot make the device %s: %s",
					 s->devices[i].path, strerror(-err));
	if (s->ndevices && (err = make_links(w)) < 0)
		return boot_fail(e, err, "cannot make the links of /dev: %s", strerror(-err));
	err = seal(w, dev, s->terminal);
	return err < 0 ? boot_fail(e, err, "cannot make /dev read-only: %s", strerror(-err)) : 0;
}

int boot_device_fs(const struct boot_device *d, struct fs **out, struct dentry **out_node)
{
	struct memfs_options o = {.name = "tmpfs", .mode = 0755};
	struct node_spec spec = {
		.mode = d->mode,
		.rdev = abi_makedev(d->major, d->minor),
		.uid = d->uid,
		.gid = d->gid,
	};
	struct dentry *node = NULL;
	struct fs *fs;
	int err = memfs_new(&o, &fs);
	if (err < 0)
		return err;
	struct dentry *dir = fs->root;
	lock(&dir->inode->lock);
	err = dentry_lookup_locked(dir, "node", 4, &node);
	if (err == 0)
		err = dir->inode->ops->create(dir, node, &spec);
	unlock(&dir->inode->lock);
	if (err < 0) {
		if (node)
			dentry_put(node);
		fs_put(fs);
		return err;
	}
	*out = fs;
	*out_node = node;
	return 0;
}

int boot_console(const struct boot_spec *s, const struct hosttty_set *set, struct fsctx *fs)
{
	struct path name, where;
	if (!dev_of(s) || hosttty_path(set, &name) < 0)
		return 0;
	struct cred *cred = cred_new_root(CAP_ALL);
	struct walk w = {.fs = fs, .cred = cred};
	int err = cred ? 0 : -ENOMEM;
	if (err == 0 && (err = path_walk(&w, "/dev/console", &where)) == 0)
		path_put(&where);
	if (err == -ENOENT)
		err = boot_make_target(&w, "/dev/console", /*is_file=*/true);
	if (err == 0 && (err = path_walk(&w, "/dev/console", &where)) == 0) {
		err = mount_bind(fs->mounts, &name, &where, /*recursive=*/false);
		path_put(&where);
	}
	path_put(&name);
	if (cred)
		cred_put(cred);
	return err;
}
