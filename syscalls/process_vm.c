/* SPDX-License-Identifier: Apache-2.0 */
/* process_vm_readv(2), process_vm_writev(2): through a buffer of the sentry. */
#include "platform/base/cleanup.h"
#include "sentry/mm/mm.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

enum { CHUNK = 64 << 10 };

/* Bytes moved; stops at the first bad page on either side. */
static ssize_t move_one(struct mm *mm, uaddr_t at, uint64_t size, struct uio *local, bool write,
			unsigned char *buf)
{
	uint64_t done = 0;

	while (done < size && local->left) {
		size_t want = min_u64(min_u64(size - done, CHUNK), local->left);
		ssize_t n;
		if (write) {
			n = uio_get(local, buf, want);
			if (n > 0)
				n = (ssize_t)copy_out_some(mm, at + done, buf, (size_t)n);
		} else {
			size_t got = copy_in_some(mm, buf, at + done, want);
			n = got ? uio_put(local, buf, got) : 0;
		}
		if (n > 0)
			done += (uint64_t)n;
		if (n < (ssize_t)want)
			break;
	}
	return (ssize_t)done;
}

static long move_all(struct mm *mm, const struct uvec *remote, uint64_t count, struct uio *local,
		     bool write)
{
	autofree unsigned char *buf = malloc(CHUNK);
	ssize_t done = 0;

	if (!buf)
		return -ENOMEM;
	for (uint64_t i = 0; i < count && local->left; i++) {
		uint64_t want = min_u64(remote[i].size, local->left);
		ssize_t n = move_one(mm, remote[i].base, want, local, write, buf);
		done += n;
		if ((uint64_t)n < want)
			return done ? done : -EFAULT;
	}
	return done;
}

static struct mm *remote_mm(struct task *t, int pid, long *out_err)
{
	autoput(task) struct task *target = task_find(pid);
	struct mm *mm = target ? task_mm_get(target) : NULL;

	*out_err = mm ? task_may_access(t, target) : -ESRCH;
	if (*out_err < 0 && mm) {
		mm_put(mm);
		return NULL;
	}
	return mm;
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
	autoput(mm) struct mm *mm = remote_mm(t, pid, &err);
	return err < 0 ? err : move_all(mm, remote, riovcnt, &u, write);
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
