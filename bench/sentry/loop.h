/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry without guests: a platform whose run() never leaves it.
 *
 * It says of each guest thread that it has made the next system call of a list, so what is measured
 * is all that a call costs on our side, task_run() included, and nothing of how it was caught.
 * Guest memory is one arena of ours; all else that the sentry copies in is zeros, and out is
 * forgotten.
 */
#pragma once

#include "platform/platform.h"

struct ctx {
	struct regs regs;
	int op;	   /* of a thread of a crowd: its row; the main thread goes through all */
	long left; /* calls of it */
};

/* Sets the registers to the next call; the last one's result is in rax. */
void steps_next(struct ctx *c);
/* What a new thread is for. */
void steps_thread(struct ctx *c);
/* The part of guest memory that is there. */
bool steps_has(uaddr_t addr, uint64_t size);
