/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a page fault was a write, where the host has not told it: a tracer
 * sees the signal of its tracee but not the exception's error code.  Programs
 * with write barriers look at that bit in the signal frame.
 */
#pragma once

#include "sentry/task/task.h"

/* Adds what is missing in ev->error of a page fault; own thread. */
void fault_complete(struct task *t, struct event *ev);
/* True if the instruction writes the memory it names, at `addr`; n bytes of it are known. */
bool insn_writes(const uint8_t *insn, size_t n, const struct regs *r, uaddr_t addr);
