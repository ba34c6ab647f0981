/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw BPF, because it tests the instruction pointer, which libseccomp cannot.
 *
 * Every row becomes: number equal? then each rule on a 32-bit half of an
 * argument in turn, then allow; what fails goes on to the next row.  A program ends in SECCOMP_RET_TRAP, which is
 * fatal without a tracer and a visible SIGSYS with one.
 */
#include "platform/stub_filter.h"

#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "platform/platform.h"
#include "platform/stub/stub.h"
#include "platform/trap/slot.h"

enum rule_op {
	NONE,
	EQUAL,	   /* low half == value, high half == 0 */
	EITHER,	   /* the same, value or other */
	WITHIN,	   /* no bit outside value, in either half */
	RANGE,	   /* low half from value to other, high half == 0 */
	BELOW_TOP, /* an address below USER_TOP, or below value if that is given: the same high half */
};

struct rule {
	enum rule_op op;
	int arg;
	uint32_t value, other;
};

enum { RULES = 3 };

/* The low half of the end of where a stub of the trap platform maps its object: slot.h. */
#define OBJECT_TOP (uint32_t)(SLOTS_AT + 1)

struct row {
	int nr, whose;
	struct rule rules[RULES];
};

/* clang-format off */
enum { P = STUB_OF_PTRACE, T = STUB_OF_TRAP, B = P | T };

/* The frequent ones first: the filter is walked from the top. */
#define ROWS(X)                                                                                    \
X(rt_sigreturn,  "2.2",   T, "back to guest code from the stub's signal handler",                  \
  {{NONE, 0, 0, 0}})                                                                               \
X(futex,         "2.6",   T, "a stub sleeps until the sentry answers, and wakes it",               \
  {{EITHER, 1, FUTEX_WAIT, FUTEX_WAKE}})                                                           \
X(mmap,          "1.0",   B, "guest mappings below USER_TOP; the object shared with the sentry",   \
  {{BELOW_TOP, 0, OBJECT_TOP, 0}, {WITHIN, 2, PROT_READ | PROT_WRITE | PROT_EXEC, 0},              \
   {WITHIN, 3, MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE |              \
	       MAP_GROWSDOWN | MAP_POPULATE, 0}})                                                  \
X(munmap,        "1.0",   B, "guest munmap; the zygote giving up the sentry's memory",             \
  {{NONE, 0, 0, 0}})                                                                               \
X(mprotect,      "1.0",   B, "guest mprotect",                                                     \
  {{BELOW_TOP, 0, 0, 0},                                                                           \
   {WITHIN, 2, PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP, 0}})            \
X(madvise,       "2.4",   B, "guest madvise on its own pages",                                     \
  {{BELOW_TOP, 0, 0, 0}})                                                                          \
X(recvmsg,       "2.0",   B, "a descriptor for one mmap, from the control socket only",            \
  {{EQUAL, 0, STUB_CTL_FD, 0}})                                                                    \
X(close,         "1.0",   B, "that descriptor, after the mmap; the two of a fork",                 \
  {{EITHER, 0, 0, 1}})                                                                             \
X(clone,         "1.0",   B, "a guest process or thread, with these flags exactly",                \
  {{EITHER, 0, STUB_CLONE_FORK, STUB_CLONE_THREAD}})                                               \
X(arch_prctl,    "2.6",   T, "%fs of a guest thread; %gs, by which a stub finds its slot",         \
  {{EITHER, 0, ARCH_SET_FS, ARCH_SET_GS}})                                                         \
X(sigaltstack,   "2.2",   T, "the signal stack of a new thread, in its slot",                      \
  {{NONE, 0, 0, 0}})                                                                               \
X(sched_setaffinity,"2.6",T, "where a stub's thread runs itself, away from the sentry's or not",   \
  {{EQUAL, 0, 0, 0}})                                                                              \
X(mremap,        "1.0",   B, "guest mremap",                                                       \
  {{BELOW_TOP, 0, 0, 0}, {WITHIN, 3, MREMAP_MAYMOVE | MREMAP_FIXED, 0}, {BELOW_TOP, 4, 0, 0}})     \
X(mincore,       "2.4",   B, "guest mincore, into the stub's own memory",                          \
  {{BELOW_TOP, 0, 0, 0}})                                                                          \
X(write,         "1.0",   T, "wakes a worker of the sentry that sleeps: an eventfd",                \
  {{RANGE, 0, STUB_BELL_FD, STUB_BELL_FD + STUB_BELLS_MAX - 1}, {EQUAL, 2, 8, 0}})                 \
X(write,         "1.0",   B, "a new stub or zygote says its pid on the control socket",            \
  {{EQUAL, 0, STUB_CTL_FD, 0}, {EQUAL, 2, 8, 0}})                                                  \
X(dup2,          "1.0",   B, "a new control socket, over the old one",                             \
  {{EITHER, 0, 0, 1}, {EQUAL, 1, STUB_CTL_FD, 0}})                                                  \
X(prctl,         "2.1.57",B, "PR_SET_PDEATHSIG: a stub dies with the sentry",                      \
  {{EQUAL, 0, PR_SET_PDEATHSIG, 0}, {EQUAL, 1, 9, 0}})                                             \
X(prctl,         "2.6.26",B, "PR_SET_TSC: guest threads that may not read the time stamp counter",  \
  {{EQUAL, 0, PR_SET_TSC, 0}, {EITHER, 1, PR_TSC_ENABLE, PR_TSC_SIGSEGV}})                         \
X(getppid,       "1.0",   B, "whether the sentry died before that prctl",                          \
  {{NONE, 0, 0, 0}})                                                                               \
X(getpid,        "1.0",   B, "what a new stub says",                                               \
  {{NONE, 0, 0, 0}})                                                                               \
X(pause,         "1.0",   B, "a thread whose guest thread has ended sleeps",                       \
  {{NONE, 0, 0, 0}})                                                                               \
X(clock_gettime, "2.6",   B, "CPU time of one thread",                                             \
  {{EQUAL, 0, CLOCK_THREAD_CPUTIME_ID, 0}})                                                        \
X(getrusage,     "1.0",   B, "faults and peak memory of the stub or of one thread",                \
  {{EITHER, 0, RUSAGE_SELF, RUSAGE_THREAD}})                                                       \
X(sched_yield,   "2.0",   T, "a guest thread lets others run",                                     \
  {{NONE, 0, 0, 0}})                                                                               \
X(exit,          "1.0",   B, "end of a guest thread",                                              \
  {{NONE, 0, 0, 0}})                                                                               \
X(exit_group,    "1.0",   B, "end of a stub that cannot be set up",                                \
  {{NONE, 0, 0, 0}})
/* clang-format on */

#define ROW(name_, since_, whose_, why_, ...)                                                      \
	{.nr = SYS_##name_, .whose = whose_, .rules = __VA_ARGS__},
static const struct row rows[] = {ROWS(ROW)};
#undef ROW

#define ROW(name_, since_, whose_, why_, ...)                                                      \
	{.name = #name_, .since = since_, .why = why_, .whose = whose_},
const struct stub_call stub_calls[] = {ROWS(ROW)};
#undef ROW
const size_t stub_call_count = ARRAY_SIZE(stub_calls);

/* One program in the making. */
struct program {
	struct sock_filter *code;
	size_t n;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	p->code[p->n++] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static size_t arg_at(int arg, bool high)
{
	return offsetof(struct seccomp_data, args) + 8 * (size_t)arg + (high ? 4 : 0);
}

static void refuse(struct program *p)
{
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

/* To the end of the row, which emit_row() knows: another one may have the same number. */
static void skip(struct program *p)
{
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
}

/* Goes on if the rule holds, else skips the row. */
static void emit_rule(struct program *p, const struct rule *r)
{
	const uint32_t top_high = USER_TOP >> 32;
	const uint32_t top_low = r->value ? r->value : (uint32_t)USER_TOP;
	if (r->op == NONE)
		return;
	load(p, arg_at(r->arg, /*high=*/true));
	switch (r->op) {
	case BELOW_TOP: /* high < top, or high == top and low < */
		emit(p, BPF_JMP | BPF_JGE | BPF_K, top_high, 0, 4);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, top_high, 0, 2);
		load(p, arg_at(r->arg, /*high=*/false));
		emit(p, BPF_JMP | BPF_JGE | BPF_K, top_low, 0, 1);
		skip(p);
		return;
	case WITHIN:
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
		load(p, arg_at(r->arg, /*high=*/false));
		emit(p, BPF_JMP | BPF_JSET | BPF_K, ~r->value, 0, 1);
		skip(p);
		return;
	case RANGE:
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
		load(p, arg_at(r->arg, /*high=*/false));
		emit(p, BPF_JMP | BPF_JGE | BPF_K, r->value, 0, 1);
		emit(p, BPF_JMP | BPF_JGT | BPF_K, r->other, 0, 1);
		skip(p);
		return;
	default:
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
		load(p, arg_at(r->arg, /*high=*/false));
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, r->value, 2, 0);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, r->op == EITHER ? r->other : r->value, 1, 0);
		skip(p);
		return;
	}
}

static void emit_row(struct program *p, const struct row *row)
{
	load(p, offsetof(struct seccomp_data, nr));
	size_t test = p->n;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)row->nr, 0, 0);
	for (int i = 0; i < RULES; i++)
		emit_rule(p, &row->rules[i]);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	p->code[test].jf = (uint8_t)(p->n - test - 1);
	for (size_t i = test; i < p->n; i++)
		if (p->code[i].code == (BPF_JMP | BPF_JA))
			p->code[i].k = (uint32_t)(p->n - i - 1);
}

size_t stub_filter_build(struct sock_filter *out, int whose, uint64_t text, uint64_t size)
{
	struct program p = {.code = out};
	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	refuse(&p);
	load(&p, offsetof(struct seccomp_data, instruction_pointer) + 4);
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(text >> 32), 1, 0);
	refuse(&p);
	load(&p, offsetof(struct seccomp_data, instruction_pointer));
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)text, 0, 1);
	emit(&p, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(text + size), 0, 1);
	refuse(&p);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].whose & whose)
			emit_row(&p, &rows[i]);
	refuse(&p);
	return p.n;
}
