/* SPDX-License-Identifier: Apache-2.0 */
/* What boot knows of file systems and terminals that see tasks. */
#include <errno.h>
#include <stddef.h>

#include "sentry/boot/internal.h"
#include "sentry/task/task.h"
#include "sentry/task/tty_hooks.h"

int boot_register_more(void)
{
	return 0;
}

int boot_bind(struct gofer *g, const struct boot_mount *m, struct fs **out)
{
	(void)g;
	(void)m;
	(void)out;
	return -EOPNOTSUPP;
}

void boot_terminal(struct task *t, int host_fd)
{
	(void)t;
	(void)host_fd;
}

bool boot_signal_foreground(const struct abi_siginfo *info)
{
	(void)info;
	return false;
}

void tty_session_end_locked(struct group *leader)
{
	(void)leader;
}

void tty_share_locked(struct group *child, struct group *parent)
{
	(void)child;
	(void)parent;
}
