/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of buffers. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define UIO_FASTIOV 8
#define UIO_MAXIOV  1024

struct abi_iovec {
	uint64_t iov_base;
	uint64_t iov_len;
};
_Static_assert(sizeof(struct abi_iovec) == 16, "struct iovec");

#define RWF_HIPRI     0x00000001
#define RWF_DSYNC     0x00000002
#define RWF_SYNC      0x00000004
#define RWF_NOWAIT    0x00000008
#define RWF_APPEND    0x00000010
#define RWF_NOAPPEND  0x00000020
#define RWF_ATOMIC    0x00000040
#define RWF_DONTCACHE 0x00000080
#define RWF_NOSIGNAL  0x00000100

/* No transfer is longer: INT_MAX rounded down to a page. */
#define ABI_MAX_RW_COUNT 0x7ffff000
