/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.*: limits as they were given, use as the host counts it.  Without a
 * cgroup of the sandbox's own its use is not known: 0.
 */
#include <string.h>

#include "sentry/procfs/cgroup.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/res/usage.h"

static void put_number(struct text *out, uint64_t v)
{
	text_printf(out, "%llu\n", (unsigned long long)v);
}

/* memory.max and memory.high: whole pages, or "max"; memory.low: 0 is none. */
int cgroup_memory_limit_show(const struct proc_look *at, struct text *out)
{
	const char *name = at->node->entry->name;
	struct limits l;

	resources_limits(&l);
	uint64_t v = strcmp(name, "memory.low") == 0	? l.memory_low
		     : strcmp(name, "memory.high") == 0 ? l.memory_high
							: l.memory_max;
	if (v || strcmp(name, "memory.low") == 0)
		put_number(out, v & PAGE_MASK);
	else
		text_str(out, "max\n");
	return 0;
}

int cgroup_memory_current_show(const struct proc_look *at, struct text *out)
{
	int64_t used = memory_charged();

	(void)at;
	put_number(out, used > 0 ? (uint64_t)used : 0);
	return 0;
}

/* memory.peak is younger than what it counts: 5.19. */
int cgroup_memory_peak_show(const struct proc_look *at, struct text *out)
{
	int64_t peak = usage_own() ? usage_number(USAGE_MEMORY_PEAK) : -1;

	return peak < 0 ? cgroup_memory_current_show(at, out)
			: (put_number(out, (uint64_t)peak), 0);
}

/* v2's names in its order, and v1's for the same; NULL: v1 does not tell. */
static const struct {
	const char *name, *v1;
} stats[] = {
	{"anon", "rss"},
	{"file", "cache"},
	{"kernel", NULL},
	{"kernel_stack", NULL},
	{"pagetables", NULL},
	{"sock", NULL},
	{"shmem", "shmem"},
	{"file_mapped", "mapped_file"},
	{"file_dirty", "dirty"},
	{"file_writeback", "writeback"},
	{"swapcached", "swapcached"},
	{"anon_thp", "rss_huge"},
	{"inactive_anon", "inactive_anon"},
	{"active_anon", "active_anon"},
	{"inactive_file", "inactive_file"},
	{"active_file", "active_file"},
	{"unevictable", "unevictable"},
	{"slab_reclaimable", NULL},
	{"slab_unreclaimable", NULL},
	{"slab", NULL},
	{"workingset_refault_anon", "workingset_refault_anon"},
	{"workingset_refault_file", "workingset_refault_file"},
	{"pgfault", "pgfault"},
	{"pgmajfault", "pgmajfault"},
};

int cgroup_memory_stat_show(const struct proc_look *at, struct text *out)
{
	char b[USAGE_TEXT_MAX] = "";

	(void)at;
	if (usage_own())
		usage_text(USAGE_MEMORY_STAT, b);
	bool v1 = strstr(b, "\nrss ") != NULL;
	for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
		const char *name = v1 ? stats[i].v1 : stats[i].name;
		text_printf(out, "%s %llu\n", stats[i].name,
			    name ? (unsigned long long)usage_counter(b, name) : 0);
	}
	return 0;
}

int cgroup_memory_events_show(const struct proc_look *at, struct text *out)
{
	struct usage_events e;

	(void)at;
	usage_events(&e);
	text_printf(
		out, "low %llu\nhigh %llu\nmax %llu\noom %llu\noom_kill %llu\noom_group_kill 0\n",
		(unsigned long long)e.low, (unsigned long long)e.high, (unsigned long long)e.max,
		(unsigned long long)e.oom, (unsigned long long)e.oom_kill);
	return 0;
}

int cgroup_swap_max_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	if (l.swap_limited)
		put_number(out, l.swap_max & PAGE_MASK);
	else
		text_str(out, "max\n");
	return 0;
}

int cgroup_swap_current_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	put_number(out, usage_swap());
	return 0;
}

/* Nobody counts them under v1, and no swap limit of v2 is handed in. */
int cgroup_swap_events_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "high 0\nmax 0\nfail 0\n");
	return 0;
}
