/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ptrace(2) for the guest: one task stops, another one looks at it and lets it go on.
 *
 *	attach.c	who traces whom, from the first link to the last
 *	stop.c		the stops, on the tracee's own thread
 *	report.c	what the tracer's group is told: SIGCHLD and wait(2)
 *	request.c	the requests, on the tracer's thread; info.c and user_x86.c serve it
 *
 * Nothing of it asks the host.  What only the tracee's thread can do (floating point, lifting
 * the protection of memory) is an errand (errand.h).
 */
#pragma once

#include "sentry/task/task.h"
#include "sentry/task/watch.h"

struct sigtaken;
struct wait_request;
struct wait_result;

static inline bool task_is_traced(const struct task *t)
{
	return task_traced(t) & TRACED_PTRACE;
}

/* --- attach.c --- */
/* -ESRCH, -EPERM, -EIO and -EINVAL as ptrace(2); -EINTR.  No lock held. */
int trace_attach(struct task *t, int tid, bool seize, uint64_t addr, uint64_t options);
int trace_me(struct task *t);
/* With `code` as its signal, a tracee in a stop that `t` has seen: -ESRCH.  No lock held. */
int trace_detach(struct task *p, int code);
/* Ends the relation and lets p run on; tasks_lock held. */
void trace_cut_locked(struct task *p);
/* The same, and a dead one is buried or left to its parent. */
void trace_unlink_locked(struct task *p);
/* The same for all tracees of a task that ends; no more can come.  No lock held. */
void trace_end_tracer(struct task *t);
/* A child that nobody has seen yet gets t's tracer; tasks_lock held. */
void trace_clone_locked(struct task *child, struct task *t);
/* False if the set-id bits of a new program must have no effect; tasks_lock held. */
bool trace_allows_gain_locked(const struct task *t);

/* --- stop.c: all on t's own thread, no lock held unless _locked --- */
/* The option for it is set.  event: PTRACE_EVENT_*. */
bool trace_wants_event(const struct task *t, int event);
/* Stops, if so. */
void trace_event(struct task *t, int event, uint64_t message);
/* The message is the number of that task (an id) as the tracer sees it. */
void trace_event_id(struct task *t, int event, int id);
/* The stops around a call. */
void trace_call_enter(struct task *t);
void trace_call_exit(struct task *t);
/* A new program runs; old_tid: what t was before. */
void trace_exec(struct task *t, int old_tid);
/* The first thing a dying task does. */
void trace_exit(struct task *t);
/* A frame was built under a single step. */
void trace_handler(struct task *t);
/* A frame is about to be built: the tracer's TF is not the guest's. */
void trace_hide_step(struct task *t);
/* t's registers for its child: without it too. */
void trace_child_regs(const struct task *t, struct regs *r);
/* A trap that nobody has asked for any more: the tracer has gone.  False: it is the guest's. */
bool trace_swallow_step(struct task *t);
/* Must t stop before it looks at signals?  s held. */
bool trace_must_stop_locked(const struct task *t);
/* Does so.  Both locks held on entry, none on return. */
void trace_trap(struct task *t);
/*
 * Shows it a signal just taken: true if t must act on s now, which may be another one.
 * Both locks held on entry, none on return.
 */
bool trace_signal(struct task *t, struct sigtaken *s);
/* SIGCONT was sent to the group of t; s held. */
void trace_continued_locked(struct task *t);
/* A group stop has begun that t must take part in; s held. */
void trace_stopping_locked(struct task *t, int sig);
/* It is in a stop for good: its tracer may look.  s held. */
bool trace_stopped_locked(const struct task *t);
/* Lets it go on from there, or from listening; s held. */
void trace_resume_locked(struct task *t, int code);
/* SIGKILL for a group that is dying already: exit events end; s held. */
void trace_kill_dying_locked(struct group *g);

/* --- report.c; tasks_lock held --- */
/* A thread of another process is the tracer of g's leader: it is told before the parent. */
bool trace_reparented_locked(const struct group *g);
/* A stop or continuation (CLD_*) of t for its tracer. */
void trace_tell_locked(struct task *t, int cld);
/* The end of t, a thread or the leader of an ended group, for its tracer. */
void trace_tell_end_locked(struct task *t);
/* What wait(2) finds among the tracees of t's group: 1 found, 0 some match, -ECHILD. */
int trace_wait_locked(struct task *t, const struct wait_request *r, struct wait_result *out);

/* --- request.c --- */
long trace_request(struct task *t, int64_t request, int64_t tid, uint64_t addr, uint64_t data);
/* Access for the requests: a copy of p's registers / what it shall have.  -ESRCH: not stopped. */
int trace_regs_get(struct task *p, struct regs *out);
int trace_regs_set(struct task *p, const struct regs *r);

/* --- info.c: requests about signals, with p stopped at t's request --- */
long trace_siginfo_get(struct task *t, struct task *p, uaddr_t to);
long trace_siginfo_set(struct task *t, struct task *p, uaddr_t from);
long trace_siginfo_peek(struct task *t, struct task *p, uaddr_t args, uaddr_t to);
long trace_mask_get(struct task *t, struct task *p, uint64_t size, uaddr_t to);
long trace_mask_set(struct task *t, struct task *p, uint64_t size, uaddr_t from);
long trace_call_info(struct task *t, struct task *p, uint64_t size, uaddr_t to);
long trace_filter_get(struct task *t, struct task *p, uint64_t n, uaddr_t to);
long trace_filter_about(struct task *t, struct task *p, uint64_t size, uaddr_t at);

/* --- user_x86.c: registers, by offset in struct user and as sets --- */
long trace_user_peek(struct task *t, struct task *p, uint64_t offset, uaddr_t to);
long trace_user_poke(struct task *p, uint64_t offset, uint64_t value);
long trace_regs_out(struct task *t, struct task *p, uaddr_t to);
long trace_regs_in(struct task *t, struct task *p, uaddr_t from);
long trace_fpregs(struct task *t, struct task *p, uaddr_t at, bool set);
long trace_regset(struct task *t, struct task *p, uint64_t type, uaddr_t iov, bool set);
long trace_arch(struct task *t, struct task *p, uint64_t code, uaddr_t addr);
