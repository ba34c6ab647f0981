/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of tasks and groups, and waiting for it: exit(2), wait(2).
 */
#pragma once

#include "sentry/task/task.h"

/* vfork(2): the parent sleeps until the child has called exec or exit; shared by the two. */
struct vfork_wait {
	struct ref ref;
	uint32_t done;	/* a */
	struct waitq wq;
};

struct vfork_wait *vfork_wait_new(void);
void vfork_wait_put(struct vfork_wait *v);
/* Lets the parent go on; drops the task's reference.  No-op if it is not a vfork child. */
void vfork_done(struct task *t);

/* What others in t's memory must learn of its end or exec: robust locks, the tid word. */
void task_leave_memory(struct task *t);
/* The last of a ctx of the calling task's, whose answered calls are counted. */
void task_ctx_destroy(struct ctx *ctx);
/* Gives everything back; the last thread makes the group a zombie.  Own thread, last call. */
void task_exit(struct task *t);

struct wait_request {
	int which;	/* P_ALL, P_PID, P_PGID; P_PIDFD is resolved by the caller */
	int id;
	int options;	/* WNOHANG, WUNTRACED, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, ... */
};

struct wait_result {
	int pid;		/* 0: nothing (WNOHANG) */
	uint32_t uid;
	int code;		/* CLD_* */
	int status;		/* exit code or signal, as si_status */
	int wstatus;		/* as wait4 reports it */
	struct abi_rusage usage;
};

/* 0 with a result, or -ECHILD, -ERESTARTSYS.  Reaps unless WNOWAIT. */
int task_wait(struct task *t, const struct wait_request *r, struct wait_result *out);
/* Tells the parent that g has stopped, continued or ended; tasks_lock held. */
void group_notify_parent_locked(struct group *g, int code, int status);
/* Exec's and exit's share: removes a dead thread from the tables; tasks_lock held. */
void task_unlink_locked(struct task *t);
