/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "platform/base/kver.h"

static uint32_t parsed(const char *text)
{
	uint32_t v = 0;

	assert_int_equal(kver_parse(text, &v), 0);
	return v;
}

static void reads_versions(void **state)
{
	(void)state;
	assert_int_equal(parsed("6.1"), KVER(6, 1, 0));
	assert_int_equal(parsed("2.6.27"), KVER(2, 6, 27));
	assert_int_equal(parsed("4.4.155"), KVER(4, 4, 155));
	assert_int_equal(parsed("6.1.0-13-amd64"), KVER(6, 1, 0));
	assert_int_equal(parsed("6.12+deb13"), KVER(6, 12, 0));
	assert_int_equal(parsed("7"), KVER(7, 0, 0));
	assert_int_equal(parsed("never"), KVER_NEVER);
}

static void refuses_what_is_none(void **state)
{
	static const char *const bad[] = {
		"",	".",	  "6.",	   "6.1.",  "6.1.2.3",	 "a.b",		  "6.x",   "-6.1",
		" 6.1", "6.1rc1", "256.0", "6.256", "6.1.65536", "99999999999.1", "Never", "6..1"};
	uint32_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kver_parse(bad[i], &v), -EINVAL);
}

static void compares_as_numbers(void **state)
{
	(void)state;
	assert_true(parsed("2.6.9") < parsed("2.6.10"));
	assert_true(parsed("2.6.39") < parsed("3.0"));
	assert_true(parsed("4.9") < parsed("4.19"));
	assert_true(parsed("6.1.65535") < parsed("6.2"));
	assert_true(parsed("254.255.65535") < parsed("never"));
}

static void prints_what_it_read(void **state)
{
	static const char *const texts[] = {"6.1", "2.6.27", "4.4.155", "7.0", "never"};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(kver_format(parsed(texts[i]), buf, sizeof(buf)), texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_versions),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(compares_as_numbers),
		cmocka_unit_test(prints_what_it_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
