/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path back to its name: getcwd, /proc/PID/{fd,cwd,exe,maps}.
 *
 * Written from the end of the buffer to its start, one file system at a time
 * with its rename_lock held.
 */
#include <stdio.h>
#include <string.h>

#include "sentry/vfs/internal.h"
#include "syscalls/abi/errno.h"

struct backwards {
	char *start, *at;
	bool full;
};

static void put_before(struct backwards *b, const char *s, size_t size)
{
	if (b->full || (size_t)(b->at - b->start) < size) {
		b->full = true;
		return;
	}
	b->at -= size;
	memcpy(b->at, s, size);
}

static ssize_t format_anon(const struct dentry *d, char *buf, size_t size)
{
	const char *label = d->name;
	size_t n = strlen(label);
	int r;

	if (*label == '[')
		r = snprintf(buf, size, "anon_inode:%s", label);
	else if (n && label[n - 1] == ':')
		r = snprintf(buf, size, "%s[%llu]", label, (unsigned long long)d->inode->ino);
	else
		r = snprintf(buf, size, "%s", label);
	return (size_t)r < size ? r : -ENAMETOOLONG;
}

/* Names from p up to root, or to the root of p's mount; p->dentry is where it stopped. */
static bool format_mount(struct path *p, const struct path *root, struct backwards *b)
{
	struct dentry *d = p->dentry;
	bool there;

	lock(&p->mnt->fs->rename_lock);
	for (;;) {
		there = root && root->mnt == p->mnt && root->dentry == d;
		if (there || d == p->mnt->root || d->parent == d)
			break;
		put_before(b, d->name, strlen(d->name));
		put_before(b, "/", 1);
		d = d->parent;
	}
	dentry_get(d);
	unlock(&p->mnt->fs->rename_lock);
	dentry_put(p->dentry);
	p->dentry = d;
	return there;
}

ssize_t path_format(const struct path *p, const struct path *root, char *buf, size_t size)
{
	struct backwards b = {.start = buf, .at = buf + size};
	struct path at = *p;
	bool reachable = true;

	if (anon_path_is(p))
		return format_anon(p->dentry, buf, size);
	put_before(&b, "", 1);
	lock(&p->dentry->lock);
	if (p->dentry->deleted)
		put_before(&b, " (deleted)", 10);
	unlock(&p->dentry->lock);
	char *tail = b.at;
	path_get(&at);
	while (!format_mount(&at, root, &b)) {
		if (at.dentry == at.mnt->root && mount_up(&at))
			continue;
		reachable = !root && at.dentry == at.mnt->root;
		break;
	}
	path_put(&at);
	if (b.at == tail)
		put_before(&b, "/", 1);
	if (!reachable)
		put_before(&b, "(unreachable)", 13);
	if (b.full)
		return -ENAMETOOLONG;
	size_t length = (size_t)(buf + size - b.at);
	memmove(buf, b.at, length);
	return (ssize_t)length - 1;
}
