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

/* True: the call's result is *ret.  False: the sentry must see it, nothing was done. */
bool stub_answer(struct slot *s, uint64_t nr, const uint64_t args[6], int64_t *ret);
bool stub_inside_clock(const struct slot *s, uint64_t rip, uint64_t rsp);

#pragma GCC visibility pop
