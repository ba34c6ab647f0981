/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing user and group ids: setuid(2), setreuid(2), setresuid(2), setfsuid(2),
 * and what that does to capabilities: capabilities(7), "Effect of user ID
 * changes on capabilities".
 */
#pragma once

#include "sentry/task/task.h"

/* Ids as the guest calls them.  0, -EPERM, -EINVAL (nobody; -1 where it does not mean "keep"),
 * -ENOMEM. */
int id_set(struct task *t, enum id_kind kind, uint32_t id);
int id_setre(struct task *t, enum id_kind kind, uint32_t real, uint32_t effective);
int id_setres(struct task *t, enum id_kind kind, uint32_t real, uint32_t effective,
	      uint32_t saved);
/* The old fsuid/fsgid; never an error. */
uint32_t id_setfs(struct task *t, enum id_kind kind, uint32_t id);

/*
 * Publishes changed credentials (takes over c): a process that got other ids or
 * more rights can no longer be dumped, and forgets its parent-death signal.
 */
void task_commit_cred(struct task *t, struct cred *c);
