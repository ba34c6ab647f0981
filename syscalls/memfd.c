/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create(2). */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/memfs/memfs.h"
#include "sentry/mm/mm.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/flags.h"
#include "syscalls/sys.h"

struct mms {
	struct mm **mm;
	size_t count, size;
};

/* Threads share their mm, so the first that has one will do. */
static bool mms_add(struct group *g, void *arg)
{
	struct mms *all = arg;
	struct task *t;
	if (all->count == all->size)
		return false;
	list_for_each (t, &g->threads, threads) {
		if (!t->mm)
			continue;
		all->mm[all->count++] = mm_get(t->mm);
		break;
	}
	return true;
}

/* Every address space of the sandbox; an mm's lock may not be taken inside tasks_lock. */
static int mms_get(struct mms *all)
{
	lock(&kernel.tasks_lock);
	*all = (struct mms){.size = kernel.ngroups};
	all->mm = calloc(all->size + 1, sizeof(struct mm *));
	if (all->mm)
		group_for_each_locked(mms_add, all);
	unlock(&kernel.tasks_lock);
	return all->mm ? 0 : -ENOMEM;
}

struct search {
	const struct inode *inode;
	bool found;
};

static bool area_check(const struct area *a, void *arg)
{
	struct search *s = arg;
	s->found = a->file && a->file->inode == s->inode && (a->flags & AREA_SHARED) &&
		   (a->flags & AREA_MAYWRITE);
	return !s->found;
}

/* Rare enough (F_ADD_SEALS) to look everywhere instead of counting at each mmap. */
static bool writably_mapped(struct inode *i)
{
	struct search s = {.inode = i};
	struct mms all;
	if (mms_get(&all) < 0)
		return true; /* cannot promise that nobody writes */
	for (size_t n = 0; n < all.count; n++) {
		if (!s.found)
			mm_for_each(all.mm[n], area_check, &s);
		mm_put(all.mm[n]);
	}
	free(all.mm);
	return s.found;
}

long sys_memfd_create(struct task *t, uaddr_t name, uint32_t flags)
{
	char buf[ABI_MFD_NAME_MAX + 1];
	uint32_t seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL, mode = 0777;
	struct file *f;

	if (flags & ~FLAGS_KNOWN(MEMFD) || (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	ssize_t n = copy_str(t->mm, buf, name, sizeof buf);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	if (flags & MFD_NOEXEC_SEAL) { /* implies that sealing is allowed */
		mode = 0666;
		seals = F_SEAL_EXEC;
	}
	memfs_set_mapped_hook(writably_mapped);
	int err = memfs_file_new(buf, t->cred, O_RDWR | O_LARGEFILE, mode, seals, &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, flags & MFD_CLOEXEC, 0, task_rlimit(t, RLIMIT_NOFILE));
}
