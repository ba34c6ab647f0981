/* SPDX-License-Identifier: Apache-2.0 */
/* The root directory of /proc, and the file system itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sentry/fs/devfs/devfs.h"
#include "sentry/procfs/cgroup.h"
#include "sentry/procfs/machine.h"
#include "sentry/procfs/pid.h"
#include "sentry/procfs/procfs.h"

static int self_target(const struct proc_look *at, char *buf, size_t size)
{
	const struct task *t = task_current();
	int nr = t ? pid_in(at->node->ns, t->group->tgid) : 0;
	return nr ? snprintf(buf, size, "%d", nr) : -ENOENT;
}

static int thread_self_target(const struct proc_look *at, char *buf, size_t size)
{
	const struct task *t = task_current();
	int nr = t ? pid_in(at->node->ns, t->group->tgid) : 0;
	return nr ? snprintf(buf, size, "%d/task/%d", nr, pid_in(at->node->ns, t->tid)) : -ENOENT;
}

static int mounts_target(const struct proc_look *at, char *buf, size_t size)
{
	(void)at;
	return snprintf(buf, size, "self/mounts");
}

static int net_target(const struct proc_look *at, char *buf, size_t size)
{
	(void)at;
	return snprintf(buf, size, "self/net");
}

static int version_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "Linux version %s (vedette@vedette) (%s) %s\n", kernel.release,
		    "gcc " __VERSION__, kernel.version);
	return 0;
}

static int filesystems_show(const struct proc_look *at, struct text *out)
{
	const char *name;

	(void)at;
	for (unsigned i = 0; (name = fs_type_name(i)) != NULL; i++)
		text_printf(out, "nodev\t%s\n", name);
	return 0;
}

static int devices_show(const struct proc_look *at, struct text *out)
{
	const char *name;
	uint32_t major;

	(void)at;
	text_str(out, "Character devices:\n");
	for (unsigned i = 0; (name = dev_name(i, &major)) != NULL; i++)
		text_printf(out, "%3u %s\n", major, name);
	text_str(out, "\nBlock devices:\n");
	return 0;
}

/* Nobody has booted it with arguments. */
static int cmdline_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_put(out, "\n", 1);
	return 0;
}

static int partitions_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "major minor  #blocks  name\n\n");
	return 0;
}

/* There are no modules and no disks. */
static int empty_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	(void)out;
	return 0;
}

static const struct proc_entry pressure_entries[] = {
	PROC_FILE("cpu", 0666, .flags = PROC_SYSCTL, .show = pressure_show),
	PROC_FILE("io", 0666, .flags = PROC_SYSCTL, .show = pressure_show),
	PROC_FILE("memory", 0666, .flags = PROC_SYSCTL, .show = pressure_show),
};
static const struct proc_table pressure_table = PROC_TABLE(pressure_entries, IDS_CGROUP + 70);

static const struct proc_entry root_entries[] = {
	PROC_LINK("self", .target = self_target),
	PROC_LINK("thread-self", .target = thread_self_target),
	PROC_LINK("mounts", .target = mounts_target),
	PROC_LINK("net", .target = net_target),
	PROC_DIR("sys", 0555, .table = &proc_sys_table),
	PROC_DIR("sysvipc", 0555, .table = &proc_sysvipc_table),
	PROC_DIR("pressure", 0555, .table = &pressure_table),
	PROC_FILE("cgroups", 0444, .show = machine_cgroups_show),
	PROC_FILE("cmdline", 0444, .show = cmdline_show),
	PROC_FILE("cpuinfo", 0444, .show = machine_cpuinfo_show),
	PROC_FILE("devices", 0444, .show = devices_show),
	PROC_FILE("diskstats", 0444, .show = empty_show),
	PROC_FILE("filesystems", 0444, .show = filesystems_show),
	PROC_FILE("loadavg", 0444, .show = machine_loadavg_show),
	PROC_FILE("meminfo", 0444, .show = machine_meminfo_show),
	PROC_FILE("modules", 0444, .show = empty_show),
	PROC_FILE("partitions", 0444, .show = partitions_show),
	PROC_FILE("stat", 0444, .show = machine_stat_show),
	PROC_FILE("swaps", 0444, .show = machine_swaps_show),
	PROC_FILE("uptime", 0444, .show = machine_uptime_show),
	PROC_FILE("version", 0444, .show = version_show),
	PROC_FILE("vmstat", 0444, .show = machine_vmstat_show),
};
static const struct proc_table root_table = PROC_TABLE(root_entries, IDS_ROOT);
static const struct proc_entry root_dir = {
	.mode = S_IFDIR | 0555,
	.table = &root_table,
	.numbers = &proc_pids,
};

static int procfs_statfs(struct fs *fs, struct kstatfs *out)
{
	(void)fs;
	*out = (struct kstatfs){
		.type = PROC_SUPER_MAGIC, .bsize = PAGE_SIZE, .frsize = PAGE_SIZE, .namelen = 255,
	};
	return 0;
}

static const struct fs_ops procfs_ops = {
	.name = "proc",
	.revalidate = proc_revalidate,
	.statfs = procfs_statfs,
	.permission = proc_permission,
	.remount = proc_options_set,
	.show = proc_options_show,
	.bare = proc_bare,
	.destroy = proc_fs_destroy,
	.pinned = false,
	.nodev_listed = true,
};

int procfs_make(const struct fs_source *s, struct fs **out)
{
	struct user_ns *owner = pid_ns_here()->ns.owner;
	int err = proc_fs_new(&procfs_ops, &root_dir, owner, out);
	if (err == 0 && (err = proc_options_set(*out, s->data ? s->data : "", s->cred)) < 0)
		fs_put(STEAL(*out));
	return err;
}

void procfs_from_host(void)
{
	cpuinfo_init();
}
