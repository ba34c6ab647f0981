/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a memory map.
 *
 * `users` counts tasks that run in it, `ref` everybody who looks at it.  The
 * list of areas is emptied with the last user; the stub goes with the last
 * reference, so that a copy from another process never meets a reused pid.
 */
#include "sentry/mm/mm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/inode.h"

static struct mm *mm_alloc(void)
{
	struct mm *mm = calloc(1, sizeof *mm);
	if (!mm)
		return NULL;
	ref_init(&mm->ref);
	lock_init(&mm->lock, RANK_MM);
	count_new(mm);
	return mm;
}

int mm_new(struct zygote *z, struct mm **out, struct ctx **out_ctx)
{
	struct mm *mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	int err = platform->aspace_new(z, &mm->aspace, out_ctx);
	if (err < 0) {
		mm_put(mm);
		return err;
	}
	mm->users = 1;
	*out = mm;
	return 0;
}

static void areas_clear(struct mm *mm)
{
	for (size_t i = 0; i < mm->count; i++)
		area_release(&mm->areas[i]);
	mm->count = 0;
	mm->total = mm->locked = mm->data = 0;
}

/* The child lacks DONTFORK areas because the host's own madvise took them out. */
static int areas_copy(struct mm *to, const struct mm *from)
{
	to->areas = malloc((from->count + 4) * sizeof *to->areas);
	if (!to->areas)
		return -ENOMEM;
	to->room = from->count + 4;
	for (size_t i = 0; i < from->count; i++) {
		struct area a = from->areas[i];
		if (a.flags & AREA_DONTFORK)
			continue;
		a.flags &= ~(uint32_t)AREA_LOCKED; /* mlock(2): not inherited */
		area_hold(&a);
		to->areas[to->count++] = a;
		to->total += a.end - a.start;
		to->data += area_data_size(&a);
	}
	return 0;
}

static void layout_copy(struct mm *to, const struct mm *from)
{
	to->brk_start = from->brk_start;
	to->brk_end = from->brk_end;
	to->mmap_base = from->mmap_base;
	to->start_code = from->start_code;
	to->end_code = from->end_code;
	to->start_data = from->start_data;
	to->end_data = from->end_data;
	to->start_stack = from->start_stack;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->vdso = from->vdso;
	memcpy(to->auxv, from->auxv, sizeof to->auxv);
	to->auxv_count = from->auxv_count;
	to->thp_disabled = from->thp_disabled;
	if (from->exe) {
		to->exe = file_get(from->exe);
		/* Cannot fail while from's own denial is there. */
		inode_deny_write(to->exe->inode);
	}
}

int mm_fork(struct mm *from, struct ctx *by, struct mm **out, struct ctx **out_ctx)
{
	struct mm *mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	mm->users = 1;
	lock(&from->lock);
	int err = areas_copy(mm, from);
	if (err == 0)
		err = platform->aspace_fork(by, &mm->aspace, out_ctx);
	if (err == 0)
		layout_copy(mm, from);
	unlock(&from->lock);
	if (err < 0) {
		mm_put(mm);
		return err;
	}
	*out = mm;
	return 0;
}

static void layout_clear(struct mm *mm)
{
	if (mm->exe)
		inode_allow_write(mm->exe->inode);
	area_drop(STEAL(mm->exe));
	mm->brk_start = mm->brk_end = 0;
	mm->locked_future = false;
	mm->auxv_count = 0;
}

int mm_reset(struct mm *mm, struct ctx *by)
{
	lock(&mm->lock);
	int err = platform->aspace_reset(by);
	if (err == 0) {
		areas_clear(mm);
		layout_clear(mm);
	}
	mm_unlock(mm);
	return err;
}

void mm_set_exe(struct mm *mm, struct file *file)
{
	lock(&mm->lock);
	mm->exe = file;
	mm_unlock(mm);
}

struct mm *mm_get(struct mm *mm)
{
	ref_get(&mm->ref);
	return mm;
}

bool mm_put_usage(struct mm *mm, struct usage *out)
{
	*out = (struct usage){0};
	if (!ref_put(&mm->ref))
		return false;
	lock(&mm->lock);
	areas_clear(mm);
	layout_clear(mm);
	mm_unlock(mm);
	free(mm->areas);
	/* The stub is gone (mm_unuse), but others may have been copying from it until now. */
	if (mm->aspace)
		platform->aspace_destroy(mm->aspace, out);
	free(mm);
	count_gone(mm);
	return true;
}

void mm_put(struct mm *mm)
{
	struct usage none;
	mm_put_usage(mm, &none);
}

void mm_use(struct mm *mm)
{
	__atomic_fetch_add(&mm->users, 1, __ATOMIC_RELAXED);
}

void mm_unuse(struct mm *mm)
{
	unsigned old = __atomic_fetch_sub(&mm->users, 1, __ATOMIC_ACQ_REL);
	assert(old > 0);
	if (old > 1)
		return;
	lock(&mm->lock);
	areas_clear(mm);
	layout_clear(mm);
	mm_unlock(mm);
}

void mm_for_each(struct mm *mm, bool (*fn)(const struct area *a, void *arg), void *arg)
{
	lock(&mm->lock);
	for (size_t i = 0; i < mm->count; i++)
		if (!fn(&mm->areas[i], arg))
			break;
	unlock(&mm->lock);
}

void mm_name_area(struct mm *mm, uaddr_t addr, const char *name)
{
	lock(&mm->lock);
	struct area *a = area_find(mm, addr);
	if (a)
		a->name = name;
	unlock(&mm->lock);
}

int mm_fault_code(struct mm *mm, uaddr_t addr)
{
	enum { MAPERR = 1, ACCERR = 2 };
	lock(&mm->lock);
	int code = area_find(mm, addr) ? ACCERR : MAPERR;
	unlock(&mm->lock);
	return code;
}

/* Private memory has no key of its own: (mm, address) is enough. */
int mm_futex_key(struct mm *mm, uaddr_t addr, const void **out_obj, uint64_t *out_off)
{
	lock(&mm->lock);
	const struct area *a = area_find(mm, addr);
	int err = a ? 0 : -EFAULT;
	if (a && (a->flags & AREA_SHARED)) {
		*out_obj = a->file ? (const void *)a->file->inode
				   : (const void *)(uintptr_t)a->anon_id;
		*out_off = a->off + (addr - a->start);
		err = 1;
	}
	unlock(&mm->lock);
	return err;
}
