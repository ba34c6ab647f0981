/* SPDX-License-Identifier: Apache-2.0 */
/* SIGIO: F_SETOWN and its relatives, and what O_ASYNC does.  fcntl(2). */
#pragma once

#include "sentry/task/task.h"
#include "sentry/vfs/file.h"

/* F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. */
long sigio_owner(struct task *t, struct file *f, uint32_t cmd, uint64_t arg);
/* O_ASYNC goes on or off; nothing happens for files that never wake anybody. */
int sigio_switch(struct file *f, int fd, bool on);
