/* SPDX-License-Identifier: Apache-2.0 */
/* The mount tree of a sandbox, from its description. */
#include <errno.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/cred/cred.h"
#include "sentry/fs/gofer/client.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

_Static_assert((int)BOOT_NAMESPACES == (int)NS_KINDS, "both are in the order of /proc/PID/ns");
_Static_assert((int)BOOT_READONLY == (int)MNT_READONLY && (int)BOOT_NOSUID == (int)MNT_NOSUID &&
	       (int)BOOT_NODEV == (int)MNT_NODEV && (int)BOOT_NOEXEC == (int)MNT_NOEXEC &&
	       (int)BOOT_NOATIME == (int)MNT_NOATIME && (int)BOOT_RELATIME == (int)MNT_RELATIME &&
	       (int)BOOT_NODIRATIME == (int)MNT_NODIRATIME &&
	       (int)BOOT_NOSYMFOLLOW == (int)MNT_NOSYMFOLLOW, "flags of mounts are passed on as they are");

static int overlay_new(struct gofer *g, unsigned root, struct fs **out)
{
	struct memfs_options o = {
		.name = "overlay",
		.lower = {.gofer = g, .root = root, .path = ""},
	};
	return memfs_new(&o, out);
}

static void boot_walk(struct walk *w, struct fsctx *fs, const struct cred *cred)
{
	*w = (struct walk){.fs = fs, .cred = cred};
}

/* What a mount is made of, as the steps below come to know it. */
struct making {
	const struct boot_container *c;
	const struct boot_spec *s;
	const struct boot_mount *m;
	const struct walk *w;
	bool existed;		/* the target, before us */
	struct path where;
};

static int dir_mode(const struct path *p, uint32_t *out)
{
	struct kstat st;
	int err = vfs_getattr(p, &st);
	if (err == 0)
		*out = st.mode & 07777;
	return err;
}

/* As runtimes do it: with the mode that the directory had, unless an option says otherwise. */
static int new_tmpfs(const struct making *k, struct fs **out)
{
	struct boot_tmpfs t = {.data = k->m->data, .mode = 01777};
	char path[4096];
	int err = k->existed ? dir_mode(&k->where, &t.mode) : 0;
	if (err == 0 && k->m->copy_up) {
		ssize_t n = path_format(&k->where, NULL, path, sizeof path);
		if (n < 0)
			return (int)n;
		struct gofer_attr attr;
		/* A directory that we have made has nothing below; another mount is not the image. */
		if (k->where.mnt != k->c->mounts->root)
			return -EXDEV;
		if (gofer_stat(k->s->gofer, 0, path + 1, &attr) == 0) {
			t.gofer = k->s->gofer;
			t.lower = path + 1;
		}
	}
	return err < 0 ? err : boot_tmpfs(&t, out);
}

static int new_fs(const struct making *k, struct fs **out)
{
	const struct boot_mount *m = k->m;
	if (strcmp(m->type, "bind") == 0)
		return m->write_through ? boot_bind(k->s->gofer, m, out)
					: overlay_new(k->s->gofer, m->root, out);
	if (strcmp(m->type, "tmpfs") == 0)
		return new_tmpfs(k, out);
	const struct fs_source s = {m->source, m->data ? m->data : "", k->w->cred};
	return fs_mount_new(m->type, &s, out);
}

static int mount_at(const struct making *k)
{
	const struct boot_mount *m = k->m;
	struct dentry *root = NULL;
	struct fs *fs;
	int err = m->device ? boot_device_fs(m->device, &fs, &root) : new_fs(k, &fs);
	if (err < 0)
		return err;
	err = mount_add(k->c->mounts, fs, root, &k->where, m->source,
			boot_is_dev(m) ? m->flags & ~(uint32_t)BOOT_READONLY : m->flags);
	if (root)
		dentry_put(root);
	return err;
}

static int mount_one(const struct boot_container *c, const struct boot_spec *s,
		     const struct boot_mount *m, const struct walk *w)
{
	struct making k = {.c = c, .s = s, .m = m, .w = w};
	int err = path_walk(w, m->target, &k.where);
	k.existed = err == 0;
	if (err < 0 && (err = boot_make_target(w, m->target, m->is_file)) == 0)
		err = path_walk(w, m->target, &k.where);
	if (err < 0)
		return err;
	err = mount_at(&k);
	path_put(&k.where);
	if (err == 0 && strcmp(m->type, "devpts") == 0 && path_walk(w, m->target, &k.where) == 0) {
		devpts_mounted(k.where.mnt);
		path_put(&k.where);
	}
	return err;
}

static const char *cause(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "changes cannot go to the host yet: make it read-only, or use --overlay=all";
	case -ENODEV:
		return "there is no such file system here";
	case -ENOTDIR:
		return "a directory cannot be mounted on a file, nor below one";
	case -ELOOP:
		return "too many symbolic links on the way";
	case -EXDEV:
		return "tmpcopyup copies from the root file system only, and this is another mount";
	default:
		return strerror(-err);
	}
}

/* As runc has it: made as mount points are, also where the root will be read-only. */
static void make_cwd(const struct boot_spec *s, const struct walk *w)
{
	struct path p;
	if (!s->as_init || !s->cwd || *s->cwd != '/')
		return;
	int err = path_walk(w, s->cwd, &p);
	if (err == 0)
		path_put(&p);
	else if (err == -ENOENT)
		boot_make_target(w, s->cwd, /*is_file=*/false); /* entering it says why not */
}

int container_root(struct boot_container *c, const struct boot_spec *s, struct boot_error *e)
{
	struct fs *root_fs;
	int err = s->root_write_through ? boot_root(s, &root_fs)
					: overlay_new(s->gofer, 0, &root_fs);
	if (err < 0)
		return boot_fail(e, err, "root file system: %s", cause(err));
	if (!s->root_write_through)
		boot_changes_of(c, root_fs);
	/* Read-only only once the mount points have been made. */
	err = mount_ns_new(root_fs, "overlay", MNT_RELATIME, &c->mounts);
	return err < 0 ? boot_fail(e, err, "out of memory") : 0;
}

int container_mounts(struct boot_container *c, const struct boot_spec *s, struct boot_error *e)
{
	struct fsctx *fs = NULL;
	struct path root;
	struct walk w;

	struct cred *cred = cred_new_root(CAP_ALL);
	if (!cred)
		return boot_fail(e, -ENOMEM, "out of memory");
	mount_ns_root(c->mounts, &root);
	int err = fsctx_new(c->mounts, root, root, &fs);
	path_put(&root);
	if (err == 0)
		boot_walk(&w, fs, cred);
	for (size_t i = 0; err == 0 && i < s->nmounts; i++)
		if ((err = mount_one(c, s, &s->mounts[i], &w)) < 0)
			boot_fail(e, err, "mount of %s on %s: %s", s->mounts[i].type,
				  s->mounts[i].target, cause(err));
	if (err == 0)
		err = boot_devices(s, &w, e);
	if (err == 0)
		make_cwd(s, &w);
	if (err == 0)
		err = boot_hide(s, &w, e);
	if (err == 0 && s->root_readonly)
		mount_set_flags(c->mounts->root, MNT_READONLY | MNT_RELATIME);
	if (fs)
		fsctx_put(fs);
	cred_put(cred);
	return err;
}

int boot_mounts(const struct boot_spec *s, struct boot_error *e)
{
	struct boot_container *c = boot_first;
	int err = container_root(c, s, e);
	if (err < 0)
		return err;
	/* Nobody has seen it yet. */
	c->mounts->ns.ino = s->ns_numbers[NS_MNT] ? s->ns_numbers[NS_MNT] : ns_about[NS_MNT].first;
	return container_mounts(c, s, e);
}
