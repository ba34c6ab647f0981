/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many namespaces users have made: what /proc/sys/user/max_*_namespaces bounds.
 *
 * Who makes one in a user namespace counts there; and who made that one counts in its parent,
 * and so on, so that nesting does not lead around a limit above.
 */
#include <errno.h>
#include <stdlib.h>

#include "platform/base/lock.h"
#include "sentry/cred/userns.h"

struct user_count {
	struct list link; /* in user_ns.counts */
	uint32_t uid;
	unsigned total, of[NS_KINDS];
};

static struct lock counts_lock = LOCK_INIT(RANK_LEAF);

static struct user_count *find_locked(struct user_ns *ns, uint32_t uid)
{
	struct user_count *c;
	list_for_each (c, &ns->counts, link)
		if (c->uid == uid)
			return c;
	return NULL;
}

static int add_locked(struct user_ns *ns, uint32_t uid, enum ns_kind kind)
{
	struct user_count *c = find_locked(ns, uid);
	int max = __atomic_load_n(&ns->max[kind], __ATOMIC_RELAXED);
	if ((c ? c->of[kind] : 0) >= (unsigned)max)
		return -ENOSPC;
	if (!c) {
		if (!(c = calloc(1, sizeof *c)))
			return -ENOSPC; /* Linux makes no difference */
		c->uid = uid;
		list_append(&ns->counts, &c->link);
	}
	c->total++;
	c->of[kind]++;
	return 0;
}

/* From ns up to, but not including, end. */
static void drop_locked(struct user_ns *ns, const struct user_ns *end, uint32_t uid,
			enum ns_kind kind)
{
	for (; ns != end; uid = ns->uid, ns = user_ns_parent(ns)) {
		struct user_count *c = find_locked(ns, uid);
		assert(c && c->of[kind]);
		c->of[kind]--;
		if (--c->total > 0)
			continue;
		list_del(&c->link);
		free(c);
	}
}

int ns_charge(struct user_ns *ns, uint32_t uid, enum ns_kind kind)
{
	struct user_ns *at = ns;
	uint32_t who = uid;
	int err = 0;
	lock(&counts_lock);
	while (at && (err = add_locked(at, who, kind)) == 0) {
		who = at->uid;
		at = user_ns_parent(at);
	}
	if (err < 0)
		drop_locked(ns, at, uid, kind);
	unlock(&counts_lock);
	return err;
}

void ns_uncharge(struct user_ns *ns, uint32_t uid, enum ns_kind kind)
{
	lock(&counts_lock);
	drop_locked(ns, NULL, uid, kind);
	unlock(&counts_lock);
}
