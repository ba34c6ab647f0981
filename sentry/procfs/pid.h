/* SPDX-License-Identifier: Apache-2.0 */
/* The files of /proc/PID, by the source file that makes them. */
#pragma once

#include "sentry/procfs/tree.h"

struct fdtab;
struct fsctx;

/* pid.c: /proc/PID, and what else the root directory lists by number. */
extern const struct proc_numbers proc_pids;
/* The tables of another task, referenced, or NULL. */
struct fdtab *proc_fdtab(struct task *t);
struct fsctx *proc_fsctx(struct task *t);

/* stat.c */
int pid_stat_show(const struct proc_look *at, struct text *out);
int pid_statm_show(const struct proc_look *at, struct text *out);
int pid_comm_show(const struct proc_look *at, struct text *out);
int pid_comm_store(const struct proc_look *at, char *text, size_t size);

/* status.c */
int pid_status_show(const struct proc_look *at, struct text *out);

/* signals.c: sets as /proc shows them. */
struct pid_signals {
	uint64_t pending, shared, blocked, ignored, caught;
};
void pid_signals_get(struct task *t, struct pid_signals *out);

/* maps.c */
int pid_maps_show(const struct proc_look *at, struct text *out);
/* mem.c */
int pid_cmdline_show(const struct proc_look *at, struct text *out);
int pid_environ_show(const struct proc_look *at, struct text *out);
int pid_auxv_show(const struct proc_look *at, struct text *out);
int pid_mem_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		 struct file **out);

/* misc.c */
int pid_limits_show(const struct proc_look *at, struct text *out);
int pid_cgroup_show(const struct proc_look *at, struct text *out);
int pid_oom_score_show(const struct proc_look *at, struct text *out);
int pid_oom_score_adj_show(const struct proc_look *at, struct text *out);
int pid_oom_score_adj_store(const struct proc_look *at, char *text, size_t size);
int pid_oom_adj_show(const struct proc_look *at, struct text *out);
int pid_oom_adj_store(const struct proc_look *at, char *text, size_t size);
int pid_personality_show(const struct proc_look *at, struct text *out);
int pid_timerslack_show(const struct proc_look *at, struct text *out);
int pid_wchan_show(const struct proc_look *at, struct text *out);
int pid_unset_id_show(const struct proc_look *at, struct text *out);

/* userns.c */
int pid_uid_map_show(const struct proc_look *at, struct text *out);
int pid_gid_map_show(const struct proc_look *at, struct text *out);
int pid_setgroups_show(const struct proc_look *at, struct text *out);
int pid_uid_map_store(const struct proc_look *at, char *text, size_t size);
int pid_gid_map_store(const struct proc_look *at, char *text, size_t size);
int pid_setgroups_store(const struct proc_look *at, char *text, size_t size);

/* io.c */
int pid_io_show(const struct proc_look *at, struct text *out);

/* mounts.c */
int pid_mounts_show(const struct proc_look *at, struct text *out);
int pid_mountinfo_show(const struct proc_look *at, struct text *out);
int pid_mountstats_show(const struct proc_look *at, struct text *out);

/* fd.c */
extern const struct proc_numbers proc_fds, proc_fdinfos;
/*
 * The offset of a file: of one that is being read, what it happens to be.  Its lock
 * cannot be had, because the file may be the very one that asks.
 */
int64_t pid_file_pos(const struct file *f);
/* fdinfo.c: what only files of this kind say. */
void pid_fdinfo_special(struct file *f, struct text *out);
/* ns.c */
extern const struct proc_table proc_ns_table;
/* net.c */
extern const struct proc_table proc_net_table;
