/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/userns.h"

#include <stdlib.h>

#include "sentry/cred/cred.h"
#include "syscalls/abi/errno.h"

struct user_ns user_first = {
	.ns = NS_FIRST(NS_USER, 4026531837, NULL),
	.max = {[0 ... NS_KINDS - 1] = NS_MAX},
	.counts = LIST_INIT(user_first.counts),
};

static void user_ns_free(struct ns *ns)
{
	struct user_ns *u = user_ns_of(ns);
	free((void *)u->map[ID_USER]);
	free((void *)u->map[ID_GROUP]);
	free(u);
}

bool user_ns_below(const struct user_ns *n, const struct user_ns *above)
{
	while (n->level > above->level)
		n = user_ns_parent(n);
	return n == above;
}

void user_ns_enter(struct cred *c, struct user_ns *ns)
{
	struct user_ns *old = c->user_ns;
	c->user_ns = user_ns_get(ns);
	c->securebits = 0;
	c->cap_inheritable = c->cap_ambient = 0;
	c->cap_permitted = c->cap_effective = c->cap_bset = CAP_ALL;
	user_ns_put(old);
}

int user_ns_enter_new(struct cred *c)
{
	struct user_ns *parent = c->user_ns, *u;
	if (parent->level >= USER_NS_LEVELS || !ns_room())
		return -ENOSPC;
	int err = ns_charge(parent, c->euid, NS_USER);
	if (err < 0)
		return err;
	err = ids_have_names(parent, c->euid, c->egid) ? 0 : -EPERM;
	u = err == 0 ? calloc(1, sizeof *u) : NULL;
	if (!u) {
		ns_uncharge(parent, c->euid, NS_USER);
		return err < 0 ? err : -ENOMEM;
	}
	ns_init(&u->ns, NS_USER, parent, user_ns_free);
	ns_charged(&u->ns, c->euid);
	u->level = parent->level + 1;
	u->uid = c->euid;
	u->gid = c->egid;
	u->parent_setfcap = c->cap_effective & CAP_BIT(CAP_SETFCAP);
	u->setgroups_denied = __atomic_load_n(&parent->setgroups_denied, __ATOMIC_RELAXED);
	for (int i = 0; i < NS_KINDS; i++)
		u->max[i] = INT32_MAX;
	list_init(&u->counts);
	user_ns_enter(c, u);
	user_ns_put(u);
	return 0;
}

static const struct user_map *map_of(const struct user_ns *ns, enum id_kind kind)
{
	return __atomic_load_n(&ns->map[kind], __ATOMIC_ACQUIRE);
}

uint32_t user_ns_name(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	if (ns == &user_first)
		return id;
	const struct user_map *m = map_of(ns, kind);
	for (size_t i = 0; m && i < m->map.n; i++) {
		const struct id_range *r = &m->range[i];
		if (id >= r->outside && id - r->outside < r->count)
			return r->inside + (id - r->outside);
	}
	return ID_NONE;
}

uint32_t user_ns_seen(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	uint32_t name = user_ns_name(ns, kind, id);
	return name == ID_NONE ? ID_OVERFLOW : name;
}

uint32_t user_ns_meant(const struct user_ns *ns, enum id_kind kind, uint32_t id)
{
	uint32_t out;
	if (ns == &user_first)
		return id;
	const struct user_map *m = map_of(ns, kind);
	return m && id_outside(&m->map, id, &out) ? out : ID_NONE;
}

bool user_ns_setgroups(const struct user_ns *ns)
{
	return (ns == &user_first || map_of(ns, ID_GROUP)) &&
	       !__atomic_load_n(&ns->setgroups_denied, __ATOMIC_RELAXED);
}
