/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudoterminal pairs: pty(7).
 *
 * A pair lives as long as any file on either side or a session refers to it.
 * When the master goes, the slave is hung up: reads end, writes fail, the
 * session gets SIGHUP.  When the last slave goes, the master reads EIO until
 * one is opened again.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/task/signal.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/stat.h"

enum { PIECE = 512 };

static void pty_destroy(struct tty *tty)
{
	struct pty *p = container_of(tty, struct pty, tty);
	pts_release(tty);
	devpts_put(tty->pts);
	waitq_destroy(&p->master_wq);
	waitq_destroy(&p->slave_wq);
	free(p);
}

static int slave_open(struct tty *tty, struct path path, const struct cred *cred, uint32_t flags,
		      struct file **out);

static int pty_new(struct pty **out)
{
	struct pty *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	tty_init(&p->tty);
	p->locked = p->master_open = true;
	p->tty.open = slave_open;
	p->tty.destroy = pty_destroy;
	waitq_init(&p->master_wq);
	waitq_init(&p->slave_wq);
	ldisc_reset_locked(p);
	int err = pts_claim(&p->tty);
	if (err < 0)
		free(p);
	else
		*out = p;
	return err;
}

/* --- master ------------------------------------------------------------------------------ */

static ssize_t master_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct pty *p = f->priv;
	uint8_t buf[PIECE];
	size_t n = 0, size = min_u64(sizeof buf, u->left);
	(void)pos;
	/* Not even the status byte of packet mode has a place. */
	if (size == 0)
		return 0;
	lock(&p->tty.lock);
	ssize_t ret = -EAGAIN;
	if (p->packet && p->packet_status) {
		buf[n++] = p->packet_status;
		p->packet_status = 0;
	} else if (p->out.count > 0 && !p->stopped) {
		if (p->packet)
			buf[n++] = TIOCPKT_DATA;
		n += ring_get(&p->out, buf + n, size - n);
	} else if (p->slaves == 0 && p->slave_opened) {
		ret = -EIO;
	}
	if (n > 0)
		waitq_wake(&p->slave_wq, 0);
	unlock(&p->tty.lock);
	return n > 0 ? uio_put(u, buf, n) : ret;
}

static ssize_t master_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct pty *p = f->priv;
	uint8_t buf[PIECE];
	size_t done = 0;
	(void)pos;
	ssize_t n = uio_get(u, buf, min_u64(sizeof buf, u->left));
	if (n <= 0)
		return n;
	lock(&p->tty.lock);
	while (done < (size_t)n && ldisc_input_locked(p, buf[done]))
		done++;
	if (done > 0)
		waitq_wake(&p->master_wq, 0);
	unlock(&p->tty.lock);
	uio_revert(u, (size_t)n - done);
	return done > 0 ? (ssize_t)done : -EAGAIN;
}

static uint32_t master_poll(struct file *f)
{
	struct pty *p = f->priv;
	uint32_t events = 0;
	lock(&p->tty.lock);
	if ((p->out.count > 0 && !p->stopped) || (p->packet && p->packet_status))
		events |= EPOLLIN | EPOLLRDNORM;
	if (p->packet && p->packet_status)
		events |= EPOLLPRI;
	if (p->in_count < TTY_LINE)
		events |= EPOLLOUT | EPOLLWRNORM;
	if (p->slaves == 0 && p->slave_opened)
		events |= EPOLLHUP;
	unlock(&p->tty.lock);
	return events;
}

static int64_t get_int(const struct ioctl_args *a, int *out)
{
	return copy_in(a->mm, out, a->arg, sizeof *out);
}

/* TIOCGPTPEER: the slave without going through its name. */
static int64_t open_peer(struct pty *p, const struct ioctl_args *a)
{
	struct file *f;
	int err = tty_open(&p->tty, a->cred, (uint32_t)a->arg, &f);
	if (err < 0)
		return err;
	return task_install_file(a->task, f, a->arg & O_CLOEXEC);
}

static int64_t master_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct pty *p = f->priv;
	int v = 0;
	switch (a->cmd) {
	case TIOCGPTN:
		return copy_out(a->mm, a->arg, &p->tty.index, sizeof p->tty.index);
	case TIOCSPTLCK:
	case TIOCPKT:
		if (get_int(a, &v) < 0)
			return -EFAULT;
		lock(&p->tty.lock);
		if (a->cmd == TIOCPKT)
			p->packet = v;
		else
			p->locked = v;
		unlock(&p->tty.lock);
		return 0;
	case TIOCGPTLCK:
	case TIOCGPKT:
		lock(&p->tty.lock);
		v = a->cmd == TIOCGPKT ? p->packet : p->locked;
		unlock(&p->tty.lock);
		return copy_out(a->mm, a->arg, &v, sizeof v);
	case TIOCGPTPEER:
		return open_peer(p, a);
	default:
		break;
	}
	int64_t r = pty_settings_ioctl(p, a, /*master=*/true);
	if (r == -ENOIOCTLCMD)
		r = tty_job_ioctl(&p->tty, a, /*master=*/true);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

static void master_release(struct file *f)
{
	struct pty *p = f->priv;
	lock(&p->tty.lock);
	p->master_open = false;
	p->tty.hung = true;
	waitq_wake(&p->slave_wq, 0);
	unlock(&p->tty.lock);
	tty_hangup_session(&p->tty);
	devpts_remove(&p->tty);
	tty_put(&p->tty);
}

static const struct file_ops master_ops = {
	.read = master_read,
	.write = master_write,
	.seek = file_noseek,
	.poll = master_poll,
	.ioctl = master_ioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = master_release,
};

int ptmx_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	      struct file **out)
{
	struct pty *p;
	int err = pty_new(&p);
	if (err < 0)
		return err;
	err = devpts_add(&p->tty, cred);
	if (err == 0) {
		err = file_new(&master_ops, FILE_TTY, p, path, inode_get(i), cred, flags, out);
		if (err < 0)
			devpts_remove(&p->tty);
	}
	if (err < 0) {
		tty_put(&p->tty);
		return err;
	}
	(*out)->wq = &p->master_wq;
	return 0;
}

/* --- slave ------------------------------------------------------------------------------- */

/* A timed raw read (VTIME) waits here: the generic loop knows no such deadline. */
static ssize_t slave_read_timed(struct pty *p, uint8_t *buf, size_t size, bool nonblock)
{
	lock(&p->tty.lock);
	bool timed = !(p->termios.c_lflag & ICANON) && p->termios.c_cc[VTIME];
	int64_t tenths = p->termios.c_cc[VTIME];
	bool first = p->termios.c_cc[VMIN] > 0 && p->in_count == 0;
	unsigned min = p->termios.c_cc[VMIN];
	bool hung = p->tty.hung;
	unlock(&p->tty.lock);
	if (!timed || nonblock || hung || first)
		return -EAGAIN;
	size_t want = min_u64(min ? min : 1, size);
	for (unsigned seen = UINT32_MAX;;) {
		lock(&p->tty.lock);
		unsigned now = p->in_count;
		unlock(&p->tty.lock);
		if (now >= want || now == seen)
			break;
		seen = now;
		int64_t deadline = clock_mono_ns() + tenths * 100000000;
		int err = waitq_sleep(&p->slave_wq, 0, WAIT_INTR, deadline,
				      __atomic_load_n(&p->in_count, __ATOMIC_ACQUIRE) != seen);
		if (err == -ERESTARTSYS)
			return err;
	}
	lock(&p->tty.lock);
	ssize_t n = p->in_count > 0 ? ldisc_read_locked(p, buf, size) : 0;
	unlock(&p->tty.lock);
	return n;
}

static ssize_t slave_read(struct file *f, struct uio *u, int64_t *pos)
{
	struct pty *p = f->priv;
	uint8_t buf[TTY_LINE];
	(void)pos;
	int err = tty_check_change(&p->tty, SIGTTIN);
	if (err < 0)
		return err;
	size_t size = min_u64(sizeof buf, u->left);
	ssize_t n = slave_read_timed(p, buf, size, file_flags(f) & O_NONBLOCK);
	if (n == -EAGAIN) {
		lock(&p->tty.lock);
		n = ldisc_read_locked(p, buf, size);
		if (n == -EAGAIN && p->tty.hung)
			n = 0;
		unlock(&p->tty.lock);
	}
	return n > 0 ? uio_put(u, buf, (size_t)n) : n;
}

static ssize_t slave_write(struct file *f, struct uio *u, int64_t *pos)
{
	struct pty *p = f->priv;
	uint8_t buf[PIECE];
	(void)pos;
	lock(&p->tty.lock);
	bool tostop = p->termios.c_lflag & TOSTOP;
	unlock(&p->tty.lock);
	int err = tostop ? tty_check_change(&p->tty, SIGTTOU) : 0;
	if (err < 0)
		return err;
	ssize_t n = uio_get(u, buf, min_u64(sizeof buf, u->left));
	if (n <= 0)
		return n;
	lock(&p->tty.lock);
	bool hung = p->tty.hung;
	size_t done = hung ? 0 : ldisc_output_locked(p, buf, (size_t)n);
	if (done > 0)
		waitq_wake(&p->master_wq, 0);
	unlock(&p->tty.lock);
	uio_revert(u, (size_t)n - done);
	return hung ? -EIO : done > 0 ? (ssize_t)done : -EAGAIN;
}

static uint32_t slave_poll(struct file *f)
{
	struct pty *p = f->priv;
	uint32_t events = 0;
	lock(&p->tty.lock);
	if (ldisc_readable_locked(p) || p->tty.hung)
		events |= EPOLLIN | EPOLLRDNORM;
	if (ring_room(&p->out) > TTY_RING / 16 && !p->stopped)
		events |= EPOLLOUT | EPOLLWRNORM;
	if (p->tty.hung)
		events |= EPOLLHUP | EPOLLERR | EPOLLOUT | EPOLLWRNORM;
	unlock(&p->tty.lock);
	return events;
}

static int64_t slave_ioctl(struct file *f, const struct ioctl_args *a)
{
	struct pty *p = f->priv;
	lock(&p->tty.lock);
	bool hung = p->tty.hung;
	unlock(&p->tty.lock);
	if (hung)
		return -EIO;
	int64_t r = pty_settings_ioctl(p, a, /*master=*/false);
	if (r == -ENOIOCTLCMD)
		r = tty_job_ioctl(&p->tty, a, /*master=*/false);
	return r == -ENOIOCTLCMD ? -ENOTTY : r;
}

static void slave_release(struct file *f)
{
	struct pty *p = f->priv;
	lock(&p->tty.lock);
	if (--p->slaves == 0)
		waitq_wake(&p->master_wq, 0);
	unlock(&p->tty.lock);
	tty_put(&p->tty);
}

static const struct file_ops slave_ops = {
	.read = slave_read,
	.write = slave_write,
	.seek = file_noseek,
	.poll = slave_poll,
	.ioctl = slave_ioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = slave_release,
};

static int slave_open(struct tty *tty, struct path path, const struct cred *cred, uint32_t flags,
		      struct file **out)
{
	struct pty *p = container_of(tty, struct pty, tty);
	lock(&p->tty.lock);
	int err = !path.dentry || p->tty.hung || p->locked ? -EIO : 0;
	if (err == 0) {
		p->slaves++;
		p->slave_opened = true;
	}
	unlock(&p->tty.lock);
	if (err < 0)
		return err;
	tty_get(&p->tty);
	err = file_new(&slave_ops, FILE_TTY, p, path, inode_get(path.dentry->inode), cred, flags,
		       out);
	if (err < 0) {
		lock(&p->tty.lock);
		p->slaves--;
		unlock(&p->tty.lock);
		tty_put(&p->tty);
		return err;
	}
	(*out)->wq = &p->slave_wq;
	waitq_wake(&p->master_wq, 0);
	tty_opened(&p->tty, flags);
	return 0;
}
