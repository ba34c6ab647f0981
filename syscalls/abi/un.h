/* SPDX-License-Identifier: Apache-2.0 */
/* AF_UNIX addresses. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define UNIX_PATH_MAX 108
#define SIOCUNIXFILE  0x89E0

/* Packed: an address in a buffer may begin anywhere. */
struct __attribute__((packed)) abi_sockaddr_un {
	uint16_t sun_family;
	char sun_path[UNIX_PATH_MAX];
};
_Static_assert(sizeof(struct abi_sockaddr_un) == 110, "struct sockaddr_un");
