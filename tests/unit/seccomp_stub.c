/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub's filter, loaded into a child without any tracer: what it refuses
 * when ptrace is not there to catch the call first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/platform.h"
#include "platform/stub/stub.h"
#include "platform/stub_filter.h"
#include "platform/trap/slot.h"

/* "Stub text": the call in rax, then exit_group(7). */
__asm__(".pushsection .text\n.balign 4096\ninside:\n"
	"syscall; mov $231, %eax; mov $7, %edi; syscall\n.balign 4096\ninside_end:\n"
	"outside: syscall; mov $7, %edi; mov $231, %eax; jmp inside\n.popsection");
extern const char inside[], inside_end[], outside[];

/* Of the platform whose filter is being looked at. */
static int whose = STUB_OF_PTRACE;

enum verdict { PASSED, TRAPPED };

static enum verdict verdict_of(const char *from, long nr, const uint64_t *a)
{
	int status;
	/* Not fork(3): a sanitizer's starts a thread in the child. */
	int pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		static struct sock_filter code[STUB_FILTER_MAX];
		/* What rt_sigreturn finds there: nothing is at 0. */
		static char stack[64 << 10] __attribute__((aligned(64)));
		size_t n = stub_filter_build(code, whose, (uint64_t)(uintptr_t)inside, 4096);
		struct sock_fprog prog = {.len = (unsigned short)n, .filter = code};
		const uint64_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5];
		signal(SIGSYS, SIG_DFL);
		signal(SIGALRM, SIG_DFL);
		alarm(1); /* pause and recvmsg wait */
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
			_exit(1);
		register uint64_t r10 __asm__("r10") = a3;
		register uint64_t r8 __asm__("r8") = a4;
		register uint64_t r9 __asm__("r9") = a5;
		__asm__ volatile("mov %8, %%rsp\n\tjmp *%%rbx"
				 :
				 : "b"(from), "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8),
				   "r"(r9), "r"(stack + sizeof stack / 2));
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? TRAPPED : PASSED;
}

static const uint64_t zero[6];

/* uretprobe and uprobe: hosts from 6.14 let them past every filter; they act on trampolines only.
 */
static bool past_filters(long nr)
{
	return nr == 335 || nr == 336;
}

static void test_outside(void **state)
{
	(void)state;
	for (long nr = 0; nr < 512; nr++) {
		if (!past_filters(nr) && verdict_of(outside, nr, zero) != TRAPPED)
			fail_msg("call %ld from outside the text", nr);
	}
}

static bool is_whose(long nr)
{
	switch (nr) {
	case SYS_rt_sigreturn:
	case SYS_futex:
	case SYS_arch_prctl:
	case SYS_sigaltstack:
	case SYS_sched_setaffinity:
	case SYS_sched_yield:
		return whose == STUB_OF_TRAP;
	default:
		return true;
	}
}

/* With arguments that every row passes; the rest of the 512 are refused from inside too. */
static void test_inside(void **state)
{
	(void)state;
	const struct {
		long nr;
		uint64_t a[6];
	} good[] = {
		{SYS_mmap, {0x10000000, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ull}},
		{SYS_mmap, {USER_TOP - 4096, 4096, 3, MAP_SHARED | MAP_FIXED, 0}},
		{SYS_munmap, {0x10000000, 4096}},
		{SYS_mprotect, {0x10000000, 4096, 7}},
		{SYS_mremap, {0x10000000, 4096, 8192, 3, 0x20000000}},
		{SYS_madvise, {0x10000000, 4096, MADV_DONTNEED}},
		{SYS_mincore, {0x10000000, 4096, 0}},
		{SYS_write, {STUB_CTL_FD, 0, 8}},
		{SYS_close, {0}},
		{SYS_dup2, {0, STUB_CTL_FD}},
		{SYS_clone, {STUB_CLONE_FORK}},
		{SYS_prctl, {PR_SET_PDEATHSIG, SIGKILL}},
		{SYS_prctl, {PR_SET_TSC, PR_TSC_SIGSEGV}},
		{SYS_getppid, {0}},
		{SYS_getpid, {0}},
		{SYS_clock_gettime, {3}},
		{SYS_getrusage, {0, 0}},
		{SYS_exit, {0}},
		{SYS_exit_group, {0}},
		{SYS_pause, {0}},
		{SYS_recvmsg, {STUB_CTL_FD, 0, 0x40}},
		{SYS_rt_sigreturn, {0}},
		{SYS_futex, {0, 1 /* FUTEX_WAKE */}},
		{SYS_arch_prctl, {0x1001 /* ARCH_SET_GS */, 0}},
		{SYS_sigaltstack, {0, 0}},
		{SYS_sched_setaffinity, {0, 0}},
		{SYS_sched_yield, {0}},
	};
	size_t rows = 0;
	for (size_t i = 0; i < stub_call_count; i++)
		rows += stub_calls[i].whose & whose ? 1 : 0;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!is_whose(good[i].nr))
			continue;
		rows--;
		if (verdict_of(inside, good[i].nr, good[i].a) == TRAPPED)
			fail_msg("call %ld is refused", good[i].nr);
	}
	if (whose == STUB_OF_TRAP) {
		static const uint64_t bell[6] = {STUB_BELL_FD, 0, 8};
		rows--;
		assert_int_not_equal(verdict_of(inside, SYS_write, bell), TRAPPED);
	}
	for (long nr = 0; nr < 512; nr++) {
		bool known = past_filters(nr);
		for (size_t i = 0; i < ARRAY_SIZE(good); i++)
			known |= good[i].nr == nr && is_whose(nr);
		if (!known && verdict_of(inside, nr, zero) != TRAPPED)
			fail_msg("call %ld from the text", nr);
	}
	assert_int_equal(rows, -1); /* mmap is there twice */
}

static void test_arguments(void **state)
{
	(void)state;
	const uint64_t anon = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	const struct {
		long nr;
		uint64_t a[6];
	} bad[] = {
		{SYS_mmap, {SLOTS_AT + 4096, 4096, 7, anon, ~0ull}},
		{SYS_mmap, {0x800000000000, 4096, 7, anon, ~0ull}},
		{SYS_mmap, {0x10000000, 4096, 8, anon, ~0ull}},
		{SYS_mmap, {0x10000000, 4096, 1ull << 32, anon, ~0ull}},
		{SYS_mmap, {0x10000000, 4096, 7, anon | MAP_LOCKED, ~0ull}},
		{SYS_mmap, {0x10000000, 4096, 7, anon | MAP_HUGETLB, ~0ull}},
		{SYS_mprotect, {USER_TOP + 0x800000, 4096, 7}},
		{SYS_mremap, {0x10000000, 4096, 4096, 3, USER_TOP}},
		{SYS_mremap, {USER_TOP, 4096, 4096, 3, 0x10000000}},
		{SYS_mremap, {0x10000000, 4096, 4096, 7, 0x10000000}},
		{SYS_madvise, {USER_TOP, 4096, MADV_DONTNEED}},
		{SYS_recvmsg, {0, 0, 0}},
		{SYS_recvmsg, {4, 0, 0}},
		{SYS_recvmsg, {STUB_CTL_FD | 1ull << 32, 0, 0}},
		{SYS_write, {1, 0, 8}},
		{SYS_write, {STUB_CTL_FD, 0, 9}},
		{SYS_write, {STUB_BELL_FD, 0, 9}},
		{SYS_write, {STUB_BELL_FD + STUB_BELLS_MAX, 0, 8}},
		{SYS_close, {STUB_CTL_FD}},
		{SYS_dup2, {STUB_CTL_FD, 0}},
		{SYS_dup2, {0, 5}},
		{SYS_clone, {SIGCHLD}},
		{SYS_clone, {STUB_CLONE_FORK | CLONE_NEWUSER}},
		{SYS_clone, {STUB_CLONE_THREAD & ~(uint64_t)CLONE_THREAD}},
		{SYS_prctl, {PR_SET_PDEATHSIG, 0}},
		{SYS_prctl, {PR_SET_TSC, 0}},
		{SYS_prctl, {PR_SET_TSC, SIGKILL}},
		{SYS_prctl, {PR_SET_PDEATHSIG, PR_TSC_SIGSEGV}},
		{SYS_prctl, {PR_SET_DUMPABLE, SIGKILL}},
		{SYS_clock_gettime, {0}},
		{SYS_getrusage, {(uint64_t)RUSAGE_CHILDREN}},
		{SYS_getrusage, {2}},
		{SYS_futex, {0, 6 /* FUTEX_LOCK_PI */}},
		{SYS_futex, {0, 128 /* FUTEX_WAIT_PRIVATE */}},
		{SYS_arch_prctl, {0x1012 /* ARCH_CET */, 0}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(verdict_of(inside, bad[i].nr, bad[i].a), TRAPPED);
}

static void test_size(void **state)
{
	(void)state;
	struct sock_filter code[STUB_FILTER_MAX];
	size_t n = stub_filter_build(code, whose, 0x7fffff800000, STUB_TEXT_SIZE);
	assert_true(n < STUB_FILTER_MAX);
	print_message("%zu instructions\n", n);
}

static int of_trap(void **state)
{
	(void)state;
	whose = STUB_OF_TRAP;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_arguments),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return failed + cmocka_run_group_tests(tests, of_trap, NULL);
}
