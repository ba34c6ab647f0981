/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/task/seccomp/bpf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"

enum { DATA_SIZE = sizeof(struct abi_seccomp_data), CONSTANT_SIZE = 8 };

/* clang-format off */
static bool code_known(uint16_t code)
{
	switch (code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_LEN: case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LD | BPF_IMM: case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_MEM: case BPF_LDX | BPF_MEM:
	case BPF_ST: case BPF_STX:
	case BPF_ALU | BPF_ADD | BPF_K: case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K: case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K: case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_K: case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K: case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:  case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K: case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_K: case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K: case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K: case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K: case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K: case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K: case BPF_JMP | BPF_JSET | BPF_X:
	case BPF_RET | BPF_K: case BPF_RET | BPF_A:
	case BPF_MISC | BPF_TAX: case BPF_MISC | BPF_TXA:
		return true;
	default:
		return false;
	}
}
/* clang-format on */

static uint16_t class_of(const struct abi_sock_filter *f)
{
	return f->code & 7;
}

static bool jumps_if(const struct abi_sock_filter *f)
{
	return class_of(f) == BPF_JMP && f->code != (BPF_JMP | BPF_JA);
}

static bool operands_ok(const struct abi_sock_filter *f, size_t left)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return f->k < DATA_SIZE && f->k % 4 == 0;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return f->k < BPF_MEMWORDS;
	case BPF_ALU | BPF_DIV | BPF_K:
		return f->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return f->k < 32;
	case BPF_JMP | BPF_JA:
		return f->k < left;
	default:
		return !jumps_if(f) || (f->jt < left && f->jf < left);
	}
}

/*
 * Which scratch words are written on every way to an instruction: all ways to it come from
 * before it, so one pass is enough.  What nothing leads to may read anything.
 */
static bool memory_ok(const struct abi_sock_filter *prog, size_t n, uint16_t *written)
{
	memset(written, 0xff, n * sizeof *written);
	written[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const struct abi_sock_filter *f = &prog[i];
		uint16_t now = written[i];
		switch (f->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (uint16_t)(1u << f->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if (!(now & 1u << f->k))
				return false;
			break;
		default:
			break;
		}
		if (i + 1 == n)
			break;
		/* A return counts as going on, as in Linux. */
		if (f->code == (BPF_JMP | BPF_JA)) {
			written[i + 1 + f->k] &= now;
		} else if (jumps_if(f)) {
			written[i + 1 + f->jt] &= now;
			written[i + 1 + f->jf] &= now;
		} else {
			written[i + 1] &= now;
		}
	}
	return true;
}

int bpf_check(const struct abi_sock_filter *prog, size_t n)
{
	if (n == 0 || n > BPF_MAXINSNS || class_of(&prog[n - 1]) != BPF_RET)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!code_known(prog[i].code) || !operands_ok(&prog[i], n - i - 1))
			return -EINVAL;
	autofree uint16_t *written = malloc(n * sizeof *written);
	if (!written)
		return -ENOMEM;
	return memory_ok(prog, n, written) ? 0 : -EINVAL;
}

struct machine {
	uint32_t a, x, mem[BPF_MEMWORDS];
	const unsigned char *data;
	size_t size; /* how much of it is known */
};

/* False: division by zero, which ends the program with 0. */
static bool alu(struct machine *m, const struct abi_sock_filter *f)
{
	uint32_t v = f->code & BPF_X ? m->x : f->k;

	switch (f->code & 0xf0) {
	case BPF_ADD:
		m->a += v;
		break;
	case BPF_SUB:
		m->a -= v;
		break;
	case BPF_MUL:
		m->a *= v;
		break;
	case BPF_DIV:
		if (v == 0)
			return false;
		m->a /= v;
		break;
	case BPF_AND:
		m->a &= v;
		break;
	case BPF_OR:
		m->a |= v;
		break;
	case BPF_XOR:
		m->a ^= v;
		break;
	case BPF_LSH:
		m->a <<= v & 31;
		break;
	case BPF_RSH:
		m->a >>= v & 31;
		break;
	default: /* BPF_NEG */
		m->a = -m->a;
		break;
	}
	return true;
}

static bool compare(const struct machine *m, const struct abi_sock_filter *f)
{
	uint32_t v = f->code & BPF_X ? m->x : f->k;

	switch (f->code & 0xf0) {
	case BPF_JEQ:
		return m->a == v;
	case BPF_JGT:
		return m->a > v;
	case BPF_JGE:
		return m->a >= v;
	default: /* BPF_JSET */
		return m->a & v;
	}
}

/* Everything that moves a word; false: it is not known. */
static bool move(struct machine *m, const struct abi_sock_filter *f)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (f->k >= m->size)
			return false;
		memcpy(&m->a, m->data + f->k, sizeof m->a);
		break;
	case BPF_LD | BPF_W | BPF_LEN:
		m->a = DATA_SIZE;
		break;
	case BPF_LDX | BPF_W | BPF_LEN:
		m->x = DATA_SIZE;
		break;
	case BPF_LD | BPF_IMM:
		m->a = f->k;
		break;
	case BPF_LDX | BPF_IMM:
		m->x = f->k;
		break;
	case BPF_LD | BPF_MEM:
		m->a = m->mem[f->k];
		break;
	case BPF_LDX | BPF_MEM:
		m->x = m->mem[f->k];
		break;
	case BPF_ST:
		m->mem[f->k] = m->a;
		break;
	case BPF_STX:
		m->mem[f->k] = m->x;
		break;
	case BPF_MISC | BPF_TAX:
		m->x = m->a;
		break;
	default: /* BPF_TXA */
		m->a = m->x;
		break;
	}
	return true;
}

static bool run(struct machine *m, const struct abi_sock_filter *f, uint32_t *out)
{
	for (;; f++) {
		switch (class_of(f)) {
		case BPF_RET:
			*out = f->code == (BPF_RET | BPF_K) ? f->k : m->a;
			return true;
		case BPF_ALU:
			if (!alu(m, f)) {
				*out = 0;
				return true;
			}
			break;
		case BPF_JMP:
			if (f->code == (BPF_JMP | BPF_JA))
				f += f->k;
			else
				f += compare(m, f) ? f->jt : f->jf;
			break;
		default:
			if (!move(m, f))
				return false;
		}
	}
}

uint32_t bpf_run(const struct abi_sock_filter *prog, const struct abi_seccomp_data *data)
{
	struct machine m = {.data = (const unsigned char *)data, .size = DATA_SIZE};
	uint32_t ret = 0;
	bool known = run(&m, prog, &ret);

	assert(known);
	return ret;
}

bool bpf_run_constant(const struct abi_sock_filter *prog, int nr, uint32_t *out)
{
	const struct abi_seccomp_data data = {.nr = nr, .arch = AUDIT_ARCH_X86_64};
	struct machine m = {.data = (const unsigned char *)&data, .size = CONSTANT_SIZE};

	return run(&m, prog, out);
}
