/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error numbers: libc has Linux's own values; the four below never leave the kernel.
 *
 * A handler that was interrupted returns one of them; dispatch or signal delivery turns
 * it into EINTR or into a restarted call, depending on the handler that runs:
 *	ERESTARTSYS		restart if SA_RESTART, else EINTR
 *	ERESTARTNOINTR		always restart
 *	ERESTARTNOHAND		restart only if no handler runs
 *	ERESTART_RESTARTBLOCK	restart through restart_syscall(2) if no handler runs
 *
 * On all headers here: constants keep their Linux names, structs are prefixed abi_ so that a
 * file may also see libc's.  Include libc's headers first: several of them declare the same
 * names as enumerators.  The system_header pragma is there because ours then redefine libc's
 * macros, spelled differently, with the same value (tests/unit/abi.c compares).
 */
#pragma once

#include <errno.h>

#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ENOIOCTLCMD	      515
#define ERESTART_RESTARTBLOCK 516

/* The last 4095 values of the address space are errors, everything else is a result. */
#define MAX_ERRNO 4095
