/* SPDX-License-Identifier: Apache-2.0 */
/* The files of /proc that are about the machine, by the source file that makes them. */
#pragma once

#include "sentry/procfs/tree.h"

/* machine.c */
int machine_uptime_show(const struct proc_look *at, struct text *out);
int machine_loadavg_show(const struct proc_look *at, struct text *out);
int machine_stat_show(const struct proc_look *at, struct text *out);
int machine_meminfo_show(const struct proc_look *at, struct text *out);
int machine_vmstat_show(const struct proc_look *at, struct text *out);
int machine_swaps_show(const struct proc_look *at, struct text *out);

/* /proc/cgroups */
int machine_cgroups_show(const struct proc_look *at, struct text *out);

/* cpuinfo.c; cpuinfo_init() notes the time, for the clock's frequency. */
void cpuinfo_init(void);
int machine_cpuinfo_show(const struct proc_look *at, struct text *out);

/* sys.c: /proc/sys */
extern const struct proc_table proc_sys_table, proc_sys_net_table, proc_sys_user_table;
/* sysvipc.c */
extern const struct proc_table proc_sysvipc_table;
/* /proc/sys/kernel/sem, and those that are one number: the entry's name says which. */
int sysvipc_sem_show(const struct proc_look *at, struct text *out);
int sysvipc_sem_store(const struct proc_look *at, char *text, size_t size);
int sysvipc_number_show(const struct proc_look *at, struct text *out);
int sysvipc_number_store(const struct proc_look *at, char *text, size_t size);
