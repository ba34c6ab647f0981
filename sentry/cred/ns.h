/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: what all kinds have in common.
 *
 * Each kind embeds a struct ns.  The first of a kind is a static object that its owner
 * never gives up (NS_FIRST), with the number Linux gives it; others are made by
 * clone(2) and unshare(2), and live as long as tasks, files of /proc/PID/ns or objects
 * in them hold references.  namespaces(7).
 */
#pragma once

#include "platform/base/ref.h"

enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS, NS_KINDS };

struct user_ns;

struct ns {
	struct ref ref;	       /* a */
	enum ns_kind kind;     /* I */
	uint64_t ino;	       /* I */
	struct user_ns *owner; /* I  our reference; a user namespace: its parent; NULL: none */
	void (*free)(struct ns *ns); /* I  frees all of it; the owner is given back after it */
	uint32_t payer; /* I  the user it counts against in owner; UINT32_MAX: nobody */
};

/* What is in /proc/PID/ns, the flag for clone(2), the number of the first one. */
struct ns_about {
	const char *name;
	uint32_t flag;
	uint64_t first;
};
extern const struct ns_about ns_about[NS_KINDS];

#define NS_FIRST(kind_, ino_, owner_)                                                              \
	{                                                                                          \
		.ref = {1}, .kind = kind_, .ino = ino_, .owner = owner_, .payer = UINT32_MAX       \
	}

/* Of all kinds together: what /proc/sys/user/max_*_namespaces of a small machine say. */
enum { NS_MAX = 16384 };
/* False when there are so many that no more should be made: -ENOSPC. */
bool ns_room(void);
/* Takes a reference to the owner. */
void ns_init(struct ns *ns, enum ns_kind kind, struct user_ns *owner, void (*free)(struct ns *ns));
/* It was counted (ns_charge) against uid in its owner: so it is given back. */
void ns_charged(struct ns *ns, uint32_t uid);
struct ns *ns_get(struct ns *ns);
void ns_put(struct ns *ns);
/* The kind with that clone(2) flag, or -1. */
int ns_kind_of(uint64_t flag);
