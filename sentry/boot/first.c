/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a container.  Its program is loaded on its own thread, because only
 * that may drive its stub.  The thread finds the program (boot_create() and boot_join() sleep
 * until then), waits for boot_go(), and executes it (boot_start() sleeps until
 * that has succeeded or not).
 */
#include <errno.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/task/container.h"
#include "sentry/task/exit.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "syscalls/abi/errno.h"

static struct boot_container first = {
	.ref = {1},
	.container = &container_first,
	.all = LIST_INIT(first.all),
	.own_pids = true,
};
struct boot_container *const boot_first = &first;

static void first_tell(struct boot_container *c, int *where, int result)
{
	__atomic_store_n(where, result, __ATOMIC_RELEASE);
	waitq_wake(&c->wq, 0);
}

static bool may_go(const struct boot_container *c)
{
	return __atomic_load_n(&c->go, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&c->killed_by, __ATOMIC_ACQUIRE);
}

/* The others' mount trees are made here, where what is mounted shows their own processes. */
static int find(struct boot_container *c, char *name, struct file **out)
{
	struct boot_process *p = &c->process;
	int err = c == boot_first ? 0 : container_mounts(c, p->spec, &p->err);
	if (err < 0) {
		process_close(p->spec, 0);
		return err;
	}
	return process_find(p, name, out);
}

void container_main(struct task *t, void *arg)
{
	struct boot_container *c = arg;
	autoput(file) struct file *f = NULL;
	char name[PROCESS_NAME];

	int err = find(c, name, &f);
	first_tell(c, &c->found, err);
	if (err == 0)
		err = waitq_sleep(&c->wq, 0, WAIT_KILLABLE, WAIT_FOREVER, may_go(c));
	else
		task_exit_group(t, SIGKILL);
	int sig = __atomic_load_n(&c->killed_by, __ATOMIC_ACQUIRE);
	if (sig) {
		task_exit_group(t, sig);
	} else if (err == 0 && (err = process_exec(&c->process, name, f)) < 0) {
		task_exit_group(t, SIGKILL);
	}
	/* A signal that came first is an end like any other: its status tells. */
	first_tell(c, &c->result, err == -ERESTARTSYS ? 0 : err);
	if (c != boot_first)
		boot_container_put(c);
}

bool container_killed(struct boot_container *c, int sig)
{
	const uint64_t harmless = SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) |
				  SIGBIT(SIGWINCH) | SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) |
				  SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU);
	int none = 0;
	if (__atomic_load_n(&c->go, __ATOMIC_ACQUIRE) || !c->process.spec)
		return false;
	if (!(SIGBIT(sig) & (harmless | c->process.spec->sig_ignored)) &&
	    __atomic_compare_exchange_n(&c->killed_by, &none, sig, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		waitq_wake(&c->wq, 0);
	return true;
}

static int publish(struct boot_container *c, bool as_init)
{
	struct task *t = c->process.task;
	lock(&kernel.tasks_lock);
	int err = process_publish_locked(t, boot_outside, as_init);
	if (err == 0) {
		/*
		 * Of its session, not of its process group: that is what keeps it from being
		 * orphaned.
		 */
		if (boot_outside)
			boot_outside->sid = t->tid;
		else
			kernel.init = group_get(t->group);
		kernel.main_group = group_get(t->group);
		c->main = group_get(t->group);
	}
	unlock(&kernel.tasks_lock);
	return err;
}

int container_found(struct boot_container *c, struct boot_error *err)
{
	waitq_sleep(&c->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
		    __atomic_load_n(&c->found, __ATOMIC_ACQUIRE) != NOT_YET);
	*err = c->process.err;
	return c->found;
}

int boot_create(const struct boot_spec *s, struct boot_error *err)
{
	struct boot_container *c = boot_first;
	waitq_init(&c->wq);
	c->process.spec = s;
	c->found = c->result = NOT_YET;
	int e = process_build(c, s, &c->process.task);
	if (e == 0)
		e = publish(c, s->as_init);
	if (e < 0)
		return boot_fail(err, e, "cannot make the first process: %s", strerror(-e));
	e = boot_watch_stubs();
	if (e == 0)
		e = task_start_with(c->process.task, container_main, c);
	if (e < 0)
		return boot_fail(err, e, "no thread for the first process");
	return container_found(c, err);
}

void boot_go(struct boot_container *c)
{
	__atomic_store_n(&c->go, true, __ATOMIC_RELEASE);
	waitq_wake(&c->wq, 0);
}

int boot_start(struct boot_container *c, struct boot_error *err)
{
	waitq_sleep(&c->wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
		    __atomic_load_n(&c->result, __ATOMIC_ACQUIRE) != NOT_YET);
	task_put(STEAL(c->process.task));
	*err = c->process.err;
	return c->result;
}
