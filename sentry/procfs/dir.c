/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: a table of names, then numbers.
 *
 * Positions of readdir: 0 and 1 for the dots, 2 + i for entry i of the table,
 * NUMBERS_AT + n for the number n; so they mean the same after a change.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/procfs/tree.h"
#include "sentry/vfs/dentry.h"
#include "syscalls/abi/dirent.h"
#include "syscalls/abi/fcntl.h"

enum { NUMBERS_AT = 1024, NUMBER_MAX = 1 << 22 };

int proc_parse_number(const char *name, size_t size)
{
	int n = 0;

	if (size == 0 || size > 7 || (name[0] == '0' && size > 1))
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

/* The node of a child of dir, by table entry; whom it is about comes from dir. */
static struct proc_node table_node(const struct proc_node *dir, unsigned i)
{
	const struct proc_table *t = dir->entry->table;
	struct proc_node n = *dir;
	n.entry = &t->entries[i];
	n.kind = t->base + i;
	return n;
}

static struct proc_node number_node(const struct proc_node *dir)
{
	struct proc_node n = *dir;
	n.entry = dir->entry->numbers->entry;
	n.kind = dir->entry->numbers->id;
	return n;
}

static int lookup_table(struct fs *fs, const struct proc_node *dir, const char *name, size_t size,
			struct inode **out)
{
	const struct proc_table *t = dir->entry->table;

	for (unsigned i = 0; t && i < t->count; i++) {
		const char *have = t->entries[i].name;
		if (strncmp(have, name, size) != 0 || have[size])
			continue;
		struct proc_node n = table_node(dir, i);
		return proc_left_out(fs, &n) ? -ENOENT : proc_inode_new(fs, &n, out);
	}
	return -ENOENT;
}

static int lookup_number(struct fs *fs, const struct proc_node *dir, const char *name, size_t size,
			 struct inode **out)
{
	const struct proc_numbers *numbers = dir->entry->numbers;
	size_t skip = numbers && numbers->prefix ? strlen(numbers->prefix) : 0;
	if (!numbers || size < skip || (skip && strncmp(name, numbers->prefix, skip) != 0))
		return -ENOENT;
	int nr = proc_parse_number(name + skip, size - skip);
	if (nr < 0)
		return -ENOENT;
	struct proc_node n = number_node(dir);
	n.group = NULL;
	int err = numbers->find(dir, (unsigned)nr, &n);
	if (err == 0 && proc_hidden(fs, &n, HIDE_PTRACEABLE))
		err = -ENOENT;
	if (err == 0)
		err = proc_inode_new(fs, &n, out);
	if (n.group)
		group_put(n.group);
	return err;
}

/* 0, -ENOENT if the process is gone, -EACCES. */
static int dir_check(const struct proc_node *dir)
{
	if (!dir->group)
		return 0;
	autoput(task) struct task *t = proc_task(dir);
	if (!t)
		return -ENOENT;
	return dir->entry->flags & PROC_PTRACE ? proc_may_inspect(t) : 0;
}

/*
 * The names of what has ended would keep it until somebody asks for them again
 * or the shrinker meets them: whoever adds a number looks at two other names.
 */
static void sweep_locked(struct dentry *dir)
{
	struct proc_node *n = proc_node_of(dir->inode);

	for (int i = 0; i < 2; i++) {
		struct dentry *d = dentry_next_child_locked(dir, n->swept);
		n->swept = d ? d->cookie + 1 : 0;
		if (d && !__atomic_load_n(&d->mounts, __ATOMIC_RELAXED) && !proc_revalidate(d))
			dentry_drop_locked(d);
	}
}

static int dir_lookup(struct dentry *dir, const char *name, size_t size, struct inode **out)
{
	const struct proc_node *n = proc_node_of(dir->inode);
	int err = dir_check(n);

	*out = NULL;
	if (err == 0)
		err = lookup_table(dir->fs, n, name, size, out);
	if (err == -ENOENT && dir_check(n) == 0)
		err = lookup_number(dir->fs, n, name, size, out);
	if (err == 0 && n->entry->numbers)
		sweep_locked(dir);
	return err;
}

static int dir_create(struct dentry *dir, struct dentry *child, const struct node_spec *spec)
{
	(void)dir;
	(void)child;
	(void)spec;
	return -ENOENT; /* Linux says so, whatever was to be made */
}

/* Linux' lookup fails for a name that is not there; so it says nothing of permission. */
static int dir_rename(struct dentry *odir, struct dentry *ochild, struct dentry *ndir,
		      struct dentry *nchild, uint32_t flags)
{
	(void)odir;
	(void)ochild;
	(void)ndir;
	(void)flags;
	return nchild->inode ? -EPERM : -ENOENT;
}

static int dir_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out)
{
	int err = dir_check(proc_node_of(i));
	if (err < 0)
		return err;
	return file_new(&proc_dir_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
}

static uint8_t type_of(uint32_t mode)
{
	return (uint8_t)((mode & S_IFMT) >> 12); /* DT_* are the type bits */
}

static bool put_table(const struct fs *fs, const struct proc_node *dir, int64_t *pos, dirent_fn fn,
		      void *arg)
{
	const struct proc_table *t = dir->entry->table;
	unsigned count = t ? t->count : 0;

	for (; *pos >= 2 && *pos < 2 + (int64_t)count; ++*pos) {
		struct proc_node n = table_node(dir, (unsigned)*pos - 2);
		if (!proc_left_out(fs, &n) && !fn(arg, n.entry->name, strlen(n.entry->name),
						  proc_ino(&n), type_of(n.entry->mode), *pos + 1))
			return false;
	}
	if (*pos < NUMBERS_AT)
		*pos = NUMBERS_AT;
	return true;
}

/*
 * What the entry's inode number will be once it is looked up; 0 if it has gone meanwhile, or is
 * not to be seen.
 */
static uint64_t number_ino(const struct fs *fs, const struct proc_node *dir, int nr)
{
	struct proc_node n = number_node(dir);
	n.group = NULL;
	if (dir->entry->numbers->find(dir, (unsigned)nr, &n) < 0)
		return 0;
	uint64_t ino = proc_hidden(fs, &n, HIDE_INVISIBLE) ? 0 : proc_ino(&n);
	if (n.group)
		group_put(n.group);
	return ino;
}

static bool put_numbers(const struct fs *fs, const struct proc_node *dir, int64_t *pos,
			dirent_fn fn, void *arg)
{
	const struct proc_numbers *numbers = dir->entry->numbers;
	char name[32];

	while (numbers && *pos - NUMBERS_AT < NUMBER_MAX) {
		int nr = numbers->next(dir, (unsigned)(*pos - NUMBERS_AT));
		if (nr < 0)
			break;
		uint64_t ino = number_ino(fs, dir, nr);
		int64_t next = NUMBERS_AT + (int64_t)nr + 1;
		int size = snprintf(name, sizeof name, "%s%d",
				    numbers->prefix ? numbers->prefix : "", nr);
		if (ino && !fn(arg, name, (size_t)size, ino, type_of(numbers->entry->mode), next))
			return false;
		*pos = next;
	}
	return true;
}

static int dir_readdir(struct file *f, int64_t *pos, dirent_fn fn, void *arg)
{
	const struct proc_node *n = proc_node_of(f->inode);
	int err = dir_check(n);

	if (err < 0)
		return err;
	const struct fs *fs = f->inode->fs;
	if (file_put_dots(f, pos, fn, arg) && put_table(fs, n, pos, fn, arg))
		put_numbers(fs, n, pos, fn, arg);
	return 0;
}

const struct file_ops proc_dir_ops = {
	FILE_IS_DIR,
	.readdir = dir_readdir,
	.fsync = file_okfsync,
	.release = file_norelease,
};

const struct inode_ops proc_dir_inode_ops = {
	.lookup = dir_lookup,
	.create = dir_create,
	.link = inode_nolink,
	.unlink = inode_nounlink,
	.rename = dir_rename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = proc_setattr,
	.getattr = proc_getattr,
	.open = dir_open,
	INODE_NO_XATTRS,
	.evict = proc_evict,
};
