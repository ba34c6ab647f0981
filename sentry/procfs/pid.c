/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID and /proc/PID/task/TID.
 *
 * A number that is not a process but one of its threads has a directory too,
 * which the root does not list; so it is on Linux.
 */
#include "sentry/procfs/pid.h"

#include <errno.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/procfs.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"

struct fdtab *proc_fdtab(struct task *t)
{
	lock(&kernel.tasks_lock);
	struct fdtab *fds = t->fds ? fdtab_get_table(t->fds) : NULL;
	unlock(&kernel.tasks_lock);
	return fds;
}

struct fsctx *proc_fsctx(struct task *t)
{
	lock(&kernel.tasks_lock);
	struct fsctx *fs = t->fs ? fsctx_get(t->fs) : NULL;
	unlock(&kernel.tasks_lock);
	return fs;
}

static int exe_follow(const struct proc_look *at, struct path *out)
{
	struct mm *mm = task_mm_get(at->task);
	struct file *exe = NULL;

	if (!mm)
		return -ENOENT;
	lock(&mm->lock);
	if (mm->exe)
		exe = file_get(mm->exe);
	unlock(&mm->lock);
	mm_put(mm);
	if (!exe)
		return -ENOENT;
	*out = exe->path;
	path_get(out);
	file_put(exe);
	return 0;
}

static int fs_follow(const struct proc_look *at, bool root, struct path *out)
{
	struct fsctx *fs = proc_fsctx(at->task);
	if (!fs)
		return -ENOENT;
	lock(&fs->lock);
	*out = root ? fs->root : fs->cwd;
	path_get(out);
	unlock(&fs->lock);
	fsctx_put(fs);
	return 0;
}

static int cwd_follow(const struct proc_look *at, struct path *out)
{
	return fs_follow(at, /*root=*/false, out);
}

static int root_follow(const struct proc_look *at, struct path *out)
{
	return fs_follow(at, /*root=*/true, out);
}

static int thread_find(const struct proc_node *dir, unsigned nr, struct proc_node *out)
{
	lock(&kernel.tasks_lock);
	struct task *t = task_by_id_locked(pid_id_locked(dir->ns, (int)nr));
	bool ours = t && t->group == dir->group;
	if (ours)
		proc_node_set_locked(out, t, /*thread=*/true);
	unlock(&kernel.tasks_lock);
	return ours ? 0 : -ENOENT;
}

/* The leader has its directory as long as the process has one, even when it has ended. */
static int thread_next(const struct proc_node *dir, unsigned from)
{
	struct task *t;
	int best = -1;

	lock(&kernel.tasks_lock);
	int nr = proc_nr_locked(dir, dir->group->tgid);
	if (proc_task_locked(dir) && (unsigned)nr >= from)
		best = nr;
	list_for_each(t, &dir->group->threads, threads) {
		nr = proc_nr_locked(dir, t->tid);
		if ((unsigned)nr >= from && (best < 0 || nr < best))
			best = nr;
	}
	unlock(&kernel.tasks_lock);
	return best;
}

static unsigned thread_dirs(const struct proc_node *dir)
{
	lock(&kernel.tasks_lock);
	unsigned n = dir->group->nthreads;
	unlock(&kernel.tasks_lock);
	return n;
}

/* What a process and each of its threads have alike. */
#define COMMON_ENTRIES                                                                             \
	PROC_DIR("fd", 0500, .flags = PROC_PTRACE, .numbers = &proc_fds),                          \
		PROC_DIR("fdinfo", 0555, .flags = PROC_PTRACE, .numbers = &proc_fdinfos),          \
		PROC_DIR("ns", 0511, .flags = PROC_PTRACE, .table = &proc_ns_table),               \
		PROC_DIR("net", 0555, .table = &proc_net_table),                                   \
		PROC_FILE("environ", 0400, .flags = PROC_MM, .show = pid_environ_show),            \
		PROC_FILE("auxv", 0400, .flags = PROC_MM, .show = pid_auxv_show),                  \
		PROC_FILE("status", 0444, .show = pid_status_show),                                \
		PROC_FILE("personality", 0400, .flags = PROC_PTRACE,                               \
			  .show = pid_personality_show),                                           \
		PROC_FILE("io", 0400, .show = pid_io_show),                                        \
		PROC_FILE("limits", 0444, .show = pid_limits_show),                                \
		PROC_FILE("comm", 0644, .show = pid_comm_show, .store = pid_comm_store),           \
		PROC_FILE("cmdline", 0444, .show = pid_cmdline_show),                              \
		PROC_FILE("stat", 0444, .show = pid_stat_show),                                    \
		PROC_FILE("statm", 0444, .show = pid_statm_show),                                  \
		PROC_FILE("maps", 0444, .flags = PROC_MM, .show = pid_maps_show),                  \
		PROC_FILE("mem", 0600, .open = pid_mem_open),                                      \
		PROC_LINK("cwd", .follow = cwd_follow), PROC_LINK("root", .follow = root_follow),  \
		PROC_LINK("exe", .follow = exe_follow),                                            \
		PROC_FILE("mounts", 0444, .flags = PROC_MOUNTS, .show = pid_mounts_show),          \
		PROC_FILE("mountinfo", 0444, .flags = PROC_MOUNTS, .show = pid_mountinfo_show),    \
		PROC_FILE("wchan", 0444, .show = pid_wchan_show),                                  \
		PROC_FILE("cgroup", 0444, .show = pid_cgroup_show),                                \
		PROC_FILE("oom_score", 0444, .show = pid_oom_score_show),                          \
		PROC_FILE("oom_adj", 0644, .show = pid_oom_adj_show, .store = pid_oom_adj_store),  \
		PROC_FILE("oom_score_adj", 0644, .show = pid_oom_score_adj_show,                   \
			  .store = pid_oom_score_adj_store),                                       \
		PROC_FILE("loginuid", 0444, .show = pid_unset_id_show),                            \
		PROC_FILE("sessionid", 0444, .show = pid_unset_id_show),                           \
		PROC_FILE("uid_map", 0644, .flags = PROC_USERNS, .show = pid_uid_map_show,         \
			  .store = pid_uid_map_store),                                             \
		PROC_FILE("gid_map", 0644, .flags = PROC_USERNS, .show = pid_gid_map_show,         \
			  .store = pid_gid_map_store),                                             \
		PROC_FILE("setgroups", 0644, .flags = PROC_USERNS | PROC_USERNS_ADMIN,             \
			  .show = pid_setgroups_show, .store = pid_setgroups_store)

static const struct proc_entry thread_entries[] = {
	COMMON_ENTRIES,
};
static const struct proc_table thread_table = PROC_TABLE(thread_entries, IDS_TASK);
static const struct proc_entry thread_dir = {
	.mode = S_IFDIR | 0555,
	.table = &thread_table,
};

static const struct proc_numbers threads = {
	.entry = &thread_dir,
	.id = IDS_NUMBERS + 1,
	.find = thread_find,
	.next = thread_next,
	.dirs = thread_dirs,
};

static const struct proc_entry pid_entries[] = {
	PROC_DIR("task", 0555, .numbers = &threads),
	COMMON_ENTRIES,
	PROC_FILE("mountstats", 0400, .show = pid_mountstats_show),
	PROC_FILE("timerslack_ns", 0444, .flags = PROC_PTRACE, .show = pid_timerslack_show),
};
static const struct proc_table pid_table = PROC_TABLE(pid_entries, IDS_PID);
static const struct proc_entry pid_dir = {
	.mode = S_IFDIR | 0555,
	.table = &pid_table,
};

static int pid_find(const struct proc_node *dir, unsigned nr, struct proc_node *out)
{
	lock(&kernel.tasks_lock);
	struct task *t = task_by_id_locked(pid_id_locked(dir->ns, (int)nr));
	if (t)
		proc_node_set_locked(out, t, /*thread=*/false);
	unlock(&kernel.tasks_lock);
	return t ? 0 : -ENOENT;
}

static int pid_next(const struct proc_node *dir, unsigned from)
{
	lock(&kernel.tasks_lock);
	while (from < PID_MAX && !group_by_id_locked(pid_id_locked(dir->ns, (int)from)))
		from++;
	unlock(&kernel.tasks_lock);
	return from < PID_MAX ? (int)from : -1;
}

static unsigned pid_dirs(const struct proc_node *dir)
{
	(void)dir;
	lock(&kernel.tasks_lock);
	unsigned n = kernel.ngroups;
	unlock(&kernel.tasks_lock);
	return n;
}

const struct proc_numbers proc_pids = {
	.entry = &pid_dir,
	.id = IDS_NUMBERS,
	.find = pid_find,
	.next = pid_next,
	.dirs = pid_dirs,
};

struct group *procfs_group(const struct file *f)
{
	const struct proc_node *n = f->ops == &proc_dir_ops ? proc_node_of(f->inode) : NULL;
	return n && n->entry == &pid_dir ? n->group : NULL;
}
