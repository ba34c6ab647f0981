/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network namespaces: a socket belongs to that of who made it.
 *
 * So far one is only what abstract names of AF_UNIX are told apart by.
 */
#pragma once

#include "sentry/cred/ns.h"

struct net_ns {
	struct ns ns;
	/* a: net.core.somaxconn, net.ipv4.{ip_unprivileged_port_start,ip_forward,ping_group_range} */
	int somaxconn, unprivileged_port, ip_forward, ping_groups[2];
};

extern struct net_ns net_first;

int net_ns_new(struct user_ns *owner, struct ns **out); /* -ENOMEM */

static inline struct net_ns *net_ns_get(struct net_ns *n)
{
	ns_get(&n->ns);
	return n;
}
static inline void net_ns_put(struct net_ns *n)
{
	ns_put(&n->ns);
}
