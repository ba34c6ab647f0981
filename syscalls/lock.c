/* SPDX-License-Identifier: Apache-2.0 */
/* flock(2), and record locks of fcntl(2). */
#include "syscalls/lock.h"

#include "sentry/mm/copy.h"
#include "sentry/task/pidns.h"
#include "sentry/vfs/lock.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

/* The bytes a struct flock means: l_len 0 is to the end, below 0 is before l_start. */
static int range_of(struct file *f, const struct abi_flock *l, struct flock_req *r)
{
	int64_t base = 0, start, end;

	if (l->l_whence == SEEK_CUR) {
		lock(&f->pos_lock);
		base = f->pos;
		unlock(&f->pos_lock);
	} else if (l->l_whence == SEEK_END) {
		base = (int64_t)__atomic_load_n(&f->inode->size, __ATOMIC_RELAXED);
	} else if (l->l_whence != SEEK_SET) {
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, l->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = INT64_MAX;
	if (l->l_len > 0 && __builtin_add_overflow(start, l->l_len - 1, &end))
		return -EOVERFLOW;
	if (l->l_len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, l->l_len, &start) || start < 0)
			return -EINVAL;
	}
	r->start = start;
	r->end = end;
	return 0;
}

static int request_of(struct task *t, struct file *f, const struct abi_flock *l, bool ofd,
		      struct flock_req *r)
{
	*r = (struct flock_req){
		.type = l->l_type,
		.ofd = ofd,
		.owner = ofd ? (void *)f : fdtab_owner(t->fds),
		.pid = ofd ? -1 : t->group->tgid,
	};
	if (ofd && l->l_pid != 0)
		return -EINVAL;
	if (l->l_type != F_RDLCK && l->l_type != F_WRLCK && l->l_type != F_UNLCK)
		return -EINVAL;
	return range_of(f, l, r);
}

static long get_lock(struct task *t, struct file *f, struct abi_flock *l, bool ofd, uaddr_t arg)
{
	struct flock_req r;
	int err = request_of(t, f, l, ofd, &r);

	if (err < 0)
		return err;
	if (r.type == FLK_UNLOCK)
		return -EINVAL;
	lock_get(f->inode, &r);
	l->l_type = (int16_t)r.type;
	if (r.type != FLK_UNLOCK) {
		l->l_whence = SEEK_SET;
		l->l_start = r.start;
		l->l_len = r.end == INT64_MAX ? 0 : r.end - r.start + 1;
		l->l_pid = r.pid > 0 ? pid_here(r.pid) : r.pid;
	}
	return copy_out(t->mm, arg, l, sizeof *l);
}

static long set_lock(struct task *t, int fd, struct file *f, const struct abi_flock *l, bool ofd,
		     bool wait)
{
	struct flock_req r;
	int err = request_of(t, f, l, ofd, &r);

	if (err < 0)
		return err;
	if ((r.type == FLK_READ && !f->readable) || (r.type == FLK_WRITE && !f->writable))
		return -EBADF;
	err = lock_set(f->inode, &r, wait);
	if (err < 0 || ofd || r.type == FLK_UNLOCK)
		return err;
	/* Closed meanwhile: the close has released nothing yet, so nobody ever would. */
	autoput(file) struct file *now = fdtab_get(t->fds, fd);
	if (now != f) {
		r.type = FLK_UNLOCK;
		(void)lock_set(f->inode, &r, /*wait=*/false);
		return -EBADF;
	}
	return 0;
}

long fcntl_lock(struct task *t, int fd, struct file *f, uint32_t cmd, uaddr_t arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct abi_flock l;
	int err = copy_in(t->mm, &l, arg, sizeof l);

	if (err < 0)
		return err;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return get_lock(t, f, &l, ofd, arg);
	return set_lock(t, fd, f, &l, ofd, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

long sys_flock(struct task *t, int fd, uint32_t op)
{
	autoput(file) struct file *f = NULL;
	int type;

	/* Mandatory locks of other systems: accepted and ignored since Linux 5.17. */
	if (op & LOCK_MAND)
		return 0;
	switch (op & ~(uint32_t)LOCK_NB) {
	case LOCK_SH:
		type = FLK_READ;
		break;
	case LOCK_EX:
		type = FLK_WRITE;
		break;
	case LOCK_UN:
		type = FLK_UNLOCK;
		break;
	default:
		return -EINVAL;
	}
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	/* EWOULDBLOCK of the manual page is the same number. */
	return flock_set(f, type, !(op & LOCK_NB));
}
