/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signal frame says of an exception where the host has not told it: a
 * tracer sees the signal of its tracee, but neither trap number nor error code.
 * Both follow from signal, code, address and, for reads and writes, from the
 * instruction.
 */
#pragma once

#include "sentry/task/task.h"

/* Fills ev->trapno and ev->error if both are 0; own thread. */
void fault_complete(struct task *t, struct event *ev);
/* True if the instruction writes the memory it names, at `addr`; n bytes of it are known. */
bool insn_writes(const uint8_t *insn, size_t n, const struct regs *r, uaddr_t addr);
