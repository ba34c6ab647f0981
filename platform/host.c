/* SPDX-License-Identifier: Apache-2.0 */
/* Thin on purpose: a wrapper turns -1 and errno into -errno and does nothing else. */
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { FDS_MAX = 4 };

static int urandom_fd = -1;
static int (*memfile_make)(void *arg, const char *name);
static void *memfile_arg;
static int (*readonly_open)(void *arg, int fd);
static void *readonly_arg;

/* One counter a row of hostcalls.def, kept only while somebody wants to see them. */
static bool counting;
static uint64_t counts[HOST_CALLS];

void host_count_start(void)
{
	counting = true;
}

uint64_t host_count(enum host_call call)
{
	return __atomic_load_n(&counts[call], __ATOMIC_RELAXED);
}

const char *host_call_name(enum host_call call)
{
	static const char *const names[] = {
#define HOSTCALL(name, since, why) #name,
#include "hostcalls.def"
#undef HOSTCALL
	};
	return names[call];
}

static inline void note(enum host_call call)
{
	if (counting)
		__atomic_fetch_add(&counts[call], 1, __ATOMIC_RELAXED);
}

static void (*blocks_begin)(enum host_blocks kind);
static void (*blocks_end)(enum host_blocks kind);

void host_set_blocks(void (*begin)(enum host_blocks kind), void (*end)(enum host_blocks kind))
{
	blocks_begin = begin;
	blocks_end = end;
}

static inline void begin(enum host_blocks kind)
{
	if (blocks_begin)
		blocks_begin(kind);
}

static inline long end(enum host_blocks kind, long r)
{
	if (blocks_end)
		blocks_end(kind);
	return r;
}

static inline long ret(long r)
{
	return r < 0 ? -errno : r;
}

int host_init(void)
{
	if (urandom_fd < 0)
		urandom_fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	return urandom_fd < 0 ? -errno : 0;
}

int host_gettid(void)
{
	static __thread int tid;
	if (tid == 0)
		tid = (int)syscall(SYS_gettid);
	return tid;
}

ssize_t host_readv(int fd, const struct iovec *iov, int n)
{
	note(HOST_readv);
	begin(HOST_FILE);
	return end(HOST_FILE, ret(readv(fd, iov, n)));
}

ssize_t host_writev(int fd, const struct iovec *iov, int n)
{
	note(HOST_writev);
	begin(HOST_FILE);
	return end(HOST_FILE, ret(writev(fd, iov, n)));
}

ssize_t host_preadv(int fd, const struct iovec *iov, int n, int64_t off)
{
	note(HOST_preadv);
	begin(HOST_FILE);
	return end(HOST_FILE, ret(preadv(fd, iov, n, off)));
}

ssize_t host_pwritev(int fd, const struct iovec *iov, int n, int64_t off)
{
	note(HOST_pwritev);
	begin(HOST_FILE);
	return end(HOST_FILE, ret(pwritev(fd, iov, n, off)));
}

ssize_t host_pread(int fd, void *buf, size_t size, int64_t off)
{
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	return host_preadv(fd, &iov, 1, off);
}

ssize_t host_pwrite(int fd, const void *buf, size_t size, int64_t off)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = size};
	return host_pwritev(fd, &iov, 1, off);
}

ssize_t host_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	note(HOST_sendmsg);
	return ret(sendmsg(fd, msg, flags | MSG_NOSIGNAL));
}

ssize_t host_recvmsg(int fd, struct msghdr *msg, int flags)
{
	note(HOST_recvmsg);
	begin(HOST_WAITS);
	return end(HOST_WAITS, ret(recvmsg(fd, msg, flags)));
}

static int send_fds(int sock, const void *buf, size_t size, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int[FDS_MAX]))];
	} ctl = {.space = {0}};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.space,
		.msg_controllen = CMSG_SPACE(n * sizeof *fds),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	assert(n <= FDS_MAX);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
	ssize_t sent = host_sendmsg(sock, &msg, 0);
	return sent < 0 ? (int)sent : (size_t)sent == size ? 0 : -EIO;
}

int host_send_fd(int sock, const void *buf, size_t size, int fd)
{
	return send_fds(sock, buf, size, &fd, 1);
}

int host_send_fds(int sock, const int *fds, size_t n)
{
	return send_fds(sock, "", 1, fds, n);
}

int host_recv_fd(int sock, void *buf, size_t size, int *out_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.space,
		.msg_controllen = sizeof ctl.space,
	};
	*out_fd = -1;
	ssize_t n = host_recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return (int)n;
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(out_fd, CMSG_DATA(c), sizeof(int));
	return (size_t)n == size ? 0 : -EIO;
}

void host_close(int fd)
{
	if (fd < 0)
		return;
	note(HOST_close);
	close(fd);
}

int host_fstat(int fd, struct host_stat *out)
{
	note(HOST_fstat);
	struct stat st;
	/* Not fstat(3): glibc makes a newfstatat of it, which takes paths. */
	if (syscall(SYS_fstat, fd, &st) < 0)
		return -errno;
	*out = (struct host_stat){
		.ino = st.st_ino,
		.dev = st.st_dev,
		.rdev = st.st_rdev,
		.size = (uint64_t)st.st_size,
		.blocks = (uint64_t)st.st_blocks,
		.blksize = (uint64_t)st.st_blksize,
		.mode = st.st_mode,
		.nlink = (uint32_t)st.st_nlink,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.atime_sec = st.st_atim.tv_sec,
		.mtime_sec = st.st_mtim.tv_sec,
		.ctime_sec = st.st_ctim.tv_sec,
		.atime_nsec = (uint32_t)st.st_atim.tv_nsec,
		.mtime_nsec = (uint32_t)st.st_mtim.tv_nsec,
		.ctime_nsec = (uint32_t)st.st_ctim.tv_nsec,
	};
	return 0;
}

int host_ftruncate(int fd, uint64_t size)
{
	note(HOST_ftruncate);
	return (int)ret(ftruncate(fd, (off_t)size));
}

void host_set_memfile(int (*make)(void *arg, const char *name), void *arg)
{
	memfile_make = make;
	memfile_arg = arg;
}

void host_set_readonly(int (*reopen)(void *arg, int fd), void *arg)
{
	readonly_open = reopen;
	readonly_arg = arg;
}

int host_readonly(int fd, int *out_fd)
{
	int got = readonly_open ? readonly_open(readonly_arg, fd) : -ENOSYS;
	if (got < 0)
		return got;
	*out_fd = got;
	return 0;
}

static bool memfd_missing; /* a */

bool host_memfd_asks(void)
{
	return __atomic_load_n(&memfd_missing, __ATOMIC_RELAXED);
}

int host_memfd(const char *name, int *out_fd)
{
	note(HOST_memfd_create);
	long fd = ret(syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */));
	if (fd == -ENOSYS && memfile_make) {
		__atomic_store_n(&memfd_missing, true, __ATOMIC_RELAXED);
		fd = memfile_make(memfile_arg, name);
	}
	if (fd < 0)
		return (int)fd;
	*out_fd = (int)fd;
	return 0;
}

int host_clock_get(int clockid, int64_t *out_ns)
{
	note(HOST_clock_gettime);
	struct timespec ts;
	if (clock_gettime(clockid, &ts) < 0)
		return -errno;
	*out_ns = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	return 0;
}

/* FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so that a retry cannot drift. */
static int futex_wait(uint32_t *word, int flags, uint32_t expect, int64_t deadline_ns)
{
	note(HOST_futex);
	struct timespec ts = {.tv_sec = deadline_ns / NSEC_PER_SEC,
			      .tv_nsec = deadline_ns % NSEC_PER_SEC};
	begin(HOST_WAITS);
	return (int)end(HOST_WAITS, ret(syscall(SYS_futex, word, FUTEX_WAIT_BITSET | flags, expect,
						deadline_ns == INT64_MAX ? NULL : &ts, NULL,
						FUTEX_BITSET_MATCH_ANY)));
}

static int futex_wake(uint32_t *word, int flags, int count)
{
	note(HOST_futex);
	return (int)ret(syscall(SYS_futex, word, FUTEX_WAKE | flags, count, NULL, NULL, 0));
}

int host_futex_wait(uint32_t *word, uint32_t expect, int64_t deadline_ns)
{
	return futex_wait(word, FUTEX_PRIVATE_FLAG, expect, deadline_ns);
}

int host_futex_wake(uint32_t *word, int count)
{
	return futex_wake(word, FUTEX_PRIVATE_FLAG, count);
}

int host_futex_wait_shared(uint32_t *word, uint32_t expect, int64_t deadline_ns)
{
	return futex_wait(word, 0, expect, deadline_ns);
}

int host_futex_wake_shared(uint32_t *word, int count)
{
	return futex_wake(word, 0, count);
}

int host_map_shared(int fd, uint64_t size, void **out)
{
	note(HOST_mmap);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

void host_unmap(void *at, uint64_t size)
{
	note(HOST_munmap);
	munmap(at, size);
}

int host_poll(struct pollfd *fds, size_t n, int64_t timeout_ns)
{
	note(HOST_ppoll);
	struct timespec ts = {.tv_sec = timeout_ns / NSEC_PER_SEC,
			      .tv_nsec = timeout_ns % NSEC_PER_SEC};
	begin(HOST_WAITS);
	return (int)end(HOST_WAITS, ret(ppoll(fds, n, timeout_ns < 0 ? NULL : &ts, NULL)));
}

void host_bell_ring(int fd)
{
	uint64_t one = 1;
	struct iovec iov = {.iov_base = &one, .iov_len = sizeof one};
	note(HOST_writev);
	ret(writev(fd, &iov, 1));
}

bool host_bell_wait(int fd, int64_t timeout_ns)
{
	uint64_t rings;
	struct iovec iov = {.iov_base = &rings, .iov_len = sizeof rings};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec ts = {.tv_sec = timeout_ns / NSEC_PER_SEC,
			      .tv_nsec = timeout_ns % NSEC_PER_SEC};
	if (timeout_ns != INT64_MAX) {
		note(HOST_ppoll);
		if (ppoll(&p, 1, &ts, NULL) <= 0)
			return false;
	}
	note(HOST_readv);
	return ret(readv(fd, &iov, 1)) > 0;
}

int host_ioctl(int fd, unsigned long cmd, void *arg)
{
	note(HOST_ioctl);
	begin(HOST_WAITS);
	return (int)end(HOST_WAITS, ret(ioctl(fd, cmd, arg)));
}

int host_tgkill(int tgid, int tid, int sig)
{
	note(HOST_tgkill);
	return (int)ret(syscall(SYS_tgkill, tgid, tid, sig));
}

int host_wait(int pid, int *out_status, int options)
{
	note(HOST_wait4);
	begin(HOST_WAITS);
	return (int)end(HOST_WAITS, ret(wait4(pid, out_status, options | __WALL, NULL)));
}

int host_wait_usage(int pid, int *out_status, int options, struct rusage *out)
{
	note(HOST_wait4);
	begin(HOST_WAITS);
	return (int)end(HOST_WAITS, ret(wait4(pid, out_status, options | __WALL, out)));
}

/* Through syscall(2): libc's ptrace() turns PEEK results into errno games we do not need. */
long host_ptrace(int request, int pid, uintptr_t addr, uintptr_t data)
{
	note(HOST_ptrace);
	return ret(syscall(SYS_ptrace, (long)request, (long)pid, addr, data));
}

static bool vm_large(const struct iovec *iov, size_t n)
{
	enum { LARGE = 256 << 10 };
	size_t sum = 0;
	for (size_t i = 0; i < n && sum < LARGE; i++)
		sum += iov[i].iov_len;
	return sum >= LARGE;
}

ssize_t host_vm_read(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		     size_t nremote)
{
	note(HOST_process_vm_readv);
	bool is_large = vm_large(local, nlocal);
	if (is_large)
		begin(HOST_WORKS);
	long n = ret(process_vm_readv(pid, local, nlocal, remote, nremote, 0));
	return is_large ? end(HOST_WORKS, n) : n;
}

ssize_t host_vm_write(int pid, const struct iovec *local, size_t nlocal, const struct iovec *remote,
		      size_t nremote)
{
	note(HOST_process_vm_writev);
	bool is_large = vm_large(local, nlocal);
	if (is_large)
		begin(HOST_WORKS);
	long n = ret(process_vm_writev(pid, local, nlocal, remote, nremote, 0));
	return is_large ? end(HOST_WORKS, n) : n;
}

int host_set_cpu(int tid, unsigned cpu)
{
	note(HOST_sched_setaffinity);
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return (int)ret(sched_setaffinity(tid, sizeof set, &set));
}

int host_set_cpus(int tid, const void *set, size_t size)
{
	note(HOST_sched_setaffinity);
	return (int)ret(sched_setaffinity(tid, size, set));
}

int host_socketpair(int type, int out_fd[2])
{
	note(HOST_socketpair);
	return (int)ret(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out_fd));
}

void host_random(void *buf, size_t size)
{
	char *p = buf;
	while (size > 0) {
		struct iovec iov = {.iov_base = p, .iov_len = size};
		ssize_t n = host_readv(urandom_fd, &iov, 1);
		if (n <= 0) {
			log_error("cannot read /dev/urandom: %s", strerror((int)-n));
			abort();
		}
		p += n;
		size -= (size_t)n;
	}
}
