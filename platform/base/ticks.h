/* SPDX-License-Identifier: Apache-2.0 */
/* The processor's own clock: for spans of time that need not be exact. */
#pragma once

#include <x86intrin.h>

#include "types.h"

static inline uint64_t ticks_now(void)
{
	return __rdtsc();
}

/* Measured once by who sets it, before anybody else reads it. */
extern uint64_t ticks_a_us;

static inline int64_t ticks_ns(uint64_t ticks)
{
	return (int64_t)((unsigned __int128)ticks * 1000 / ticks_a_us);
}
