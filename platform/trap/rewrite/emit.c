/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of an island is in island.h.  Offsets here count from its unit.
 */
#include "platform/trap/rewrite/emit.h"

#include <assert.h>
#include <string.h>

#include "platform/trap/slot.h"

/*
 * Opcodes that were 32-bit only: #UD in 64-bit mode on every x86-64 since the first
 * (measured in tests/unit/rewrite_emit.c).  Not 62, c4, c5, d5: those became
 * prefixes of new encodings.  Ends of ranges first: the wider the run of neighbours, the
 * better.
 */
static const uint8_t dead_opcodes[] = {0x61, 0x60, 0x3f, 0x37, 0x2f, 0x27, 0x1f, 0x1e, 0x17,
				       0x16, 0x0e, 0x07, 0x06, 0xea, 0xd4, 0xce, 0x9a, 0x82};

enum { FILLER = 0x06 };

/* Of the code between the moved instructions. */
enum {
	CHECK_SYSCALL = 8 + 6 + 2,	   /* mov, lea, jrcxz */
	CHECK_LEA = CHECK_SYSCALL + 2 + 2, /* syscall, jmp */
	CHECK_SIZE = CHECK_LEA + 7 + 6,	   /* lea, jmp */
};

static bool opcode_dead(uint8_t byte)
{
	return memchr(dead_opcodes, byte, sizeof dead_opcodes) != NULL;
}

static bool insn_behind(const struct plan *plan, const struct plan_insn *insn)
{
	return insn->at >= plan->before + CALL_SIZE;
}

static unsigned behind_size(const struct plan *plan)
{
	unsigned done = plan->before + CALL_SIZE;
	return plan->size > done ? plan->size - done : 0;
}

static unsigned check_at(const struct plan *plan)
{
	return ISLAND_CODE + plan->before;
}

static unsigned after_at(const struct plan *plan)
{
	return check_at(plan) + CHECK_SIZE;
}

/* Of a moved instruction, or of the call. */
static unsigned insn_at(const struct plan *plan, const struct plan_insn *insn)
{
	if (insn->call)
		return check_at(plan);
	if (insn_behind(plan, insn))
		return after_at(plan) + insn->at - (plan->before + CALL_SIZE);
	return ISLAND_CODE + insn->at;
}

size_t island_units(const struct plan *plan)
{
	size_t size = after_at(plan) + behind_size(plan) + JUMP_SIZE;
	assert(size <= ISLAND_MAX);
	return (size + ISLAND_UNIT - 1) / ISLAND_UNIT;
}

static bool distance(uaddr_t from, uaddr_t to, int32_t *out)
{
	int64_t d = (int64_t)(to - from);
	*out = (int32_t)d;
	return *out == d;
}

/* The 32-bit operand of a moved instruction, for its new place. */
static bool operand(const struct place *p, const struct plan_insn *insn, int32_t *out)
{
	int32_t old;
	memcpy(&old, p->plan->old + insn->at + insn->disp, sizeof old);
	uaddr_t was = place_start(p) + insn->at, is = p->unit + insn_at(p->plan, insn);
	return distance(is + insn->size, was + insn->size + (uaddr_t)(int64_t)old, out);
}

bool island_fits(const struct place *p)
{
	const struct plan *plan = p->plan;
	uint8_t bytes[PLAN_BYTES];
	int32_t d;
	if (!distance(place_start(p) + JUMP_SIZE, p->unit + ISLAND_CODE, &d) ||
	    !distance(p->unit, place_end(p), &d) ||
	    !distance(p->unit + ISLAND_MAX, place_start(p), &d))
		return false;
	jump_write(p, bytes);
	for (unsigned i = 0; i < plan->count; i++) {
		if (i > 0 && !opcode_dead(bytes[plan->insns[i].at]))
			return false;
		if (plan->insns[i].disp && !operand(p, &plan->insns[i], &d))
			return false;
	}
	return true;
}

bool island_distance(unsigned i, int32_t *out)
{
	const unsigned n = sizeof dead_opcodes;
	if (i >= n * n)
		return false;
	*out = (int32_t)((uint32_t)dead_opcodes[i / n] << 24 | (uint32_t)dead_opcodes[i % n] << 16);
	return true;
}

static uint8_t *put(uint8_t *out, const void *bytes, size_t size)
{
	memcpy(out, bytes, size);
	return out + size;
}

static uint8_t *put32(uint8_t *out, int32_t v)
{
	return put(out, &v, sizeof v);
}

static void moved_write(const struct place *p, uint8_t *unit)
{
	for (unsigned i = 0; i < p->plan->count; i++) {
		const struct plan_insn *insn = &p->plan->insns[i];
		uint8_t *out = unit + insn_at(p->plan, insn);
		int32_t d;
		if (insn->call)
			continue;
		memcpy(out, p->plan->old + insn->at, insn->size);
		if (insn->disp && operand(p, insn, &d))
			put32(out + insn->disp, d);
	}
}

void island_write(const struct place *p, uaddr_t entry, uint8_t *unit)
{
	const struct island_site site = {.rip = p->call + CALL_SIZE, .next = island_next(p)};
	const unsigned check = check_at(p->plan), after = after_at(p->plan);
	int32_t d;
	memset(unit, FILLER, island_units(p->plan) * ISLAND_UNIT);
	put(put(unit, &site, sizeof site), &entry, sizeof entry);
	moved_write(p, unit);
	uint8_t *out = put(unit + check, "\x65\x8b\x0c\x25", 4); /* mov %gs:, %ecx */
	out = put32(out, SLOT_O_MAGIC);
	out = put(out, "\x8d\x89", 2); /* lea (%rcx), %ecx */
	out = put32(out, -SLOT_MAGIC);
	out = put(out, "\xe3\x04\x0f\x05\xeb\x0d", 6); /* jrcxz, syscall, jmp */
	assert(out == unit + check + CHECK_LEA);
	out = put(out, "\x48\x8d\x0d", 3); /* lea unit(%rip), %rcx */
	out = put32(out, -(int32_t)(check + CHECK_LEA + 7));
	out = put(out, "\xff\x25", 2); /* jmp *entry(%rip) */
	out = put32(out, (int32_t)sizeof site - (int32_t)after);
	assert(out == unit + after);
	out += behind_size(p->plan);
	*out++ = 0xe9;
	uaddr_t here = p->unit + (uaddr_t)(out - unit) + 4;
	uaddr_t end = max_u64(place_end(p), p->call + CALL_SIZE);
	bool reached = distance(here, end, &d);
	assert(reached);
	put32(out, d);
}

void jump_write(const struct place *p, uint8_t *out)
{
	int32_t d;
	distance(place_start(p) + JUMP_SIZE, p->unit + ISLAND_CODE, &d);
	memset(out, FILLER, p->plan->size);
	*out = 0xe9;
	put32(out + 1, d);
}

uaddr_t island_plain_call(const struct place *p, uaddr_t rip)
{
	return rip == p->unit + check_at(p->plan) ? rip + CHECK_SYSCALL : rip;
}

uaddr_t island_guest_rip(const struct place *p, uaddr_t rip)
{
	const struct plan *plan = p->plan;
	uint64_t at = rip - p->unit;
	unsigned check = check_at(plan), after = after_at(plan);
	if (at >= check && at < after)
		return at == check + CHECK_SYSCALL + CALL_SIZE ? p->call + CALL_SIZE : p->call;
	for (unsigned i = 0; i < plan->count; i++) {
		const struct plan_insn *insn = &plan->insns[i];
		unsigned from = insn_at(plan, insn);
		if (!insn->call && at >= from && at < from + insn->size)
			return place_start(p) + insn->at;
	}
	if (at < ISLAND_CODE)
		return place_start(p);
	return max_u64(place_end(p), p->call + CALL_SIZE);
}

uaddr_t island_host_rip(const struct place *p, uaddr_t rip)
{
	const struct plan *plan = p->plan;
	for (unsigned i = 1; i < plan->count; i++)
		if (rip == place_start(p) + plan->insns[i].at)
			return p->unit + insn_at(plan, &plan->insns[i]);
	return rip;
}

uaddr_t island_next(const struct place *p)
{
	if (behind_size(p->plan))
		return p->unit + after_at(p->plan);
	return p->call + CALL_SIZE;
}
