/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_resources.h"

#include <errno.h>
#include <string.h>

#include "platform/base/types.h"

static int read_given(struct reader *r, json_t *v, void *out)
{
	struct given *g = out;
	int err = read_i64(r, v, &g->value);
	g->is = err == 0;
	return err;
}

/* A limit: -1 is none. */
static int read_limit(struct reader *r, json_t *v, void *out)
{
	struct given *g = out;
	int err = read_given(r, v, out);
	if (err == 0 && g->value < -1)
		return reader_fail(r, "must be -1 (no limit) or more, not %lld",
				   (long long)g->value);
	return err;
}

static int read_unsigned(struct reader *r, json_t *v, void *out)
{
	struct given *g = out;
	uint64_t x;
	int err = read_u64(r, v, &x);
	if (err < 0)
		return err;
	*g = (struct given){true, x > INT64_MAX ? INT64_MAX : (int64_t)x};
	return 0;
}

static int read_flag(struct reader *r, json_t *v, void *out)
{
	struct given *g = out;
	bool on;
	int err = read_bool(r, v, &on);
	if (err == 0)
		*g = (struct given){true, on};
	return err;
}

static int read_not_enforced(struct reader *r, json_t *v, void *out)
{
	(void)out;
	if (json_object_size(v) > 0 || json_array_size(v) > 0 || json_number_value(v) != 0)
		reader_warn(r, "is not enforced");
	return 0;
}

static int read_swappiness(struct reader *r, json_t *v, void *out)
{
	struct given *g = out;
	int err = read_unsigned(r, v, out);
	if (err == 0 && g->value > 100)
		return reader_fail(r, "must be from 0 to 100, not %lld", (long long)g->value);
	return err;
}

/* With a limit on both together, that cannot be less than on memory alone. */
static int read_memory(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"limit", read_limit, offsetof(struct spec_resources, memory), false},
		{"reservation", read_limit, offsetof(struct spec_resources, reservation), false},
		{"swap", read_limit, offsetof(struct spec_resources, swap), false},
		{"swappiness", read_swappiness, offsetof(struct spec_resources, swappiness), false},
		{"disableOOMKiller", read_flag, offsetof(struct spec_resources, disable_oom),
		 false},
		/* Linux has given up the limit on kernel memory alone; runc ignores it too. */
		{"kernel", read_skip, 0, false},
		{"kernelTCP", read_skip, 0, false},
		{"useHierarchy", read_skip, 0, false},
		{"checkBeforeUpdate", read_skip, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_cpu(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"shares", read_unsigned, offsetof(struct spec_resources, shares), false},
		{"quota", read_limit, offsetof(struct spec_resources, quota), false},
		{"period", read_unsigned, offsetof(struct spec_resources, period), false},
		{"burst", read_unsigned, offsetof(struct spec_resources, burst), false},
		{"idle", read_given, offsetof(struct spec_resources, idle), false},
		{"realtimeRuntime", read_given, offsetof(struct spec_resources, rt_runtime), false},
		{"realtimePeriod", read_unsigned, offsetof(struct spec_resources, rt_period),
		 false},
		{"cpus", read_text, offsetof(struct spec_resources, cpus), false},
		{"mems", read_text, offsetof(struct spec_resources, mems), false},
	};
	struct spec_resources *s = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err == 0 && s->idle.is && s->idle.value != 0 && s->idle.value != 1)
		return reader_fail(r, "idle must be 0 or 1");
	return err;
}

static int read_pids(struct reader *r, json_t *v, void *out)
{
	const struct field fields[] = {{"limit", read_given, 0, false}};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_throttle(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"major", read_u32, offsetof(struct spec_throttle, major), true},
		{"minor", read_u32, offsetof(struct spec_throttle, minor), true},
		{"rate", read_u64, offsetof(struct spec_throttle, rate), true},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_throttles(struct reader *r, json_t *v, void *out)
{
	struct spec_throttles *t = out;
	return read_array(r, v, sizeof *t->list, read_throttle, (void **)&t->list, &t->count);
}

static int read_io_weight(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"major", read_u32, offsetof(struct spec_io_weight, major), true},
		{"minor", read_u32, offsetof(struct spec_io_weight, minor), true},
		{"weight", read_unsigned, offsetof(struct spec_io_weight, weight), false},
		{"leafWeight", read_not_enforced, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_io_weights(struct reader *r, json_t *v, void *out)
{
	struct spec_resources *s = out;
	return read_array(r, v, sizeof *s->io_weights, read_io_weight, (void **)&s->io_weights,
			  &s->nio_weights);
}

static int read_io(struct reader *r, json_t *v, void *out)
{
#define THROTTLE(which) offsetof(struct spec_resources, throttles[which])
	static const struct field fields[] = {
		{"weight", read_unsigned, offsetof(struct spec_resources, io_weight), false},
		{"leafWeight", read_not_enforced, 0, false},
		{"weightDevice", read_io_weights, 0, false},
		{"throttleReadBpsDevice", read_throttles, THROTTLE(THROTTLE_READ_BPS), false},
		{"throttleWriteBpsDevice", read_throttles, THROTTLE(THROTTLE_WRITE_BPS), false},
		{"throttleReadIOPSDevice", read_throttles, THROTTLE(THROTTLE_READ_IOPS), false},
		{"throttleWriteIOPSDevice", read_throttles, THROTTLE(THROTTLE_WRITE_IOPS), false},
	};
#undef THROTTLE
	struct spec_resources *s = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err == 0 && s->io_weight.is && s->io_weight.value &&
	    (s->io_weight.value < 10 || s->io_weight.value > 1000))
		return reader_fail(r, "weight must be from 10 to 1000, not %lld",
				   (long long)s->io_weight.value);
	return err;
}

/* It becomes part of a file's name. */
static int read_page_size(struct reader *r, json_t *v, void *out)
{
	const char **size = out;
	int err = read_string(r, v, out);
	if (err == 0 && (*size)[strspn(*size, "0123456789KMGB")])
		return reader_fail(r, "'%s' is no page size: 64KB, 2MB, 1GB", *size);
	return err;
}

static int read_hugetlb(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"pageSize", read_page_size, offsetof(struct spec_hugetlb, size), true},
		{"limit", read_u64, offsetof(struct spec_hugetlb, limit), true},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_hugetlbs(struct reader *r, json_t *v, void *out)
{
	struct spec_resources *s = out;
	return read_array(r, v, sizeof *s->hugetlb, read_hugetlb, (void **)&s->hugetlb,
			  &s->nhugetlb);
}

static int read_device(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"allow", read_bool, offsetof(struct spec_device_rule, allow), false},
		{"type", read_text, offsetof(struct spec_device_rule, type), false},
		{"major", read_given, offsetof(struct spec_device_rule, major), false},
		{"minor", read_given, offsetof(struct spec_device_rule, minor), false},
		{"access", read_text, offsetof(struct spec_device_rule, access), false},
	};
	struct spec_device_rule *d = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	if (d->type && (strlen(d->type) > 1 || !strchr("abc", *d->type)))
		return reader_fail(r, "type '%s' is not a, b or c", d->type);
	if (d->access && d->access[strspn(d->access, "rwm")])
		return reader_fail(r, "access '%s' is not made of r, w and m", d->access);
	return 0;
}

static int read_device_rules(struct reader *r, json_t *v, void *out)
{
	struct spec_resources *s = out;
	return read_array(r, v, sizeof *s->devices, read_device, (void **)&s->devices,
			  &s->ndevices);
}

/* File names of the container's own directory, never a path out of it. */
static int read_unified(struct reader *r, json_t *v, void *out)
{
	struct spec_resources *s = out;
	const char *name;
	json_t *value;
	if (!json_is_object(v))
		return reader_fail(r, "must be an object");
	s->unified = reader_alloc(r, json_object_size(v) + 1, sizeof *s->unified);
	if (!s->unified)
		return -ENOMEM;
	json_object_foreach(v, name, value)
	{
		if (strchr(name, '/') || !strchr(name, '.') || name[0] == '.')
			return reader_fail(r, "'%s' is no file of cgroup v2", name);
		if (!json_is_string(value))
			return reader_fail(r, "'%s' must be a string", name);
		s->unified[s->nunified++] = (struct spec_unified){name, json_string_value(value)};
	}
	return 0;
}

int spec_read_resources(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"devices", read_device_rules, 0, false},
		{"pids", read_pids, offsetof(struct spec_resources, pids), false},
		{"memory", read_memory, 0, false},
		{"cpu", read_cpu, 0, false},
		{"blockIO", read_io, 0, false},
		{"hugepageLimits", read_hugetlbs, 0, false},
		{"network", read_not_enforced, 0, false},
		{"rdma", read_not_enforced, 0, false},
		{"unified", read_unified, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

int spec_read_cgroups_path(struct reader *r, json_t *v, void *out)
{
	const char **path = out;
	int err = read_text(r, v, out);
	if (err == 0 && strlen(*path) > 3000)
		return reader_fail(r, "is longer than 3000 bytes");
	if (err == 0 && !**path)
		*path = NULL;
	return err;
}
