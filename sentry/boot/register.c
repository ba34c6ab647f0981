/* SPDX-License-Identifier: Apache-2.0 */
/* What boot knows of file systems and terminals that see tasks. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "platform/base/log.h"
#include "sentry/boot/internal.h"
#include "sentry/fs/gofer/goferfs.h"
#include "sentry/ipc/mqueue.h"
#include "sentry/procfs/procfs.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/task/task.h"
#include "sentry/tty/tty.h"

int boot_register_more(void)
{
	static const struct {
		const char *type;
		fs_make_fn make;
		int who;
	} types[] = {
		{"devpts", devpts_make, FS_SHARED},
		{"mqueue", mq_make_fs, FS_USERNS},
		{"proc", procfs_make, FS_USERNS},
		{"sysfs", sysfs_make, FS_USERNS},
		{"cgroup2", cgroupfs_make, FS_USERNS},
	};
	int err = 0;

	resources_from_host();
	memory_from_host();
	procfs_from_host();
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(types); i++)
		err = fs_register(types[i].type, types[i].make, types[i].who);
	return err < 0 ? err : pts_init();
}

int boot_bind(struct gofer *g, const struct boot_mount *m, struct fs **out)
{
	return goferfs_new(g, m->root, GOFERFS_SHARED, out);
}

int boot_root(const struct boot_spec *s, struct fs **out)
{
	return goferfs_new(s->gofer, 0, s->root_layered ? GOFERFS_LAYERED : GOFERFS_WATCHED, out);
}

void boot_terminal(struct hosttty_set *set, struct task *t, struct file **f)
{
	int err = hosttty_attach(set, t, f);
	if (err < 0)
		log_warning("no controlling terminal inside: %s", strerror(-err));
}
