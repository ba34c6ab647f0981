/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/{stat,statm,comm}: proc_pid_stat(5). */
#include <stdio.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/pid.h"
#include "sentry/procfs/measure.h"
#include "sentry/task/usage.h"
#include "sentry/tty/tty.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/limits.h"
#include "syscalls/abi/sched.h"

/* PF_EXITING and PF_FORKNOEXEC of Linux' flags: the ones whose meaning exists here. */
enum { FLAG_EXITING = 4, FLAG_FORKNOEXEC = 0x40 };

/* Everything that is read under tasks_lock. */
struct identity {
	char comm[TASK_COMM_LEN];
	int nr, ppid, pgid, sid, tpgid, exit_signal, exit_code;
	uint64_t tty;
	unsigned threads, flags;
	int64_t cutime, cstime;
	uint64_t cminflt, cmajflt;
};

struct layout {
	uint64_t vsize;
	uaddr_t start_code, end_code, start_stack, start_data, end_data, brk;
	uaddr_t arg_start, arg_end, env_start, env_end;
};

static unsigned long long ticks(int64_t ns)
{
	return (unsigned long long)(ns / (NSEC_PER_SEC / ABI_CLK_TCK));
}

/* The old form of a device number, with the minor's upper bits above the major. */
static void tty_of_locked(const struct pid_ns *ns, const struct group *g, struct identity *id)
{
	if (!g->tty)
		return;
	uint32_t minor = abi_minor(g->tty->rdev);
	id->tty = (minor & 0xff) | abi_major(g->tty->rdev) << 8 | (uint64_t)(minor & ~0xffu) << 12;
	id->tpgid = pid_in_locked(ns, tty_pgrp_locked(g->tty));
}

static void identity_get(const struct pid_ns *ns, struct task *t, struct identity *id)
{
	struct group *g = t->group;

	lock(&kernel.tasks_lock);
	memcpy(id->comm, t->comm, sizeof id->comm);
	id->ppid = g->parent ? pid_in_locked(ns, g->parent->tgid) : 0;
	id->nr = pid_in_locked(ns, t->tid);
	id->pgid = pid_in_locked(ns, g->pgid);
	id->sid = pid_in_locked(ns, g->sid);
	tty_of_locked(ns, g, id);
	id->threads = g->nthreads ? g->nthreads : 1;
	id->exit_signal = t == g->leader ? g->exit_signal : -1;
	id->cutime = g->child_utime_ns;
	id->cstime = g->child_stime_ns;
	id->cminflt = g->child_minflt;
	id->cmajflt = g->child_majflt;
	id->flags = g->did_exec || g->tgid == 1 ? 0 : FLAG_FORKNOEXEC;
	unlock(&kernel.tasks_lock);
	if (__atomic_load_n(&t->exiting, __ATOMIC_RELAXED))
		id->flags |= FLAG_EXITING;
	lock(&g->siglock);
	id->exit_code = g->exit_code;
	unlock(&g->siglock);
}

/* Addresses are for those who may inspect; others learn that there is a memory. */
static void layout_get(struct mm *mm, bool permitted, struct layout *out)
{
	lock(&mm->lock);
	*out = (struct layout){.vsize = mm->total, .start_code = 1, .end_code = 1};
	if (permitted) {
		out->start_code = mm->start_code;
		out->end_code = mm->end_code;
		out->start_stack = mm->start_stack;
		out->start_data = mm->start_data;
		out->end_data = mm->end_data;
		out->brk = mm->brk_start;
		out->arg_start = mm->arg_start;
		out->arg_end = mm->arg_end;
		out->env_start = mm->env_start;
		out->env_end = mm->env_end;
	}
	unlock(&mm->lock);
}

static int priority(struct task *t)
{
	int policy = __atomic_load_n(&t->policy, __ATOMIC_RELAXED);
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -1 - __atomic_load_n(&t->rt_priority, __ATOMIC_RELAXED);
	return 20 + __atomic_load_n(&t->nice, __ATOMIC_RELAXED);
}

/* Of the process, or in task/ of the one thread. */
static struct cputime times(const struct proc_look *at)
{
	return at->node->thread ? task_cputime(at->task) : group_cputime(at->task->group);
}

/* Of others it is what was known when they last asked. */
static void faults(const struct proc_look *at, struct abi_rusage *out)
{
	if (at->task == task_current())
		usage_update(at->task, at->node->thread);
	if (at->node->thread)
		usage_of_thread(at->task, out);
	else
		usage_of_group(at->task->group, out);
}

static void show_tail(struct task *t, const struct layout *l, const struct identity *id,
		      bool permitted, struct text *out)
{
	struct pid_signals s;

	pid_signals_get(t, &s);
	const uint64_t old = 0x7fffffff; /* real-time signals have no place here */
	text_printf(out, " %lu %lu %lu 0 0", (unsigned long)l->start_code,
		    (unsigned long)l->end_code, (unsigned long)l->start_stack);
	text_printf(out, " %lu %lu %lu %lu", (unsigned long)((s.pending | s.shared) & old),
		    (unsigned long)(s.blocked & old), (unsigned long)(s.ignored & old),
		    (unsigned long)(s.caught & old));
	/* wchan, then two fields that Linux has not filled for long, the signal to the parent. */
	text_printf(out, " 0 0 0 %d", id->exit_signal);
	/* The processor is not known; rt_priority, policy, waiting for disks, guest time. */
	text_printf(out, " 0 %d %d 0 0 0", __atomic_load_n(&t->rt_priority, __ATOMIC_RELAXED),
		    __atomic_load_n(&t->policy, __ATOMIC_RELAXED));
	text_printf(out, " %lu %lu %lu %lu %lu %lu %lu", (unsigned long)l->start_data,
		    (unsigned long)l->end_data, (unsigned long)l->brk, (unsigned long)l->arg_start,
		    (unsigned long)l->arg_end, (unsigned long)l->env_start,
		    (unsigned long)l->env_end);
	text_printf(out, " %d\n", permitted ? id->exit_code : 0);
}

int pid_stat_show(const struct proc_look *at, struct text *out)
{
	struct task *t = at->task;
	struct identity id = {.tpgid = -1};
	struct layout l = {.vsize = 0};
	struct measured_memory used = {0, 0, 0};
	bool permitted = proc_may_inspect(t) == 0;
	struct mm *mm = task_mm_get(t);
	struct cputime c = times(at);
	struct abi_rusage fault;

	faults(at, &fault);
	identity_get(at->node->ns, t, &id);
	if (mm) {
		layout_get(mm, permitted, &l);
		measure_memory(mm, &used);
		mm_put(mm);
	}
	text_printf(out, "%d (%s) %c %d %d %d %llu %d %u", id.nr, id.comm, measure_state(t),
		    id.ppid, id.pgid, id.sid, (unsigned long long)id.tty, id.tpgid, id.flags);
	text_printf(out, " %lld %llu %lld %llu", (long long)fault.ru_minflt,
		    (unsigned long long)id.cminflt, (long long)fault.ru_majflt,
		    (unsigned long long)id.cmajflt);
	text_printf(out, " %llu %llu %llu %llu", ticks(c.user), ticks(c.system), ticks(id.cutime),
		    ticks(id.cstime));
	text_printf(out, " %d %d %u 0 %llu", priority(t),
		    __atomic_load_n(&t->nice, __ATOMIC_RELAXED), id.threads,
		    ticks(t->start_ns - kernel.boot_mono_ns));
	text_printf(out, " %llu %llu %llu", (unsigned long long)l.vsize,
		    (unsigned long long)(measured_resident(&used) / PAGE_SIZE),
		    (unsigned long long)task_rlimit(t, RLIMIT_RSS));
	show_tail(t, &l, &id, permitted, out);
	return 0;
}

/* Pages: size, resident, of them shared; text; (lib); data and stack; (dirty). */
int pid_statm_show(const struct proc_look *at, struct text *out)
{
	struct mm *mm = task_mm_get(at->task);
	struct measured_memory used = {0, 0, 0};
	uint64_t total = 0, code = 0, data = 0;

	if (mm) {
		measure_memory(mm, &used);
		lock(&mm->lock);
		total = mm->total;
		data = mm->data;
		code = PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK);
		unlock(&mm->lock);
		mm_put(mm);
	}
	text_printf(out, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)(total / PAGE_SIZE),
		    (unsigned long long)(measured_resident(&used) / PAGE_SIZE),
		    (unsigned long long)((used.file + used.shared) / PAGE_SIZE),
		    (unsigned long long)(code / PAGE_SIZE), (unsigned long long)(data / PAGE_SIZE));
	return 0;
}

int pid_comm_show(const struct proc_look *at, struct text *out)
{
	char comm[TASK_COMM_LEN];

	lock(&kernel.tasks_lock);
	memcpy(comm, at->task->comm, sizeof comm);
	unlock(&kernel.tasks_lock);
	text_printf(out, "%s\n", comm);
	return 0;
}

int pid_comm_store(const struct proc_look *at, char *text, size_t size)
{
	struct task *by = task_current();
	char comm[TASK_COMM_LEN] = {0};

	if (!by || by->group != at->task->group)
		return -EINVAL;
	memcpy(comm, text, size < sizeof comm ? size : sizeof comm - 1);
	lock(&kernel.tasks_lock);
	memcpy(at->task->comm, comm, sizeof comm);
	unlock(&kernel.tasks_lock);
	return 0;
}
