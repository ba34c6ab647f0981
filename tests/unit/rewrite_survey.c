/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many calls of real programs can be rewritten.
 *
 *	rewrite_survey		the test: all of this machine's libc and ld.so
 *	rewrite_survey FILE...	a table; with -v each site that cannot be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/trap/rewrite/source.h"

struct image {
	const uint8_t *bytes;
	size_t size;
};

struct survey {
	unsigned shapes[PLAN_SHAPES], whys[WHY_COUNT];
};

static bool verbose;

static ssize_t image_read(void *arg, uint64_t off, void *buf, size_t size)
{
	const struct image *image = arg;
	if (off >= image->size)
		return 0;
	size = min_u64(size, image->size - off);
	memcpy(buf, image->bytes + off, size);
	return (ssize_t)size;
}

static bool image_open(const char *path, struct image *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	fstat(fd, &st);
	out->size = (size_t)st.st_size;
	out->bytes = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return out->bytes != MAP_FAILED;
}

static void survey_site(const struct text_source *src, uint64_t off, struct survey *s)
{
	struct plan plan = {0};
	enum plan_why why = plan_from_file(src, off, &plan);
	s->whys[why]++;
	if (why == WHY_OK)
		s->shapes[plan.shape]++;
	else if (verbose)
		printf("  %#lx %s\n", (unsigned long)off, plan_why_text(why));
}

/* Bytes 0f 05 that are no instruction show up as a boundary that is not proven. */
static bool survey_file(const char *path, struct survey *s)
{
	struct image image;
	struct elf_file f;
	const struct text_source src = {.arg = &image, .read = image_read};
	uint64_t address;
	memset(s, 0, sizeof *s);
	if (!image_open(path, &image))
		return false;
	if (elf_open(&f, &src) == 0)
		for (size_t i = 0; i + 1 < image.size; i++)
			if (image.bytes[i] == 0x0f && image.bytes[i + 1] == 0x05 &&
			    elf_address(&f, i, PF_X, &address))
				survey_site(&src, i, s);
	munmap((void *)(uintptr_t)image.bytes, image.size);
	return true;
}

static void survey_print(const char *path, const struct survey *s)
{
	printf("%s:", path);
	for (unsigned i = PLAN_ONE; i < PLAN_SHAPES; i++)
		printf(" %s %u", plan_shape_name(i), s->shapes[i]);
	printf(" | no:");
	for (unsigned i = WHY_RANGE; i < WHY_COUNT; i++)
		printf(" %s %u%s", plan_why_text(i), s->whys[i], i + 1 < WHY_COUNT ? "," : "\n");
}

static void libc_can_be_rewritten(void **state)
{
	static const char *const files[] = {"/lib/x86_64-linux-gnu/libc.so.6",
					    "/lib64/ld-linux-x86-64.so.2"};
	(void)state;
	unsigned can = 0, cannot = 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct survey s;
		if (!survey_file(files[i], &s))
			skip();
		can += s.whys[WHY_OK];
		cannot += s.whys[WHY_RANGE] + s.whys[WHY_TARGET] + s.whys[WHY_MOVE];
	}
	/* clone's and those that return from signals. */
	assert_true(can > 400);
	assert_true(cannot * 100 <= can);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(libc_can_be_rewritten)};
	if (argc == 1)
		return cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 1; i < argc; i++) {
		struct survey s;
		if (!strcmp(argv[i], "-v"))
			verbose = true;
		else if (survey_file(argv[i], &s))
			survey_print(argv[i], &s);
	}
	return 0;
}
