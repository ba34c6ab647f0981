/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told that a file became ready, and how.
 *
 * The signal is sent by the right of whoever named the receiver: his ids are
 * kept with the file, and compared with the receiver's at each signal.
 */
#include "syscalls/sigio.h"

#include <string.h>

#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/async.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

#define LOAD(x)	    __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* The id of who goes by that number; 0: nobody. */
static int owner_id(int type, int nr)
{
	lock(&kernel.tasks_lock);
	int id = pid_id_here_locked(nr);
	bool found = type == F_OWNER_PGRP  ? pgrp_exists_locked(id, 0)
		     : type == F_OWNER_TID ? task_by_id_locked(id) != NULL
					   : group_by_id_locked(id) != NULL;
	unlock(&kernel.tasks_lock);
	return found ? id : 0;
}

static long set_owner(struct task *t, struct file *f, int type, int nr)
{
	if (nr < 0)
		return -EINVAL;
	int id = nr ? owner_id(type, nr) : 0;
	if (nr && !id)
		return -ESRCH;
	STORE(f->owner_type, type);
	STORE(f->owner_uid, task_cred_self(t)->ruid);
	STORE(f->owner_euid, task_cred_self(t)->euid);
	STORE(f->owner_pid, id);
	return 0;
}

long sigio_owner(struct task *t, struct file *f, uint32_t cmd, uint64_t arg)
{
	struct abi_f_owner_ex ex = {LOAD(f->owner_type), pid_here(LOAD(f->owner_pid))};
	int id = (int)arg, err;

	switch (cmd) {
	case F_SETOWN:
		if (id == INT32_MIN)
			return -EINVAL;
		return set_owner(t, f, id < 0 ? F_OWNER_PGRP : F_OWNER_PID, id < 0 ? -id : id);
	case F_GETOWN:
		/* The C library asks F_GETOWN_EX: a group's number looks like an error here. */
		return ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid;
	case F_SETOWN_EX:
		err = copy_in(t->mm, &ex, arg, sizeof ex);
		if (err < 0)
			return err;
		if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(t, f, ex.type, ex.pid);
	case F_GETOWN_EX:
		return copy_out(t->mm, arg, &ex, sizeof ex);
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		STORE(f->owner_sig, (int32_t)arg);
		return 0;
	default:
		return LOAD(f->owner_sig);
	}
}

static bool may_signal(const struct file *f, struct task *to)
{
	uint32_t uid = LOAD(f->owner_uid), euid = LOAD(f->owner_euid);
	autoput(cred) struct cred *c = task_cred(to);

	return euid == 0 || euid == c->suid || euid == c->ruid || uid == c->suid || uid == c->ruid;
}

/* Without F_SETSIG the signal says nothing but its number. */
static void info_fill(struct abi_siginfo *info, const struct file *f, int fd, uint32_t events)
{
	static const struct {
		uint32_t events, band;
		int code;
	} map[] = {
		{EPOLLERR, EPOLLERR, POLL_ERR},
		{EPOLLHUP | EPOLLRDHUP, EPOLLHUP | EPOLLERR, POLL_HUP},
		{EPOLLPRI, EPOLLPRI | EPOLLRDBAND, POLL_PRI},
		{EPOLLIN | EPOLLRDNORM, EPOLLIN | EPOLLRDNORM, POLL_IN},
		{EPOLLOUT | EPOLLWRNORM, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND, POLL_OUT},
	};
	int sig = LOAD(f->owner_sig);

	memset(info, 0, sizeof *info);
	info->signo = sig ? sig : SIGIO;
	info->code = SI_KERNEL;
	for (size_t i = 0; sig && i < ARRAY_SIZE(map); i++) {
		if (!(events & map[i].events))
			continue;
		info->code = map[i].code;
		info->poll.band = map[i].band;
		info->poll.fd = fd;
	}
}

struct to_pgrp {
	const struct file *f;
	const struct abi_siginfo *info;
	int pgid;
};

static bool signal_member(struct group *g, void *arg)
{
	struct to_pgrp *to = arg;

	if (g->pgid == to->pgid && !g->zombie && g->leader && may_signal(to->f, g->leader))
		(void)signal_send_group_locked(g, to->info);
	return true;
}

static void sigio_send(struct file *f, int fd, uint32_t events)
{
	int type = LOAD(f->owner_type), id = LOAD(f->owner_pid);
	struct abi_siginfo info;

	if (!id)
		return;
	info_fill(&info, f, fd, events);
	if (type == F_OWNER_PGRP) {
		struct to_pgrp to = {f, &info, id};
		lock(&kernel.tasks_lock);
		group_for_each_locked(signal_member, &to);
		unlock(&kernel.tasks_lock);
		return;
	}
	lock(&kernel.tasks_lock);
	autoput(task) struct task *t = task_by_id_locked(id);
	if (t)
		task_get(t);
	unlock(&kernel.tasks_lock);
	if (!t || !may_signal(f, t))
		return;
	int err = type == F_OWNER_TID ? signal_send_task(t, &info)
				      : signal_send_group(t->group, &info);
	/* The queue is full: the old signal says that something was lost. */
	if (err == -EAGAIN) {
		info = (struct abi_siginfo){.signo = SIGIO, .code = SI_KERNEL};
		(void)signal_send_group(t->group, &info);
	}
}

int sigio_switch(struct file *f, int fd, bool on)
{
	if (!f->wq)
		return 0;
	if (on)
		return file_async_start(f, fd, sigio_send);
	file_async_stop(f);
	return 0;
}
