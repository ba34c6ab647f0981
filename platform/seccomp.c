/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libseccomp turns the rows into BPF; here are the rules on arguments.
 *
 * A row without a rule is allowed as it is.  A call outside the table kills the
 * process, but for a few that libc tries and can do without: they fail with an
 * errno.  rseq is one of them only after the main thread has unregistered its
 * own: glibc takes a refusal in a later thread for a fatal error.
 */
#include "platform/seccomp.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "platform/base/log.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* One row for each value a call's argument may have; several rows of a call are alternatives. */
struct arg_rule {
	int nr;
	unsigned arg;
	uint64_t mask, value;
};

#define IS(call, arg_, value_)                                                                     \
	{                                                                                          \
		.nr = SYS_##call, .arg = arg_, .mask = ~0ull, .value = value_                      \
	}
#define INT(call, arg_, value_)                                                                    \
	{                                                                                          \
		.nr = SYS_##call, .arg = arg_, .mask = 0xffffffff, .value = value_                 \
	}
#define HAS_NOT(call, arg_, bits)                                                                  \
	{                                                                                          \
		.nr = SYS_##call, .arg = arg_, .mask = bits, .value = 0                            \
	}

/* What pthread_create asks for; musl adds the obsolete CLONE_DETACHED. */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |        \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* TCGETS2 and its kin: libc has the names, but not the structure they are made with. */
enum { GETS2 = 0x802c542a, SETS2 = 0x402c542b, SETSW2 = 0x402c542c, SETSF2 = 0x402c542d };

/* clang-format off */
static const struct arg_rule arg_rules[] = {
	HAS_NOT(mmap, 2, PROT_EXEC),
	HAS_NOT(mprotect, 2, PROT_EXEC),
	IS(clone, 0, THREAD_FLAGS),
	IS(clone, 0, THREAD_FLAGS | CLONE_DETACHED),
	INT(socketpair, 0, AF_UNIX),
	INT(tgkill, 2, SIGKILL),	/* the end of a stub */
	INT(tgkill, 2, 34),		/* its interruption: INTERRUPT_SIGNAL */
	INT(tgkill, 2, SIGABRT),	/* our own end, by assert */
	/* All of sentry/fs/hostfile/ioctl.c.  Not TIOCSTI: the terminal is the host user's. */
	INT(ioctl, 1, TCGETS),
	INT(ioctl, 1, TCSETS),
	INT(ioctl, 1, TCSETSW),
	INT(ioctl, 1, TCSETSF),
	INT(ioctl, 1, TIOCGWINSZ),
	INT(ioctl, 1, TIOCSWINSZ),
	INT(ioctl, 1, FIONREAD),
	INT(ioctl, 1, GETS2),
	INT(ioctl, 1, SETS2),
	INT(ioctl, 1, SETSW2),
	INT(ioctl, 1, SETSF2),
	INT(ioctl, 1, TIOCOUTQ),
	INT(ioctl, 1, TCFLSH),
	INT(ioctl, 1, TCXONC),
	INT(ioctl, 1, TCSBRK),
	INT(ioctl, 1, TCSBRKP),
	IS(ptrace, 0, PTRACE_SYSEMU),
	IS(ptrace, 0, PTRACE_GETREGS),
	IS(ptrace, 0, PTRACE_SETREGS),
	IS(ptrace, 0, PTRACE_CONT),
	IS(ptrace, 0, PTRACE_PEEKUSER),
	IS(ptrace, 0, PTRACE_POKEUSER),
	IS(ptrace, 0, PTRACE_GETSIGINFO),
	IS(ptrace, 0, PTRACE_GETREGSET),
	IS(ptrace, 0, PTRACE_SETREGSET),
	IS(ptrace, 0, PTRACE_GETFPREGS),
	IS(ptrace, 0, PTRACE_SETFPREGS),
	IS(ptrace, 0, PTRACE_SEIZE),
	IS(ptrace, 0, PTRACE_INTERRUPT),
	IS(ptrace, 0, PTRACE_SYSCALL),
	IS(ptrace, 0, PTRACE_DETACH),
};

/*
 * What libc tries and lives without, and the errno it understands.  brk says
 * where the heap ends, also when it fails: 0 is below any wish.
 */
static const struct {
	int nr, err;
} refused[] = {
	{SYS_rseq, ENOSYS},		{SYS_set_robust_list, ENOSYS},
	{SYS_clone3, ENOSYS},		{SYS_sched_getaffinity, ENOSYS},
	{SYS_mremap, ENOMEM},		{SYS_brk, 0},
	{SYS_getrandom, ENOSYS},	{SYS_gettid, ENOSYS},
	{SYS_membarrier, ENOSYS},	{SYS_rt_sigaction, ENOSYS},
};

static const int host_calls[] = {
#define HOSTCALL(name, since, why) SYS_##name,
#include "platform/hostcalls.def"
#undef HOSTCALL
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(host_calls) <= 30, "hostcalls.def promises at most 30 rows");

static int allow_call(scmp_filter_ctx f, int nr)
{
	bool ruled = false;
	for (size_t i = 0; i < ARRAY_SIZE(arg_rules); i++) {
		const struct arg_rule *r = &arg_rules[i];
		if (r->nr != nr)
			continue;
		ruled = true;
		int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1,
					   SCMP_CMP(r->arg, SCMP_CMP_MASKED_EQ, r->mask, r->value));
		if (err < 0)
			return err;
	}
	return ruled ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
}

static int filter_fill(scmp_filter_ctx f, bool with_ptrace)
{
	int err;
	for (size_t i = 0; i < ARRAY_SIZE(host_calls); i++) {
		if (host_calls[i] == SYS_ptrace && !with_ptrace)
			continue;
		if ((err = allow_call(f, host_calls[i])) < 0)
			return err;
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO((unsigned)refused[i].err), refused[i].nr,
				       0);
		if (err < 0)
			return err;
	}
#ifdef VEDETTE_CHECK
	/* Messages of failed checks go through stdio. */
	err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_write, 1,
			       SCMP_CMP(0, SCMP_CMP_MASKED_EQ, 0xffffffff, STDERR_FILENO));
	if (err < 0)
		return err;
#endif
	return with_ptrace ? seccomp_syscall_priority(f, SYS_ptrace, 255) : 0;
}

/*
 * The first action this host has: KILL_PROCESS is 4.14.  TRAP ends the whole
 * process too, since nobody handles SIGSYS; plain KILL would end one thread.
 */
static scmp_filter_ctx filter_new(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	return f ? f : seccomp_init(SCMP_ACT_TRAP);
}

/* For rseq see the top: later threads must not try. */
static void libc_prepare(void)
{
	extern const ptrdiff_t __rseq_offset __attribute__((weak));
	static const unsigned sizes[] = {32, 28, 20, 64};
	if (&__rseq_offset) {
		char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			syscall(SYS_rseq, area, sizes[i], 1 /* unregister */, 0x53053053);
	}
	signal(SIGSYS, SIG_DFL); /* where TRAP is the strongest action, nothing may survive it */
	/* Else the second thread's first malloc counts CPUs, in some libcs by opening files. */
	mallopt(M_ARENA_MAX, 8);
	/* Shrinking an arena would read /proc/sys/vm/overcommit_memory first: never shrink. */
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

int seccomp_load_sentry(bool with_ptrace)
{
	if (SANITIZED) {
		log_warning("sanitizer build: the sentry runs without its system call filter");
		return 0;
	}
	libc_prepare();
	scmp_filter_ctx f = filter_new();
	if (!f)
		return -ENOMEM;
	int err = filter_fill(f, with_ptrace);
	if (err == 0)
		err = seccomp_load(f);
	seccomp_release(f);
	if (err < 0)
		log_error("cannot load the system call filter: %s", strerror(-err));
	return err;
}
