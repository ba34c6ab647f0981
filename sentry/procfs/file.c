/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: text made when reading starts, and what is written to a few of them.
 *
 * A read at offset 0 makes the text anew; reads further on go on in it, so that
 * a reader with a small buffer sees one state.  The text is immutable and
 * counted: readers of one description share it without holding a lock while
 * they copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/procfs/bind.h"
#include "sentry/procfs/pid.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"

struct content {
	struct ref ref;
	struct text text;
};

struct opened {
	struct lock lock;	/* RANK_LEAF */
	struct content *content; /* lock; NULL before the first read */
	struct binding memory;	/* I  PROC_MM */
	struct mount_ns *mounts; /* I  PROC_MOUNTS; our reference */
	uint64_t sequence;	/* a: of the mount tree as poll last told it */
	struct user_ns *user_ns; /* I  PROC_USERNS; our reference */
};

static void content_put(struct content *c)
{
	if (c && ref_put(&c->ref)) {
		free(c->text.p);
		free(c);
	}
}

static uint64_t sequence_of(struct mount_ns *ns)
{
	lock(&ns->lock);
	uint64_t n = ns->sequence;
	unlock(&ns->lock);
	return n;
}

static int watch_mounts(struct opened *o, struct task *t)
{
	struct fsctx *fs = proc_fsctx(t);
	if (!fs)
		return -EINVAL;
	lock(&fs->lock);
	o->mounts = mount_ns_get(fs->mounts);
	unlock(&fs->lock);
	fsctx_put(fs);
	o->sequence = sequence_of(o->mounts);
	return 0;
}

static int opened_bind(struct opened *o, const struct proc_node *n)
{
	if (n->entry->flags & PROC_MM)
		return binding_make(&o->memory, n);
	if (!(n->entry->flags & (PROC_PTRACE | PROC_MOUNTS | PROC_USERNS)))
		return 0;
	autoput(task) struct task *t = proc_task(n);
	if (!t)
		return -ESRCH;
	if (n->entry->flags & PROC_USERNS) {
		autoput(cred) struct cred *c = task_cred(t);
		o->user_ns = user_ns_get(c->user_ns);
		return 0;
	}
	return n->entry->flags & PROC_MOUNTS ? watch_mounts(o, t) : proc_may_inspect(t);
}

static void opened_free(struct opened *o)
{
	content_put(o->content);
	binding_drop(&o->memory);
	if (o->mounts)
		mount_ns_put(o->mounts);
	if (o->user_ns)
		user_ns_put(o->user_ns);
	free(o);
}

/* Whom the file is about, for one call; look_put() afterwards. */
static int look_get(struct file *f, struct proc_look *out)
{
	const struct proc_node *n = proc_node_of(f->inode);
	const struct opened *o = f->priv;
	*out = (struct proc_look){.node = n, .opener = f->cred, .user_ns = o->user_ns};
	if (n->group && !(out->task = proc_task(n)))
		return -ESRCH;
	if (n->entry->flags & PROC_MM)
		out->mm = binding_mm(&o->memory);
	return 0;
}

static void look_put(struct proc_look *l)
{
	if (l->task)
		task_put(l->task);
}

static int content_make(struct file *f, struct content **out)
{
	struct proc_look look;
	struct content *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	ref_init(&c->ref);
	int err = look_get(f, &look);
	if (err == 0) {
		err = look.node->entry->show(&look, &c->text);
		/* An exec meanwhile: what was read may be of the new program. */
		if (look.mm && !binding_mm(&((struct opened *)f->priv)->memory))
			c->text.size = 0;
		look_put(&look);
	}
	if (err == 0)
		err = c->text.err;
	if (err < 0)
		content_put(c);
	else
		*out = c;
	return err;
}

/* The text for a read at pos, referenced. */
static int content_get(struct file *f, int64_t pos, struct content **out)
{
	struct opened *o = f->priv;
	struct content *fresh, *old;

	lock(&o->lock);
	old = pos > 0 ? o->content : NULL;
	if (old)
		ref_get(&old->ref);
	unlock(&o->lock);
	if (old) {
		*out = old;
		return 0;
	}
	int err = content_make(f, &fresh);
	if (err < 0)
		return err;
	ref_get(&fresh->ref);
	lock(&o->lock);
	old = o->content;
	o->content = fresh;
	unlock(&o->lock);
	content_put(old);
	*out = fresh;
	return 0;
}

static ssize_t text_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct content *c;

	if (!proc_node_of(f->inode)->entry->show)
		return -EINVAL;
	int err = content_get(f, *pos, &c);
	if (err < 0)
		return err;
	ssize_t n = 0;
	if ((uint64_t)*pos < c->text.size)
		n = uio_put(u, c->text.p + *pos, min_u64(u->left, c->text.size - (uint64_t)*pos));
	content_put(c);
	if (n > 0)
		*pos += n;
	return n;
}

static ssize_t text_write(struct file *f, struct uio *u, int64_t *pos)
{
	const struct proc_entry *e = proc_node_of(f->inode)->entry;
	struct proc_look look;
	size_t size = u->left;

	if (!e->store)
		return proc_node_of(f->inode)->group ? -EINVAL : -EIO;
	if (size > PAGE_SIZE - 1 || ((e->flags & PROC_USERNS) && *pos != 0))
		return -EINVAL;
	autofree char *text = malloc(size + 1);
	if (!text)
		return -ENOMEM;
	ssize_t n = uio_get(u, text, size);
	if (n < 0)
		return n;
	text[n] = 0;
	int err = look_get(f, &look);
	if (err == 0) {
		err = e->store(&look, text, (size_t)n);
		look_put(&look);
	}
	if (err < 0) {
		uio_revert(u, (size_t)n);
		return err;
	}
	*pos += n;
	return n;
}

static uint32_t text_poll(struct file *f)
{
	struct opened *o = f->priv;

	if (!o->mounts)
		return file_alwaysready(f);
	uint64_t now = sequence_of(o->mounts);
	bool changed = __atomic_exchange_n(&o->sequence, now, __ATOMIC_RELAXED) != now;
	return EPOLLIN | EPOLLRDNORM | (changed ? EPOLLERR | EPOLLPRI : 0);
}

static int64_t text_seek(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return file_seek_generic(f, off, whence, 0);
}

static void text_release(struct file *f)
{
	opened_free(f->priv);
}

static const struct file_ops text_ops = {
	.read = text_read,
	.write = text_write,
	.seek = text_seek,
	.poll = text_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = text_release,
};

static int file_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		     struct file **out)
{
	const struct proc_node *n = proc_node_of(i);
	const struct proc_entry *e = n->entry;

	if (e->open)
		return e->open(i, path, cred, flags, out);
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	if ((e->flags & PROC_SYSCTL) && !e->store && writes)
		return -EACCES;
	struct opened *o = calloc(1, sizeof *o);
	if (!o)
		return -ENOMEM;
	lock_init(&o->lock, RANK_LEAF);
	int err = opened_bind(o, n);
	if (err == 0 && writes && (e->flags & PROC_USERNS_ADMIN) &&
	    !cred_capable_in(cred, o->user_ns, CAP_SYS_ADMIN))
		err = -EACCES;
	if (err == 0)
		err = file_new(&text_ops, FILE_INODE, o, path, inode_get(i), cred, flags, out);
	if (err < 0)
		opened_free(o);
	else if (o->mounts)
		(*out)->wq = &o->mounts->changed;
	return err;
}

const struct inode_ops proc_file_inode_ops = {
	INODE_NO_NAMES,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = proc_setattr,
	.getattr = proc_getattr,
	.open = file_open,
	INODE_NO_XATTRS,
	.evict = proc_evict,
};
