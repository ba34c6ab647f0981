/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of areas against a host that refuses: whatever call fails, and
 * whatever it has done before that, the list afterwards is what the host has.
 *
 * The host here is an array of pages.  In each round one host call of the
 * operation fails the way Linux' own do: munmap does nothing, mprotect stops
 * half way, mmap and mremap may have emptied their destination.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sentry/cred/cred.h"
#include "sentry/mm/area.h"
#include "sentry/vfs/file.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/mman.h"

enum { PAGES = 96, ROUNDS = 60000 };
#define BASE 0x10000000ull

static struct page {
	bool mapped;
	uint8_t prot;
} host[4 * PAGES]; /* areas grow beyond what is asked for */
static bool last_shared; /* of the latest mapping that was asked for */
static int fail_in; /* host calls until one fails; 0: none does */
static unsigned seed = 1;

static unsigned dice(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static struct page *at(uaddr_t addr)
{
	return &host[(addr - BASE) / PAGE_SIZE];
}

static bool refuses(void)
{
	return fail_in > 0 && --fail_in == 0;
}

static void range_clear(uaddr_t addr, uint64_t size)
{
	memset(at(addr), 0, size / PAGE_SIZE * sizeof *host);
}

static int fake_map(struct ctx *by, const struct map_req *r)
{
	(void)by;
	last_shared = r->shared;
	if (refuses()) {
		if (dice(2))
			range_clear(r->addr, r->size);
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < r->size / PAGE_SIZE; i++)
		at(r->addr)[i] = (struct page){true, (uint8_t)r->prot};
	return 0;
}

static int fake_unmap(struct ctx *by, uaddr_t addr, uint64_t size)
{
	(void)by;
	if (refuses())
		return -ENOMEM;
	range_clear(addr, size);
	return 0;
}

static int fake_protect(struct ctx *by, uaddr_t addr, uint64_t size, int prot)
{
	(void)by;
	uint64_t n = size / PAGE_SIZE;
	bool refused = refuses();
	if (refused)
		n = dice((unsigned)n);
	for (uint64_t i = 0; i < n; i++) {
		assert_true(at(addr)[i].mapped);
		at(addr)[i].prot = (uint8_t)prot;
	}
	return refused ? -ENOMEM : 0;
}

static int fake_remap(struct ctx *by, uaddr_t addr, uint64_t old_size, uint64_t new_size,
		      uaddr_t to)
{
	struct page moved = *at(addr);
	(void)by;
	if (refuses()) {
		if (to != addr && dice(2))
			range_clear(to, new_size);
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < old_size / PAGE_SIZE; i++) {
		assert_true(at(addr)[i].mapped);
		assert_int_equal(at(addr)[i].prot, moved.prot);
	}
	range_clear(addr, old_size);
	for (uint64_t i = 0; i < new_size / PAGE_SIZE; i++)
		at(to)[i] = moved;
	return 0;
}

static int fake_mincore(struct ctx *by, uaddr_t addr, uint64_t size, unsigned char *vec)
{
	(void)by;
	for (uint64_t i = 0; i < size / PAGE_SIZE; i++, vec++) {
		if (!at(addr)[i].mapped)
			return -ENOMEM;
		*vec = 0;
	}
	return 0;
}

static int fake_aspace_new(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	(void)z;
	*out = NULL;
	*out_ctx = NULL;
	return 0;
}

static const struct platform_ops fake = {
	.name = "fake",
	.aspace_new = fake_aspace_new,
	.map = fake_map,
	.unmap = fake_unmap,
	.protect = fake_protect,
	.remap = fake_remap,
	.mincore = fake_mincore,
};

const struct platform_ops *platform = &fake;

static const struct mm_limits none = {
	.as = UINT64_MAX, .data = UINT64_MAX, .stack = UINT64_MAX, .memlock = UINT64_MAX};

static void same_as_host(struct mm *mm)
{
	uint64_t total = 0, data = 0;
	for (unsigned i = 0; i < PAGES; i++) {
		const struct area *a = area_find(mm, BASE + i * PAGE_SIZE);
		assert_int_equal(a != NULL, host[i].mapped);
		if (a)
			assert_int_equal(area_host_prot(a->prot), host[i].prot);
	}
	for (size_t i = 0; i < mm->count; i++) {
		const struct area *a = &mm->areas[i];
		assert_true(a->start < a->end && (i == 0 || a[-1].end <= a->start));
		total += a->end - a->start;
		data += area_data_size(a);
	}
	assert_int_equal(total, mm->total);
	assert_int_equal(data, mm->data);
}

/* A range inside the array. */
static uaddr_t some(uint64_t *out_size)
{
	unsigned first = dice(PAGES - 1), n = 1 + dice((unsigned)min_u64(24, PAGES - 1 - first));
	*out_size = n * PAGE_SIZE;
	return BASE + first * PAGE_SIZE;
}

static int some_prot(void)
{
	static const int prots[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, 0};
	return prots[dice(4)];
}

static void remap_something(struct mm *mm)
{
	uint64_t size, to_size;
	uaddr_t addr = some(&size), to = some(&to_size);
	switch (dice(3)) {
	case 0: /* in place, or not at all */
		mm_remap(mm, NULL, addr, size, to_size, 0, 0, &none);
		break;
	case 1:
		mm_remap(mm, NULL, addr, size, to_size, MREMAP_MAYMOVE | MREMAP_FIXED, to, &none);
		break;
	default:
		mm_remap(mm, NULL, addr, size, size,
			 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to, &none);
		break;
	}
}

static void do_something(struct mm *mm)
{
	uint64_t size;
	uaddr_t addr = some(&size);
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	switch (dice(5)) {
	case 0:
		mm_map(mm, NULL, addr, size, some_prot(), flags | MAP_FIXED, NULL, 0, &none);
		break;
	case 1:
		mm_map(mm, NULL, addr, size, some_prot(), flags | MAP_FIXED_NOREPLACE, NULL, 0,
		       &none);
		break;
	case 2:
		mm_unmap(mm, NULL, addr, size);
		break;
	case 3:
		mm_protect(mm, NULL, addr, size, some_prot(), &none);
		break;
	default:
		remap_something(mm);
		break;
	}
}

static void run(unsigned start, bool failing)
{
	struct mm *mm;
	struct ctx *c;
	seed = start;
	memset(host, 0, sizeof host);
	assert_int_equal(mm_new(NULL, &mm, &c), 0);
	mm->mmap_base = BASE + PAGES * PAGE_SIZE;
	for (int i = 0; i < ROUNDS; i++) {
		fail_in = failing ? (int)dice(4) : 0;
		do_something(mm);
		fail_in = 0;
		same_as_host(mm);
	}
	mm_put(mm);
}

static void follows_a_host_that_obeys(void **state)
{
	(void)state;
	run(1, /*failing=*/false);
}

static void follows_a_host_that_refuses(void **state)
{
	(void)state;
	for (unsigned s = 2; s < 6; s++)
		run(s, /*failing=*/true);
}

static int source_mmap(struct file *f, int prot, bool shared, uint64_t off, uint64_t size,
		       struct mmap_source *out)
{
	(void)f, (void)prot, (void)shared, (void)off, (void)size;
	*out = (struct mmap_source){.fd = 99};
	return 0;
}

/* The host is told `shared' only of what the file was opened to write. */
static bool shared_there(struct mm *mm, const struct cred *cred, uint32_t open_flags)
{
	static const struct file_ops ops = {.mmap = source_mmap, .release = file_norelease};
	struct file *f;
	assert_int_equal(file_new_anon(&ops, FILE_INODE, NULL, "f", cred, open_flags, &f), 0);
	assert_int_equal(mm_map(mm, NULL, BASE, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, f, 0,
				&none),
			 BASE);
	assert_int_equal(mm_protect(mm, NULL, BASE, PAGE_SIZE, PROT_READ | PROT_WRITE, &none),
			 open_flags == O_RDONLY ? -EACCES : 0);
	file_put(f);
	return last_shared;
}

static void what_may_not_be_written_is_private_there(void **state)
{
	struct cred *cred = cred_new_root(CAP_ALL);
	struct mm *mm;
	struct ctx *c;
	(void)state;
	memset(host, 0, sizeof host);
	assert_int_equal(mm_new(NULL, &mm, &c), 0);
	mm->mmap_base = BASE + PAGES * PAGE_SIZE;
	assert_false(shared_there(mm, cred, O_RDONLY));
	assert_true(shared_there(mm, cred, O_RDWR));
	mm_put(mm);
	cred_put(cred);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_host_that_obeys),
		cmocka_unit_test(follows_a_host_that_refuses),
		cmocka_unit_test(what_may_not_be_written_is_private_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
