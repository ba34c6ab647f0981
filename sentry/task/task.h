/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks and thread groups.
 *
 * A *task* is a guest thread; a *group* is a guest process (thread group).  A
 * zombie group outlives its tasks until its parent has waited for it.
 *
 * Who keeps what alive: a running task is referenced by its sentry thread and
 * by the pid table; a group by its tasks, by its children (as their parent)
 * and by the pid table until reaped.
 *
 * Letters: I constant after creation · a atomic · o only the task's own sentry
 * thread (others never) · t tasks_lock · s group->siglock · c cred_lock
 */
#pragma once

#include "platform/base/idmap.h"
#include "platform/base/list.h"
#include "platform/base/lock.h"
#include "platform/base/ref.h"
#include "platform/platform.h"
#include "sentry/cred/cred.h"
#include "sentry/mm/copy.h"
#include "sentry/sync/timer.h"
#include "sentry/sync/waitq.h"
#include "sentry/task/ptrace/tracing.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/signal.h"

struct fdtab;
struct fsctx;
struct mm;
struct sigactions;
struct tty;
struct posix_timers;
struct seccomp_filter;
struct sem_undo_list;
struct nsset;
struct pid_ns;
struct container;
struct file;

enum { NSIG = 64, TASK_COMM_LEN = 16 };

/* The terminating signal in a wait status, 0 if it exited. */
#define WIFSIGNALED_STATUS(st) ((st) & 0x7f)

#define SIGBIT(n) (1ull << ((n)-1))

struct sigpending {
	uint64_t set;		/* s  signals with something queued (or only the bit) */
	struct list queue;	/* s  struct sigqueue, in order of arrival */
};

/* Calls and their bytes: iocount.h. */
struct task_io {
	uint64_t rchar, wchar, syscr, syscw;
};

/* As /proc/PID/stat shows it. */
enum task_state {
	TASK_RUNNING = 'R', TASK_SLEEPING = 'S', TASK_STOPPED = 'T', TASK_TRACED = 't',
	TASK_ZOMBIE = 'Z', TASK_DEAD = 'X',
};

struct task {
	struct ref ref;			/* a */
	struct waiter waiter;		/* a  what this task sleeps on */
	int tid;			/* I  its id (pidns.h); exec may exchange it with the leader's: t */
	int nr;				/* as tid: its number in group->pid_ns */
	struct group *group;		/* I  our reference */
	struct list threads;		/* t  in group->threads */
	uint8_t state;			/* a  enum task_state */
	char comm[TASK_COMM_LEN];	/* t */

	struct mm *mm;			/* o to change, t to read from others; NULL while dying */
	struct ctx *ctx;		/* o; others only interrupt() it with s held */
	struct fdtab *fds;		/* o to change, t to read from others */
	struct fsctx *fs;		/* o to change, t to read from others */
	struct nsset *ns;      /* o to change, t to read from others; NULL while dying */
	struct cred *cred;		/* o to change (under c), c to read from others */
	struct lock cred_lock;		/* RANK_CRED */

	/* Signals: sentry/task/signal.c */
	uint64_t blocked;		/* s  written only by the task itself */
	uint64_t saved_blocked;		/* o  what sigsuspend, pselect, ... will put back */
	bool restore_blocked;		/* o  ... at the next return to the guest */
	struct sigpending pending;	/* s */
	struct abi_stack altstack;	/* o */
	struct list errands;		/* s  errand.h */
	bool in_syscall;		/* o  the last event was a system call (restart is possible) */
	bool call_rewritten;		/* own: event.rewritten of its current call */
	int restart_err;		/* o  -ERESTART* of it, 0: none */
	uint64_t restart_nr;		/* o  its number: rax is put back to it */
	/* ERESTART_RESTARTBLOCK: what restart_syscall(2) continues. */
	long (*restart_fn)(struct task *t);	/* o */
	struct { uint64_t a[4]; } restart_arg;	/* o */

	struct tracing tr;		/* its tracer, its stop: ptrace/ */
	struct list tracees;		/* t  those it traces: struct task.tr.link */

	/* Who watches its calls: watch.h */
	uint32_t traced;		/* s to change, a  TRACED_* */
	uint8_t seccomp_mode;		/* s to change, a  SECCOMP_MODE_* */
	struct seccomp_filter *seccomp;	/* s to change, a  seccomp/seccomp.h; our reference */
	struct sem_undo_list *sem_undos; /* o  SEM_UNDO: ipc/sem.h; kcmp(2) of others: any time */

	/* Threads and exit */
	uaddr_t clear_child_tid, set_child_tid;	/* o */
	uaddr_t robust_list;		/* o  get_robust_list of others: t */
	bool futex_over;		/* futex_pi.c's lock: it will unlock nothing any more */
	uint32_t exiting;		/* a  this task must leave: group exit or exec by another */
	int exit_code;			/* o  as in wait status */
	struct vfork_wait *vfork;	/* o  the parent to wake at exec or exit */
	int pdeath_signal;		/* t */
	struct { uaddr_t addr; uint32_t size, sig; } rseq; /* o */

	/* Accounting */
	int64_t start_ns;		/* I  CLOCK_MONOTONIC */
	int64_t utime_ns, stime_ns;	/* a  brought up to date at events */
	uint64_t nvcsw, nivcsw, minflt, majflt; /* a  usage.h */
	bool asleep;			/* a  in waiter_sleep: its CPU clock stands still */
	uint64_t cpus_allowed;		/* a  affinity mask the guest has set; 0: all */
	int nice, policy, rt_priority;	/* a */
	uint16_t ioprio;		/* a  as it was set; 0: never */
	uint64_t timer_slack_ns;	/* o */
	uint64_t default_slack_ns;	/* I  the creator's, at that time */
	uint32_t personality;		/* o */
	bool no_tsc;			/* o  PR_TSC_SIGSEGV */
	bool nproc_exceeded;		/* o  it became a user who has too many: execve is EAGAIN */
	uint64_t syscalls;		/* a  made so far */
	struct task_io io;		/* a  only the task itself adds */
};

/* Job control stop of a whole group; s. */
enum group_stop { GROUP_RUNNING, GROUP_STOPPING, GROUP_STOPPED };

struct group {
	struct ref ref;			/* a */
	int tgid;			/* I  its id; pgid, sid and parent_tid are ids too */
	int nr;				/* I  its number in pid_ns */
	struct pid_ns *pid_ns;		/* I  our reference */
	struct container *container;	/* I  our reference */
	struct list threads;		/* t  struct task.threads */
	unsigned nthreads;		/* t  atomically: some read it without */
	struct task *leader;		/* t  whose tid is tgid; our reference, kept when it is dead */
	struct group *parent;		/* t  our reference; NULL for init */
	int parent_tid;			/* t  its thread that forked us */
	struct list children;		/* t  struct group.siblings */
	struct list siblings;		/* t */
	struct list all;		/* t  in the list of all groups */
	int pgid, sid;			/* t */
	struct tty *tty;		/* t  controlling terminal; our reference */
	uint32_t execs;			/* a  programs that it has run: mq_notify(2) */
	bool did_exec;			/* t  setpgid(2) of a parent is refused after it */
	bool subreaper;			/* t */
	bool has_subreaper;		/* t */

	/* Signals */
	struct lock siglock;		/* RANK_SIGHAND */
	struct sigpending pending;	/* s */
	struct sigactions *actions;	/* s to change the pointer; our reference */
	enum group_stop stop;		/* s */
	int stop_sig;			/* s */
	unsigned stop_left;		/* s  threads that have not stopped yet */
	bool stop_reported, cont_pending;	/* s  what waitid(WSTOPPED|WCONTINUED) may still see */
	struct waitq stop_wq;		/* woken on SIGCONT and SIGKILL */

	/* End */
	bool exiting;			/* s  exit_group, fatal signal or exec by `exec_task` */
	int exit_code;			/* s  wait status of the group */
	struct task *exec_task;		/* s  all others must go */
	int64_t ends_by_ns, ends_grace_ns; /* s  stubborn.h: when threads are given up; 0: none must end */
	int exit_signal;		/* t  what the parent gets (SIGCHLD, 0, -1 thread) */
	bool zombie;			/* t */
	unsigned dead_tracees;		/* t  threads whose tracers have not waited: no zombie before */
	struct waitq wait_wq;		/* parents sleep here for their children's changes */
	struct waitq exit_wq;		/* pidfd poll, exec waiting for its threads */

	/* Resources */
	struct lock rlimit_lock;	/* RANK_LEAF */
	struct abi_rlimit rlimits[ABI_RLIM_NLIMITS]; /* rlimit_lock */
	int64_t dead_utime_ns, dead_stime_ns;	/* t  of threads that have ended */
	int64_t child_utime_ns, child_stime_ns;	/* t  of waited-for children */
	uint64_t dead_nvcsw;			/* t */
	struct task_io dead_io;			/* t  and of waited-for children */
	uint64_t child_minflt, child_majflt, child_nvcsw, child_nivcsw, child_maxrss_kb; /* t */
	uint64_t minflt, majflt, nivcsw, maxrss_kb; /* a  of the whole group: usage.h */
	unsigned awake;			/* a  threads that are not asleep */
	bool cpu_timers;		/* a  a timer on a CPU clock of it was armed once */
	struct list parked;		/* s  such timers (ctimer.h), until a thread wakes */
	bool any_parked;		/* s to change, a */
	struct posix_timers *timers;	/* s  timers.c; made on first use */
	bool timers_over;		/* s  the last thread has given them back: none are made any more */
	int dumpable;			/* a */
	struct user_ns
		*exec_ns; /* rlimit_lock  our reference: whose its memory is, if not dumpable */
	int oom_score_adj;		/* a */
	bool is_init;			/* I  pid 1 of pid_ns, protected from the signals of those inside */
	bool reaper;			/* I  no process at all: stands in for pid 1 and reaps at once */
};

/*
 * Everything of one sandbox that is not per process.  There is one.
 */
struct kernel {
	struct lock tasks_lock;		/* RANK_TASKS */
	struct waitq ended;		/* woken when main_group has ended and when ntasks falls to 0 */
	struct group *init;		/* I  orphans become its children */
	struct group *main_group;	/* I  its end is the end of the sandbox */
	unsigned ngroups, ntasks;	/* t */
	unsigned task_most;		/* I  what the platform has room for */
	uint64_t forks;			/* t  since boot */
	int64_t boot_mono_ns;		/* I */
	int64_t boot_real_ns;		/* I */
	char release[65], version[65];	/* I */
	struct id_map uid_map, gid_map;	/* I  of the first user namespace, to be shown */
	int exit_status;		/* t  main_group's wait status */
	bool main_ended;		/* t */
};
extern struct kernel kernel;

/*
 * --- lookups (pid.c); all take kernel.tasks_lock themselves unless _locked ---
 * By number as the calling task sees it; task_by_id_locked: by id, pidns.h.
 */
struct task *task_find(int nr);		/* referenced, or NULL */
struct group *group_find(int nr);	/* referenced, zombies included, or NULL */
struct task *task_find_locked(int nr);
struct group *group_find_locked(int nr);
struct task *task_by_id_locked(int id);
struct group *group_by_id_locked(int id);
/* Calls fn for every group, zombies included, tasks_lock held; stops when it returns false. */
void group_for_each_locked(bool (*fn)(struct group *g, void *arg), void *arg);
/* True if a group is in that process group (and in that session, unless sid is 0): ids. */
bool pgrp_exists_locked(int pgid, int sid);

/* pid.c: ids and the tree; tasks_lock held. */
/*
 * A new id with a number in ns and all above it; wish: the numbers, innermost first, 0: any.
 * -EAGAIN, -EEXIST, -EINVAL, -ENOMEM.  Must be followed by pid_set_locked().
 */
int pid_alloc_locked(struct pid_ns *ns, const int *wish, unsigned nwish);
void pid_set_locked(int id, struct task *t, struct group *g); /* takes a reference to each */
void pid_clear_task_locked(int id);
void pid_clear_group_locked(int id);
void group_set_ids_locked(struct group *g, int pgid, int sid); /* keeps the numbers reserved */
void group_drop_ids_locked(struct group *g);
unsigned task_count_uid_locked(uint32_t uid);
int pid_init(void);

/* task.c */
/* The task whose call this host thread carries out; NULL on threads of the sentry itself. */
struct task *task_current(void);
/* A new descriptor of t for f (taken over); the number or -EMFILE. */
int task_install_file(struct task *t, struct file *f, bool cloexec);
struct task *task_alloc(void);		/* ref 1, everything empty; NULL: no memory */
struct group *group_alloc(void);
/*
 * Starts the sentry thread of a task that nobody knows yet: it takes a reference, adopts
 * t->ctx, and waits for one of the two that follow.  -EAGAIN.
 */
struct task_begin;
int task_prepare(struct task *t, struct task_begin **out);
/* It runs from regs on. */
void task_begin(struct task_begin *b, const struct regs *regs);
/* fn runs on its thread before task_run and sets the registers. */
void task_begin_with(struct task_begin *b, void (*fn)(struct task *t, void *arg), void *arg);
/* Its thread, whose ctx is by now, calls drop(t) and ends. */
void task_drop(struct task_begin *b, void (*drop)(struct task *t));
/* clone.c: drops a task that nobody has seen, with all it has. */
void task_discard(struct task *t);
/* For the first process: fn runs on its thread before task_run and sets the registers. */
int task_start_with(struct task *t, void (*fn)(struct task *t, void *arg), void *arg);

struct task *task_get(struct task *t);
void task_put(struct task *t);
DEFINE_AUTOPUT(task)
struct group *group_get(struct group *g);
void group_put(struct group *g);
DEFINE_AUTOPUT(group)

/* The credentials, referenced. */
struct cred *task_cred(struct task *t);
/* The task's own new credentials: takes over c. */
void task_set_cred(struct task *t, struct cred *c);
/* The calling task's own: no lock, no reference. */
static inline const struct cred *task_cred_self(const struct task *t)
{
	return t->cred;
}
static inline bool task_capable(const struct task *t, unsigned cap)
{
	return cred_capable(t->cred, cap);
}
/* Over what belongs to ns. */
static inline bool task_capable_in(const struct task *t, const struct user_ns *ns, unsigned cap)
{
	return cred_capable_in(t->cred, ns, cap);
}
/* The namespace that t sees ids from; any of the threads of a group: they share it. */
static inline const struct user_ns *task_user_ns(const struct task *t)
{
	return t->cred->user_ns;
}
/* The calling task's; the first one on threads of the sentry itself. */
const struct user_ns *user_ns_here(void);
uint64_t task_rlimit(struct task *t, unsigned which); /* the soft limit */
/* The mm of another task, referenced, or NULL. */
struct mm *task_mm_get(struct task *t);
/* exec_ns, referenced; and a new one, of which a reference is taken. */
struct user_ns *group_exec_ns(struct group *g);
void group_set_exec_ns(struct group *g, struct user_ns *ns);
/* How the processes of g call uid; the leader's namespace counts.  tasks_lock held. */
uint32_t group_uid_seen_locked(const struct group *g, uint32_t uid);
/* May `by` inspect or change target (ptrace access check)?  0 or -EPERM/-ESRCH. */
int task_may_access(struct task *by, struct task *target);
/* The same for files of /proc: the ids that file systems see count. */
int task_may_access_fs(struct task *by, struct task *target);

/* Before the caller stops where others can look at its memory: platform_ops.settle. */
static inline void task_settle(struct task *t)
{
	if (platform->settle && t->ctx)
		platform->settle(t->ctx);
}

/* Life, run on the task's own sentry thread. */
void task_run(struct task *t);			/* run.c: the loop; ends the thread */
/* exit.c: only sets the flags; the loop leaves at its next turn.  code: a wait status. */
void task_exit_group(struct task *t, int code);
void task_exit_self(struct task *t, int code);
/* Brings utime_ns/stime_ns up to date (own thread). */
void task_account(struct task *t);
