/* SPDX-License-Identifier: Apache-2.0 */
/*
 * O_ASYNC: somebody is told when an open file becomes ready.
 *
 * Wake functions run under a queue's lock and may not send signals; so the
 * events are noted, and a timer that is due at once calls `send` on the timer
 * thread with no lock held.
 */
#pragma once

#include "sentry/vfs/file.h"

/* events: EPOLL* that may hold now.  The file is alive during the call. */
typedef void (*async_send_fn)(struct file *f, int fd, uint32_t events);

/* Starts; fd is the descriptor that siginfo will name.  0 or -ENOMEM.  f->wq must exist. */
int file_async_start(struct file *f, int fd, async_send_fn send);
/* Stops; afterwards send is not running.  Fine if it was not started. */
void file_async_stop(struct file *f);
