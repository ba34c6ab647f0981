/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions write the memory they name: what a page fault's error code says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "sentry/task/fault_x86.h"

#define W(...)                                                                                     \
	{                                                                                          \
		{__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})                                    \
	}

struct code {
	uint8_t bytes[15];
	size_t size;
};

/* clang-format off */
static const struct code writers[] = {
	W(0x88, 0x07),			     /* mov [rdi], al */
	W(0x48, 0x89, 0x07),		     /* mov [rdi], rax */
	W(0xc6, 0x07, 0x01),		     /* mov byte [rdi], 1 */
	W(0x66, 0xc7, 0x07, 1, 0),	     /* mov word [rdi], 1 */
	W(0xf0, 0x48, 0x0f, 0xb1, 0x0f),     /* lock cmpxchg [rdi], rcx */
	W(0xf0, 0x0f, 0xc1, 0x07),	     /* lock xadd */
	W(0x01, 0x07), W(0x83, 0x07, 0x01),  /* add */
	W(0xff, 0x07), W(0xf7, 0x17),	     /* inc, not */
	W(0xf3, 0xab), W(0x50), W(0xe8),     /* rep stosd, push, call */
	W(0x0f, 0x29, 0x07), W(0xf3, 0x0f, 0x7f, 0x07), /* movaps, movdqu */
	W(0x66, 0x0f, 0x7e, 0x07),	     /* movd [rdi], xmm0 */
	W(0xc5, 0xfe, 0x7f, 0x07),	     /* vmovdqu [rdi], ymm0 */
	W(0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x07), /* vmovdqu64 [rdi], zmm0 */
	W(0x0f, 0x94, 0x07),		     /* sete [rdi] */
	W(0xd9, 0x1f), W(0xdd, 0x1f),	     /* fstp */
	W(0x0f, 0xae, 0x07),		     /* fxsave */
	W(0x0f, 0x38, 0xf1, 0x07),	     /* movbe [rdi], eax */
};

static const struct code readers[] = {
	W(0x8a, 0x07), W(0x48, 0x8b, 0x07),  /* mov */
	W(0x0f, 0xb6, 0x07),		     /* movzx */
	W(0x39, 0x07), W(0x83, 0x3f, 0x01),  /* cmp */
	W(0x84, 0x07), W(0xf7, 0x07, 1, 0, 0, 0), W(0xf7, 0x37), /* test, div */
	W(0x03, 0x07),			     /* add eax, [rdi] */
	W(0x0f, 0x28, 0x07), W(0xf3, 0x0f, 0x6f, 0x07), W(0xf3, 0x0f, 0x7e, 0x07),
	W(0xc5, 0xfe, 0x6f, 0x07), W(0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x07),
	W(0xd9, 0x07), W(0x0f, 0xae, 0x0f),  /* fld, fxrstor */
	W(0xf2, 0x0f, 0x38, 0xf1, 0x07),     /* crc32 */
	W(0xc3), W(0x58), W(0xac),	     /* ret, pop, lodsb */
};
/* clang-format on */

static void all_writers_write(void **state)
{
	const struct regs r = {.rsp = 0x1000, .rsi = 0x2000, .rdi = 0x3000};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(writers); i++)
		if (!insn_writes(writers[i].bytes, writers[i].size, &r, 0x3000))
			fail_msg("writer %zu", i);
}

static void no_reader_writes(void **state)
{
	const struct regs r = {.rsp = 0x1000, .rsi = 0x2000, .rdi = 0x3000};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (insn_writes(readers[i].bytes, readers[i].size, &r, 0x3000))
			fail_msg("reader %zu", i);
}

/* Two memory operands: the address says which one it was. */
static void the_address_decides(void **state)
{
	const struct regs r = {.rsp = 0x1000, .rsi = 0x2000, .rdi = 0x3000};
	const uint8_t movs[] = {0xf3, 0x48, 0xa5}, push[] = {0xff, 0x37};
	(void)state;
	assert_false(insn_writes(movs, sizeof movs, &r, 0x2004));
	assert_true(insn_writes(movs, sizeof movs, &r, 0x3000));
	assert_false(insn_writes(push, sizeof push, &r, 0x3000));
	assert_true(insn_writes(push, sizeof push, &r, 0xff8));
}

static void cut_short_it_reads(void **state)
{
	const struct regs r = {0};
	const uint8_t cut[] = {0x62, 0xf1, 0xfe};
	(void)state;
	for (size_t n = 0; n <= sizeof cut; n++)
		assert_false(insn_writes(cut, n, &r, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_writers_write),
		cmocka_unit_test(no_reader_writes),
		cmocka_unit_test(the_address_decides),
		cmocka_unit_test(cut_short_it_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
