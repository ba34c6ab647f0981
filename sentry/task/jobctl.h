/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job control: stopping and continuing a whole group.
 *
 *	            stop signal taken            last thread has stopped
 *	RUNNING ----------------------> STOPPING -----------------------> STOPPED
 *	   ^                                |  SIGCONT, SIGKILL              |
 *	   '--------------------------------'--------------------------------'
 *
 * STOPPED and the way back are told to the parent: SIGCHLD unless it ignores it
 * or set SA_NOCLDSTOP, and its wait queue.  A thread that has stopped is in
 * state TASK_STOPPED and sleeps in jobctl_sleep().
 */
#pragma once

#include "sentry/task/task.h"

/* Starts a stop: sig is what the parent will see; both locks held. */
void jobctl_begin_locked(struct group *g, struct task *by, int sig);
/*
 * SIGCONT was sent, or the group was killed: all threads run again.  What the
 * parent must be told (CLD_*), or 0; both locks held.
 */
int jobctl_continue_locked(struct group *g);
/* If every thread but `except` has stopped, the stop is complete: true once; both locks held. */
bool jobctl_complete_locked(struct group *g, const struct task *except);
/* SIGCHLD (unless `to` does not want it) and its wait queue: about t, which may be NULL. */
void jobctl_tell_locked(struct group *to, struct task *t, int id, int cld, int status);
/* The same to the parent, and to a tracer; tasks_lock held, no siglock. */
void jobctl_notify_locked(struct group *g, int cld);
/*
 * The calling task joins the stop: true if it was the last and the parent must
 * be told CLD_STOPPED.  Both locks held; then, without them, it sleeps.
 */
bool jobctl_join_locked(struct task *t);
void jobctl_sleep(struct task *t);
/* True if a stop signal other than SIGSTOP is without effect there; tasks_lock held. */
bool jobctl_orphaned_locked(int pgid, int sid);
/* A process group may have lost its last tie to its session: SIGHUP and SIGCONT; tasks_lock held. */
void jobctl_orphan_check_locked(int pgid, int sid);
