/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/ns.h"

#include "platform/base/count.h"
#include "sentry/cred/userns.h"
#include "syscalls/abi/sched.h"

/* The first numbers are Linux' (include/linux/proc_ns.h); mnt, net: what they are on most machines.
 */
const struct ns_about ns_about[NS_KINDS] = {
	[NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP, 4026531835},
	[NS_IPC] = {"ipc", CLONE_NEWIPC, 4026531839},
	[NS_MNT] = {"mnt", CLONE_NEWNS, 4026531841},
	[NS_NET] = {"net", CLONE_NEWNET, 4026531840},
	[NS_PID] = {"pid", CLONE_NEWPID, 4026531836},
	[NS_TIME] = {"time", CLONE_NEWTIME, 4026531834},
	[NS_USER] = {"user", CLONE_NEWUSER, 4026531837},
	[NS_UTS] = {"uts", CLONE_NEWUTS, 4026531838},
};

static unsigned made; /* a */

bool ns_room(void)
{
	return __atomic_load_n(&made, __ATOMIC_RELAXED) < NS_MAX;
}

void ns_init(struct ns *ns, enum ns_kind kind, struct user_ns *owner, void (*free)(struct ns *ns))
{
	static uint64_t last = 4026532000u;
	ref_init(&ns->ref);
	ns->kind = kind;
	ns->ino = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
	ns->owner = owner ? user_ns_get(owner) : NULL;
	ns->free = free;
	ns->payer = ID_NONE;
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	count_new(ns);
}

void ns_charged(struct ns *ns, uint32_t uid)
{
	ns->payer = uid;
}

struct ns *ns_get(struct ns *ns)
{
	ref_get(&ns->ref);
	return ns;
}

void ns_put(struct ns *ns)
{
	if (!ref_put(&ns->ref))
		return;
	struct user_ns *owner = ns->owner;
	enum ns_kind kind = ns->kind;
	uint32_t payer = ns->payer;
	ns->free(ns);
	if (payer != ID_NONE)
		ns_uncharge(owner, payer, kind);
	if (owner)
		user_ns_put(owner);
	__atomic_sub_fetch(&made, 1, __ATOMIC_RELAXED);
	count_gone(ns);
}

int ns_kind_of(uint64_t flag)
{
	for (int i = 0; i < NS_KINDS; i++)
		if (ns_about[i].flag == flag)
			return i;
	return -1;
}
