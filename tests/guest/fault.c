/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the CPU as signals: number, code, address, and going on after the cause is mended. */
#include "task.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <ucontext.h>

static sigjmp_buf env;
static siginfo_t info;
static ucontext_t context;

static void escape(int sig, siginfo_t *si, void *uc)
{
	count_signal(sig);
	info = *si;
	context = *(ucontext_t *)uc;
	siglongjmp(env, 1);
}

/* Runs the block; it must fault with this signal and code. */
#define FAULTS(sig, code, ...)                                                                     \
	do {                                                                                       \
		on_siginfo(sig, escape, 0);                                                        \
		if (sigsetjmp(env, 1) == 0) {                                                      \
			__VA_ARGS__;                                                               \
			FAIL("no fault");                                                          \
		}                                                                                  \
		ASSERT_EQ(info.si_signo, sig);                                                     \
		ASSERT_EQ(info.si_code, code);                                                     \
	} while (0)

static void peek(const void *p)
{
	(void)*(const volatile char *)p;
}

static void poke(void *p)
{
	*(volatile char *)p = 1;
}

static greg_t reg(int r)
{
	return context.uc_mcontext.gregs[r];
}

#define ERR_PRESENT 1
#define ERR_WRITE   2
#define ERR_USER    4
#define ERR_FETCH   16

TEST(reading_nothing_is_maperr)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(munmap(m, PAGE));
	FAULTS(SIGSEGV, SEGV_MAPERR, peek(m + 123));
	ASSERT(info.si_addr == m + 123);
	ASSERT_EQ(reg(REG_TRAPNO), 14);
	ASSERT_EQ(reg(REG_ERR), ERR_USER);
	ASSERT_EQ(reg(REG_CR2), m + 123);
}

TEST(writing_nothing_is_maperr)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(munmap(m, PAGE));
	FAULTS(SIGSEGV, SEGV_MAPERR, poke(m));
	ASSERT(info.si_addr == m);
	ASSERT_EQ(reg(REG_ERR), ERR_USER | ERR_WRITE);
}

TEST(the_null_page_is_maperr)
{
	FAULTS(SIGSEGV, SEGV_MAPERR, poke((void *)8));
	ASSERT(info.si_addr == (void *)8);
}

TEST(writing_read_only_memory_is_accerr)
{
	char *m = map_at(NULL, PAGE, PROT_READ, ANON_PRIV);
	peek(m);
	FAULTS(SIGSEGV, SEGV_ACCERR, poke(m + 4095));
	ASSERT(info.si_addr == m + 4095);
	ASSERT(reg(REG_ERR) & ERR_WRITE);
}

TEST(touching_prot_none_is_accerr)
{
	char *m = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	FAULTS(SIGSEGV, SEGV_ACCERR, peek(m + 1));
	ASSERT(info.si_addr == m + 1);
	FAULTS(SIGSEGV, SEGV_ACCERR, poke(m + 2));
	ASSERT(info.si_addr == m + 2);
}

TEST(executing_data_is_accerr)
{
	char *m = map_anon(PAGE);
	m[16] = (char)0xc3;
	void (*fn)(void) = (void (*)(void))(void *)(m + 16);
	FAULTS(SIGSEGV, SEGV_ACCERR, fn());
	ASSERT(info.si_addr == m + 16);
	ASSERT_EQ(reg(REG_RIP), m + 16);
	ASSERT(reg(REG_ERR) & ERR_FETCH);
}

TEST(jumping_nowhere_is_maperr)
{
	void (*volatile fn)(void) = (void (*)(void))16;
	FAULTS(SIGSEGV, SEGV_MAPERR, fn());
	ASSERT(info.si_addr == (void *)16);
	ASSERT_EQ(reg(REG_RIP), 16);
}

TEST(the_kernels_half_is_maperr_with_its_address)
{
	FAULTS(SIGSEGV, SEGV_MAPERR, peek((void *)0xffff888000000000));
	ASSERT(info.si_addr == (void *)0xffff888000000000);
	ASSERT(reg(REG_ERR) & ERR_PRESENT);
}

TEST(a_non_canonical_address_has_no_address)
{
	FAULTS(SIGSEGV, SI_KERNEL, peek((void *)0x8000000000000000));
	ASSERT(info.si_addr == NULL);
	ASSERT_EQ(reg(REG_TRAPNO), 13);
}

TEST(an_access_over_the_end_of_a_page_names_the_next)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	FAULTS(SIGSEGV, SEGV_MAPERR, *(volatile uint64_t *)(m + PAGE - 4) = 1);
	ASSERT(info.si_addr == m + PAGE);
}

TEST(privileged_instructions_are_segv)
{
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("hlt"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("cli"));
	FAULTS(SIGSEGV, SI_KERNEL, __asm__ volatile("in $0x80, %%al" ::: "eax"));
	ASSERT_EQ(reg(REG_TRAPNO), 13);
	ASSERT(info.si_addr == NULL);
}

TEST(an_unknown_instruction_is_illopn)
{
	FAULTS(SIGILL, ILL_ILLOPN, __asm__ volatile("ud2"));
	ASSERT_EQ(info.si_addr, reg(REG_RIP));
	ASSERT_EQ(reg(REG_TRAPNO), 6);
	ASSERT_EQ(memcmp(info.si_addr, "\x0f\x0b", 2), 0);
}

static void divide(int a, int b)
{
	int hi = a < 0 ? -1 : 0;
	__asm__ volatile("idivl %2" : "+a"(a), "+d"(hi) : "r"(b) : "cc");
}

TEST(division_by_zero_is_intdiv)
{
	FAULTS(SIGFPE, FPE_INTDIV, divide(1, 0));
	ASSERT_EQ(info.si_addr, reg(REG_RIP));
	ASSERT_EQ(reg(REG_TRAPNO), 0);
}

TEST(division_overflow_is_intdiv_too)
{
	FAULTS(SIGFPE, FPE_INTDIV, divide(INT_MIN, -1));
}

static void sse_divide(double a, double b)
{
	__asm__ volatile("divsd %1, %0" : "+x"(a) : "x"(b));
}

static void set_mxcsr(unsigned v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v));
}

TEST(an_unmasked_sse_exception_names_its_kind)
{
	FAULTS(SIGFPE, FPE_FLTDIV, {
		set_mxcsr(0x1f80 & ~0x200u);
		sse_divide(1, 0);
	});
	FAULTS(SIGFPE, FPE_FLTINV, {
		set_mxcsr(0x1f80 & ~0x80u);
		sse_divide(0, 0);
	});
	set_mxcsr(0x1f80);
	ASSERT_EQ(reg(REG_TRAPNO), 19);
}

static volatile int traps;
static uintptr_t trap_ip;
static int trap_code;

static void count_trap(int sig, siginfo_t *si, void *p)
{
	ucontext_t *uc = p;
	(void)sig;
	trap_code = si->si_code;
	trap_ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	if (++traps >= 5)
		uc->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

TEST(int3_traps_after_itself)
{
	uintptr_t ip;
	on_siginfo(SIGTRAP, count_trap, 0);
	__asm__ volatile("int3; 1: lea 1b(%%rip), %0" : "=r"(ip));
	ASSERT_EQ(traps, 1);
	ASSERT_EQ(trap_code, SI_KERNEL);
	ASSERT_EQ(trap_ip, ip);
}

TEST(the_trap_flag_steps)
{
	on_siginfo(SIGTRAP, count_trap, 0);
	__asm__ volatile("sub $128, %%rsp; pushf; orq $0x100, (%%rsp); popf\n"
			 "nop; nop; nop; nop; nop; nop; nop; nop\n"
			 "add $128, %%rsp" ::
				 : "memory", "cc");
	ASSERT_EQ(traps, 5);
	ASSERT_EQ(trap_code, TRAP_TRACE);
}

static void clear_ac(int sig, siginfo_t *si, void *p)
{
	(void)sig;
	traps = 1;
	trap_code = si->si_code;
	((ucontext_t *)p)->uc_mcontext.gregs[REG_EFL] &= ~0x40000;
}

TEST(the_alignment_check_is_sigbus)
{
	static uint64_t words[2];
	on_siginfo(SIGBUS, clear_ac, 0);
	__asm__ volatile("sub $128, %%rsp; pushf; orq $0x40000, (%%rsp); popf\n"
			 "movl $7, 1(%0)\n"
			 "add $128, %%rsp" ::"r"(words)
			 : "memory", "cc");
	ASSERT_EQ(traps, 1);
	ASSERT_EQ(trap_code, BUS_ADRALN);
}

TEST(a_mapped_file_ends_with_its_last_page)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE + 10);
	char *m = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_EQ(m[PAGE + 9], 'b');
	ASSERT_EQ(m[2 * PAGE - 1], 0);
	FAULTS(SIGBUS, BUS_ADRERR, peek(m + 2 * PAGE));
	ASSERT(info.si_addr == m + 2 * PAGE);
	FAULTS(SIGBUS, BUS_ADRERR, poke(m + 3 * PAGE + 5));
	ASSERT(info.si_addr == m + 3 * PAGE + 5);
}

TEST(a_truncated_file_takes_its_pages_away_and_gives_them_back)
{
	test_tmpdir();
	int fd = file_of_pages("f", 2 * PAGE);
	char *m = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	ASSERT_EQ(m[PAGE], 'b');
	ASSERT_OK(ftruncate(fd, PAGE));
	FAULTS(SIGBUS, BUS_ADRERR, peek(m + PAGE));
	ASSERT_OK(ftruncate(fd, 2 * PAGE));
	ASSERT_EQ(m[PAGE], 0);
}

static void unprotect(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count_signal(sig);
	void *page = (void *)((uintptr_t)si->si_addr & ~(PAGE - 1));
	if (mprotect(page, PAGE, RW) < 0)
		_exit(1);
}

TEST(mprotect_in_the_handler_lets_the_access_go_on)
{
	char *m = map_at(NULL, 50 * PAGE, PROT_NONE, ANON_PRIV);
	on_siginfo(SIGSEGV, unprotect, 0);
	for (size_t i = 0; i < 50; i++)
		m[i * PAGE + i] = (char)i;
	ASSERT_EQ(signal_count, 50);
	for (size_t i = 0; i < 50; i++)
		ASSERT_EQ(m[i * PAGE + i], i);
}

static void map_page(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count_signal(sig);
	char *page = map_at((void *)((uintptr_t)si->si_addr & ~(PAGE - 1)), PAGE, RW,
			    ANON_PRIV | MAP_FIXED);
	memset(page, 0x11, PAGE);
}

TEST(mmap_in_the_handler_lets_the_access_go_on)
{
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(munmap(m, 4 * PAGE));
	on_siginfo(SIGSEGV, map_page, 0);
	uint32_t v = 1;
	/* A read-modify-write is done once, on the memory that the handler made. */
	__asm__ volatile("lock xadd %0, %1" : "+r"(v), "+m"(*(uint32_t *)(m + PAGE)));
	ASSERT_EQ(v, 0x11111111);
	ASSERT_EQ(*(uint32_t *)(m + PAGE), 0x11111112);
	/* rep movs across the boundary goes on where it stopped. */
	char from[2 * PAGE];
	memset(from, 0x22, sizeof from);
	const void *src = from;
	void *dst = m + 2 * PAGE;
	size_t n = sizeof from;
	__asm__ volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(n) : : "memory");
	ASSERT_EQ(n, 0);
	ASSERT_EQ(memcmp(m + 2 * PAGE, from, sizeof from), 0);
	ASSERT_EQ(signal_count, 3);
}

TEST(a_blocked_fault_kills)
{
	pid_t p = SPAWN({
		on_signal(SIGSEGV, count_signal, 0);
		block_signal(SIGSEGV);
		poke((void *)8);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(an_ignored_fault_kills)
{
	pid_t p = SPAWN({
		on_signal(SIGSEGV, SIG_IGN, 0);
		poke((void *)8);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(an_ignored_segv_from_a_process_does_nothing)
{
	on_signal(SIGSEGV, SIG_IGN, 0);
	ASSERT_OK(raise(SIGSEGV));
	ASSERT_OK(kill(getpid(), SIGSEGV));
}

static void fault_again(int sig)
{
	count_signal(sig);
	if (signal_count < 3)
		poke((void *)8);
	_exit(9);
}

TEST(a_fault_in_the_handler_of_the_same_signal_kills)
{
	pid_t p = SPAWN({
		on_signal(SIGSEGV, fault_again, 0);
		poke((void *)8);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(with_nodefer_it_nests)
{
	pid_t p = SPAWN({
		on_signal(SIGSEGV, fault_again, SA_NODEFER);
		poke((void *)8);
	});
	ASSERT_EQ(wait_status(p), 9 << 8);
}

static void return_only(int sig)
{
	count_signal(sig);
	if (signal_count == 10)
		_exit(10);
}

TEST(returning_without_mending_faults_again)
{
	pid_t p = SPAWN({
		on_signal(SIGSEGV, return_only, 0);
		poke((void *)8);
	});
	ASSERT_EQ(wait_status(p), 10 << 8);
}

static volatile pid_t faulting_thread;

static void note_thread(int sig, siginfo_t *si, void *uc)
{
	faulting_thread = thread_id();
	unprotect(sig, si, uc);
}

static void *fault_in_thread(void *arg)
{
	poke(arg);
	return (void *)(long)thread_id();
}

TEST(the_faulting_thread_gets_the_signal)
{
	char *m = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	pthread_t t;
	void *tid;
	on_siginfo(SIGSEGV, note_thread, 0);
	ASSERT_EQ(pthread_create(&t, NULL, fault_in_thread, m), 0);
	pthread_join(t, &tid);
	ASSERT_EQ(faulting_thread, tid);
}

TEST(a_system_call_on_bad_memory_is_efault_and_no_signal)
{
	on_signal(SIGSEGV, count_signal, 0);
	char *m = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	int fd = open("/dev/zero", O_RDONLY);
	ASSERT_ERR(read(fd, m, 1), EFAULT);
	ASSERT_EQ(signal_count, 0);
}

TEST(the_stack_grows_far_below_its_pointer)
{
	volatile char here = 0;
	poke((char *)(uintptr_t)&here - (1 << 20));
	poke((char *)(uintptr_t)&here - (4 << 20));
}

TEST(a_core_flag_is_not_set_without_a_core_limit)
{
	struct rlimit none = {0, 0};
	ASSERT_OK(setrlimit(RLIMIT_CORE, &none));
	pid_t p = SPAWN({ poke((void *)8); });
	int st = wait_status(p);
	ASSERT_EQ(WTERMSIG(st), SIGSEGV);
	ASSERT(!WCOREDUMP(st));
}

TEST_MAIN()
