/* SPDX-License-Identifier: Apache-2.0 */
/* Directory entries: getdents and getdents64. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define DT_UNKNOWN 0
#define DT_FIFO	   1
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_BLK	   6
#define DT_REG	   8
#define DT_LNK	   10
#define DT_SOCK	   12
#define DT_WHT	   14

/* The name follows with its NUL; records are padded to 8 bytes. */
struct abi_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
} __attribute__((packed));
_Static_assert(__builtin_offsetof(struct abi_dirent64, d_name) == 19, "struct linux_dirent64");

/* The old record: the type is the last byte of the record, after the padding. */
struct abi_dirent {
	uint64_t d_ino;
	uint64_t d_off;
	uint16_t d_reclen;
	char d_name[];
} __attribute__((packed));
_Static_assert(__builtin_offsetof(struct abi_dirent, d_name) == 18, "struct linux_dirent");
