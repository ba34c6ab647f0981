/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/fs/inotify/inotify.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/inotify/private.h"
#include "sentry/vfs/notify.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/ioctl.h"

/* Of one instance; Linux counts by user (fs.inotify.max_user_watches). */
enum { WATCHES_MAX = 1 << 17 };

struct lock inotify_lock = LOCK_INIT(RANK_PIPE);

static void watch_remove_locked(struct watch *w, bool tell)
{
	struct notify_marks *marks = w->inode->marks;
	list_del(&w->of_instance);
	list_del(&w->of_inode);
	w->owner->watch_count--;
	if (list_empty(&marks->watches)) {
		__atomic_store_n(&w->inode->marks, NULL, __ATOMIC_RELEASE);
		free(marks);
	}
	notify_count_marks(-1);
	if (tell)
		queue_add(w->owner, w->wd, IN_IGNORED, 0, NULL);
}

/* Called with who knows what locks held: the caller's reference is not the last one. */
static void watch_end_locked(struct watch *w)
{
	watch_remove_locked(w, /*tell=*/true);
	inode_put(w->inode);
	free(w);
}

static void report(struct inode *i, uint32_t mask, uint32_t cookie, const char *name)
{
	struct watch *w, *next;
	lock(&inotify_lock);
	struct notify_marks *marks = i->marks;
	bool last = !marks;
	for (w = last ? NULL : list_first(&marks->watches, struct watch, of_inode); !last;
	     w = next) {
		next = list_entry(w->of_inode.next, struct watch, of_inode);
		last = w->of_inode.next == &marks->watches;
		if (!(w->mask & mask & IN_ALL_EVENTS))
			continue;
		if (w->mask & mask & IN_EXCL_UNLINK)
			continue;
		queue_add(w->owner, w->wd, mask & (IN_ALL_EVENTS | IN_ISDIR), cookie, name);
		if (w->mask & IN_ONESHOT)
			watch_end_locked(w);
	}
	unlock(&inotify_lock);
}

static void removed(struct inode *i)
{
	lock(&inotify_lock);
	struct notify_marks *marks = i->marks;
	bool last = !marks;
	while (!last) {
		struct watch *w = list_first(&marks->watches, struct watch, of_inode);
		last = w->of_inode.next == &marks->watches;
		if (w->mask & IN_DELETE_SELF)
			queue_add(w->owner, w->wd, IN_DELETE_SELF, 0, NULL);
		watch_end_locked(w);
	}
	unlock(&inotify_lock);
}

static const struct notify_ops inotify_notify_ops = {.event = report, .inode_removed = removed};

static uint32_t inotify_poll(struct file *f)
{
	struct inotify *n = f->priv;
	lock(&inotify_lock);
	bool any = n->events > 0;
	unlock(&inotify_lock);
	return any ? EPOLLIN | EPOLLRDNORM : 0;
}

static int64_t inotify_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct inotify *n = f->priv;
	if (a->cmd != FIONREAD)
		return -ENOTTY;
	lock(&inotify_lock);
	int32_t bytes = (int32_t)n->bytes;
	unlock(&inotify_lock);
	return copy_out(a->mm, a->arg, &bytes, sizeof bytes);
}

static struct watch *any_watch(struct inotify *n)
{
	struct watch *w = NULL;
	lock(&inotify_lock);
	if (!list_empty(&n->watches)) {
		w = list_first(&n->watches, struct watch, of_instance);
		watch_remove_locked(w, /*tell=*/false);
	}
	unlock(&inotify_lock);
	return w;
}

static void inotify_release(struct file *f)
{
	struct inotify *n = f->priv;
	struct watch *w;
	/* The inode may go with the watch, and tell others about it: no lock. */
	while ((w = any_watch(n)) != NULL) {
		inode_put(w->inode);
		free(w);
	}
	waitq_destroy(&n->wq);
	queue_free(n);
	free(n);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.write = file_nowrite,
	.seek = file_noopseek,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = inotify_release,
};

int inotify_new(const struct cred *cred, uint32_t flags, struct file **out)
{
	struct inotify *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	notify_set_ops(&inotify_notify_ops); /* the first time it matters */
	list_init(&n->watches);
	list_init(&n->queue);
	waitq_init(&n->wq);
	int err = file_new_anon(&inotify_ops, FILE_INOTIFY, n, "inotify", cred,
				O_RDONLY | (flags & O_NONBLOCK), out);
	if (err < 0) {
		free(n);
		return err;
	}
	(*out)->wq = &n->wq;
	return 0;
}

static struct watch *find_locked(struct inotify *n, struct inode *i)
{
	struct watch *w;
	if (i->marks)
		list_for_each (w, &i->marks->watches, of_inode)
			if (w->owner == n)
				return w;
	return NULL;
}

static int add_locked(struct inotify *n, struct inode *i, uint32_t mask)
{
	if (n->watch_count == WATCHES_MAX || n->last_wd == INT32_MAX)
		return -ENOSPC;
	struct watch *w = calloc(1, sizeof *w);
	struct notify_marks *marks = i->marks ? i->marks : calloc(1, sizeof *marks);
	if (!w || !marks) {
		free(w);
		if (!i->marks)
			free(marks);
		return -ENOMEM;
	}
	if (!i->marks) {
		list_init(&marks->watches);
		__atomic_store_n(&i->marks, marks, __ATOMIC_RELEASE);
	}
	*w = (struct watch){.owner = n, .inode = inode_get(i), .mask = mask, .wd = ++n->last_wd};
	list_append(&n->watches, &w->of_instance);
	list_append(&marks->watches, &w->of_inode);
	n->watch_count++;
	notify_count_marks(1);
	return w->wd;
}

int inotify_watch(struct file *f, struct inode *i, uint32_t mask)
{
	struct inotify *n = f->priv;
	uint32_t keep = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);
	int ret;
	lock(&inotify_lock);
	struct watch *w = find_locked(n, i);
	if (!w) {
		ret = add_locked(n, i, keep);
	} else if (mask & IN_MASK_CREATE) {
		ret = -EEXIST;
	} else {
		w->mask = mask & IN_MASK_ADD ? w->mask | keep : keep;
		ret = w->wd;
	}
	unlock(&inotify_lock);
	return ret;
}

int inotify_unwatch(struct file *f, int wd)
{
	struct inotify *n = f->priv;
	struct watch *w, *found = NULL;
	lock(&inotify_lock);
	list_for_each (w, &n->watches, of_instance)
		if (w->wd == wd)
			found = w;
	if (found)
		watch_remove_locked(found, /*tell=*/true);
	unlock(&inotify_lock);
	if (!found)
		return -EINVAL;
	inode_put(found->inode);
	free(found);
	return 0;
}

void inotify_for_each(struct file *f,
		      void (*fn)(int wd, const struct inode *i, uint32_t mask, void *arg),
		      void *arg)
{
	struct inotify *n = f->priv;
	struct watch *w;
	lock(&inotify_lock);
	list_for_each (w, &n->watches, of_instance)
		fn(w->wd, w->inode, w->mask, arg);
	unlock(&inotify_lock);
}
