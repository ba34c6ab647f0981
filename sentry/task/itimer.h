/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three interval timers of a process (setitimer(2)), and alarm(2).
 */
#pragma once

#include "sentry/task/task.h"
#include "syscalls/abi/time.h"

/* which: ABI_ITIMER_*.  out_old may be NULL.  -EINVAL, -ENOMEM. */
int itimer_set(struct task *t, int which, const struct abi_itimerval *value,
	       struct abi_itimerval *out_old);
int itimer_get(struct task *t, int which, struct abi_itimerval *out);
