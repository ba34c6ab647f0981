/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line for each call, as strace prints it: `12 pipe2([3, 4], O_CLOEXEC) = 0`.
 *
 * Arguments are read at entry, results after the call, and the line is written once, whole,
 * after it; exit and exit_group are written at entry, because they do not return.
 * Trace reads guest memory by itself, a second time after the handler: what it prints is what
 * was there then, and nothing but the line depends on it.
 */
#pragma once

#include "platform/base/types.h"

/* Bytes copied before the first bad page. */
struct trace_mem {
	size_t (*read)(void *ctx, void *dst, uaddr_t src, size_t size);
	void *ctx;
};

/* Where lines go: called with a whole line and its newline, from any thread. */
void strace_setup(void (*emit)(void *ctx, const char *line, size_t size), void *ctx);

/* A call under way; between enter and exit it belongs to the caller's stack. */
struct strace {
	int tid;
	uint32_t nr;
	uint64_t args[6];
	unsigned int nargs; /* that are shown */
	unsigned int at[7]; /* where the text of each begins */
	char text[2048];
};

void strace_enter(struct strace *s, int tid, uint32_t nr, const uint64_t args[6],
		  const struct trace_mem *mem);
void strace_exit(struct strace *s, long ret, const struct trace_mem *mem);
