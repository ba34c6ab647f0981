/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sentry/procfs/text.h"

static void expect(struct text *t, const char *want)
{
	assert_int_equal(t->err, 0);
	text_put(t, "", 1);
	assert_string_equal(t->p, want);
	free(t->p);
	*t = (struct text){.p = NULL};
}

static void printing_grows(void **state)
{
	struct text t = {.p = NULL};
	char *long_one = malloc(5000);
	(void)state;
	memset(long_one, 'x', 4999);
	long_one[4999] = 0;
	text_printf(&t, "%d %s", 7, "seven");
	expect(&t, "7 seven");
	text_printf(&t, "%s", long_one);
	expect(&t, long_one);
	free(long_one);
}

static void blanks_go_to_a_column_of_the_line(void **state)
{
	struct text t = {.p = NULL};
	(void)state;
	text_str(&t, "a\nbc");
	text_pad(&t, 4);
	text_str(&t, "|");
	text_pad(&t, 2);
	expect(&t, "a\nbc  |");
}

static void odd_names_are_escaped(void **state)
{
	struct text t = {.p = NULL};
	(void)state;
	text_escaped(&t, "a b\tc\\d\ne", " \t\n\\");
	expect(&t, "a\\040b\\011c\\134d\\012e");
}

static void masks_are_ranges(void **state)
{
	static const struct {
		uint64_t mask;
		const char *list;
	} cases[] = {
		{0, ""}, {1, "0"}, {3, "0-1"}, {0x8000000000000000, "63"}, {~0ull, "0-63"},
		{0x2d, "0,2-3,5"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t = {.p = NULL};
		text_mask_list(&t, cases[i].mask);
		expect(&t, cases[i].list);
	}
}

static void the_size_is_bounded(void **state)
{
	struct text t = {.p = NULL};
	char block[4096] = {0};
	(void)state;
	for (size_t i = 0; i < 2 * TEXT_MAX / sizeof block; i++)
		text_put(&t, block, sizeof block);
	assert_int_equal(t.err, -ENOMEM);
	assert_true(t.size <= TEXT_MAX);
	free(t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing_grows),
		cmocka_unit_test(blanks_go_to_a_column_of_the_line),
		cmocka_unit_test(odd_names_are_escaped),
		cmocka_unit_test(masks_are_ranges),
		cmocka_unit_test(the_size_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
