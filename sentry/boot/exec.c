/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are put into a running container from outside.
 *
 * Their parent is `host', which is no process: it has number 0, as parents
 * outside a pid namespace have, and reaps at once.  Who waits keeps the group alive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/mm/mm.h"
#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "sentry/vfs/file.h"

static struct group *host; /* our reference */

struct boot_exec {
	struct ref ref;
	struct boot_process process; /* spec and task: until it runs */
	struct group *group;	     /* our reference */
	struct waitq wq;
	int result; /* a: NOT_YET, then 0 or -errno */
};

int boot_exec_init(void)
{
	host = boot_make_group(0);
	if (host)
		host->reaper = true;
	return host ? 0 : -ENOMEM;
}

void boot_exec_release(void)
{
	if (host)
		group_put(STEAL(host));
}

/* On the task's own thread. */
static void exec_main(struct task *t, void *arg)
{
	struct boot_exec *x = arg;
	autoput(file) struct file *f = NULL;
	char name[PROCESS_NAME];

	int err = process_find(&x->process, name, &f);
	if (err == 0)
		err = process_exec(&x->process, name, f);
	if (err < 0)
		task_exit_group(t, SIGKILL);
	__atomic_store_n(&x->result, err, __ATOMIC_RELEASE);
	waitq_wake(&x->wq, 0);
	boot_exec_put(x);
}

/* A container that is ending takes no new ones: the kill of all others must not miss it. */
static int publish(struct task *t)
{
	struct group *g = t->group;
	int nr = -ESRCH;
	lock(&kernel.tasks_lock);
	if (!kernel.main_ended)
		nr = kernel.ntasks >= kernel.task_limit ? -EAGAIN : pid_alloc_locked(&pid_first, NULL, 0);
	if (nr > 0) {
		t->tid = g->tgid = t->nr = g->nr = nr;
		g->leader = task_get(t);
		g->parent = group_get(host);
		list_append(&host->children, &g->siblings);
		list_append(&g->threads, &t->threads);
		g->nthreads = 1;
		kernel.ngroups++;
		if (++kernel.ntasks > kernel.tasks_peak)
			kernel.tasks_peak = kernel.ntasks;
		kernel.forks++;
		pid_set_locked(nr, t, g);
		group_set_ids_locked(g, nr, nr);
		facts_tell_locked(t);
	}
	unlock(&kernel.tasks_lock);
	return nr < 0 ? nr : 0;
}

static int start(struct boot_exec *x)
{
	struct task_begin *begin;
	struct task *t;
	int err = process_build(x->process.spec, &t);
	if (err == 0)
		err = task_prepare(t, &begin);
	if (err < 0) {
		if (t)
			task_discard(t);
		return err;
	}
	if ((err = publish(t)) < 0) {
		task_drop(begin, task_discard);
		return err;
	}
	x->process.task = t;
	x->group = group_get(t->group);
	task_begin_with(begin, exec_main, boot_exec_get(x));
	return 0;
}

static int begin(struct boot_exec *x, struct boot_error *err)
{
	int e = start(x);
	if (e < 0) {
		process_close(x->process.spec, 0);
		return e == -ESRCH ? boot_fail(err, e, "container not running")
				   : boot_fail(err, e, "cannot make a process: %s", strerror(-e));
	}
	waitq_sleep(&x->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
		    __atomic_load_n(&x->result, __ATOMIC_ACQUIRE) != NOT_YET);
	task_put(STEAL(x->process.task));
	*err = x->process.err;
	return x->result;
}

int boot_exec(const struct boot_spec *in, struct boot_exec **out, struct boot_error *err)
{
	struct boot_spec s = *in;
	const struct boot_spec *first = boot_first_spec();
	struct boot_exec *x = calloc(1, sizeof *x);
	if (!x || !boot_enter()) {
		free(x);
		process_close(&s, 0);
		return boot_fail(err, -ESRCH, "container not running");
	}
	ref_init(&x->ref);
	waitq_init(&x->wq);
	x->result = NOT_YET;
	x->process.spec = &s;
	s.seccomp = first->seccomp;
	s.seccomp_len = first->seccomp_len;
	s.seccomp_log = first->seccomp_log;
	int e = begin(x, err);
	x->process.spec = NULL;
	if (e == 0) {
		*out = x;
		return 0;
	}
	hosttty_release(&x->process.ttys);
	boot_exec_put(x);
	boot_leave();
	return e;
}

static bool has_ended(const struct boot_exec *x)
{
	lock(&kernel.tasks_lock);
	bool yes = x->group->zombie;
	unlock(&kernel.tasks_lock);
	return yes;
}

int boot_exec_wait(struct boot_exec *x)
{
	waitq_sleep(&host->wait_wq, 0, WAIT_KILLABLE, WAIT_FOREVER, has_ended(x));
	/* Who sends it a signal looks at both with the lock held. */
	lock(&kernel.tasks_lock);
	struct group *g = STEAL(x->group);
	struct hosttty_set ttys = x->process.ttys;
	x->process.ttys = (struct hosttty_set){{NULL}};
	unlock(&kernel.tasks_lock);
	int status = g->exit_code;
	hosttty_release(&ttys);
	group_put(g);
	boot_leave();
	return status;
}

void boot_exec_signal(struct boot_exec *x, int sig, bool foreground)
{
	struct abi_siginfo info = {.signo = sig, .code = foreground ? SI_KERNEL : SI_USER};
	if (!boot_enter())
		return;
	if (!foreground || !hosttty_signal(&x->process.ttys, &info)) {
		lock(&kernel.tasks_lock);
		if (x->group && !x->group->zombie)
			signal_send_group_locked(x->group, &info);
		unlock(&kernel.tasks_lock);
	}
	boot_leave();
}

struct boot_exec *boot_exec_get(struct boot_exec *x)
{
	ref_get(&x->ref);
	return x;
}

void boot_exec_put(struct boot_exec *x)
{
	if (!ref_put(&x->ref))
		return;
	if (x->group)
		group_put(x->group);
	waitq_destroy(&x->wq);
	free(x);
}
