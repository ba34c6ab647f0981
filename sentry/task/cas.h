/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compare and swap on a word of guest memory.
 *
 * No old host lets one process do that in another's private memory, so the calling
 * thread does it itself: its registers are put aside and it runs one instruction of
 * the vDSO.  Other threads may take that page away or change it: what they then
 * get is what their own code does in their own memory, and the call fails.
 */
#pragma once

#include "sentry/task/task.h"

/*
 * Own thread, in a system call, no lock held.  0, and *old is what was there: it has become
 * new if that is what *old was.  -EFAULT; -ERESTARTNOINTR: the task is being killed.
 */
int task_cas(struct task *t, uaddr_t addr, uint32_t *old, uint32_t new);
