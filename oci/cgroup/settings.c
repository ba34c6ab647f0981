/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cgroup/convert.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

enum { OPTIONAL = true, NEEDED = false };

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].value);
	free(s->list);
	*s = (struct settings){0};
}

/* 0 or -ENOMEM. */
static int __attribute__((format(printf, 6, 7)))
add(struct settings *s, const char *field, const char *controller, const char *file, bool optional,
    const char *fmt, ...)
{
	va_list ap;
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 32;
		struct setting *list = reallocarray(s->list, room, sizeof *list);
		if (!list)
			return -ENOMEM;
		s->list = list;
		s->room = room;
	}
	struct setting *to = &s->list[s->count];
	*to = (struct setting){.controller = controller, .field = field, .optional = optional};
	snprintf(to->file, sizeof to->file, "%s", file);
	va_start(ap, fmt);
	int n = vasprintf(&to->value, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	s->count++;
	return 0;
}

static int number(struct settings *s, const char *field, const char *controller, const char *file,
		  const struct given *g)
{
	return g->is ? add(s, field, controller, file, NEEDED, "%lld", (long long)g->value) : 0;
}

/* A limit of v2: -1 is "max", and 0 has not been given. */
static int limit(struct settings *s, const char *field, const char *controller, const char *file,
		 const struct given *g)
{
	if (!g->is || g->value == 0)
		return 0;
	if (g->value < 0)
		return add(s, field, controller, file, NEEDED, "max");
	return number(s, field, controller, file, g);
}

/* One of several in order; the first that fails is the result. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		int try_ = (call);                                                                 \
		if (try_ < 0)                                                                      \
			return try_;                                                               \
	} while (0)

/* ---- what both versions have ---- */

static int sets(struct settings *s, const struct spec_resources *r)
{
	if (r->cpus && *r->cpus)
		TRY(add(s, "cpu.cpus", "cpuset", "cpuset.cpus", NEEDED, "%s", r->cpus));
	if (r->mems && *r->mems)
		TRY(add(s, "cpu.mems", "cpuset", "cpuset.mems", NEEDED, "%s", r->mems));
	return 0;
}

/* The guest's own tasks are counted by the sentry; this bounds what they can cost the host. */
static int pids(struct settings *s, const struct spec_resources *r)
{
	if (!r->pids.is || r->pids.value == 0)
		return 0;
	if (r->pids.value < 0)
		return add(s, "pids.limit", "pids", "pids.max", NEEDED, "max");
	return add(s, "pids.limit", "pids", "pids.max", NEEDED, "%llu",
		   (unsigned long long)convert_pids((uint64_t)r->pids.value));
}

/* ---- v1 ---- */

static int v1_memory(struct settings *s, const struct spec_resources *r)
{
	struct given swap = r->swap;
	if (r->memory.is && r->memory.value == -1 && !(swap.is && swap.value))
		swap = (struct given){true, -1};
	if (r->memory.is && r->memory.value)
		TRY(number(s, "memory.limit", "memory", "memory.limit_in_bytes", &r->memory));
	if (swap.is && swap.value)
		TRY(add(s, "memory.swap", "memory", "memory.memsw.limit_in_bytes", OPTIONAL, "%lld",
			(long long)swap.value));
	if (r->reservation.is && r->reservation.value)
		TRY(number(s, "memory.reservation", "memory", "memory.soft_limit_in_bytes",
			   &r->reservation));
	if (r->disable_oom.is && r->disable_oom.value)
		TRY(number(s, "memory.disableOOMKiller", "memory", "memory.oom_control",
			   &r->disable_oom));
	return number(s, "memory.swappiness", "memory", "memory.swappiness", &r->swappiness);
}

static int v1_cpu(struct settings *s, const struct spec_resources *r)
{
	if (r->shares.is && r->shares.value)
		TRY(number(s, "cpu.shares", "cpu", "cpu.shares", &r->shares));
	if (r->period.is && r->period.value)
		TRY(number(s, "cpu.period", "cpu", "cpu.cfs_period_us", &r->period));
	if (r->quota.is && r->quota.value)
		TRY(number(s, "cpu.quota", "cpu", "cpu.cfs_quota_us", &r->quota));
	TRY(number(s, "cpu.burst", "cpu", "cpu.cfs_burst_us", &r->burst));
	if (r->rt_period.is && r->rt_period.value)
		TRY(number(s, "cpu.realtimePeriod", "cpu", "cpu.rt_period_us", &r->rt_period));
	if (r->rt_runtime.is && r->rt_runtime.value)
		TRY(number(s, "cpu.realtimeRuntime", "cpu", "cpu.rt_runtime_us", &r->rt_runtime));
	return number(s, "cpu.idle", "cpu", "cpu.idle", &r->idle);
}

static int v1_io(struct settings *s, const struct spec_resources *r)
{
	static const char *const files[THROTTLES] = {
		[THROTTLE_READ_BPS] = "blkio.throttle.read_bps_device",
		[THROTTLE_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[THROTTLE_READ_IOPS] = "blkio.throttle.read_iops_device",
		[THROTTLE_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};
	if (r->io_weight.is && r->io_weight.value)
		TRY(add(s, "blockIO.weight", "blkio", "blkio.bfq.weight", OPTIONAL, "%lld",
			(long long)r->io_weight.value));
	for (size_t i = 0; i < r->nio_weights; i++)
		if (r->io_weights[i].weight.is)
			TRY(add(s, "blockIO.weightDevice", "blkio", "blkio.bfq.weight_device",
				OPTIONAL, "%u:%u %lld", r->io_weights[i].major,
				r->io_weights[i].minor, (long long)r->io_weights[i].weight.value));
	for (int t = 0; t < THROTTLES; t++)
		for (size_t i = 0; i < r->throttles[t].count; i++) {
			const struct spec_throttle *d = &r->throttles[t].list[i];
			TRY(add(s, "blockIO", "blkio", files[t], NEEDED, "%u:%u %llu", d->major,
				d->minor, (unsigned long long)d->rate));
		}
	return 0;
}

static int device_rule(struct settings *s, const struct spec_device_rule *d)
{
	const char *type = d->type && *d->type ? d->type : "a";
	const char *access = d->access && *d->access ? d->access : "rwm";
	const char *file = d->allow ? "devices.allow" : "devices.deny";
	char major[24] = "*", minor[24] = "*";
	if (*type == 'a')
		return add(s, "devices", "devices", file, NEEDED, "a");
	if (d->major.is && d->major.value >= 0)
		snprintf(major, sizeof major, "%lld", (long long)d->major.value);
	if (d->minor.is && d->minor.value >= 0)
		snprintf(minor, sizeof minor, "%lld", (long long)d->minor.value);
	return add(s, "devices", "devices", file, NEEDED, "%s %s:%s %s", type, major, minor,
		   access);
}

/* Those every container has, by the specification; our own processes need some of them too. */
static int v1_devices(struct settings *s, const struct spec_resources *r)
{
	static const char *const always[] = {
		"c *:* m",   "b *:* m",	  "c 1:3 rwm", "c 1:5 rwm",   "c 1:7 rwm",
		"c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 136:* rwm", "c 5:2 rwm",
	};
	for (size_t i = 0; i < r->ndevices; i++)
		TRY(device_rule(s, &r->devices[i]));
	for (size_t i = 0; r->ndevices && i < ARRAY_SIZE(always); i++)
		TRY(add(s, "devices", "devices", "devices.allow", NEEDED, "%s", always[i]));
	return 0;
}

static int hugetlb(struct settings *s, const struct spec_resources *r, const char *ending)
{
	char file[80];
	for (size_t i = 0; i < r->nhugetlb; i++) {
		snprintf(file, sizeof file, "hugetlb.%.40s.%s", r->hugetlb[i].size, ending);
		TRY(add(s, "hugepageLimits", "hugetlb", file, NEEDED, "%llu",
			(unsigned long long)r->hugetlb[i].limit));
	}
	return 0;
}

int settings_v1(const struct spec_resources *r, struct settings *out, struct error *e)
{
	*out = (struct settings){0};
	if (r->nunified)
		return error_set(e, -EINVAL,
				 "invalid configuration: resources.unified is for cgroup v2, and "
				 "this host has v1");
	TRY(v1_memory(out, r));
	TRY(v1_cpu(out, r));
	TRY(sets(out, r));
	TRY(pids(out, r));
	TRY(v1_io(out, r));
	TRY(hugetlb(out, r, "limit_in_bytes"));
	return v1_devices(out, r);
}

/* ---- v2 ---- */

static int v2_memory(struct settings *s, const struct spec_resources *r, struct error *e)
{
	int64_t swap;
	TRY(convert_swap(r->swap.is ? r->swap.value : 0, r->memory.is ? r->memory.value : 0, &swap,
			 e));
	TRY(limit(s, "memory.limit", "memory", "memory.max", &r->memory));
	TRY(limit(s, "memory.reservation", "memory", "memory.low", &r->reservation));
	if (swap == -1)
		return add(s, "memory.swap", "memory", "memory.swap.max", OPTIONAL, "max");
	if (swap != INT64_MIN)
		return add(s, "memory.swap", "memory", "memory.swap.max", swap ? NEEDED : OPTIONAL,
			   "%lld", (long long)swap);
	return 0;
}

static int v2_cpu(struct settings *s, const struct spec_resources *r)
{
	bool quota = r->quota.is && r->quota.value, period = r->period.is && r->period.value;
	long long length = period ? (long long)r->period.value : 100000;
	TRY(number(s, "cpu.idle", "cpu", "cpu.idle", &r->idle));
	if (r->shares.is && r->shares.value && !(r->idle.is && r->idle.value))
		TRY(add(s, "cpu.shares", "cpu", "cpu.weight", NEEDED, "%llu",
			(unsigned long long)convert_shares((uint64_t)r->shares.value)));
	if (quota && r->quota.value > 0)
		TRY(add(s, "cpu.quota", "cpu", "cpu.max", NEEDED, "%lld %lld",
			(long long)r->quota.value, length));
	else if (quota || period)
		TRY(add(s, "cpu.period", "cpu", "cpu.max", NEEDED, "max %lld", length));
	return number(s, "cpu.burst", "cpu", "cpu.max.burst", &r->burst);
}

static int v2_io(struct settings *s, const struct spec_resources *r)
{
	static const char *const keys[THROTTLES] = {
		[THROTTLE_READ_BPS] = "rbps",
		[THROTTLE_WRITE_BPS] = "wbps",
		[THROTTLE_READ_IOPS] = "riops",
		[THROTTLE_WRITE_IOPS] = "wiops",
	};
	if (r->io_weight.is && r->io_weight.value)
		TRY(add(s, "blockIO.weight", "io", "io.weight", OPTIONAL, "default %llu",
			(unsigned long long)convert_io_weight((uint64_t)r->io_weight.value)));
	for (size_t i = 0; i < r->nio_weights; i++)
		if (r->io_weights[i].weight.is)
			TRY(add(s, "blockIO.weightDevice", "io", "io.weight", OPTIONAL,
				"%u:%u %llu", r->io_weights[i].major, r->io_weights[i].minor,
				(unsigned long long)convert_io_weight(
					(uint64_t)r->io_weights[i].weight.value)));
	for (int t = 0; t < THROTTLES; t++)
		for (size_t i = 0; i < r->throttles[t].count; i++) {
			const struct spec_throttle *d = &r->throttles[t].list[i];
			TRY(add(s, "blockIO", "io", "io.max", NEEDED, "%u:%u %s=%llu", d->major,
				d->minor, keys[t], (unsigned long long)d->rate));
		}
	return 0;
}

/* A file's name begins with its controller's: "memory.high". */
static int v2_unified(struct settings *s, const struct spec_resources *r)
{
	static const char *const names[] = {"memory", "cpuset",	 "cpu",	 "pids",
					    "io",     "hugetlb", "rdma", "misc"};
	for (size_t i = 0; i < r->nunified; i++) {
		const char *file = r->unified[i].file, *controller = "";
		for (size_t j = 0; j < ARRAY_SIZE(names) && !*controller; j++)
			if (strncmp(file, names[j], strlen(names[j])) == 0 &&
			    file[strlen(names[j])] == '.')
				controller = names[j];
		TRY(add(s, "unified", controller, file, NEEDED, "%s", r->unified[i].value));
	}
	return 0;
}

int settings_v2(const struct spec_resources *r, struct settings *out, struct error *e)
{
	*out = (struct settings){0};
	TRY(v2_memory(out, r, e));
	TRY(v2_cpu(out, r));
	TRY(sets(out, r));
	TRY(pids(out, r));
	TRY(v2_io(out, r));
	TRY(hugetlb(out, r, "max"));
	return v2_unified(out, r);
}
