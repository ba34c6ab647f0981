/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points that the image does not have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/stat.h"

enum { PATH_SIZE = 4096, LINKS_MAX = 40 };

/* Where the link `part` leads to, with `rest` behind it, into out. */
static int through_link(const struct walk *w, const char *part, const char *rest, char *out)
{
	struct walk nofollow = *w;
	char to[PATH_SIZE];
	struct path p;
	nofollow.flags |= WALK_NOFOLLOW;
	int err = path_walk(&nofollow, part, &p);
	if (err < 0)
		return err;
	ssize_t n = S_ISLNK(p.dentry->inode->mode) ? vfs_readlink(&p, to, sizeof to - 1) : -EEXIST;
	path_put(&p);
	if (n < 0)
		return (int)n;
	to[n] = '\0';
	int dir = to[0] == '/' ? 0 : (int)(strrchr(part, '/') - part) + 1;
	int size = snprintf(out, PATH_SIZE, "%.*s%s%s", dir, part, to, rest);
	return size >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

/* One name more; -EEXIST: it is a link that leads nowhere yet. */
static int make_part(const struct walk *w, const char *part, bool file)
{
	struct path p;
	int err = path_walk(w, part, &p);
	if (err == 0)
		path_put(&p);
	else if (err == -ENOENT && file)
		err = vfs_mknod(w, part, S_IFREG | 0644, 0);
	else if (err == -ENOENT)
		err = vfs_mkdir(w, part, 0755);
	return err;
}

/* 1: *target is to be begun again. */
static int make_parts(const struct walk *w, char *target, bool is_file)
{
	char part[PATH_SIZE], next[PATH_SIZE];
	const char *s = target + 1;
	for (;;) {
		s += strspn(s, "/");
		s += strcspn(s, "/");
		bool last = s[strspn(s, "/")] == '\0';
		snprintf(part, sizeof part, "%.*s", (int)(s - target), target);
		int err = make_part(w, part, last && is_file);
		if (err == -EEXIST) {
			err = through_link(w, part, s, next);
			if (err == 0)
				strcpy(target, next);
			return err < 0 ? err : 1;
		}
		if (err < 0 || last)
			return err;
	}
}

int boot_make_target(const struct walk *w, const char *target, bool is_file)
{
	char path[PATH_SIZE];
	if (snprintf(path, sizeof path, "%s", target) >= (int)sizeof path)
		return -ENAMETOOLONG;
	for (int links = 0; links < LINKS_MAX; links++) {
		int err = make_parts(w, path, is_file);
		if (err <= 0)
			return err;
	}
	return -ELOOP;
}
