/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings and page faults. */
#include "micro.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, FAULT_PAGES = 256 * 1024 * 1024 / PAGE };

static char *area;

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int batch_map(long n)
{
	for (long i = 0; i < n; i++) {
		volatile char *p = map(PAGE);
		if (!p || p[0] != 0)
			return wrong("mmap: %s", p ? "not zero" : strerror(errno));
		p[0] = 1;
		if (munmap((void *)p, PAGE) != 0)
			return wrong("munmap: %s", strerror(errno));
	}
	return 0;
}

static void stop_faults(void)
{
	if (area)
		munmap(area, (size_t)FAULT_PAGES * PAGE);
	area = NULL;
}

/* New pages for each batch.  Small ones: huge pages would make it a benchmark of clearing memory.
 */
static int before_faults(void)
{
	stop_faults();
	area = map((size_t)FAULT_PAGES * PAGE);
	if (!area)
		return wrong("mmap: %s", strerror(errno));
	madvise(area, (size_t)FAULT_PAGES * PAGE, MADV_NOHUGEPAGE);
	return 0;
}

static int batch_faults(long n)
{
	char sum = 0;

	(void)n;
	for (size_t i = 0; i < FAULT_PAGES; i++) {
		volatile char *p = area + i * PAGE;
		sum |= *p;
		*p = 1;
	}
	return sum == 0 ? 0 : wrong("new pages are not zero");
}

static int batch_write_faults(long n)
{
	(void)n;
	for (size_t i = 0; i < FAULT_PAGES; i++)
		((volatile char *)area)[i * PAGE] = 1;
	return area[(FAULT_PAGES - 1L) * PAGE] == 1 ? 0 : wrong("a page forgot");
}

const struct op ops_memory[] = {
	{"mmap_munmap", "mmap one page, touch it, munmap", op_nothing, NULL, batch_map, op_no_stop,
	 0, 0},
	{"page_fault", "first write to each page of 256 MiB", op_nothing, before_faults,
	 batch_write_faults, stop_faults, FAULT_PAGES, 1},
	{"page_fault_read", "the same, read first: a zero page, then a copy", op_nothing,
	 before_faults, batch_faults, stop_faults, FAULT_PAGES, 1},
	{0},
};
