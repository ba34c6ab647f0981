/* SPDX-License-Identifier: Apache-2.0 */
/* All calls of a libc rewritten, in this process: they work, and nobody can see it. */
#include "rewrite_fixture.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct guest_text libc;

static unsigned rewrite_all(void)
{
	unsigned n = 0;
	for (uaddr_t at = libc.start; (at = next_call(&libc, at)) != 0; at++) {
		struct rewrite_req req = guest_req(&libc, at);
		n += rewrite_site(fixture_rewrite, NULL, &req) == 0;
	}
	return n;
}

/* The copy's function. */
static void *guest_function(const char *name)
{
	Dl_info info;
	void *ours =
		dlsym(dlopen(LIBC, RTLD_NOW), name); /* not what a sanitizer has put before it */
	assert_true(ours && dladdr(ours, &info));
	return (void *)(libc.start + ((uaddr_t)ours - (uaddr_t)info.dli_fbase) - libc.off);
}

static int setup(void **state)
{
	(void)state;
	fixture_start(&libc);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_end(&libc);
	return 0;
}

/* Each is #UD wherever it stands, whatever follows. */
static void dead_opcodes_fault(void **state)
{
	uint8_t *code = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int32_t d;
	(void)state;
	for (unsigned i = 0; island_distance(i, &d); i += 19) {
		for (int follow = 0; follow < 256; follow += 51) {
			memset(code, follow, 16);
			code[0] = (uint8_t)((uint32_t)d >> 16);
			assert_int_equal((uint8_t)((uint32_t)d >> 24), code[0]);
			pid_t pid = fork();
			if (pid == 0) {
				signal(SIGILL, SIG_DFL);
				((void (*)(void))code)();
				_exit(0);
			}
			int status;
			waitpid(pid, &status, 0);
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL);
		}
	}
	munmap(code, PAGE_SIZE);
}

static void nearly_all_can_be_rewritten(void **state)
{
	(void)state;
	assert_true(rewrite_all() > 300);
	assert_memory_not_equal((void *)libc.start, libc.file + libc.off, libc.end - libc.start);
}

static void text_reads_as_it_was(void **state)
{
	size_t size = libc.end - libc.start;
	uint8_t *copy = malloc(size);
	(void)state;
	rewrite_all();
	memcpy(copy, (void *)libc.start, size);
	assert_int_equal(rewrite_overlay(fixture_rewrite, libc.start, copy, size), size);
	assert_memory_equal(copy, libc.file + libc.off, size);
	/* Any part of it, too. */
	for (size_t at = 0x1000; at + 64 < size; at += 61) {
		memcpy(copy, (void *)(libc.start + at), 64);
		rewrite_overlay(fixture_rewrite, libc.start + at, copy, 64);
		assert_memory_equal(copy, libc.file + libc.off + at, 64);
	}
	free(copy);
}

static void change_puts_text_back(void **state)
{
	(void)state;
	rewrite_all();
	assert_int_equal(rewrite_change(fixture_rewrite, NULL, libc.start, libc.end - libc.start),
			 0);
	assert_memory_equal((void *)libc.start, libc.file + libc.off, libc.end - libc.start);
	/* And again, in the islands that are there. */
	uint32_t sites = fixture_rewrite->table->count;
	assert_true(rewrite_all() > 300);
	assert_int_equal(fixture_rewrite->table->count, sites);
}

static void islands_are_hidden_and_given_up(void **state)
{
	uaddr_t start, end, at;
	(void)state;
	rewrite_all();
	assert_true(rewrite_hidden(fixture_rewrite, 0, USER_TOP, &start, &end));
	uint8_t buf[64];
	assert_int_equal(rewrite_overlay(fixture_rewrite, start + 100, buf, sizeof buf), 0);
	assert_int_equal(rewrite_overlay(fixture_rewrite, start - 10, buf, sizeof buf), 10);
	at = start + PAGE_SIZE;
	assert_int_equal(rewrite_change(fixture_rewrite, NULL, at, PAGE_SIZE), 0);
	assert_memory_equal((void *)libc.start, libc.file + libc.off, libc.end - libc.start);
	assert_false(rewrite_hidden(fixture_rewrite, at, at + 1, &start, &end));
	assert_true(rewrite_all() > 300);
}

static void rewritten_calls_work(void **state)
{
	pid_t (*guest_getppid)(void) = guest_function("getppid");
	long (*guest_syscall)(long, ...) = guest_function("syscall");
	ssize_t (*guest_read)(int, void *, size_t) = guest_function("read");
	uaddr_t rip;
	char c = 1;
	int fd = open("/dev/zero", O_RDONLY);
	(void)state;
	rewrite_all();
	fixture_site = 0;
	assert_int_equal(guest_getppid(), getppid());
	assert_true(rewrite_call(fixture_rewrite, fixture_site, false, &rip));
	assert_in_range(rip, (uaddr_t)guest_getppid, (uaddr_t)guest_getppid + 16);
	fixture_site = 0;
	assert_int_equal(guest_read(fd, &c, 1), 1);
	assert_int_equal(c, 0);
	assert_true(rewrite_call(fixture_rewrite, fixture_site, false, &rip));
	assert_in_range(rip, (uaddr_t)guest_read, (uaddr_t)guest_read + 200);
	fixture_site = 0;
	assert_int_equal(guest_syscall(SYS_getpid, 1, 2, 3, 4, 5, 6), getpid());
	assert_true(fixture_site != 0);
	/* %gs is the guest's: the island calls itself. */
	fixture_gs(false);
	fixture_site = 0;
	assert_int_equal(guest_read(fd, &c, 1), 1);
	assert_int_equal(guest_getppid(), getppid());
	assert_int_equal(fixture_site, 0);
	fixture_gs(true);
	close(fd);
}

static uaddr_t jump_to(uaddr_t at)
{
	sigjmp_buf escape;
	fixture_ill = 0;
	fixture_escape = &escape;
	if (sigsetjmp(escape, 1) == 0)
		((void (*)(void))at)();
	fixture_escape = NULL;
	return fixture_ill;
}

/* Whoever jumps to a middle is seen there, and goes on at an island's copy of it. */
static void middles_are_recognised(void **state)
{
	unsigned middles = 0;
	(void)state;
	fixture_signals();
	rewrite_all();
	const struct table *t = fixture_rewrite->table;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct place *p = &t->sites[i].place;
		for (unsigned k = 1; k < p->plan->count; k++) {
			const struct plan_insn *insn = &p->plan->insns[k];
			uaddr_t at = place_start(p) + insn->at;
			assert_int_equal(jump_to(at), at);
			uaddr_t to = rewrite_host_rip(fixture_rewrite, at);
			assert_int_equal(rewrite_guest_rip(fixture_rewrite, to, false), at);
			if (!insn->call && !insn->disp)
				assert_memory_equal((void *)to, p->plan->old + insn->at,
						    insn->size);
			middles++;
		}
	}
	assert_true(middles > 50);
}

/* Single step: at the given instruction of the guest's, the other way round from there on. */
#ifdef __SANITIZE_THREAD__
/* Here text is changed in a signal handler, on purpose, at every instruction. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_signal_unsafe=0";
}
#endif

static struct {
	unsigned at, now;
	bool rewritten;
} step;

static void toggle(void)
{
	if (!step.rewritten)
		rewrite_all();
	else
		rewrite_change(fixture_rewrite, NULL, libc.start, libc.end - libc.start);
}

static void on_step(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uaddr_t rip = (uaddr_t)uc->uc_mcontext.gregs[REG_RIP];
	(void)signo;
	(void)info;
	bool guest = (rip >= libc.start && rip < libc.end) ||
		     rewrite_guest_rip(fixture_rewrite, rip, false) != rip;
	if (guest && step.now++ == step.at)
		toggle();
}

static void trace(bool on)
{
	uint64_t flags;
	__asm__ volatile("lea -128(%%rsp), %%rsp; pushf; pop %0; lea 128(%%rsp), %%rsp"
			 : "=r"(flags));
	flags = on ? flags | 0x100 : flags & ~0x100ull;
	__asm__ volatile("lea -128(%%rsp), %%rsp; push %0; popf; lea 128(%%rsp), %%rsp"
			 :
			 : "r"(flags)
			 : "cc", "memory");
}

static long call_stepped(long (*call)(long, long, long), long a, long b, long c)
{
	step.now = 0;
	trace(true);
	long ret = call(a, b, c);
	trace(false);
	return ret;
}

/* Wherever a thread stands while the text changes, either way, it goes on correctly. */
static void changed_at_every_instruction(void **state)
{
	static const struct {
		const char *name;
		long a, b, c, want;
	} calls[] = {{"getppid", 0, 0, 0, -1},	      {"syscall", SYS_getppid, 1, 2, -1},
		     {"lseek", 1000, 5, SEEK_SET, 5}, {"umask", 022, 0, 0, 022},
		     {"dup2", 1000, 1000, 0, 1000},   {"read", 1000, 0, 0, 0}};
	struct sigaction sa = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	(void)state;
	fixture_signals();
	sigaction(SIGTRAP, &sa, NULL);
	umask(022);
	dup2(open("/dev/zero", O_RDONLY), 1000);
	rewrite_all();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		long (*call)(long, long, long) =
			(long (*)(long, long, long))guest_function(calls[i].name);
		long want = calls[i].want == -1 ? getppid() : calls[i].want;
		for (int from = 0; from < 2; from++) {
			for (step.at = 0; step.at == 0 || step.at < step.now; step.at++) {
				step.rewritten = from == 1;
				step.rewritten = !step.rewritten;
				toggle();
				step.rewritten = !step.rewritten;
				long got = call_stepped(call, calls[i].a, calls[i].b, calls[i].c);
				if (got != want && !(calls[i].want == 5 && got >= 0))
					fail_msg("%s at %u: %ld", calls[i].name, step.at, got);
			}
			if (step.at < 2)
				fail_msg("%s: %u instructions", calls[i].name, step.at);
		}
	}
	close(1000);
}

/* Every byte of every island is some address of the guest's around the call. */
static void islands_show_as_text(void **state)
{
	(void)state;
	rewrite_all();
	const struct table *t = fixture_rewrite->table;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct place *p = &t->sites[i].place;
		for (size_t k = 0; k < island_units(p->plan) * ISLAND_UNIT; k++) {
			uaddr_t rip = rewrite_guest_rip(fixture_rewrite, p->unit + k, false);
			assert_in_range(rip, place_start(p), p->call + PLAN_BYTES);
		}
		uaddr_t rip;
		assert_true(rewrite_call(fixture_rewrite, p->unit, false, &rip));
		assert_int_equal(rip, p->call + CALL_SIZE);
		assert_false(rewrite_call(fixture_rewrite, p->unit + 8, false, &rip));
		assert_false(rewrite_call(fixture_rewrite, p->call, false, &rip));
	}
}

static void a_fork_has_its_own(void **state)
{
	struct rewrite *child;
	uaddr_t rip;
	(void)state;
	rewrite_all();
	assert_int_equal(rewrite_fork(fixture_rewrite, &child), 0);
	const struct table *t = fixture_rewrite->table;
	uint32_t count = t->count;
	for (uint32_t i = 0; i < count; i++)
		assert_true(rewrite_call(child, t->sites[i].place.unit, false, &rip));
	rewrite_reset(child);
	assert_false(rewrite_call(child, t->sites[0].place.unit, false, &rip));
	assert_true(rewrite_call(fixture_rewrite, t->sites[0].place.unit, false, &rip));
	rewrite_free(child);
}

static void other_text_is_left_alone(void **state)
{
	uaddr_t call = next_call(&libc, libc.start);
	struct rewrite_req req;
	(void)state;
	do {
		call = next_call(&libc, call + 1);
		req = guest_req(&libc, call);
	} while (rewrite_site(fixture_rewrite, NULL, &req) < 0);
	assert_int_equal(rewrite_change(fixture_rewrite, NULL, libc.start, libc.end - libc.start),
			 0);
	/* Not what the file says. */
	uint8_t *byte = (uint8_t *)call - 1;
	mprotect((void *)(call & PAGE_MASK), PAGE_SIZE, PROT_READ | PROT_WRITE);
	*byte ^= 1;
	assert_int_equal(rewrite_site(fixture_rewrite, NULL, &req), -EAGAIN);
	*byte ^= 1;
	mprotect((void *)(call & PAGE_MASK), PAGE_SIZE, PROT_READ | PROT_EXEC);
	/* Across the end of the mapping. */
	req.start = call;
	req.off += call - libc.start;
	assert_int_equal(rewrite_site(fixture_rewrite, NULL, &req), -EOPNOTSUPP);
	req = guest_req(&libc, call);
	assert_int_equal(rewrite_stop(fixture_rewrite, NULL), 0);
	assert_int_equal(rewrite_site(fixture_rewrite, NULL, &req), -EOPNOTSUPP);
}

static void traps_are_counted(void **state)
{
	unsigned due = 0;
	(void)state;
	for (int i = 0; i < 64; i++)
		due += rewrite_due(fixture_rewrite, 0x1234);
	assert_in_range(due, 3, 6);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(dead_opcodes_fault),		 T(nearly_all_can_be_rewritten),
		T(text_reads_as_it_was),	 T(change_puts_text_back),
		T(rewritten_calls_work),	 T(islands_are_hidden_and_given_up),
		T(middles_are_recognised),	 T(islands_show_as_text),
		T(changed_at_every_instruction), T(a_fork_has_its_own),
		T(other_text_is_left_alone),	 T(traps_are_counted),
	};
	if (access(LIBC, R_OK) < 0)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
