/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors 0 to 2 on their way into the sandbox.
 *
 * The open files behind them are shared with the processes outside, so the
 * sentry may not make them non-blocking.  A pipe or terminal can be opened once
 * more, though: then the sentry has an open file of its own, with O_NONBLOCK,
 * and no thread of it ever waits in the host for somebody else's input.
 */
#pragma once

#include "sentry/boot/boot.h"

enum { STDIO = 3 };

struct stdio {
	int fd[STDIO];	/* the second opening, O_NONBLOCK; -1: there is none */
};

/* While we have the caller's rights, and /proc. */
void stdio_reopen(struct stdio *out);
void stdio_close(const struct stdio *s);
/* One descriptor, as it is; fd -1 if it is not open. */
void stdio_look(int fd, struct boot_stdio *out);
/* 0 to 2, with the second openings in their place; all stay the caller's. */
void stdio_describe(const struct stdio *s, struct boot_stdio *out);
/*
 * In the sentry: of two descriptors that are one open file only the first keeps it, so that it is
 * closed when the program closes it.
 */
void stdio_forget_same(const struct boot_stdio *io);
/* In the sentry: puts them in place of 0 to 2 (and closes them), and looks at all. */
void stdio_take(const struct stdio *s, struct boot_stdio *out);
