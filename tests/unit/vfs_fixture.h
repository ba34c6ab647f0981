/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount namespace on a fresh tmpfs, and somebody who walks in it: root, or
 * (user) uid and gid 1000 without capabilities.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sentry/cred/cred.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"

struct world {
	struct mount_ns *ns;
	struct fsctx *fs;
	struct cred *root, *user;
	struct walk w;		/* as root */
	struct walk u;		/* as user */
};

static inline struct fs *tmpfs_new(void)
{
	const struct memfs_options o = {.name = "tmpfs", .mode = 0755};
	struct fs *fs;
	assert_int_equal(memfs_new(&o, &fs), 0);
	return fs;
}

static inline int world_new(void **state)
{
	struct world *x = calloc(1, sizeof *x);
	assert_int_equal(mount_ns_new(tmpfs_new(), "tmpfs", 0, &x->ns), 0);
	struct path root = {x->ns->root, x->ns->root->root};
	assert_int_equal(fsctx_new(x->ns, root, root, &x->fs), 0);
	x->fs->umask = 0;
	x->root = cred_new_root(CAP_ALL);
	x->user = cred_copy(x->root, 0);
	x->user->cap_effective = x->user->cap_permitted = 0;
	x->user->fsuid = x->user->euid = x->user->ruid = x->user->suid = 1000;
	x->user->fsgid = x->user->egid = x->user->rgid = x->user->sgid = 1000;
	x->w = (struct walk){.fs = x->fs, .cred = x->root};
	x->u = (struct walk){.fs = x->fs, .cred = x->user};
	*state = x;
	return 0;
}

static inline int world_free(void **state)
{
	struct world *x = *state;
	fsctx_put(x->fs);
	mount_ns_put(x->ns);
	cred_put(x->root);
	cred_put(x->user);
	free(x);
	return 0;
}

/* An empty file. */
static inline int touch(const struct walk *w, const char *name, uint32_t mode)
{
	struct file *f;
	int err = vfs_open(w, name, O_CREAT | O_WRONLY, mode, &f);
	if (err == 0)
		file_put(f);
	return err;
}

/* 0 if the walk succeeds. */
static inline int walks(const struct walk *w, const char *name, uint32_t flags)
{
	struct walk copy = *w;
	struct path p;
	copy.flags |= flags;
	int err = path_walk(&copy, name, &p);
	if (err == 0)
		path_put(&p);
	return err;
}

/* The path that a name leads to, as getcwd would print it; the next call reuses the buffer. */
static inline const char *shown(struct world *x, const char *name)
{
	static char buf[4096];
	struct path p;
	assert_int_equal(path_walk(&x->w, name, &p), 0);
	assert_true(path_format(&p, &x->fs->root, buf, sizeof buf) > 0);
	path_put(&p);
	return buf;
}

#define VFS_TEST(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)
