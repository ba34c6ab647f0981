/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_read() and elf_map() on hostile images, script_parse() on hostile lines.
 *
 * The first byte chooses.  Checked beside the sanitizers: what elf_read promises
 * of an image it accepts, that every mapping lies in user space, and that the
 * list of areas is in order whatever elf_map made of it.
 *
 *	clang -fsanitize=fuzzer,address ... -DFUZZER    libFuzzer
 *	program [runs [seed]]                           mutations of a good image
 */
#include <stdint.h>
#include <stdio.h>

#include "../unit/elf_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loader loader;
static unsigned long accepted, mapped;

static void try_image(const uint8_t *data, size_t size)
{
	struct elf_image e;
	if (image_load(&loader, data, size, &e) < 0) {
		assert(!e.ph && !e.interp);
		return;
	}
	accepted++;
	image_check(&e);
	mapped += image_map(&loader, &e) == 0;
	elf_free(&e);
}

static void try_line(const uint8_t *data, size_t size)
{
	char line[SCRIPT_LINE] = "#!", *interp = NULL, *arg = NULL;
	memcpy(line + 2, data, min_u64(size, sizeof line - 2));
	if (script_parse(line, &interp, &arg) < 0)
		return;
	assert(interp >= line + 2 && interp < line + sizeof line && *interp);
	assert(interp + strlen(interp) < line + sizeof line);
	assert(!arg || (arg > interp && arg + strlen(arg) < line + sizeof line));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!loader.task)
		loader_new(&loader);
	if (size == 0)
		return 0;
	if (data[0] & 1)
		try_line(data + 1, size - 1);
	else
		try_image(data + 1, size - 1);
	return 0;
}

#ifndef FUZZER
static uint64_t random_state = 0x853c49e6748fea9bull;

static uint32_t pick(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

/* Numbers near which comparisons go wrong, of any width. */
static uint64_t edge(void)
{
	static const uint64_t edges[] = {0,	    1,		4095,	    4096,
					 4097,	    1ull << 31, 1ull << 32, USER_TOP - 4096,
					 USER_TOP,  INT64_MAX,	1ull << 63, UINT64_MAX - 4095,
					 UINT64_MAX};
	return edges[pick(ARRAY_SIZE(edges))] + pick(3) - 1;
}

static void mutate(uint8_t *p, size_t *size)
{
	for (uint32_t i = 1 + pick(4); i > 0; i--) {
		uint32_t at = pick((uint32_t)*size);
		uint64_t v = edge();
		switch (pick(5)) {
		case 0:
			p[at] ^= (uint8_t)(1u << pick(8));
			break;
		case 1:
			p[at] = (uint8_t)pick(256);
			break;
		case 2:
			*size = at + 1;
			break;
		default:
			at &= ~7u;
			memcpy(p + at, &v, min_u64(sizeof v, *size - at));
		}
	}
}

int main(int argc, char **argv)
{
	static const char line[] = "/usr/bin/env -S sh\t-x\n";
	long runs = argc > 1 ? atol(argv[1]) : 100000;
	if (argc > 2)
		random_state ^= strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
	for (long i = 0; i < runs; i++) {
		const struct good_elf g = good_elf();
		bool script = pick(8) == 0;
		size_t size = script ? sizeof line : sizeof g;
		uint8_t *input = malloc(1 + size);
		input[0] = script;
		memcpy(input + 1, script ? (const void *)line : (const void *)&g, size);
		if (!script && pick(2))
			input[1 + offsetof(struct good_elf, h.e_type)] = ET_EXEC;
		mutate(input + 1, &size);
		/* Its own size, so that a read past its end is seen. */
		input = realloc(input, 1 + size);
		LLVMFuzzerTestOneInput(input, 1 + size);
		free(input);
	}
	printf("elf: %ld inputs, %lu accepted, %lu mapped\n", runs, accepted, mapped);
	loader_free(&loader);
	return 0;
}
#endif
