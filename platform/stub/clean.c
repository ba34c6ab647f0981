/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/stub/clean.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/stub/stub.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { SA_RESTORER_FLAG = 0x04000000 };

/* glibc 2.35 and later registers each thread's rseq area, which is about to vanish. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

/* Every descriptor from first; three ways, since hosts lack close_range or /proc. */
static void close_from(unsigned first)
{
	struct rlimit limit = {0, 0};
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
	DIR *dir = opendir("/proc/self/fd");
	if (dir) {
		for (struct dirent *d; (d = readdir(dir));) {
			int fd = atoi(d->d_name);
			if (fd >= (int)first && fd != dirfd(dir))
				close(fd);
		}
		closedir(dir);
		return;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = first; fd < limit.rlim_max; fd++)
		close((int)fd);
}

void clean_descriptors(const int *fds, size_t n)
{
	/* Out of the way first: one's place may be where another is. */
	enum { ASIDE = 64, MOST = 32 };
	int aside[MOST];
	for (size_t i = 0; i < n; i++)
		if (i >= MOST || (aside[i] = fcntl(fds[i], F_DUPFD, ASIDE)) < 0)
			_exit(1);
	for (size_t i = 0; i < n; i++)
		if (dup2(aside[i], STUB_CTL_FD + (int)i) < 0)
			_exit(1);
	for (int fd = 0; fd < STUB_CTL_FD; fd++)
		close(fd);
	close_from(STUB_CTL_FD + (unsigned)n);
}

static void limit_to(int which, rlim_t most)
{
	struct rlimit limit = {0, 0};
	if (getrlimit((unsigned)which, &limit) < 0)
		return;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	limit.rlim_cur = limit.rlim_max;
	setrlimit((unsigned)which, &limit);
}

/*
 * The host counts the sentry's threads too, one a task, and stubs on their way out.  It counts
 * for root only in a user namespace, which is where the sentry is if it can.
 */
void clean_limits(unsigned tasks)
{
	static const int raise[] = {RLIMIT_STACK, RLIMIT_DATA, RLIMIT_AS, RLIMIT_CPU};
	struct rlimit limit = {0, 0};
	setrlimit(RLIMIT_CORE, &limit);
	for (size_t i = 0; i < ARRAY_SIZE(raise); i++) {
		getrlimit((unsigned)raise[i], &limit);
		limit.rlim_cur = limit.rlim_max; /* the guest's limits are the sentry's affair */
		setrlimit((unsigned)raise[i], &limit);
	}
	limit_to(RLIMIT_NOFILE, STUB_CTL_FD + 1);
	if (tasks)
		limit_to(RLIMIT_NPROC, 2 * (rlim_t)tasks + tasks / 4 + 256);
}

void clean_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	personality(PER_LINUX); /* READ_IMPLIES_EXEC would be the guest's */
	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		_exit(1);
	prctl(PR_SET_NAME, "vedette-stub", 0, 0, 0);
}

void clean_libc(void)
{
	stack_t off = {.ss_flags = SS_DISABLE};
	sigaltstack(&off, NULL);
	syscall(SYS_set_robust_list, NULL, 24);
	syscall(SYS_set_tid_address, NULL);
	if (!&__rseq_offset)
		return;
	static const unsigned sizes[] = {32, 28, 20, 64};
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		syscall(SYS_rseq, area, sizes[i], 1 /* unregister */, 0x53053053);
}

void clean_parent(int sentry_pid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != sentry_pid)
		_exit(1);
}

void clean_signals(int interrupt, uint64_t handler, uint64_t restorer)
{
	struct {
		uint64_t handler;
		unsigned long flags;
		uint64_t restorer;
		uint64_t mask;
	} action = {.restorer = restorer, .mask = 1ull << (interrupt - 1)};
	const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, interrupt};
	uint64_t mask = ~0ull;
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		mask &= ~(1ull << (open[i] - 1));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
	for (int sig = 1; sig <= 64; sig++) {
		bool ours = handler && !(mask >> (sig - 1) & 1);
		action.handler = ours ? handler : (uint64_t)(uintptr_t)SIG_DFL;
		action.flags = ours ? SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER_FLAG : 0;
		if (!handler && sig == interrupt)
			action.handler = (uint64_t)(uintptr_t)SIG_IGN;
		syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof mask);
	}
}
