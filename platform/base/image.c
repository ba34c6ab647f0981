/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/base/image.h"

#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "platform/base/types.h"

static atomic_bool touched;

static int forget(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + p->p_vaddr, start = at & -(uintptr_t)PAGE_SIZE;
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			madvise((void *)start, at + p->p_memsz - start, MADV_DONTNEED);
	}
	return 1; /* the first one is the program itself; libraries of test builds stay */
}

void image_forget(void)
{
	atomic_store_explicit(&touched, false, memory_order_relaxed);
	dl_iterate_phdr(forget, NULL);
}

void image_touched(void)
{
	atomic_store_explicit(&touched, true, memory_order_relaxed);
}

bool image_is_touched(void)
{
	return atomic_load_explicit(&touched, memory_order_relaxed);
}
