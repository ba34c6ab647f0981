/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/fs/cgroup: cgroup v2, read-only, as a container sees its own cgroup.
 *
 * The limits are those the sandbox was given, and what is used of them as the
 * host counts it, or the sentry where the host does not (cgroup_*.c); there are no
 * groups below it, and none can be made.
 */
#include <errno.h>

#include "sentry/procfs/cgroup.h"
#include "sentry/procfs/procfs.h"
#include "sentry/task/nsset.h"
#include "sentry/procfs/measure.h"
#include "sentry/task/pidns.h"

static int controllers_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "cpuset cpu io memory pids\n");
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

/* The reader's container is a group of its own. */
static bool is_ours(const struct group *g)
{
	const struct task *t = task_current();
	return !t || t->group->container == g->container;
}

static int procs_show(const struct proc_look *at, struct text *out)
{
	size_t n;
	int nr;
	struct group **groups = measure_groups(&n);

	(void)at;
	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (is_ours(groups[i]) && (nr = pid_here(groups[i]->tgid)) > 0)
			text_printf(out, "%d\n", nr);
	measure_groups_free(groups, n);
	return 0;
}

static bool put_threads(struct group *g, void *arg)
{
	struct task *t;

	if (!is_ours(g))
		return true;
	list_for_each (t, &g->threads, threads)
		text_printf(arg, "%d\n", pid_here_locked(t->tid));
	return true;
}

static int threads_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	lock(&kernel.tasks_lock);
	group_for_each_locked(put_threads, out);
	unlock(&kernel.tasks_lock);
	return 0;
}

static int zero_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "0\n");
	return 0;
}

static int max_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "max\n");
	return 0;
}

static int stat_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "nr_descendants 0\nnr_dying_descendants 0\n");
	return 0;
}

static int partition_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "member\n");
	return 0;
}

/* What is told cannot be changed from inside: opening for writing is refused, as of a sysctl. */
#define CGROUP_FILE(name_, show_) PROC_FILE(name_, 0444, .flags = PROC_SYSCTL, .show = show_)

static const struct proc_entry root_entries[] = {
	CGROUP_FILE("cgroup.controllers", controllers_show),
	CGROUP_FILE("cgroup.events", events_show),
	CGROUP_FILE("cgroup.freeze", zero_show),
	CGROUP_FILE("cgroup.max.depth", max_show),
	CGROUP_FILE("cgroup.max.descendants", max_show),
	CGROUP_FILE("cgroup.procs", procs_show),
	CGROUP_FILE("cgroup.stat", stat_show),
	CGROUP_FILE("cgroup.subtree_control", none_show),
	CGROUP_FILE("cgroup.threads", threads_show),
	CGROUP_FILE("cgroup.type", type_show),
	CGROUP_FILE("cpu.idle", cgroup_cpu_idle_show),
	CGROUP_FILE("cpu.max", cgroup_cpu_max_show),
	CGROUP_FILE("cpu.max.burst", cgroup_cpu_burst_show),
	CGROUP_FILE("cpu.pressure", pressure_show),
	CGROUP_FILE("cpu.stat", cgroup_cpu_stat_show),
	CGROUP_FILE("cpu.weight", cgroup_cpu_weight_show),
	CGROUP_FILE("cpuset.cpus", cgroup_cpus_own_show),
	CGROUP_FILE("cpuset.cpus.effective", cgroup_cpus_show),
	CGROUP_FILE("cpuset.cpus.partition", partition_show),
	CGROUP_FILE("cpuset.mems", none_show),
	CGROUP_FILE("cpuset.mems.effective", zero_show),
	CGROUP_FILE("io.pressure", pressure_show),
	CGROUP_FILE("io.stat", cgroup_io_stat_show),
	CGROUP_FILE("memory.current", cgroup_memory_current_show),
	CGROUP_FILE("memory.events", cgroup_memory_events_show),
	CGROUP_FILE("memory.events.local", cgroup_memory_events_show),
	CGROUP_FILE("memory.high", cgroup_memory_limit_show),
	CGROUP_FILE("memory.low", cgroup_memory_limit_show),
	CGROUP_FILE("memory.max", cgroup_memory_limit_show),
	CGROUP_FILE("memory.min", zero_show),
	CGROUP_FILE("memory.oom.group", zero_show),
	CGROUP_FILE("memory.peak", cgroup_memory_peak_show),
	CGROUP_FILE("memory.pressure", pressure_show),
	CGROUP_FILE("memory.stat", cgroup_memory_stat_show),
	CGROUP_FILE("memory.swap.current", cgroup_swap_current_show),
	CGROUP_FILE("memory.swap.events", cgroup_swap_events_show),
	CGROUP_FILE("memory.swap.high", max_show),
	CGROUP_FILE("memory.swap.max", cgroup_swap_max_show),
	CGROUP_FILE("pids.current", cgroup_pids_current_show),
	CGROUP_FILE("pids.events", cgroup_pids_events_show),
	CGROUP_FILE("pids.max", cgroup_pids_max_show),
	CGROUP_FILE("pids.peak", cgroup_pids_peak_show),
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
	.show = fs_noshow,
	.destroy = proc_fs_destroy,
	.pinned = false,
	.nodev_listed = true,
};

int cgroupfs_make(const struct fs_source *s, struct fs **out)
{
	(void)s;
	return proc_fs_new(&cgroup_ops, &root_dir, nsset_owner(NS_CGROUP), out);
}
