/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture's tree T/rw, mounted as a root, and what its tests do with it. */
#pragma once

#define FIXTURE_WATCH true
#include "gofer_fixture.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "sentry/cred/cred.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/vfs/namei.h"

static enum goferfs_kind kind = GOFERFS_SHARED;

/* The fixture's tree T/rw, mounted as a root. */
struct at {
	struct fixture *f;
	struct mount_ns *ns;
	struct fsctx *fs;
	struct cred *cred;
	struct walk w;
};

static void at_begin(struct at *a, void **state, unsigned root)
{
	struct fs *fs;
	*a = (struct at){.f = *state};
	assert_int_equal(goferfs_new(a->f->g, root, kind, &fs), 0);
	assert_int_equal(mount_ns_new(fs, "host", 0, &a->ns), 0);
	struct path top = {a->ns->root, a->ns->root->root};
	assert_int_equal(fsctx_new(a->ns, top, top, &a->fs), 0);
	a->cred = cred_new_root(CAP_ALL);
	a->w = (struct walk){.fs = a->fs, .cred = a->cred};
	/* As whoever runs the test: the gofer may not be allowed to give files away. */
	a->cred->fsuid = a->cred->euid = getuid();
	a->cred->fsgid = a->cred->egid = getgid();
}

static void at_end(struct at *a)
{
	fsctx_put(a->fs);
	mount_ns_put(a->ns);
	cred_put(a->cred);
}

static const char *host(struct at *a, const char *name)
{
	static __thread char path[4][256];
	static __thread int turn;
	char *p = path[turn++ % 4];
	snprintf(p, 256, "%s/rw/%s", a->f->dir, name);
	return p;
}

static struct file *open_at_mode(struct at *a, const char *name, uint32_t flags, uint32_t mode)
{
	struct file *f;
	assert_int_equal(vfs_open(&a->w, name, flags, mode, &f), 0);
	return f;
}

static ssize_t put(struct file *f, const char *text, int64_t *pos)
{
	struct uio u;
	uio_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	return file_write(f, &u, pos, false);
}

static void reads(struct file *f, const char *text)
{
	char buf[100] = "";
	int64_t pos = 0;
	struct uio u;
	uio_kernel(&u, buf, sizeof buf - 1);
	assert_int_equal(file_read(f, &u, &pos, false), strlen(text));
	assert_string_equal(buf, text);
}

static int look(struct at *a, const char *name, struct kstat *out)
{
	struct path p;
	struct walk w = a->w;
	w.flags |= WALK_NOFOLLOW;
	int err = path_walk(&w, name, &p);
	if (err < 0)
		return err;
	err = vfs_getattr(&p, out);
	path_put(&p);
	return err;
}
