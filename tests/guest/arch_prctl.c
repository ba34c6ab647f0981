/* SPDX-License-Identifier: Apache-2.0 */
/* arch_prctl: the FS and GS bases, and what keeps them. */
#include "text.h"

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

/* The instruction, on CPUs and kernels that have it: no call tells anybody. */
static void no_such_instruction(int sig)
{
	(void)sig;
	printf("# skip: no wrgsbase\n");
	_exit(77);
}

static void write_gs(unsigned long base)
{
	on_signal(SIGILL, no_such_instruction, 0);
	__asm__ volatile("wrgsbase %0" : : "r"(base));
	on_signal(SIGILL, SIG_DFL, 0);
}

static unsigned long area[8192]; /* around where gs points: nobody writes there */

static void fill_area(void)
{
	for (size_t i = 0; i < 8192; i++)
		area[i] = i;
}

static void assert_area_is_whole(void)
{
	for (size_t i = 0; i < 8192; i++)
		ASSERT_EQ(area[i], i);
}

/* Calls of all kinds, by sites that have been made often. */
static void calls_are_made(void)
{
	char buf[64];
	int p[2];
	for (int i = 0; i < HOT; i++)
		for (int k = 0; k < SITES; k++) {
			ASSERT_EQ(all_sites[k].call(NR_PPID), getppid());
			ASSERT_EQ(all_sites[k].call(SYS_getpgrp), k ? getpgrp() : getppid());
		}
	ASSERT_OK(pipe(p));
	for (int i = 0; i < HOT; i++) {
		ASSERT_EQ(write(p[1], "some bytes", 10), 10);
		ASSERT_EQ(read(p[0], buf, sizeof buf), 10);
		ASSERT(memcmp(buf, "some bytes", 10) == 0);
	}
	close(p[0]);
	close(p[1]);
}

/* Some virtual machines give one thread the %gs that another has written.  tests/run knows. */
static void need_gs(void)
{
	const char *host = getenv("HOST_KEEPS_GS");
	if (host && strcmp(host, "0") == 0)
		SKIP("this machine does not keep it");
}

TEST(gs_written_by_an_instruction_is_the_programs_own)
{
	need_gs();
	make_hot();
	calls_are_made();
	fill_area();
	write_gs((unsigned long)&area[4096]);
	calls_are_made();
	ASSERT_EQ(gs_word(), 4096);
	ASSERT_EQ(get(ARCH_GET_GS), &area[4096]);
	JOIN(SPAWN({
		ASSERT_EQ(gs_word(), 4096);
		calls_are_made();
		assert_area_is_whole();
	}));
	/* Unaligned, and at the end of what is mapped. */
	write_gs((unsigned long)&area[1] + 3);
	calls_are_made();
	write_gs((unsigned long)(map_anon(PAGE) + PAGE - 8));
	calls_are_made();
	ASSERT_EQ(gs_word(), 0);
	assert_area_is_whole();
}

TEST(gs_written_to_point_at_nothing)
{
	need_gs();
	make_hot();
	calls_are_made();
	write_gs(0x1000);
	calls_are_made();
	ASSERT_EQ(get(ARCH_GET_GS), 0x1000);
	write_gs(0x7fffffffe000);
	calls_are_made();
	write_gs(0);
	calls_are_made();
	ASSERT_EQ(get(ARCH_GET_GS), 0);
}

static void *calls_with_own_gs(void *arg)
{
	if (arg)
		write_gs((unsigned long)arg);
	for (int i = 0; i < 20; i++) {
		calls_are_made();
		if (arg)
			ASSERT_EQ(gs_word(), *(unsigned long *)arg);
	}
	return NULL;
}

TEST(gs_written_in_one_thread_of_several)
{
	pthread_t t[4];
	need_gs();
	make_hot();
	fill_area();
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, calls_with_own_gs,
					 i % 2 ? &area[i * 100] : NULL),
			  0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
	assert_area_is_whole();
}

static void write_gs_in_handler(int sig)
{
	count_signal(sig);
	write_gs((unsigned long)&area[signal_count % 100]);
}

TEST(gs_written_in_a_handler_between_two_calls)
{
	need_gs();
	make_hot();
	fill_area();
	on_signal(SIGUSR1, write_gs_in_handler, 0);
	for (int i = 1; i < 50; i++) {
		pid_t p = SPAWN({ kill(getppid(), SIGUSR1); });
		while (signal_count < i)
			for (int k = 0; k < SITES; k++)
				ASSERT_EQ(all_sites[k].call(SYS_getpgrp),
					  k ? getpgrp() : getppid());
		ASSERT_EQ(gs_word(), i % 100);
		JOIN(p);
	}
	assert_area_is_whole();
}

TEST(cpuid_faulting_is_off)
{
	ASSERT_EQ(arch(ARCH_GET_CPUID, 0), 1);
}

TEST_MAIN()
