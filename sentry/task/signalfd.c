/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/signalfd.h"

#include <stdlib.h>

#include "sentry/task/signal.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

struct signalfd {
	struct lock lock;    /* RANK_PIPE */
	uint64_t mask;	     /* lock */
	struct list bridges; /* lock: struct bridge */
	struct waitq wq;
};

/* Wakes the descriptor's queue when the group's is woken. */
struct bridge {
	struct list link;
	struct group *group; /* our reference */
	struct signalfd *s;
	struct wait_entry entry;
};

/* Reading and polling happen on the task's own thread only. */
static struct task *task_self(void)
{
	return container_of(waiter_self(), struct task, waiter);
}

static bool bridge_woken(struct wait_entry *e, uint32_t events)
{
	struct bridge *b = e->arg;
	/* The descriptor's queue comes after the group's, as one epoll's after another's. */
	return waitq_wake_nested(&b->s->wq, events & (EPOLLIN | EPOLLRDNORM));
}

static void bridge_free(struct bridge *b)
{
	waitq_remove(&b->entry);
	list_del(&b->link);
	group_put(b->group);
	free(b);
}

static bool bridge_find_locked(struct signalfd *s, const struct group *g)
{
	struct bridge *b, *next;
	bool found = false;
	list_for_each_safe (b, next, &s->bridges, link) {
		if (b->group == g)
			found = true;
		else if (ref_count(&b->group->ref) == 1) /* dead: only we remember it */
			bridge_free(b);
	}
	return found;
}

/* From now on the group's signals wake the descriptor's queue. */
static int bridge_make(struct signalfd *s, struct group *g)
{
	int err = 0;
	lock(&s->lock);
	if (!bridge_find_locked(s, g)) {
		struct bridge *b = calloc(1, sizeof *b);
		if (b) {
			b->group = group_get(g);
			b->s = s;
			b->entry = (struct wait_entry){
				.events = EPOLLIN, .wake = bridge_woken, .arg = b};
			list_init(&b->entry.link);
			list_append(&s->bridges, &b->link);
			waitq_add(signal_wq(g), &b->entry);
		} else {
			err = -ENOMEM;
		}
	}
	unlock(&s->lock);
	return err;
}

uint64_t signalfd_mask(struct file *f)
{
	struct signalfd *s = f->priv;
	lock(&s->lock);
	uint64_t mask = s->mask;
	unlock(&s->lock);
	return mask;
}

enum layout { KILL, TIMER, POLL, FAULT, CHILD, RT, SYS };

/* Which fields of the union hold something: by sender, then by signal. */
static enum layout layout_of(const struct abi_siginfo *i)
{
	if (i->code <= SI_USER || i->code == SI_KERNEL) {
		if (i->code == SI_TIMER)
			return TIMER;
		if (i->code == SI_SIGIO)
			return POLL;
		return i->code < 0 && i->code != SI_TKILL ? RT : KILL;
	}
	switch (i->signo) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		return FAULT;
	case SIGCHLD:
		return CHILD;
	case SIGSYS:
		return SYS;
	case SIGIO:
		return POLL;
	default:
		return KILL;
	}
}

static void fill_value(struct abi_signalfd_siginfo *o, union abi_sigval v)
{
	o->ssi_ptr = v.sival_ptr;
	o->ssi_int = v.sival_int;
}

static void fill(struct abi_signalfd_siginfo *o, const struct abi_siginfo *i)
{
	*o = (struct abi_signalfd_siginfo){
		.ssi_signo = (uint32_t)i->signo, .ssi_errno = i->err, .ssi_code = i->code};
	switch (layout_of(i)) {
	case RT:
		fill_value(o, i->rt.value);
		/* fall through */
	case KILL:
		o->ssi_pid = (uint32_t)i->kill.pid;
		o->ssi_uid = i->kill.uid;
		break;
	case TIMER:
		o->ssi_tid = (uint32_t)i->timer.tid;
		o->ssi_overrun = (uint32_t)i->timer.overrun;
		fill_value(o, i->timer.value);
		break;
	case POLL:
		o->ssi_band = (uint32_t)i->poll.band;
		o->ssi_fd = i->poll.fd;
		break;
	case FAULT:
		o->ssi_addr = i->fault.addr;
		break;
	case CHILD:
		o->ssi_pid = (uint32_t)i->child.pid;
		o->ssi_uid = i->child.uid;
		o->ssi_status = i->child.status;
		o->ssi_utime = (uint64_t)i->child.utime;
		o->ssi_stime = (uint64_t)i->child.stime;
		break;
	case SYS:
		o->ssi_call_addr = i->sys.call_addr;
		o->ssi_syscall = i->sys.syscall;
		o->ssi_arch = i->sys.arch;
		break;
	}
}

static ssize_t signalfd_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct task *t = task_self();
	struct abi_siginfo info;
	struct abi_signalfd_siginfo out;
	ssize_t done = 0;

	(void)pos;
	if (u->left < sizeof out)
		return -EINVAL;
	int err = bridge_make(f->priv, t->group);
	if (err < 0)
		return err;
	uint64_t mask = signalfd_mask(f);
	while (u->left >= sizeof out && signal_dequeue(t, mask, &info)) {
		fill(&out, &info);
		if (uio_put(u, &out, sizeof out) != (ssize_t)sizeof out)
			return done > 0 ? done : -EFAULT;
		done += (ssize_t)sizeof out;
	}
	return done > 0 ? done : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *f)
{
	struct task *t = task_self();
	/* Without memory for the bridge: say what holds now, nothing can wake later. */
	bridge_make(f->priv, t->group);
	return signal_pending_set(t, signalfd_mask(f)) ? EPOLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->priv;
	struct bridge *b, *next;
	list_for_each_safe (b, next, &s->bridges, link)
		bridge_free(b);
	waitq_destroy(&s->wq);
	free(s);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.write = file_nowrite,
	.seek = file_noopseek,
	.poll = signalfd_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = signalfd_release,
};

int signalfd_new(const struct cred *cred, uint64_t mask, uint32_t flags, struct file **out)
{
	struct signalfd *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	lock_init(&s->lock, RANK_PIPE);
	list_init(&s->bridges);
	waitq_init(&s->wq);
	s->mask = mask;
	int err = file_new_anon(&signalfd_ops, FILE_SIGNALFD, s, "[signalfd]", cred,
				O_RDWR | (flags & O_NONBLOCK), out);
	if (err < 0) {
		free(s);
		return err;
	}
	(*out)->wq = &s->wq;
	return 0;
}

void signalfd_set_mask(struct file *f, uint64_t mask)
{
	struct signalfd *s = f->priv;
	lock(&s->lock);
	s->mask = mask;
	unlock(&s->lock);
	waitq_wake(&s->wq, EPOLLIN);
}
