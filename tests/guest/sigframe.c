/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame on x86-64: what a handler finds in it, what changes of it do,
 * and that nothing of the interrupted code's state is lost.  altstack.c has the stacks.
 */
#include "task.h"

#include <setjmp.h>
#include <ucontext.h>

#define NREGS 15

volatile int spin_flag;
void spin_with_registers(const uint64_t *in, uint64_t *out);
void spin_with_xmm(const void *in, void *out);
void spin_with_ymm(const void *in, void *out);
void spin_with_zmm(const void *in, void *out);
int red_zone_survives(long pid);

/* Loads every register but rsp, waits for spin_flag, and stores them all. */
__asm__(".text\n"
	".globl spin_with_registers\n"
	"spin_with_registers:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n"
	"mov (%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n"
	"mov 32(%rdi), %rsi; mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9\n"
	"mov 72(%rdi), %r10; mov 80(%rdi), %r11; mov 88(%rdi), %r12; mov 96(%rdi), %r13\n"
	"mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 40(%rdi), %rdi\n"
	"1: cmpl $0, spin_flag(%rip); je 1b\n"
	"push %r15; push %r14; push %r13; push %r12; push %r11; push %r10; push %r9; push %r8\n"
	"push %rbp; push %rdi; push %rsi; push %rdx; push %rcx; push %rbx; push %rax\n"
	"mov 120(%rsp), %rdi; mov %rsp, %rsi; mov $15, %ecx; rep movsq\n"
	"add $128, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"ret\n");

/* The same for the 16 registers of 16 or 32 bytes, and for zmm16-31. */
#define EACH16(op)                                                                                 \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13)    \
		op(14) op(15)
#define LOAD_X(n)  "movdqu 16*" #n "(%rdi), %xmm" #n "\n"
#define STORE_X(n) "movdqu %xmm" #n ", 16*" #n "(%rsi)\n"
#define LOAD_Y(n)  "vmovdqu 32*" #n "(%rdi), %ymm" #n "\n"
#define STORE_Y(n) "vmovdqu %ymm" #n ", 32*" #n "(%rsi)\n"
#define SPIN	   "1: cmpl $0, spin_flag(%rip); je 1b\n"

__asm__(".globl spin_with_xmm\nspin_with_xmm:\n" EACH16(LOAD_X) SPIN EACH16(STORE_X) "ret\n");
__asm__(".globl spin_with_ymm\nspin_with_ymm:\n" EACH16(LOAD_Y)
		SPIN EACH16(STORE_Y) "vzeroupper\nret\n");
__asm__(".globl spin_with_zmm\nspin_with_zmm:\n"
	"vmovdqu64 (%rdi), %zmm16; vmovdqu64 64(%rdi), %zmm31; vmovdqu64 128(%rdi), %zmm1\n"
	"mov 192(%rdi), %rax; kmovw %eax, %k1\n" SPIN
	"vmovdqu64 %zmm16, (%rsi); vmovdqu64 %zmm31, 64(%rsi); vmovdqu64 %zmm1, 128(%rsi)\n"
	"kmovw %k1, %eax; movzwl %ax, %eax; mov %rax, 192(%rsi)\n"
	"vzeroupper\nret\n");

/* Fills the 128 bytes below rsp, sends itself SIGUSR1, and checks them. */
__asm__(".globl red_zone_survives\n"
	"red_zone_survives:\n"
	"mov $-128, %rcx\n"
	"1: mov %rcx, (%rsp,%rcx); add $8, %rcx; jnz 1b\n"
	"mov $62, %eax; mov $10, %esi; syscall\n"
	"xor %eax, %eax; mov $-128, %rcx\n"
	"2: cmp %rcx, (%rsp,%rcx); jne 3f; add $8, %rcx; jnz 2b\n"
	"inc %eax\n"
	"3: ret\n");

static void clobber(int sig)
{
	count_signal(sig);
	__asm__ volatile("mov $-1, %%rax; mov %%rax, %%rbx; mov %%rax, %%rcx; mov %%rax, %%rdx\n"
			 "mov %%rax, %%rsi; mov %%rax, %%rdi; mov %%rax, %%r8; mov %%rax, %%r9\n"
			 "mov %%rax, %%r10; mov %%rax, %%r11; mov %%rax, %%r12; mov %%rax, %%r13\n"
			 "mov %%rax, %%r14; mov %%rax, %%r15; stc\n"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15", "cc");
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm7\n"
			 "movdqa %%xmm0, %%xmm8; movdqa %%xmm0, %%xmm15\n"
			 :
			 :
			 : "xmm0", "xmm1", "xmm7", "xmm8", "xmm15");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" ::: "memory");
	if (signal_count == 5)
		spin_flag = 1;
}

TEST(general_registers_survive_a_handler)
{
	uint64_t in[NREGS], out[NREGS] = {0};
	for (int i = 0; i < NREGS; i++)
		in[i] = 0x0123456789abcd00 + (uint64_t)i;
	on_signal(SIGUSR1, clobber, 0);
	pester(SIGUSR1);
	spin_with_registers(in, out);
	ASSERT(signal_count >= 5);
	for (int i = 0; i < NREGS; i++)
		ASSERT_EQ(out[i], in[i]);
}

static void check_vectors(void (*spin)(const void *, void *), size_t len)
{
	unsigned char in[1024], out[1024] = {0};
	for (size_t i = 0; i < len; i++)
		in[i] = (unsigned char)(i * 7 + 1);
	on_signal(SIGUSR1, clobber, 0);
	pester(SIGUSR1);
	spin(in, out);
	ASSERT(signal_count >= 5);
	ASSERT_EQ(memcmp(in, out, len), 0);
}

TEST(xmm_registers_survive_a_handler)
{
	check_vectors(spin_with_xmm, 256);
}

TEST(ymm_registers_survive_a_handler)
{
	if (!__builtin_cpu_supports("avx"))
		SKIP("no AVX");
	check_vectors(spin_with_ymm, 512);
}

TEST(zmm_and_mask_registers_survive_a_handler)
{
	if (!__builtin_cpu_supports("avx512f"))
		SKIP("no AVX-512");
	uint64_t in[25], out[25] = {0};
	for (int i = 0; i < 25; i++)
		in[i] = (uint64_t)i * 0x0101010101010101;
	in[24] = 0xa5a5;
	on_signal(SIGUSR1, clobber, 0);
	pester(SIGUSR1);
	spin_with_zmm(in, out);
	ASSERT_EQ(memcmp(in, out, sizeof in), 0);
}

TEST(the_red_zone_is_untouched)
{
	on_signal(SIGUSR1, clobber, 0);
	for (int i = 0; i < 10; i++)
		ASSERT(red_zone_survives(getpid()));
	ASSERT_EQ(signal_count, 10);
}

static unsigned get_mxcsr(void)
{
	unsigned v;
	__asm__ volatile("stmxcsr %0" : "=m"(v));
	return v;
}

static void set_mxcsr(unsigned v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v));
}

static volatile unsigned mxcsr_inside;

static void change_mxcsr(int sig)
{
	count_signal(sig);
	mxcsr_inside = get_mxcsr();
	set_mxcsr(0x3f80);
}

TEST(a_handler_starts_with_the_default_mxcsr_and_changes_only_its_own)
{
	on_signal(SIGUSR1, change_mxcsr, 0);
	set_mxcsr(0x7f80);
	ASSERT_OK(raise(SIGUSR1));
	unsigned after = get_mxcsr();
	set_mxcsr(0x1f80);
	ASSERT_EQ(mxcsr_inside, 0x1f80);
	ASSERT_EQ(after, 0x7f80);
}

static void change_x87(int sig)
{
	count_signal(sig);
	__asm__ volatile("fninit; fldz; fldz; fldz");
}

TEST(the_x87_stack_survives_a_handler)
{
	double a, b;
	unsigned short cw = 0x0b7f, after;
	long ret, pid = getpid();
	on_signal(SIGUSR1, change_x87, 0);
	__asm__ volatile("fninit; fldcw %3; fld1; fldpi; syscall; fstpl %0; fstpl %1; fnstcw %2\n"
			 "fninit"
			 : "=m"(a), "=m"(b), "=m"(after), "+m"(cw), "=a"(ret)
			 : "4"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
	ASSERT_EQ(signal_count, 1);
	ASSERT(a > 3.14 && a < 3.15);
	ASSERT(b == 1.0);
	ASSERT_EQ(after, 0x0b7f);
}

static volatile unsigned long flags_inside;

static void note_flags(int sig)
{
	unsigned long f;
	__asm__ volatile("pushf; pop %0" : "=r"(f));
	count_signal(sig);
	flags_inside = f;
}

TEST(the_direction_flag_is_clear_inside_and_kept_outside)
{
	long ret, pid = getpid(), flags;
	on_signal(SIGUSR1, note_flags, 0);
	__asm__ volatile("std; stc; syscall; pushf; cld; pop %1"
			 : "=a"(ret), "=&b"(flags)
			 : "0"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "cc");
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(flags_inside & 0x400, 0);
	ASSERT_EQ(flags & 0x401, 0x401);
}

static uintptr_t fault_ip;
static uint64_t new_rax;

static void edit_frame(int sig, siginfo_t *si, void *p)
{
	ucontext_t *uc = p;
	(void)si;
	count_signal(sig);
	fault_ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RAX] = (greg_t)new_rax;
	uc->uc_mcontext.gregs[REG_R12] ^= 0xff;
	uc->uc_mcontext.gregs[REG_EFL] |= 1;
	uc->uc_mcontext.fpregs->_xmm[5].element[0] = 0x55555555;
	uc->uc_mcontext.fpregs->_xmm[5].element[3] = 0x66666666;
	sigaddset(&uc->uc_sigmask, SIGHUP);
}

TEST(edits_of_the_frame_take_effect)
{
	unsigned xmm[4] = {1, 2, 3, 4};
	uint64_t rax = 0, r12 = 0x1200, ip;
	unsigned char carry;
	sigset_t mask;
	new_rax = 0xfeedfacecafebeef;
	on_siginfo(SIGILL, edit_frame, 0);
	__asm__ volatile("movdqu %4, %%xmm5; mov %1, %%r12; clc; lea 1f(%%rip), %2\n"
			 "1: ud2\n"
			 "setc %3; mov %%r12, %1; movdqu %%xmm5, %4"
			 : "+a"(rax), "+r"(r12), "=&r"(ip), "=r"(carry), "+m"(xmm)
			 :
			 : "r12", "xmm5", "cc");
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(rax, new_rax);
	ASSERT_EQ(r12, 0x12ff);
	ASSERT_EQ(carry, 1);
	ASSERT_EQ(fault_ip, ip);
	ASSERT_EQ(xmm[0], 0x55555555);
	ASSERT_EQ(xmm[1], 2);
	ASSERT_EQ(xmm[3], 0x66666666);
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &mask));
	ASSERT(sigismember(&mask, SIGHUP));
}

static ucontext_t seen;
static uintptr_t frame_sp, fp_at;
static uint32_t fp_magic[2], fp_size;

static void note_frame(int sig, siginfo_t *si, void *p)
{
	(void)si;
	count_signal(sig);
	seen = *(ucontext_t *)p;
	frame_sp = (uintptr_t)__builtin_frame_address(0) + 8;
	fp_at = (uintptr_t)seen.uc_mcontext.fpregs;
	const char *fp = (const char *)fp_at;
	memcpy(&fp_magic[0], fp + 464, 4);
	memcpy(&fp_size, fp + 480, 4);
	if (fp_magic[0] == 0x46505853)
		memcpy(&fp_magic[1], fp + fp_size, 4);
}

TEST(the_frame_has_its_shape)
{
	block_signal(SIGUSR2);
	on_siginfo(SIGUSR1, note_frame, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(frame_sp % 16, 8);
	ASSERT_EQ(fp_at % 64, 0);
	ASSERT_EQ(seen.uc_mcontext.gregs[REG_CSGSFS] & 0xffff, 0x33);
	ASSERT(sigismember(&seen.uc_sigmask, SIGUSR2));
	ASSERT(!sigismember(&seen.uc_sigmask, SIGUSR1));
	ASSERT_EQ(seen.uc_link, 0);
}

TEST(the_fpu_state_is_marked_as_extended)
{
	if (!__builtin_cpu_supports("avx"))
		SKIP("no AVX");
	on_siginfo(SIGUSR1, note_frame, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(fp_magic[0], 0x46505853);
	ASSERT(fp_size >= 832);
	ASSERT_EQ(fp_magic[1], 0x46505845);
	ASSERT_EQ(seen.uc_flags & 1, 1);
}

static int interrupted_fd[2];

static void note_and_release(int sig, siginfo_t *si, void *p)
{
	note_frame(sig, si, p);
	if (signal_count == 2)
		ASSERT_EQ(write(interrupted_fd[1], "x", 1), 1);
}

TEST(an_interrupted_call_shows_eintr_in_rax)
{
	char c;
	ASSERT_OK(pipe(interrupted_fd));
	on_siginfo(SIGUSR1, note_frame, 0);
	pester(SIGUSR1);
	ASSERT_ERR(read(interrupted_fd[0], &c, 1), EINTR);
	ASSERT_EQ(seen.uc_mcontext.gregs[REG_RAX], -EINTR);
}

TEST(a_call_to_be_restarted_shows_its_number_in_rax)
{
	char c;
	struct iovec {
		void *base;
		size_t len;
	} v = {&c, 1};
	ASSERT_OK(pipe(interrupted_fd));
	on_siginfo(SIGUSR1, note_and_release, SA_RESTART);
	pester(SIGUSR1);
	ASSERT_EQ(syscall(SYS_readv, interrupted_fd[0], &v, 1), 1);
	/* The second signal came at the sleeping call, or just before it. */
	ASSERT(seen.uc_mcontext.gregs[REG_RAX] != -EINTR);
}

static int nest_depth;

static void nest(int sig)
{
	volatile double d = nest_depth * 1.5;
	int depth = ++nest_depth;
	if (depth < 50)
		raise(depth % 2 ? SIGUSR2 : SIGUSR1);
	ASSERT(d == (depth - 1) * 1.5);
	count_signal(sig);
}

TEST(fifty_nested_handlers)
{
	on_signal(SIGUSR1, nest, SA_NODEFER);
	on_signal(SIGUSR2, nest, SA_NODEFER);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 50);
}

static sigjmp_buf env;

static void jump(int sig)
{
	count_signal(sig);
	siglongjmp(env, signal_count);
}

TEST(siglongjmp_leaves_a_handler_and_restores_the_mask)
{
	sigset_t mask;
	on_signal(SIGUSR1, jump, 0);
	if (sigsetjmp(env, 1) < 1000)
		raise(SIGUSR1);
	ASSERT_EQ(signal_count, 1000);
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &mask));
	ASSERT(!sigismember(&mask, SIGUSR1));
}

static void drop_fpu(int sig, siginfo_t *si, void *p)
{
	(void)si;
	count_signal(sig);
	((ucontext_t *)p)->uc_mcontext.fpregs = NULL;
}

/* The kernel wins: no FPU state in the frame means a fresh one. */
TEST(without_fpregs_the_fpu_is_reset)
{
	long ret, pid = getpid();
	uint64_t x[2] = {1, 2};
	on_siginfo(SIGUSR1, drop_fpu, 0);
	__asm__ volatile("movdqu %1, %%xmm6; syscall; movdqu %%xmm6, %1"
			 : "=a"(ret), "+m"(x)
			 : "0"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "xmm6");
	ASSERT_EQ(x[0], 0);
	ASSERT_EQ(x[1], 0);
}

static void bad_ip(int sig, siginfo_t *si, void *p)
{
	(void)si;
	count_signal(sig);
	((ucontext_t *)p)->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000001000;
}

TEST(a_non_canonical_rip_in_the_frame_is_sigsegv)
{
	pid_t p = SPAWN({
		on_siginfo(SIGUSR1, bad_ip, 0);
		raise(SIGUSR1);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(sigreturn_without_a_frame_is_sigsegv)
{
	pid_t p = SPAWN({
		__asm__ volatile("mov $16, %%rsp; mov $15, %%eax; syscall" ::: "rax", "memory");
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(a_handler_without_a_usable_stack_is_sigsegv)
{
	pid_t p = SPAWN({
		on_signal(SIGUSR1, count_signal, 0);
		long pid = getpid();
		__asm__ volatile("mov $16, %%rsp; syscall"
				 :
				 : "a"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
				 : "rcx", "r11", "memory");
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST_MAIN()
