/* SPDX-License-Identifier: Apache-2.0 */
/* clock_nanosleep(2) on a CPU clock. */
#pragma once

#include "sentry/task/task.h"

long cpusleep(struct task *t, int clockid, bool absolute, uaddr_t req, uaddr_t rem);
