/* SPDX-License-Identifier: Apache-2.0 */
/* The end: everything is given back, so that what is left over is a leak. */
#include "sentry/boot/internal.h"
#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/ipc/ipc.h"
#include "sentry/task/container.h"
#include "sentry/task/reap.h"
#include "sentry/task/task.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/inode.h"

static bool reap_zombie(struct group *g, void *arg)
{
	(void)arg;
	if (g->zombie)
		group_reap_locked(g, /*waited=*/false);
	return true;
}

void boot_release(void)
{
	lock(&kernel.tasks_lock);
	group_for_each_locked(reap_zombie, NULL);
	unlock(&kernel.tasks_lock);
	if (kernel.main_group)
		group_put(STEAL(kernel.main_group));
	if (kernel.init)
		group_put(STEAL(kernel.init));
	if (boot_outside)
		group_put(STEAL(boot_outside));
	if (boot_first->main)
		group_put(STEAL(boot_first->main));
	hosttty_release(&boot_first->process.ttys);
	boot_exec_release();
	/* Nobody waits any more; a wake-up under way may hold the last reference to a file. */
	hostfile_shutdown();
	devpts_end(&container_first);
	boot_changes_release(boot_first);
	mount_ns_put(STEAL(boot_first->mounts));
	ipc_release();
	memfs_release();
	anon_release();
}
