/* SPDX-License-Identifier: Apache-2.0 */
/* Random classic BPF programs, most of them nearly right. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/task/seccomp/bpf.h"

static uint64_t random_state = 0x853c49e6748fea9bull;

static inline uint32_t pick(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static const uint16_t good_codes[] = {
	BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_W | BPF_ABS,
	BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN, BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM,
	BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_ST, BPF_STX, BPF_MISC | BPF_TAX,
	BPF_MISC | BPF_TXA, BPF_ALU | BPF_NEG, BPF_JMP | BPF_JA, BPF_RET | BPF_K, BPF_RET | BPF_A,
};
static const uint16_t alu_codes[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
				     BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH};
static const uint16_t jump_codes[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
static const uint32_t edges[] = {0,  1,	 2,	 4,	     31,	 32,	     60,
				 62, 64, 0x7fff, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};

static inline uint32_t word(void)
{
	return pick(2) ? edges[pick(sizeof edges / sizeof *edges)] : (uint32_t)random_state;
}

static inline struct abi_sock_filter random_insn(size_t left)
{
	struct abi_sock_filter f = {.k = word()};
	uint16_t source = pick(2) ? BPF_X : BPF_K;

	switch (pick(8)) {
	case 0:
	case 1:
		f.code = (uint16_t)(BPF_ALU | source | alu_codes[pick(9)]);
		if (pick(8))
			f.k = 1 + pick(31);
		break;
	case 2:
	case 3:
		f.code = (uint16_t)(BPF_JMP | source | jump_codes[pick(4)]);
		f.jt = (uint8_t)pick(left > 1 ? (uint32_t)left : 2);
		f.jf = (uint8_t)pick(left > 1 ? (uint32_t)left : 2);
		break;
	default:
		f.code = good_codes[pick(sizeof good_codes / sizeof *good_codes)];
		if (f.code == (BPF_LD | BPF_W | BPF_ABS) && pick(16))
			f.k = 4 * pick(16);
		else if (f.code == (BPF_JMP | BPF_JA) && pick(16))
			f.k = pick(left > 1 ? (uint32_t)left : 2);
		else if (f.code != (BPF_RET | BPF_K) && pick(16))
			f.k = pick(3);
		else if (f.code == (BPF_RET | BPF_K))
			f.k = SECCOMP_RET_ERRNO | pick(4096);
	}
	if (pick(200) == 0)
		f.code = (uint16_t)pick(0x10000);
	return f;
}

/* n instructions, the last of which returns a number of twelve bits as an errno, or nearly always. */
static inline void random_program(struct abi_sock_filter *prog, size_t n)
{
	for (size_t i = 0; i < n; i++)
		prog[i] = random_insn(n - i - 1);
	/* What a program starts with is known, so that more of them are taken. */
	for (size_t i = 0; i < 3 && i + 4 < n; i++)
		prog[i] = (struct abi_sock_filter){.code = BPF_ST, .k = (uint32_t)i};
	if (n >= 3 && pick(32)) {
		prog[n - 3] = (struct abi_sock_filter){.code = BPF_ALU | BPF_AND | BPF_K, .k = 0xfff};
		prog[n - 2] = (struct abi_sock_filter){.code = BPF_ALU | BPF_OR | BPF_K,
						       .k = SECCOMP_RET_ERRNO};
		prog[n - 1] = (struct abi_sock_filter){.code = BPF_RET | BPF_A};
	}
}

static inline struct abi_seccomp_data random_data(void)
{
	struct abi_seccomp_data d = {.nr = (int)pick(512), .arch = AUDIT_ARCH_X86_64};
	d.instruction_pointer = (uint64_t)word() << 32 | word();
	for (int i = 0; i < 6; i++)
		d.args[i] = (uint64_t)word() << 32 | word();
	return d;
}
