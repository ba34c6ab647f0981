/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/fs/cgroup: cgroup v2, read-only, as a container sees its own cgroup.
 *
 * The limits are those the sandbox was given, and what is used of them as far as
 * it is known; there are no groups below it, and none can be made.
 */
#include <errno.h>

#include "sentry/procfs/procfs.h"
#include "sentry/procfs/measure.h"
#include "sentry/procfs/tree.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"

static int controllers_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "cpuset cpu memory pids\n");
	return 0;
}

static int none_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_put(out, "\n", 1);
	return 0;
}

static int type_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "domain\n");
	return 0;
}

static int events_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "populated 1\nfrozen 0\n");
	return 0;
}

static int procs_show(const struct proc_look *at, struct text *out)
{
	size_t n;
	struct group **groups = measure_groups(&n);

	(void)at;
	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		text_printf(out, "%d\n", groups[i]->tgid);
	measure_groups_free(groups, n);
	return 0;
}

static int memory_max_show(const struct proc_look *at, struct text *out)
{
	uint64_t limit = memory_limit();

	(void)at;
	if (limit)
		text_printf(out, "%llu\n", (unsigned long long)limit);
	else
		text_str(out, "max\n");
	return 0;
}

/* Without a limit there is no cgroup of our own whose use would say anything. */
static int memory_current_show(const struct proc_look *at, struct text *out)
{
	int64_t used = memory_charged();

	(void)at;
	if (used < 0)
		return -EOPNOTSUPP;
	text_printf(out, "%lld\n", (long long)used);
	return 0;
}

static int pids_max_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "%u\n", kernel.task_limit);
	return 0;
}

static int pids_current_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	lock(&kernel.tasks_lock);
	text_printf(out, "%u\n", kernel.ntasks);
	unlock(&kernel.tasks_lock);
	return 0;
}

/* CPU time is not rationed but by the number of CPUs. */
static int cpu_max_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "max 100000\n");
	return 0;
}

static int cpu_stat_show(const struct proc_look *at, struct text *out)
{
	struct cputime c = measure_cputime();

	(void)at;
	text_printf(out, "usage_usec %lld\nuser_usec %lld\nsystem_usec %lld\n",
		    (long long)((c.user + c.system) / NSEC_PER_USEC),
		    (long long)(c.user / NSEC_PER_USEC), (long long)(c.system / NSEC_PER_USEC));
	return 0;
}

static int cpus_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_mask_list(out, resources_cpu_mask());
	text_put(out, "\n", 1);
	return 0;
}

static const struct proc_entry root_entries[] = {
	PROC_FILE("cgroup.controllers", 0444, .show = controllers_show),
	PROC_FILE("cgroup.subtree_control", 0444, .show = none_show),
	PROC_FILE("cgroup.type", 0444, .show = type_show),
	PROC_FILE("cgroup.events", 0444, .show = events_show),
	PROC_FILE("cgroup.procs", 0444, .show = procs_show),
	PROC_FILE("memory.max", 0444, .show = memory_max_show),
	PROC_FILE("memory.current", 0444, .show = memory_current_show),
	PROC_FILE("pids.max", 0444, .show = pids_max_show),
	PROC_FILE("pids.current", 0444, .show = pids_current_show),
	PROC_FILE("cpu.max", 0444, .show = cpu_max_show),
	PROC_FILE("cpu.stat", 0444, .show = cpu_stat_show),
	PROC_FILE("cpuset.cpus.effective", 0444, .show = cpus_show),
};
static const struct proc_table root_table = PROC_TABLE(root_entries, IDS_CGROUP);
static const struct proc_entry root_dir = {
	.mode = S_IFDIR | 0555,
	.table = &root_table,
};

static int cgroup_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	*out = (struct kstatfs){
		.type = CGROUP2_SUPER_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = 255,
	};
	return 0;
}

static const struct fs_ops cgroup_ops = {
	.name = "cgroup2",
	.revalidate = proc_revalidate,
	.statfs = cgroup_statfs,
	.show = proc_fs_show,
	.destroy = proc_fs_destroy,
	.pinned = false,
	.nodev_listed = true,
};

int cgroupfs_make(const char *source, const char *data, struct fs **out)
{
	(void)source;
	(void)data;
	return proc_fs_new(&cgroup_ops, &root_dir, out);
}
