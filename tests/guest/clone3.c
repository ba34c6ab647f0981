/* SPDX-License-Identifier: Apache-2.0 */
/* clone3: the growing argument struct, and what it checks that clone does not. */
#include "task.h"

#include <linux/sched.h>

static long clone3(struct clone_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

#define NEW(...) (&(struct clone_args){.exit_signal = SIGCHLD __VA_OPT__(, ) __VA_ARGS__})
#define SIZE	 sizeof(struct clone_args)

TEST(it_can_fork)
{
	long p = clone3(NEW(), SIZE);
	if (p == 0)
		_exit(17);
	ASSERT_OK(p);
	ASSERT_EQ(wait_status((pid_t)p), 17 << 8);
}

TEST(the_first_published_size_is_enough)
{
	long p = clone3(NEW(), CLONE_ARGS_SIZE_VER0);
	if (p == 0)
		_exit(0);
	ASSERT_OK(p);
	JOIN((pid_t)p);
}

TEST(a_smaller_size_is_einval)
{
	ASSERT_ERR(clone3(NEW(), CLONE_ARGS_SIZE_VER0 - 8), EINVAL);
	ASSERT_ERR(clone3(NEW(), 0), EINVAL);
}

TEST(a_size_over_a_page_is_e2big)
{
	ASSERT_ERR(clone3((void *)map_anon(3 * PAGE), PAGE + 8), E2BIG);
}

TEST(unknown_trailing_fields_must_be_zero)
{
	struct clone_args *a = (struct clone_args *)map_anon(PAGE);
	a->exit_signal = SIGCHLD;
	long p = clone3(a, PAGE);
	if (p == 0)
		_exit(0);
	ASSERT_OK(p);
	JOIN((pid_t)p);
	((char *)a)[PAGE - 1] = 1;
	ASSERT_ERR(clone3(a, PAGE), E2BIG);
}

TEST(a_bad_pointer_is_efault)
{
	ASSERT_ERR(clone3((void *)8, SIZE), EFAULT);
	char *m = map_anon(2 * PAGE);
	ASSERT_OK(mprotect(m + PAGE, PAGE, PROT_NONE));
	ASSERT_ERR(clone3((void *)(m + PAGE - 64), SIZE), EFAULT);
}

TEST(an_exit_signal_in_flags_is_einval)
{
	ASSERT_ERR(clone3(NEW(.flags = SIGCHLD), SIZE), EINVAL);
}

TEST(detached_is_einval)
{
	ASSERT_ERR(clone3(NEW(.flags = CLONE_DETACHED), SIZE), EINVAL);
}

TEST(an_unknown_flag_is_einval)
{
	ASSERT_ERR(clone3(NEW(.flags = 1ull << 62), SIZE), EINVAL);
}

TEST(exit_signal_must_be_a_signal)
{
	ASSERT_ERR(clone3(&(struct clone_args){.exit_signal = 65}, SIZE), EINVAL);
	ASSERT_ERR(clone3(&(struct clone_args){.exit_signal = 1ull << 40}, SIZE), EINVAL);
}

TEST(thread_and_parent_take_no_exit_signal)
{
	ASSERT_ERR(clone3(NEW(.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), SIZE), EINVAL);
	ASSERT_ERR(clone3(NEW(.flags = CLONE_PARENT), SIZE), EINVAL);
}

TEST(stack_and_size_come_together)
{
	char *m = map_anon(16 * PAGE);
	ASSERT_ERR(clone3(NEW(.stack = (uintptr_t)m), SIZE), EINVAL);
	ASSERT_ERR(clone3(NEW(.stack_size = 16 * PAGE), SIZE), EINVAL);
}

TEST(set_tid_needs_a_size_and_the_reverse)
{
	pid_t tid[1] = {0};
	ASSERT_ERR(clone3(NEW(.set_tid = (uintptr_t)tid), SIZE), EINVAL);
	ASSERT_ERR(clone3(NEW(.set_tid_size = 1), SIZE), EINVAL);
}

TEST(set_tid_is_limited_to_the_depth_of_namespaces)
{
	pid_t tid[64] = {0};
	ASSERT_ERR(clone3(NEW(.set_tid = (uintptr_t)tid, .set_tid_size = 64), SIZE), EINVAL);
}

TEST(set_tid_of_a_living_process_is_eexist)
{
	pid_t tid = getpid();
	ASSERT_ERR(clone3(NEW(.set_tid = (uintptr_t)&tid, .set_tid_size = 1), SIZE), EEXIST);
}

TEST(set_tid_chooses_the_pid)
{
	pid_t tid = dead_pid();
	long p = clone3(NEW(.set_tid = (uintptr_t)&tid, .set_tid_size = 1), SIZE);
	if (p == 0)
		_exit(getpid() == tid ? 0 : 1);
	ASSERT_EQ(p, tid);
	JOIN((pid_t)p);
}

TEST(pidfd_and_parent_settid_go_together)
{
	int fd = -1;
	pid_t tid = 0;
	long p = clone3(NEW(.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&fd,
			    .parent_tid = (uintptr_t)&tid),
			SIZE);
	if (p == 0)
		_exit(0);
	ASSERT_EQ(tid, p);
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	JOIN((pid_t)p);
}

TEST(pidfd_and_parent_tid_may_not_be_the_same_word)
{
	int fd = -1;
	ASSERT_ERR(clone3(NEW(.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&fd,
			      .parent_tid = (uintptr_t)&fd),
			  SIZE),
		   EINVAL);
}

TEST(child_settid_writes_in_the_child)
{
	volatile pid_t tid = 0;
	long p = clone3(NEW(.flags = CLONE_CHILD_SETTID, .child_tid = (uintptr_t)&tid), SIZE);
	if (p == 0)
		_exit(tid == getpid() ? 0 : 1);
	JOIN((pid_t)p);
	ASSERT_EQ(tid, 0);
}

TEST(clear_sighand_resets_handlers_and_keeps_ignored_signals)
{
	struct sigaction sa;
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGUSR2, SIG_IGN, 0);
	long p = clone3(NEW(.flags = CLONE_CLEAR_SIGHAND), SIZE);
	if (p == 0) {
		ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
		ASSERT(sa.sa_handler == SIG_DFL);
		ASSERT_OK(sigaction(SIGUSR2, NULL, &sa));
		ASSERT(sa.sa_handler == SIG_IGN);
		_exit(0);
	}
	JOIN((pid_t)p);
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == count_signal);
}

TEST(clear_sighand_and_sighand_exclude_each_other)
{
	unsigned long long flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
	ASSERT_ERR(clone3(NEW(.flags = flags), SIZE), EINVAL);
}

TEST(sighand_needs_vm)
{
	ASSERT_ERR(clone3(NEW(.flags = CLONE_SIGHAND), SIZE), EINVAL);
}

/* Calls clone3 and, in the child, fn on the new stack; the stack ends at stack + stack_size. */
static long clone3_on_stack(struct clone_args *a, void (*fn)(void))
{
	long ret;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call *%3\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "0"(SYS_clone3), "D"(a), "r"(fn), "S"(SIZE)
			 : "rcx", "r11", "memory");
	return ret;
}

static volatile uintptr_t stack_seen;

static void note_stack(void)
{
	int here;
	stack_seen = (uintptr_t)&here;
	syscall(SYS_exit, 0);
}

TEST(the_child_starts_at_the_top_of_its_stack)
{
	size_t len = 16 * PAGE;
	char *m = map_anon(len);
	long p = clone3_on_stack(NEW(.flags = CLONE_VM, .stack = (uintptr_t)m, .stack_size = len),
				 note_stack);
	ASSERT(p > 0);
	JOIN((pid_t)p);
	ASSERT(stack_seen > (uintptr_t)m + len - 256 && stack_seen < (uintptr_t)m + len);
}

TEST_MAIN()
