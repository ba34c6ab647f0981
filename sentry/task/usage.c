/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/usage.h"

#include "sentry/task/clock.h"
#include "sentry/task/iocount.h"

static uint64_t get(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

static void set(uint64_t *n, uint64_t value)
{
	__atomic_store_n(n, value, __ATOMIC_RELAXED);
}

void usage_note(struct group *g, const struct usage *u)
{
	set(&g->minflt, u->minflt);
	set(&g->majflt, u->majflt);
	set(&g->nivcsw, u->nivcsw);
	set(&g->maxrss_kb, max_u64(get(&g->maxrss_kb), u->maxrss_kb));
}

void usage_update(struct task *t, bool thread)
{
	struct usage u;
	if (!t->ctx || platform->usage(t->ctx, thread, &u) < 0)
		return;
	bool alone = __atomic_load_n(&t->group->nthreads, __ATOMIC_RELAXED) == 1;
	if (thread || alone) {
		set(&t->minflt, u.minflt);
		set(&t->majflt, u.majflt);
		set(&t->nivcsw, u.nivcsw);
	}
	if (!thread)
		usage_note(t->group, &u);
	else
		set(&t->group->maxrss_kb, max_u64(get(&t->group->maxrss_kb), u.maxrss_kb));
}

static void io_sum(struct task_io *to, const struct task_io *io)
{
	to->rchar += get(&io->rchar);
	to->wchar += get(&io->wchar);
	to->syscr += get(&io->syscr);
	to->syscw += get(&io->syscw);
}

void io_of_thread(const struct task *t, struct task_io *out)
{
	*out = (struct task_io){0};
	io_sum(out, &t->io);
}

void io_of_group(struct group *g, struct task_io *out)
{
	struct task *t;
	lock(&kernel.tasks_lock);
	*out = g->dead_io;
	list_for_each (t, &g->threads, threads)
		io_sum(out, &t->io);
	unlock(&kernel.tasks_lock);
}

void usage_dead_locked(struct group *g, struct task *t)
{
	io_sum(&g->dead_io, &t->io);
	g->dead_utime_ns += t->utime_ns;
	g->dead_stime_ns += t->stime_ns;
	g->dead_nvcsw += get(&t->nvcsw);
}

void usage_inherit_locked(struct group *parent, struct group *g)
{
	parent->child_utime_ns += g->dead_utime_ns + g->child_utime_ns;
	parent->child_stime_ns += g->dead_stime_ns + g->child_stime_ns;
	io_sum(&parent->dead_io, &g->dead_io);
	parent->child_minflt += get(&g->minflt) + g->child_minflt;
	parent->child_majflt += get(&g->majflt) + g->child_majflt;
	parent->child_nvcsw += g->dead_nvcsw + g->child_nvcsw;
	parent->child_nivcsw += get(&g->nivcsw) + g->child_nivcsw;
	uint64_t peak = max_u64(get(&g->maxrss_kb), g->child_maxrss_kb);
	parent->child_maxrss_kb = max_u64(parent->child_maxrss_kb, peak);
}

void usage_of_thread(struct task *t, struct abi_rusage *out)
{
	struct cputime c = task_cputime(t);
	*out = (struct abi_rusage){
		.ru_utime = ns_timeval(c.user),
		.ru_stime = ns_timeval(c.system),
		.ru_maxrss = (int64_t)get(&t->group->maxrss_kb),
		.ru_minflt = (int64_t)get(&t->minflt),
		.ru_majflt = (int64_t)get(&t->majflt),
		.ru_nvcsw = (int64_t)get(&t->nvcsw),
		.ru_nivcsw = (int64_t)get(&t->nivcsw),
	};
}

void usage_of_group(struct group *g, struct abi_rusage *out)
{
	struct cputime c = group_cputime(g);
	struct task *t;
	*out = (struct abi_rusage){
		.ru_utime = ns_timeval(c.user),
		.ru_stime = ns_timeval(c.system),
		.ru_maxrss = (int64_t)get(&g->maxrss_kb),
		.ru_minflt = (int64_t)get(&g->minflt),
		.ru_majflt = (int64_t)get(&g->majflt),
		.ru_nivcsw = (int64_t)get(&g->nivcsw),
	};
	lock(&kernel.tasks_lock);
	out->ru_nvcsw = (int64_t)g->dead_nvcsw;
	list_for_each (t, &g->threads, threads)
		out->ru_nvcsw += (int64_t)get(&t->nvcsw);
	unlock(&kernel.tasks_lock);
}

static void children_locked(const struct group *g, struct abi_rusage *out)
{
	*out = (struct abi_rusage){
		.ru_utime = ns_timeval(g->child_utime_ns),
		.ru_stime = ns_timeval(g->child_stime_ns),
		.ru_maxrss = (int64_t)g->child_maxrss_kb,
		.ru_minflt = (int64_t)g->child_minflt,
		.ru_majflt = (int64_t)g->child_majflt,
		.ru_nvcsw = (int64_t)g->child_nvcsw,
		.ru_nivcsw = (int64_t)g->child_nivcsw,
	};
}

void usage_of_children(struct group *g, struct abi_rusage *out)
{
	lock(&kernel.tasks_lock);
	children_locked(g, out);
	unlock(&kernel.tasks_lock);
}

void usage_of_zombie_locked(struct group *g, struct abi_rusage *out)
{
	/* The sums that a parent without any other child would have. */
	struct group sum = {0};
	usage_inherit_locked(&sum, g);
	children_locked(&sum, out);
}
