/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half sensible arguments.
 *
 * Pointers go into the arena, which has memory of every kind next to holes; what they point to
 * is filled by the kind, so that calls get past their first check.  One argument in sixteen is
 * anything at all.
 */
#include "tests/fuzz/guest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct pids *pids;
const char *self_path;

/* clang-format off */
static const char *const names[] = {
	"a", "b", "c", "d", "d/a", "d/b", "d/d", "d/d/a", "l", "d/l", "loop", "fifo", "sock", "",
	".", "..", "d/..", "/", "/tmp", "/etc/passwd", "/etc/hostname", "/usr/bin", "/bin/true",
	"/dev/null", "/dev/zero", "/dev/full", "/dev/ptmx", "/dev/tty", "/dev/shm/x", "/dev/fd/3",
	"/dev/pts", "/proc", "/proc/self", "/proc/self/fd", "/proc/self/fd/5", "/proc/self/maps",
	"/proc/self/mem", "/proc/self/stat", "/proc/self/status", "/proc/self/task",
	"/proc/self/exe", "/proc/self/cwd", "/proc/self/root", "/proc/self/environ",
	"/proc/self/cmdline", "/proc/self/ns/mnt", "/proc/meminfo", "/proc/stat", "/proc/mounts",
	"/proc/1/stat", "/proc/self/oom_score_adj", "/proc/self/comm", "/proc/self/limits",
	"/proc/self/fdinfo/4", "/sys", "/proc/sys/kernel/hostname", "/proc/self/smaps",
	"/proc/self/mountinfo",
};

static const char *const words[] = {
	"user.a", "user.b", "trusted.x", "security.capability", "system.posix_acl_access", "tmpfs",
	"proc", "sysfs", "devtmpfs", "devpts", "ramfs", "bind", "size=1m", "mode=755", "", "x",
	"user.", "%s%n", "size=-1",
};
/* clang-format on */

/* Good memory with room for size bytes, aligned to 8: filled before use, so it must be there. */
static uint64_t room(struct rng *r, uint64_t size)
{
	uint64_t base = rng_one_in(r, 3) ? SHARED_AT : PRIVATE_AT;
	return base + (rng_below(r, (uint64_t)PRIVATE * PAGE - size) & ~7ul);
}

static uint64_t bad_pointer(struct rng *r)
{
	static const uint64_t bad[] = {0,
				       1,
				       8,
				       READ_ONLY_AT,
				       NONE_AT,
				       PRIVATE_AT + PRIVATE * PAGE,
				       0x7fffff800000,
				       0x7ffffefffff8,
				       0x7ffffffff000,
				       0x800000000000,
				       0x8000000000000000,
				       0xffff800000000000,
				       0xffffffffff600000,
				       0xfffffffffffffff8,
				       ~0ull};
	if (rng_one_in(r, 3)) /* the last bytes before a hole */
		return PRIVATE_AT + PRIVATE * PAGE - rng_below(r, 64);
	return bad[rng_below(r, sizeof bad / sizeof bad[0])];
}

static uint64_t number(struct rng *r)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 8,
					 16,
					 255,
					 256,
					 4095,
					 4096,
					 4097,
					 65535,
					 65536,
					 1 << 20,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 0x7fffffffffffffff,
					 0x8000000000000000,
					 ~0ull,
					 ~0ull - 4095,
					 0x7ffffffff000,
					 0x7ffff000};
	switch (rng_below(r, 4)) {
	case 0:
		return edges[rng_below(r, sizeof edges / sizeof edges[0])];
	case 1:
		return rng_next(r) >> rng_below(r, 64);
	case 2:
		return 1ull << rng_below(r, 64);
	default:
		return rng_below(r, 200);
	}
}

static uint64_t some_fd(struct rng *r)
{
	if (rng_one_in(r, 16))
		return number(r);
	return rng_below(r, FD_MAX);
}

static uint64_t some_pid(struct rng *r)
{
	int pid;
	switch (rng_below(r, 8)) {
	case 0:
		return 0;
	case 1:
		return 0x7ffffff0;
	case 2:
		pid = (int)rng_below(r, 300);
		break;
	case 3:
		pid = -pids->pid[rng_below(r, PIDS_MAX)];
		break;
	case 4:
		pid = getpid();
		break;
	case 5:
		pid = (int)syscall(SYS_gettid);
		break;
	default:
		pid = pids->pid[rng_below(r, PIDS_MAX)];
	}
	/* Not the watchdog, nor everybody, nor what started us. */
	if (pid == pids->keep_out || pid == -pids->keep_out || pid == -1 || pid == 1 ||
	    pid == getppid())
		return 0;
	return (uint64_t)(int64_t)pid;
}

static uint64_t some_signal(struct rng *r)
{
	static const int often[] = {SIGUSR1,  SIGUSR2, SIGCHLD, SIGCONT, SIGALRM,
				    SIGWINCH, 34,      35,	64};
	if (rng_one_in(r, 12))
		return rng_below(r, 70);
	return (uint64_t)often[rng_below(r, sizeof often / sizeof often[0])];
}

static uint64_t string(struct rng *r, const char *s)
{
	uint64_t at = room(r, PAGE);
	strcpy((char *)at, s);
	return at;
}

static uint64_t some_path(struct rng *r)
{
	char buf[4200];
	switch (rng_below(r, 24)) {
	case 0:
		memset(buf, 'n', 300);
		buf[rng_below(r, 300)] = '/';
		buf[rng_one_in(r, 2) ? 255 : 256] = 0;
		return string(r, buf);
	case 1:
		for (int i = 0; i < 4094; i += 2)
			memcpy(buf + i, "d/", 2);
		buf[rng_one_in(r, 2) ? 4095 : 4094] = 0;
		return string(r, buf);
	case 2:
		snprintf(buf, sizeof buf, "/proc/%d/%s", pids->pid[rng_below(r, PIDS_MAX)],
			 rng_one_in(r, 2) ? "maps" : "stat");
		return string(r, buf);
	case 3:
		snprintf(buf, sizeof buf, "/proc/self/fd/%d", (int)rng_below(r, FD_MAX));
		return string(r, buf);
	case 4:
		return string(r, self_path);
	case 5:
		snprintf(buf, sizeof buf, "n%d", (int)rng_below(r, 20));
		return string(r, buf);
	default:
		return string(r, names[rng_below(r, sizeof names / sizeof names[0])]);
	}
}

static void words_at(struct rng *r, uint64_t at, int n)
{
	for (int i = 0; i < n; i++)
		((uint64_t *)at)[i] = number(r);
}

/* seconds and a fraction, short. */
static void time_at(struct rng *r, uint64_t at)
{
	int64_t *t = (int64_t *)at;
	t[0] = rng_one_in(r, 8) ? (int64_t)number(r) : 0;
	t[1] = rng_one_in(r, 8) ? (int64_t)number(r) : (int64_t)rng_below(r, 20000000);
}

static uint64_t some_times(struct rng *r, int n)
{
	uint64_t at = room(r, 64);
	for (int i = 0; i < n; i++)
		time_at(r, at + 16 * (uint64_t)i);
	return at;
}

static uint64_t some_iovec(struct rng *r, int n)
{
	uint64_t at = room(r, 16 * (uint64_t)n);
	struct iovec *v = (struct iovec *)at;
	for (int i = 0; i < n; i++) {
		uint64_t size = rng_one_in(r, 6) ? number(r) : rng_below(r, 9000);
		v[i].iov_base = (void *)(rng_one_in(r, 8) ? bad_pointer(r) : room(r, 64));
		v[i].iov_len = size;
	}
	return at;
}

static uint64_t some_sockaddr(struct rng *r)
{
	uint64_t at = room(r, 128);
	struct sockaddr_un *un = (struct sockaddr_un *)at;
	memset(un, 0, sizeof *un);
	un->sun_family = rng_one_in(r, 10) ? (sa_family_t)rng_below(r, 50) : AF_UNIX;
	strcpy(un->sun_path + (int)rng_below(r, 2), rng_one_in(r, 3) ? "d/sock" : "sock");
	return at;
}

static void control_at(struct rng *r, struct msghdr *m)
{
	uint64_t at = room(r, PAGE);
	struct cmsghdr *c = (struct cmsghdr *)at;
	size_t n = rng_below(r, 6);
	c->cmsg_len = rng_one_in(r, 6) ? number(r) : CMSG_LEN(n * sizeof(int));
	c->cmsg_level = rng_one_in(r, 8) ? (int)number(r) : SOL_SOCKET;
	c->cmsg_type = rng_one_in(r, 4) ? (int)rng_below(r, 5) : SCM_RIGHTS;
	for (size_t i = 0; i < n; i++)
		((int *)CMSG_DATA(c))[i] = (int)some_fd(r);
	m->msg_control = c;
	m->msg_controllen = rng_one_in(r, 6) ? number(r) : CMSG_SPACE(n * sizeof(int));
}

static uint64_t some_msg(struct rng *r, int n)
{
	uint64_t at = room(r, 64 * (uint64_t)n);
	for (int i = 0; i < n; i++) {
		struct msghdr *m = (struct msghdr *)(at + 64 * (uint64_t)i);
		memset(m, 0, sizeof *m);
		m->msg_iovlen = rng_one_in(r, 10) ? number(r) : rng_below(r, 4);
		m->msg_iov = (struct iovec *)some_iovec(r, 4);
		if (rng_one_in(r, 3)) {
			m->msg_name = (void *)some_sockaddr(r);
			m->msg_namelen = rng_one_in(r, 4) ? (socklen_t)number(r) : 20;
		}
		if (rng_one_in(r, 2))
			control_at(r, m);
	}
	return at;
}

static void handler(int sig)
{
	(void)sig;
}

__attribute__((naked)) static void restorer(void)
{
	__asm__("mov $15, %eax\n\tsyscall\n\thlt");
}

static uint64_t some_sigaction(struct rng *r)
{
	uint64_t at = room(r, 32), *a = (uint64_t *)at;
	const uint64_t handlers[] = {0, 1, (uint64_t)(uintptr_t)handler,
				     (uint64_t)(uintptr_t)handler, PRIVATE_AT};
	static const uint64_t flags[] = {
		SA_SIGINFO,   SA_RESTART,   SA_NODEFER, SA_ONSTACK, (uint64_t)SA_RESETHAND,
		SA_NOCLDWAIT, SA_NOCLDSTOP, 0x800};
	a[0] = handlers[rng_below(r, 5)];
	a[1] = 0x04000000 /* SA_RESTORER */ | flags[rng_below(r, 8)] | flags[rng_below(r, 8)];
	a[2] = (uint64_t)(uintptr_t)restorer;
	a[3] = rng_next(r) & rng_next(r);
	return at;
}

static uint64_t some_clone_args(struct rng *r)
{
	uint64_t at = room(r, 88), *a = (uint64_t *)at;
	memset(a, 0, 88);
	kind_flags(K_CLONEFLAGS, r, &a[0]);
	a[0] &= ~0xffull;
	a[1] = a[2] = a[3] = room(r, 8);
	a[4] = rng_one_in(r, 4) ? some_signal(r) : SIGCHLD;
	if (rng_one_in(r, 3)) {
		a[5] = room(r, 8 * PAGE);
		a[6] = 8 * PAGE;
	}
	if (rng_one_in(r, 10))
		words_at(r, at, 11);
	return at;
}

static uint64_t some_strings(struct rng *r, int self)
{
	uint64_t at = room(r, 64), *v = (uint64_t *)at;
	v[0] = string(r, "fuzz");
	v[1] = self ? string(r, "-leaf") : some_path(r);
	v[2] = string(r, "77");
	v[3] = rng_one_in(r, 8) ? bad_pointer(r) : 0;
	v[4] = 0;
	return at;
}

static uint64_t some_pollfds(struct rng *r)
{
	uint64_t at = room(r, 256);
	struct pollfd *p = (struct pollfd *)at;
	for (int i = 0; i < 16; i++)
		p[i] = (struct pollfd){.fd = (int)some_fd(r), .events = (short)rng_next(r)};
	return at;
}

static uint64_t some_sigevent(struct rng *r)
{
	uint64_t at = room(r, 64);
	int *e = (int *)at;
	words_at(r, at, 8);
	e[2] = (int)some_signal(r);
	e[3] = (int)rng_below(r, 5);
	e[4] = (int)syscall(SYS_gettid);
	return at;
}

static uint64_t some_struct(int kind, struct rng *r)
{
	uint64_t at = room(r, 512), *w = (uint64_t *)at;
	switch (kind) {
	case K_IN_OPEN_HOW:
		kind_flags(K_OPENFLAGS, r, &w[0]);
		w[1] = rng_one_in(r, 4) ? 0600 : 0;
		w[2] = rng_below(r, 64);
		break;
	case K_IN_RLIMIT: /* low limits would end the fuzzing */
		w[0] = 1 << 20;
		w[1] = rng_one_in(r, 2) ? ~0ull : 1 << 22;
		break;
	case K_IN_EPOLL_EVENT:
		words_at(r, at, 2);
		*(uint32_t *)w &= rng_one_in(r, 2) ? 0xe000001f : ~0u;
		break;
	case K_IN_FUTEX_WAITV:
	case K_IN_FUTEX_WAIT2:
		for (int i = 0; i < 16; i++) {
			w[3 * i] = rng_below(r, 2);
			w[3 * i + 1] = room(r, 8);
			w[3 * i + 2] = 2 | (rng_one_in(r, 2) ? 128 : 0);
		}
		break;
	case K_IN_STACK:
		w[0] = room(r, 8 * PAGE);
		w[1] = rng_one_in(r, 3) ? 2 : 0;
		w[2] = 8 * PAGE;
		break;
	case K_INOUT_LEN:
	case K_INOUT_OFF:
		w[0] = rng_one_in(r, 4) ? number(r) : rng_below(r, 5000);
		break;
	default:
		words_at(r, at, rng_one_in(r, 2) ? 16 : 1);
	}
	return at;
}

static uint64_t some_pointer(int kind, struct rng *r)
{
	if (rng_one_in(r, 16))
		return bad_pointer(r);
	switch (kind) {
	case K_PATH:
		return some_path(r);
	case K_STRING:
	case K_MOUNT_DATA:
		return string(r, words[rng_below(r, sizeof words / sizeof words[0])]);
	case K_ARGVEC:
		return some_strings(r, /*self=*/1);
	case K_ENVVEC:
		return some_strings(r, 0);
	case K_IN_IOV:
	case K_OUT_IOV:
	case K_IOVEC:
		return some_iovec(r, 8);
	case K_IN_MSG:
	case K_INOUT_MSG:
		return some_msg(r, 1);
	case K_INOUT_MMSG:
		return some_msg(r, 4);
	case K_IN_SOCKADDR:
		return some_sockaddr(r);
	case K_IN_SIGACTION:
		return some_sigaction(r);
	case K_IN_CLONE_ARGS:
		return some_clone_args(r);
	case K_INOUT_POLLFDS:
		return some_pollfds(r);
	case K_IN_SIGEVENT:
		return some_sigevent(r);
	case K_FUTEX_TIMEOUT:
	case K_IN_TIMESPEC:
	case K_INOUT_TIMESPEC:
	case K_IN_TIMEVAL:
	case K_INOUT_TIMEVAL:
		/* No timeout at all is for the watchdog: seldom. */
		return some_times(r, 1);
	case K_IN_TIMESPEC2:
	case K_IN_TIMEVAL2:
	case K_IN_ITIMERSPEC:
	case K_IN_ITIMERVAL:
		return rng_one_in(r, 4) ? 0 : some_times(r, 2);
	case K_OUT_RET:
	case K_IN_BUF:
	case K_OUT_BUF:
		return room(r, 64);
	default:
		return rng_one_in(r, 6) ? 0 : some_struct(kind, r);
	}
}

static uint64_t some_address(struct rng *r)
{
	switch (rng_below(r, 12)) {
	case 0:
		return number(r);
	case 1:
		return bad_pointer(r);
	case 2:
		return 0;
	case 3: /* next to the arena, where nothing is unless a call put it there */
		return ARENA + (rng_below(r, 200) << 12);
	default:
		return room(r, 8) & (rng_one_in(r, 2) ? ~4095ull : ~0ull);
	}
}

static uint64_t some_argument(int kind, struct rng *r)
{
	uint64_t v;
	if (rng_one_in(r, 16) && kind != K_PID && kind != K_LONG)
		return rng_one_in(r, 2) ? number(r) : bad_pointer(r);
	switch (kind) {
	case K_DIRFD:
		return rng_one_in(r, 2) ? (uint64_t)AT_FDCWD : some_fd(r);
	case K_FD:
		return some_fd(r);
	case K_PID:
	case K_LONG:
		return some_pid(r);
	case K_SIGNO:
		return some_signal(r);
	case K_ADDR:
		return some_address(r);
	case K_SIZE:
	case K_ULONG:
	case K_UINT:
	case K_INT:
		return rng_one_in(r, 3) ? number(r) : rng_one_in(r, 2) ? 8 : rng_below(r, 4) * PAGE;
	case K_OFF:
		return rng_one_in(r, 2) ? number(r) : rng_below(r, 200000);
	case K_MODE:
		return rng_one_in(r, 4) ? rng_next(r) : 0755;
	case K_UID:
	case K_GID:
		return rng_below(r, 3) - 1;
	case K_FCNTL_ARG:
	case K_IOCTL_ARG:
	case K_HEX:
		return rng_one_in(r, 2) ? some_pointer(K_PTR, r) : number(r);
	}
	if (kind_is_pointer(kind))
		return some_pointer(kind, r);
	return kind_flags(kind, r, &v) ? v : number(r);
}

void args_make(const struct call_row *row, struct rng *r, uint64_t out[6])
{
	for (int i = 0; i < 6; i++)
		out[i] = i < row->nargs	    ? some_argument(row->kind[i], r)
			 : rng_one_in(r, 2) ? 0
					    : rng_next(r);
}
