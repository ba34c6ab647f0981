/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentry's only way to the host: one wrapper a call of hostcalls.def.
 *
 * All return >= 0 or -errno of the host; nothing above this file reads errno.
 * EINTR never comes back: the sentry runs with all signals blocked.
 */
#pragma once

#include "base/types.h"

struct iovec;
struct msghdr;
struct pollfd;
struct regs;
struct rusage;

enum host_call {
#define HOSTCALL(name, since, why) HOST_##name,
#include "hostcalls.def"
#undef HOSTCALL
	HOST_CALLS,
};

/*
 * What is told before and after calls that may take long, so that others need not wait for the
 * caller's thread.  Set once, before there is a second thread.
 */
enum host_blocks {
	HOST_WAITS, /* asleep */
	HOST_WORKS, /* at work for the caller: much memory is copied */
	HOST_FILE,  /* a regular file, which is usually quick */
};
void host_set_blocks(void (*begin)(enum host_blocks kind), void (*end)(enum host_blocks kind));

/* Counts of the calls made through this file since host_count_start(); libc's own are not in them. */
void host_count_start(void);
uint64_t host_count(enum host_call call);
const char *host_call_name(enum host_call call);

/* What the sentry wants to know of a host descriptor. */
struct host_stat {
	uint64_t ino, dev, rdev, size, blocks, blksize;
	uint32_t mode, nlink, uid, gid;
	int64_t atime_sec, mtime_sec, ctime_sec;
	uint32_t atime_nsec, mtime_nsec, ctime_nsec;
};

ssize_t host_readv(int fd, const struct iovec *iov, int n);
ssize_t host_writev(int fd, const struct iovec *iov, int n);
ssize_t host_preadv(int fd, const struct iovec *iov, int n, int64_t off);
ssize_t host_pwritev(int fd, const struct iovec *iov, int n, int64_t off);
ssize_t host_pread(int fd, void *buf, size_t size, int64_t off);
ssize_t host_pwrite(int fd, const void *buf, size_t size, int64_t off);
ssize_t host_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t host_recvmsg(int fd, struct msghdr *msg, int flags);
/* Sends/receives `size` bytes with one descriptor (SCM_RIGHTS); out_fd is -1 if none came. */
int host_send_fd(int sock, const void *buf, size_t size, int fd);
/* One byte with n (at most 4) descriptors. */
int host_send_fds(int sock, const int *fds, size_t n);
int host_recv_fd(int sock, void *buf, size_t size, int *out_fd);
void host_close(int fd);
int host_fstat(int fd, struct host_stat *out);
int host_ftruncate(int fd, uint64_t size);
/*
 * A new shared memory object of size 0: memfd_create, or a file made by the
 * gofer where the host lacks it (host_set_memfile).  The caller owns *out_fd.
 */
int host_memfd(const char *name, int *out_fd);
/* Once it has been called: whether it asks the gofer. */
bool host_memfd_asks(void);
/* Installs the fallback used when memfd_create is missing: returns a descriptor or -errno. */
void host_set_memfile(int (*make)(void *arg, const char *name), void *arg);
/*
 * The file behind a descriptor of ours, opened once more to be read only: what goes to a stub
 * must not allow more than the guest may.  The sentry opens nothing, so the gofer does
 * (host_set_readonly); -ENOSYS without one.  The caller owns *out_fd.
 */
int host_readonly(int fd, int *out_fd);
void host_set_readonly(int (*reopen)(void *arg, int fd), void *arg);
/* Seconds and nanoseconds of a host clock, as one count of nanoseconds. */
int host_clock_get(int clockid, int64_t *out_ns);
/* deadline: CLOCK_MONOTONIC nanoseconds, INT64_MAX = none.  0, -EAGAIN (changed) or -ETIMEDOUT. */
int host_futex_wait(uint32_t *word, uint32_t expect, int64_t deadline_ns);
int host_futex_wake(uint32_t *word, int count);
/* The same on memory that is shared with another process. */
int host_futex_wait_shared(uint32_t *word, uint32_t expect, int64_t deadline_ns);
int host_futex_wake_shared(uint32_t *word, int count);
/* eventfds: one more ring; sleeps until there is one, and takes all there are; false after so long. */
void host_bell_ring(int fd);
bool host_bell_wait(int fd, int64_t timeout_ns);
/* Maps a shared memory object here, readable and writable; *out is its address. */
int host_map_shared(int fd, uint64_t size, void **out);
void host_unmap(void *at, uint64_t size);
/* timeout_ns < 0: none.  Count of ready entries. */
int host_poll(struct pollfd *fds, size_t n, int64_t timeout_ns);
int host_ioctl(int fd, unsigned long cmd, void *arg);
int host_tgkill(int tgid, int tid, int sig);
/* wait4(pid, status, options | __WALL); the pid or -errno. */
int host_wait(int pid, int *out_status, int options);
/* The same; out is filled when the process has ended. */
int host_wait_usage(int pid, int *out_status, int options, struct rusage *out);
long host_ptrace(int request, int pid, uintptr_t addr, uintptr_t data);
/* Bytes copied (short if a page is missing half way) or -errno (-EFAULT if none was). */
ssize_t host_vm_read(int pid, const struct iovec *local, size_t nlocal,
		     const struct iovec *remote, size_t nremote);
ssize_t host_vm_write(int pid, const struct iovec *local, size_t nlocal,
		      const struct iovec *remote, size_t nremote);
/* Binds a thread to one CPU (tid 0: the caller). */
int host_set_cpu(int tid, unsigned cpu);
/* To those of a cpu_set_t of that size. */
int host_set_cpus(int tid, const void *set, size_t size);
int host_socketpair(int type, int out_fd[2]);
/* Bytes from /dev/urandom, opened by host_init; never blocks. */
void host_random(void *buf, size_t size);

/*
 * Opens what must be open before the sandbox closes behind us (urandom).
 * Call before seccomp_load.  0 or -errno.
 */
int host_init(void);
/* The calling thread's host tid (cached). */
int host_gettid(void);
