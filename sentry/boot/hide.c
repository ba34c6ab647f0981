/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that the container shall not see, or not change.
 *
 * A masked directory is covered by an empty read-only tmpfs, another masked
 * file by /dev/null; a read-only path is bound over itself.  What does not
 * exist needs neither.
 */
#include <errno.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

static int mask_directory(const struct walk *w, const struct path *where)
{
	const struct fs_source s = {"tmpfs", "size=4k,nr_inodes=1,mode=755", w->cred};
	struct fs *fs;
	int err = fs_mount_new("tmpfs", &s, &fs);
	if (err < 0)
		return err;
	return mount_add(w->fs->mounts, fs, NULL, where, "tmpfs",
			 MNT_READONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC);
}

static int mask_file(const struct walk *w, const struct path *where)
{
	struct path null;
	int err = path_walk(w, "/dev/null", &null);
	if (err < 0)
		return err;
	err = mount_bind(w->fs->mounts, &null, where, /*recursive=*/false);
	path_put(&null);
	return err;
}

static int mask(const struct walk *w, const char *name)
{
	struct path p;
	int err = path_walk(w, name, &p);
	if (err < 0)
		return err;
	err = S_ISDIR(p.dentry->inode->mode) ? mask_directory(w, &p) : mask_file(w, &p);
	path_put(&p);
	return err;
}

static int make_readonly(const struct walk *w, const char *name)
{
	struct path p, bound;
	int err = path_walk(w, name, &p);
	if (err < 0)
		return err;
	err = mount_bind(w->fs->mounts, &p, &p, /*recursive=*/true);
	path_put(&p);
	if (err < 0 || (err = path_walk(w, name, &bound)) < 0)
		return err;
	mount_set_flags(bound.mnt, bound.mnt->flags | MNT_READONLY);
	path_put(&bound);
	return 0;
}

static int each(char *const *paths, const struct walk *w,
		int (*fn)(const struct walk *w, const char *name), const char *what,
		struct boot_error *e)
{
	for (; paths && *paths; paths++) {
		int err = fn(w, *paths);
		if (err < 0 && err != -ENOENT && err != -ENOTDIR)
			return boot_fail(e, err, "cannot %s %s: %s", what, *paths, strerror(-err));
	}
	return 0;
}

int boot_hide(const struct boot_spec *s, const struct walk *w, struct boot_error *e)
{
	int err = each(s->masked_paths, w, mask, "mask", e);
	return err < 0 ? err : each(s->readonly_paths, w, make_readonly, "make read-only", e);
}
