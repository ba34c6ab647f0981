/* SPDX-License-Identifier: Apache-2.0 */
/* What boot knows of file systems and terminals that see tasks. */
#include <errno.h>
#include <stddef.h>

#include "platform/base/log.h"
#include "sentry/boot/internal.h"
#include "sentry/task/task.h"
#include "sentry/tty/tty.h"

int boot_register_more(void)
{
	int err = fs_register("devpts", devpts_make);
	return err < 0 ? err : pty_init();
}

int boot_bind(struct gofer *g, const struct boot_mount *m, struct fs **out)
{
	(void)g;
	(void)m;
	(void)out;
	return -EOPNOTSUPP;
}

void boot_terminal(struct task *t, struct file *f)
{
	if (hosttty_attach(t, f) < 0)
		log_warning("no controlling terminal inside: out of memory");
}

bool boot_signal_foreground(const struct abi_siginfo *info)
{
	return hosttty_signal(info);
}
