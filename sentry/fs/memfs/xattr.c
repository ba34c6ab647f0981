/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: a short list in memory.  Those of a lower file are asked
 * of the gofer each time until the first change, which brings all of them up.
 */
#include "syscalls/abi/xattr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/memfs/private.h"

/* Bytes of names and values one inode may have; Linux bounds them by the file system's space. */
enum { XATTR_TOTAL_MAX = 1 << 20 };

static const char *const namespaces[] = {"user.", "trusted.", "security."};

static bool name_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		size_t size = strlen(namespaces[i]);
		if (strncmp(name, namespaces[i], size) == 0 && name[size] != '\0')
			return true;
	}
	return false;
}

static struct xattr *xattr_find(struct node *n, const char *name)
{
	struct xattr *x;
	list_for_each (x, &n->xattrs, link)
		if (strcmp(x->name, name) == 0)
			return x;
	return NULL;
}

static struct xattr *xattr_new(const char *name, const void *value, size_t size)
{
	size_t name_size = strlen(name) + 1;
	struct xattr *x = malloc(sizeof *x + size + name_size);
	if (!x)
		return NULL;
	list_init(&x->link);
	x->size = size;
	x->name = (char *)x->value + size;
	if (size > 0)
		memcpy(x->value, value, size);
	memcpy(x->name, name, name_size);
	return x;
}

static void xattr_free(struct xattr *x)
{
	list_del(&x->link);
	free(x);
}

void xattrs_free(struct node *n)
{
	struct xattr *x, *next;
	list_for_each_safe (x, next, &n->xattrs, link)
		xattr_free(x);
	budget_give(&n->m->pages, n->xattr_pages);
	n->xattr_pages = 0;
}

static size_t xattrs_total(struct node *n)
{
	struct xattr *x;
	size_t total = 0;
	list_for_each (x, &n->xattrs, link)
		total += x->size + strlen(x->name) + 1;
	return total;
}

/* They are memory of the file system as its contents are, in whole pages for each file. */
static int xattrs_charge(struct node *n, size_t total)
{
	uint32_t want = (uint32_t)(PAGE_ALIGN(total) >> PAGE_SHIFT);
	int err = want > n->xattr_pages ? budget_take(&n->m->pages, want - n->xattr_pages) : 0;
	if (err < 0)
		return err;
	if (want < n->xattr_pages)
		budget_give(&n->m->pages, n->xattr_pages - want);
	n->xattr_pages = want;
	return 0;
}

/* One attribute of the lower file into the list. */
static int bring_one(struct node *n, const char *path, const char *name)
{
	autofree char *value = malloc(XATTR_SIZE_MAX);
	if (!value)
		return -ENOMEM;
	ssize_t size = gofer_getxattr(n->m->gofer, n->m->root, path, name, value, XATTR_SIZE_MAX);
	if (size == -ENODATA)
		return 0;
	if (size < 0)
		return (int)size;
	struct xattr *x = xattr_new(name, value, (size_t)size);
	if (!x)
		return -ENOMEM;
	list_append(&n->xattrs, &x->link);
	return 0;
}

/* Makes the list complete. */
static int bring_up(struct node *n)
{
	char path[GOFER_PATH_MAX + 1];
	node_altered(n->inode);
	if (n->own_xattrs || !n->origin) {
		n->own_xattrs = true;
		return 0;
	}
	autofree char *names = malloc(XATTR_LIST_MAX);
	if (!names)
		return -ENOMEM;
	int err = origin_path(n->origin, path);
	if (err < 0)
		return err;
	ssize_t size = gofer_listxattr(n->m->gofer, n->m->root, path, names, XATTR_LIST_MAX);
	if (size < 0 && size != -EOPNOTSUPP)
		return (int)size;
	for (ssize_t at = 0; at < size && err == 0; at += (ssize_t)strlen(names + at) + 1) {
		if (!memchr(names + at, '\0', (size_t)(size - at)))
			err = -EIO;
		else if (name_known(names + at))
			err = bring_one(n, path, names + at);
	}
	if (err < 0)
		xattrs_free(n);
	n->own_xattrs = err == 0;
	return err;
}

static ssize_t value_copy(const void *value, size_t have, void *buf, size_t size)
{
	if (size == 0)
		return (ssize_t)have;
	if (have > size)
		return -ERANGE;
	memcpy(buf, value, have);
	return (ssize_t)have;
}

/* Each exec asks for this one, and hardly a file has it. */
static bool is_caps(const char *name)
{
	return strcmp(name, "security.capability") == 0;
}

static ssize_t get_locked(struct node *n, const char *name, void *buf, size_t size)
{
	char path[GOFER_PATH_MAX + 1];
	if (n->own_xattrs || !n->origin) {
		struct xattr *x = xattr_find(n, name);
		return x ? value_copy(x->value, x->size, buf, size) : -ENODATA;
	}
	if (n->capless && is_caps(name))
		return -ENODATA;
	int err = origin_path(n->origin, path);
	if (err < 0)
		return err;
	ssize_t got = gofer_getxattr(n->m->gofer, n->m->root, path, name, buf, size);
	/* What the lower file system cannot store, ours could: it is just not there. */
	if (got == -EOPNOTSUPP)
		got = -ENODATA;
	if (is_caps(name))
		n->capless = got == -ENODATA;
	return got;
}

ssize_t memfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	if (!name_known(name))
		return -EOPNOTSUPP;
	lock(&i->lock);
	ssize_t ret = get_locked(node_of(i), name, buf, size);
	unlock(&i->lock);
	return ret;
}

static int set_locked(struct node *n, const char *name, const void *buf, size_t size, int flags)
{
	int err = bring_up(n);
	if (err < 0)
		return err;
	struct xattr *old = xattr_find(n, name);
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	if (xattrs_total(n) + size + strlen(name) + 1 > XATTR_TOTAL_MAX)
		return -ENOSPC;
	err = xattrs_charge(n, xattrs_total(n) + size + strlen(name) + 1);
	if (err < 0)
		return err;
	struct xattr *x = xattr_new(name, buf, size);
	if (x)
		list_append(&n->xattrs, &x->link);
	if (x && old)
		xattr_free(old);
	xattrs_charge(n, xattrs_total(n));
	return x ? 0 : -ENOMEM;
}

int memfs_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags)
{
	if (!name_known(name))
		return -EOPNOTSUPP;
	lock(&i->lock);
	int err = set_locked(node_of(i), name, buf, size, flags);
	if (err == 0)
		inode_touch_locked(i, ATTR_CTIME);
	unlock(&i->lock);
	return err;
}

static int remove_locked(struct node *n, const char *name)
{
	int err = bring_up(n);
	if (err < 0)
		return err;
	struct xattr *x = xattr_find(n, name);
	if (!x)
		return -ENODATA;
	xattr_free(x);
	xattrs_charge(n, xattrs_total(n));
	return 0;
}

int memfs_removexattr(struct inode *i, const char *name)
{
	if (!name_known(name))
		return -EOPNOTSUPP;
	lock(&i->lock);
	int err = remove_locked(node_of(i), name);
	if (err == 0)
		inode_touch_locked(i, ATTR_CTIME);
	unlock(&i->lock);
	return err;
}

static ssize_t list_locked(struct node *n, char *buf, size_t size)
{
	char path[GOFER_PATH_MAX + 1];
	if (!n->own_xattrs && n->origin) {
		int err = origin_path(n->origin, path);
		if (err < 0)
			return err;
		ssize_t got = gofer_listxattr(n->m->gofer, n->m->root, path, buf, size);
		return got == -EOPNOTSUPP ? 0 : got;
	}
	struct xattr *x;
	size_t at = 0;
	list_for_each (x, &n->xattrs, link) {
		size_t name_size = strlen(x->name) + 1;
		if (size > 0 && name_size > size - at)
			return -ERANGE;
		if (size > 0)
			memcpy(buf + at, x->name, name_size);
		at += name_size;
	}
	return (ssize_t)at;
}

ssize_t memfs_listxattr(struct inode *i, char *buf, size_t size)
{
	lock(&i->lock);
	ssize_t ret = list_locked(node_of(i), buf, size);
	unlock(&i->lock);
	return ret;
}

void xattrs_drop_caps_locked(struct inode *i)
{
	struct node *n = node_of(i);
	/* Only executables have any: spares every other file the question to the gofer. */
	if (!(i->mode & 0111) || (n->own_xattrs && list_empty(&n->xattrs)))
		return;
	remove_locked(n, "security.capability");
}
