/* SPDX-License-Identifier: Apache-2.0 */
/* What a group uses, in the words of runc's `events --stats'. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cgroup/find.h"
#include "oci/cgroup/private.h"
#include "platform/base/cleanup.h"

static int64_t number(const struct cgroup *c, const char *controller, const char *v1,
		      const char *v2)
{
	const char *dir = cgroup_path(c, controller);
	const char *file = c->v2 ? v2 : v1;
	int64_t n = dir && *file ? group_number(dir, file) : -1;
	return n < 0 ? 0 : n;
}

/* A line "name 123" of a file. */
static int64_t line(const struct cgroup *c, const char *controller, const char *file,
		    const char *name)
{
	autofree char *text = NULL;
	const char *dir = cgroup_path(c, controller);
	size_t n = strlen(name);
	if (!dir || group_read(dir, file, &text) < 0)
		return -1;
	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return (int64_t)strtoull(p + n + 1, NULL, 10);
	return -1;
}

static int64_t line_or_0(const struct cgroup *c, const char *controller, const char *file,
			 const char *name)
{
	int64_t n = line(c, controller, file, name);
	return n < 0 ? 0 : n;
}

/* Nanoseconds; cpuacct's files of user and system time are 4.6's. */
static json_t *cpu(const struct cgroup *c)
{
	int64_t total, user, system, throttled;
	if (c->v2) {
		total = 1000 * line_or_0(c, "cpu", "cpu.stat", "usage_usec");
		user = 1000 * line_or_0(c, "cpu", "cpu.stat", "user_usec");
		system = 1000 * line_or_0(c, "cpu", "cpu.stat", "system_usec");
		throttled = 1000 * line_or_0(c, "cpu", "cpu.stat", "throttled_usec");
	} else {
		total = number(c, "cpuacct", "cpuacct.usage", "");
		user = number(c, "cpuacct", "cpuacct.usage_user", "");
		system = number(c, "cpuacct", "cpuacct.usage_sys", "");
		throttled = line_or_0(c, "cpu", "cpu.stat", "throttled_time");
	}
	return json_pack("{s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}}", "usage", "total", total,
			 "kernel", system, "user", user, "throttling", "periods",
			 line_or_0(c, "cpu", "cpu.stat", "nr_periods"), "throttledPeriods",
			 line_or_0(c, "cpu", "cpu.stat", "nr_throttled"), "throttledTime",
			 throttled);
}

/* All lines of memory.stat. */
static json_t *raw_memory(const struct cgroup *c)
{
	autofree char *text = NULL;
	char *save, *value;
	json_t *raw = json_object();
	const char *dir = cgroup_path(c, "memory");
	if (!dir || group_read(dir, "memory.stat", &text) < 0)
		return raw;
	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (!(value = strchr(p, ' ')))
			continue;
		*value++ = '\0';
		/* v1's "no limit" does not fit into JSON's integers of this library otherwise. */
		json_object_set_new(raw, p, json_integer((json_int_t)strtoull(value, NULL, 10)));
	}
	return raw;
}

static json_t *memory(const struct cgroup *c)
{
	int64_t cache = line_or_0(c, "memory", "memory.stat", c->v2 ? "file" : "cache");
	return json_pack(
		"{s:I, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I}, s:o*}", "cache", cache, "usage",
		"limit", number(c, "memory", "memory.limit_in_bytes", "memory.max"), "usage",
		number(c, "memory", "memory.usage_in_bytes", "memory.current"), "max",
		number(c, "memory", "memory.max_usage_in_bytes", "memory.peak"), "failcnt",
		c->v2 ? line_or_0(c, "memory", "memory.events", "max")
		      : number(c, "memory", "memory.failcnt", ""),
		"swap", "limit",
		number(c, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"), "usage",
		number(c, "memory", "memory.memsw.usage_in_bytes", "memory.swap.current"), "raw",
		raw_memory(c));
}

int cgroup_stats(const struct cgroup *c, json_t **out)
{
	*out = json_pack("{s:o*, s:o*, s:{s:I, s:I}}", "cpu", cpu(c), "memory", memory(c), "pids",
			 "current", number(c, "pids", "pids.current", "pids.current"), "limit",
			 number(c, "pids", "pids.max", "pids.max"));
	return *out ? 0 : -ENOMEM;
}

int64_t cgroup_oom_kills(const struct cgroup *c)
{
	return line(c, "memory", c->v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}
