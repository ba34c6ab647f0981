/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/base/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "platform/base/types.h"

enum { PAGES = 400 };
static const char many[PAGES * PAGE_SIZE] = {1};
static char changed[PAGES * PAGE_SIZE] = {1};

/* kB that are mapped of the area that p is in, -1 if there is none. */
static long resident(const void *p)
{
	unsigned long from, to;
	long kb = -1;
	int here = 0;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");
	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof line, f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here)
			sscanf(line, "Rss: %ld", &kb);
	}
	fclose(f);
	return kb;
}

static unsigned sum(const volatile char *p)
{
	unsigned n = 0;
	for (size_t i = 0; i < PAGES; i++)
		n += (unsigned char)p[i * PAGE_SIZE];
	return n;
}

static void what_is_read_only_goes_and_comes_back(void **state)
{
	(void)state;
	assert_int_equal(sum(many), 1);
	assert_true(resident(many) >= PAGES * 4);
	image_forget();
	assert_true(resident(many) >= 0 && resident(many) < PAGES * 4 / 2);
	assert_int_equal(sum(many), 1);
	assert_true(resident(many) >= PAGES * 4);
}

static void what_was_written_stays(void **state)
{
	(void)state;
	memset(changed, 2, sizeof changed);
	image_forget();
	assert_int_equal(sum(changed), 2 * PAGES);
	assert_true(resident(changed) >= PAGES * 4);
}

static void it_is_known_whether_something_was_touched(void **state)
{
	(void)state;
	image_forget();
	assert_false(image_is_touched());
	image_touched();
	assert_true(image_is_touched());
	image_forget();
	assert_false(image_is_touched());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_only_goes_and_comes_back),
		cmocka_unit_test(what_was_written_stays),
		cmocka_unit_test(it_is_known_whether_something_was_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
