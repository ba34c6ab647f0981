/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/procfs/measure.h"

#include <stdlib.h>

#include "platform/host.h"
#include "sentry/mm/mm.h"
#include "sentry/procfs/tree.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/res/usage.h"
#include "syscalls/abi/mman.h"

struct collect {
	struct group **groups;
	size_t count, room;
};

static bool collect_group(struct group *g, void *arg)
{
	struct collect *c = arg;
	if (c->count == c->room)
		return false;
	c->groups[c->count++] = group_get(g);
	return true;
}

struct group **measure_groups(size_t *out_count)
{
	struct collect c = {.count = 0};
	size_t room;

	/* ngroups may grow while there is no lock: some room to spare, and what is over waits. */
	lock(&kernel.tasks_lock);
	room = kernel.ntasks + kernel.ngroups + 64;
	unlock(&kernel.tasks_lock);
	c.groups = calloc(room, sizeof(struct group *));
	c.room = room;
	*out_count = 0;
	if (!c.groups)
		return NULL;
	lock(&kernel.tasks_lock);
	group_for_each_locked(collect_group, &c);
	unlock(&kernel.tasks_lock);
	*out_count = c.count;
	return c.groups;
}

void measure_groups_free(struct group **groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		group_put(groups[i]);
	free(groups);
}

static void add(struct cputime *sum, const struct cputime *c)
{
	sum->user += c->user;
	sum->system += c->system;
}

static void add_children(struct cputime *sum, struct group *g)
{
	lock(&kernel.tasks_lock);
	sum->user += g->child_utime_ns;
	sum->system += g->child_stime_ns;
	unlock(&kernel.tasks_lock);
}

/* A counter that others see never falls, though its parts are read one by one. */
static int64_t raise_to(int64_t *highest, int64_t now)
{
	int64_t old = __atomic_load_n(highest, __ATOMIC_RELAXED);
	while (old < now && !__atomic_compare_exchange_n(highest, &old, now, /*weak=*/true,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return old < now ? now : old;
}

struct cputime measure_cputime(void)
{
	static int64_t user, system;
	struct cputime sum = {0, 0};
	size_t n;
	struct group **groups = measure_groups(&n);

	for (size_t i = 0; i < n; i++) {
		struct cputime c = group_cputime(groups[i]);
		add(&sum, &c);
		add_children(&sum, groups[i]);
	}
	measure_groups_free(groups, n);
	if (kernel.init && kernel.init->reaper)
		add_children(&sum, kernel.init);
	sum.user = raise_to(&user, sum.user);
	sum.system = raise_to(&system, sum.system);
	return sum;
}

struct cputime measure_machine_cputime(void)
{
	static int64_t highest;
	struct cputime sum = measure_cputime();
	struct usage_cpu u;

	usage_cpu(&u);
	/* What the sentry does for one container of several is not in that one's group. */
	if (resources_here() == &resources &&
	    u.time_us * NSEC_PER_USEC > sum.user + sum.system)
		sum.system = u.time_us * NSEC_PER_USEC - sum.user;
	sum.system = raise_to(&highest, sum.system);
	return sum;
}

static bool asleep(const struct task *t)
{
	return __atomic_load_n(&t->asleep, __ATOMIC_RELAXED);
}

char measure_state(struct task *t)
{
	char state = (char)__atomic_load_n(&t->state, __ATOMIC_RELAXED);

	if (state != TASK_RUNNING || t == task_current())
		return state;
	return asleep(t) ? TASK_SLEEPING : TASK_RUNNING;
}

static bool count_running(struct group *g, void *arg)
{
	unsigned *n = arg;
	struct task *t;

	list_for_each(t, &g->threads, threads)
		*n += __atomic_load_n(&t->state, __ATOMIC_RELAXED) == TASK_RUNNING &&
		      (&t->waiter == waiter_self() || !asleep(t));
	return true;
}

unsigned measure_running(void)
{
	unsigned n = 0;

	lock(&kernel.tasks_lock);
	group_for_each_locked(count_running, &n);
	unlock(&kernel.tasks_lock);
	return n;
}

/* ---- memory ---- */

enum { STEP_PAGES = 16384 };
/* More than that is not looked at page by page: reservations of sanitizers. */
#define MEASURE_MAX (64ull << 30)

struct span {
	uaddr_t start, end;
	bool file, shared;
};

struct spans {
	struct span *v;
	size_t count, room;
	uint64_t bytes;
};

static bool collect_span(const struct area *a, void *arg)
{
	struct spans *s = arg;
	if (a->prot == PROT_NONE)
		return true;
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct span *v = realloc(s->v, room * sizeof *v);
		if (!v)
			return false;
		s->v = v;
		s->room = room;
	}
	s->v[s->count++] = (struct span){a->start, a->end, a->file != NULL,
					 a->flags & AREA_SHARED};
	s->bytes += a->end - a->start;
	return true;
}

static uint64_t resident_pages(struct mm *mm, struct ctx *by, const struct span *s,
			       unsigned char *vec)
{
	uint64_t n = 0;

	for (uaddr_t at = s->start; at < s->end;) {
		uint64_t size = min_u64(s->end - at, STEP_PAGES * PAGE_SIZE);
		/* A neighbour thread may have unmapped it meanwhile: then it is not resident. */
		if (mm_incore(mm, by, at, size, vec) == 0)
			for (uint64_t i = 0; i < size / PAGE_SIZE; i++)
				n += vec[i] & 1;
		at += size;
	}
	return n;
}

static void add_span(struct measured_memory *m, const struct span *s, uint64_t bytes)
{
	if (s->shared && !s->file)
		m->shared += bytes;
	else if (s->file)
		m->file += bytes;
	else
		m->anon += bytes;
}

static void bound(struct measured_memory *m)
{
	uint64_t limit = resources_memory();
	int64_t charged = memory_charged();

	if (charged > 0)
		limit = min_u64(limit, (uint64_t)charged);
	m->anon = min_u64(m->anon, limit);
	m->shared = min_u64(m->shared, limit - m->anon);
	m->file = min_u64(m->file, limit - m->anon - m->shared);
}

void measure_memory(struct mm *mm, struct measured_memory *out)
{
	struct task *by = task_current();
	struct spans s = {.count = 0};

	*out = (struct measured_memory){0, 0, 0};
	mm_for_each(mm, collect_span, &s);
	bool own = by && by->mm == mm && by->ctx && s.bytes <= MEASURE_MAX;
	unsigned char *vec = own ? malloc(STEP_PAGES) : NULL;
	for (size_t i = 0; i < s.count; i++) {
		uint64_t bytes = s.v[i].end - s.v[i].start;
		if (vec)
			bytes = resident_pages(mm, by->ctx, &s.v[i], vec) * PAGE_SIZE;
		add_span(out, &s.v[i], bytes);
	}
	if (!vec)
		bound(out);
	free(vec);
	free(s.v);
}

/* ---- load averages ---- */

#define LOAD_ONE    (1u << LOAD_SHIFT)
#define LOAD_PERIOD (5 * NSEC_PER_SEC)

static struct lock load_lock = LOCK_INIT(RANK_LEAF);
static uint32_t loads[3];	/* load_lock */
static int64_t load_at;		/* load_lock: up to when they are right */
static int64_t load_seen, load_busy; /* load_lock: the last look, and the CPU time used by then */

/* x to the power n. */
static uint64_t fixed_power(uint64_t x, uint64_t n)
{
	uint64_t result = LOAD_ONE;

	for (; n; n >>= 1) {
		if (n & 1)
			result = (result * x + LOAD_ONE / 2) >> LOAD_SHIFT;
		x = (x * x + LOAD_ONE / 2) >> LOAD_SHIFT;
	}
	return result;
}

/*
 * Linux samples the run queue every five seconds.  Nobody wakes up here for that:
 * over the time since the last look, the average number of tasks that ran is the
 * CPU time they used, divided by that time.
 */
void measure_loads(uint32_t out[3])
{
	/* exp(-5 s / 1, 5, 15 min) */
	static const uint64_t decay[3] = {1884, 2014, 2037};
	struct cputime total = measure_cputime();
	int64_t now = clock_mono_ns(), busy = total.user + total.system;

	lock(&load_lock);
	if (!load_at)
		load_at = load_seen = kernel.boot_mono_ns;
	int64_t periods = (now - load_at) / LOAD_PERIOD;
	if (periods > 0) {
		uint64_t running = (uint64_t)(busy - load_busy) * LOAD_ONE /
				   (uint64_t)(now - load_seen);
		for (int i = 0; i < 3; i++) {
			uint64_t f = fixed_power(decay[i], (uint64_t)periods);
			loads[i] = (uint32_t)((loads[i] * f + running * (LOAD_ONE - f)) >>
					      LOAD_SHIFT);
		}
		load_at += periods * LOAD_PERIOD;
		load_seen = now;
		load_busy = busy;
	}
	for (int i = 0; i < 3; i++)
		out[i] = loads[i];
	unlock(&load_lock);
}
