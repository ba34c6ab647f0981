/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: mq_open(2) and the calls on its descriptors. */
#include "sentry/ipc/mqueue.h"

#include "platform/base/cleanup.h"
#include "sentry/sock/sock.h"
#include "sentry/task/clock.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

long sys_mq_open(struct task *t, uaddr_t name, int oflag, uint32_t mode, uaddr_t attr)
{
	struct abi_mq_attr a;
	struct path_arg p;
	struct file *f;
	int fd, err = attr ? copy_in(t->mm, &a, attr, sizeof a) : 0;
	if (err == 0)
		err = path_arg_get(&p, t, AT_FDCWD, name, 0);
	if (err < 0)
		return err;
	err = fd_reserve(t->fds, 1, 0, fd_limit(t), &fd);
	if (err == 0) {
		err = mq_open(t, p.name, (uint32_t)oflag, mode, attr ? &a : NULL, &f);
		if (err < 0)
			fd_unreserve(t->fds, fd);
		else
			fd_publish(t->fds, fd, f, /*cloexec=*/true);
	}
	path_arg_put(&p);
	return err < 0 ? err : fd;
}

long sys_mq_unlink(struct task *t, uaddr_t name)
{
	struct path_arg p;
	int err = path_arg_get(&p, t, AT_FDCWD, name, 0);
	if (err < 0)
		return err;
	err = mq_unlink(t, p.name);
	path_arg_put(&p);
	return err;
}

/* A time is checked even if nobody will wait for it. */
static int deadline_in_arg(struct task *t, uaddr_t timeout, int64_t *out)
{
	int64_t at;
	*out = WAIT_FOREVER;
	int err = timeout ? timespec_copy_in(t->mm, timeout, &at) : 0;
	return err < 0 || !timeout ? err : clock_deadline(CLOCK_REALTIME, at, out);
}

static int queue_arg(struct task *t, int fd, struct file **out)
{
	int err = file_arg(t, fd, out);
	return err == 0 && !mq_is_queue(*out) ? -EBADF : err;
}

long sys_mq_timedsend(struct task *t, int mqdes, uaddr_t text, uint64_t len, uint32_t prio,
		      uaddr_t timeout)
{
	autoput(file) struct file *f = NULL;
	struct mq_msg *m;
	int64_t deadline;
	int err = deadline_in_arg(t, timeout, &deadline);
	if (err == 0 && prio >= MQ_PRIO_MAX)
		err = -EINVAL;
	if (err == 0)
		err = queue_arg(t, mqdes, &f);
	if (err == 0 && !f->writable)
		err = -EBADF;
	if (err == 0 && len > mq_message_size(f))
		err = -EMSGSIZE;
	if (err == 0)
		err = mq_msg_new(len, &m);
	if (err < 0)
		return err;
	m->prio = prio;
	err = copy_in(t->mm, m->text, text, len);
	if (err == 0)
		err = mq_send(f, m, deadline);
	if (err < 0)
		mq_msg_free(m);
	return err;
}

long sys_mq_timedreceive(struct task *t, int mqdes, uaddr_t text, uint64_t len, uaddr_t prio,
			 uaddr_t timeout)
{
	autoput(file) struct file *f = NULL;
	struct mq_msg *m;
	int64_t deadline;
	int err = deadline_in_arg(t, timeout, &deadline);
	if (err == 0)
		err = queue_arg(t, mqdes, &f);
	if (err == 0 && !f->readable)
		err = -EBADF;
	if (err == 0 && len < mq_message_size(f))
		err = -EMSGSIZE;
	if (err == 0)
		err = mq_receive(f, deadline, &m);
	if (err < 0)
		return err;
	/* What cannot be told is lost, as in Linux. */
	if (prio)
		err = copy_out(t->mm, prio, &m->prio, sizeof m->prio);
	if (err == 0)
		err = copy_out(t->mm, text, m->text, m->size);
	long n = err < 0 ? err : (long)m->size;
	mq_msg_free(m);
	return n;
}

/* Of the sockets to which SIGEV_THREAD could send there are none here. */
static int thread_check(struct task *t, const struct abi_sigevent *ev)
{
	autoput(file) struct file *f = NULL;
	char cookie[NOTIFY_COOKIE_LEN];
	int err = copy_in(t->mm, cookie, ev->value.sival_ptr, sizeof cookie);
	if (err == 0)
		err = file_arg(t, ev->signo, &f);
	if (err < 0)
		return err;
	return f->kind == FILE_SOCKET ? -EINVAL : -ENOTSOCK;
}

static int event_check(struct task *t, const struct abi_sigevent *ev)
{
	switch (ev->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return ev->signo < 0 || ev->signo > NSIG ? -EINVAL : 0;
	case SIGEV_THREAD:
		return thread_check(t, ev);
	default:
		return -EINVAL;
	}
}

long sys_mq_notify(struct task *t, int mqdes, uaddr_t sevp)
{
	autoput(file) struct file *f = NULL;
	struct abi_sigevent ev;
	int err = sevp ? copy_in(t->mm, &ev, sevp, sizeof ev) : 0;
	if (err == 0 && sevp)
		err = event_check(t, &ev);
	if (err == 0)
		err = queue_arg(t, mqdes, &f);
	return err < 0 ? err : mq_notify(t, f, sevp ? &ev : NULL);
}

long sys_mq_getsetattr(struct task *t, int mqdes, uaddr_t newattr, uaddr_t oldattr)
{
	autoput(file) struct file *f = NULL;
	struct abi_mq_attr new, old;
	int err = newattr ? copy_in(t->mm, &new, newattr, sizeof new) : 0;
	if (err == 0 && newattr && (new.flags & ~(int64_t)O_NONBLOCK))
		err = -EINVAL;
	if (err == 0)
		err = queue_arg(t, mqdes, &f);
	if (err < 0)
		return err;
	mq_getsetattr(f, newattr ? new.flags : -1, &old);
	return oldattr ? copy_out(t->mm, oldattr, &old, sizeof old) : 0;
}
