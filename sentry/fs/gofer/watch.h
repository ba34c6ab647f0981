/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others change in a root on the host, told by the host's inotify.
 *
 * The gofer adds directories to a queue that we read, without waiting, before
 * something that is remembered is believed: the kernel queues an event before
 * the call that caused it returns, so a change that was made before we look is
 * always seen.  Nobody sleeps on the queue, and nothing runs when nothing changes.
 *
 * Events only count: each watched directory has counters for its names (by hash)
 * and for itself.  Who remembers an answer keeps a stamp of the counters from
 * before the question; the answer holds while the stamp does.  Our own changes
 * count too, which costs a question.  Without a watch (too many of them)
 * nothing is remembered.
 */
#pragma once

#include "platform/base/types.h"

struct gofer;
struct watches;
struct watch;

/* NULL where the gofer watches nothing.  -ENOMEM. */
int watches_new(struct gofer *g, struct watches **out);
void watches_free(struct watches *ws);

/* The directory at path, referenced; NULL: it cannot be watched. */
struct watch *watch_path(struct watches *ws, struct gofer *g, unsigned root, const char *path);
struct watch *watch_get(struct watch *w);
void watch_put(struct watch *w);

/* Takes what is queued.  Stamps are compared after it. */
void watches_read(struct watches *ws);
/* 0: no more is told of it.  name NULL: the directory itself, as stat has it. */
uint64_t watch_stamp(const struct watches *ws, const struct watch *w, const char *name);
