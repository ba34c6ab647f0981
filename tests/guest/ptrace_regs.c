/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace: memory and registers of a tracee that has stopped. */
#include "trace.h"

#include <elf.h>
#include <sys/procfs.h>
#include <sys/uio.h>

#define USER(field) offsetof(struct user, field)
/* The kernel's struct user has two words more than libc's. */
enum { USER_SIZE = sizeof(struct user) + 16 };

static volatile long word = 0x1122334455667788;
static const volatile long constant = 0x0102030405060708;

TEST(peek_reads_what_the_tracee_has)
{
	pid_t p = TRACEE();
	word = 1;
	ASSERT_EQ(peek(p, (void *)&word), 0x1122334455667788);
	ASSERT_EQ(ptrace(PTRACE_PEEKTEXT, p, &constant, 0), 0x0102030405060708);
	ASSERT_EQ(peek(p, (char *)&word + 2), peek(p, (char *)&word + 2));
	kill_and_reap(p);
}

TEST(poke_changes_the_tracee_and_not_us)
{
	pid_t p = TRACEE(ASSERT_EQ(word, 42));
	poke(p, (void *)&word, 42);
	ASSERT_EQ(word, 0x1122334455667788);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(poke_writes_through_read_only_memory)
{
	char *ro = map_anon(PAGE);
	memcpy(ro, "12345678", 8);
	ASSERT_OK(mprotect(ro, PAGE, PROT_READ));
	pid_t p = TRACEE({
		ASSERT_EQ(constant, 7);
		ASSERT_EQ(*(long *)ro, 77);
	});
	poke(p, (void *)&constant, 7);
	poke(p, ro, 77);
	ASSERT_EQ(constant, 0x0102030405060708);
	ASSERT_EQ(ro[0], '1');
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(memory_stays_read_only_after_a_poke)
{
	char *ro = map_at(NULL, PAGE, PROT_READ, ANON_PRIV);
	pid_t p = TRACEE(*(volatile long *)ro = 1);
	poke(p, ro, 77);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGSEGV);
	cont(p, SIGSEGV);
	expect_killed(p, SIGSEGV);
}

TEST(peek_and_poke_reach_memory_without_any_right)
{
	char *none = map_anon(PAGE);
	*(long *)none = 99;
	ASSERT_OK(mprotect(none, PAGE, PROT_NONE));
	pid_t p = TRACEE({
		ASSERT_OK(mprotect(none, PAGE, PROT_READ));
		ASSERT_EQ(*(long *)none, 100);
	});
	ASSERT_EQ(peek(p, none), 99);
	poke(p, none, 100);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(poke_does_not_write_to_a_shared_read_only_file)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	ASSERT_OK(close(fd));
	ASSERT_OK(fd = open("f", O_RDONLY));
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT(m != MAP_FAILED);
	pid_t p = TRACEE();
	ASSERT_EQ(peek(p, m) & 0xff, 'a');
	ASSERT_ERR(TRACE(PTRACE_POKEDATA, p, m, 0), EIO);
	kill_and_reap(p);
}

TEST(poke_to_a_private_file_leaves_the_file)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char c = 0, *m = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	ASSERT(m != MAP_FAILED);
	pid_t p = TRACEE(ASSERT_EQ(m[0], 'z'));
	poke(p, m, 'z');
	ASSERT_EQ(pread(fd, &c, 1, 0), 1);
	ASSERT_EQ(c, 'a');
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(addresses_without_memory_are_eio)
{
	long v;
	char *m = map_anon(2 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	pid_t p = TRACEE();
	ASSERT_ERR(TRACE(PTRACE_PEEKDATA, p, 8, &v), EIO);
	ASSERT_ERR(TRACE(PTRACE_POKEDATA, p, 8, 1), EIO);
	ASSERT_ERR(TRACE(PTRACE_PEEKDATA, p, -8l, &v), EIO);
	ASSERT_ERR(TRACE(PTRACE_PEEKDATA, p, m + PAGE - 4, &v), EIO);
	ASSERT_ERR(TRACE(PTRACE_PEEKDATA, p, m, 8), EFAULT);
	kill_and_reap(p);
}

TEST(registers_come_and_go)
{
	register long rbx __asm__("rbx");
	pid_t p = TRACEE({
		__asm__ volatile("mov $0x1234567, %%ebx; int3" : "=r"(rbx)::"memory");
		ASSERT_EQ(rbx, 0x7654321);
	});
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	struct user_regs_struct r = regs_of(p);
	ASSERT_EQ(r.rbx, 0x1234567);
	ASSERT_EQ(r.cs, 0x33);
	ASSERT_EQ(r.ss, 0x2b);
	ASSERT((long)r.orig_rax < 0);
	ASSERT_EQ(peek(p, (char *)r.rip - 1) & 0xff, 0xcc);
	r.rbx = 0x7654321;
	set_regs(p, &r);
	ASSERT_EQ(regs_of(p).rbx, 0x7654321);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(the_user_area_is_made_of_words)
{
	long v = 1;
	pid_t p = TRACEE();
	struct user_regs_struct r = regs_of(p);
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER(regs.rip), &v));
	ASSERT_EQ(v, r.rip);
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER(regs.orig_rax), &v));
	ASSERT_EQ(v, r.orig_rax);
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER(regs.fs_base), &v));
	ASSERT_EQ(v, r.fs_base);
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER(u_debugreg[0]), &v));
	ASSERT_EQ(v, 0);
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER_SIZE - 8, &v));
	ASSERT_ERR(TRACE(PTRACE_PEEKUSER, p, USER(regs.rip) + 1, &v), EIO);
	ASSERT_ERR(TRACE(PTRACE_PEEKUSER, p, USER_SIZE, &v), EIO);
	ASSERT_ERR(TRACE(PTRACE_PEEKUSER, p, -8l, &v), EIO);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, USER(regs.r12), 5));
	ASSERT_EQ(regs_of(p).r12, 5);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(regs.r12) + 4, 5), EIO);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER_SIZE, 5), EIO);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(u_tsize), 5), EIO);
	kill_and_reap(p);
}

TEST(registers_the_kernel_needs_are_checked)
{
	pid_t p = TRACEE();
	struct user_regs_struct r = regs_of(p);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(regs.cs), 0), EIO);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(regs.ss), 0x10), EIO);
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(regs.fs_base), -1l), EIO);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, USER(regs.eflags), -1l));
	unsigned long flags = regs_of(p).eflags;
	ASSERT_EQ(flags & 0x3000, 0);  /* IOPL */
	ASSERT_EQ(flags & 0x20000, 0); /* VM */
	ASSERT_EQ(flags & 0x200, 0x200);
	set_regs(p, &r);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(debug_registers_keep_what_is_written)
{
	long v;
	pid_t p = TRACEE();
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, USER(u_debugreg[0]), &word));
	ASSERT_OK(TRACE(PTRACE_PEEKUSER, p, USER(u_debugreg[0]), &v));
	ASSERT_EQ(v, (long)&word);
	ASSERT_OK(TRACE(PTRACE_POKEUSER, p, USER(u_debugreg[7]), 0));
	ASSERT_ERR(TRACE(PTRACE_POKEUSER, p, USER(u_debugreg[4]), 0), EIO);
	kill_and_reap(p);
}

static double half(double d)
{
	__asm__ volatile("int3" : "+x"(d));
	return d / 2;
}

TEST(floating_point_registers_come_and_go)
{
	struct user_fpregs_struct fp;
	pid_t p = TRACEE(ASSERT(half(2.5) == 4.0));
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	ASSERT_OK(TRACE(PTRACE_GETFPREGS, p, 0, &fp));
	double d, eight = 8.0;
	int found = 0;
	for (int i = 0; i < 16; i++) {
		memcpy(&d, &fp.xmm_space[4 * i], sizeof d);
		if (d == 2.5) {
			memcpy(&fp.xmm_space[4 * i], &eight, sizeof d);
			found++;
		}
	}
	ASSERT(found > 0);
	ASSERT_EQ(fp.mxcsr, 0x1f80);
	ASSERT_OK(TRACE(PTRACE_SETFPREGS, p, 0, &fp));
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(register_sets_by_number)
{
	struct user_regs_struct r, old;
	char fx[512], xs[16384];
	pid_t p = TRACEE();
	old = regs_of(p);
	struct iovec v = {&r, sizeof r + 100};
	ASSERT_ERR(TRACE(PTRACE_GETREGSET, p, NT_PRSTATUS, &v), EINVAL);
	v.iov_len = sizeof r + 104;
	ASSERT_OK(TRACE(PTRACE_GETREGSET, p, NT_PRSTATUS, &v));
	ASSERT_EQ(v.iov_len, sizeof r);
	ASSERT_EQ(memcmp(&r, &old, sizeof r), 0);
	v.iov_len = 16;
	r.r15 = r.r14 = r.r13 = 0;
	ASSERT_OK(TRACE(PTRACE_GETREGSET, p, NT_PRSTATUS, &v));
	ASSERT_EQ(v.iov_len, 16);
	ASSERT(r.r15 == old.r15 && r.r14 == old.r14 && r.r13 == 0);
	r.r14 = 1414;
	ASSERT_OK(TRACE(PTRACE_SETREGSET, p, NT_PRSTATUS, &v));
	ASSERT_EQ(regs_of(p).r14, 1414);
	ASSERT_EQ(regs_of(p).r13, old.r13);

	v = (struct iovec){fx, sizeof fx};
	ASSERT_OK(TRACE(PTRACE_GETREGSET, p, NT_PRFPREG, &v));
	ASSERT_EQ(v.iov_len, 512);
	v = (struct iovec){xs, sizeof xs};
	ASSERT_OK(TRACE(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v));
	ASSERT(v.iov_len >= 576 && v.iov_len <= sizeof xs);
	uint64_t xcr0;
	memcpy(&xcr0, xs + 464, 8);
	ASSERT_EQ(xcr0 & 3, 3);
	ASSERT_EQ(memcmp(xs, fx, 400), 0);
	ASSERT_OK(TRACE(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v));
	ASSERT_ERR(TRACE(PTRACE_GETREGSET, p, 12345, &v), EINVAL);
	ASSERT_ERR(TRACE(PTRACE_GETREGSET, p, NT_PRSTATUS, 8), EFAULT);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST(bad_state_components_are_refused)
{
	char xs[16384];
	pid_t p = TRACEE();
	struct iovec v = {xs, sizeof xs};
	ASSERT_OK(TRACE(PTRACE_GETREGSET, p, NT_X86_XSTATE, &v));
	memset(xs + 512, 0xff, 8);
	ASSERT_ERR(TRACE(PTRACE_SETREGSET, p, NT_X86_XSTATE, &v), EINVAL);
	cont(p, 0);
	expect_exit(p, 0);
}

/* gdb calls a function in its debuggee like this. */
static void called(void)
{
	word++;
	__asm__ volatile("int3");
}

TEST(a_sleep_is_restarted_after_a_call_of_the_debugger)
{
	struct gate g = gate_new();
	pid_t p = TRACEE({
		char c;
		ASSERT_EQ(read(g.fd[0], &c, 1), 1);
		ASSERT_EQ(word, 0x1122334455667789);
	});
	ASSERT_OK(TRACE(PTRACE_CONT, p, 0, 0));
	await_state(p, 'S');
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(stop_of(p), SIGSTOP);
	struct user_regs_struct saved = regs_of(p), r = saved;
	ASSERT_EQ(saved.orig_rax, SYS_read);
	ASSERT_EQ((long)saved.rax, -512);
	r.rip = (unsigned long)called;
	r.orig_rax = (unsigned long)-1;
	r.rsp = ((r.rsp - 512) & ~15ul) - 8;
	set_regs(p, &r);
	cont(p, 0);
	ASSERT_EQ(stop_of(p), SIGTRAP);
	set_regs(p, &saved);
	cont(p, 0);
	gate_open(g);
	expect_exit(p, 0);
}

TEST(process_memory_is_a_file_that_writes_through)
{
	char name[64];
	long v = 7, r = 0;
	pid_t p = TRACEE(ASSERT_EQ(constant, 7));
	snprintf(name, sizeof name, "/proc/%d/mem", p);
	int fd = open(name, O_RDWR);
	ASSERT_OK(fd);
	ASSERT_EQ(pread(fd, &r, 8, (off_t)(uintptr_t)&constant), 8);
	ASSERT_EQ(r, 0x0102030405060708);
	ASSERT_EQ(pwrite(fd, &v, 8, (off_t)(uintptr_t)&constant), 8);
	cont(p, 0);
	expect_exit(p, 0);
}

TEST_MAIN()
