/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All tasks of a container stand still, as those in a freezer cgroup, by the sentry's own doing.
 *
 * Who is in guest code leaves it and sleeps; who sleeps in a call goes on sleeping,
 * whatever wakes it meanwhile, and looks when it may go on.  Clocks run, timers fire:
 * what they did is seen afterwards.  Nobody inside is told, no parent, no tracer.
 * Only a fatal signal reaches who stands still; who is ending ends.
 */
#pragma once

#include <stdint.h>

struct container;
struct task;

/*
 * Returns when no task of it runs guest code any more: 0.  -ETIMEDOUT: a guest that knows its stub does
 * not let itself be interrupted; -ENOMEM.  Then all go on.  One caller at a time for each container, no task.
 */
int container_pause(struct container *c, int64_t deadline_ns);
void container_resume(struct container *c);

/* A new task, before it runs; tasks_lock held. */
void pause_inherit_locked(struct task *t);
/* t, the caller, ends. */
void pause_leave(struct task *t);
