/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's text is the program's: calls in it work whatever becomes of its pages, and it
 * reads as it is in the file, however often a call has been made.
 */
#include "text.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <ucontext.h>

#define SIZE ((size_t)(sites_end - sites))
#define RX   (PROT_READ | PROT_EXEC)

TEST(calls_return_what_they_did_at_first)
{
	make_hot();
	for (int k = 0; k < SITES; k++)
		for (int i = 0; i < 1000; i++)
			ASSERT_EQ(all_sites[k].call(NR_PPID), getppid());
	ASSERT_EQ(site_behind(1000), ENOSYS);
	ASSERT_EQ(site_with(1000), -ENOSYS);
	ASSERT_EQ(site_before(SYS_getpid), getpid());
}

TEST(registers_and_flags_survive)
{
	for (int i = 0; i < HOT; i++) {
		uint64_t flags, rcx, r11, rdx = 0x1234, r8 = 0x5678, xmm = 0x1122334455667788, ret;
		__asm__ volatile("movq %[xmm], %%xmm5\n"
				 "	lea -128(%%rsp), %%rsp\n"
				 "	stc\n"
				 "	mov $0x7777, %%r10d\n"
				 "	mov %[nr], %%rdi\n"
				 "	call site_with\n"
				 "	pushf\n"
				 "	pop %[flags]\n"
				 "	lea 128(%%rsp), %%rsp\n"
				 "	movq %%xmm5, %[xmm]\n"
				 : "=a"(ret), "=c"(rcx), [flags] "=&b"(flags), [xmm] "+r"(xmm),
				   "+d"(rdx)
				 : [nr] "r"((long)NR_PPID)
				 : "rdi", "rsi", "r8", "r9", "r10", "r11", "xmm5", "memory", "cc");
		(void)r8;
		(void)r11;
		ASSERT_EQ(ret, getppid());
		ASSERT(flags & 1);
		ASSERT_EQ(rcx, (uintptr_t)call_with + 2);
		ASSERT_EQ(rdx, 0x1234);
		ASSERT_EQ(xmm, 0x1122334455667788);
	}
}

/* /proc/self/mem, write(2) and a tracer see what the linker wrote. */
TEST(text_reads_as_it_was)
{
	char *before = malloc(SIZE), *now = malloc(SIZE);
	int p[2];
	memcpy(before, sites, SIZE);
	make_hot();
	int fd = open("/proc/self/mem", O_RDONLY);
	ASSERT_EQ(pread(fd, now, SIZE, (off_t)(uintptr_t)sites), SIZE);
	ASSERT(!memcmp(before, now, SIZE));
	for (off_t at = 0; at < 512; at++) {
		ASSERT_EQ(pread(fd, now, 7, (off_t)(uintptr_t)sites + at), 7);
		ASSERT(!memcmp(before + at, now, 7));
	}
	ASSERT_OK(pipe(p));
	for (int i = 0; i < HOT; i++) {
		ASSERT_EQ(write(p[1], sites, 512), 512);
		ASSERT_EQ(read(p[0], now, 512), 512);
		ASSERT(!memcmp(before, now, 512));
	}
}

TEST(a_tracer_reads_text_as_it_was)
{
	char *before = malloc(SIZE);
	int st;
	memcpy(before, sites, SIZE);
	pid_t p = SPAWN({
		make_hot();
		ASSERT_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		make_hot();
	});
	ASSERT_EQ(waitpid(p, &st, 0), p);
	ASSERT(WIFSTOPPED(st));
	for (size_t at = 0; at < 512; at += 8) {
		errno = 0;
		long word = ptrace(PTRACE_PEEKTEXT, p, sites + at, 0);
		ASSERT_EQ(errno, 0);
		ASSERT(!memcmp(&word, before + at, 8));
	}
	/* A breakpoint in the middle of what may have been replaced. */
	long old = ptrace(PTRACE_PEEKTEXT, p, call_with, 0);
	ASSERT_OK(ptrace(PTRACE_POKETEXT, p, call_with, (old & ~0xffl) | 0xcc));
	ASSERT_OK(ptrace(PTRACE_CONT, p, 0, 0));
	ASSERT_EQ(waitpid(p, &st, 0), p);
	ASSERT(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
	ASSERT_OK(ptrace(PTRACE_POKETEXT, p, call_with, old));
	kill(p, SIGKILL);
}

static volatile sig_atomic_t strange;

static int is_text(uintptr_t rip)
{
	extern char __executable_start[], etext[];
	return rip >= (uintptr_t)__executable_start && rip < (uintptr_t)etext;
}

static void look_at_rip(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	(void)sig;
	(void)info;
	signal_count = signal_count + 1;
	if (!is_text((uintptr_t)uc->uc_mcontext.gregs[REG_RIP]))
		strange = 1;
}

TEST(signals_find_the_program_in_its_text)
{
	struct itimerval every = {{0, 100}, {0, 100}};
	on_siginfo(SIGALRM, look_at_rip, SA_RESTART);
	make_hot();
	ASSERT_OK(setitimer(ITIMER_REAL, &every, NULL));
	while (signal_count < 500) /* no clock is read: that is not in our text */
		for (int k = 0; k < SITES; k++)
			ASSERT_EQ(all_sites[k].call(NR_PPID), getppid());
	ASSERT_EQ(strange, 0);
}

static volatile sig_atomic_t steps;

static void step(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	(void)sig;
	(void)info;
	steps = steps + 1;
	if (!is_text((uintptr_t)uc->uc_mcontext.gregs[REG_RIP]))
		strange = 1;
}

static long call_stepped(site_fn *site)
{
	long ret;
	__asm__ volatile("lea -128(%%rsp), %%rsp\n"
			 "	pushf\n"
			 "	orq $0x100, (%%rsp)\n"
			 "	popf\n"
			 "	call *%[site]\n"
			 "	pushf\n"
			 "	andq $~0x100, (%%rsp)\n"
			 "	popf\n"
			 "	lea 128(%%rsp), %%rsp\n"
			 : "=a"(ret)
			 : [site] "b"(site), "D"((long)NR_PPID)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return ret;
}

TEST(a_program_can_step_through_its_calls)
{
	on_siginfo(SIGTRAP, step, 0);
	make_hot();
	for (int k = 0; k < SITES; k++) {
		steps = 0;
		ASSERT_EQ(call_stepped(all_sites[k].call), getppid());
		ASSERT(steps >= 4);
		ASSERT_EQ(strange, 0);
	}
}

/* As code that was interrupted there does. */
TEST(every_call_can_be_jumped_to)
{
	char *const calls[] = {call_one, call_before, call_with, call_behind, call_around};
	make_hot();
	for (int i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof calls / sizeof calls[0]; k++) {
			long ret;
			__asm__ volatile("lea -128(%%rsp), %%rsp\n"
					 "	call *%[to]\n"
					 "	lea 128(%%rsp), %%rsp\n"
					 : "=a"(ret)
					 : [to] "b"(calls[k]), "a"((long)NR_PPID)
					 : "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11",
					   "memory", "cc");
			ASSERT_EQ(ret, getppid());
		}
}

TEST(text_can_be_changed)
{
	make_hot();
	ASSERT_OK(mprotect(sites, SIZE, PROT_READ | PROT_WRITE));
	((volatile char *)site_one)[1] = SYS_getpid;
	ASSERT_OK(mprotect(sites, SIZE, RX));
	for (int i = 0; i < HOT; i++) {
		ASSERT_EQ(site_one(0), getpid());
		ASSERT_EQ(site_with(NR_PPID), getppid());
	}
	ASSERT_OK(mprotect(sites, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	((volatile char *)site_one)[1] = NR_PPID;
	for (int i = 0; i < HOT; i++)
		ASSERT_EQ(site_one(0), getppid());
}

TEST(text_without_the_right_faults)
{
	make_hot();
	JOIN(SPAWN({
		int st;
		pid_t p = SPAWN({
			mprotect(sites, SIZE, PROT_READ);
			site_one(0);
		});
		waitpid(p, &st, 0);
		ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV);
		p = SPAWN({
			munmap(sites, SIZE);
			site_with(NR_PPID);
		});
		waitpid(p, &st, 0);
		ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV);
		make_hot();
	}));
}

TEST(text_is_mapped_again_and_moved)
{
	for (int i = 0; i < 5; i++) {
		char *p = map_sites(NULL);
		for (int n = 0; n < HOT; n++)
			for (int k = 0; k < SITES; k++)
				ASSERT_EQ(call_at(p, k, NR_PPID), getppid());
		char *to = mmap(NULL, SIZE, PROT_NONE, ANON_PRIV, -1, 0);
		ASSERT_EQ((long)mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
		for (int n = 0; n < HOT; n++)
			for (int k = 0; k < SITES; k++)
				ASSERT_EQ(call_at(to, k, NR_PPID), getppid());
		ASSERT_EQ((long)map_sites(to), (long)to);
		for (int k = 0; k < SITES; k++)
			ASSERT_EQ(call_at(to, k, NR_PPID), getppid());
		ASSERT_OK(madvise(to, SIZE, MADV_DONTNEED));
		for (int n = 0; n < HOT; n++)
			for (int k = 0; k < SITES; k++)
				ASSERT_EQ(call_at(to, k, NR_PPID), getppid());
		ASSERT_OK(munmap(to, SIZE));
	}
}

/* One mapping to the program, whatever has been done to pages in the middle of it. */
TEST(a_large_text_is_moved_at_once)
{
	int fd;
	off_t off = sites_offset(&fd), before = 8 * 4096;
	size_t size = (size_t)before + SIZE + 8 * 4096;
	if (off < before)
		before = off;
	char *p = mmap(NULL, size, RX, MAP_PRIVATE, fd, off - before);
	ASSERT(p != MAP_FAILED);
	for (int n = 0; n < HOT; n++)
		for (int k = 0; k < SITES; k++)
			ASSERT_EQ(call_at(p + before, k, NR_PPID), getppid());
	char *to = mmap(NULL, size, PROT_NONE, ANON_PRIV, -1, 0);
	ASSERT_EQ((long)mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	for (int n = 0; n < HOT; n++)
		for (int k = 0; k < SITES; k++)
			ASSERT_EQ(call_at(to + before, k, NR_PPID), getppid());
	ASSERT_OK(munmap(to, size));
}

TEST(a_fork_changes_its_own_text)
{
	make_hot();
	pid_t p = SPAWN({
		ASSERT_OK(mprotect(sites, SIZE, PROT_READ | PROT_WRITE));
		((volatile char *)site_one)[1] = SYS_getpid;
		ASSERT_OK(mprotect(sites, SIZE, RX));
		for (int i = 0; i < HOT; i++)
			ASSERT_EQ(site_one(0), getpid());
		JOIN(SPAWN({ ASSERT_EQ(site_one(0), getpid()); }));
	});
	make_hot();
	JOIN(p);
	make_hot();
	JOIN(SPAWN({ make_hot(); }));
}

/* A program may use every address it has not been given. */
TEST(all_free_addresses_can_be_mapped)
{
	char line[512];
	uint64_t at = 0x10000, from, to, top = (uint64_t)(uintptr_t)sites + (3ull << 30);
	uint64_t holes[64][2];
	unsigned n = 0;
	make_hot();
	FILE *f = fopen("/proc/self/maps", "r");
	while (n < 64 && fgets(line, sizeof line, f) && sscanf(line, "%lx-%lx", &from, &to) == 2) {
		uint64_t end = from < top ? from : top;
		if (end > at) {
			holes[n][0] = at;
			holes[n++][1] = end;
		}
		at = to;
	}
	fclose(f);
	for (unsigned i = 0; i < n; i++) {
		char *p = mmap((void *)(uintptr_t)holes[i][0], holes[i][1] - holes[i][0], PROT_NONE,
			       ANON_PRIV | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
		ASSERT_EQ((long)p, (long)holes[i][0]);
	}
	ASSERT(n > 0);
	make_hot();
}

TEST(what_is_not_mapped_cannot_be_read)
{
	unsigned char vec;
	int p[2];
	ASSERT_OK(pipe(p));
	make_hot();
	uint64_t low = (uint64_t)(uintptr_t)sites & ~0xfffffull, read_in = 0;
	for (uint64_t at = low; at < low + (1ull << 31); at += 0x10000) {
		if (mincore((void *)(uintptr_t)at, 1, &vec) == 0)
			continue;
		ASSERT_EQ(errno, ENOMEM);
		read_in += write(p[1], (void *)(uintptr_t)at, 1) == 1;
	}
	ASSERT_EQ(read_in, 0);
}

TEST(gs_belongs_to_the_program)
{
	static uint64_t there[2] = {0x123456789abcdef, 0};
	uint64_t value;
	make_hot();
	ASSERT_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, there));
	for (int i = 0; i < 3; i++) {
		make_hot();
		__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
		ASSERT_EQ(value, there[0]);
		ASSERT_EQ(there[1], 0);
	}
	JOIN(SPAWN({
		make_hot();
		__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
		ASSERT_EQ(value, there[0]);
	}));
}

TEST_MAIN()
