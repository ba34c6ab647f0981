/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp: which programs the checker takes, and what they compute. */
#include "filter.h"

static void refused(struct sock_fprog prog)
{
	ASSERT_ERR(install(0, prog), EINVAL);
}

static void taken(struct sock_fprog prog)
{
	ASSERT_OK(install(0, prog));
}

TEST(programs_end_with_a_return)
{
	no_new_privs();
	refused(PROG(ST(BPF_LD | BPF_IMM, 0)));
	refused(PROG(ALLOW, ST(BPF_LD | BPF_IMM, 0)));
	refused(PROG(ST(BPF_LD | BPF_IMM, 0), ST(BPF_RET | BPF_X, 0)));
	refused((struct sock_fprog){.len = 0, .filter = (struct sock_filter[]){ALLOW}});
	refused((struct sock_fprog){.len = 4097, .filter = calloc(4097, 8)});
	taken(PROG(ST(BPF_LD | BPF_IMM, SECCOMP_RET_ALLOW), ST(BPF_RET | BPF_A, 0)));
}

TEST(jumps_stay_inside)
{
	no_new_privs();
	refused(PROG(ST(BPF_JMP | BPF_JA, 1), ALLOW));
	refused(PROG(ST(BPF_JMP | BPF_JA, 0xffffffff), ALLOW));
	refused(PROG(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), ALLOW));
	refused(PROG(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), ALLOW));
	refused(PROG(LOAD_NR, JP(BPF_JMP | BPF_JGT | BPF_X, 0, 255, 255), ALLOW));
	taken(PROG(ST(BPF_JMP | BPF_JA, 0), ALLOW));
}

TEST(loads_are_aligned_words_of_the_data)
{
	no_new_privs();
	refused(PROG(ST(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_W | BPF_ABS, 0xfffffff0), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_H | BPF_ABS, 0), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_W | BPF_IND, 0), ALLOW));
	refused(PROG(ST(BPF_LDX | BPF_B | BPF_MSH, 0), ALLOW));
	taken(PROG(ST(BPF_LD | BPF_W | BPF_ABS, 60), ALLOW));
}

TEST(scratch_memory_is_written_before_it_is_read)
{
	no_new_privs();
	refused(PROG(ST(BPF_LD | BPF_MEM, 16), ALLOW));
	refused(PROG(ST(BPF_ST, 16), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_MEM, 3), ALLOW));
	/* Written on one of two ways only. */
	refused(PROG(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), ST(BPF_ST, 3),
		     ST(BPF_LD | BPF_MEM, 3), ALLOW));
	taken(PROG(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 2), ST(BPF_ST, 3),
		   ST(BPF_JMP | BPF_JA, 1), ST(BPF_STX, 3), ST(BPF_LD | BPF_MEM, 3), ALLOW));
}

TEST(arithmetic_that_cannot_be_is_refused)
{
	no_new_privs();
	refused(PROG(ST(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW));
	refused(PROG(ST(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW));
	refused(PROG(ST(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW));
	refused(PROG(ST(BPF_ALU | BPF_RSH | BPF_K, 99), ALLOW));
	refused(PROG(ST(0xffff, 0), ALLOW));
	refused(PROG(ST(BPF_LD | BPF_IMM | 0x100, 0), ALLOW));
	taken(PROG(ST(BPF_ALU | BPF_LSH | BPF_K, 31), ALLOW));
}

/* Leaves in A what the program computes from the second argument of dup2, as an errno. */
static void computes(int line, unsigned arg, unsigned want, const struct sock_filter *f, unsigned n)
{
	pid_t p = SPAWN({
		struct sock_filter all[32] = {
			LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup2, 1, 0), ALLOW, LOAD_ARG(1)};
		const struct sock_filter tail[] = {ST(BPF_ALU | BPF_AND | BPF_K, 0xfff),
						   ST(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
						   ST(BPF_RET | BPF_A, 0)};
		memcpy(all + 4, f, n * sizeof *f);
		memcpy(all + 4 + n, tail, sizeof tail);
		no_new_privs();
		ASSERT_OK(install(0, (struct sock_fprog){.len = (unsigned short)(n + 7),
							 .filter = all}));
		long r = syscall(SYS_dup2, -1, (unsigned long)arg);
		unsigned got = r == 0 ? 0 : (unsigned)errno;
		if (got != want)
			FAIL("line %d: %u, want %u", line, got, want);
	});
	JOIN(p);
}

#define COMPUTES(arg, want, ...)                                                                   \
	computes(__LINE__, arg, want, (struct sock_filter[]){__VA_ARGS__},                         \
		 sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define ALU(op, k)  ST(BPF_ALU | BPF_##op | BPF_K, k)
#define ALUX(op)    ST(BPF_ALU | BPF_##op | BPF_X, 0)
#define LDX(k)	    ST(BPF_LDX | BPF_IMM, k)
#define TAX	    ST(BPF_MISC | BPF_TAX, 0)
#define TXA	    ST(BPF_MISC | BPF_TXA, 0)

TEST(arithmetic)
{
	COMPUTES(5, 12, ALU(ADD, 7));
	COMPUTES(5, 0xffe, ALU(SUB, 7));
	COMPUTES(5, 35, ALU(MUL, 7));
	COMPUTES(50, 7, ALU(DIV, 7));
	COMPUTES(0xffffffff, 0xfff, ALU(DIV, 0x100000));
	COMPUTES(6, 2, ALU(AND, 3));
	COMPUTES(6, 7, ALU(OR, 3));
	COMPUTES(6, 5, ALU(XOR, 3));
	COMPUTES(6, 48, ALU(LSH, 3));
	COMPUTES(0x80000000, 1, ALU(RSH, 31));
	COMPUTES(1, 0xfff, ST(BPF_ALU | BPF_NEG, 0));
	COMPUTES(5, 12, LDX(7), ALUX(ADD));
	COMPUTES(5, 0xffe, LDX(7), ALUX(SUB));
	COMPUTES(5, 35, LDX(7), ALUX(MUL));
	COMPUTES(50, 7, LDX(7), ALUX(DIV));
	COMPUTES(6, 2, LDX(3), ALUX(AND));
	COMPUTES(6, 7, LDX(3), ALUX(OR));
	COMPUTES(6, 5, LDX(3), ALUX(XOR));
	COMPUTES(6, 48, LDX(3), ALUX(LSH));
	COMPUTES(48, 6, LDX(3), ALUX(RSH));
	COMPUTES(6, 48, LDX(35), ALUX(LSH));
}

TEST(registers_and_scratch_memory)
{
	COMPUTES(9, 9, TAX, ST(BPF_LD | BPF_IMM, 1), TXA);
	COMPUTES(9, 9, ST(BPF_ST, 15), ST(BPF_LD | BPF_IMM, 1), ST(BPF_LD | BPF_MEM, 15));
	COMPUTES(9, 4, LDX(4), ST(BPF_STX, 0), ST(BPF_LD | BPF_MEM, 0));
	COMPUTES(9, 9, ST(BPF_ST, 2), ST(BPF_LDX | BPF_MEM, 2), ST(BPF_LD | BPF_IMM, 1), TXA);
	COMPUTES(9, 64, ST(BPF_LDX | BPF_W | BPF_LEN, 0), TXA);
}

#define IF(op, k)  JP(BPF_JMP | BPF_##op | BPF_K, k, 0, 1), ST(BPF_LD | BPF_IMM, 111)
#define IFX(op)	   JP(BPF_JMP | BPF_##op | BPF_X, 0, 0, 1), ST(BPF_LD | BPF_IMM, 111)

TEST(comparisons_are_unsigned)
{
	COMPUTES(5, 111, IF(JEQ, 5));
	COMPUTES(5, 5, IF(JEQ, 6));
	COMPUTES(5, 5, IF(JGT, 5));
	COMPUTES(5, 111, IF(JGE, 5));
	COMPUTES(0x80000000, 111, IF(JGT, 1));
	COMPUTES(6, 111, IF(JSET, 2));
	COMPUTES(5, 5, IF(JSET, 2));
	COMPUTES(5, 111, LDX(5), IFX(JEQ));
	COMPUTES(5, 5, LDX(5), IFX(JGT));
	COMPUTES(5, 111, LDX(5), IFX(JGE));
	COMPUTES(6, 111, LDX(2), IFX(JSET));
}

TEST(division_by_zero_ends_the_program_with_zero)
{
	pid_t p = SPAWN({
		no_new_privs();
		taken(PROG(LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), ALLOW,
			   LDX(0), ALUX(DIV), ALLOW));
		syscall(SYS_getppid);
	});
	/* 0 is KILL_THREAD. */
	expect_killed(p, SIGSYS);
}

TEST_MAIN()
