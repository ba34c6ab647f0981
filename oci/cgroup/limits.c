/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sentry is told of the container's group: its limits in numbers, and open
 * files that say what is used.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/cgroup/convert.h"
#include "oci/cgroup/find.h"
#include "oci/cgroup/private.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

/* "0-3,7": how many; 0 if it is no such list. */
static uint32_t list_count(const char *p)
{
	uint32_t count = 0;
	while (p && *p >= '0' && *p <= '9') {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (to < from || to - from > 4096 || (*end && *end != ',' && *end != '\n'))
			return 0;
		count += (uint32_t)(to - from + 1);
		p = *end == ',' ? end + 1 : end;
	}
	return count;
}

static uint64_t positive(const struct given *g)
{
	return g->is && g->value > 0 ? (uint64_t)g->value : 0;
}

static uint64_t number_or_max(const char *text)
{
	return text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : 0;
}

/* v2's own words win over what was converted. */
static void unified(const struct spec_unified *u, struct limits *out)
{
	unsigned long long quota = 0, period = 0;
	if (strcmp(u->file, "memory.max") == 0) {
		out->memory_max = number_or_max(u->value);
	} else if (strcmp(u->file, "memory.high") == 0) {
		out->memory_high = number_or_max(u->value);
	} else if (strcmp(u->file, "memory.low") == 0) {
		out->memory_low = number_or_max(u->value);
	} else if (strcmp(u->file, "memory.swap.max") == 0) {
		out->swap_limited = u->value[0] != 'm';
		out->swap_max = number_or_max(u->value);
	} else if (strcmp(u->file, "cpu.max") == 0) {
		if (sscanf(u->value, "%llu %llu", &quota, &period) < 1)
			sscanf(u->value, "max %llu", &period);
		out->cpu_quota_us = quota;
		out->cpu_period_us = period;
	} else if (strcmp(u->file, "cpu.weight") == 0) {
		out->cpu_weight = (uint32_t)number_or_max(u->value);
	} else if (strcmp(u->file, "cpuset.cpus") == 0) {
		out->cpuset = list_count(u->value);
	} else if (strcmp(u->file, "pids.max") == 0) {
		out->pids_max = number_or_max(u->value);
	}
}

void limits_of(const struct spec_resources *r, struct limits *out)
{
	struct error ignored;
	int64_t swap = INT64_MIN;
	*out = (struct limits){
		.memory_max = positive(&r->memory),
		.memory_low = positive(&r->reservation),
		.cpu_quota_us = positive(&r->quota),
		.cpu_period_us = positive(&r->period),
		.cpu_burst_us = positive(&r->burst),
		.cpu_weight = (uint32_t)convert_shares(positive(&r->shares)),
		.cpu_idle = positive(&r->idle) != 0,
		.cpuset = list_count(r->cpus),
		.pids_max = positive(&r->pids),
	};
	if (convert_swap(r->swap.is ? r->swap.value : 0, r->memory.is ? r->memory.value : 0, &swap,
			 &ignored) == 0 &&
	    swap >= 0) {
		out->swap_limited = true;
		out->swap_max = (uint64_t)swap;
	}
	for (size_t i = 0; i < r->nunified; i++)
		unified(&r->unified[i], out);
}

static void lower(uint64_t *limit, int64_t to)
{
	/* v1's "none" is the greatest number of whole pages. */
	if (to > 0 && to < INT64_MAX / 2 && (*limit == 0 || (uint64_t)to < *limit))
		*limit = (uint64_t)to;
}

/* From the group up to where there is none: the mount's root has no limit in v2. */
static void lower_v2(const char *dir, struct limits *l)
{
	char path[CGROUP_PATH_MAX];
	snprintf(path, sizeof path, "%s", dir);
	for (char *end; (end = strrchr(path, '/')) && end != path; *end = '\0') {
		lower(&l->memory_max, group_number(path, "memory.max"));
		int64_t swap = group_number(path, "memory.swap.max");
		if (swap >= 0 && (!l->swap_limited || (uint64_t)swap < l->swap_max)) {
			l->swap_limited = true;
			l->swap_max = (uint64_t)swap;
		}
	}
}

static int64_t counter(const char *text, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return (int64_t)strtoull(p + n + 1, NULL, 10);
	return -1;
}

/* v1 tells what is left over by all groups above. */
static void lower_v1(const char *dir, struct limits *l)
{
	autofree char *text = NULL;
	if (group_read(dir, "memory.stat", &text) == 0)
		lower(&l->memory_max, counter(text, "hierarchical_memory_limit"));
}

void limits_lower(const struct cgroup *c, struct limits *l)
{
	const char *dir = cgroup_path(c, "memory");
	if (dir && c->v2)
		lower_v2(dir, l);
	else if (dir)
		lower_v1(dir, l);
}

/* ---- files ---- */

static int open_file(const char *dir, const char *file)
{
	char path[CGROUP_PATH_MAX + 256];
	if (!dir || !*file || snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The group of v2, also where it is beside v1's: only it knows pressure. */
static const char *v2_dir(const struct cgroup *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->dirs[i].v2)
			return c->dirs[i].path;
	return NULL;
}

void usage_open(const struct cgroup *c, struct usage_files *out)
{
	out->own = true;
	for (int i = 0; i < USAGE_FILES; i++) {
		const struct usage_name *n = &usage_names[i];
		bool in_v2 = c->v2 || !*n->v1;
		out->fd[i] = in_v2 ? open_file(v2_dir(c), n->v2)
				   : open_file(cgroup_path(c, n->controller), n->v1);
	}
}

void usage_close(const struct usage_files *u)
{
	for (int i = 0; i < USAGE_FILES; i++)
		if (u->fd[i] >= 0)
			close(u->fd[i]);
}

void usage_here(struct limits *l, struct usage_files *u)
{
	struct error ignored;
	struct cgroup c;
	struct limits here = {0};
	memset(u->fd, -1, sizeof u->fd);
	u->own = false;
	if (cgroup_plan(&c, NULL, "x", /*systemd=*/false, &ignored) == 0) {
		/* "x" is not made: what is asked is the group it would be in. */
		for (size_t i = 0; i < c.count; i++)
			*strrchr(c.dirs[i].path, '/') = '\0';
		limits_lower(&c, &here);
	}
	if (here.memory_max && (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE_SIZE > here.memory_max) {
		lower(&l->memory_max, (int64_t)here.memory_max);
		/* What swap a group may use is a matter of its own. */
		l->swap_limited = true;
		l->swap_max = 0;
		usage_open(&c, u);
		u->own = false;
	}
	cgroup_free(&c);
}
