/* SPDX-License-Identifier: Apache-2.0 */
/* The files of cgroup v2's controllers, by the source file that makes them; cgroup.c has the table.
 */
#pragma once

#include "sentry/procfs/tree.h"

/* cgroup_memory.c */
int cgroup_memory_limit_show(const struct proc_look *at, struct text *out);
int cgroup_memory_current_show(const struct proc_look *at, struct text *out);
int cgroup_memory_peak_show(const struct proc_look *at, struct text *out);
int cgroup_memory_stat_show(const struct proc_look *at, struct text *out);
int cgroup_memory_events_show(const struct proc_look *at, struct text *out);
int cgroup_swap_max_show(const struct proc_look *at, struct text *out);
int cgroup_swap_current_show(const struct proc_look *at, struct text *out);
int cgroup_swap_events_show(const struct proc_look *at, struct text *out);

/* cgroup_cpu.c: cpu, cpuset, pids, io */
int cgroup_cpu_max_show(const struct proc_look *at, struct text *out);
int cgroup_cpu_burst_show(const struct proc_look *at, struct text *out);
int cgroup_cpu_weight_show(const struct proc_look *at, struct text *out);
int cgroup_cpu_idle_show(const struct proc_look *at, struct text *out);
int cgroup_cpu_stat_show(const struct proc_look *at, struct text *out);
int cgroup_cpus_show(const struct proc_look *at, struct text *out);
int cgroup_cpus_own_show(const struct proc_look *at, struct text *out);
int cgroup_pids_max_show(const struct proc_look *at, struct text *out);
int cgroup_pids_current_show(const struct proc_look *at, struct text *out);
int cgroup_pids_peak_show(const struct proc_look *at, struct text *out);
int cgroup_pids_events_show(const struct proc_look *at, struct text *out);
int cgroup_io_stat_show(const struct proc_look *at, struct text *out);

/* pressure.c: psi(7)'s text, also of /proc/pressure; the entry's name says of what. */
int pressure_show(const struct proc_look *at, struct text *out);
