/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written to /proc/PID/{uid_map,gid_map,setgroups}: user_namespaces(7), "Defining user
 * and group ID mappings", and kernel/user_namespace.c for the order of the checks.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/base/lock.h"
#include "platform/base/sort.h"
#include "sentry/cred/cred.h"
#include "syscalls/abi/errno.h"

/* Of all namespaces: maps are written and setgroups(2) is denied one after the other. */
static struct lock maps_lock = LOCK_INIT(RANK_CRED);

static const char blanks[] = " \t\n\v\f\r";

/* The next number of a line, as the kernel's simple_strtoul: none is 0, too big ones wrap. */
static uint32_t number(char **at)
{
	uint64_t v = 0;
	*at += strspn(*at, blanks);
	for (; **at >= '0' && **at <= '9'; ++*at)
		v = v * 10 + (uint64_t)(**at - '0');
	return (uint32_t)v;
}

static bool wraps(uint32_t first, uint32_t count)
{
	return first == ID_NONE || (uint32_t)(first + count) <= first;
}

static int line_parse(char *at, struct id_range *out)
{
	out->inside = number(&at);
	if (!*at || !strchr(blanks, *at))
		return -EINVAL;
	out->outside = number(&at);
	if (!*at || !strchr(blanks, *at))
		return -EINVAL;
	out->count = number(&at);
	if (at[strspn(at, blanks)] || (*at && !strchr(blanks, *at)))
		return -EINVAL;
	return wraps(out->inside, out->count) || wraps(out->outside, out->count) ? -EINVAL : 0;
}

static bool meet(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
	return a < b ? b - a < na : a - b < nb;
}

static bool overlaps(const struct user_map *m, const struct id_range *r)
{
	for (size_t i = 0; i < m->map.n; i++) {
		const struct id_range *o = &m->range[i];
		if (meet(o->inside, o->count, r->inside, r->count) ||
		    meet(o->outside, o->count, r->outside, r->count))
			return true;
	}
	return false;
}

static int map_parse(char *text, struct user_map *m)
{
	for (char *next = text; next;) {
		char *line = next;
		struct id_range r;
		if ((next = strchr(line, '\n'))) {
			*next++ = '\0';
			if (!*next)
				next = NULL;
		}
		if (line_parse(line, &r) < 0 || overlaps(m, &r) || m->map.n == ID_MAP_LINES)
			return -EINVAL;
		m->range[m->map.n++] = r;
	}
	return 0;
}

/* Who gives the parent's root away must have been able to give files its capabilities. */
static bool may_map_root(const struct user_ns *ns, const struct map_writer *by,
			 const struct user_map *m)
{
	bool root = false;
	for (size_t i = 0; i < m->map.n; i++)
		root = root || m->range[i].outside == 0;
	if (!root)
		return true;
	return by->opener->user_ns == ns
		       ? ns->parent_setfcap
		       : cred_capable_in(by->opener, user_ns_parent(ns), CAP_SETFCAP);
}

/* The one map that needs no right: the own id. */
static bool is_own(const struct user_ns *ns, enum id_kind kind, const struct cred *c,
		   const struct user_map *m)
{
	if (m->map.n != 1 || m->range[0].count != 1 || ns->uid != c->euid)
		return false;
	uint32_t id = user_ns_meant(user_ns_parent(ns), kind, m->range[0].outside);
	if (kind == ID_USER)
		return id == c->euid;
	return __atomic_load_n(&ns->setgroups_denied, __ATOMIC_RELAXED) && id == c->egid;
}

static bool permitted(const struct user_ns *ns, enum id_kind kind, const struct map_writer *by,
		      const struct user_map *m)
{
	const struct user_ns *parent = user_ns_parent(ns);
	unsigned cap = kind == ID_USER ? CAP_SETUID : CAP_SETGID;
	if (kind == ID_USER && !may_map_root(ns, by, m))
		return false;
	return is_own(ns, kind, by->opener, m) || (cred_capable_in(by->writer, parent, cap) &&
						   cred_capable_in(by->opener, parent, cap));
}

/* From the parent's ids to those of the first namespace: each range must lie in one of its. */
static bool to_first(const struct user_ns *parent, enum id_kind kind, struct user_map *m)
{
	const struct user_map *p = parent->map[kind];
	for (size_t i = 0; i < m->map.n && parent != &user_first; i++) {
		struct id_range *r = &m->range[i];
		const struct id_range *in = NULL;
		for (size_t k = 0; p && k < p->map.n && !in; k++)
			if (r->outside >= p->range[k].inside &&
			    r->outside - p->range[k].inside < p->range[k].count)
				in = &p->range[k];
		if (!in || r->count > in->count - (r->outside - in->inside))
			return false;
		r->outside = in->outside + (r->outside - in->inside);
	}
	return true;
}

static int by_inside(const void *a, const void *b)
{
	const struct id_range *x = a, *y = b;
	return x->inside < y->inside ? -1 : x->inside > y->inside;
}

/* More lines than fit into the kernel's struct are shown sorted. */
enum { MAP_LINES_UNSORTED = 5 };

static struct user_map *map_new(size_t lines)
{
	struct user_map *m = calloc(1, sizeof *m + lines * sizeof m->range[0]);
	if (m)
		m->map.range = m->range;
	return m;
}

/* parsed: what is wrong with the text, which comes after the right to write any; takes over m. */
static int write_locked(struct user_ns *ns, enum id_kind kind, const struct map_writer *by,
			int parsed, struct user_map *m)
{
	if (ns->map[kind] || !cred_capable_in(by->opener, ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (parsed < 0)
		return parsed;
	if (!permitted(ns, kind, by, m) || !to_first(user_ns_parent(ns), kind, m))
		return -EPERM;
	if (m->map.n > MAP_LINES_UNSORTED)
		sort(m->range, m->map.n, sizeof m->range[0], by_inside);
	/* Nothing below can fail. */
	__atomic_store_n(&ns->map[kind], m, __ATOMIC_RELEASE);
	return 0;
}

int user_map_write(struct user_ns *ns, enum id_kind kind, const struct map_writer *by, char *text)
{
	const struct user_ns *from = by->opener->user_ns, *parent = user_ns_parent(ns);
	if (!parent || (from != ns && from != parent))
		return -EPERM;
	/* As many lines as there may be, and as there are. */
	autofree struct user_map *m = map_new(ID_MAP_LINES);
	int err = m ? map_parse(text, m) : -ENOMEM;
	autofree struct user_map *kept = err == 0 ? map_new(m->map.n) : NULL;
	if (err == 0 && !kept)
		err = -ENOMEM;
	if (err == 0)
		memcpy(kept->range, m->range, (kept->map.n = m->map.n) * sizeof m->range[0]);
	lock(&maps_lock);
	err = write_locked(ns, kind, by, err, kept);
	unlock(&maps_lock);
	if (err == 0)
		(void)STEAL(kept);
	return err;
}

int user_ns_allow_setgroups(struct user_ns *ns, bool allow)
{
	int err = 0;
	lock(&maps_lock);
	if (allow)
		err = ns->setgroups_denied ? -EPERM : 0;
	else if (ns->map[ID_GROUP] || ns == &user_first)
		err = -EPERM;
	else
		__atomic_store_n(&ns->setgroups_denied, true, __ATOMIC_RELAXED);
	unlock(&maps_lock);
	return err;
}
