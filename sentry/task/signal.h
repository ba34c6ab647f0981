/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: signal(7), sigaction(2), kill(2).
 *
 * Sending marks a signal pending and gets the attention of a task that may
 * take it: waiter_flag(WAITER_SIGNAL) ends an interruptible sleep, and
 * platform->interrupt() ends guest code.  Delivery happens in one place,
 * signal_deliver(), on the task's own thread, before it goes back to the guest.
 */
#pragma once

#include "sentry/task/task.h"

/* Dispositions, shared by CLONE_SIGHAND. */
struct sigactions {
	struct ref ref;
	struct lock lock;	/* RANK_SIGACTIONS, inside siglock */
	struct abi_sigaction action[NSIG]; /* lock; [sig - 1] */
};

struct sigactions *sigactions_new(void);
struct sigactions *sigactions_copy(struct sigactions *a);
struct sigactions *sigactions_get(struct sigactions *a);
void sigactions_put(struct sigactions *a);

void sigpending_init(struct sigpending *p);
/* Drops everything that is queued. */
void sigpending_flush(struct sigpending *p);

/*
 * Sends; info is copied (info->signo is the signal).  0, or -EAGAIN when
 * RLIMIT_SIGPENDING forbids queueing a real-time signal.  No lock held.
 */
int signal_send_task(struct task *t, const struct abi_siginfo *info);
int signal_send_group(struct group *g, const struct abi_siginfo *info);
/* Every group of the process group; 0 or -ESRCH when it has none. */
int signal_send_pgrp(int pgid, const struct abi_siginfo *info);
/* The same for a caller that holds kernel.tasks_lock. */
int signal_send_group_locked(struct group *g, const struct abi_siginfo *info);
int signal_send_pgrp_locked(int pgid, const struct abi_siginfo *info);
/* A plain signal from the kernel (SI_KERNEL) to the group / to this task. */
void signal_kernel_group(struct group *g, int sig);
void signal_kernel_task(struct task *t, int sig);
/* A fault of the task itself: cannot be blocked or ignored (then it kills). */
void signal_force(struct task *t, const struct abi_siginfo *info);
/* SIGKILL to everything in the group except `except` (exec, exit_group): no signal is queued. */
void signal_kill_threads(struct group *g, struct task *except);

/* Recomputes the waiter flags after blocked or pending changed; s held. */
void signal_recalc_locked(struct task *t);
bool signal_pending(struct task *t);
/* Sets the mask (KILL and STOP never blocked); the old one is returned.  Own thread. */
uint64_t signal_set_blocked(struct task *t, uint64_t mask);
/* For the p-calls (ppoll, pselect, sigsuspend, epoll_pwait): put back by signal_deliver. */
void signal_set_blocked_temporarily(struct task *t, uint64_t mask);
/* The call ended without a signal: puts the saved mask back at once. */
void signal_restore_blocked(struct task *t);

/*
 * Before going back to the guest: stops, builds handler frames, runs default
 * actions (which set the exit flags), finishes or restarts an interrupted call
 * by t->restart_err.  Returns when the guest may run or the task must exit.
 */
void signal_deliver(struct task *t);

/* clone: masks, altstack rules; exec: handlers to default, altstack off; exit: queues dropped. */
void signal_clone_task(struct task *child, const struct task *parent, uint64_t clone_flags);
int signal_exec(struct task *t);
void signal_exit_task(struct task *t);

/* kill(2)'s permission check.  0 or -EPERM. */
int signal_may_send(const struct task *from, struct task *to, int sig);
/* Fills the fields of a kill(2)-like signal from t. */
void signal_info_user(struct abi_siginfo *info, int sig, int code, const struct task *from);

/*
 * Job control: the group's state changed, the parent is told (SIGCHLD unless
 * SA_NOCLDSTOP, wait queue); exit.c tells about ends.
 */
void jobctl_orphan_check_locked(int pgid, int sid);	/* tasks_lock held: SIGHUP+SIGCONT rule */

/* Guest frames (sigframe_x86.c): 0, or -EFAULT (then SIGSEGV is forced by the caller). */
int sigframe_push(struct task *t, const struct abi_siginfo *info,
		  const struct abi_sigaction *action, uint64_t mask);
int sigframe_pop(struct task *t); /* rt_sigreturn: registers, FPU, mask, altstack */
