/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass of capstone over the function marks where instructions begin and
 * where its branches go; then each shape is tried.
 *
 * What may move is a list of what compilers put around a call: no instruction
 * that depends on where it is (but for rip-relative operands, whose distance
 * is corrected), none that uses %gs, none that could end up in our own handler
 * other than by a page fault.
 */
#include "platform/trap/rewrite/analyse.h"

#include <capstone/capstone.h>
#include <string.h>

#include "platform/base/image.h"

/* One byte for each of the function's. */
enum { IS_START = 1, IS_TARGET = 2 };

struct function {
	const uint8_t *text;
	size_t size, at;
	uint8_t marks[FUNCTION_MAX];
};

static void mark_target(struct function *f, const cs_insn *insn)
{
	const cs_x86 *x = &insn->detail->x86;
	for (unsigned i = 0; i < x->op_count; i++)
		if (x->operands[i].type == X86_OP_IMM && (uint64_t)x->operands[i].imm < f->size)
			f->marks[x->operands[i].imm] |= IS_TARGET;
}

static bool is_branch(csh cs, const cs_insn *insn)
{
	return cs_insn_group(cs, insn, X86_GRP_JUMP) || cs_insn_group(cs, insn, X86_GRP_CALL) ||
	       cs_insn_group(cs, insn, X86_GRP_BRANCH_RELATIVE) || insn->id == X86_INS_XBEGIN ||
	       insn->id == X86_INS_LOOP || insn->id == X86_INS_LOOPE || insn->id == X86_INS_LOOPNE;
}

/*
 * Marks all of the function.  Decoding must meet the call; what capstone does not know
 * behind it (newer vector instructions) leaves branches unseen, so it fails, too.
 */
static bool function_decode(csh cs, cs_insn *insn, struct function *f)
{
	const uint8_t *code = f->text;
	size_t left = f->size;
	uint64_t at = 0;
	while (left > 0) {
		size_t start = (size_t)at;
		if (!cs_disasm_iter(cs, &code, &left, &at, insn))
			return false;
		f->marks[start] |= IS_START;
		if (is_branch(cs, insn))
			mark_target(f, insn);
	}
	return f->marks[f->at] & IS_START;
}

static bool id_movable(unsigned id)
{
	switch (id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
	case X86_INS_MOVZX:
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
	case X86_INS_LEA:
	case X86_INS_XOR:
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_SBB:
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_SHL:
	case X86_INS_SHR:
	case X86_INS_SAR:
	case X86_INS_NOT:
	case X86_INS_NEG:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_PUSH:
	case X86_INS_POP:
	case X86_INS_NOP:
	case X86_INS_BT:
	case X86_INS_CDQE:
	case X86_INS_MOVAPS:
	case X86_INS_MOVUPS:
	case X86_INS_MOVDQA:
	case X86_INS_MOVDQU:
	case X86_INS_MOVQ:
	case X86_INS_MOVD:
	case X86_INS_PXOR:
		return true;
	default:
		return (id >= X86_INS_CMOVA && id <= X86_INS_CMOVS) ||
		       (id >= X86_INS_SETAE && id <= X86_INS_SETS);
	}
}

static bool reg_special(x86_reg reg)
{
	switch (reg) {
	case X86_REG_CS:
	case X86_REG_DS:
	case X86_REG_ES:
	case X86_REG_FS:
	case X86_REG_GS:
	case X86_REG_SS:
	case X86_REG_RIP:
		return true;
	default:
		return reg >= X86_REG_CR0 && reg <= X86_REG_DR15;
	}
}

/* Fills *out if the instruction may be executed elsewhere. */
static bool insn_movable(const cs_insn *insn, struct plan_insn *out)
{
	const cs_x86 *x = &insn->detail->x86;
	*out = (struct plan_insn){.size = (uint8_t)insn->size};
	if (!id_movable(insn->id) || x->prefix[0])
		return false;
	for (unsigned i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];
		if (op->type == X86_OP_REG && reg_special(op->reg))
			return false;
		if (op->type != X86_OP_MEM)
			continue;
		if (op->mem.segment == X86_REG_GS || op->mem.base == X86_REG_EIP)
			return false;
		if (op->mem.base == X86_REG_RIP) {
			if (x->encoding.disp_size != 4 || x->encoding.disp_offset == 0)
				return false;
			out->disp = x->encoding.disp_offset;
		}
	}
	return true;
}

/* The instructions around the call, that many of each: a plan if all can move. */
static enum plan_why plan_fill(csh cs, cs_insn *insn, const struct function *f, size_t start,
			       size_t end, struct plan *p)
{
	const uint8_t *code = f->text + start;
	size_t left = end - start;
	uint64_t at = start;
	*p = (struct plan){.before = (uint8_t)(f->at - start), .size = (uint8_t)left};
	memcpy(p->old, code, left);
	while (left > 0) {
		size_t here = (size_t)at;
		struct plan_insn *out = &p->insns[p->count];
		if (p->count == PLAN_INSNS || !cs_disasm_iter(cs, &code, &left, &at, insn))
			return WHY_MOVE;
		if (here != start && (f->marks[here] & IS_TARGET))
			return WHY_TARGET;
		if (here == f->at)
			*out = (struct plan_insn){.size = CALL_SIZE, .call = true};
		else if (!insn_movable(insn, out))
			return WHY_MOVE;
		out->at = (uint8_t)(here - start);
		p->count++;
	}
	/* A branch into an instruction: code that is two things at once. */
	for (size_t i = start; i < end; i++)
		if ((f->marks[i] & (IS_START | IS_TARGET)) == IS_TARGET)
			return WHY_TARGET;
	return WHY_OK;
}

/* n instructions back from `from`; SIZE_MAX: there are none. */
static size_t step_back(const struct function *f, size_t from, unsigned n)
{
	for (; n > 0; n--) {
		do {
			if (from == 0)
				return SIZE_MAX;
			from--;
		} while (!(f->marks[from] & IS_START));
	}
	return from;
}

static size_t step_on(const struct function *f, size_t from, unsigned n)
{
	for (; n > 0; n--) {
		do {
			if (from >= f->size)
				return SIZE_MAX;
			from++;
		} while (from < f->size && !(f->marks[from] & IS_START));
	}
	return from;
}

static enum plan_why plan_try(csh cs, cs_insn *insn, const struct function *f, unsigned before,
			      unsigned behind, bool with_call, struct plan *p)
{
	size_t start = step_back(f, f->at, before);
	size_t end = with_call ? step_on(f, f->at + CALL_SIZE, behind) : f->at;
	if (start == SIZE_MAX || end == SIZE_MAX || end - start < JUMP_SIZE ||
	    end - start > PLAN_BYTES)
		return WHY_MOVE;
	return plan_fill(cs, insn, f, start, end, p);
}

static enum plan_why plan_search(csh cs, cs_insn *insn, const struct function *f, struct plan *p)
{
	/* clang-format off */
	static const struct {
		uint8_t shape, before, behind;
		bool with_call;
	} tries[] = {
		{PLAN_ONE, 1, 0, false},
		{PLAN_BEFORE, 2, 0, false}, {PLAN_BEFORE, 3, 0, false},
		{PLAN_WITH, 1, 0, true}, {PLAN_WITH, 2, 0, true},
		{PLAN_BEHIND, 0, 1, true}, {PLAN_BEHIND, 0, 2, true}, {PLAN_BEHIND, 0, 3, true},
		{PLAN_AROUND, 1, 1, true}, {PLAN_AROUND, 1, 2, true},
	};
	/* clang-format on */
	enum plan_why first = WHY_OK;
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		enum plan_why why = plan_try(cs, insn, f, tries[i].before, tries[i].behind,
					     tries[i].with_call, p);
		if (why == WHY_OK) {
			p->shape = tries[i].shape;
			return WHY_OK;
		}
		if (first == WHY_OK || why == WHY_TARGET)
			first = why;
	}
	return first;
}

enum plan_why plan_make(const uint8_t *text, size_t size, size_t at, struct plan *out)
{
	static const uint8_t call[CALL_SIZE] = {0x0f, 0x05};
	enum plan_why why = WHY_BOUNDARY;
	csh cs;
	if (size > FUNCTION_MAX || at >= size || size - at < CALL_SIZE)
		return WHY_RANGE;
	if (memcmp(text + at, call, CALL_SIZE))
		return WHY_BOUNDARY;
	image_touched();
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &cs) != CS_ERR_OK)
		return WHY_RANGE;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	cs_insn *insn = cs_malloc(cs);
	struct function *f = calloc(1, sizeof *f);
	if (insn && f) {
		f->text = text;
		f->size = size;
		f->at = at;
		if (function_decode(cs, insn, f))
			why = plan_search(cs, insn, f, out);
	}
	free(f);
	if (insn)
		cs_free(insn, 1);
	cs_close(&cs);
	return why;
}

void plan_warm(void)
{
	static const uint8_t code[] = {0xb8, 1, 0, 0, 0, 0x0f, 0x05};
	struct plan plan;
	plan_make(code, sizeof code, 5, &plan);
}

const char *plan_shape_name(enum plan_shape shape)
{
	static const char *const names[PLAN_SHAPES] = {"none", "one",	 "before",
						       "with", "behind", "around"};
	return names[shape];
}

const char *plan_why_text(enum plan_why why)
{
	static const char *const texts[WHY_COUNT] = {"ok", "no function range",
						     "boundary not proven", "a branch goes between",
						     "cannot be moved"};
	return texts[why];
}
