/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/pidfd.h"

#include "sentry/vfs/file.h"
#include "syscalls/abi/epoll.h"

/* Readable from the end on; hung up once somebody has waited. */
static uint32_t pidfd_poll(struct file *f)
{
	struct group *g = f->priv;
	uint32_t events = 0;

	lock(&kernel.tasks_lock);
	if (g->zombie)
		events = EPOLLIN | EPOLLRDNORM;
	if (g->zombie && group_by_id_locked(g->tgid) != g)
		events |= EPOLLHUP;
	unlock(&kernel.tasks_lock);
	return events;
}

static void pidfd_release(struct file *f)
{
	group_put(f->priv);
}

static const struct file_ops pidfd_ops = {
	.read = file_noread,
	.write = file_nowrite,
	.seek = file_noseek,
	.poll = pidfd_poll,
	.ioctl = file_noioctl,
	FILE_NO_DATA,
	.flush = file_noflush,
	.release = pidfd_release,
};

/* There are no descriptors for single threads: t is always the leader. */
int pidfd_file_new(struct group *g, struct task *t, const struct cred *cred, uint32_t flags,
		   struct file **out)
{
	(void)t;
	int err = file_new_anon(&pidfd_ops, FILE_PIDFD, group_get(g), "[pidfd]", cred, flags, out);
	if (err < 0) {
		group_put(g);
		return err;
	}
	(*out)->wq = &g->exit_wq;
	return 0;
}

struct group *pidfd_group(const struct file *f)
{
	return f->kind == FILE_PIDFD ? f->priv : NULL;
}
