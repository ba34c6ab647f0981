/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys: sysfs(5), as far as there are devices.
 *
 * CPUs and one memory node.  Which caches the CPUs share is the host's affair
 * and left out; the other directories are there to be empty, or to be mounted on.
 */
#include <errno.h>

#include "sentry/procfs/procfs.h"
#include "sentry/procfs/tree.h"
#include "sentry/res/resources.h"
#include "sentry/task/nsset.h"

static int cpus_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_mask_list(out, resources_cpu_mask());
	text_put(out, "\n", 1);
	return 0;
}

/* None is switched off, and there is no place for more. */
static int nothing_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_put(out, "\n", 1);
	return 0;
}

static int kernel_max_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "%u\n", RESOURCES_CPUS_MAX - 1);
	return 0;
}

static int node_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "0\n");
	return 0;
}

static void put_mask(struct text *out, uint64_t mask)
{
	text_mask(out, mask, resources_cpus());
	text_put(out, "\n", 1);
}

static int all_mask_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	put_mask(out, resources_cpu_mask());
	return 0;
}

/* ---- cpuN: each is a core of its own, all in one package, as /proc/cpuinfo says ---- */

static int core_id_show(const struct proc_look *at, struct text *out)
{
	text_printf(out, "%d\n", at->node->fd);
	return 0;
}

static int own_mask_show(const struct proc_look *at, struct text *out)
{
	put_mask(out, 1ull << at->node->fd);
	return 0;
}

static const struct proc_entry topology_entries[] = {
	PROC_FILE("physical_package_id", 0444, .show = node_show),
	PROC_FILE("core_id", 0444, .show = core_id_show),
	PROC_FILE("thread_siblings", 0444, .show = own_mask_show),
	PROC_FILE("thread_siblings_list", 0444, .show = core_id_show),
	PROC_FILE("core_cpus", 0444, .show = own_mask_show),
	PROC_FILE("core_cpus_list", 0444, .show = core_id_show),
	PROC_FILE("core_siblings", 0444, .show = all_mask_show),
	PROC_FILE("core_siblings_list", 0444, .show = cpus_show),
	PROC_FILE("package_cpus", 0444, .show = all_mask_show),
	PROC_FILE("package_cpus_list", 0444, .show = cpus_show),
};
static const struct proc_table topology_table = PROC_TABLE(topology_entries, IDS_SYSFS + 60);
static const struct proc_entry cpu_n_entries[] = {
	PROC_DIR("topology", 0755, .table = &topology_table),
};
static const struct proc_table cpu_n_table = PROC_TABLE(cpu_n_entries, IDS_SYSFS + 75);
static const struct proc_entry cpu_n_dir = {
	.mode = S_IFDIR | 0755,
	.table = &cpu_n_table,
};

static int cpu_find(const struct proc_node *dir, unsigned nr, struct proc_node *out)
{
	(void)dir;
	out->fd = (int)nr;
	return nr < resources_cpus() ? 0 : -ENOENT;
}

static int cpu_next(const struct proc_node *dir, unsigned from)
{
	(void)dir;
	return from < resources_cpus() ? (int)from : -1;
}

static unsigned cpu_dirs(const struct proc_node *dir)
{
	(void)dir;
	return resources_cpus();
}

static const struct proc_numbers cpu_numbers = {
	.entry = &cpu_n_dir,
	.prefix = "cpu",
	.id = IDS_NUMBERS + 4,
	.find = cpu_find,
	.next = cpu_next,
	.dirs = cpu_dirs,
};

static const struct proc_entry cpu_entries[] = {
	PROC_FILE("online", 0444, .show = cpus_show),
	PROC_FILE("possible", 0444, .show = cpus_show),
	PROC_FILE("present", 0444, .show = cpus_show),
	PROC_FILE("offline", 0444, .show = nothing_show),
	PROC_FILE("isolated", 0444, .show = nothing_show),
	PROC_FILE("kernel_max", 0444, .show = kernel_max_show),
};
static const struct proc_table cpu_table = PROC_TABLE(cpu_entries, IDS_SYSFS);

static const struct proc_entry node0_entries[] = {
	PROC_FILE("cpulist", 0444, .show = cpus_show),
	PROC_FILE("cpumap", 0444, .show = all_mask_show),
};
static const struct proc_table node0_table = PROC_TABLE(node0_entries, IDS_SYSFS + 10);

static const struct proc_entry node_entries[] = {
	PROC_FILE("online", 0444, .show = node_show),
	PROC_FILE("possible", 0444, .show = node_show),
	PROC_FILE("has_cpu", 0444, .show = node_show),
	PROC_FILE("has_memory", 0444, .show = node_show),
	PROC_DIR("node0", 0755, .table = &node0_table),
};
static const struct proc_table node_table = PROC_TABLE(node_entries, IDS_SYSFS + 15);

static const struct proc_entry system_entries[] = {
	PROC_DIR("cpu", 0755, .table = &cpu_table, .numbers = &cpu_numbers),
	PROC_DIR("node", 0755, .table = &node_table),
};
static const struct proc_table system_table = PROC_TABLE(system_entries, IDS_SYSFS + 25);
static const struct proc_entry devices_entries[] = {
	PROC_DIR("system", 0755, .table = &system_table),
};
static const struct proc_table devices_table = PROC_TABLE(devices_entries, IDS_SYSFS + 30);

static const struct proc_entry fs_entries[] = {
	PROC_DIR("cgroup", 0755),
};
static const struct proc_table fs_table = PROC_TABLE(fs_entries, IDS_SYSFS + 35);

static const struct proc_entry root_entries[] = {
	PROC_DIR("block", 0755),
	PROC_DIR("bus", 0755),
	PROC_DIR("class", 0755),
	PROC_DIR("dev", 0755),
	PROC_DIR("devices", 0755, .table = &devices_table),
	PROC_DIR("firmware", 0755),
	PROC_DIR("fs", 0755, .table = &fs_table),
	PROC_DIR("kernel", 0755),
	PROC_DIR("module", 0755),
	PROC_DIR("power", 0755),
};
static const struct proc_table root_table = PROC_TABLE(root_entries, IDS_SYSFS + 40);
static const struct proc_entry root_dir = {
	.mode = S_IFDIR | 0555,
	.table = &root_table,
};

static int sysfs_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	*out = (struct kstatfs){
		.type = SYSFS_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = 255,
	};
	return 0;
}

static const struct fs_ops sysfs_ops = {
	.name = "sysfs",
	.revalidate = proc_revalidate,
	.statfs = sysfs_statfs,
	.show = fs_noshow,
	.bare = proc_bare,
	.destroy = proc_fs_destroy,
	.pinned = false,
	.nodev_listed = true,
};

int sysfs_make(const struct fs_source *s, struct fs **out)
{
	(void)s;
	return proc_fs_new(&sysfs_ops, &root_dir, nsset_owner(NS_NET), out);
}
