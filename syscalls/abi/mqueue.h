/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define MQ_PRIO_MAX	 32768
/* The kernel's own bounds of a queue, which no limit or right exceeds. */
#define MQ_MAXMSG_HARD	 65536
#define MQ_MSGSIZE_HARD	 (1 << 24)
/* Bytes that SIGEV_THREAD sends to its netlink socket. */
#define NOTIFY_COOKIE_LEN 32

struct abi_mq_attr {
	int64_t flags;
	int64_t maxmsg;
	int64_t msgsize;
	int64_t curmsgs;
	int64_t reserved[4];
};
_Static_assert(sizeof(struct abi_mq_attr) == 64, "struct mq_attr");
