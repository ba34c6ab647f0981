/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/sock/netns.h"

#include <errno.h>
#include <stdlib.h>

#include "sentry/cred/userns.h"
#include "syscalls/abi/socket.h"

#define DEFAULTS .somaxconn = SOMAXCONN, .unprivileged_port = 1024, .ping_groups = {1, 0}

struct net_ns net_first = {.ns = NS_FIRST(NS_NET, 4026531840, &user_first), DEFAULTS};

static void net_free(struct ns *ns)
{
	free((struct net_ns *)ns);
}

int net_ns_new(struct user_ns *owner, struct ns **out)
{
	struct net_ns *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	*n = (struct net_ns){DEFAULTS};
	ns_init(&n->ns, NS_NET, owner, net_free);
	*out = &n->ns;
	return 0;
}
