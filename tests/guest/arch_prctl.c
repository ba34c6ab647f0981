/* SPDX-License-Identifier: Apache-2.0 */
/* arch_prctl: the FS and GS bases, and what keeps them. */
#include "task.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>

static long arch(int op, unsigned long arg)
{
	return syscall(SYS_arch_prctl, op, arg);
}

static unsigned long gs_word(void)
{
	unsigned long v;
	__asm__ volatile("mov %%gs:0, %0" : "=r"(v));
	return v;
}

static unsigned long get(int op)
{
	unsigned long v = 0;
	ASSERT_OK(arch(op, (unsigned long)&v));
	return v;
}

static unsigned long block[2] = {0x1111, 0x2222};

TEST(fs_points_at_itself)
{
	unsigned long self;
	__asm__("mov %%fs:0, %0" : "=r"(self));
	ASSERT_EQ(get(ARCH_GET_FS), self);
}

TEST(gs_can_be_set_and_read)
{
	ASSERT_EQ(get(ARCH_GET_GS), 0);
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)&block[0]));
	ASSERT_EQ(get(ARCH_GET_GS), &block[0]);
	ASSERT_EQ(gs_word(), 0x1111);
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)&block[1]));
	ASSERT_EQ(gs_word(), 0x2222);
}

TEST(fs_can_be_set)
{
	unsigned long old = get(ARCH_GET_FS), seen, ret = SYS_arch_prctl, op = ARCH_SET_FS;
	unsigned long *base = block;
	/* Nothing of libc may run between the two calls. */
	__asm__ volatile("syscall; mov %%fs:0, %1; mov $158, %%eax; mov $0x1002, %%edi\n"
			 "mov %4, %%rsi; syscall"
			 : "+a"(ret), "=&b"(seen), "+D"(op), "+S"(base)
			 : "r"(old)
			 : "rcx", "r11", "memory");
	ASSERT_EQ(ret, 0);
	ASSERT_EQ(seen, 0x1111);
	ASSERT_EQ(get(ARCH_GET_FS), old);
}

TEST(kernel_addresses_are_eperm)
{
	ASSERT_ERR(arch(ARCH_SET_FS, 0xffff800000000000), EPERM);
	ASSERT_ERR(arch(ARCH_SET_GS, 0xffff800000000000), EPERM);
	ASSERT_ERR(arch(ARCH_SET_GS, 0x8000000000000000), EPERM);
	ASSERT_ERR(arch(ARCH_SET_GS, 1ul << 47), EPERM);
}

TEST(other_errors)
{
	ASSERT_ERR(arch(0x7777, 0), EINVAL);
	ASSERT_ERR(arch(ARCH_GET_FS, 1), EFAULT);
	ASSERT_ERR(arch(ARCH_GET_GS, 0xffff800000000000), EFAULT);
}

TEST(an_unmapped_base_is_accepted)
{
	ASSERT_OK(arch(ARCH_SET_GS, 0x1000));
	ASSERT_EQ(get(ARCH_GET_GS), 0x1000);
	ASSERT_EQ(wait_status(SPAWN({ gs_word(); })), SIGSEGV);
}

TEST(the_child_inherits_gs)
{
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)block));
	JOIN(SPAWN({
		ASSERT_EQ(gs_word(), 0x1111);
		ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)&block[1]));
	}));
	ASSERT_EQ(gs_word(), 0x1111);
}

static void *set_other_gs(void *arg)
{
	(void)arg;
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)&block[1]));
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(gs_word(), 0x2222);
		if (i % 10 == 0)
			sched_yield();
	}
	return NULL;
}

TEST(each_thread_has_its_own_gs)
{
	pthread_t t;
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)block));
	ASSERT_EQ(pthread_create(&t, NULL, set_other_gs, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(gs_word(), 0x1111);
		if (i % 10 == 0)
			sched_yield();
	}
	pthread_join(t, NULL);
	ASSERT_EQ(gs_word(), 0x1111);
}

static void change_gs(int sig)
{
	count_signal(sig);
	ASSERT_EQ(gs_word(), 0x1111);
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)&block[1]));
}

/* The kernel wins: the bases are not part of the signal frame. */
TEST(a_handlers_change_of_gs_stays)
{
	on_signal(SIGUSR1, change_gs, 0);
	ASSERT_OK(arch(ARCH_SET_GS, (unsigned long)block));
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(gs_word(), 0x2222);
}

TEST(cpuid_faulting_is_off)
{
	ASSERT_EQ(arch(ARCH_GET_CPUID, 0), 1);
}

TEST_MAIN()
