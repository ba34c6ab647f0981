/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is made before it is wanted: a clean stub of each zygote for the next exec, memory objects
 * for the next forks.
 *
 * As many processes end as begin, so the thread that hears of each end (reap.c) makes what is
 * missing, while nobody waits for it; and a fork the object of the next one, while the host is at
 * it.  Whoever finds nothing here makes it himself.
 *
 * A spare that is killed from outside is heard of at once, as any child is, and replaced.  While
 * nobody knows its number yet, its control socket tells: the host closes the other end.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "platform/trap/facts.h"
#include "platform/trap/text.h"

enum { OBJECTS = 2, TRIES = 3 };

/* How often who waits for a new stub looks whether there still is one. */
static const int64_t LOOK_NS = NSEC_PER_SEC / 20;

static struct lock fill_lock = LOCK_INIT(RANK_SPARE); /* held while something is made */
static struct lock spare_lock = LOCK_INIT(RANK_PLATFORM);
static struct object objects[OBJECTS]; /* spare_lock */
static unsigned nobjects;	       /* spare_lock */

static int make_object(struct object *o)
{
	int pair[2];
	int err = host_socketpair(SOCK_SEQPACKET, pair);
	if (err < 0)
		return err;
	if ((err = object_new(&o->fd, &o->map, &o->nonce)) < 0) {
		host_close(pair[0]);
		host_close(pair[1]);
		return err;
	}
	o->sock = pair[0];
	o->peer = pair[1];
	return 0;
}

int object_take(struct object *out)
{
	bool found;
	lock(&spare_lock);
	if ((found = nobjects > 0))
		*out = objects[--nobjects];
	unlock(&spare_lock);
	return found ? 0 : make_object(out);
}

void object_sent(struct object *o)
{
	host_close(o->fd);
	host_close(o->peer);
}

void object_drop(struct object *o)
{
	object_sent(o);
	host_close(o->sock);
	object_put(o->map);
}

static int make_spare(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	struct rewrite *text = NULL;
	struct object o;
	int err = object_take(&o);
	if (err < 0)
		return err;
	if ((err = zygote_trap_spawn(z, o.fd, o.peer)) < 0) {
		object_drop(&o);
		return err == -EPIPE ? -EAGAIN : err; /* there is no zygote any more */
	}
	object_sent(&o);
	rewrite_new(&text);
	if ((err = aspace_make(z, 0, o.sock, o.map, o.nonce, text, out, out_ctx)) < 0)
		return err;
	(*out_ctx)->clean_fpu = true;
	(*out_ctx)->host_fs = ~0ull; /* the zygote's */
	reap_expect(*out);
	return 0;
}

bool aspace_hung_up(const struct aspace *as)
{
	struct pollfd p = {.fd = as->ctl};
	return host_poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* Its first word.  It runs no guest code yet, so what it says of itself is true. */
static int born(struct aspace *as, struct ctx *c)
{
	int err = -ETIMEDOUT;
	for (int64_t left = SETTLE_NS; err == -ETIMEDOUT && left > 0; left -= LOOK_NS) {
		if (!hand_is_ours(c->slot) && aspace_hung_up(as))
			break;
		err = hand_wait(as, NULL, c->slot, LOOK_NS);
	}
	if (err < 0)
		return err;
	as->pid = c->tid = (int)c->slot->pid;
	if ((err = aspace_verify(as)) < 0)
		return err;
	/* What was not known when it was made. */
	facts_init((struct facts *)(as->map + OBJ_FACTS), trap_host.cpus, /*yields=*/true);
	return reap_known(as);
}

void aspace_unmake(struct aspace *as, struct ctx *c)
{
	struct usage none;
	/* Nobody will ever say who it is: there is nothing to wait for. */
	if (as->pid == 0 && !hand_is_ours(c->slot) && aspace_hung_up(as))
		__atomic_store_n(&as->doomed, 1, __ATOMIC_SEQ_CST);
	ctx_free(c);
	reap_end(as, &none);
}

static bool take(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	lock(&spare_lock);
	*out = z->spare;
	*out_ctx = z->spare_ctx;
	z->spare = NULL;
	unlock(&spare_lock);
	return *out != NULL;
}

int spare_take(struct zygote *z, struct aspace **out, struct ctx **out_ctx)
{
	int err = -EAGAIN;
	for (int i = 0; i < TRIES; i++) {
		if (!take(z, out, out_ctx) && (err = make_spare(z, out, out_ctx)) < 0)
			break;
		if ((err = born(*out, *out_ctx)) == 0)
			break;
		aspace_unmake(*out, *out_ctx);
		err = -EAGAIN;
	}
	return err;
}

static void fill_objects(unsigned enough)
{
	struct object o;
	lock(&spare_lock);
	bool full = nobjects >= enough;
	unlock(&spare_lock);
	if (full || make_object(&o) < 0)
		return;
	lock(&spare_lock);
	if (!(full = nobjects == OBJECTS))
		objects[nobjects++] = o;
	unlock(&spare_lock);
	if (full)
		object_drop(&o);
}

/* A fork takes the host longer, so it costs that one nothing. */
void object_ahead(void)
{
	if (!host_memfd_asks())
		fill_objects(OBJECTS);
}

static void fill_spare(struct zygote *z)
{
	struct aspace *as;
	struct ctx *c;
	lock(&spare_lock);
	/* Where there may be no more processes the zygote has let go of both descriptors. */
	bool good = z->spare && !trap_aspace_dead(z->spare) && !aspace_hung_up(z->spare);
	unlock(&spare_lock);
	if (good || z->closed)
		return;
	if (take(z, &as, &c))
		aspace_unmake(as, c);
	if (make_spare(z, &as, &c) < 0)
		return;
	lock(&spare_lock);
	z->spare = as;
	z->spare_ctx = c;
	unlock(&spare_lock);
}

void spare_fill(void)
{
	lock(&fill_lock);
	zygote_for_each(fill_spare);
	if (!trap_zygote_first.closed)
		fill_objects(1);
	unlock(&fill_lock);
}

int spare_first(struct aspace **out, struct ctx **out_ctx)
{
	spare_begin(&trap_zygote_first);
	spare_fill();
	lock(&spare_lock);
	*out = trap_zygote_first.spare;
	*out_ctx = trap_zygote_first.spare_ctx;
	unlock(&spare_lock);
	return *out ? hand_wait(*out, NULL, (*out_ctx)->slot, SETTLE_NS) : -EAGAIN;
}

void spare_begin(struct zygote *z)
{
	lock(&fill_lock);
	z->closed = false;
	zygote_list(z);
	unlock(&fill_lock);
}

void spare_end(struct zygote *z)
{
	struct aspace *as;
	struct ctx *c;
	lock(&fill_lock);
	z->closed = true;
	zygote_unlist(z);
	unlock(&fill_lock);
	if (take(z, &as, &c)) {
		born(as, c); /* so that it can be ended by its number */
		aspace_unmake(as, c);
	}
}

void object_end(void)
{
	while (nobjects > 0)
		object_drop(&objects[--nobjects]);
}
