/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ready list.
 *
 * An item on it *may* have events.  Asking takes no lock, so it goes: take the
 * item from the head to the tail, note its generation, ask, and look again.  If
 * a wake-up came meanwhile (generation changed) the item stays queued whatever
 * the answer was, for that event must not be lost.  Otherwise it leaves the
 * list if it had nothing, or if it was told and is edge-triggered or one-shot.
 * Items that are told level-triggered stay, and are asked again next time.
 */
#include <errno.h>
#include <stdlib.h>

#include "sentry/fs/epoll/private.h"

const uint32_t epoll_flag_bits = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

static const uint32_t reading = EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLPRI | EPOLLRDHUP;
static const uint32_t writing = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

/* Objects do not all wake with every name of an event: its relatives count too. */
static bool concerns(const struct epitem *it, uint32_t events)
{
	uint32_t want = it->events;
	want |= (want & reading ? reading : 0) | (want & writing ? writing : 0);
	return events == 0 || (events & want);
}

static void queue_locked(struct epitem *it)
{
	if (it->queued)
		return;
	it->queued = true;
	list_append(&it->ep->ready, &it->ready);
	it->ep->ready_count++;
}

static void unqueue_locked(struct epitem *it)
{
	if (!it->queued)
		return;
	it->queued = false;
	list_del(&it->ready);
	it->ep->ready_count--;
}

/*
 * With the lock of the file's wait queue held; the queues of an epoll come after it.  True if a
 * sleeper took the news: an EPOLLEXCLUSIVE event is not spent on an epoll where nobody waits
 * (ep_poll_callback of Linux 4.5 and later).
 */
bool item_woken(struct wait_entry *e, uint32_t events)
{
	struct epitem *it = e->arg;
	struct epoll *ep = it->ep;
	lock(&ep->lock);
	bool news = it->armed && concerns(it, events);
	if (news) {
		it->generation++;
		queue_locked(it);
	}
	unlock(&ep->lock);
	if (!news)
		return false;
	bool took = waitq_wake_nested(&ep->sleepers, EPOLLIN);
	waitq_wake_nested(&ep->wq, EPOLLIN | EPOLLRDNORM);
	return took;
}

void item_ready(struct epitem *it)
{
	lock(&it->ep->lock);
	it->generation++;
	queue_locked(it);
	unlock(&it->ep->lock);
	waitq_wake(&it->ep->sleepers, EPOLLIN);
	waitq_wake(&it->ep->wq, EPOLLIN | EPOLLRDNORM);
}

/* The head of the list, now its tail, with references to it and to its file; NULL: none. */
static struct epitem *take_head(struct epoll *ep, uint64_t round, uint32_t *out_generation)
{
	struct epitem *it = NULL;
	lock(&ep->lock);
	while (!list_empty(&ep->ready)) {
		it = list_first(&ep->ready, struct epitem, ready);
		if (it->round == round) { /* all others were seen, too */
			it = NULL;
			break;
		}
		it->round = round;
		/* A dying file takes its item out in a moment. */
		if (ref_tryget(&it->file->ref)) {
			list_del(&it->ready);
			list_append(&ep->ready, &it->ready);
			ref_get(&it->ref);
			*out_generation = it->generation;
			break;
		}
		unqueue_locked(it);
		it = NULL;
	}
	unlock(&ep->lock);
	return it;
}

static uint64_t round_begin(struct epoll *ep)
{
	lock(&ep->lock);
	uint64_t round = ++ep->rounds;
	unlock(&ep->lock);
	return round;
}

uint32_t epoll_poll(struct file *f)
{
	struct epoll *ep = f->priv;
	uint64_t round = round_begin(ep);
	uint32_t generation, found = 0;
	struct epitem *it;

	while (!found && (it = take_head(ep, round, &generation)) != NULL) {
		found = file_poll(it->file) & it->events & ~epoll_flag_bits;
		lock(&ep->lock);
		if (!found && it->generation == generation)
			unqueue_locked(it);
		unlock(&ep->lock);
		file_put(it->file);
		item_put(it);
	}
	return found ? EPOLLIN | EPOLLRDNORM : 0;
}

/* What the file said is `found`: true if the item is to be told now. */
static bool claim(struct epitem *it, uint32_t found, uint32_t generation,
		  struct abi_epoll_event *out)
{
	struct epoll *ep = it->ep;
	lock(&ep->lock);
	found &= it->events & ~epoll_flag_bits;
	/* Not queued: somebody else has told it, or it was removed. */
	bool tell = found && it->queued && it->armed;
	bool same = it->generation == generation;
	if (tell) {
		*out = (struct abi_epoll_event){.events = found, .data = it->data};
		if (it->events & EPOLLONESHOT) {
			it->armed = false;
			unqueue_locked(it);
		} else if ((it->events & EPOLLET) && same) {
			unqueue_locked(it);
		}
	} else if (same) {
		unqueue_locked(it);
	}
	unlock(&ep->lock);
	return tell;
}

static void collect_once(struct epoll *ep, size_t max, struct epoll_batch *b)
{
	uint64_t round = round_begin(ep);
	uint32_t generation;
	struct epitem *it;

	while (b->count < max && (it = take_head(ep, round, &generation)) != NULL) {
		uint32_t found = file_poll(it->file);
		bool tell = claim(it, found, generation, &b->events[b->count]);
		file_put(it->file);
		if (tell)
			b->items[b->count++] = it;
		else
			item_put(it);
	}
}

static size_t ready_count(struct epoll *ep)
{
	lock(&ep->lock);
	size_t n = ep->ready_count;
	unlock(&ep->lock);
	return n;
}

/* Room for what can be found at once; what comes later is for the next call. */
static int batch_reserve(struct epoll *ep, size_t max, struct epoll_batch *b)
{
	size_t n = min_u64(max, ready_count(ep));
	free(b->events);
	free(b->items);
	b->events = malloc((n + 1) * sizeof *b->events);
	b->items = malloc((n + 1) * sizeof(struct epitem *));
	return b->events && b->items ? (int)n : -ENOMEM;
}

static long try_collect(struct epoll *ep, size_t max, struct epoll_batch *b)
{
	int n = ready_count(ep) > 0 ? batch_reserve(ep, max, b) : 0;
	if (n > 0)
		collect_once(ep, (size_t)n, b);
	return n < 0 ? n : (long)b->count;
}

/* Exclusive: an event wakes one sleeper, who passes on what he leaves. */
static long collect_sleeping(struct epoll *ep, size_t max, int64_t deadline_ns,
			     struct epoll_batch *b)
{
	struct wait_entry e;
	long n;
	wait_entry_init(&e, waiter_self(), 0);
	e.exclusive = true;
	waitq_add(&ep->sleepers, &e);
	while ((n = try_collect(ep, max, b)) == 0) {
		int err = waiter_sleep(waiter_self(), WAIT_INTR, deadline_ns);
		if (err == 0)
			continue;
		n = try_collect(ep, max, b);
		if (n == 0 && err != -ETIMEDOUT)
			n = -EINTR;
		break;
	}
	waitq_remove(&e);
	if (ready_count(ep) > 0)
		waitq_wake(&ep->sleepers, EPOLLIN);
	return n;
}

long epoll_collect(struct file *f, size_t max, int64_t deadline_ns, struct epoll_batch *b)
{
	struct epoll *ep = f->priv;
	*b = (struct epoll_batch){.count = 0};
	long n = try_collect(ep, max, b);
	if (n == 0 && deadline_ns != 0)
		n = collect_sleeping(ep, max, deadline_ns, b);
	if (n <= 0)
		epoll_done(f, b, /*told=*/true);
	return n;
}

void epoll_done(struct file *f, struct epoll_batch *b, bool told)
{
	struct epoll *ep = f->priv;
	for (size_t i = 0; i < b->count; i++) {
		struct epitem *it = b->items[i];
		if (!told) {
			lock(&ep->lock);
			if (!it->removed) {
				it->armed = true;
				queue_locked(it);
			}
			unlock(&ep->lock);
		}
		item_put(it);
	}
	free(b->events);
	free(b->items);
	*b = (struct epoll_batch){.count = 0};
}
