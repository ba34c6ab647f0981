/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that are put into a running container from outside.
 *
 * Their parent is `boot_host', which is no process: it has number 0, as parents
 * outside a pid namespace have, and reaps at once.  Who waits keeps the group alive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/mm/mm.h"
#include "sentry/task/exit.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "sentry/vfs/file.h"

struct group *boot_host;

struct boot_exec {
	struct ref ref;
	struct boot_container *container; /* until boot_exec_wait() has returned */
	struct boot_process process; /* spec and task: until it runs */
	struct group *group;	     /* our reference */
	struct waitq wq;
	int result; /* a: NOT_YET, then 0 or -errno */
};

int boot_exec_init(void)
{
	boot_host = boot_make_group(0);
	if (boot_host)
		boot_host->reaper = true;
	return boot_host ? 0 : -ENOMEM;
}

void boot_exec_release(void)
{
	if (boot_host)
		group_put(STEAL(boot_host));
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
static int publish(struct boot_exec *x, struct task *t)
{
	int err = -ESRCH;
	lock(&kernel.tasks_lock);
	if (container_lives_locked(x->container))
		err = process_publish_locked(t, boot_host, /*as_init=*/false);
	if (err == 0)
		kernel.forks++;
	unlock(&kernel.tasks_lock);
	return err;
}

static int start(struct boot_exec *x)
{
	struct task_begin *begin;
	struct task *t;
	int err = process_build(x->container, x->process.spec, &t);
	if (err == 0)
		err = task_prepare(t, &begin);
	if (err < 0) {
		if (t)
			task_discard(t);
		return err;
	}
	if ((err = publish(x, t)) < 0) {
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

int boot_exec(struct boot_container *c, const struct boot_spec *in, struct boot_exec **out,
	      struct boot_error *err)
{
	struct boot_spec s = *in;
	struct boot_exec *x = calloc(1, sizeof *x);
	if (!x || !boot_enter(c)) {
		free(x);
		process_close(&s, 0);
		return boot_fail(err, -ESRCH, "container not running");
	}
	const struct boot_spec *first = c->process.spec;
	ref_init(&x->ref);
	waitq_init(&x->wq);
	x->container = c;
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
	boot_leave(c);
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
	waitq_sleep(&boot_host->wait_wq, 0, WAIT_KILLABLE, WAIT_FOREVER, has_ended(x));
	/* Who sends it a signal looks at both with the lock held. */
	lock(&kernel.tasks_lock);
	struct group *g = STEAL(x->group);
	struct hosttty_set ttys = x->process.ttys;
	x->process.ttys = (struct hosttty_set){{NULL}};
	unlock(&kernel.tasks_lock);
	int status = g->exit_code;
	hosttty_release(&ttys);
	group_put(g);
	boot_leave(x->container);
	return status;
}

void boot_exec_signal(struct boot_exec *x, int sig, bool foreground)
{
	struct abi_siginfo info = {.signo = sig, .code = foreground ? SI_KERNEL : SI_USER};
	if (!boot_enter(NULL))
		return;
	if (!foreground || !hosttty_signal(&x->process.ttys, &info)) {
		lock(&kernel.tasks_lock);
		if (x->group && !x->group->zombie)
			signal_send_group_locked(x->group, &info);
		unlock(&kernel.tasks_lock);
	}
	boot_leave(NULL);
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
