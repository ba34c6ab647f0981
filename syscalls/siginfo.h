/* SPDX-License-Identifier: Apache-2.0 */
/* A siginfo that a program wants to send. */
#pragma once

#include "sentry/mm/copy.h"
#include "syscalls/abi/signal.h"

/*
 * Copies it in; signo becomes sig.  -EFAULT; -E2BIG if bytes are set that no
 * signal of that code has.
 */
int siginfo_copy_in(struct mm *mm, uaddr_t addr, int sig, struct abi_siginfo *out);
