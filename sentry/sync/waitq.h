/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wait queues: the only place where a task sleeps.
 *
 * An object that something can wait for has a struct waitq and calls
 * waitq_wake(q, events) after every change that may let somebody go on.  A
 * task waits with
 *
 *	err = waitq_sleep(&obj->wq, EPOLLIN, WAIT_INTR, deadline, obj_ready(obj));
 *
 * whose last argument is an expression, evaluated without any lock of the
 * queue.  No wake-up is lost: the entry is queued before the expression is
 * first evaluated.  epoll queues entries of its own, with a wake function.
 *
 * Which sleeper is meant belongs to whoever runs (waiter_self): a strand of the
 * platform or a host thread sets the one of its task; threads of the sentry itself
 * have one too.
 */
#pragma once

#include "platform/base/list.h"
#include "platform/base/lock.h"

/* No deadline.  Deadlines are CLOCK_MONOTONIC nanoseconds. */
#define WAIT_FOREVER INT64_MAX

struct waiter {
	uint32_t word; /* a: WAITER_* bits; the futex the host thread sleeps on, if it is one */
	struct strand *strand; /* a: whose it is; NULL: a host thread's */
	void (*serve)(struct waiter *w); /* I: does what WAITER_ERRAND asks for; must not sleep */
	uint64_t *sleeps; /* I: counts them, written by its own thread; or NULL */
	/* I: told on its own thread, which holds no lock, that it goes to sleep or has woken; or NULL. */
	void (*rests)(struct waiter *w, bool asleep);
};

enum {
	WAITER_WOKEN = 1,  /* a queue this waiter is in was woken */
	WAITER_SIGNAL = 2, /* a signal wants attention: interruptible sleeps end */
	WAITER_KILLED = 4, /* a fatal one: killable sleeps end too */
	WAITER_ERRAND = 8, /* its own thread must do something: no sleep ends for it */
	WAITER_PAUSED = 16, /* it stands still: until it goes on no sleep ends, but for a fatal signal */
};

enum wait_mode {
	WAIT_INTR,	/* ends with -ERESTARTSYS on any deliverable signal */
	WAIT_KILLABLE,	/* only a fatal signal ends it */
};

struct waitq {
	struct lock lock;     /* RANK_WAITQ */
	struct list entries;  /* lock */
};

struct wait_entry {
	struct list link;	/* q->lock */
	struct waitq *q;	/* I while queued */
	uint32_t events;	/* I what to be woken for; 0: everything */
	bool exclusive;		/* I waitq_wake ends after this one, if it took the event */
	/*
	 * Called with q->lock held: must not sleep, may take RANK_EPOLL_READY and higher.  True if
	 * somebody goes on because of this call: false lets an exclusive event go to the next.
	 */
	bool (*wake)(struct wait_entry *e, uint32_t events);
	void *arg;
};

void waitq_init(struct waitq *q);
/* Dies if somebody still waits. */
void waitq_destroy(struct waitq *q);
void waitq_add(struct waitq *q, struct wait_entry *e);
/* Safe if e is not queued (e->q NULL); afterwards its wake function is not running. */
void waitq_remove(struct wait_entry *e);
/* Wakes entries whose events intersect, events 0: all (exclusive: the first that takes it). */
void waitq_wake(struct waitq *q, uint32_t events);
/* The same for a caller that holds another queue's lock (epoll inside epoll); true: one took it. */
bool waitq_wake_nested(struct waitq *q, uint32_t events);
/* True if anybody is queued; a hint only. */
bool waitq_busy(struct waitq *q);

struct waiter *waiter_self(void);
/* NULL: a thread has one of its own again; a strand none. */
void waiter_set_self(struct waiter *w);
/* False: it was woken already, and has not gone on yet. */
bool waiter_wake(struct waiter *w);
/* Sets or clears WAITER_SIGNAL / WAITER_KILLED; setting ends the sleep. */
void waiter_flag(struct waiter *w, uint32_t set, uint32_t clear);
bool waiter_signalled(const struct waiter *w);
/* A fatal signal has come: what takes long ends. */
bool waiter_killed(const struct waiter *w);
/* A signal or an errand is waiting, or it is to stand still. */
bool waiter_attention(const struct waiter *w);
/* It stands still from its next waiter_sleep or waiter_stand on, or goes on; any thread. */
void waiter_pause(struct waiter *w, bool on);
/*
 * Runs errands and sleeps as long as it is paused, on the waiter's own thread, no lock held;
 * waiter_sleep does it too.
 */
void waiter_stand(struct waiter *w);

/* The pieces of waitq_sleep, for waits on several queues (poll, select). */
void wait_entry_init(struct wait_entry *e, struct waiter *w, uint32_t events);
/*
 * 0 woken, -ERESTARTSYS, -ETIMEDOUT.  Consumes WAITER_WOKEN; an error does not say that nobody
 * has woken it too: what it waits for is looked at once more.
 */
int waiter_sleep(struct waiter *w, enum wait_mode mode, int64_t deadline_ns);

/* 0 as soon as cond holds; -ERESTARTSYS; -ETIMEDOUT.  cond wins when both are true. */
#define waitq_sleep(queue, want, mode, deadline, cond)                                             \
	({                                                                                         \
		struct wait_entry we_;                                                             \
		int we_err_ = 0;                                                                   \
		wait_entry_init(&we_, waiter_self(), want);                                        \
		waitq_add(queue, &we_);                                                            \
		while (!(cond)) {                                                                  \
			we_err_ = waiter_sleep(waiter_self(), mode, deadline);                     \
			if (we_err_ < 0) {                                                         \
				if (cond)                                                          \
					we_err_ = 0;                                               \
				break;                                                             \
			}                                                                          \
		}                                                                                  \
		waitq_remove(&we_);                                                                \
		we_err_;                                                                           \
	})
