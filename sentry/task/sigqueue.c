/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/sigqueue.h"

#include <stdlib.h>

#include "sentry/task/ptimer.h"
#include "sentry/task/signal.h"

/* Raised by the CPU for what the thread itself has done. */
#define FAULT_SET                                                                                  \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) |    \
	 SIGBIT(SIGSYS))

/* How many entries each real user has queued; users with none have no node. */
struct usercount {
	struct usercount *next;
	uint32_t uid;
	unsigned count;
};
enum { USER_BUCKETS = 64 };
static struct lock users_lock = LOCK_INIT(RANK_LEAF);
static struct usercount *users[USER_BUCKETS]; /* users_lock */

static struct usercount **user_find(uint32_t uid)
{
	struct usercount **p = &users[uid % USER_BUCKETS];
	while (*p && (*p)->uid != uid)
		p = &(*p)->next;
	return p;
}

bool sigqueue_charge(uint32_t uid, uint64_t limit)
{
	bool ok = false;

	lock(&users_lock);
	struct usercount **p = user_find(uid);
	if (!*p && limit > 0 && (*p = calloc(1, sizeof **p)))
		(*p)->uid = uid;
	if (*p && (*p)->count < limit) {
		(*p)->count++;
		ok = true;
	}
	unlock(&users_lock);
	return ok;
}

void sigqueue_uncharge(uint32_t uid)
{
	lock(&users_lock);
	struct usercount **p = user_find(uid), *u = *p;
	if (u && --u->count == 0) {
		*p = u->next;
		free(u);
	}
	unlock(&users_lock);
}

unsigned sigqueue_count(uint32_t uid)
{
	lock(&users_lock);
	struct usercount **p = user_find(uid);
	unsigned n = *p ? (*p)->count : 0;
	unlock(&users_lock);
	return n;
}

struct sigqueue *sigqueue_new(struct task *t, bool override)
{
	uint64_t limit = override ? UINT32_MAX : task_rlimit(t, RLIMIT_SIGPENDING);
	struct cred *c = task_cred(t);
	uint32_t uid = c->ruid;
	cred_put(c);
	if (!sigqueue_charge(uid, limit))
		return NULL;
	struct sigqueue *q = calloc(1, sizeof *q);
	if (!q) {
		sigqueue_uncharge(uid);
		return NULL;
	}
	list_init(&q->link);
	q->uid = uid;
	return q;
}

/* A timer's entry stays charged as long as the timer exists. */
void sigqueue_free(struct sigqueue *q)
{
	list_del(&q->link);
	if (q->timer)
		return;
	sigqueue_uncharge(q->uid);
	free(q);
}

void sigpending_init(struct sigpending *p)
{
	p->set = 0;
	list_init(&p->queue);
}

void sigpending_flush(struct sigpending *p)
{
	sigpending_drop(p, ~0ull);
}

void sigpending_add(struct sigpending *p, int sig, struct sigqueue *q)
{
	p->set |= SIGBIT(sig);
	if (q)
		list_append(&p->queue, &q->link);
}

void sigpending_drop(struct sigpending *p, uint64_t set)
{
	struct sigqueue *q, *next;

	if (!(p->set & set))
		return;
	p->set &= ~set;
	list_for_each_safe (q, next, &p->queue, link) {
		struct ptimer *timer = q->timer;
		if (!(SIGBIT(q->info.signo) & set))
			continue;
		sigqueue_free(q);
		if (timer)
			ptimer_taken_locked(timer, NULL);
	}
}

/* Hands out one entry; the bit goes when no other entry of that signal is left. */
static int take_entry(struct sigpending *p, struct sigqueue *q, struct sigtaken *out)
{
	int sig = q->info.signo;
	struct sigqueue *other;
	bool more = false;

	*out = (struct sigtaken){
		.info = q->info, .trapno = q->trapno, .error = q->error, .forced = q->forced};
	struct ptimer *timer = q->timer;
	sigqueue_free(q);
	list_for_each (other, &p->queue, link)
		more = more || other->info.signo == sig;
	if (!more)
		p->set &= ~SIGBIT(sig);
	if (timer)
		ptimer_taken_locked(timer, &out->info);
	return sig;
}

static int take_signal(struct sigpending *p, int sig, struct sigtaken *out)
{
	struct sigqueue *q;

	list_for_each (q, &p->queue, link)
		if (q->info.signo == sig)
			return take_entry(p, q, out);
	p->set &= ~SIGBIT(sig);
	*out = (struct sigtaken){.info = {.signo = sig, .code = SI_USER}};
	return sig;
}

int sigpending_take(struct sigpending *p, uint64_t blocked, struct sigtaken *out)
{
	uint64_t ready = p->set & ~blocked;
	if (!ready)
		return 0;
	if (ready & FAULT_SET)
		ready &= FAULT_SET;
	return take_signal(p, __builtin_ctzll(ready) + 1, out);
}

int sigpending_take_fault(struct sigpending *p, uint64_t blocked, struct sigtaken *out)
{
	struct sigqueue *q;
	uint64_t ready = p->set & ~blocked & FAULT_SET;

	if (!ready)
		return 0;
	list_for_each (q, &p->queue, link)
		if ((SIGBIT(q->info.signo) & ready) && (q->forced || q->info.code > SI_USER))
			return take_entry(p, q, out);
	return 0;
}

struct sigactions *sigactions_new(void)
{
	struct sigactions *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	ref_init(&a->ref);
	lock_init(&a->lock, RANK_SIGACTIONS);
	return a;
}

struct sigactions *sigactions_copy(struct sigactions *a)
{
	struct sigactions *copy = sigactions_new();
	if (!copy)
		return NULL;
	lock(&a->lock);
	for (unsigned i = 0; i < NSIG; i++)
		copy->action[i] = a->action[i];
	unlock(&a->lock);
	return copy;
}

struct sigactions *sigactions_get(struct sigactions *a)
{
	ref_get(&a->ref);
	return a;
}

void sigactions_put(struct sigactions *a)
{
	if (ref_put(&a->ref))
		free(a);
}

void sigactions_clear(struct sigactions *a)
{
	lock(&a->lock);
	for (unsigned i = 0; i < NSIG; i++) {
		bool ignored = a->action[i].handler == ABI_SIG_IGN;
		a->action[i] = (struct abi_sigaction){
			.handler = ignored ? ABI_SIG_IGN : ABI_SIG_DFL,
		};
	}
	unlock(&a->lock);
}

struct abi_sigaction sigactions_read(struct sigactions *a, int sig)
{
	lock(&a->lock);
	struct abi_sigaction act = a->action[sig - 1];
	unlock(&a->lock);
	return act;
}
