/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/limit_options.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/types.h"

enum { PERIOD_US = 100000, OPT_FIRST = 0x2000 };

enum kind { SIZE, NUMBER, TEXT, CPUS, IGNORED, RESCTRL };

/* One of the options: where its value goes in linux.resources. */
struct limit_option {
	const char *name, *arg, *group, *member;
	enum kind kind;
	const char *doc;
};

/* The first five are for every command that starts something. */
static const struct limit_option options[] = {
	{"memory", "BYTES", "memory", "limit", SIZE,
	 "What it may use, 512m or 1g; swap too, unless --memory-swap says more"},
	{"memory-swap", "BYTES", "memory", "swap", SIZE, "Memory and swap together; -1: no limit"},
	{"cpus", "N", "cpu", "quota", CPUS, "CPU time a second: 1.5 is one and a half CPUs"},
	{"cpuset-cpus", "LIST", "cpu", "cpus", TEXT, "CPUs of the host it may run on: 0-2,5"},
	{"pids-limit", "N", "pids", "limit", NUMBER, "Processes and threads at once; -1: no limit"},
	{"memory-reservation", "BYTES", "memory", "reservation", SIZE,
	 "What is left to it when memory is short"},
	{"cpu-quota", "US", "cpu", "quota", NUMBER, "CPU time in each period; -1: no limit"},
	{"cpu-period", "US", "cpu", "period", NUMBER, "Length of a period"},
	{"cpu-burst", "US", "cpu", "burst", NUMBER, "Unused quota that may be saved up"},
	{"cpu-share", "N", "cpu", "shares", NUMBER, "Its part when CPUs are short (of 1024)"},
	{"cpu-idle", "0|1", "cpu", "idle", NUMBER, "1: only CPU time that nobody else wants"},
	{"cpu-rt-period", "US", "cpu", "realtimePeriod", NUMBER, "Period of real-time tasks"},
	{"cpu-rt-runtime", "US", "cpu", "realtimeRuntime", NUMBER, "Their time in it"},
	{"cpuset-mems", "LIST", "cpu", "mems", TEXT, "Memory nodes of the host"},
	{"blkio-weight", "N", "blockIO", "weight", NUMBER, "Its part of block I/O, 10 to 1000"},
	{"kernel-memory", "BYTES", NULL, NULL, IGNORED, "No effect: Linux has given it up"},
	{"kernel-memory-tcp", "BYTES", NULL, NULL, IGNORED, "No effect"},
	{"l3-cache-schema", "TEXT", NULL, NULL, RESCTRL, "Refused: caches are not divided"},
	{"mem-bw-schema", "TEXT", NULL, NULL, RESCTRL, "Refused: memory bandwidth is not divided"},
};
enum { START_OPTIONS = 5 };

static struct argp_option start_list[START_OPTIONS + 1], update_list[ARRAY_SIZE(options) + 1];

/* argp wants its own struct. */
static void __attribute__((constructor)) fill_lists(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		update_list[i] = (struct argp_option){.name = options[i].name,
						      .key = OPT_FIRST + (int)i,
						      .arg = options[i].arg,
						      .doc = options[i].doc};
		if (i < START_OPTIONS)
			start_list[i] = update_list[i];
	}
}

/* "512m", "1.5g" is none; -1 is no limit. */
static int parse_size(const char *arg, int64_t *out)
{
	const char *units = "bkmgt", *u;
	char *end;
	errno = 0;
	long long n = strtoll(arg, &end, 10);
	if (end == arg || errno || n < -1)
		return -EINVAL;
	int64_t unit = 1;
	if (*end) {
		u = strchr(units, *end | 0x20);
		if (!u || n < 0)
			return -EINVAL;
		unit = (int64_t)1 << (10 * (u - units));
		end++;
		if ((*end | 0x20) == 'b' && unit > 1)
			end++;
		if (*end)
			return -EINVAL;
	}
	return __builtin_mul_overflow(n, unit, out) ? -EINVAL : 0;
}

static int parse_value(const struct limit_option *o, const char *arg, json_t **out)
{
	int64_t n;
	char *end;
	double cpus;
	switch (o->kind) {
	case SIZE:
		if (parse_size(arg, &n) < 0)
			return -EINVAL;
		*out = json_integer(n);
		return 0;
	case NUMBER:
		errno = 0;
		n = strtoll(arg, &end, 10);
		if (end == arg || *end || errno)
			return -EINVAL;
		*out = json_integer(n);
		return 0;
	case CPUS:
		cpus = strtod(arg, &end);
		/* The kernel takes no quota below a millisecond. */
		if (end == arg || *end || !(cpus >= 0.01 && cpus <= 8192))
			return -EINVAL;
		*out = json_integer((json_int_t)(cpus * PERIOD_US + 0.5));
		return 0;
	default:
		*out = json_string(arg);
		return 0;
	}
}

static json_t *member_of(json_t *parent, const char *name)
{
	json_t *j = json_object_get(parent, name);
	if (!j && json_object_set_new(parent, name, json_object()) == 0)
		j = json_object_get(parent, name);
	return j;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	json_t **limits = state->input, *value = NULL;
	if (key < OPT_FIRST || key >= OPT_FIRST + (int)ARRAY_SIZE(options))
		return ARGP_ERR_UNKNOWN;
	const struct limit_option *o = &options[key - OPT_FIRST];
	if (o->kind == IGNORED)
		return 0;
	if (o->kind == RESCTRL)
		argp_error(state, "--%s: vedette makes no groups in /sys/fs/resctrl, so caches and "
				  "memory bandwidth cannot be divided", o->name);
	if (parse_value(o, arg, &value) < 0 || !value)
		argp_error(state, "--%s: '%s' is no %s", o->name, arg,
			   o->kind == SIZE   ? "size: 512m, 1g, or -1 for no limit"
			   : o->kind == CPUS ? "number of CPUs: 0.5, 2"
					     : "number");
	if (!*limits)
		*limits = json_object();
	json_t *group = member_of(*limits, o->group);
	if (o->kind == CPUS)
		json_object_set_new(group, "period", json_integer(PERIOD_US));
	if (json_object_set_new(group, o->member, value) < 0)
		return ENOMEM;
	return 0;
}

/* A limit on memory that may be circumvented by swapping is none. */
static error_t parse_start(int key, char *arg, struct argp_state *state)
{
	json_t **limits = state->input;
	if (key != ARGP_KEY_SUCCESS)
		return parse_option(key, arg, state);
	json_t *memory = json_object_get(*limits, "memory"),
	       *max = json_object_get(memory, "limit");
	if (max && json_integer_value(max) > 0 && !json_object_get(memory, "swap"))
		json_object_set(memory, "swap", max);
	return 0;
}

const struct argp limit_argp = {.options = start_list, .parser = parse_start};
const struct argp update_argp = {.options = update_list, .parser = parse_option};
