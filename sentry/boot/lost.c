/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest processes whose stub was killed from outside, or by the host for want of
 * memory, end as by SIGKILL, wherever they sleep.  If no new ones can be made any
 * more the sandbox ends, or the container whose programs started from what was killed.
 */
#include <errno.h>

#include "sentry/boot/internal.h"
#include "sentry/mm/mm.h"
#include "sentry/sync/timer.h"
#include "sentry/task/container.h"
#include "sentry/task/signal.h"
#include "syscalls/abi/signal.h"

static struct ktimer timer;
static bool broken; /* tasks_lock */

static bool kill_lost(struct group *g, void *arg)
{
	struct abi_siginfo info = {.signo = SIGKILL, .code = SI_KERNEL};
	bool lost = *(const bool *)arg && !g->zombie;
	if (g->container->zygote && platform->zygote_dead(g->container->zygote))
		lost = !g->zombie;
	struct task *t;
	list_for_each(t, &g->threads, threads)
		lost |= t->mm && platform->aspace_dead(t->mm->aspace);
	if (lost)
		signal_send_group_locked(g, &info);
	return true;
}

static void lost_fire(struct ktimer *t)
{
	bool all = platform->zygote_dead(NULL);
	(void)t;
	if (!boot_enter(NULL))
		return;
	lock(&kernel.tasks_lock);
	broken |= all;
	group_for_each_locked(kill_lost, &all);
	unlock(&kernel.tasks_lock);
	boot_leave(NULL);
}

/* The platform's thread may not wait, and tasks_lock is held while a task asks for its CPU time. */
static void stub_died(void)
{
	ktimer_arm(&timer, 0);
}

int boot_watch_stubs(void)
{
	ktimer_init(&timer, lost_fire);
	return platform->watch(stub_died);
}

int boot_broken(struct boot_error *err)
{
	lock(&kernel.tasks_lock);
	bool yes = broken;
	unlock(&kernel.tasks_lock);
	return yes ? boot_fail(err, -EIO,
			       "the process that all programs start from was killed, from outside "
			       "or by the host for lack of memory; the sandbox ended with it")
		   : 0;
}
