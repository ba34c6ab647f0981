/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces: user_namespaces(7).
 */
#pragma once

#include "sentry/cred/ns.h"

struct user_ns {
	struct ns ns;	   /* its owner is the parent; the first has none */
	unsigned level;	   /* I  0: the first */
	uint32_t uid, gid; /* I  of who made it, as the first one sees them */
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
static inline struct user_ns *user_ns_parent(const struct user_ns *u)
{
	return u->ns.owner;
}
