/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zygote: a clean stub that all first stubs are cloned from.
 *
 * Forked while the sentry is one thread, it gives up every right and then every
 * page it inherited, and becomes stub_zygote (stub/stub.S).  It is never traced,
 * never runs guest code and never returns to C once its memory is gone.  Further ones
 * are its clones.
 *
 * init() must come after the sentry's last change of user, user namespace and
 * pid namespace: ptrace compares them.  Dropping capabilities later is fine,
 * the zygote has none.
 */
#include "platform/ptrace/ptrace.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/log.h"
#include "platform/stub_filter.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* End of a 47-bit address space; nothing is mapped above it unless asked for. */
static const uint64_t HOST_TOP = 0x7ffffffff000;

/* Where the stub's pages may go: the host's stack is at a random place there. */
static const uint64_t bases[] = {0x7fffff800000, 0x7fffff400000, 0x7fffffc00000, 0x7fffff200000};

/* glibc 2.35 and later registers each thread's rseq area, which is about to vanish. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

static int text_map(uint64_t *out_base)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		void *want = (void *)(uintptr_t)bases[i];
		void *p = mmap(want, STUB_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		if (p == MAP_FAILED)
			return -errno;
		if (p != want) {
			munmap(p, STUB_SIZE);
			continue;
		}
		memset(p, 0xcc, STUB_TEXT_SIZE); /* int3 */
		memcpy(p, stub_text, (size_t)(stub_text_end - stub_text));
		memset((char *)p + STUB_TEXT_SIZE, 0, STUB_DATA_SIZE);
		if (mprotect(p, STUB_TEXT_SIZE, PROT_READ | PROT_EXEC) < 0) {
			int err = -errno;
			munmap(p, STUB_SIZE);
			return err;
		}
		*out_base = bases[i];
		return 0;
	}
	return -EADDRINUSE;
}

/* Every descriptor above 3; three ways, since hosts lack close_range or /proc. */
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

static void zygote_descriptors(int sock)
{
	if (sock != STUB_CTL_FD && dup2(sock, STUB_CTL_FD) < 0)
		_exit(1);
	for (int fd = 0; fd < STUB_CTL_FD; fd++)
		close(fd);
	close_from(STUB_CTL_FD + 1);
}

/*
 * Faults and the interrupt signal stay open: a blocked fault kills.  The rest
 * is blocked, so that a terminal's Ctrl-C neither ends nor disturbs stubs.
 */
static void zygote_signals(void)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = {0};
	uint64_t mask = ~0ull;
	const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, INTERRUPT_SIGNAL};
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		mask &= ~(1ull << (open[i] - 1));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
	for (int sig = 1; sig <= 64; sig++) {
		action.handler = (void *)(sig == INTERRUPT_SIGNAL ? SIG_IGN : SIG_DFL);
		syscall(SYS_rt_sigaction, sig, &action, NULL, sizeof mask);
	}
}

static void zygote_limits(void)
{
	static const int raise[] = {RLIMIT_STACK, RLIMIT_DATA, RLIMIT_AS, RLIMIT_CPU};
	struct rlimit limit = {0, 0};
	setrlimit(RLIMIT_CORE, &limit);
	for (size_t i = 0; i < ARRAY_SIZE(raise); i++) {
		getrlimit((unsigned)raise[i], &limit);
		limit.rlim_cur = limit.rlim_max; /* the guest's limits are the sentry's affair */
		setrlimit((unsigned)raise[i], &limit);
	}
}

static void zygote_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	personality(PER_LINUX); /* READ_IMPLIES_EXEC would be the guest's */
	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		_exit(1);
	prctl(PR_SET_NAME, "vedette-stub", 0, 0, 0);
}

static void zygote_libc(void)
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

static void zygote_filter(uint64_t base)
{
	static struct sock_filter code[STUB_FILTER_MAX];
	size_t n = stub_filter_build(code, STUB_OF_PTRACE, base, STUB_TEXT_SIZE);
	struct sock_fprog prog = {.len = (unsigned short)n, .filter = code};
	assert(n <= ARRAY_SIZE(code));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		_exit(1);
}

static _Noreturn void zygote_child(const struct ptrace_host *h, int sock)
{
	const uint64_t entry = stub_at(h->base, stub_zygote), base = h->base;
	const uint64_t sentry = (uint64_t)h->sentry_pid;
	zygote_descriptors(sock);
	zygote_signals();
	zygote_limits();
	zygote_rights();
	zygote_libc();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != h->sentry_pid)
		_exit(1);
	if (h->filter)
		zygote_filter(h->base);
	register uint64_t parent __asm__("r12") = sentry;
	__asm__ volatile("jmp *%0"
			 :
			 : "a"(entry), "D"(base), "S"(base + STUB_SIZE), "d"(HOST_TOP),
			   "r"(parent));
	__builtin_unreachable();
}

struct zygote ptrace_zygote_first = {.spare_sock = -1};

int zygote_start(void)
{
	struct ptrace_host *h = &ptrace_host;
	struct zygote *z = &ptrace_zygote_first;
	int pair[2];
	int err = text_map(&h->base);
	if (err < 0) {
		log_error("cannot map the stub's code: %s", strerror(-err));
		return err;
	}
	if ((err = host_socketpair(SOCK_SEQPACKET, pair)) < 0)
		goto undo_map;
	h->sentry_pid = getpid();
	/* Not fork(3): a sanitizer's starts a thread in the child, whose memory is about to go. */
	z->pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (z->pid == 0)
		zygote_child(h, pair[1]);
	err = z->pid < 0 ? -errno : 0;
	host_close(pair[1]);
	z->fd = pair[0];
	if (err < 0)
		host_close(pair[0]);
	else
		watch_zygote(z);
undo_map:
	munmap((void *)(uintptr_t)h->base, STUB_SIZE);
	return err;
}

/*
 * One stub of each is always asked for ahead: its pid lies in the socket by the time
 * somebody needs it, and an exec after vfork does not wait for two wake-ups.
 */
static struct lock spare_lock = LOCK_INIT(RANK_PLATFORM);

/* End of file: clone failed.  The others: the zygote is dead, with our last message or without. */
static int spawn_error(int err)
{
	return err == -EIO || err == -EPIPE || err == -ECONNRESET ? -EAGAIN : err;
}

/* Asks for a stub; *out_sock is our end of its control socket. */
static int spawn_begin(const struct zygote *z, int *out_sock)
{
	int pair[2];
	int err = host_socketpair(SOCK_SEQPACKET, pair);
	if (err < 0)
		return err;
	static const char word[STUB_MAKE_STUB];
	err = host_send_fd(z->fd, word, sizeof word, pair[1]);
	host_close(pair[1]);
	if (err < 0) {
		host_close(pair[0]);
		return spawn_error(err);
	}
	*out_sock = pair[0];
	return 0;
}

/* Takes over sock on failure. */
static int spawn_end(int sock, int *out_pid)
{
	uint64_t pid = 0;
	int none;
	int err = host_recv_fd(sock, &pid, sizeof pid, &none);
	if (err < 0) {
		host_close(sock);
		return spawn_error(err);
	}
	*out_pid = (int)pid;
	return 0;
}

static int spare_swap(struct zygote *z, int sock)
{
	lock(&spare_lock);
	int old = z->spare_sock;
	z->spare_sock = sock;
	unlock(&spare_lock);
	return old;
}

void zygote_spare(struct zygote *z)
{
	int sock;
	if (spawn_begin(z, &sock) < 0)
		return;
	sock = spare_swap(z, sock);
	int pid;
	if (sock >= 0 && spawn_end(sock, &pid) == 0) {
		/* Two threads asked ahead at once: one stub too many. */
		host_close(sock);
		stub_kill(pid);
	}
}

int zygote_spawn(struct zygote *z, int *out_pid, int *out_sock)
{
	int sock = spare_swap(z, -1);
	int err = sock < 0 ? spawn_begin(z, &sock) : 0;
	if (err < 0 || (err = spawn_end(sock, out_pid)) < 0)
		return err;
	if (stub_gone(*out_pid)) {
		/* The spare was killed while it waited. */
		host_close(sock);
		stub_kill(*out_pid);
		if ((err = spawn_begin(z, &sock)) < 0 || (err = spawn_end(sock, out_pid)) < 0)
			return err;
	}
	*out_sock = sock;
	zygote_spare(z);
	return 0;
}

int ptrace_zygote_ask(int sock)
{
	static const char word[STUB_MAKE_ZYGOTE];
	return host_send_fd(ptrace_zygote_first.fd, word, sizeof word, sock);
}

int ptrace_zygote_take(int fd, int pid, struct zygote **out)
{
	struct zygote *z = calloc(1, sizeof *z);
	if (!z) {
		host_close(fd);
		stub_kill(pid);
		return -ENOMEM;
	}
	z->pid = pid;
	z->fd = fd;
	z->spare_sock = -1;
	watch_zygote(z);
	*out = z;
	return 0;
}

void ptrace_zygote_end(struct zygote *z)
{
	zygote_stop(z);
	free(z);
}

void zygote_stop(struct zygote *z)
{
	int sock = spare_swap(z, -1), pid;
	if (z->pid <= 0)
		return;
	unwatch_zygote(z);
	if (sock >= 0 && spawn_end(sock, &pid) == 0) {
		host_close(sock);
		stub_kill(pid);
	}
	host_close(z->fd);
	stub_kill(z->pid);
	z->pid = 0;
}

void stub_kill_usage(int pid, struct usage *out)
{
	struct rusage ru = {0};
	int status, n;
	host_tgkill(pid, pid, SIGKILL);
	do
		n = host_wait_usage(pid, &status, 0, &ru);
	while (n == -EINTR || (n == pid && WIFSTOPPED(status)));
	*out = usage_from(&ru);
}

void stub_kill(int pid)
{
	struct usage none;
	stub_kill_usage(pid, &none);
}
