/* SPDX-License-Identifier: Apache-2.0 */
/* The mount tree of a sandbox, from its description. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/cred/cred.h"
#include "sentry/fs/devfs/devfs.h"
#include "sentry/fs/gofer/client.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/res/resources.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/stat.h"

_Static_assert((int)BOOT_READONLY == (int)MNT_READONLY && (int)BOOT_NOSUID == (int)MNT_NOSUID &&
	       (int)BOOT_NODEV == (int)MNT_NODEV && (int)BOOT_NOEXEC == (int)MNT_NOEXEC &&
	       (int)BOOT_NOATIME == (int)MNT_NOATIME && (int)BOOT_RELATIME == (int)MNT_RELATIME &&
	       (int)BOOT_NODIRATIME == (int)MNT_NODIRATIME, "flags of mounts are passed on as they are");

/* Value of `key=` in a comma separated list, or NULL; *out_size without the comma. */
static const char *option(const char *data, const char *key, size_t *out_size)
{
	size_t n = strlen(key);
	for (const char *p = data; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (strncmp(p, key, n) == 0 && p[n] == '=') {
			*out_size = strcspn(p + n + 1, ",");
			return p + n + 1;
		}
	}
	return NULL;
}

/* "64m", "1g", "4096", "50%" (of the memory).  -EINVAL. */
static int parse_size(const char *v, size_t n, uint64_t *out)
{
	char *end;
	if (n == 0 || v[0] < '0' || v[0] > '9')
		return -EINVAL;
	errno = 0;
	uint64_t x = strtoull(v, &end, 10);
	if (errno)
		return -EINVAL;
	uint64_t unit = 1;
	if (end < v + n) {
		const char *units = "kmg", *u = strchr(units, *end | 0x20);
		if (*end == '%') {
			if (end + 1 != v + n || __builtin_mul_overflow(x, resources_memory(), out))
				return -EINVAL;
			*out /= 100;
			return 0;
		}
		if (!u || end + 1 != v + n)
			return -EINVAL;
		unit = 1024ull << (10 * (u - units));
	}
	return __builtin_mul_overflow(x, unit, out) ? -EINVAL : 0;
}

static int parse_number(const char *v, size_t n, int base, uint32_t *out)
{
	char *end;
	unsigned long x = strtoul(v, &end, base);
	if (n == 0 || end != v + n || x > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)x;
	return 0;
}

/* Linux refuses what it does not know: a misspelt limit would be none. */
static int known_options(const char *data)
{
	static const char *const known[] = {"size", "nr_blocks", "nr_inodes", "mode",	 "uid",
					    "gid",  "huge",	 "mpol",      "inode32", "inode64"};
	for (const char *p = data; p && *p;) {
		size_t n = strcspn(p, ","), name = strcspn(p, ",="), i = 0;
		while (i < ARRAY_SIZE(known) &&
		       (strlen(known[i]) != name || strncmp(known[i], p, name) != 0))
			i++;
		if (n > 0 && i == ARRAY_SIZE(known))
			return -EINVAL;
		p += n + (p[n] == ',');
	}
	return 0;
}

static int tmpfs_options(const char *data, struct memfs_options *o)
{
	size_t n;
	const char *v;
	int err = known_options(data);
	if (err == 0 && (v = option(data, "size", &n)))
		err = parse_size(v, n, &o->size_limit);
	if (err == 0 && (v = option(data, "nr_blocks", &n))) {
		err = parse_size(v, n, &o->size_limit);
		if (err == 0 && __builtin_mul_overflow(o->size_limit, PAGE_SIZE, &o->size_limit))
			err = -EINVAL;
	}
	if (err == 0 && (v = option(data, "mode", &n)))
		err = parse_number(v, n, 8, &o->mode);
	if (err == 0 && (v = option(data, "uid", &n)))
		err = parse_number(v, n, 10, &o->uid);
	if (err == 0 && (v = option(data, "gid", &n)))
		err = parse_number(v, n, 10, &o->gid);
	if (err == 0 && (v = option(data, "nr_inodes", &n)))
		err = parse_size(v, n, &o->inode_limit);
	o->mode &= 07777;
	return err;
}

static int make_tmpfs(const char *source, const char *data, struct fs **out)
{
	/* tmpfs(5): half of the memory unless told otherwise. */
	struct memfs_options o = {.name = "tmpfs", .mode = 01777,
				  .size_limit = resources_memory() / 2};
	(void)source;
	int err = tmpfs_options(data, &o);
	return err < 0 ? err : memfs_new(&o, out);
}

static int make_devtmpfs(const char *source, const char *data, struct fs **out)
{
	struct memfs_options o = {.name = "devtmpfs", .mode = 0755};
	(void)source;
	int err = tmpfs_options(data, &o);
	if (err == 0)
		err = memfs_new(&o, out);
	return err < 0 ? err : devfs_populate(*out);
}

int boot_register(void)
{
	int err = fs_register("tmpfs", make_tmpfs);
	if (err == 0)
		err = fs_register("devtmpfs", make_devtmpfs);
	if (err == 0)
		err = devfs_init();
	if (err == 0)
		err = boot_register_more();
	return err;
}

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

/* Makes what the mount point lacks, parents included: runc does, and images rely on it. */
static int make_target(const struct walk *w, const char *target, bool is_file)
{
	char part[4096];
	struct path p;
	int err = 0;
	for (const char *s = target + 1; err == 0; s++) {
		s += strcspn(s, "/");
		bool last = *s == '\0';
		size_t n = (size_t)(s - target);
		if (n >= sizeof part)
			return -ENAMETOOLONG;
		memcpy(part, target, n);
		part[n] = '\0';
		err = path_walk(w, part, &p);
		if (err == 0)
			path_put(&p);
		else if (err == -ENOENT && last && is_file)
			err = vfs_mknod(w, part, S_IFREG | 0644, 0);
		else if (err == -ENOENT)
			err = vfs_mkdir(w, part, 0755);
		if (last)
			break;
	}
	return err;
}

static int mount_one(const struct boot_spec *s, const struct boot_mount *m, const struct walk *w)
{
	struct fs *fs;
	struct path where;
	int err = make_target(w, m->target, m->is_file);
	if (err == 0)
		err = path_walk(w, m->target, &where);
	if (err < 0)
		return err;
	if (strcmp(m->type, "bind") == 0)
		err = m->write_through ? boot_bind(s->gofer, m, &fs)
				       : overlay_new(s->gofer, m->root, &fs);
	else
		err = fs_mount_new(m->type, m->source, m->data ? m->data : "", &fs);
	if (err == -ENODEV) {
		path_put(&where);
		return 0;
	}
	if (err == 0)
		err = mount_add(boot_ns, fs, NULL, &where, m->source, m->flags);
	path_put(&where);
	if (err == 0 && strcmp(m->type, "devpts") == 0 && path_walk(w, m->target, &where) == 0) {
		devpts_mounted(where.mnt);
		path_put(&where);
	}
	return err;
}

static bool has_devtmpfs(const struct boot_spec *s)
{
	for (size_t i = 0; i < s->nmounts; i++)
		if (strcmp(s->mounts[i].target, "/dev") == 0)
			return strcmp(s->mounts[i].type, "devtmpfs") == 0;
	return false;
}

int boot_console(const struct boot_spec *s, struct fsctx *fs)
{
	struct path name, where;
	struct walk w;
	if (!has_devtmpfs(s) || boot_terminal_path(&name) < 0)
		return 0;
	struct cred *cred = cred_new_root(CAP_ALL);
	int err = cred ? 0 : -ENOMEM;
	boot_walk(&w, fs, cred);
	if (err == 0)
		err = make_target(&w, "/dev/console", /*is_file=*/true);
	if (err == 0 && (err = path_walk(&w, "/dev/console", &where)) == 0) {
		err = mount_bind(boot_ns, &name, &where, /*recursive=*/false);
		path_put(&where);
	}
	path_put(&name);
	if (cred)
		cred_put(cred);
	return err;
}

static const char *cause(int err)
{
	if (err == -EOPNOTSUPP)
		return "changes cannot go to the host yet: make it read-only, or use --overlay=all";
	return strerror(-err);
}

int boot_mounts(const struct boot_spec *s, struct boot_error *e)
{
	struct fs *root_fs;
	struct fsctx *fs = NULL;
	struct path root;
	struct walk w;

	int err = s->root_write_through ? boot_root(s, &root_fs)
					: overlay_new(s->gofer, 0, &root_fs);
	if (err < 0)
		return boot_fail(e, err, "root file system: %s", cause(err));
	/* Read-only only once the mount points have been made. */
	err = mount_ns_new(root_fs, "overlay", MNT_RELATIME, &boot_ns);
	struct cred *cred = err == 0 ? cred_new_root(CAP_ALL) : NULL;
	if (!cred)
		return boot_fail(e, -ENOMEM, "out of memory");
	boot_ns->ns.ino = ns_about[NS_MNT].first; /* nobody has seen it yet */
	mount_ns_root(boot_ns, &root);
	err = fsctx_new(boot_ns, root, root, &fs);
	path_put(&root);
	if (err == 0)
		boot_walk(&w, fs, cred);
	for (size_t i = 0; err == 0 && i < s->nmounts; i++)
		if ((err = mount_one(s, &s->mounts[i], &w)) < 0)
			boot_fail(e, err, "mount of %s on %s: %s", s->mounts[i].type,
				  s->mounts[i].target, cause(err));
	if (err == 0)
		err = boot_hide(s, &w, e);
	if (err == 0 && s->root_readonly)
		mount_set_flags(boot_ns->root, MNT_READONLY | MNT_RELATIME);
	if (fs)
		fsctx_put(fs);
	cred_put(cred);
	return err;
}
