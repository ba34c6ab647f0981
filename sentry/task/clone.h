/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New tasks: clone(2), and what exec needs of threads.
 */
#pragma once

#include "sentry/task/task.h"

struct clone_spec {
	uint64_t flags;		/* CLONE_*, without the exit signal */
	int exit_signal;
	uaddr_t stack;		/* the child's rsp; 0: the parent's */
	uaddr_t tls, parent_tid, child_tid, pidfd;
	const int *set_tid;	/* clone3's wishes for numbers, innermost namespace first */
	unsigned set_tids;
};

/* The child's tid, or -errno as clone(2).  Waits for CLONE_VFORK children. */
long task_clone(struct task *t, const struct clone_spec *spec);
