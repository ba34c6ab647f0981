/* SPDX-License-Identifier: Apache-2.0 */
/* The only way to guest memory in the stub: copy.S.  All return -1 if a page is not there. */
#pragma once

#include "platform/platform.h"

#pragma GCC visibility push(hidden)
/* 0.  Either may be the guest's. */
int stub_move(void *to, const void *from, uint64_t size);
/* The same, but bytes that are there already are not written: 0 if all of them were, else 1. */
int stub_renew(void *to, const void *from, uint64_t size);
/* Bytes up to and with the NUL; -1 also if there is none within room. */
int64_t stub_string(const void *from, uint64_t room);
/* 0 if all pages of a size > 0 can be written. */
int stub_writable(void *addr, uint64_t size);
/* A fault of an instruction in [begin, end) goes on at failed. */
extern const unsigned char stub_touch_begin[], stub_touch_end[], stub_touch_failed[];
#pragma GCC visibility pop

/* To be asked before each of them: nothing of the stub's own is the guest's to name. */
static inline __attribute__((always_inline)) bool stub_is_guest(uint64_t addr, uint64_t size)
{
	return addr != 0 && addr < USER_TOP && size <= USER_TOP - addr;
}
