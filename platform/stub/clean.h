/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a child forked from the sentry becomes a zygote: a process that has nothing.
 * Each function is called in that child, in this order; none returns an error:
 * a child that cannot be cleaned ends.
 */
#pragma once

#include "platform/base/types.h"

/* Descriptor sock becomes number 3, all others are closed. */
void clean_descriptors(const int *fds, size_t n);
/*
 * Limits of the host's that would be the guest's: as high as they may be; no core files; no more
 * descriptors than a stub needs.  tasks: how many threads the guest may have; those a guest
 * makes by itself, behind the sentry's back, are then few.  0: it cannot.
 */
void clean_limits(unsigned tasks);
/* No capabilities, no new privileges; the name others see. */
void clean_rights(void);
/* What libc told the kernel about memory that is about to go. */
void clean_libc(void);
/* Dies with its parent, which is still sentry_pid. */
void clean_parent(int sentry_pid);
/*
 * Blocks all signals but faults, SIGSYS and interrupt.  Those go to handler, with
 * restorer, on the signal stack, with interrupt blocked; 0: the default action.
 */
void clean_signals(int interrupt, uint64_t handler, uint64_t restorer);
