/* SPDX-License-Identifier: Apache-2.0 */
/* sysinfo. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define SI_LOAD_SHIFT 16

struct abi_sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram; /* this and the following in mem_unit bytes */
	uint64_t freeram;
	uint64_t sharedram;
	uint64_t bufferram;
	uint64_t totalswap;
	uint64_t freeswap;
	uint16_t procs;
	uint16_t pad0;
	uint32_t pad1;
	uint64_t totalhigh;
	uint64_t freehigh;
	uint32_t mem_unit;
	uint32_t pad2;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "struct sysinfo");
