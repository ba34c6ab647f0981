/* SPDX-License-Identifier: Apache-2.0 */
/* process_vm_readv(2), process_vm_writev(2): through a buffer of the sentry. */
#include "platform/base/cleanup.h"
#include "sentry/mm/mm.h"
#include "sentry/task/task.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { CHUNK = 64 << 10 };

/*
 * Whose memory it is: the program that was looked at when access was granted.
 * exec puts another one into the same mm, one that may be none of the caller's
 * business, while a long transfer is still under way.
 */
struct remote {
	struct mm *mm;	  /* our reference */
	struct file *exe; /* our reference: tells one program from the next */
};

static size_t remote_copy(const struct remote *r, uaddr_t at, unsigned char *buf, size_t size,
			  bool write)
{
	size_t n = 0;

	lock(&r->mm->lock);
	if (r->exe && r->mm->exe == r->exe)
		n = write ? copy_out_some(r->mm, at, buf, size)
			  : copy_in_some(r->mm, buf, at, size);
	unlock(&r->mm->lock);
	return n;
}

/* Bytes moved; stops at the first bad page on either side. */
static ssize_t move_one(const struct remote *r, uaddr_t at, uint64_t size, struct uio *local,
			bool write, unsigned char *buf)
{
	uint64_t done = 0;

	while (done < size && local->left) {
		size_t want = min_u64(min_u64(size - done, CHUNK), local->left);
		ssize_t n;
		if (write) {
			n = uio_get(local, buf, want);
			if (n > 0)
				n = (ssize_t)remote_copy(r, at + done, buf, (size_t)n, write);
		} else {
			size_t got = remote_copy(r, at + done, buf, want, write);
			n = got ? uio_put(local, buf, got) : 0;
		}
		if (n > 0)
			done += (uint64_t)n;
		if (n < (ssize_t)want)
			break;
	}
	return (ssize_t)done;
}

static long move_all(const struct remote *r, const struct uvec *remote, uint64_t count,
		     struct uio *local, bool write)
{
	autofree unsigned char *buf = malloc(CHUNK);
	ssize_t done = 0;

	if (!buf)
		return -ENOMEM;
	for (uint64_t i = 0; i < count && local->left; i++) {
		uint64_t want = min_u64(remote[i].size, local->left);
		ssize_t n = move_one(r, remote[i].base, want, local, write, buf);
		done += n;
		if ((uint64_t)n < want)
			return done ? done : -EFAULT;
	}
	return done;
}

static void remote_put(struct remote *r)
{
	if (r->exe)
		file_put(r->exe);
	if (r->mm)
		mm_put(r->mm);
}

/* Access is checked last: an exec before that is seen by the check, one after it by the copy. */
static int remote_get(struct task *t, int pid, struct remote *out)
{
	autoput(task) struct task *target = task_find(pid);

	*out = (struct remote){NULL, NULL};
	if (!target || !(out->mm = task_mm_get(target)))
		return -ESRCH;
	lock(&out->mm->lock);
	out->exe = out->mm->exe ? file_get(out->mm->exe) : NULL;
	unlock(&out->mm->lock);
	return task_may_access(t, target);
}

static long process_vm(struct task *t, int pid, uaddr_t lvec, uint64_t liovcnt, uaddr_t rvec,
		       uint64_t riovcnt, uint64_t flags, bool write)
{
	autofree struct uvec *local = NULL;
	autofree struct uvec *remote = NULL;
	size_t lsize, rsize;
	struct uio u;
	long err;

	if (flags)
		return -EINVAL;
	err = uio_copy_iovec(t->mm, lvec, liovcnt, &local, &lsize);
	if (err < 0 || lsize == 0)
		return err;
	err = uio_copy_iovec(t->mm, rvec, riovcnt, &remote, &rsize);
	if (err < 0 || rsize == 0)
		return err;
	if ((err = uio_uservec(&u, t->mm, local, liovcnt)) < 0)
		return err;
	struct remote r;
	err = remote_get(t, pid, &r);
	if (err == 0)
		err = move_all(&r, remote, riovcnt, &u, write);
	remote_put(&r);
	return err;
}

long sys_process_vm_readv(struct task *t, int pid, uaddr_t lvec, uint64_t liovcnt, uaddr_t rvec,
			  uint64_t riovcnt, uint64_t flags)
{
	return process_vm(t, pid, lvec, liovcnt, rvec, riovcnt, flags, /*write=*/false);
}

long sys_process_vm_writev(struct task *t, int pid, uaddr_t lvec, uint64_t liovcnt, uaddr_t rvec,
			   uint64_t riovcnt, uint64_t flags)
{
	return process_vm(t, pid, lvec, liovcnt, rvec, riovcnt, flags, /*write=*/true);
}
