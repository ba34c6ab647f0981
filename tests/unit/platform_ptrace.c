/* SPDX-License-Identifier: Apache-2.0 */
/* The ptrace platform keeps the contract of platform.h for a guest that behaves. */
#include "tests/unit/platform_guest.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/ptrace/ptrace.h"

GUEST(loop, "1: mov $39, %eax; syscall; jmp 1b");
GUEST(spin, "1: jmp 1b");
GUEST(fault, "mov 0x123456, %eax");
GUEST(ill, "ud2");
GUEST(brk3, "int3; nop");
GUEST(int80, "mov $20, %eax; mov $7, %ecx; int $0x80; 1: jmp 1b");
GUEST(divide, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; div %ecx");
GUEST(nop_call, "syscall; 1: syscall; jmp 1b");
GUEST(count, "1: lock incq 0x500000; jmp 1b");

static void test_syscalls(void **state)
{
	(void)state;
	struct guest g;
	guest_start(&g, loop);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		const struct regs *r = P->regs(g.c);
		assert_int_equal(r->orig_rax, SYS_getpid);
		assert_int_equal(r->rax, (uint64_t)-ENOSYS);
		assert_int_equal(r->rip, CODE + 7);
		P->regs_mut(g.c)->rax = 42;
	}
	guest_end(&g);
}

/* Every register reaches the guest and comes back, but for those syscall itself changes. */
static void test_registers(void **state)
{
	(void)state;
	struct guest g;
	guest_start(&g, nop_call);
	struct regs *r = P->regs_mut(g.c);
	r->r15 = 15, r->r14 = 14, r->r13 = 13, r->r12 = 12, r->rbp = 5, r->rbx = 3, r->r10 = 10;
	r->r9 = 9, r->r8 = 8, r->rax = 500, r->rdx = 2, r->rsi = 6, r->rdi = 7;
	r->fs_base = DATA, r->gs_base = DATA + 8;
	struct regs want = *r;
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	want.orig_rax = 500;
	want.rax = (uint64_t)-ENOSYS;
	want.rip = CODE + 2;
	want.rcx = P->regs(g.c)->rcx;
	want.r11 = P->regs(g.c)->r11;
	want.eflags = P->regs(g.c)->eflags;
	assert_memory_equal(P->regs(g.c), &want, sizeof want);
	/* -512 and the like are not taken for a host restart. */
	P->regs_mut(g.c)->rax = (uint64_t)-512;
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	assert_int_equal(P->regs(g.c)->orig_rax, (uint64_t)-512);
	assert_int_equal(P->regs(g.c)->rip, CODE + 4);
	guest_end(&g);
}

static void check_fault(const unsigned char *code, const unsigned char *end, int signo, int si_code,
			uaddr_t addr, uint64_t trapno, uaddr_t rip)
{
	struct guest g;
	guest_start_at(&g, code, end);
	assert_int_equal(guest_run(&g), EV_FAULT);
	assert_int_equal(g.ev.signo, signo);
	assert_int_equal(g.ev.code, si_code);
	assert_int_equal(g.ev.addr, addr);
	assert_int_equal(g.ev.trapno, trapno);
	assert_int_equal(P->regs(g.c)->rip, rip);
	guest_end(&g);
}

static void test_faults(void **state)
{
	(void)state;
	check_fault(fault, fault_end, SIGSEGV, SEGV_MAPERR, 0x123456, 14, CODE);
	check_fault(ill, ill_end, SIGILL, ILL_ILLOPN, CODE, 6, CODE);
	check_fault(brk3, brk3_end, SIGTRAP, 0x80, 0, 3, CODE + 1);
	check_fault(divide, divide_end, SIGFPE, FPE_INTDIV, CODE + 9, 0, CODE + 9);
	/* The 32-bit entry: neither a host call nor the 64-bit call of that number. */
	check_fault(int80, int80_end, SIGSEGV, 0x80, 0, 13, CODE + 10);
}

static void test_bad_registers(void **state)
{
	(void)state;
	struct guest g;
	guest_start(&g, loop);
	P->regs_mut(g.c)->fs_base = ~0ull << 47;
	assert_int_equal(guest_run(&g), EV_FAULT);
	assert_int_equal(g.ev.signo, SIGSEGV);
	P->regs_mut(g.c)->cs = 0x1234;
	assert_int_equal(guest_run(&g), EV_FAULT);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	P->regs_mut(g.c)->rip = 0x8000000000001234;
	assert_int_equal(guest_run(&g), EV_FAULT);
	guest_end(&g);
}

static void *kick(void *arg)
{
	struct ctx *c = arg;
	usleep(20000);
	P->interrupt(c);
	return NULL;
}

static void test_interrupt(void **state)
{
	(void)state;
	struct guest g;
	pthread_t t;
	guest_start(&g, spin);
	pthread_create(&t, NULL, kick, g.c);
	P->run(g.c, &g.ev);
	assert_int_equal(g.ev.kind, EV_INTERRUPT);
	pthread_join(t, NULL);
	/* Before run: at once, and once. */
	P->interrupt(g.c);
	P->interrupt(g.c);
	P->run(g.c, &g.ev);
	assert_int_equal(g.ev.kind, EV_INTERRUPT);
	poke(g.as, CODE, loop, (size_t)(loop_end - loop));
	P->run(g.c, &g.ev);
	assert_int_equal(g.ev.kind, EV_SYSCALL);
	guest_end(&g);
}

struct race {
	struct ctx *c;
	atomic_int sent, seen;
};

enum { KICKS = 10000 };

/* The next kick goes out once the last was seen: a lost one hangs the test. */
static void *kick_often(void *arg)
{
	struct race *race = arg;
	for (int i = 0; i < KICKS; i++) {
		while (atomic_load(&race->seen) < i)
			sched_yield();
		atomic_store(&race->sent, i + 1);
		P->interrupt(race->c);
	}
	return NULL;
}

static void test_interrupt_race(void **state)
{
	(void)state;
	struct guest g;
	pthread_t t;
	guest_start(&g, loop);
	struct race race = {.c = g.c};
	pthread_create(&t, NULL, kick_often, &race);
	while (atomic_load(&race.seen) < KICKS) {
		P->run(g.c, &g.ev);
		assert_true(g.ev.kind == EV_SYSCALL || g.ev.kind == EV_INTERRUPT);
		if (g.ev.kind == EV_INTERRUPT) {
			/* Not once more than was sent. */
			assert_true(atomic_load(&race.seen) < atomic_load(&race.sent));
			atomic_fetch_add(&race.seen, 1);
		}
	}
	pthread_join(t, NULL);
	guest_end(&g);
}

static void test_fork(void **state)
{
	(void)state;
	struct guest g, child = {0};
	uint64_t v = 1, w = 2, out = 0;
	guest_start(&g, loop);
	poke(g.as, DATA, &v, sizeof v);
	P->regs_mut(g.c)->rbx = 77;
	assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
	poke(g.as, DATA, &w, sizeof w);
	assert_int_equal(P->ctx_adopt(child.c), 0);
	assert_int_equal(P->regs(child.c)->rbx, 77);
	assert_int_equal(peek(child.as, DATA, &out, sizeof out), sizeof out);
	assert_int_equal(out, 1);
	assert_int_equal(guest_run(&child), EV_SYSCALL);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	/* The parent may go first. */
	guest_end(&g);
	assert_int_equal(guest_run(&child), EV_SYSCALL);
	guest_end(&child);
}

enum { THREADS = 32 };

static void *thread_run(void *arg)
{
	struct ctx *c = arg;
	struct event ev;
	assert_int_equal(P->ctx_adopt(c), 0);
	for (int i = 0; i < 200; i++) {
		P->run(c, &ev);
		assert_int_equal(ev.kind, EV_SYSCALL);
	}
	int64_t cpu;
	assert_int_equal(P->ctx_cputime(c, &cpu), 0);
	assert_true(cpu > 0);
	P->ctx_destroy(c);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct guest g;
	pthread_t t[THREADS];
	struct ctx *c[THREADS];
	guest_start(&g, loop);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(P->ctx_create(g.c, &c[i]), 0);
		pthread_create(&t[i], NULL, thread_run, c[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	/* One that nobody ever adopted. */
	assert_int_equal(P->ctx_create(g.c, &c[0]), 0);
	P->ctx_destroy(c[0]);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	guest_end(&g);
}

static void test_leader_ends_first(void **state)
{
	(void)state;
	struct guest g;
	struct ctx *second;
	uint64_t v = 0;
	guest_start(&g, loop);
	assert_int_equal(P->ctx_create(g.c, &second), 0);
	assert_int_equal(P->ctx_adopt(second), 0);
	P->ctx_destroy(g.c);
	for (int i = 0; i < 10; i++) {
		P->run(second, &g.ev);
		assert_int_equal(g.ev.kind, EV_SYSCALL);
		assert_int_equal(peek(g.as, DATA, &v, sizeof v), sizeof v);
	}
	P->ctx_destroy(second);
	assert_int_equal(peek(g.as, DATA, &v, sizeof v), sizeof v);
	P->aspace_destroy(g.as, NULL);
}

static void test_fpu(void **state)
{
	(void)state;
	struct guest g;
	size_t size = P->fpu_size();
	unsigned char *a = test_calloc(1, size), *b = test_calloc(1, size);
	guest_start(&g, loop);
	assert_int_equal(P->fpu_get(g.c, a, size), 0);
	assert_int_equal(a[0] | a[1] << 8, 0x37f);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	memset(a + 160, 0x5a, 256); /* xmm0-15 */
	if (size >= 832) {
		uint64_t bv = 7;
		memcpy(a + 512, &bv, sizeof bv);
		memset(a + 576, 0xa5, 256); /* upper halves of ymm0-15 */
	}
	a[25] |= 0x80; /* MXCSR: flush to zero */
	assert_int_equal(P->fpu_set(g.c, a, size), 0);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	assert_int_equal(P->fpu_get(g.c, b, size), 0);
	assert_memory_equal(a + 160, b + 160, 256);
	if (size >= 832)
		assert_memory_equal(a + 576, b + 576, 256);
	memset(a + 24, 0xff, 4); /* MXCSR bits that no CPU has */
	assert_int_equal(P->fpu_set(g.c, a, size), -EINVAL);
	assert_int_equal(P->fpu_reset(g.c), 0);
	assert_int_equal(P->fpu_get(g.c, b, size), 0);
	for (int i = 0; i < 256; i++)
		assert_int_equal(b[160 + i], 0);
	assert_int_equal(b[24] | b[25] << 8, 0x1f80);
	assert_int_equal(P->fpu_get(g.c, b, size - 1), -EINVAL);
	guest_end(&g);
	test_free(a);
	test_free(b);
}

static void test_cputime(void **state)
{
	(void)state;
	struct guest g;
	pthread_t t;
	int64_t before, after, own;
	guest_start(&g, count);
	assert_int_equal(P->aspace_cputime(g.as, &before), 0);
	pthread_create(&t, NULL, kick, g.c);
	P->run(g.c, &g.ev);
	pthread_join(t, NULL);
	assert_int_equal(P->aspace_cputime(g.as, &after), 0);
	assert_true(after > before);
	assert_int_equal(P->ctx_cputime(g.c, &own), 0);
	assert_true(own >= after);
	guest_end(&g);
}

/* The cost that everything else is built on, in host calls: nothing may creep in. */
static void test_host_calls(void **state)
{
	(void)state;
	struct guest g;
	guest_start(&g, loop);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	unsigned long start = ptrace_calls;
	for (int i = 0; i < 100; i++) {
		P->regs_mut(g.c)->rax = 1;
		P->run(g.c, &g.ev);
	}
	assert_int_equal(ptrace_calls - start, 400); /* SETREGS SYSEMU wait4 GETREGS */
	start = ptrace_calls;
	assert_int_equal(map_anon(g.c, DATA, PAGE_SIZE, 3), 0);
	assert_int_equal(ptrace_calls - start, 4); /* SETREGS CONT wait4 PEEKUSER */
	guest_end(&g);
}

static void test_null(void **state)
{
	(void)state;
	struct event ev;
	assert_int_equal(null_platform.init(), -ENOSYS);
	null_platform.run(NULL, &ev);
	assert_int_equal(ev.kind, EV_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syscalls),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bad_registers),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_interrupt_race),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_leader_ends_first),
		cmocka_unit_test(test_fpu),
		cmocka_unit_test(test_cputime),
		cmocka_unit_test(test_host_calls),
		cmocka_unit_test(test_null),
	};
	return cmocka_run_group_tests(tests, platform_setup, platform_teardown);
}
