/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces: user_namespaces(7).
 *
 * Everywhere inside the sentry an id is what it is in the first namespace (Linux' kuid_t);
 * what a guest says and sees is translated where it comes in and goes out, by the map of the
 * namespace of who says or sees it.  A map is written once: whoever found it keeps it.
 */
#pragma once

#include "platform/base/cleanup.h"
#include "platform/base/idmap.h"
#include "platform/base/list.h"
#include "sentry/cred/ns.h"

struct cred;

enum id_kind { ID_USER, ID_GROUP };
#define ID_NONE UINT32_MAX /* of who has none; never a valid id */

enum {
	USER_NS_LEVELS = 33, /* below the first: kernel/user_namespace.c */
	ID_MAP_LINES = 340,
};

/* Written once, then constant: outside are the ids of the first namespace. */
struct user_map {
	struct id_map map;
	struct id_range range[];
};

struct user_ns {
	struct ns ns;		       /* its owner is the parent; the first has none */
	unsigned level;		       /* I  0: the first */
	uint32_t uid, gid;	       /* I  of who made it: its owner */
	bool parent_setfcap;	       /* I  who made it had CAP_SETFCAP in the parent */
	bool setgroups_denied;	       /* a; the maps' lock to change */
	const struct user_map *map[2]; /* a; the maps' lock to change; NULL: not written yet */
	int max[NS_KINDS];	       /* a  /proc/sys/user/max_KIND_namespaces */
	struct list counts;	       /* ucount.c's lock: per user, what counts against max */
};

extern struct user_ns user_first;

static inline struct user_ns *user_ns_get(struct user_ns *u)
{
	ns_get(&u->ns);
	return u;
}
static inline void user_ns_put(struct user_ns *u)
{
	ns_put(&u->ns);
}
DEFINE_AUTOPUT(user_ns)
static inline struct user_ns *user_ns_parent(const struct user_ns *u)
{
	return u->ns.owner;
}
static inline struct user_ns *user_ns_of(struct ns *ns)
{
	return container_of(ns, struct user_ns, ns);
}
/* n is `above` or one of its descendants. */
bool user_ns_below(const struct user_ns *n, const struct user_ns *above);

/*
 * A new namespace below that of c, who will be in it with all capabilities: c, which nobody
 * else has seen, is changed.  -ENOSPC: nested too deeply, or too many; -EPERM: the ids of c
 * have no meaning where it is; -ENOMEM.
 */
int user_ns_enter_new(struct cred *c);
/* c, which nobody else has seen, is in ns from now on, with all capabilities. */
void user_ns_enter(struct cred *c, struct user_ns *ns);

/* What the guest calls id there; ID_OVERFLOW if it has no name for it. */
uint32_t user_ns_seen(const struct user_ns *ns, enum id_kind kind, uint32_t id);
/* The same, ID_NONE if it has no name for it. */
uint32_t user_ns_name(const struct user_ns *ns, enum id_kind kind, uint32_t id);
/* Whom the guest means by id there, or ID_NONE. */
uint32_t user_ns_meant(const struct user_ns *ns, enum id_kind kind, uint32_t id);

static inline uint32_t uid_seen(const struct user_ns *ns, uint32_t uid)
{
	return ns == &user_first ? uid : user_ns_seen(ns, ID_USER, uid);
}
static inline uint32_t gid_seen(const struct user_ns *ns, uint32_t gid)
{
	return ns == &user_first ? gid : user_ns_seen(ns, ID_GROUP, gid);
}
static inline uint32_t uid_meant(const struct user_ns *ns, uint32_t uid)
{
	return ns == &user_first ? uid : user_ns_meant(ns, ID_USER, uid);
}
static inline uint32_t gid_meant(const struct user_ns *ns, uint32_t gid)
{
	return ns == &user_first ? gid : user_ns_meant(ns, ID_GROUP, gid);
}
/* Both ids have a name there. */
static inline bool ids_have_names(const struct user_ns *ns, uint32_t uid, uint32_t gid)
{
	return ns == &user_first || (user_ns_name(ns, ID_USER, uid) != ID_NONE &&
				     user_ns_name(ns, ID_GROUP, gid) != ID_NONE);
}

/* setgroups(2) may be used in it: not before there is a map, nor when it was denied. */
bool user_ns_setgroups(const struct user_ns *ns);

/* usermap.c: who writes /proc/PID/{uid_map,gid_map,setgroups}. */
struct map_writer {
	const struct cred *opener, *writer; /* the file's, and the calling task's */
};
/* text: all of it, NUL-terminated, and changed.  -EPERM, -EINVAL, -ENOMEM. */
int user_map_write(struct user_ns *ns, enum id_kind kind, const struct map_writer *by, char *text);
/* -EPERM: too late. */
int user_ns_allow_setgroups(struct user_ns *ns, bool allow);

/*
 * ucount.c: how many namespaces of a kind users have made, in each user namespace up to the
 * first.  One more for uid in ns: 0 or -ENOSPC.
 */
int ns_charge(struct user_ns *ns, uint32_t uid, enum ns_kind kind);
void ns_uncharge(struct user_ns *ns, uint32_t uid, enum ns_kind kind);
