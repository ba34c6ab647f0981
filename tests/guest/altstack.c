/* SPDX-License-Identifier: Apache-2.0 */
/* sigaltstack: which stack a handler runs on, and what the kernel refuses. */
#include "task.h"

#include <setjmp.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#define SIZE 65536ul

static char *stack_base;
static volatile uintptr_t handler_sp;
static stack_t stack_inside;

static int on_stack(uintptr_t sp)
{
	return sp > (uintptr_t)stack_base && sp <= (uintptr_t)stack_base + SIZE;
}

static void use_stack(int flags)
{
	stack_base = map_anon(SIZE);
	stack_t ss = {.ss_sp = stack_base, .ss_size = SIZE, .ss_flags = flags};
	ASSERT_OK(sigaltstack(&ss, NULL));
}

static void note_stack(int sig)
{
	count_signal(sig);
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	sigaltstack(NULL, &stack_inside);
}

TEST(by_default_there_is_none)
{
	stack_t ss = {.ss_flags = 77};
	ASSERT_OK(sigaltstack(NULL, &ss));
	ASSERT_EQ(ss.ss_flags, SS_DISABLE);
	ASSERT_EQ(ss.ss_size, 0);
	ASSERT(ss.ss_sp == NULL);
}

TEST(the_old_stack_is_returned)
{
	stack_t ss;
	use_stack(0);
	ASSERT_OK(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &ss));
	ASSERT(ss.ss_sp == stack_base);
	ASSERT_EQ(ss.ss_size, SIZE);
	ASSERT_EQ(ss.ss_flags, 0);
	ASSERT_OK(sigaltstack(NULL, &ss));
	ASSERT_EQ(ss.ss_flags, SS_DISABLE);
}

TEST(a_handler_with_onstack_runs_there)
{
	use_stack(0);
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(on_stack(handler_sp));
	ASSERT_EQ(stack_inside.ss_flags, SS_ONSTACK);
}

TEST(a_handler_without_onstack_does_not)
{
	use_stack(0);
	on_signal(SIGUSR1, note_stack, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(!on_stack(handler_sp));
	ASSERT_EQ(stack_inside.ss_flags, 0);
}

TEST(onstack_without_a_stack_uses_the_normal_one)
{
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(stack_inside.ss_flags, SS_DISABLE);
}

static volatile uintptr_t outer_sp;

static void nest(int sig)
{
	outer_sp = (uintptr_t)__builtin_frame_address(0);
	raise(SIGUSR1);
	(void)sig;
}

TEST(a_nested_handler_goes_on_below)
{
	use_stack(0);
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	on_signal(SIGUSR2, nest, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR2));
	ASSERT(on_stack(outer_sp) && on_stack(handler_sp));
	ASSERT(handler_sp < outer_sp);
}

static volatile int change_errno;

static void change_stack(int sig)
{
	stack_t ss = {.ss_sp = stack_base, .ss_size = SIZE};
	(void)sig;
	change_errno = sigaltstack(&ss, NULL) < 0 ? errno : 0;
}

TEST(the_stack_in_use_cannot_be_changed)
{
	use_stack(0);
	on_signal(SIGUSR1, change_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(change_errno, EPERM);
}

TEST(with_autodisarm_it_can)
{
	stack_t ss;
	use_stack((int)SS_AUTODISARM);
	on_signal(SIGUSR1, change_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(change_errno, 0);
	/* The kernel wins: the return runs on the stack just set, so the old one is not restored.
	 */
	ASSERT_OK(sigaltstack(NULL, &ss));
	ASSERT_EQ(ss.ss_flags, 0);
}

TEST(autodisarm_turns_it_off_inside)
{
	use_stack((int)SS_AUTODISARM);
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(on_stack(handler_sp));
	ASSERT_EQ(stack_inside.ss_flags, SS_DISABLE);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(on_stack(handler_sp));
}

TEST(errors)
{
	char *m = map_anon(SIZE);
	stack_t small = {.ss_sp = m, .ss_size = 2047}, ok = {.ss_sp = m, .ss_size = 2048};
	stack_t flags = {.ss_sp = m, .ss_size = SIZE, .ss_flags = 4};
	ASSERT_ERR(sigaltstack(&small, NULL), ENOMEM);
	ASSERT_OK(sigaltstack(&ok, NULL));
	ASSERT_ERR(sigaltstack(&flags, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_sigaltstack, 1, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_sigaltstack, NULL, 1), EFAULT);
}

TEST(onstack_as_a_flag_is_accepted_and_means_nothing)
{
	stack_t ss;
	use_stack(SS_ONSTACK);
	ASSERT_OK(sigaltstack(NULL, &ss));
	ASSERT_EQ(ss.ss_flags, 0);
}

TEST(a_stack_too_small_for_the_frame_is_sigsegv)
{
	if (getauxval(AT_MINSIGSTKSZ) <= 2048)
		SKIP("the frame fits");
	pid_t p = SPAWN({
		stack_t ss = {.ss_sp = map_anon(SIZE), .ss_size = 2048};
		ASSERT_OK(sigaltstack(&ss, NULL));
		on_signal(SIGUSR1, note_stack, SA_ONSTACK);
		raise(SIGUSR1);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(an_unmapped_stack_is_sigsegv)
{
	pid_t p = SPAWN({
		use_stack(0);
		ASSERT_OK(munmap(stack_base, SIZE));
		on_signal(SIGUSR1, note_stack, SA_ONSTACK);
		raise(SIGUSR1);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(an_odd_stack_is_aligned)
{
	stack_base = map_anon(SIZE);
	stack_t ss = {.ss_sp = stack_base + 3, .ss_size = SIZE - 8};
	ASSERT_OK(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT(on_stack(handler_sp));
	ASSERT_EQ(handler_sp % 16, 0);
}

static void *thread_stack_state(void *arg)
{
	sigaltstack(NULL, arg);
	return NULL;
}

TEST(a_thread_starts_without_one)
{
	pthread_t t;
	stack_t ss;
	use_stack(0);
	ASSERT_EQ(pthread_create(&t, NULL, thread_stack_state, &ss), 0);
	pthread_join(t, NULL);
	ASSERT_EQ(ss.ss_flags, SS_DISABLE);
}

static sigjmp_buf env;
static volatile uintptr_t fault_addr;
static volatile int fault_code;

static void escape(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count_signal(sig);
	fault_addr = (uintptr_t)si->si_addr;
	fault_code = si->si_code;
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	siglongjmp(env, 1);
}

__attribute__((noinline)) static int recurse(volatile char *prev)
{
	volatile char buf[1024];
	if (!prev)
		return 0;
	buf[0] = (char)(prev[0] + 1);
	int below = recurse(buf);
	return below + buf[0];
}

static void overflow_once(void)
{
	volatile char start[1] = {0};
	if (sigsetjmp(env, 1) == 0)
		(void)recurse(start);
}

TEST(stack_overflow_is_a_segv_that_can_be_handled_again_and_again)
{
	struct rlimit rl = {1 << 20, RLIM_INFINITY};
	ASSERT_OK(setrlimit(RLIMIT_STACK, &rl));
	use_stack(0);
	on_siginfo(SIGSEGV, escape, SA_ONSTACK);
	for (int i = 1; i <= 3; i++) {
		overflow_once();
		ASSERT_EQ(signal_count, i);
		ASSERT(on_stack(handler_sp));
		/* It is near the stack, and nothing is mapped there. */
		ASSERT((uintptr_t)__builtin_frame_address(0) - fault_addr < 2 << 20);
		ASSERT_EQ(fault_code, SEGV_MAPERR);
	}
}

TEST(stack_overflow_without_an_alternate_stack_kills)
{
	pid_t p = SPAWN({
		struct rlimit rl = {1 << 20, RLIM_INFINITY};
		volatile char start[1] = {0};
		ASSERT_OK(setrlimit(RLIMIT_STACK, &rl));
		on_siginfo(SIGSEGV, escape, 0);
		if (sigsetjmp(env, 1) == 0)
			(void)recurse(start);
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

TEST(the_frame_remembers_the_alternate_stack)
{
	use_stack(0);
	on_signal(SIGUSR1, note_stack, SA_ONSTACK);
	ASSERT_OK(raise(SIGUSR1));
	stack_t ss;
	ASSERT_OK(sigaltstack(NULL, &ss));
	ASSERT(ss.ss_sp == stack_base && ss.ss_flags == 0);
}

TEST_MAIN()
