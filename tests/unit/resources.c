/* SPDX-License-Identifier: Apache-2.0 */
/* What a sandbox was given and uses, from the texts of both versions of cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/host.h"
#include "platform/platform.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/res/usage.h"

const struct platform_ops *platform = &null_platform;

static struct usage_files files;

static void give(enum usage_file which, const char *text)
{
	files.fd[which] = memfd_create("usage", MFD_CLOEXEC);
	assert_true(files.fd[which] >= 0);
	assert_int_equal(write(files.fd[which], text, strlen(text)), strlen(text));
}

static int begin(void **state)
{
	(void)state;
	memset(&files, -1, sizeof files);
	files.own = true;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (int i = 0; i < USAGE_FILES; i++)
		if (files.fd[i] >= 0)
			close(files.fd[i]);
	const struct limits none = {0};
	resources_limit(&none);
	memset(&files, -1, sizeof files);
	files.own = false;
	usage_set(&files);
	return 0;
}

static void v1_times_are_nanoseconds(void **state)
{
	struct usage_cpu u;
	(void)state;
	give(USAGE_CPU_STAT, "nr_periods 7\nnr_throttled 3\nthrottled_time 5000000\n"
			     "nr_bursts 1\nburst_time 2000\n");
	give(USAGE_CPU_TIME, "123456789\n");
	usage_set(&files);
	usage_cpu(&u);
	assert_int_equal(u.time_us, 123456);
	assert_int_equal(u.periods, 7);
	assert_int_equal(u.throttled, 3);
	assert_int_equal(u.throttled_us, 5000);
	assert_int_equal(u.burst_us, 2);
}

static void v2_times_are_microseconds(void **state)
{
	struct usage_cpu u;
	(void)state;
	give(USAGE_CPU_STAT, "usage_usec 100\nuser_usec 60\nsystem_usec 40\nnr_periods 2\n"
			     "nr_throttled 1\nthrottled_usec 9\nnr_bursts 0\nburst_usec 0\n");
	usage_set(&files);
	usage_cpu(&u);
	assert_int_equal(u.time_us, 100);
	assert_int_equal(u.throttled_us, 9);
}

static void a_shared_group_s_time_is_not_ours(void **state)
{
	struct usage_cpu u;
	(void)state;
	files.own = false;
	give(USAGE_CPU_STAT, "usage_usec 100\n");
	usage_set(&files);
	usage_cpu(&u);
	assert_int_equal(u.time_us, -1);
}

static void events_of_both_versions(void **state)
{
	struct usage_events e;
	(void)state;
	give(USAGE_MEMORY_EVENTS, "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 0\n");
	usage_set(&files);
	usage_events(&e);
	assert_int_equal(e.low, 1);
	assert_int_equal(e.max, 3);
	assert_int_equal(e.oom, 4);
	assert_int_equal(e.oom_kill, 5);
	close(files.fd[USAGE_MEMORY_EVENTS]);
	give(USAGE_MEMORY_EVENTS, "oom_kill_disable 0\nunder_oom 1\noom_kill 2\n");
	give(USAGE_MEMORY_FAILS, "40\n");
	usage_set(&files);
	usage_events(&e);
	assert_int_equal(e.oom_kill, 2);
	assert_int_equal(e.oom, 2);
	assert_int_equal(e.max, 40);
}

static void swap_is_what_both_have_more(void **state)
{
	(void)state;
	give(USAGE_MEMORY, "1000\n");
	give(USAGE_MEMORY_AND_SWAP, "1500\n");
	usage_set(&files);
	assert_int_equal(usage_swap(), 500);
}

static void io_is_shown_as_v2_does(void **state)
{
	char out[300];
	(void)state;
	usage_io_convert("8:0 Read 100\n8:0 Write 200\n8:0 Sync 1\n8:0 Discard 5\n8:0 Total 305\n"
			 "8:16 Read 7\n8:16 Write 0\nTotal 312\n",
			 "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\nTotal 31\n", out, sizeof out);
	assert_string_equal(out, "8:0 rbytes=100 wbytes=200 rios=10 wios=20 dbytes=5 dios=0\n"
				 "8:16 rbytes=7 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n");
	/* Whole lines, or none. */
	assert_int_equal(usage_io_convert("8:0 Read 100\n", "", out, 20), 0);
	assert_string_equal(out, "");
}

static void counters_are_whole_words(void **state)
{
	(void)state;
	assert_int_equal(usage_counter("file_mapped 3\nfile 4\n", "file"), 4);
	assert_int_equal(usage_counter("MemFree:    12 kB\n", "MemFree"), 12);
	assert_int_equal(usage_counter("oom_kill_disable 1\noom_kill 0\n", "oom_kill"), 0);
	assert_int_equal(usage_counter("", "x"), 0);
}

static void cpus_are_the_quota_rounded_up(void **state)
{
	struct limits l = {.cpu_quota_us = 150000};
	(void)state;
	resources_from_host();
	unsigned all = resources_cpus();
	resources_limit(&l);
	assert_int_equal(resources_cpus(), all < 2 ? all : 2);
	l.cpu_quota_us = 1000;
	resources_limit(&l);
	assert_int_equal(resources_cpus(), 1);
	l = (struct limits){.cpu_quota_us = 100 * 50000, .cpu_period_us = 50000, .cpuset = 1};
	resources_limit(&l);
	assert_int_equal(resources_cpus(), 1);
	assert_int_equal(resources_cpus_allowed(0), 1);
	assert_int_equal(resources_cpus_allowed(4), 1);
	l.cpuset = 0;
	resources_limit(&l);
	assert_int_equal(resources_cpus(), all);
}

static void memory_is_what_is_left_of_the_limit(void **state)
{
	struct limits l = {.memory_max = 64u << 20, .swap_limited = true};
	struct memory_info m;
	(void)state;
	resources_from_host();
	memory_from_host();
	resources_limit(&l);
	give(USAGE_MEMORY, "16777216\n");
	give(USAGE_MEMORY_STAT, "cache 4194304\nrss 8388608\nmapped_file 4096\n"
				"inactive_file 1048576\nactive_file 1048576\n");
	usage_set(&files);
	memory_get(&m);
	assert_int_equal(m.total, 64u << 20);
	assert_int_equal(m.free, 48u << 20);
	assert_int_equal(m.available, 50u << 20);
	assert_int_equal(m.cached, 4u << 20);
	assert_int_equal(m.anon, 8u << 20);
	assert_int_equal(m.swap_total, 0);
	/* More than there is, when a limit was lowered below the use. */
	l.memory_max = 8u << 20;
	resources_limit(&l);
	memory_get(&m);
	assert_int_equal(m.total, 8u << 20);
	assert_int_equal(m.free, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(v1_times_are_nanoseconds),
		T(v2_times_are_microseconds),
		T(a_shared_group_s_time_is_not_ours),
		T(events_of_both_versions),
		T(swap_is_what_both_have_more),
		T(io_is_shown_as_v2_does),
		T(counters_are_whole_words),
		T(cpus_are_the_quota_rounded_up),
		T(memory_is_what_is_left_of_the_limit),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
