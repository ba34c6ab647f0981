/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/properties.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/types.h"

/* systemd counts CPU time in whole percents when it reads a unit back. */
enum { SECOND_US = 1000000, PERCENT_US = 10000, SET_BYTES = 1024 };

static void number(struct words *w, const char *name, uint64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, n);
	words_property(w, name, "t", text);
}

/* "max", and v1's -1, are systemd's infinity. */
static uint64_t or_infinity(const char *text)
{
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

static void quota(struct words *w, uint64_t quota, uint64_t period)
{
	uint64_t each = UINT64_MAX;
	if (period == 0)
		period = 100000;
	if (quota != UINT64_MAX && !__builtin_mul_overflow(quota, (uint64_t)SECOND_US, &each)) {
		each /= period;
		each = each / PERCENT_US * PERCENT_US + (each % PERCENT_US ? PERCENT_US : 0);
	}
	number(w, "CPUQuotaPerSecUSec", each);
	number(w, "CPUQuotaPeriodUSec", period);
}

/* "0-3,7" as a bitmap.  What is no such list is left to the kernel to refuse. */
static void set(struct words *w, const char *name, const char *list)
{
	unsigned char bits[SET_BYTES] = {0};
	unsigned long last = 0;
	for (const char *p = list; *p >= '0' && *p <= '9';) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (to < from || to >= 8UL * SET_BYTES)
			return;
		for (unsigned long i = from; i <= to; i++)
			bits[i / 8] |= (unsigned char)(1 << i % 8);
		last = to > last ? to : last;
		p = *end == ',' ? end + 1 : end;
	}
	words_add(w, "%s", name);
	words_add(w, "ay");
	words_add(w, "%lu", last / 8 + 1);
	for (unsigned long i = 0; i <= last / 8; i++)
		words_add(w, "%u", bits[i]);
}

static void of_device(struct words *w, const char *name, int len, const char *device, uint64_t n)
{
	words_add(w, "%s", name);
	words_add(w, "a(st)");
	words_add(w, "2");
	words_add(w, "/dev/block/%.*s", len, device);
	words_add(w, "%" PRIu64, n);
}

/* "8:0 rbps=100 wiops=max" */
static void io_max(struct words *w, const char *value)
{
	static const char *const names[][2] = {
		{"rbps=", "IOReadBandwidthMax"},
		{"wbps=", "IOWriteBandwidthMax"},
		{"riops=", "IOReadIOPSMax"},
		{"wiops=", "IOWriteIOPSMax"},
	};
	int device = (int)strcspn(value, " ");
	for (const char *p = value + device; *p; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strncmp(p, names[i][0], strlen(names[i][0])) == 0)
				of_device(w, names[i][1], device, value,
					  or_infinity(p + strlen(names[i][0])));
	}
}

/* "default 100", "8:0 100" */
static void io_weight(struct words *w, const char *value)
{
	int device = (int)strcspn(value, " ");
	uint64_t n = strtoull(value + device, NULL, 10);
	if (strncmp(value, "default", 7) == 0)
		number(w, "IOWeight", n);
	else if (value[device])
		of_device(w, "IODeviceWeight", device, value, n);
	else
		number(w, "IOWeight", strtoull(value, NULL, 10));
}

/* v1's: "8:0 100" */
static void block_io(struct words *w, const char *name, const char *value)
{
	int device = (int)strcspn(value, " ");
	of_device(w, name, device, value, strtoull(value + device, NULL, 10));
}

enum kind { NUMBER, SET };

struct property {
	const char *file, *name;
	enum kind kind;
};

static bool plain(struct words *w, const struct property *list, size_t n, const struct setting *s)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].file, s->file) != 0)
			continue;
		if (list[i].kind == SET)
			set(w, list[i].name, s->value);
		else
			number(w, list[i].name, or_infinity(s->value));
		return true;
	}
	return false;
}

static void one_v2(struct words *w, const struct setting *s)
{
	static const struct property plains[] = {
		{"memory.max", "MemoryMax", NUMBER},
		{"memory.high", "MemoryHigh", NUMBER},
		{"memory.low", "MemoryLow", NUMBER},
		{"memory.min", "MemoryMin", NUMBER},
		{"memory.swap.max", "MemorySwapMax", NUMBER},
		{"cpu.weight", "CPUWeight", NUMBER},
		{"pids.max", "TasksMax", NUMBER},
		{"cpuset.cpus", "AllowedCPUs", SET},
		{"cpuset.mems", "AllowedMemoryNodes", SET},
	};
	if (plain(w, plains, ARRAY_SIZE(plains), s))
		return;
	if (strcmp(s->file, "cpu.max") == 0)
		quota(w, or_infinity(s->value),
		      strtoull(s->value + strcspn(s->value, " "), NULL, 10));
	else if (strcmp(s->file, "io.max") == 0)
		io_max(w, s->value);
	else if (strcmp(s->file, "io.weight") == 0)
		io_weight(w, s->value);
}

static void one_v1(struct words *w, const struct setting *s)
{
	static const struct property plains[] = {
		{"memory.limit_in_bytes", "MemoryLimit", NUMBER},
		{"cpu.shares", "CPUShares", NUMBER},
		{"pids.max", "TasksMax", NUMBER},
		{"blkio.bfq.weight", "BlockIOWeight", NUMBER},
	};
	if (plain(w, plains, ARRAY_SIZE(plains), s))
		return;
	if (strcmp(s->file, "blkio.throttle.read_bps_device") == 0)
		block_io(w, "BlockIOReadBandwidth", s->value);
	else if (strcmp(s->file, "blkio.throttle.write_bps_device") == 0)
		block_io(w, "BlockIOWriteBandwidth", s->value);
}

void properties_of_settings(const struct settings *s, bool v2, struct words *out)
{
	const char *run = NULL, *period = NULL;
	for (size_t i = 0; i < s->count; i++) {
		const struct setting *one = &s->list[i];
		if (v2)
			one_v2(out, one);
		else
			one_v1(out, one);
		/* v1 has them in two files. */
		if (strcmp(one->file, "cpu.cfs_quota_us") == 0)
			run = one->value;
		else if (strcmp(one->file, "cpu.cfs_period_us") == 0)
			period = one->value;
	}
	if (run || period)
		quota(out, run ? or_infinity(run) : UINT64_MAX,
		      period ? strtoull(period, NULL, 10) : 0);
}
