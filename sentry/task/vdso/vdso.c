/* SPDX-License-Identifier: Apache-2.0 */
/* Maps the image of vdso.S; the version in its note is the one uname(2) reports. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/task/exec.h"
#include "syscalls/abi/mman.h"

extern const char vdso_image[], vdso_image_end[], vdso_note_version[], vdso_clock[],
	vdso_clock_ids[];

enum { VDSO_SIZE = 4096 };

/* LINUX_VERSION_CODE of "6.12.0"; 0 for a release that is no version. */
static uint32_t version_code(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;
	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return 0;
	return major << 16 | minor << 8 | (patch < 255 ? patch : 255);
}

static void fill_in(char *image, const char *where, const void *value, size_t size)
{
	memcpy(image + (where - vdso_image), value, size);
}

static void make_image(char *out)
{
	uint32_t code = version_code(kernel.release), ids = 0;
	uint64_t clock = platform->clock ? platform->clock(&ids) : 0;
	memcpy(out, vdso_image, VDSO_SIZE);
	fill_in(out, vdso_note_version, &code, sizeof code);
	if (!clock)
		return;
	fill_in(out, vdso_clock, &clock, sizeof clock);
	fill_in(out, vdso_clock_ids, &ids, sizeof ids);
}

uaddr_t vdso_map(struct task *t)
{
	struct mm_limits lim = task_mm_limits(t);
	char image[VDSO_SIZE];
	assert(vdso_image_end - vdso_image == VDSO_SIZE);
	int64_t at = mm_map(t->mm, t->ctx, 0, VDSO_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0, &lim);
	if (at < 0)
		return 0;
	uaddr_t base = (uaddr_t)at;
	make_image(image);
	if (copy_out(t->mm, base, image, VDSO_SIZE) < 0 ||
	    mm_protect(t->mm, t->ctx, base, VDSO_SIZE, PROT_READ | PROT_EXEC, &lim) < 0) {
		mm_unmap(t->mm, t->ctx, base, VDSO_SIZE);
		return 0;
	}
	mm_name_area(t->mm, base, "[vdso]");
	return base;
}
