/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of /proc/PID/fdinfo/FD that depend on the kind of file: proc_pid_fdinfo(5). */
#include "sentry/fs/epoll/epoll.h"
#include "sentry/fs/eventfd/eventfd.h"
#include "sentry/fs/inotify/inotify.h"
#include "sentry/fs/timerfd/timerfd.h"
#include "sentry/task/pidns.h"
#include "sentry/procfs/pid.h"
#include "sentry/task/pidfd.h"
#include "sentry/task/signalfd.h"

static void put_epoll(int fd, struct file *target, const struct abi_epoll_event *ev, void *arg)
{
	text_printf(arg, "tfd: %8d events: %8x data: %16llx  pos:%lld ino:%llx sdev:%llx\n", fd,
		    ev->events, (unsigned long long)ev->data,
		    (long long)pid_file_pos(target),
		    (unsigned long long)target->inode->ino,
		    (unsigned long long)target->inode->fs->dev);
}

static void put_inotify(int wd, const struct inode *i, uint32_t mask, void *arg)
{
	text_printf(arg, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0\n", (unsigned)wd,
		    (unsigned long long)i->ino, (unsigned long long)i->fs->dev, mask);
}

static void put_timerfd(struct file *f, struct text *out)
{
	struct timerfd_spec left;
	int clock;
	uint64_t ticks = timerfd_ticks(f, &clock);

	timerfd_get(f, &left);
	text_printf(out, "clockid: %d\nticks: %llu\nsettime flags: 00\n", clock,
		    (unsigned long long)ticks);
	text_printf(out, "it_value: (%lld, %lld)\nit_interval: (%lld, %lld)\n",
		    (long long)(left.value_ns / NSEC_PER_SEC),
		    (long long)(left.value_ns % NSEC_PER_SEC),
		    (long long)(left.interval_ns / NSEC_PER_SEC),
		    (long long)(left.interval_ns % NSEC_PER_SEC));
}

/* -1: it has been reaped. */
static void put_pidfd(struct file *f, struct text *out)
{
	struct group *g = pidfd_group(f);
	int pid = -1;

	lock(&kernel.tasks_lock);
	if (g && group_by_id_locked(g->tgid) == g)
		pid = pid_here_locked(g->tgid);
	unlock(&kernel.tasks_lock);
	text_printf(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

void pid_fdinfo_special(struct file *f, struct text *out)
{
	switch (f->kind) {
	case FILE_EVENTFD:
		text_printf(out, "eventfd-count: %16llx\n", (unsigned long long)eventfd_count(f));
		break;
	case FILE_EPOLL:
		epoll_for_each(f, put_epoll, out);
		break;
	case FILE_SIGNALFD:
		text_printf(out, "sigmask:\t%016llx\n", (unsigned long long)signalfd_mask(f));
		break;
	case FILE_TIMERFD:
		put_timerfd(f, out);
		break;
	case FILE_INOTIFY:
		inotify_for_each(f, put_inotify, out);
		break;
	case FILE_PIDFD:
		put_pidfd(f, out);
		break;
	default:
		break;
	}
}
