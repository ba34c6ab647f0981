/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/uts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/task/facts.h"
#include "sentry/task/nsset.h"

struct uts_ns uts_first = {.ns = NS_FIRST(NS_UTS, 4026531838, &user_first),
			   .lock = LOCK_INIT(RANK_LEAF)};

struct uts_ns *task_uts(const struct task *t)
{
	return t ? container_of(t->ns->of[NS_UTS], struct uts_ns, ns) : &uts_first;
}

static void uts_free(struct ns *ns)
{
	free(container_of(ns, struct uts_ns, ns));
}

int uts_ns_new(struct task *t, struct user_ns *owner, struct ns **out)
{
	struct uts_ns *from = task_uts(t), *u = calloc(1, sizeof *u);
	if (!u)
		return -ENOMEM;
	ns_init(&u->ns, NS_UTS, owner, uts_free);
	lock_init(&u->lock, RANK_LEAF);
	uts_name_get(from, from->hostname, u->hostname);
	uts_name_get(from, from->domainname, u->domainname);
	*out = &u->ns;
	return 0;
}

void uts_name_get(struct uts_ns *u, const char *field, char text[ABI_UTS_LEN + 1])
{
	lock(&u->lock);
	memcpy(text, field, ABI_UTS_LEN + 1);
	unlock(&u->lock);
}

void uts_name_set(struct uts_ns *u, char *field, const char text[ABI_UTS_LEN + 1])
{
	lock(&u->lock);
	memcpy(field, text, ABI_UTS_LEN + 1);
	unlock(&u->lock);
	if (u == &uts_first)
		facts_names();
}
