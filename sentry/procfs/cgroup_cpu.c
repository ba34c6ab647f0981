/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.*, cpuset.*, pids.* and io.*: limits as they were given, use as it was counted. */
#include <stddef.h>

#include "sentry/procfs/cgroup.h"
#include "sentry/procfs/measure.h"
#include "sentry/res/resources.h"
#include "sentry/res/usage.h"
#include "sentry/task/container.h"

int cgroup_cpu_max_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	uint64_t period = l.cpu_period_us ? l.cpu_period_us : LIMITS_PERIOD_US;
	if (l.cpu_quota_us)
		text_printf(out, "%llu %llu\n", (unsigned long long)l.cpu_quota_us,
			    (unsigned long long)period);
	else
		text_printf(out, "max %llu\n", (unsigned long long)period);
	return 0;
}

int cgroup_cpu_burst_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	text_printf(out, "%llu\n", (unsigned long long)l.cpu_burst_us);
	return 0;
}

/* An idle group has no weight: Linux shows 0. */
int cgroup_cpu_weight_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	text_printf(out, "%u\n", l.cpu_idle ? 0 : l.cpu_weight ? l.cpu_weight : LIMITS_WEIGHT);
	return 0;
}

int cgroup_cpu_idle_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	text_printf(out, "%d\n", l.cpu_idle);
	return 0;
}

int cgroup_cpu_stat_show(const struct proc_look *at, struct text *out)
{
	struct cputime c = measure_machine_cputime();
	struct usage_cpu u;

	(void)at;
	usage_cpu(&u);
	text_printf(out, "usage_usec %lld\nuser_usec %lld\nsystem_usec %lld\n",
		    (long long)(c.user / NSEC_PER_USEC + c.system / NSEC_PER_USEC),
		    (long long)(c.user / NSEC_PER_USEC), (long long)(c.system / NSEC_PER_USEC));
	text_printf(out,
		    "nr_periods %llu\nnr_throttled %llu\nthrottled_usec %llu\n"
		    "nr_bursts %llu\nburst_usec %llu\n",
		    (unsigned long long)u.periods, (unsigned long long)u.throttled,
		    (unsigned long long)u.throttled_us, (unsigned long long)u.bursts,
		    (unsigned long long)u.burst_us);
	return 0;
}

int cgroup_cpus_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_mask_list(out, resources_cpu_mask());
	text_put(out, "\n", 1);
	return 0;
}

/* What was asked for; nothing, if it was not. */
int cgroup_cpus_own_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	resources_limits(&l);
	if (l.cpuset)
		return cgroup_cpus_show(at, out);
	text_put(out, "\n", 1);
	return 0;
}

int cgroup_pids_max_show(const struct proc_look *at, struct text *out)
{
	struct limits l;

	(void)at;
	resources_limits(&l);
	if (l.pids_max)
		text_printf(out, "%llu\n", (unsigned long long)l.pids_max);
	else
		text_str(out, "max\n");
	return 0;
}

/* A member of the reader's container. */
static int put_count(struct text *out, const char *name, size_t member)
{
	const struct task *t = task_current();
	const struct container *c = t ? t->group->container : &container_first;
	lock(&kernel.tasks_lock);
	unsigned n = *(const unsigned *)((const char *)c + member);
	unlock(&kernel.tasks_lock);
	text_printf(out, "%s%u\n", name, n);
	return 0;
}

int cgroup_pids_current_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	return put_count(out, "", offsetof(struct container, ntasks));
}

int cgroup_pids_peak_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	return put_count(out, "", offsetof(struct container, tasks_peak));
}

int cgroup_pids_events_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	return put_count(out, "max ", offsetof(struct container, tasks_refused));
}

/* The host's devices, by number, as any container sees them. */
int cgroup_io_stat_show(const struct proc_look *at, struct text *out)
{
	char b[USAGE_TEXT_MAX], counts[USAGE_TEXT_MAX], lines[USAGE_TEXT_MAX];

	(void)at;
	if (!usage_own() || !usage_text(USAGE_IO, b))
		return 0;
	if (usage_text(USAGE_IO_COUNTS, counts)) {
		text_put(out, lines, usage_io_convert(b, counts, lines, sizeof lines));
		return 0;
	}
	text_str(out, b);
	return 0;
}
