/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation per set of credentials, never changed after it was published.
 */
#include "sentry/cred/cred.h"

#include <string.h>

#include "platform/base/count.h"

static struct cred *cred_alloc(uint32_t ngroups)
{
	if (ngroups > NGROUPS_LIMIT)
		return NULL;
	struct cred *c = calloc(1, sizeof *c + ngroups * sizeof c->groups[0]);
	if (!c)
		return NULL;
	ref_init(&c->ref);
	c->ngroups = ngroups;
	count_new(cred);
	return c;
}

struct cred *cred_new_root(uint64_t bset)
{
	struct cred *c = cred_alloc(0);
	if (!c)
		return NULL;
	bset &= CAP_ALL;
	c->cap_permitted = c->cap_effective = c->cap_bset = bset;
	c->user_ns = user_ns_get(&user_first);
	return c;
}

struct cred *cred_copy(const struct cred *from, uint32_t ngroups)
{
	struct cred *c = cred_alloc(ngroups);
	if (!c)
		return NULL;
	uint32_t kept = from->ngroups < ngroups ? from->ngroups : ngroups;
	memcpy(c, from, offsetof(struct cred, groups));
	user_ns_get(c->user_ns);
	memcpy(c->groups, from->groups, kept * sizeof c->groups[0]);
	ref_init(&c->ref);
	c->ngroups = ngroups;
	return c;
}

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->ref);
	return c;
}

void cred_put(struct cred *c)
{
	if (!ref_put(&c->ref))
		return;
	user_ns_put(c->user_ns);
	free(c);
	count_gone(cred);
}

bool cred_capable(const struct cred *c, unsigned cap)
{
	return cred_capable_in(c, &user_first, cap);
}

bool cred_capable_in(const struct cred *c, const struct user_ns *ns, unsigned cap)
{
	for (;; ns = user_ns_parent(ns)) {
		if (ns == c->user_ns)
			return c->cap_effective & CAP_BIT(cap);
		/* Not below where c is. */
		if (ns->level <= c->user_ns->level)
			return false;
		if (user_ns_parent(ns) == c->user_ns && ns->uid == c->euid)
			return true;
	}
}

bool cred_caps_within(const struct cred *c, const struct cred *than)
{
	if (c->user_ns == than->user_ns)
		return !(c->cap_permitted & ~than->cap_permitted);
	for (const struct user_ns *u = c->user_ns; u != &user_first; u = user_ns_parent(u))
		if (user_ns_parent(u) == than->user_ns && u->uid == than->euid)
			return true;
	return false;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	if (c->fsgid == gid)
		return true;
	uint32_t low = 0, high = c->ngroups;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (c->groups[mid] == gid)
			return true;
		if (c->groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
