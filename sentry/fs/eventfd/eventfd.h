/* SPDX-License-Identifier: Apache-2.0 */
/* A counter behind a descriptor: eventfd(2). */
#pragma once

#include "sentry/vfs/file.h"

/* flags: EFD_SEMAPHORE, EFD_NONBLOCK.  -ENFILE, -ENOMEM. */
int eventfd_new(const struct cred *cred, uint32_t count, uint32_t flags, struct file **out);
/* Adds to the counter of an eventfd (for asynchronous I/O); clamped, never blocks. */
void eventfd_signal(struct file *f, uint64_t n);
/* For /proc/PID/fdinfo: the counter; f is of kind FILE_EVENTFD. */
uint64_t eventfd_count(struct file *f);
