/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs that die by themselves: killed from outside, or by the host for want of
 * memory.
 *
 * A thread that runs guest code is seen by its tracer.  One whose guest sleeps in
 * the sentry is not: nobody waits for it.  But the host says SIGCHLD at the end of
 * each traced thread and of each process, wanted or not (at mere stops it does not:
 * SA_NOCLDSTOP).  All threads block it, one reads it from a signalfd, and then tries
 * all host threads: a copy of one byte from one whose memory is gone says ESRCH.
 * It does so at most ten times a second, and never without a SIGCHLD.
 *
 * A dead leader cannot be waited for before its other threads have been, and whoever
 * waits for it may hold what their tracers sleep on.  So they are reaped here.
 */
#include "platform/ptrace/ptrace.h"

#include <errno.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum { STACK_SIZE = 256 << 10 };
static const int64_t REST_NS = NSEC_PER_SEC / 10;

static struct lock watched_lock = LOCK_INIT(RANK_PLATFORM);
static struct list watched = LIST_INIT(watched); /* watched_lock: struct ctx.watch */
static struct list zygotes = LIST_INIT(zygotes); /* watched_lock: struct zygote.link */
static int child_fd = -1; /* signalfd of SIGCHLD: as long as the process lives */
static void (*died)(void);

int watch_init(void)
{
	struct sigaction chld = {.sa_flags = SA_NOCLDSTOP};
	sigset_t set;
	chld.sa_handler = SIG_DFL; /* not SIG_IGN: stubs would reap themselves */
	sigaction(SIGCHLD, &chld, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* all threads are made from this one */
	if (child_fd < 0)
		child_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return child_fd < 0 ? -errno : 0;
}

void watch_add(struct ctx *c)
{
	lock(&watched_lock);
	list_append(&watched, &c->watch);
	unlock(&watched_lock);
}

void watch_remove(struct ctx *c)
{
	lock(&watched_lock);
	list_del(&c->watch);
	unlock(&watched_lock);
}

void watch_zygote(struct zygote *z)
{
	lock(&watched_lock);
	z->dead = false;
	list_append(&zygotes, &z->link);
	unlock(&watched_lock);
}

void unwatch_zygote(struct zygote *z)
{
	lock(&watched_lock);
	list_del(&z->link);
	unlock(&watched_lock);
}

bool stub_gone(int tid)
{
	char byte;
	struct iovec local = {.iov_base = &byte, .iov_len = 1};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)ptrace_host.base, .iov_len = 1};
	return host_vm_read(tid, &local, 1, &remote, 1) == -ESRCH;
}

/* True if that is the first thread of its address space seen to be gone. */
static bool look_at(struct ctx *c)
{
	struct aspace *as = c->as;
	int status;
	/* Its tracer has waited for it: the number may be another's by now. */
	if (atomic_load(&c->reaped) || !stub_gone(c->tid))
		return false;
	if (!c->leader && host_wait(c->tid, &status, WNOHANG) == c->tid)
		atomic_store(&c->reaped, true);
	atomic_store(&as->dead, true);
	bool first = !as->told;
	as->told = true;
	return first;
}

/* True if an address space, or a zygote, has died since the last time. */
static bool look(void)
{
	struct ctx *c;
	struct zygote *z;
	bool found = false;
	lock(&watched_lock);
	list_for_each(c, &watched, watch)
		found |= look_at(c);
	list_for_each(z, &zygotes, link)
		if (!z->dead && stub_gone(z->pid)) {
			__atomic_store_n(&z->dead, true, __ATOMIC_RELEASE);
			found = true;
		}
	unlock(&watched_lock);
	return found;
}

static void *watch_main(void *arg)
{
	static uint32_t never;
	struct signalfd_siginfo info;
	struct iovec iov = {.iov_base = &info, .iov_len = sizeof info};
	int64_t now;
	(void)arg;
	while (host_readv(child_fd, &iov, 1) > 0) {
		if (look())
			died();
		if (host_clock_get(CLOCK_MONOTONIC, &now) == 0)
			host_futex_wait(&never, 0, now + REST_NS);
	}
	return NULL;
}

/* The thread ends with the process: there is nothing it could leave behind. */
int ptrace_watch(void (*fn)(void))
{
	pthread_attr_t attr;
	pthread_t thread;
	if (died)
		return 0;
	died = fn;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	int err = pthread_create(&thread, &attr, watch_main, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

bool ptrace_aspace_dead(struct aspace *as)
{
	return atomic_load(&as->dead);
}

bool ptrace_zygote_dead(struct zygote *z)
{
	return __atomic_load_n(&(z ? z : &ptrace_zygote_first)->dead, __ATOMIC_ACQUIRE);
}
