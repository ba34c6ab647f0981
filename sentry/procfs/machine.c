/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, CPU time and load of the machine that the sandbox is.
 *
 * The machine started when the sandbox did.  How its CPU time is spread over its
 * CPUs is not known (they are the host's to choose), so each is shown with the
 * same share; the sums are right.
 */
#include "sentry/procfs/machine.h"

#include <stdio.h>
#include <string.h>

#include "sentry/procfs/measure.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/sync/timer.h"
#include "syscalls/abi/limits.h"

enum { NS_PER_TICK = NSEC_PER_SEC / ABI_CLK_TCK };

static int64_t uptime_ns(void)
{
	return clock_mono_ns() - kernel.boot_mono_ns;
}

/* What all CPUs together had left over. */
static int64_t idle_ns(int64_t up, const struct cputime *used)
{
	int64_t idle = up * resources_cpus() - used->user - used->system;
	return idle > 0 ? idle : 0;
}

int machine_uptime_show(const struct proc_look *at, struct text *out)
{
	struct cputime used = measure_machine_cputime();
	int64_t up = uptime_ns(), idle = idle_ns(up, &used);
	const int64_t cs = NSEC_PER_SEC / 100;

	(void)at;
	text_printf(out, "%lld.%02lld %lld.%02lld\n", (long long)(up / NSEC_PER_SEC),
		    (long long)(up / cs % 100), (long long)(idle / NSEC_PER_SEC),
		    (long long)(idle / cs % 100));
	return 0;
}

int machine_loadavg_show(const struct proc_look *at, struct text *out)
{
	uint32_t load[3];

	(void)at;
	measure_loads(load);
	for (int i = 0; i < 3; i++) {
		uint32_t v = load[i] + (1u << LOAD_SHIFT) / 200; /* rounds to the second digit */
		text_printf(out, "%u.%02u ", v >> LOAD_SHIFT,
			    (v & ((1u << LOAD_SHIFT) - 1)) * 100 >> LOAD_SHIFT);
	}
	unsigned running = measure_running();
	lock(&kernel.tasks_lock);
	text_printf(out, "%u/%u %d\n", running, kernel.ntasks, pid_ns_here()->last);
	unlock(&kernel.tasks_lock);
	return 0;
}

static void put_cpu(struct text *out, const char *name, int64_t user, int64_t system, int64_t idle)
{
	text_printf(out, "%s %lld 0 %lld %lld 0 0 0 0 0 0\n", name, (long long)(user / NS_PER_TICK),
		    (long long)(system / NS_PER_TICK), (long long)(idle / NS_PER_TICK));
}

static bool add_switches(struct group *g, void *arg)
{
	uint64_t *sum = arg;
	struct task *t;

	*sum += g->dead_nvcsw + g->child_nvcsw + g->child_nivcsw +
		__atomic_load_n(&g->nivcsw, __ATOMIC_RELAXED);
	list_for_each(t, &g->threads, threads)
		*sum += __atomic_load_n(&t->nvcsw, __ATOMIC_RELAXED);
	return true;
}

int machine_stat_show(const struct proc_look *at, struct text *out)
{
	struct cputime used = measure_machine_cputime();
	int64_t idle = idle_ns(uptime_ns(), &used);
	uint64_t switches = 0;
	int64_t n = resources_cpus();
	char name[16];

	(void)at;
	put_cpu(out, "cpu ", used.user, used.system, idle);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "cpu%d", i);
		put_cpu(out, name, used.user / n, used.system / n, idle / n);
	}
	unsigned running = measure_running();
	lock(&kernel.tasks_lock);
	group_for_each_locked(add_switches, &switches);
	/* No device interrupts this machine. */
	text_printf(out, "intr 0\nctxt %llu\nbtime %lld\nprocesses %llu\n",
		    (unsigned long long)switches,
		    (long long)(kernel.boot_real_ns / NSEC_PER_SEC),
		    (unsigned long long)kernel.forks);
	unlock(&kernel.tasks_lock);
	text_printf(out, "procs_running %u\nprocs_blocked 0\n", running);
	return 0;
}

static void put_kb(struct text *out, const char *name, uint64_t bytes)
{
	text_printf(out, "%s:", name);
	text_printf(out, "%*llu kB\n", (int)(23 - strlen(name)), (unsigned long long)(bytes >> 10));
}

int machine_meminfo_show(const struct proc_look *at, struct text *out)
{
	struct memory_info m;

	(void)at;
	memory_get(&m);
	put_kb(out, "MemTotal", m.total);
	put_kb(out, "MemFree", m.free);
	put_kb(out, "MemAvailable", m.available);
	put_kb(out, "Buffers", m.buffers);
	put_kb(out, "Cached", m.cached);
	put_kb(out, "SwapCached", 0);
	put_kb(out, "Active", m.active);
	put_kb(out, "Inactive", m.inactive);
	put_kb(out, "SwapTotal", m.swap_total);
	put_kb(out, "SwapFree", m.swap_free);
	put_kb(out, "Dirty", m.dirty);
	put_kb(out, "Writeback", m.writeback);
	put_kb(out, "AnonPages", m.anon);
	put_kb(out, "Mapped", m.mapped);
	put_kb(out, "Shmem", m.shmem);
	put_kb(out, "KReclaimable", m.slab_reclaimable);
	put_kb(out, "Slab", m.slab_reclaimable);
	put_kb(out, "SReclaimable", m.slab_reclaimable);
	/* MAP_HUGETLB finds none. */
	text_str(out, "HugePages_Total:       0\nHugePages_Free:        0\n"
		      "HugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	put_kb(out, "Hugepagesize", 2u << 20);
	return 0;
}

int machine_vmstat_show(const struct proc_look *at, struct text *out)
{
	struct memory_info m;

	(void)at;
	memory_get(&m);
	const struct {
		const char *name;
		uint64_t bytes;
	} rows[] = {
		{"nr_free_pages", m.free},     {"nr_anon_pages", m.anon},
		{"nr_mapped", m.mapped},       {"nr_file_pages", m.cached + m.buffers},
		{"nr_dirty", m.dirty},	       {"nr_writeback", m.writeback},
		{"nr_shmem", m.shmem},	       {"nr_slab_reclaimable", m.slab_reclaimable},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		text_printf(out, "%s %llu\n", rows[i].name,
			    (unsigned long long)(rows[i].bytes / PAGE_SIZE));
	return 0;
}

/* Where the host swaps to is none of the guest's devices. */
int machine_swaps_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* All are in the one hierarchy of v2, whose number is 0; nobody makes groups below the root. */
int machine_cgroups_show(const struct proc_look *at, struct text *out)
{
	static const char *const names[] = {"cpuset", "cpu", "cpuacct", "blkio", "memory", "pids"};

	(void)at;
	text_str(out, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		text_printf(out, "%s\t0\t1\t1\n", names[i]);
	return 0;
}
