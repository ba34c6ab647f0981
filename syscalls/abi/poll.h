/* SPDX-License-Identifier: Apache-2.0 */
/* poll and select. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define POLLIN	   0x0001
#define POLLPRI	   0x0002
#define POLLOUT	   0x0004
#define POLLERR	   0x0008
#define POLLHUP	   0x0010
#define POLLNVAL   0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLMSG	   0x0400
#define POLLREMOVE 0x1000
#define POLLRDHUP  0x2000

struct abi_pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};
_Static_assert(sizeof(struct abi_pollfd) == 8, "struct pollfd");

/* The sixth argument of pselect6: a signal set and its size. */
struct abi_sigset_arg {
	uint64_t ss;
	uint64_t ss_len;
};
_Static_assert(sizeof(struct abi_sigset_arg) == 16, "pselect6 argument");
