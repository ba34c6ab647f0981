/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/siginfo.h"

#include <string.h>

#include "syscalls/abi/errno.h"

/* What the kernel keeps; the rest of the 128 bytes is for layouts to come. */
enum { SIGINFO_KEPT = 48, CODES_POLL = 6 };

/* The highest si_code the kernel itself gives with a signal; 0: none of its own. */
static int highest_code(int sig)
{
	switch (sig) {
	case SIGILL:
		return 11;
	case SIGFPE:
		return 15;
	case SIGSEGV:
		return 10;
	case SIGBUS:
		return 5;
	case SIGTRAP:
		return 6;
	case SIGCHLD:
	case SIGPOLL:
		return 6;
	case SIGSYS:
		return 2;
	default:
		return 0;
	}
}

static bool known_layout(int sig, int code)
{
	if (code == SI_KERNEL || code == SI_ASYNCNL)
		return true;
	if (code > SI_USER)
		return code <= (highest_code(sig) ? highest_code(sig) : CODES_POLL);
	return code >= SI_DETHREAD;
}

int siginfo_copy_in(struct mm *mm, uaddr_t addr, int sig, struct abi_siginfo *out)
{
	static const unsigned char zero[sizeof *out - SIGINFO_KEPT];
	unsigned char *rest = (unsigned char *)out + SIGINFO_KEPT;

	if (copy_in(mm, out, addr, sizeof *out) < 0)
		return -EFAULT;
	out->signo = sig;
	if (!known_layout(sig, out->code) && memcmp(rest, zero, sizeof zero) != 0)
		return -E2BIG;
	memset(rest, 0, sizeof zero);
	return 0;
}
