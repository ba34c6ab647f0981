/* SPDX-License-Identifier: Apache-2.0 */
/* What signals do by default, as sets. */
#pragma once

#include "sentry/task/task.h"

/* Cannot be caught, blocked or ignored. */
#define SIGSET_ONLY (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIGSET_STOP (SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))
/* Ignored by default; all others but the stop signals kill. */
#define SIGSET_IGNORED                                                                             \
	(SIGBIT(SIGCONT) | SIGBIT(SIGCHLD) | SIGBIT(SIGWINCH) | SIGBIT(SIGURG))

/* signal_send_timer_locked: the signal is ignored, the entry was not queued. */
enum { SIGNAL_DROPPED = 1 };

struct sigqueue;
/*
 * Queues a timer's own entry to t, or to the group if t is NULL; both locks
 * held.  *out_cld: for jobctl_notify_locked, 0: nothing to tell.
 */
int signal_send_timer_locked(struct group *g, struct task *t, struct sigqueue *q, int *out_cld);
/* A signal to the group for a caller that holds both locks. */
int signal_send_locked(struct group *g, const struct abi_siginfo *info, int *out_cld);
