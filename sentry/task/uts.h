/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTS namespaces: a host's name and its domain's.
 *
 * facts.h tells stubs the names of the first one; who is in another asks (is_renamed
 * there).
 */
#pragma once

#include "sentry/cred/ns.h"
#include "platform/base/lock.h"
#include "syscalls/abi/utsname.h"

struct task;

struct uts_ns {
	struct ns ns;
	struct lock lock;		  /* RANK_LEAF */
	char hostname[ABI_UTS_LEN + 1];	  /* lock */
	char domainname[ABI_UTS_LEN + 1]; /* lock */
};

extern struct uts_ns uts_first;

/* A copy of what t is in. */
int uts_ns_new(struct task *t, struct user_ns *owner, struct ns **out);
/* That of the task t; t NULL: the first. */
struct uts_ns *task_uts(const struct task *t);
/* One of the two names: name is `field` of u, text is of its size. */
void uts_name_get(struct uts_ns *u, const char *field, char text[ABI_UTS_LEN + 1]);
void uts_name_set(struct uts_ns *u, char *field, const char text[ABI_UTS_LEN + 1]);
