/* SPDX-License-Identifier: Apache-2.0 */
/* Where nodes are: names that form a tree, and paths made of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/fs/gofer/shared.h"

struct place *place_new(struct place *dir, const char *name)
{
	struct place *p = calloc(1, sizeof *p);
	char *copy = strdup(name);
	if (!p || !copy) {
		free(p);
		free(copy);
		return NULL;
	}
	ref_init(&p->ref);
	p->dir = dir ? place_get(dir) : NULL;
	p->name = copy;
	return p;
}

struct place *place_get(struct place *p)
{
	ref_get(&p->ref);
	return p;
}

/* Frees upwards, without recursion. */
void place_put(struct place *p)
{
	while (p && ref_put(&p->ref)) {
		struct place *dir = p->dir;
		free(p->name);
		free(p);
		p = dir;
	}
}

struct place *node_place(struct snode *n)
{
	lock(&n->m->lock);
	struct place *p = n->place ? place_get(n->place) : NULL;
	unlock(&n->m->lock);
	return p;
}

void node_set_place(struct snode *n, struct place *p)
{
	lock(&n->m->lock);
	struct place *old = n->place;
	n->place = p;
	unlock(&n->m->lock);
	place_put(old);
}

static bool is_at_locked(const struct snode *n, const struct snode *dir, const char *name)
{
	const struct place *p = n->place;
	return p && p->dir && p->dir == dir->place && strcmp(p->name, name) == 0;
}

int node_seen(struct snode *n, struct snode *dir, const char *name)
{
	lock(&n->m->lock);
	bool known = is_at_locked(n, dir, name);
	unlock(&n->m->lock);
	if (known)
		return 0;
	struct place *in = node_place(dir);
	struct place *p = in ? place_new(in, name) : NULL;
	place_put(in);
	if (!p)
		return in ? -ENOMEM : -ESTALE;
	node_set_place(n, p);
	return 0;
}

void node_unnamed(struct snode *n, struct snode *dir, const char *name)
{
	struct place *old = NULL;
	lock(&n->m->lock);
	if (is_at_locked(n, dir, name)) {
		old = STEAL(n->place);
		old->gone = true;
	}
	unlock(&n->m->lock);
	place_put(old);
}

void node_moved(struct snode *n, struct snode *odir, const char *oname, struct snode *ndir,
		char *name)
{
	struct place *in = node_place(ndir), *old = NULL;
	lock(&n->m->lock);
	if (in && is_at_locked(n, odir, oname)) {
		char *old_name = n->place->name;
		old = n->place->dir;
		n->place->dir = STEAL(in);
		n->place->name = name;
		name = old_name;
	}
	unlock(&n->m->lock);
	place_put(old);
	place_put(in);
	free(name);
}

void moves_begin(struct shared *m, bool write) NO_LOCK_ANALYSIS
{
	int err = write ? pthread_rwlock_wrlock(&m->moves) : pthread_rwlock_rdlock(&m->moves);
	assert(err == 0);
}

void moves_end(struct shared *m) NO_LOCK_ANALYSIS
{
	pthread_rwlock_unlock(&m->moves);
}

static int prepend(struct spath *s, const char *name)
{
	size_t n = strlen(name), room = (size_t)(s->at - s->buf);
	bool slash = *s->at != '\0';
	if (n + slash > room)
		return -ENAMETOOLONG;
	if (slash)
		*--s->at = '/';
	s->at -= n;
	memcpy(s->at, name, n);
	return 0;
}

int node_path(struct snode *n, const char *name, struct spath *out)
{
	out->at = out->buf + GOFER_PATH_MAX;
	*out->at = '\0';
	int err = name ? prepend(out, name) : 0;
	lock(&n->m->lock);
	const struct place *p = n->place;
	if (!p)
		err = -ESTALE;
	for (; err == 0 && p->dir; p = p->dir)
		err = p->gone ? -ESTALE : prepend(out, p->name);
	unlock(&n->m->lock);
	return err;
}
