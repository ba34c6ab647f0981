/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told: names of scopes, limits and annotations as properties. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oci/cgroup/properties.h"
#include "oci/cgroup/systemd.h"
#include "platform/platform.h"

const struct platform_ops *platform = &null_platform;

static const char *scope_of(const char *path, bool user)
{
	static char out[1024];
	char slice[256], unit[512];
	struct error e;
	int err = systemd_names(path, "id", user, slice, sizeof slice, unit, sizeof unit, &e);
	if (err == 0)
		err = systemd_path(slice, unit, out, sizeof out, &e);
	return err == 0 ? out : err == -EINVAL ? "EINVAL" : "?";
}

static void names_scopes_as_systemd_does(void **state)
{
	(void)state;
	assert_string_equal(scope_of("system.slice:docker:abc", false), "/system.slice/docker-abc.scope");
	assert_string_equal(scope_of("a-b-c.slice:crio:x", false),
			    "/a.slice/a-b.slice/a-b-c.slice/crio-x.scope");
	assert_string_equal(scope_of("-.slice::x", false), "/x.scope");
	assert_string_equal(scope_of(NULL, false), "/system.slice/vedette-id.scope");
	assert_string_equal(scope_of(NULL, true), "/user.slice/vedette-id.scope");
	assert_string_equal(scope_of(":p:", true), "/user.slice/p-id.scope");
	static const char *const wrong[] = {
		"/a/b",		  "a:b",	   "a:b:c:d",	   "x:y:z",
		"a--b.slice:p:n", "a/b.slice:p:n", "-a.slice:p:n", ":p:own.slice"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_string_equal(scope_of(wrong[i], false), "EINVAL");
}

/* All words with a blank between. */
static const char *joined(struct words *w)
{
	static char out[2048];
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < w->count; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? " " : "", w->list[i]);
	words_free(w);
	return out;
}

static const char *properties_v2(const char *file, const char *value)
{
	struct setting one = {.controller = "", .value = (char *)(uintptr_t)value};
	struct words w = {.list = NULL};
	snprintf(one.file, sizeof one.file, "%s", file);
	properties_of_settings(&(struct settings){.list = &one, .count = 1}, true, &w);
	return joined(&w);
}

static void limits_are_properties(void **state)
{
	(void)state;
	assert_string_equal(properties_v2("memory.max", "1048576"), "MemoryMax t 1 1048576");
	assert_string_equal(properties_v2("memory.max", "max"), "MemoryMax t 1 18446744073709551615");
	assert_string_equal(properties_v2("cpu.max", "50500 100000"),
			    "CPUQuotaPerSecUSec t 1 510000 CPUQuotaPeriodUSec t 1 100000");
	assert_string_equal(properties_v2("cpu.max", "max 20000"),
			    "CPUQuotaPerSecUSec t 1 18446744073709551615 CPUQuotaPeriodUSec t 1 20000");
	assert_string_equal(properties_v2("cpuset.cpus", "0-2,9"), "AllowedCPUs ay 2 7 2");
	assert_string_equal(properties_v2("cpuset.cpus", "0-100000"), "");
	assert_string_equal(properties_v2("io.weight", "default 50"), "IOWeight t 1 50");
	assert_string_equal(properties_v2("io.weight", "8:16 50"), "IODeviceWeight a(st) 2 /dev/block/8:16 50");
	assert_string_equal(properties_v2("io.max", "8:0 rbps=1 wiops=max"),
			    "IOReadBandwidthMax a(st) 2 /dev/block/8:0 1 "
			    "IOWriteIOPSMax a(st) 2 /dev/block/8:0 18446744073709551615");
	assert_string_equal(properties_v2("hugetlb.2MB.max", "1"), "");
}

static const char *annotation(const char *name, const char *value)
{
	char key[128];
	struct words w = {.list = NULL};
	struct error e;
	snprintf(key, sizeof key, "org.systemd.property.%s", name);
	json_t *j = json_pack("{s:s, s:s}", "other", "x", key, value);
	int err = properties_of_annotations(j, &w, &e);
	json_decref(j);
	const char *text = joined(&w);
	return err < 0 ? "wrong" : text;
}

static void annotations_are_properties(void **state)
{
	(void)state;
	assert_string_equal(annotation("TimeoutStopUSec", "uint64 123"), "TimeoutStopUSec t 1 123");
	assert_string_equal(annotation("TimeoutStopSec", "5"), "TimeoutStopUSec t 1 5000000");
	assert_string_equal(annotation("TimeoutStopSec", "1.5"), "TimeoutStopUSec t 1 1500000");
	assert_string_equal(annotation("SendSIGHUP", " true "), "SendSIGHUP b 1 1");
	assert_string_equal(annotation("Description", "'it\\'s'"), "Description s 1 it's");
	assert_string_equal(annotation("KillSignal", "-1"), "KillSignal i 1 -1");
	assert_string_equal(annotation("Before", "[\"a\", 'b']"), "Before as 2 a b");
	assert_string_equal(annotation("Some", "[uint32 1, 2]"), "Some au 2 1 2");
	static const char *const wrong[] = {"",	      "x",	"'a",	  "uint64 -1", "[1, 'a']", "[]",
					    "[1",     "1 2",	"'a'b",	  "true x",    "byte 'a'",
					    "uint64", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_string_equal(annotation("Some", wrong[i]), "wrong");
	assert_string_equal(annotation("TimeoutStopSec", "'5s'"), "wrong");
	assert_string_equal(annotation("TimeoutStopSec", "uint64 99999999999999999"), "wrong");
	assert_string_equal(annotation("Foo-Bar", "1"), "wrong");
	assert_string_equal(annotation("", "1"), "wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_scopes_as_systemd_does),
		cmocka_unit_test(limits_are_properties),
		cmocka_unit_test(annotations_are_properties),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
