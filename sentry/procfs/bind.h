/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory a file was opened for.
 *
 * The right to look at a process is checked when /proc/PID/{mem,maps,environ,auxv}
 * are opened, and must not outlive the program it was checked for: execve(2) may
 * put a set-id program into the same struct mm.  Each exec opens its program anew
 * and a reference to the struct file is kept here, so as long as mm->exe is still
 * that file, the program is still the same.
 */
#pragma once

#include "sentry/procfs/tree.h"

struct binding {
	struct mm *mm;		/* I; our reference; NULL: a zombie has none */
	struct file *exe;	/* I; our reference */
};

/* Binds to n's task, then checks that the caller may inspect it: -ESRCH, -EACCES. */
int binding_make(struct binding *b, const struct proc_node *n);
void binding_drop(struct binding *b);
/* The memory, borrowed, or NULL if another program is in it by now. */
struct mm *binding_mm(const struct binding *b);
/* Copies as far as the memory goes, only while it is the same program; -ESRCH if it is not. */
ssize_t binding_read(const struct binding *b, void *dst, uaddr_t src, size_t size);
ssize_t binding_write(const struct binding *b, uaddr_t dst, const void *src, size_t size);
