/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

static const char *const words[] = {
	[OVERLAY_MEMORY] = "memory", [OVERLAY_ALL] = "all", [OVERLAY_NONE] = "none"};

bool overlay_parse(const char *arg, struct overlay *out)
{
	if (strncmp(arg, "dir:", 4) == 0) {
		*out = (struct overlay){OVERLAY_DIR, arg + 4, true};
		return arg[4] != '\0';
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(arg, words[i]) == 0) {
			*out = (struct overlay){(enum overlay_kind)i, NULL, true};
			return true;
		}
	}
	return false;
}

static int fail(const struct overlay *o, struct error *e, const char *what)
{
	int err = -errno;
	return error_set(e, err, "--overlay=dir:%s: cannot %s: %s", o->path, what, strerror(-err));
}

/* What is seen of the upper layer's top directory is the root's owner, mode and times. */
static int copy_top(int upper, int lower)
{
	struct stat st;
	if (fstat(lower, &st) < 0)
		return -1;
	const struct timespec ts[2] = {st.st_atim, st.st_mtim};
	/* An ordinary user's upper layer is the user's. */
	if (fchown(upper, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return -1;
	return fchmod(upper, st.st_mode & 07777) < 0 || futimens(upper, ts) < 0 ? -1 : 0;
}

static int make_upper(int base, int lower)
{
	if (mkdirat(base, "upper", 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	autoclose int upper =
		openat(base, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return upper < 0 ? -1 : copy_top(upper, lower);
}

/*
 * What the host's overlayfs says in attributes that only a privileged process can read: the gofer
 * is none.  An opaque directory is said to be one in its words; what it does not understand ends
 * it.
 */
static const char *odd;

static int adopt_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char value = 0;
	(void)st;
	(void)at;
	if (type != FTW_D && type != FTW_F)
		return type == FTW_DNR ? -1 : 0;
	static const char *const unknown[] = {"trusted.overlay.redirect", "user.overlay.redirect",
					      "trusted.overlay.metacopy", "user.overlay.metacopy"};
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		if (lgetxattr(path, unknown[i], NULL, 0) >= 0) {
			odd = unknown[i];
			return -1;
		}
	}
	if (type == FTW_D && lgetxattr(path, "trusted.overlay.opaque", &value, 1) == 1 &&
	    value == 'y')
		return lsetxattr(path, "user.overlay.opaque", "y", 1, 0);
	return 0;
}

static int adopt(const struct overlay *o, struct error *e)
{
	char path[PATH_MAX];
	odd = NULL;
	if (snprintf(path, sizeof path, "%s/upper", o->path) >= (int)sizeof path)
		return error_set(e, -ENAMETOOLONG, "--overlay=dir:%s: too long", o->path);
	if (nftw(path, adopt_one, 32, FTW_PHYS | FTW_MOUNT) == 0)
		return 0;
	if (odd)
		return error_set(e, -EOPNOTSUPP,
				 "--overlay=dir:%s: the host has used it with redirect_dir or "
				 "metacopy (%s), which is not understood: mount it without them",
				 o->path, odd);
	return fail(o, e, "read its upper layer");
}

int overlay_open(const struct overlay *o, struct gofer_root *root, struct error *e)
{
	if (mkdir(o->path, 0700) < 0 && errno != EEXIST)
		return fail(o, e, "make it");
	autoclose int base = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return fail(o, e, "open it");
	if (flock(base, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? error_set(e, -EBUSY, "--overlay=dir:%s: another sandbox uses it",
					   o->path)
			       : fail(o, e, "lock it");
	if ((mkdirat(base, "work", 0700) < 0 && errno != EEXIST) || make_upper(base, root->fd) < 0)
		return fail(o, e, "make `upper' and `work' in it");
	int err = adopt(o, e);
	if (err < 0)
		return err;
	root->layered = true;
	root->lower_fd = root->fd;
	root->fd = STEAL_FD(base);
	return 0;
}

char *overlay_inside(const struct overlay *o, const char *root)
{
	autofree char *path = realpath(o->path, NULL), *top = realpath(root, NULL);
	if (!path || !top)
		return NULL;
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
	return strncmp(path, top, n) == 0 && path[n] == '/' ? strdup(path + n) : NULL;
}

char *overlay_text(const struct overlay *o)
{
	autofree char *path = o->kind == OVERLAY_DIR ? realpath(o->path, NULL) : NULL;
	char *text;
	if (o->kind != OVERLAY_DIR)
		return strdup(words[o->kind]);
	return asprintf(&text, "dir:%s", path ? path : o->path) < 0 ? NULL : text;
}
