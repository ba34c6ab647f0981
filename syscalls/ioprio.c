/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioprio_set(2), ioprio_get(2): kept, for who sets them wants to read them; whose
 * blocks are read first is the host's to say.
 */
#include "sentry/task/schedparam.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/sched.h"
#include "syscalls/chosen.h"
#include "syscalls/sys.h"

/* Bits between level and class are hints, since 6.5; what is above the class is dropped. */
enum { CLASS_MASK = 7, LEVEL_MASK = 7, IOPRIO_MASK = 0xffff };

static int class_of(int ioprio)
{
	return ioprio >> IOPRIO_CLASS_SHIFT & CLASS_MASK;
}

static int check(struct task *t, int ioprio)
{
	switch (class_of(ioprio)) {
	case IOPRIO_CLASS_RT:
		return task_capable(t, CAP_SYS_ADMIN) || task_capable(t, CAP_SYS_NICE) ? 0 : -EPERM;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return ioprio & LEVEL_MASK ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

struct request {
	struct task *t;
	int ioprio; /* to set; the best found */
	int err;
};

/* The first refusal ends it: who came before has been set. */
static void set_one(void *arg, struct task *each)
{
	struct request *r = arg;
	if (r->err < 0)
		return;
	autoput(cred) struct cred *c = task_cred(each);
	if (c->ruid != r->t->cred->euid && c->ruid != r->t->cred->ruid &&
	    !task_capable(r->t, CAP_SYS_NICE))
		r->err = -EPERM;
	else
		__atomic_store_n(&each->ioprio, (uint16_t)(r->ioprio & IOPRIO_MASK),
				 __ATOMIC_RELAXED);
}

/* Who was never told has what follows from its policy and nice value. */
static int effective(const struct task *each)
{
	int ioprio = __atomic_load_n(&each->ioprio, __ATOMIC_RELAXED);
	int policy = __atomic_load_n(&each->policy, __ATOMIC_RELAXED) & ~SCHED_RESET_ON_FORK;
	int nice = __atomic_load_n(&each->nice, __ATOMIC_RELAXED);
	int class = policy == SCHED_IDLE    ? IOPRIO_CLASS_IDLE
		    : sched_is_rt(policy) ? IOPRIO_CLASS_RT
					    : IOPRIO_CLASS_BE;
	return class_of(ioprio) != IOPRIO_CLASS_NONE
		       ? ioprio
		       : class << IOPRIO_CLASS_SHIFT | (nice - NICE_MIN) / 5;
}

static void get_best(void *arg, struct task *each)
{
	struct request *r = arg;
	int ioprio = effective(each);
	r->ioprio = ioprio < r->ioprio ? ioprio : r->ioprio;
}

/* Of one task: as it was set, for those who want to put it back. */
static void get_raw(void *arg, struct task *each)
{
	((struct request *)arg)->ioprio = __atomic_load_n(&each->ioprio, __ATOMIC_RELAXED);
}

/* IOPRIO_WHO_* are one more than PRIO_*; the caller's `which' may be the smallest int. */
_Static_assert(IOPRIO_WHO_PROCESS == PRIO_PROCESS + 1 && IOPRIO_WHO_USER == PRIO_USER + 1, "which");
enum { PRIO_NONE = -1 };

static int prio_which(int which)
{
	return which >= IOPRIO_WHO_PROCESS ? which - 1 : PRIO_NONE;
}

long sys_ioprio_set(struct task *t, int which, int who, int ioprio)
{
	struct request r = {.t = t, .ioprio = ioprio};
	int err = check(t, ioprio);
	if (err == 0)
		err = tasks_chosen(t, prio_which(which), who, set_one, &r);
	return err < 0 ? err : r.err;
}

long sys_ioprio_get(struct task *t, int which, int who)
{
	struct request r = {.t = t, .ioprio = IOPRIO_MASK};
	int err = which == IOPRIO_WHO_PROCESS
			  ? tasks_chosen(t, prio_which(which), who, get_raw, &r)
			  : tasks_chosen(t, prio_which(which), who, get_best, &r);
	return err < 0 ? err : r.ioprio;
}
