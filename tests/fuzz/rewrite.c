/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_from_file() on hostile files: .eh_frame, its index, symbols, Go's table, code.
 *
 * Checked beside the sanitizers: a plan that is given keeps what analyse.h promises of it, and
 * its island can be written.
 *
 *	clang -fsanitize=fuzzer,address ... -DFUZZER    libFuzzer
 *	program [runs [seed [FILE...]]]                 mutations of real files
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/trap/rewrite/emit.h"
#include "platform/trap/rewrite/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *bytes;
	size_t size;
};

static unsigned long planned;

static ssize_t input_read(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct input *in = arg;
	if (off >= in->size)
		return 0;
	size = min_u64(size, in->size - off);
	memcpy(buf, in->bytes + off, size);
	return (ssize_t)size;
}

static void plan_check(const struct plan *p, const uint8_t *bytes)
{
	unsigned at = 0;
	uint8_t island[ISLAND_MAX], jump[PLAN_BYTES];
	struct place place = {.plan = p, .call = 0x7f0000001234};
	assert(p->shape > PLAN_NONE && p->shape < PLAN_SHAPES);
	assert(p->size >= JUMP_SIZE && p->size <= PLAN_BYTES && p->before <= p->size);
	assert(!memcmp(p->old, bytes, p->size));
	for (unsigned i = 0; i < p->count; i++) {
		assert(p->insns[i].at == at && p->insns[i].size > 0);
		assert(p->insns[i].disp == 0 || p->insns[i].disp + 4 <= p->insns[i].size);
		assert(!p->insns[i].call || at == p->before);
		at += p->insns[i].size;
	}
	assert(at == p->size);
	int32_t d;
	island_distance(0, &d);
	place.unit = (place.call + (uaddr_t)(int64_t)d) & ~(uaddr_t)(ISLAND_UNIT - 1);
	assert(island_units(p) <= ISLAND_MAX / ISLAND_UNIT);
	if (!island_fits(&place))
		return;
	island_write(&place, 0x1111, 0x2222, island);
	jump_write(&place, jump);
	for (unsigned i = 0; i < p->count; i++) {
		uaddr_t text = place_start(&place) + p->insns[i].at;
		uaddr_t host = island_host_rip(&place, text);
		assert(i == 0 ? host == text : island_guest_rip(&place, host) == text);
	}
}

/* The first bytes say which call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t off;
	struct plan plan;
	if (size < sizeof off)
		return 0;
	memcpy(&off, data, sizeof off);
	struct input in = {.bytes = data + sizeof off, .size = size - sizeof off};
	const struct text_source src = {.arg = &in, .read = input_read};
	if (plan_from_file(&src, off, &plan) != WHY_OK)
		return 0;
	planned++;
	plan_check(&plan, in.bytes + off - plan.before);
	return 0;
}

#ifndef FUZZER
static uint64_t random_state = 0x853c49e6748fea9bull;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

/* Where it matters: headers, tables near the end or anywhere, code around the call. */
static size_t mutate_at(size_t size, uint32_t call)
{
	switch (pick(4)) {
	case 0:
		return pick((uint32_t)min_u64(size, 1024));
	case 1:
		return min_u64(size - 8, call - min_u64(call, 40) + pick(80));
	case 2:
		return size - 1 - pick((uint32_t)min_u64(size, 4096));
	default:
		return pick((uint32_t)size);
	}
}

static size_t mutate(uint8_t *p, size_t size, uint32_t call)
{
	static const uint64_t edges[] = {0,	     1,		 7,	     0x7fffffff,
					 0xffffffff, 1ull << 63, UINT64_MAX, 0x1000};
	for (uint32_t i = 1 + pick(6); i > 0; i--) {
		size_t at = mutate_at(size, call);
		uint64_t v = edges[pick(ARRAY_SIZE(edges))] + pick(3) - 1;
		if (pick(40) == 0)
			return at + 1;
		if (pick(3) == 0)
			memcpy(p + at, &v, min_u64(1u << pick(4), size - at));
		else
			p[at] ^= (uint8_t)(1u << pick(8));
	}
	return size;
}

static uint32_t pick_call(const uint8_t *p, size_t size)
{
	for (uint32_t at = pick((uint32_t)size), n = 0; n < size; n++, at++)
		if (at + 1 < size && p[at] == 0x0f && p[at + 1] == 0x05)
			return at;
		else if (at >= size)
			at = 0;
	return 0;
}

static void run_file(const char *path, long runs)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert(fd >= 0 && fstat(fd, &st) == 0);
	size_t size = (size_t)st.st_size;
	uint8_t *good = malloc(size), *bad = malloc(4 + size);
	assert(good && bad && read(fd, good, size) == st.st_size);
	close(fd);
	for (long i = 0; i < runs; i++) {
		uint32_t call = pick_call(good, size);
		memcpy(bad, &call, 4);
		memcpy(bad + 4, good, size);
		LLVMFuzzerTestOneInput(bad, 4 + mutate(bad + 4, size, call));
	}
	free(good);
	free(bad);
}

int main(int argc, char **argv)
{
	long runs = argc > 1 ? atol(argv[1]) : 10000;
	if (argc > 2)
		random_state ^= strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
	if (argc <= 3)
		run_file("/lib64/ld-linux-x86-64.so.2", runs);
	for (int i = 3; i < argc; i++)
		run_file(argv[i], runs);
	printf("rewrite: %ld inputs, %lu plans\n", runs, planned);
	return 0;
}
#endif
