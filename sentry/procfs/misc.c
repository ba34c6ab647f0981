/* SPDX-License-Identifier: Apache-2.0 */
/* The small files of /proc/PID. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/pid.h"
#include "sentry/procfs/measure.h"
#include "sentry/res/resources.h"

/* ---- limits ---- */

static const struct {
	const char *name, *unit;
} limits[] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},
	[RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},
	[RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},
	[RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},
	[RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
	[RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},
	[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
	[RLIMIT_NICE] = {"Max nice priority", NULL},
	[RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
	[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void put_limit(struct text *out, uint64_t v)
{
	if (v == UINT64_MAX)
		text_printf(out, "%-20s ", "unlimited");
	else
		text_printf(out, "%-20llu ", (unsigned long long)v);
}

int pid_limits_show(const struct proc_look *at, struct text *out)
{
	struct group *g = at->task->group;
	struct abi_rlimit copy[ABI_RLIM_NLIMITS];

	lock(&g->rlimit_lock);
	memcpy(copy, g->rlimits, sizeof copy);
	unlock(&g->rlimit_lock);
	text_printf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		text_printf(out, "%-25s ", limits[i].name);
		put_limit(out, copy[i].rlim_cur);
		put_limit(out, copy[i].rlim_max);
		if (limits[i].unit)
			text_printf(out, "%-10s", limits[i].unit);
		text_put(out, "\n", 1);
	}
	return 0;
}

/* ---- what the out-of-memory killer would think ---- */

enum { ADJ_MIN = -1000, ADJ_MAX = 1000, OLD_DISABLE = -17, OLD_MAX = 15 };

static int score_adj(struct task *t)
{
	return __atomic_load_n(&t->group->oom_score_adj, __ATOMIC_RELAXED);
}

/* The part of the memory it uses, in thousandths, moved by its adjustment, in 0 .. 1333. */
int pid_oom_score_show(const struct proc_look *at, struct text *out)
{
	struct mm *mm = task_mm_get(at->task);
	struct measured_memory used = {0, 0, 0};
	int64_t adj = score_adj(at->task), points = 0;

	if (mm) {
		measure_memory(mm, &used);
		mm_put(mm);
	}
	if (mm && adj != ADJ_MIN)
		points = (int64_t)(measured_resident(&used) * 1000 / resources_memory()) + adj;
	if (mm && adj != ADJ_MIN && points > -1000)
		points = (1000 + points) * 2 / 3;
	else
		points = 0;
	text_printf(out, "%lld\n", (long long)points);
	return 0;
}

/* A number with nothing behind it but white space. */
static int parse_int(char *text, long min, long max, int *out)
{
	char *end;

	text += strspn(text, " \t\n");
	errno = 0;
	long v = strtol(text, &end, 0);
	if (end == text || end[strspn(end, " \t\n")] || errno || v < min || v > max)
		return -EINVAL;
	*out = (int)v;
	return 0;
}

/* Lowering it is a privilege. */
static int set_adj(struct task *t, int adj)
{
	struct task *by = task_current();

	if (adj < score_adj(t) && by && !task_capable(by, CAP_SYS_RESOURCE))
		return -EACCES;
	__atomic_store_n(&t->group->oom_score_adj, adj, __ATOMIC_RELAXED);
	return 0;
}

int pid_oom_score_adj_show(const struct proc_look *at, struct text *out)
{
	text_printf(out, "%d\n", score_adj(at->task));
	return 0;
}

int pid_oom_score_adj_store(const struct proc_look *at, char *text, size_t size)
{
	int adj, err = parse_int(text, ADJ_MIN, ADJ_MAX, &adj);

	(void)size;
	return err < 0 ? err : set_adj(at->task, adj);
}

/* The scale that was used before 2.6.36. */
int pid_oom_adj_show(const struct proc_look *at, struct text *out)
{
	int adj = score_adj(at->task);

	text_printf(out, "%d\n", adj == ADJ_MAX ? OLD_MAX : adj * -OLD_DISABLE / ADJ_MAX);
	return 0;
}

int pid_oom_adj_store(const struct proc_look *at, char *text, size_t size)
{
	int adj, err = parse_int(text, OLD_DISABLE, OLD_MAX, &adj);

	(void)size;
	if (err < 0)
		return err;
	return set_adj(at->task, adj == OLD_MAX ? ADJ_MAX : adj * ADJ_MAX / -OLD_DISABLE);
}

/* ---- the rest ---- */

int pid_cgroup_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "0::/\n"); /* a process sees its own cgroup as the root */
	return 0;
}

int pid_personality_show(const struct proc_look *at, struct text *out)
{
	text_printf(out, "%08x\n", at->task->personality);
	return 0;
}

int pid_timerslack_show(const struct proc_look *at, struct text *out)
{
	text_printf(out, "%llu\n", (unsigned long long)at->task->timer_slack_ns);
	return 0;
}

/* Where in the kernel it sleeps: ours has no symbols to tell, as Linux to strangers. */
int pid_wchan_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "0");
	return 0;
}

/* loginuid, sessionid: nobody has logged in here. */
int pid_unset_id_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "%u", UINT32_MAX);
	return 0;
}
