/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that the platform may rewrite (platform_ops.rewrite), and the address space it
 * takes for that.
 *
 * Only what comes from a file and was never writable in this map, so that the file's
 * content says what is there.  The file is looked at, never the guest's copy of it.
 */
#include <errno.h>

#include "platform/host.h"
#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/inode.h"
#include "syscalls/abi/mman.h"

struct text {
	struct mm *mm;
	struct mmap_source src;
};

static ssize_t text_read(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct text *text = arg;
	return host_pread(text->src.fd, buf, size, (int64_t)off + text->src.off);
}

/* mm->lock is held. */
static uaddr_t text_gap(void *arg, uint64_t size, uaddr_t low, uaddr_t high)
{
	const struct text *text = arg;
	return area_gap(text->mm, size, max_u64(low, MMAP_MIN), min_u64(high, USER_TOP));
}

static bool is_text(const struct area *a)
{
	const int prot = PROT_READ | PROT_WRITE | PROT_EXEC;
	return a->file && !(a->flags & (AREA_SHARED | AREA_WRITTEN | AREA_GROWSDOWN)) &&
	       (a->prot & prot) == (PROT_READ | PROT_EXEC);
}

/* What is open for writing, or mapped so, is not what it was when it is looked at again. */
static bool file_identity(struct file *f, uint64_t out[4])
{
	struct inode *inode = f->inode;
	lock(&inode->lock);
	bool still = inode->writers <= 0 &&
		     __atomic_load_n(&inode->writable_maps, __ATOMIC_RELAXED) == 0;
	out[0] = inode->fs->dev ^ __atomic_load_n(&inode->generation, __ATOMIC_RELAXED) << 32;
	out[1] = inode->ino;
	out[2] = (uint64_t)inode->mtime.sec * NSEC_PER_SEC + inode->mtime.nsec;
	out[3] = (uint64_t)inode->ctime.sec * NSEC_PER_SEC + inode->ctime.nsec + (inode->size << 1);
	unlock(&inode->lock);
	return still;
}

static int rewrite_locked(struct mm *mm, struct ctx *by, uaddr_t rip)
{
	struct text text = {.mm = mm};
	const struct area *a = area_find(mm, rip - 1);
	struct rewrite_req req = {.rip = rip, .arg = &text, .read = text_read, .gap = text_gap};
	if (!a || !is_text(a) || !file_identity(a->file, req.file))
		return -EOPNOTSUPP;
	int err = a->file->ops->mmap(a->file, a->prot, /*shared=*/false, a->off, a->end - a->start,
				     &text.src);
	if (err < 0 || text.src.fd < 0)
		return err < 0 ? err : -EOPNOTSUPP;
	req.start = a->start;
	req.end = a->end;
	req.off = a->off;
	return platform->rewrite(by, &req);
}

int mm_rewrite(struct mm *mm, struct ctx *by, uaddr_t rip)
{
	if (!platform->rewrite)
		return -EOPNOTSUPP;
	lock(&mm->lock);
	int err = rewrite_locked(mm, by, rip);
	mm_unlock(mm);
	return err;
}
