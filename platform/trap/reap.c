/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of stubs: those we make, and those that come from outside.
 *
 * One thread sleeps in wait4 for any child.  An address space whose usage is known
 * is killed and left to it.  Otherwise whoever ends it waits for it himself, and
 * usually gets there first; if not, the thread tells him.
 * Children we do not know are a guest's own making; reaping them is all they get.
 *
 * A guest can say that two of its processes are one, or that there is one where
 * there is none.  So an end counts for every address space of that number, and one
 * that is given up before it has shown itself (a stray) is looked at again later:
 * an honest child that was slow is not to stay behind.
 */
#include "platform/trap/trap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "platform/base/log.h"

enum { BUCKETS = 64, STACK_SIZE = 64 << 10, STRAYS_MAX = 64 };

static struct lock reap_lock = LOCK_INIT(RANK_PLATFORM);
static struct list by_pid[BUCKETS]; /* reap_lock, as are the lists of ctxs */
static struct list expected = LIST_INIT(expected); /* reap_lock: aspace.link */
static struct list strays = LIST_INIT(strays); /* reap_lock: aspace.stray, oldest first */
static unsigned nstrays;	    /* reap_lock; a to look at without */
static void (*died)(void);	    /* a */
static uint32_t started;	    /* reap_lock; a to look at; a futex */

static struct list *bucket(int pid)
{
	return &by_pid[(unsigned)pid % BUCKETS];
}

void reap_init(void)
{
	/* That of a platform which has been shut down. */
	while (__atomic_load_n(&started, __ATOMIC_SEQ_CST))
		host_futex_wait(&started, 1, INT64_MAX);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&by_pid[i]);
}

void reap_add(struct aspace *as)
{
	lock(&reap_lock);
	list_append(bucket(as->pid), &as->link);
	unlock(&reap_lock);
}

void reap_add_ctx(struct ctx *c)
{
	lock(&reap_lock);
	list_append(&c->as->ctxs, &c->link);
	unlock(&reap_lock);
}

void reap_remove_ctx(struct ctx *c)
{
	lock(&reap_lock);
	list_del(&c->link);
	unlock(&reap_lock);
}

void reap_interrupt_others(struct ctx *by)
{
	struct ctx *c;
	lock(&reap_lock);
	list_for_each(c, &by->as->ctxs, link)
		if (c != by)
			trap_interrupt(c);
	unlock(&reap_lock);
}

static void forget_locked(struct aspace *as)
{
	list_del(&as->link);
	if (list_empty(&as->stray))
		return;
	list_del(&as->stray);
	__atomic_store_n(&nstrays, nstrays - 1, __ATOMIC_RELAXED);
}

static void reap_remove(struct aspace *as)
{
	lock(&reap_lock);
	forget_locked(as);
	unlock(&reap_lock);
}

static struct usage usage_of(const struct rusage *ru)
{
	return (struct usage){.minflt = (uint64_t)ru->ru_minflt,
			      .majflt = (uint64_t)ru->ru_majflt,
			      .nivcsw = (uint64_t)ru->ru_nivcsw,
			      .maxrss_kb = (uint64_t)ru->ru_maxrss};
}

/* From now on its pid may be somebody else's.  Whoever waits for it is woken. */
static void note_death(struct aspace *as, const struct rusage *ru)
{
	struct ctx *c;
	if (!as->usage_known)
		as->usage = usage_of(ru);
	__atomic_store_n(&as->dead, 1, __ATOMIC_SEQ_CST);
	host_futex_wake(&as->dead, INT32_MAX);
	list_for_each(c, &as->ctxs, link)
		hand_over(c);
}

/* Nobody has that number: one that had not told it yet? */
static void expected_look_locked(const struct rusage *ru)
{
	struct aspace *as;
	list_for_each(as, &expected, link)
		if (!__atomic_load_n(&as->dead, __ATOMIC_RELAXED) && aspace_hung_up(as))
			note_death(as, ru);
}

void reap_expect(struct aspace *as)
{
	struct rusage none = {0};
	lock(&reap_lock);
	list_append(&expected, &as->link);
	/* It may have ended before. */
	expected_look_locked(&none);
	unlock(&reap_lock);
}

int reap_known(struct aspace *as)
{
	lock(&reap_lock);
	bool dead = __atomic_load_n(&as->dead, __ATOMIC_RELAXED);
	list_del(&as->link);
	list_append(bucket(as->pid), &as->link);
	unlock(&reap_lock);
	return dead ? -ESRCH : 0;
}

static void left_add(struct aspace *as)
{
	as->counted = true;
	__atomic_add_fetch(&as->zygote->left, 1, __ATOMIC_SEQ_CST);
}

static void left_drop(struct aspace *as)
{
	struct zygote *z = as->zygote;
	if (as->counted && __atomic_sub_fetch(&z->left, 1, __ATOMIC_SEQ_CST) == 0)
		host_futex_wake(&z->left, INT32_MAX);
}

/* True if it was one of ours and somebody may not know yet; `known` is of who does. */
static bool reap_pid(int pid, const struct rusage *ru, const struct aspace *known)
{
	struct aspace *as, *next;
	struct list over = LIST_INIT(over);
	bool found = false, any = false;
	lock(&reap_lock);
	/* More than one: some have been lied to by their parents. */
	list_for_each_safe(as, next, bucket(pid), link) {
		if (as->pid != pid || __atomic_load_n(&as->dead, __ATOMIC_RELAXED))
			continue;
		any = true;
		if (as->left) {
			forget_locked(as);
			list_append(&over, &as->link);
		} else {
			note_death(as, ru);
			found |= as != known;
		}
	}
	if (!any)
		expected_look_locked(ru);
	unlock(&reap_lock);
	list_for_each_safe(as, next, &over, link) {
		left_drop(as);
		aspace_free(as);
	}
	return found;
}

static void tell_died(void)
{
	void (*tell)(void) = __atomic_load_n(&died, __ATOMIC_ACQUIRE);
	if (tell)
		tell();
}

static void *reap_main(void *arg)
{
	struct rusage ru;
	int status, pid;
	(void)arg;
	for (;;) {
		pid = host_wait_usage(-1, &status, 0, &ru);
		if (pid == -EINTR)
			continue;
		if (pid < 0)
			break; /* not even the zygote is left: the end */
		if (!WIFEXITED(status) && !WIFSIGNALED(status))
			continue;
		bool ours = reap_pid(pid, &ru, NULL);
		if (zygote_reaped(pid) || ours)
			tell_died();
		spare_fill();
	}
	lock(&reap_lock);
	__atomic_store_n(&started, 0, __ATOMIC_SEQ_CST);
	unlock(&reap_lock);
	host_futex_wake(&started, INT32_MAX);
	return NULL;
}

int reap_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = 0;
	lock(&reap_lock);
	if (!started) {
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		err = -pthread_create(&thread, &attr, reap_main, NULL);
		pthread_attr_destroy(&attr);
		__atomic_store_n(&started, err == 0, __ATOMIC_SEQ_CST);
	}
	unlock(&reap_lock);
	return err;
}

static void kill_and_wait(struct aspace *as)
{
	struct rusage ru;
	int status, n;
	aspace_kill(as);
	do
		n = host_wait_usage(as->pid, &status, 0, &ru);
	while (n == -EINTR || (n == as->pid && !WIFEXITED(status) && !WIFSIGNALED(status)));
	if (n == as->pid && reap_pid(n, &ru, as))
		tell_died();
	while (!__atomic_load_n(&as->dead, __ATOMIC_ACQUIRE))
		host_futex_wait(&as->dead, 0, INT64_MAX);
}

/* True if the thread will free it: nobody needs to wait for the host to take it apart. */
static bool leave(struct aspace *as)
{
	lock(&reap_lock);
	as->left = started && as->usage_known && as->verified &&
		   !__atomic_load_n(&as->dead, __ATOMIC_RELAXED);
	bool left = as->left;
	if (left) {
		left_add(as);
		aspace_kill(as);
	}
	unlock(&reap_lock);
	return left;
}

/* Those that have shown themselves are killed; reap_pid() frees them.  Fills over. */
static void strays_look_locked(struct list *over)
{
	struct aspace *as, *next;
	list_for_each_safe(as, next, &strays, stray) {
		if (aspace_verify(as) == 0) {
			left_add(as);
			aspace_kill(as);
			list_del(&as->stray);
			list_init(&as->stray);
			__atomic_store_n(&nstrays, nstrays - 1, __ATOMIC_RELAXED);
		} else if (__atomic_load_n(&as->doomed, __ATOMIC_RELAXED) ||
			   nstrays > STRAYS_MAX) {
			forget_locked(as);
			list_append(over, &as->link);
		}
	}
}

/* as, if it is one, or NULL: the others are looked at. */
static void strays_look(struct aspace *as)
{
	struct aspace *next;
	struct list over = LIST_INIT(over);
	lock(&reap_lock);
	if (as) {
		as->left = true;
		list_append(&strays, &as->stray);
		__atomic_store_n(&nstrays, nstrays + 1, __ATOMIC_RELAXED);
	}
	strays_look_locked(&over);
	unlock(&reap_lock);
	list_for_each_safe(as, next, &over, link)
		aspace_free(as);
}

/* It may still be on its way. */
static bool is_unknown(const struct aspace *as)
{
	return !__atomic_load_n(&as->dead, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&as->doomed, __ATOMIC_ACQUIRE) &&
	       !__atomic_load_n(&as->verified, __ATOMIC_ACQUIRE);
}

void reap_end(struct aspace *as, struct usage *out)
{
	/* A number that was never true is not waited for. */
	int err = trap_aspace_dead(as) ? -ESRCH : aspace_verify(as);
	*out = as->usage;
	if (__atomic_load_n(&nstrays, __ATOMIC_RELAXED) > 0)
		strays_look(NULL);
	if (err == 0 && leave(as))
		return;
	if (err < 0 && is_unknown(as)) {
		strays_look(as);
		return;
	}
	if (err == 0)
		kill_and_wait(as);
	*out = as->usage;
	reap_remove(as);
	aspace_free(as);
}

void reap_rest(struct zygote *z)
{
	uint32_t n;
	while ((n = __atomic_load_n(&z->left, __ATOMIC_SEQ_CST)) > 0)
		host_futex_wait(&z->left, n, INT64_MAX);
}

int trap_watch(void (*fn)(void))
{
	__atomic_store_n(&died, fn, __ATOMIC_RELEASE);
	return 0;
}

bool trap_aspace_dead(struct aspace *as)
{
	return __atomic_load_n(&as->dead, __ATOMIC_ACQUIRE);
}
