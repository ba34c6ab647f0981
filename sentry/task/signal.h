/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: signal(7), sigaction(2), kill(2).
 *
 * Sending marks a signal pending and gets the attention of a task that may
 * take it: waiter_flag(WAITER_SIGNAL) ends an interruptible sleep, and
 * platform->interrupt() ends guest code.  Delivery happens in one place,
 * signal_deliver(), on the task's own thread, before it goes back to the guest.
 *
 * Locks: tasks_lock (to see the threads of a group), then siglock, then
 * actions->lock.  Of two siglocks never both: a parent is told about its child
 * under tasks_lock, after the child's siglock was released.  A task whose ctx
 * is NULL or whose `exiting` is set takes no signals any more.
 *
 * The run loop calls signal_deliver() whenever signal_attention() holds.
 */
#pragma once

#include "sentry/task/jobctl.h"
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
/* clone3(CLONE_CLEAR_SIGHAND) and exec: handlers become SIG_DFL, SIG_IGN stays. */
void sigactions_clear(struct sigactions *a);
/* One disposition. */
struct abi_sigaction sigactions_read(struct sigactions *a, int sig);
/* rt_sigaction(2) for the caller's group; either may be NULL; sig is valid. */
int signal_action(struct task *t, int sig, const struct abi_sigaction *act,
		  struct abi_sigaction *out_old);

void sigpending_init(struct sigpending *p);
/* Drops everything that is queued. */
void sigpending_flush(struct sigpending *p);

/*
 * Sends; info is copied (info->signo is the signal; 0 sends nothing).  0, or
 * -EAGAIN when RLIMIT_SIGPENDING forbids queueing a real-time signal.  No lock
 * held.  SI_KERNEL, or SI_USER with pid 0, comes from outside the sandbox: only
 * then can SIGKILL and SIGSTOP reach init.
 */
int signal_send_task(struct task *t, const struct abi_siginfo *info);
int signal_send_group(struct group *g, const struct abi_siginfo *info);
/* Every group of the process group; 0 or -ESRCH when it has none. */
int signal_send_pgrp(int pgid, const struct abi_siginfo *info);
/* The same for a caller that holds kernel.tasks_lock. */
int signal_send_task_locked(struct task *t, const struct abi_siginfo *info);
int signal_send_group_locked(struct group *g, const struct abi_siginfo *info);
int signal_send_pgrp_locked(int pgid, const struct abi_siginfo *info);
/*
 * A plain signal from the kernel to the group / to this task: SI_KERNEL, but
 * SIGPIPE and SIGXFSZ name the task itself as sender, as Linux does.
 */
void signal_kernel_group(struct group *g, int sig);
void signal_kernel_task(struct task *t, int sig);
/* A fault of the task itself: cannot be blocked or ignored (then it kills). */
void signal_force(struct task *t, const struct abi_siginfo *info);
/* The same for an EV_FAULT event: also what the frame's mcontext tells of it. */
void signal_fault(struct task *t, const struct event *ev);
/*
 * Everything in the group except `except` must go (exec, exit_group): their
 * `exiting` is set and they are woken; no signal is queued.  tasks_lock and
 * siglock held.
 */
void signal_kill_threads_locked(struct group *g, struct task *except);
/* The same with no lock held. */
void signal_kill_threads(struct group *g, struct task *except);

/* Recomputes the waiter flags of the calling task; s held. */
void signal_recalc_locked(struct task *t);
/* Sets (never clears) them for any task of the group, and interrupts guest code; s held. */
void signal_wake_locked(struct task *t, bool kill);
bool signal_pending(struct task *t);
/* True if signal_deliver() has something to do before the guest may run. */
bool signal_attention(struct task *t);
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
/* Takes one signal of `set` that is pending for t: its number, or 0.  sigtimedwait, signalfd. */
int signal_dequeue(struct task *t, uint64_t set, struct abi_siginfo *out);
/* What of `set` is pending for t or its group. */
uint64_t signal_pending_set(struct task *t, uint64_t set);
/*
 * Woken with EPOLLIN whenever something becomes pending for the group or one of
 * its tasks (signalfd, sigtimedwait).  It is the group's stop_wq, whose other
 * users wait for JOBCTL_EVENT.
 */
struct waitq *signal_wq(struct group *g);
#define JOBCTL_EVENT (1u << 30)

/*
 * clone: masks, altstack rules; the child is not visible yet.  exec: handlers
 * to default, altstack off, timers gone; -ENOMEM.  exit: queues dropped, shared
 * signals retargeted; no lock held, t->ctx may already be NULL.
 */
void signal_clone_task(struct task *child, const struct task *parent, uint64_t clone_flags);
int signal_exec(struct task *t);
void signal_exit_task(struct task *t);

/*
 * kill(2)'s permission check.  0 or -EPERM.  The first takes tasks_lock, the
 * second runs under it.
 */
int signal_may_send(struct task *from, struct task *to, int sig);
int signal_may_send_locked(struct task *from, struct task *to, int sig);
/* kill(2) to a group: signal 0 only checks.  -EPERM, -EINVAL, -EAGAIN.  tasks_lock held. */
int signal_user_group_locked(struct task *from, struct group *g, const struct abi_siginfo *info);
/* What is sent so, as `to` sees it: in another PID namespace the sender's number is another. */
struct abi_siginfo signal_seen_locked(const struct task *from, const struct group *to,
				      const struct abi_siginfo *info);
/* Fills the fields of a kill(2)-like signal from t. */
void signal_info_user(struct abi_siginfo *info, int sig, int code, const struct task *from);

/* sigaltstack(2): either may be 0 in effect (NULL).  sp: the guest's stack pointer. */
int signal_altstack(struct task *t, const struct abi_stack *ss, struct abi_stack *out_old,
		    uint64_t sp);
/* True if sp lies on the alternate stack, whatever its flags. */
bool signal_on_altstack(const struct task *t, uint64_t sp);

/* Guest frames (sigframe_x86.c): 0, or -EFAULT (then SIGSEGV is forced by the caller). */
struct sigtaken;
int sigframe_push(struct task *t, const struct sigtaken *s, const struct abi_sigaction *action,
		  uint64_t mask);
/* rt_sigreturn: registers, FPU, mask, altstack; the new rax.  Forces SIGSEGV if it is bad. */
long sigframe_pop(struct task *t);
/* The largest frame that this machine needs: AT_MINSIGSTKSZ. */
size_t sigframe_max_size(void);
/* The state components (XCR0) that frames and debuggers see. */
uint64_t sigframe_xfeatures(void);
