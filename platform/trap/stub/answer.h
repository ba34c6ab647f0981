/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls answered without the sentry, from struct facts.
 *
 * Time is read with the host's own vDSO, which lies in every stub in the CLOCK_SIZE
 * bytes before the stub's text: the guest and the sentry look at the same clock.  Its
 * code uses general registers only (clock.c looks), and runs on our stack.
 *
 * Two things the signal handler must know of:
 *  1. Where stub_inside_clock() says so, the thread is in the stub although rip is
 *     not: an interrupt is noted as for the stub's text.
 *  2. A SIGSYS there: the host's clock source has changed and the vDSO wants to make
 *     a system call.  The handler puts -ENOSYS into rax and returns; then stub_answer()
 *     hands the call over.
 * A SIGSYS in the vDSO with the guest's own stack is a system call of the guest.
 */
#pragma once

#include "platform/trap/slot.h"

/* Before the text of every stub: the host's vDSO and its data. */
#define CLOCK_SIZE 0x20000

#pragma GCC visibility push(hidden)

/*
 * Where an answered call is counted, for a summary: a counter of the thread's own costs nothing
 * that could be measured, so there is no switch.  Numbers of answered calls differ in these bits.
 */
#define ANSWERED_CALLS(X)                                                                          \
	X(getpid) X(gettid) X(getppid) X(getuid) X(geteuid) X(getgid) X(getegid) X(clock_gettime)  \
	X(gettimeofday) X(time) X(getcpu) X(uname) X(sched_yield)
#define ANSWERED_AT(nr) ((nr) & (ANSWERED_PLACES - 1))

/* True: the call's result is *ret.  False: the sentry must see it, nothing was done. */
bool stub_answer(struct slot *s, uint64_t nr, const uint64_t args[6], int64_t *ret);
bool stub_inside_clock(const struct slot *s, uint64_t rip, uint64_t rsp);

#pragma GCC visibility pop
