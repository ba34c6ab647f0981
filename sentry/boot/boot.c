/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/boot/boot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "platform/host.h"
#include "sentry/boot/internal.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/ipc/mqueue.h"
#include "sentry/res/resources.h"
#include "sentry/fs/devfs/devfs.h"
#include "sentry/task/container.h"
#include "sentry/task/exec.h"
#include "sentry/task/exit.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "sentry/task/uts.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"

/* The newest long-term kernel whose calls we offer most of. */
#define DEFAULT_RELEASE "6.12.0-vedette"
#define DEFAULT_VERSION "#1 SMP PREEMPT_DYNAMIC vedette"

struct group *boot_outside;

int boot_fail(struct boot_error *e, int err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return err;
}

static void set_name(char *to, size_t size, const char *from, const char *dflt)
{
	snprintf(to, size, "%s", from ? from : dflt);
}

struct group *boot_make_group(int tgid)
{
	struct group *g = group_alloc();
	if (g)
		g->actions = sigactions_new();
	if (g && !g->actions) {
		group_put(g);
		return NULL;
	}
	if (g)
		g->tgid = tgid;
	return g;
}

/* Neither is in any table; 1 is what getppid(2) says of both. */
static int make_parents(void)
{
	struct group *reaper = boot_make_group(1);
	boot_outside = boot_make_group(1);
	if (!reaper || !boot_outside)
		return -ENOMEM;
	reaper->reaper = true;
	kernel.init = reaper;
	pid_first.last = 1;
	return 0;
}

void boot_limit(struct boot_container *c, const struct limits *l)
{
	lock(&kernel.tasks_lock);
	c->container->task_limit =
		l->pids_max ? (unsigned)min_u64(l->pids_max, UINT32_MAX) : UINT32_MAX;
	unlock(&kernel.tasks_lock);
	if (c != boot_first) {
		resources_limit_view(&c->container->resources, l);
		return;
	}
	resources_limit(l);
	if (platform->cpus)
		platform->cpus(resources_cpus());
	memfs_set_limit(resources_memory() / 2);
	mq_set_memory(resources_memory() / 8);
}

int boot_init(const struct boot_spec *s, struct boot_error *err)
{
	lock_init(&kernel.tasks_lock, RANK_TASKS);
	waitq_init(&kernel.ended);
	kernel.task_most = s->task_limit ? s->task_limit : BOOT_TASKS;
	kernel.boot_mono_ns = clock_mono_ns();
	kernel.boot_real_ns = clock_real_ns();
	nsset_number_first(s->ns_numbers);
	set_name(uts_first.hostname, sizeof uts_first.hostname, s->hostname, "vedette");
	set_name(uts_first.domainname, sizeof uts_first.domainname, s->domainname, "(none)");
	set_name(kernel.release, sizeof kernel.release, s->release, DEFAULT_RELEASE);
	kernel.uid_map = s->uid_map;
	kernel.gid_map = s->gid_map;
	set_name(kernel.version, sizeof kernel.version, NULL, DEFAULT_VERSION);
	int e = pid_init();
	if (e == 0 && s->as_init)
		e = boot_exec_init();
	if (e == 0 && !s->as_init)
		e = make_parents();
	if (e == 0)
		e = boot_register();
	if (e == 0) {
		usage_set(s->usage);
		boot_limit(boot_first, &s->limits);
	}
	return e < 0 ? boot_fail(err, e, "cannot set up the sandbox: %s", strerror(-e)) : 0;
}

static unsigned visitors; /* tasks_lock */
static bool over;	  /* tasks_lock: nobody may come in any more */

bool boot_enter(struct boot_container *c)
{
	lock(&kernel.tasks_lock);
	bool alive = c ? container_lives_locked(c) : kernel.main_group && !over;
	visitors += alive;
	if (alive && c)
		c->visitors++;
	unlock(&kernel.tasks_lock);
	return alive;
}

void boot_leave(struct boot_container *c)
{
	lock(&kernel.tasks_lock);
	if (c && --c->visitors == 0)
		waitq_wake(&c->container->wq, 0);
	visitors--;
	waitq_wake(&kernel.ended, 0);
	unlock(&kernel.tasks_lock);
}

static void signal_main_pgrp(const struct boot_container *c, const struct abi_siginfo *info)
{
	lock(&kernel.tasks_lock);
	signal_send_pgrp_locked(c->main->pgid, info);
	unlock(&kernel.tasks_lock);
}

static bool signal_any(struct group *g, void *arg)
{
	if (!g->zombie)
		signal_send_group_locked(g, arg);
	return true;
}

/* Who kills the first container wants its sandbox to end, not to wait for the others. */
static void kill_sandbox(void)
{
	struct abi_siginfo info = {.signo = SIGKILL, .code = SI_USER};
	if (!boot_enter(NULL))
		return;
	lock(&kernel.tasks_lock);
	group_for_each_locked(signal_any, &info);
	unlock(&kernel.tasks_lock);
	boot_leave(NULL);
}

/* What boot_watch has told last; SIGCONT from outside makes the next stop a new one. */
static int told_stop; /* a */

void boot_signal(struct boot_container *c, int sig, bool foreground)
{
	struct abi_siginfo info = {.signo = sig, .code = foreground ? SI_KERNEL : SI_USER};
	bool killed = c == boot_first && sig == SIGKILL;
	if (boot_enter(c)) {
		if (container_killed(c, sig))
			;
		else if (!foreground)
			signal_send_group(c->main, &info);
		else if (!hosttty_signal(&c->process.ttys, &info))
			signal_main_pgrp(c, &info);
		if (sig == SIGCONT)
			__atomic_store_n(&told_stop, 0, __ATOMIC_RELEASE);
		boot_leave(c);
	}
	if (killed)
		kill_sandbox();
}

void boot_job(bool away, bool orphaned)
{
	if (!boot_enter(boot_first))
		return;
	hosttty_away(&boot_first->process.ttys, away);
	/* What tied the first process to its session was the parent outside. */
	if (orphaned && boot_outside) {
		lock(&kernel.tasks_lock);
		boot_outside->sid = 0;
		unlock(&kernel.tasks_lock);
	}
	boot_leave(boot_first);
}

static void signal_one(struct group *g, void *arg)
{
	signal_any(g, arg);
}

void boot_signal_all(struct boot_container *c, int sig)
{
	struct abi_siginfo info = {.signo = sig, .code = SI_USER};
	if (boot_enter(c)) {
		if (!container_killed(c, sig)) {
			lock(&kernel.tasks_lock);
			container_for_each_locked(c->container, signal_one, &info);
			unlock(&kernel.tasks_lock);
		}
		boot_leave(c);
	}
	if (c == boot_first && sig == SIGKILL)
		kill_sandbox();
}

/* 0: runs; -ESRCH: has ended. */
static int main_stop(void)
{
	struct group *g = kernel.main_group;
	lock(&kernel.tasks_lock);
	lock(&g->siglock);
	int sig = g->stop == GROUP_STOPPED ? g->stop_sig : 0;
	unlock(&g->siglock);
	if (kernel.main_ended)
		sig = -ESRCH;
	unlock(&kernel.tasks_lock);
	return sig;
}

/* A stop and the end both wake the parent's queue, and so does going on. */
int boot_watch(void)
{
	int now = 0;
	if (!boot_outside || !boot_enter(boot_first))
		return 0;
	do {
		waitq_sleep(&boot_outside->wait_wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
			    (now = main_stop()) != __atomic_load_n(&told_stop, __ATOMIC_ACQUIRE));
		__atomic_store_n(&told_stop, now, __ATOMIC_RELEASE);
	} while (now == 0);
	boot_leave(boot_first);
	return now < 0 ? 0 : now;
}

static bool all_gone(void)
{
	lock(&kernel.tasks_lock);
	bool gone = kernel.ntasks == 0 && visitors == 0;
	over |= gone;
	unlock(&kernel.tasks_lock);
	return gone;
}

static bool main_gone(void)
{
	lock(&kernel.tasks_lock);
	bool gone = kernel.main_ended;
	unlock(&kernel.tasks_lock);
	return gone;
}

static bool kill_first(struct group *g, void *arg)
{
	return pid_ns_below(g->pid_ns, &pid_first) ? signal_any(g, arg) : true;
}

/* As the end of a pid namespace: when the first process has ended, all others in it are killed. */
int boot_wait(void)
{
	struct abi_siginfo kill = {.signo = SIGKILL, .code = SI_KERNEL};
	waitq_sleep(&kernel.ended, 0, WAIT_KILLABLE, WAIT_FOREVER, main_gone());
	lock(&kernel.tasks_lock);
	int status = kernel.exit_status;
	group_for_each_locked(kill_first, &kill);
	unlock(&kernel.tasks_lock);
	waitq_sleep(&kernel.ended, 0, WAIT_KILLABLE, WAIT_FOREVER, all_gone());
	boot_release();
	ktimer_shutdown();
	platform->shutdown();
	return status;
}

int boot_leaks(struct boot_error *err)
{
	return count_check(err->text, sizeof err->text);
}
