/* SPDX-License-Identifier: Apache-2.0 */
/* Maps the image of vdso.S; the version in its note is the one uname(2) reports. */
#include <stdio.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "syscalls/abi/mman.h"

extern const char vdso_image[], vdso_image_end[], vdso_note_version[];

/* LINUX_VERSION_CODE of "6.12.0"; 0 for a release that is no version. */
static uint32_t version_code(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;
	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return 0;
	return major << 16 | minor << 8 | (patch < 255 ? patch : 255);
}

uaddr_t vdso_map(struct task *t)
{
	struct mm_limits lim = task_mm_limits(t);
	uint64_t size = (uint64_t)(vdso_image_end - vdso_image);
	uint32_t code = version_code(kernel.release);
	int64_t at = mm_map(t->mm, t->ctx, 0, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, &lim);
	if (at < 0)
		return 0;
	uaddr_t base = (uaddr_t)at;
	if (copy_out(t->mm, base, vdso_image, size) < 0 ||
	    copy_out(t->mm, base + (uaddr_t)(vdso_note_version - vdso_image), &code,
		     sizeof code) < 0 ||
	    mm_protect(t->mm, t->ctx, base, size, PROT_READ | PROT_EXEC, &lim) < 0) {
		mm_unmap(t->mm, t->ctx, base, size);
		return 0;
	}
	mm_name_area(t->mm, base, "[vdso]");
	return base;
}
