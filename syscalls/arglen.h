/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The length column of argkind.def as three constants: enum arg_len, distance, unit.
 * For files that expand argkind.def; the structs it names must be known there.
 */
#pragma once

#include "syscalls/table.h"

#define LEN_NOLEN     LEN_NONE, 0, 0
#define LEN_OF(type)  LEN_FIXED, 0, sizeof(type)
#define LEN_ARG(d, u) LEN_BY_ARG, d, u
#define LEN_RET(d, u) LEN_BY_RET, d, u
#define LEN_STR	      LEN_STRING, 0, 1
#define LEN_STRV      LEN_STRINGS, 0, 8
#define LEN_LENP(d)   LEN_BY_POINTER, d, 1
#define LEN_BITS      LEN_FDBITS, 0, 8
#define LEN_PAGES(d)  LEN_PAGEVEC, d, 1
#define LEN_IOV(d)    LEN_IOVEC, d, 16
#define LEN_MSG	      LEN_MSGHDR, 0, 56
#define LEN_MMSG(d)   LEN_MMSGHDR, d, 64
#define LEN_HANDLER   LEN_BY_HANDLER, 0, 0
