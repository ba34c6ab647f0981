/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of another process as its debugger sees it: ptrace, /proc/PID/mem. */
#pragma once

#include "sentry/task/task.h"

struct file;

/*
 * Copies whatever the protection says, as long as exe (referenced by the caller) is the program
 * in mm: bytes done before the first that cannot be, -ESRCH if it is another program by now,
 * -EINTR.  No lock held.
 */
ssize_t mem_read(struct mm *mm, const struct file *exe, void *dst, uaddr_t src, size_t size);
ssize_t mem_write(struct mm *mm, const struct file *exe, uaddr_t dst, const void *src, size_t size);
