/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources of config.json, and of what `update --resources' reads.
 *
 * A number that was not given leaves things as they are.  For all limits -1 is
 * "none", as in the specification; other negative numbers are refused.
 */
#pragma once

#include "oci/json.h"

struct given {
	bool is;
	int64_t value;	/* unsigned ones of more than 63 bits: INT64_MAX */
};

struct spec_throttle {
	uint32_t major, minor;
	uint64_t rate;		/* bytes or operations a second */
};

struct spec_throttles {
	struct spec_throttle *list;
	size_t count;
};

struct spec_io_weight {
	uint32_t major, minor;
	struct given weight;
};

struct spec_hugetlb {
	const char *size;	/* "2MB" */
	uint64_t limit;
};

struct spec_device_rule {
	bool allow;
	const char *type;	/* "a", "b", "c"; NULL: all */
	struct given major, minor; /* -1 or absent: all */
	const char *access;	/* "rwm"; NULL: all of them */
};

struct spec_unified {
	const char *file, *value;
};

enum { THROTTLE_READ_BPS, THROTTLE_WRITE_BPS, THROTTLE_READ_IOPS, THROTTLE_WRITE_IOPS, THROTTLES };

struct spec_resources {
	struct given memory, reservation, swap, swappiness, disable_oom;
	struct given shares, quota, period, burst, idle, rt_runtime, rt_period;
	const char *cpus, *mems;
	struct given pids;
	struct given io_weight;
	struct spec_io_weight *io_weights;
	size_t nio_weights;
	struct spec_throttles throttles[THROTTLES];
	struct spec_hugetlb *hugetlb;
	size_t nhugetlb;
	struct spec_device_rule *devices;
	size_t ndevices;
	struct spec_unified *unified;
	size_t nunified;
};

/* struct spec_resources *; as read_fn. */
int spec_read_resources(struct reader *r, json_t *v, void *out);
/* const char **: linux.cgroupsPath, "/a/b", "a/b" or systemd's "slice:prefix:name". */
int spec_read_cgroups_path(struct reader *r, json_t *v, void *out);
