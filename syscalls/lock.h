/* SPDX-License-Identifier: Apache-2.0 */
/* The lock commands of fcntl(2). */
#pragma once

#include "sentry/task/task.h"

/* F_GETLK .. F_OFD_SETLKW on an open file (borrowed) that fd named. */
long fcntl_lock(struct task *t, int fd, struct file *f, uint32_t cmd, uaddr_t arg);
