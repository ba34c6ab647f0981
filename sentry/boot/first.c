/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process.  Its program is loaded on its own thread, because only
 * that may drive its stub.  The thread finds the program (boot_create() sleeps
 * until then), waits for boot_go(), and executes it (boot_start() sleeps until
 * that has succeeded or not).
 */
#include <errno.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"

static struct first {
	struct boot_process process; /* task: our reference, until boot_start() */
	struct waitq wq;
	int found, result; /* a: NOT_YET, then 0 or -errno */
	bool go;	   /* a */
	int killed_by;	   /* a: a signal that ended it before it ran */
} first;

struct hosttty_set *const boot_ttys = &first.process.ttys;

const struct boot_spec *boot_first_spec(void)
{
	return first.process.spec;
}

static void first_tell(int *where, int result)
{
	__atomic_store_n(where, result, __ATOMIC_RELEASE);
	waitq_wake(&first.wq, 0);
}

static bool may_go(const struct first *b)
{
	return __atomic_load_n(&b->go, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&b->killed_by, __ATOMIC_ACQUIRE);
}

/* On the task's own thread, in task_run's place. */
static void first_main(struct task *t, void *arg)
{
	struct first *b = arg;
	autoput(file) struct file *f = NULL;
	char name[PROCESS_NAME];

	int err = process_find(&b->process, name, &f);
	first_tell(&b->found, err);
	if (err == 0)
		err = waitq_sleep(&b->wq, 0, WAIT_KILLABLE, WAIT_FOREVER, may_go(b));
	else
		task_exit_group(t, SIGKILL);
	int sig = __atomic_load_n(&b->killed_by, __ATOMIC_ACQUIRE);
	if (sig) {
		task_exit_group(t, sig);
	} else if (err == 0 && (err = process_exec(&b->process, name, f)) < 0) {
		task_exit_group(t, SIGKILL);
	}
	/* A signal that came first is an end like any other: its status tells. */
	first_tell(&b->result, err == -ERESTARTSYS ? 0 : err);
}

bool boot_first_killed(int sig)
{
	const uint64_t harmless = SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) |
				  SIGBIT(SIGWINCH) | SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) |
				  SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU);
	int none = 0;
	if (__atomic_load_n(&first.go, __ATOMIC_ACQUIRE) || !first.process.spec)
		return false;
	if (!(SIGBIT(sig) & (harmless | first.process.spec->sig_ignored)) &&
	    __atomic_compare_exchange_n(&first.killed_by, &none, sig, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		waitq_wake(&first.wq, 0);
	return true;
}

static void publish(struct task *t, bool as_init)
{
	static const int one = 1;
	struct group *g = t->group;
	lock(&kernel.tasks_lock);
	t->tid = g->tgid = t->nr = g->nr = pid_alloc_locked(&pid_first, as_init ? &one : NULL, as_init);
	g->leader = task_get(t);
	if (boot_outside) {
		/* Of its session, not of its process group: that is what keeps it from being
		 * orphaned. */
		boot_outside->sid = t->tid;
		g->parent = group_get(boot_outside);
		list_append(&boot_outside->children, &g->siblings);
	} else {
		kernel.init = group_get(g);
	}
	list_append(&g->threads, &t->threads);
	g->nthreads = 1;
	kernel.ntasks = kernel.tasks_peak = kernel.ngroups = 1;
	pid_set_locked(t->tid, t, g);
	group_set_ids_locked(g, t->tid, t->tid);
	kernel.main_group = group_get(g);
	facts_tell_locked(t);
	unlock(&kernel.tasks_lock);
}

int boot_create(const struct boot_spec *s, struct boot_error *err)
{
	struct first *b = &first;
	waitq_init(&b->wq);
	b->process.spec = s;
	b->found = b->result = NOT_YET;
	int e = process_build(s, &b->process.task);
	if (e < 0)
		return boot_fail(err, e, "cannot make the first process: %s", strerror(-e));
	publish(b->process.task, s->as_init);
	e = boot_watch_stubs();
	if (e == 0)
		e = task_start_with(b->process.task, first_main, b);
	if (e < 0)
		return boot_fail(err, e, "no thread for the first process");
	waitq_sleep(&b->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
		    __atomic_load_n(&b->found, __ATOMIC_ACQUIRE) != NOT_YET);
	*err = b->process.err;
	return b->found;
}

void boot_go(void)
{
	__atomic_store_n(&first.go, true, __ATOMIC_RELEASE);
	waitq_wake(&first.wq, 0);
}

int boot_start(struct boot_error *err)
{
	struct first *b = &first;
	waitq_sleep(&b->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
		    __atomic_load_n(&b->result, __ATOMIC_ACQUIRE) != NOT_YET);
	task_put(STEAL(b->process.task));
	*err = b->process.err;
	return b->result;
}
