/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder knows opcodes and not operands: an instruction has at most one
 * explicit memory operand, and the opcode says whether that is written.  Where
 * an implicit one (stack, rsi, rdi) is the other, the address decides.
 */
#include "sentry/task/fault_x86.h"

#include "sentry/mm/copy.h"

enum {
	TRAP_PAGE = 14,
	ERROR_PRESENT = 1,
	ERROR_WRITE = 2,
	ERROR_USER = 4,
	ERROR_FETCH = 16,
	INSN_MAX = 15,
};

/* Opcode maps: one byte, 0F, 0F 38, 0F 3A. */
struct insn {
	unsigned map; /* 0 .. 3 */
	uint8_t opcode;
	uint8_t reg; /* of the ModRM byte */
	bool vex;
	bool rep, repne; /* F3, F2 */
};

/* clang-format off */
static bool is_prefix(uint8_t b)
{
	switch (b) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return false;
	}
}
/* clang-format on */

/* VEX and EVEX hold map and prefix in their second to fourth byte: *at moves over them. */
static bool decode_vex(const uint8_t *p, size_t n, size_t *at, struct insn *out)
{
	uint8_t lead = p[*at], pp;
	size_t size = lead == 0xc5 ? 2 : lead == 0xc4 ? 3 : 4;

	if (*at + size >= n)
		return false;
	out->vex = true;
	out->map = lead == 0xc5 ? 1 : p[*at + 1] & 3;
	pp = p[*at + (lead == 0xc5 ? 1 : 2)] & 3;
	out->rep = pp == 2;
	out->repne = pp == 3;
	*at += size;
	return true;
}

static bool decode(const uint8_t *p, size_t n, struct insn *out)
{
	size_t at = 0;

	*out = (struct insn){0};
	for (; at < n && is_prefix(p[at]); at++) {
		out->rep = out->rep || p[at] == 0xf3;
		out->repne = out->repne || p[at] == 0xf2;
	}
	if (at < n && (p[at] & 0xf0) == 0x40)
		at++;
	if (at >= n)
		return false;
	if (p[at] == 0xc4 || p[at] == 0xc5 || p[at] == 0x62) {
		if (!decode_vex(p, n, &at, out))
			return false;
	} else if (p[at] == 0x0f && at + 1 < n) {
		out->map = p[at + 1] == 0x38 ? 2 : p[at + 1] == 0x3a ? 3 : 1;
		at += out->map == 1 ? 1 : 2;
	}
	if (at >= n)
		return false;
	out->opcode = p[at];
	out->reg = at + 1 < n ? p[at + 1] >> 3 & 7 : 0;
	return true;
}

/* One bit for each /reg of an opcode group. */
static bool in(uint8_t reg, unsigned set)
{
	return set >> reg & 1;
}

static bool x87_writes(uint8_t opcode, uint8_t reg)
{
	switch (opcode) {
	case 0xd9:
		return in(reg, 0xcc); /* fst, fstp, fnstenv, fnstcw */
	case 0xdb:
		return in(reg, 0x8e);
	case 0xdd:
	case 0xdf:
		return in(reg, 0xce);
	default:
		return false;
	}
}

static bool near(uaddr_t addr, uint64_t start, uint64_t size)
{
	return addr - start < size;
}

/* clang-format off */
static bool map0_writes(const struct insn *i, const struct regs *r, uaddr_t addr)
{
	/* push, call, enter: below the stack pointer. */
	bool stack = near(addr, r->rsp - 64, 64);

	if (i->opcode < 0x40)
		return (i->opcode & 7) <= 1 && i->opcode >> 3 != 7;
	if (i->opcode >= 0xd8 && i->opcode <= 0xdf)
		return x87_writes(i->opcode, i->reg);
	if (i->opcode >= 0x50 && i->opcode <= 0x57)
		return true;
	switch (i->opcode) {
	case 0x80: case 0x81: case 0x83:
		return i->reg != 7;
	case 0x68: case 0x6a: case 0x6c: case 0x6d: case 0x86: case 0x87: case 0x88: case 0x89:
	case 0x8c: case 0x8f: case 0x9c: case 0xa2: case 0xa3: case 0xaa: case 0xab: case 0xc0:
	case 0xc1: case 0xc6: case 0xc7: case 0xc8: case 0xd0: case 0xd1: case 0xd2: case 0xd3:
	case 0xe8: case 0xfe:
		return true;
	case 0xa4: case 0xa5: /* movs */
		return !near(addr, r->rsi, 8);
	case 0xf6: case 0xf7:
		return in(i->reg, 0x0c);
	case 0xff: /* inc, dec; call and push write the stack */
		return i->reg < 2 || (in(i->reg, 0x4c) && stack);
	default:
		return false;
	}
}

static bool map1_writes(const struct insn *i)
{
	if (i->vex && (i->opcode & 0xf0) == 0x90)
		return i->opcode == 0x91; /* kmov; without VEX these are setcc */
	if ((i->opcode & 0xf0) == 0x90)
		return true;
	switch (i->opcode) {
	case 0x11: case 0x13: case 0x17: case 0x29: case 0x2b: case 0x7f: case 0xa0: case 0xa4:
	case 0xa5: case 0xa8: case 0xab: case 0xac: case 0xad: case 0xb0: case 0xb1: case 0xb3:
	case 0xbb: case 0xc0: case 0xc1: case 0xc3: case 0xd6: case 0xe7:
		return true;
	case 0x7e:
		return !i->rep; /* with F3 it loads */
	case 0xae:
		return in(i->reg, 0x59); /* fxsave, stmxcsr, xsave, xsaveopt */
	case 0xba:
		return in(i->reg, 0xe0);
	case 0xc7:
		return in(i->reg, 0x32); /* cmpxchg8b, xsavec, xsaves */
	default:
		return false;
	}
}

static bool map2_writes(const struct insn *i)
{
	if (!i->vex)
		return i->opcode == 0xf1 && !i->repne; /* movbe; crc32 reads */
	switch (i->opcode) {
	case 0x2e: case 0x2f: case 0x63: case 0x8a: case 0x8b: case 0x8e:
	case 0xa0: case 0xa1: case 0xa2: case 0xa3:
		return true;
	default: /* vpmov*: narrowing stores have F3 */
		return i->rep && i->opcode >= 0x10 && i->opcode <= 0x35 && (i->opcode & 15) <= 5;
	}
}

static bool map3_writes(const struct insn *i)
{
	switch (i->opcode) {
	case 0x14: case 0x15: case 0x16: case 0x17: case 0x19: case 0x1b: case 0x1d: case 0x39:
	case 0x3b:
		return true;
	default:
		return false;
	}
}
/* clang-format on */

bool insn_writes(const uint8_t *insn, size_t n, const struct regs *r, uaddr_t addr)
{
	struct insn i;

	if (!decode(insn, n, &i))
		return false;
	switch (i.map) {
	case 0:
		return map0_writes(&i, r, addr);
	case 1:
		return map1_writes(&i);
	case 2:
		return map2_writes(&i);
	default:
		return map3_writes(&i);
	}
}

static uint64_t page_error(struct task *t, const struct event *ev)
{
	const struct regs *r = platform->regs(t->ctx);
	uint64_t error = ERROR_USER;
	uint8_t insn[INSN_MAX];

	if (ev->signo == SIGSEGV && (ev->code == SEGV_ACCERR || ev->addr >> 63))
		error |= ERROR_PRESENT;
	/* The instruction itself, or the part of it on the next page. */
	if (ev->addr == r->rip || (near(ev->addr, r->rip, INSN_MAX) && ev->addr % PAGE_SIZE == 0))
		return error | ERROR_FETCH;
	size_t n = copy_in_some(t->mm, insn, r->rip, sizeof insn);
	return insn_writes(insn, n, r, ev->addr) ? error | ERROR_WRITE : error;
}

void fault_complete(struct task *t, struct event *ev)
{
	if (ev->trapno == TRAP_PAGE && !(ev->error & (ERROR_WRITE | ERROR_FETCH)))
		ev->error |= page_error(t, ev);
}
