/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: what a filter sees, what it may answer, and classic BPF as it comes from the guest. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define SECCOMP_MODE_DISABLED		       0
#define SECCOMP_MODE_STRICT		       1
#define SECCOMP_MODE_FILTER		       2

#define SECCOMP_SET_MODE_STRICT		       0
#define SECCOMP_SET_MODE_FILTER		       1
#define SECCOMP_GET_ACTION_AVAIL	       2
#define SECCOMP_GET_NOTIF_SIZES		       3

#define SECCOMP_FILTER_FLAG_TSYNC	       (1UL << 0)
#define SECCOMP_FILTER_FLAG_LOG		       (1UL << 1)
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW	       (1UL << 2)
#define SECCOMP_FILTER_FLAG_NEW_LISTENER       (1UL << 3)
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH	       (1UL << 4)
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)

/* The smaller as a signed number, the sterner. */
#define SECCOMP_RET_KILL_PROCESS	       0x80000000U
#define SECCOMP_RET_KILL_THREAD		       0x00000000U
#define SECCOMP_RET_TRAP		       0x00030000U
#define SECCOMP_RET_ERRNO		       0x00050000U
#define SECCOMP_RET_USER_NOTIF		       0x7fc00000U
#define SECCOMP_RET_TRACE		       0x7ff00000U
#define SECCOMP_RET_LOG			       0x7ffc0000U
#define SECCOMP_RET_ALLOW		       0x7fff0000U
#define SECCOMP_RET_ACTION_FULL		       0xffff0000U
#define SECCOMP_RET_DATA		       0x0000ffffU

#define AUDIT_ARCH_X86_64		       0xc000003eU

struct abi_seccomp_data {
	int32_t nr;
	uint32_t arch;
	uint64_t instruction_pointer;
	uint64_t args[6];
};
_Static_assert(sizeof(struct abi_seccomp_data) == 64, "struct seccomp_data");

struct abi_sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
_Static_assert(sizeof(struct abi_sock_filter) == 8, "struct sock_filter");

struct abi_sock_fprog {
	uint16_t len;
	uint8_t pad[6];
	uint64_t filter;
};
_Static_assert(sizeof(struct abi_sock_fprog) == 16, "struct sock_fprog");

#define BPF_MAXINSNS 4096
#define BPF_MEMWORDS 16

#define BPF_LD	     0x00
#define BPF_LDX	     0x01
#define BPF_ST	     0x02
#define BPF_STX	     0x03
#define BPF_ALU	     0x04
#define BPF_JMP	     0x05
#define BPF_RET	     0x06
#define BPF_MISC     0x07

#define BPF_W	     0x00
#define BPF_IMM	     0x00
#define BPF_ABS	     0x20
#define BPF_MEM	     0x60
#define BPF_LEN	     0x80

#define BPF_ADD	     0x00
#define BPF_SUB	     0x10
#define BPF_MUL	     0x20
#define BPF_DIV	     0x30
#define BPF_OR	     0x40
#define BPF_AND	     0x50
#define BPF_LSH	     0x60
#define BPF_RSH	     0x70
#define BPF_NEG	     0x80
#define BPF_XOR	     0xa0
#define BPF_JA	     0x00
#define BPF_JEQ	     0x10
#define BPF_JGT	     0x20
#define BPF_JGE	     0x30
#define BPF_JSET     0x40
#define BPF_K	     0x00
#define BPF_X	     0x08
#define BPF_A	     0x10
#define BPF_TAX	     0x00
#define BPF_TXA	     0x80
