/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets in flight, and those of them that nobody can reach any more.
 *
 * A socket is in flight while a queued message refers to its file.  Two that
 * lie in each other's queues keep each other for ever, so now and then:
 *
 *  1. Candidates are the sockets in flight whose file has no other reference
 *     than those from queues: no descriptor leads to them.
 *  2. References that come from candidates' own queues are taken off.  What is
 *     left over comes from outside: such a candidate, and all that its queue
 *     holds, lives.
 *  3. The rest is garbage: its messages are taken out and freed.
 *
 * It holds still meanwhile: a file gets from a queue to a descriptor only
 * through unix_gc_detach or unix_gc_dup, and into a queue only through
 * unix_gc_attach by somebody who has a reference of his own.
 *
 * gc_lock comes before the locks of sockets, and after iolock (unix_gc_dup).
 */
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/sock/unix.h"
#include "syscalls/abi/errno.h"

/* Every so many closed sockets it looks though there was no sign of garbage. */
enum { RELEASES = 64 };

/* How many descriptors a user has in flight. */
struct user {
	struct list link;
	uint32_t uid;
	uint64_t count;
};

static struct lock gc_lock = LOCK_INIT(RANK_SOCK);
static struct list inflight = LIST_INIT(inflight);	/* gc_lock */
static struct list users = LIST_INIT(users);		/* gc_lock */
static unsigned total;		/* a: sockets in `inflight` */
static bool wanted;		/* a: there may be garbage */
static unsigned releases;	/* a */

static struct unix_sock *unix_of_file(const struct file *f)
{
	struct sock *s = sock_of(f);
	return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

static struct user *user_locked(uint32_t uid)
{
	struct user *u;
	list_for_each(u, &users, link)
		if (u->uid == uid)
			return u;
	u = calloc(1, sizeof *u);
	if (!u)
		return NULL;
	u->uid = uid;
	list_push(&users, &u->link);
	return u;
}

static void user_drop_locked(struct user *u, unsigned count)
{
	u->count -= count;
	if (u->count > 0)
		return;
	list_del(&u->link);
	free(u);
}

static void add_locked(struct unix_sock *u)
{
	__atomic_store_n(&u->inflight, u->inflight + 1, __ATOMIC_RELAXED);
	if (u->inflight > 1)
		return;
	list_append(&inflight, &u->inflight_link);
	__atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
}

static void remove_locked(struct unix_sock *u)
{
	__atomic_store_n(&u->inflight, u->inflight - 1, __ATOMIC_RELAXED);
	if (u->inflight > 0) {
		/* Its last way in may have been this one. */
		__atomic_store_n(&wanted, true, __ATOMIC_RELAXED);
		return;
	}
	list_del(&u->inflight_link);
	__atomic_sub_fetch(&total, 1, __ATOMIC_RELAXED);
}

static bool over_limit(const struct user *u, const struct sock_caller *by)
{
	return u->count > by->nofile && !cred_capable(by->cred, CAP_SYS_RESOURCE) &&
	       !cred_capable(by->cred, CAP_SYS_ADMIN);
}

int unix_gc_attach(struct scm_files *files, const struct sock_caller *by)
{
	int err = 0;

	lock(&gc_lock);
	struct user *user = user_locked(by->cred->ruid);
	if (!user)
		err = -ENOMEM;
	else if (over_limit(user, by))
		err = -ETOOMANYREFS;
	if (err == 0) {
		user->count += files->count;
		files->uid = by->cred->ruid;
		files->inflight = true;
	}
	for (unsigned i = 0; err == 0 && i < files->count; i++) {
		struct unix_sock *u = unix_of_file(files->file[i]);
		if (u)
			add_locked(u);
	}
	unlock(&gc_lock);
	return err;
}

void unix_gc_detach(struct scm_files *files)
{
	lock(&gc_lock);
	for (unsigned i = 0; i < files->count; i++) {
		struct unix_sock *u = unix_of_file(files->file[i]);
		if (u)
			remove_locked(u);
	}
	user_drop_locked(user_locked(files->uid), files->count);
	files->inflight = false;
	unlock(&gc_lock);
}

struct scm_files *unix_gc_dup(const struct scm_files *files)
{
	struct scm_files *copy = malloc(sizeof *copy);
	if (!copy)
		return NULL;
	/* Own order: a reader's iolock before it.  No new reference while candidates are chosen. */
	lock_nested(&gc_lock);
	copy->count = files->count;
	copy->inflight = false;
	copy->uid = files->uid;
	for (unsigned i = 0; i < files->count; i++)
		copy->file[i] = file_get(files->file[i]);
	unlock(&gc_lock);
	return copy;
}

typedef void (*visit_fn)(struct unix_sock *found, struct list *list);

static void visit_queue_locked(struct unix_sock *u, visit_fn fn, struct list *list)
{
	struct unix_msg *msg;
	list_for_each(msg, &u->queue, link) {
		struct scm_files *files = msg->scm.files;
		for (unsigned i = 0; files && i < files->count; i++) {
			struct unix_sock *found = unix_of_file(files->file[i]);
			if (found && found->candidate)
				fn(found, list);
		}
	}
}

/* Calls fn for each candidate that u's queue, or that of a connection waiting at it, holds. */
static void visit(struct unix_sock *u, visit_fn fn, struct list *list)
{
	struct unix_sock *e;
	/* Own order: the collector's lock first. */
	lock_nested(&u->sock.lock);
	visit_queue_locked(u, fn, list);
	list_for_each(e, &u->embryos, waiting) {
		/* Own order: a listener before its embryos; nobody else takes these two. */
		lock_nested(&e->sock.lock);
		visit_queue_locked(e, fn, list);
		unlock(&e->sock.lock);
	}
	unlock(&u->sock.lock);
}

static void take_off(struct unix_sock *found, struct list *list)
{
	(void)list;
	found->outside--;
}

static void revive(struct unix_sock *u, struct list *alive)
{
	u->candidate = false;
	list_del(&u->inflight_link);
	list_append(alive, &u->inflight_link);
}

static void choose_candidates(struct list *maybe)
{
	struct unix_sock *u, *next;
	list_for_each_safe(u, next, &inflight, inflight_link) {
		u->outside = u->inflight;
		u->candidate = ref_count(&u->sock.file->ref) == u->inflight;
		if (!u->candidate)
			continue;
		list_del(&u->inflight_link);
		list_append(maybe, &u->inflight_link);
	}
}

/* What can be reached from outside goes back to `inflight`. */
static void keep_reachable(struct list *maybe)
{
	struct list alive = LIST_INIT(alive);
	struct unix_sock *u, *next;

	list_for_each(u, maybe, inflight_link)
		visit(u, take_off, NULL);
	list_for_each_safe(u, next, maybe, inflight_link)
		if (u->outside > 0)
			revive(u, &alive);
	while (!list_empty(&alive)) {
		u = list_first(&alive, struct unix_sock, inflight_link);
		list_del(&u->inflight_link);
		list_append(&inflight, &u->inflight_link);
		visit(u, revive, &alive);
	}
}

static void take_messages_locked(struct unix_sock *u, struct list *out)
{
	struct unix_msg *msg, *next;
	list_for_each_safe(msg, next, &u->queue, link) {
		if (!msg->scm.files)
			continue;
		unix_unqueue_locked(u, msg);
		list_append(out, &msg->link);
	}
}

static void take_messages(struct unix_sock *u, struct list *out)
{
	struct unix_sock *e;
	lock_nested(&u->sock.lock);
	take_messages_locked(u, out);
	list_for_each(e, &u->embryos, waiting) {
		lock_nested(&e->sock.lock);
		take_messages_locked(e, out);
		unlock(&e->sock.lock);
	}
	unlock(&u->sock.lock);
}

void unix_gc(void)
{
	struct list maybe = LIST_INIT(maybe), garbage = LIST_INIT(garbage);
	struct unix_sock *u;

	lock(&gc_lock);
	__atomic_store_n(&wanted, false, __ATOMIC_RELAXED);
	choose_candidates(&maybe);
	keep_reachable(&maybe);
	list_for_each(u, &maybe, inflight_link) {
		u->candidate = false;
		take_messages(u, &garbage);
	}
	list_splice(&inflight, &maybe);
	unlock(&gc_lock);
	unix_msgs_free(&garbage);
}

void unix_gc_maybe(void)
{
	if (__atomic_load_n(&total, __ATOMIC_RELAXED) == 0)
		return;
	if (__atomic_load_n(&wanted, __ATOMIC_RELAXED) ||
	    __atomic_add_fetch(&releases, 1, __ATOMIC_RELAXED) % RELEASES == 0)
		unix_gc();
}

/*
 * The descriptor's reference is still there, so what this close makes garbage
 * is found by the next one, or when the next socket is made.
 */
void unix_gc_closing(struct file *f)
{
	struct unix_sock *u = unix_of_file(f);
	if (!u)
		return;
	if (__atomic_load_n(&wanted, __ATOMIC_RELAXED))
		unix_gc();
	if (__atomic_load_n(&u->inflight, __ATOMIC_RELAXED) > 0)
		__atomic_store_n(&wanted, true, __ATOMIC_RELAXED);
}
