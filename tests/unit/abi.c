/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscalls/abi says what the host's headers say: values of constants, sizes of structs, places
 * of members.  Constants that Debian 12's headers do not have are not compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/ucontext.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <linux/openat2.h>
#include <linux/rseq.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

/* The kernel's, which libc does not declare; only its size is asked for in an ioctl number. */
struct termios2 {
	char size[44];
};

/* clang-format off */
#define NAMES(X) \
	X(AF_ALG) X(AF_INET) X(AF_INET6) X(AF_NETLINK) X(AF_PACKET) X(AF_UNIX) \
	X(AF_UNSPEC) X(AF_VSOCK) X(AF_XDP) X(ARCH_GET_CPUID) X(ARCH_GET_FS) \
	X(ARCH_GET_GS) X(ARCH_GET_XCOMP_PERM) X(ARCH_GET_XCOMP_SUPP) \
	X(ARCH_REQ_XCOMP_PERM) X(ARCH_SET_CPUID) X(ARCH_SET_FS) X(ARCH_SET_GS) \
	X(AT_EACCESS) X(AT_EMPTY_PATH) X(AT_NO_AUTOMOUNT) X(AT_REMOVEDIR) \
	X(AT_STATX_DONT_SYNC) X(AT_STATX_FORCE_SYNC) X(AT_SYMLINK_FOLLOW) \
	X(AT_SYMLINK_NOFOLLOW) X(BLKGETSIZE64) X(CLOCK_BOOTTIME) \
	X(CLOCK_BOOTTIME_ALARM) X(CLOCK_MONOTONIC) X(CLOCK_MONOTONIC_COARSE) \
	X(CLOCK_MONOTONIC_RAW) X(CLOCK_PROCESS_CPUTIME_ID) X(CLOCK_REALTIME) \
	X(CLOCK_REALTIME_ALARM) X(CLOCK_REALTIME_COARSE) X(CLOCK_TAI) \
	X(CLOCK_THREAD_CPUTIME_ID) X(CLONE_CHILD_CLEARTID) X(CLONE_CHILD_SETTID) \
	X(CLONE_DETACHED) X(CLONE_FILES) X(CLONE_FS) X(CLONE_IO) X(CLONE_NEWCGROUP) \
	X(CLONE_NEWIPC) X(CLONE_NEWNET) X(CLONE_NEWNS) X(CLONE_NEWPID) X(CLONE_NEWTIME) \
	X(CLONE_NEWUSER) X(CLONE_NEWUTS) X(CLONE_PARENT) X(CLONE_PARENT_SETTID) \
	X(CLONE_PIDFD) X(CLONE_PTRACE) X(CLONE_SETTLS) X(CLONE_SIGHAND) \
	X(CLONE_SYSVSEM) X(CLONE_THREAD) X(CLONE_UNTRACED) X(CLONE_VFORK) X(CLONE_VM) \
	X(CLOSE_RANGE_CLOEXEC) X(CLOSE_RANGE_UNSHARE) X(EFD_CLOEXEC) X(EFD_NONBLOCK) \
	X(EFD_SEMAPHORE) X(EPOLLERR) X(EPOLLET) X(EPOLLEXCLUSIVE) X(EPOLLHUP) \
	X(EPOLLIN) X(EPOLLMSG) X(EPOLLONESHOT) X(EPOLLOUT) X(EPOLLPRI) X(EPOLLRDBAND) \
	X(EPOLLRDHUP) X(EPOLLRDNORM) X(EPOLLWAKEUP) X(EPOLLWRBAND) X(EPOLLWRNORM) \
	X(EPOLL_CLOEXEC) X(EPOLL_CTL_ADD) X(EPOLL_CTL_DEL) X(EPOLL_CTL_MOD) \
	X(FALLOC_FL_COLLAPSE_RANGE) X(FALLOC_FL_INSERT_RANGE) X(FALLOC_FL_KEEP_SIZE) \
	X(FALLOC_FL_PUNCH_HOLE) X(FALLOC_FL_UNSHARE_RANGE) X(FALLOC_FL_ZERO_RANGE) \
	X(FD_CLOEXEC) X(FICLONE) X(FICLONERANGE) X(FIGETBSZ) X(FIOASYNC) X(FIOCLEX) \
	X(FIONBIO) X(FIONCLEX) X(FIONREAD) X(FIOQSIZE) X(FS_IOC_FIEMAP) \
	X(FS_IOC_GETFLAGS) X(FS_IOC_SETFLAGS) X(FUTEX_CLOCK_REALTIME) \
	X(FUTEX_CMP_REQUEUE) X(FUTEX_CMP_REQUEUE_PI) X(FUTEX_FD) X(FUTEX_LOCK_PI) \
	X(FUTEX_LOCK_PI2) X(FUTEX_PRIVATE_FLAG) X(FUTEX_REQUEUE) X(FUTEX_TRYLOCK_PI) \
	X(FUTEX_UNLOCK_PI) X(FUTEX_WAIT) X(FUTEX_WAIT_BITSET) X(FUTEX_WAIT_REQUEUE_PI) \
	X(FUTEX_WAKE) X(FUTEX_WAKE_BITSET) X(FUTEX_WAKE_OP) X(F_ADD_SEALS) X(F_DUPFD) \
	X(F_DUPFD_CLOEXEC) X(F_GETFD) X(F_GETFL) X(F_GETLEASE) X(F_GETLK) X(F_GETOWN) \
	X(F_GETOWN_EX) X(F_GETPIPE_SZ) X(F_GETSIG) X(F_GET_FILE_RW_HINT) \
	X(F_GET_RW_HINT) X(F_GET_SEALS) X(F_NOTIFY) X(F_OFD_GETLK) X(F_OFD_SETLK) \
	X(F_OFD_SETLKW) X(F_SEAL_FUTURE_WRITE) X(F_SEAL_GROW) X(F_SEAL_SEAL) \
	X(F_SEAL_SHRINK) X(F_SEAL_WRITE) X(F_SETFD) X(F_SETFL) X(F_SETLEASE) X(F_SETLK) \
	X(F_SETLKW) X(F_SETOWN) X(F_SETOWN_EX) X(F_SETPIPE_SZ) X(F_SETSIG) \
	X(F_SET_FILE_RW_HINT) X(F_SET_RW_HINT) X(GRND_INSECURE) X(GRND_NONBLOCK) \
	X(GRND_RANDOM) X(IN_ACCESS) X(IN_ALL_EVENTS) X(IN_ATTRIB) X(IN_CLOEXEC) \
	X(IN_CLOSE_NOWRITE) X(IN_CLOSE_WRITE) X(IN_CREATE) X(IN_DELETE) \
	X(IN_DELETE_SELF) X(IN_DONT_FOLLOW) X(IN_EXCL_UNLINK) X(IN_MASK_ADD) \
	X(IN_MASK_CREATE) X(IN_MODIFY) X(IN_MOVED_FROM) X(IN_MOVED_TO) X(IN_MOVE_SELF) \
	X(IN_NONBLOCK) X(IN_ONESHOT) X(IN_ONLYDIR) X(IN_OPEN) X(LOCK_EX) X(LOCK_NB) \
	X(LOCK_SH) X(LOCK_UN) X(MADV_COLD) X(MADV_DODUMP) X(MADV_DOFORK) \
	X(MADV_DONTDUMP) X(MADV_DONTFORK) X(MADV_DONTNEED) X(MADV_DONTNEED_LOCKED) \
	X(MADV_FREE) X(MADV_HUGEPAGE) X(MADV_HWPOISON) X(MADV_KEEPONFORK) \
	X(MADV_MERGEABLE) X(MADV_NOHUGEPAGE) X(MADV_NORMAL) X(MADV_PAGEOUT) \
	X(MADV_POPULATE_READ) X(MADV_POPULATE_WRITE) X(MADV_RANDOM) X(MADV_REMOVE) \
	X(MADV_SEQUENTIAL) X(MADV_UNMERGEABLE) X(MADV_WILLNEED) X(MADV_WIPEONFORK) \
	X(MAP_32BIT) X(MAP_ANONYMOUS) X(MAP_DENYWRITE) X(MAP_EXECUTABLE) X(MAP_FIXED) \
	X(MAP_FIXED_NOREPLACE) X(MAP_GROWSDOWN) X(MAP_HUGETLB) X(MAP_LOCKED) \
	X(MAP_NONBLOCK) X(MAP_NORESERVE) X(MAP_POPULATE) X(MAP_PRIVATE) X(MAP_SHARED) \
	X(MAP_SHARED_VALIDATE) X(MAP_STACK) X(MAP_SYNC) X(MCL_CURRENT) X(MCL_FUTURE) \
	X(MCL_ONFAULT) X(MFD_ALLOW_SEALING) X(MFD_CLOEXEC) X(MFD_HUGETLB) \
	X(MLOCK_ONFAULT) X(MNT_DETACH) X(MNT_EXPIRE) X(MNT_FORCE) X(MREMAP_DONTUNMAP) \
	X(MREMAP_FIXED) X(MREMAP_MAYMOVE) X(MSG_BATCH) X(MSG_CMSG_CLOEXEC) \
	X(MSG_CONFIRM) X(MSG_CTRUNC) X(MSG_DONTROUTE) X(MSG_DONTWAIT) X(MSG_EOR) \
	X(MSG_ERRQUEUE) X(MSG_FASTOPEN) X(MSG_MORE) X(MSG_NOSIGNAL) X(MSG_OOB) \
	X(MSG_PEEK) X(MSG_TRUNC) X(MSG_WAITALL) X(MSG_WAITFORONE) X(MSG_ZEROCOPY) \
	X(MS_ASYNC) X(MS_BIND) X(MS_DIRSYNC) X(MS_INVALIDATE) X(MS_LAZYTIME) \
	X(MS_MANDLOCK) X(MS_MOVE) X(MS_NOATIME) X(MS_NODEV) X(MS_NODIRATIME) \
	X(MS_NOEXEC) X(MS_NOSUID) X(MS_NOSYMFOLLOW) X(MS_POSIXACL) X(MS_PRIVATE) \
	X(MS_RDONLY) X(MS_REC) X(MS_RELATIME) X(MS_REMOUNT) X(MS_SHARED) X(MS_SILENT) \
	X(MS_SLAVE) X(MS_STRICTATIME) X(MS_SYNC) X(MS_SYNCHRONOUS) X(MS_UNBINDABLE) \
	X(O_APPEND) X(O_ASYNC) X(O_CLOEXEC) X(O_CREAT) X(O_DIRECT) X(O_DIRECTORY) \
	X(O_DSYNC) X(O_EXCL) X(O_NOATIME) X(O_NOCTTY) X(O_NOFOLLOW) X(O_NONBLOCK) \
	X(O_PATH) X(O_RDONLY) X(O_RDWR) X(O_SYNC) X(O_TMPFILE) X(O_TRUNC) X(O_WRONLY) \
	X(POLLERR) X(POLLHUP) X(POLLIN) X(POLLMSG) X(POLLNVAL) X(POLLOUT) X(POLLPRI) \
	X(POLLRDBAND) X(POLLRDHUP) X(POLLRDNORM) X(POLLWRBAND) X(POLLWRNORM) \
	X(POSIX_FADV_DONTNEED) X(POSIX_FADV_NOREUSE) X(POSIX_FADV_NORMAL) \
	X(POSIX_FADV_RANDOM) X(POSIX_FADV_SEQUENTIAL) X(POSIX_FADV_WILLNEED) \
	X(PRIO_PGRP) X(PRIO_PROCESS) X(PRIO_USER) X(PROT_EXEC) X(PROT_GROWSDOWN) \
	X(PROT_GROWSUP) X(PROT_READ) X(PROT_WRITE) X(PR_CAPBSET_DROP) \
	X(PR_CAPBSET_READ) X(PR_CAP_AMBIENT) X(PR_GET_CHILD_SUBREAPER) \
	X(PR_GET_DUMPABLE) X(PR_GET_IO_FLUSHER) X(PR_GET_KEEPCAPS) X(PR_GET_NAME) \
	X(PR_GET_NO_NEW_PRIVS) X(PR_GET_PDEATHSIG) X(PR_GET_SECCOMP) \
	X(PR_GET_SECUREBITS) X(PR_GET_SPECULATION_CTRL) X(PR_GET_THP_DISABLE) \
	X(PR_GET_TID_ADDRESS) X(PR_GET_TIMERSLACK) X(PR_GET_TIMING) X(PR_GET_TSC) \
	X(PR_MCE_KILL) X(PR_MCE_KILL_GET) X(PR_SCHED_CORE) X(PR_SET_CHILD_SUBREAPER) \
	X(PR_SET_DUMPABLE) X(PR_SET_IO_FLUSHER) X(PR_SET_KEEPCAPS) X(PR_SET_MM) \
	X(PR_SET_NAME) X(PR_SET_NO_NEW_PRIVS) X(PR_SET_PDEATHSIG) X(PR_SET_PTRACER) \
	X(PR_SET_SECCOMP) X(PR_SET_SECUREBITS) X(PR_SET_SPECULATION_CTRL) \
	X(PR_SET_SYSCALL_USER_DISPATCH) X(PR_SET_THP_DISABLE) X(PR_SET_TIMERSLACK) \
	X(PR_SET_TIMING) X(PR_SET_TSC) X(PR_SET_VMA) X(PR_TASK_PERF_EVENTS_DISABLE) \
	X(PR_TASK_PERF_EVENTS_ENABLE) X(RENAME_EXCHANGE) X(RENAME_NOREPLACE) \
	X(RENAME_WHITEOUT) X(RESOLVE_BENEATH) X(RESOLVE_CACHED) X(RESOLVE_IN_ROOT) \
	X(RESOLVE_NO_MAGICLINKS) X(RESOLVE_NO_SYMLINKS) X(RESOLVE_NO_XDEV) X(RLIMIT_AS) \
	X(RLIMIT_CORE) X(RLIMIT_CPU) X(RLIMIT_DATA) X(RLIMIT_FSIZE) X(RLIMIT_LOCKS) \
	X(RLIMIT_MEMLOCK) X(RLIMIT_MSGQUEUE) X(RLIMIT_NICE) X(RLIMIT_NOFILE) \
	X(RLIMIT_NPROC) X(RLIMIT_RSS) X(RLIMIT_RTPRIO) X(RLIMIT_RTTIME) \
	X(RLIMIT_SIGPENDING) X(RLIMIT_STACK) X(RUSAGE_CHILDREN) X(RUSAGE_SELF) \
	X(RUSAGE_THREAD) X(RWF_APPEND) X(RWF_DSYNC) X(RWF_HIPRI) X(RWF_NOAPPEND) \
	X(RWF_NOWAIT) X(RWF_SYNC) X(R_OK) X(SA_NOCLDSTOP) X(SA_NOCLDWAIT) X(SA_NODEFER) \
	X(SA_ONSTACK) X(SA_RESETHAND) X(SA_RESTART) X(SA_SIGINFO) X(SCHED_BATCH) \
	X(SCHED_DEADLINE) X(SCHED_FIFO) X(SCHED_IDLE) X(SCHED_OTHER) \
	X(SCHED_RESET_ON_FORK) X(SCHED_RR) X(SECCOMP_FILTER_FLAG_LOG) \
	X(SECCOMP_FILTER_FLAG_NEW_LISTENER) X(SECCOMP_FILTER_FLAG_SPEC_ALLOW) \
	X(SECCOMP_FILTER_FLAG_TSYNC) X(SECCOMP_FILTER_FLAG_TSYNC_ESRCH) \
	X(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) X(SECCOMP_GET_ACTION_AVAIL) \
	X(SECCOMP_GET_NOTIF_SIZES) X(SECCOMP_SET_MODE_FILTER) \
	X(SECCOMP_SET_MODE_STRICT) X(SEEK_CUR) X(SEEK_DATA) X(SEEK_END) X(SEEK_HOLE) \
	X(SEEK_SET) X(SFD_CLOEXEC) X(SFD_NONBLOCK) X(SHUT_RD) X(SHUT_RDWR) X(SHUT_WR) \
	X(SIGABRT) X(SIGALRM) X(SIGBUS) X(SIGCHLD) X(SIGCONT) X(SIGFPE) X(SIGHUP) \
	X(SIGILL) X(SIGINT) X(SIGIO) X(SIGKILL) X(SIGPIPE) X(SIGPROF) X(SIGPWR) \
	X(SIGQUIT) X(SIGSEGV) X(SIGSTKFLT) X(SIGSTOP) X(SIGSYS) X(SIGTERM) X(SIGTRAP) \
	X(SIGTSTP) X(SIGTTIN) X(SIGTTOU) X(SIGURG) X(SIGUSR1) X(SIGUSR2) X(SIGVTALRM) \
	X(SIGWINCH) X(SIGXCPU) X(SIGXFSZ) X(SIG_BLOCK) X(SIG_SETMASK) X(SIG_UNBLOCK) \
	X(SIOCATMARK) X(SIOCGIFCONF) X(SIOCGIFFLAGS) X(SIOCGIFINDEX) X(SI_ASYNCIO) \
	X(SI_KERNEL) X(SI_MESGQ) X(SI_QUEUE) X(SI_SIGIO) X(SI_TIMER) X(SI_TKILL) \
	X(SI_USER) X(SOCK_CLOEXEC) X(SOCK_DCCP) X(SOCK_DGRAM) X(SOCK_NONBLOCK) \
	X(SOCK_PACKET) X(SOCK_RAW) X(SOCK_RDM) X(SOCK_SEQPACKET) X(SOCK_STREAM) \
	X(SOL_NETLINK) X(SOL_PACKET) X(SOL_SOCKET) X(SO_ACCEPTCONN) X(SO_ATTACH_BPF) \
	X(SO_ATTACH_FILTER) X(SO_BINDTODEVICE) X(SO_BINDTOIFINDEX) X(SO_BROADCAST) \
	X(SO_BUF_LOCK) X(SO_BUSY_POLL) X(SO_COOKIE) X(SO_DEBUG) X(SO_DETACH_FILTER) \
	X(SO_DOMAIN) X(SO_DONTROUTE) X(SO_ERROR) X(SO_INCOMING_CPU) X(SO_KEEPALIVE) \
	X(SO_LINGER) X(SO_LOCK_FILTER) X(SO_MARK) X(SO_MAX_PACING_RATE) \
	X(SO_NETNS_COOKIE) X(SO_NOFCS) X(SO_OOBINLINE) X(SO_PASSCRED) X(SO_PASSSEC) \
	X(SO_PEEK_OFF) X(SO_PEERCRED) X(SO_PEERGROUPS) X(SO_PEERNAME) X(SO_PEERSEC) \
	X(SO_PRIORITY) X(SO_PROTOCOL) X(SO_RCVBUF) X(SO_RCVBUFFORCE) X(SO_RCVLOWAT) \
	X(SO_RCVTIMEO) X(SO_RESERVE_MEM) X(SO_REUSEADDR) X(SO_REUSEPORT) X(SO_RXQ_OVFL) \
	X(SO_SNDBUF) X(SO_SNDBUFFORCE) X(SO_SNDLOWAT) X(SO_SNDTIMEO) X(SO_TIMESTAMP) \
	X(SO_TIMESTAMPING) X(SO_TIMESTAMPNS) X(SO_TXTIME) X(SO_TYPE) X(SO_ZEROCOPY) \
	X(SPLICE_F_GIFT) X(SPLICE_F_MORE) X(SPLICE_F_MOVE) X(SPLICE_F_NONBLOCK) \
	X(SS_DISABLE) X(SS_ONSTACK) X(STATX_ATIME) X(STATX_BASIC_STATS) X(STATX_BLOCKS) \
	X(STATX_BTIME) X(STATX_CTIME) X(STATX_DIOALIGN) X(STATX_GID) X(STATX_INO) \
	X(STATX_MNT_ID) X(STATX_MODE) X(STATX_MTIME) X(STATX_NLINK) X(STATX_SIZE) \
	X(STATX_TYPE) X(STATX_UID) X(SYNC_FILE_RANGE_WAIT_AFTER) \
	X(SYNC_FILE_RANGE_WAIT_BEFORE) X(SYNC_FILE_RANGE_WRITE) X(TCFLSH) X(TCGETA) \
	X(TCGETS) X(TCGETS2) X(TCSBRK) X(TCSBRKP) X(TCSETA) X(TCSETS) X(TCSETS2) \
	X(TCSETSF) X(TCSETSF2) X(TCSETSW) X(TCSETSW2) X(TCXONC) X(TFD_CLOEXEC) \
	X(TFD_NONBLOCK) X(TFD_TIMER_ABSTIME) X(TFD_TIMER_CANCEL_ON_SET) \
	X(TIMER_ABSTIME) X(TIOCEXCL) X(TIOCGETD) X(TIOCGEXCL) X(TIOCGPGRP) X(TIOCGPKT) \
	X(TIOCGPTLCK) X(TIOCGPTN) X(TIOCGPTPEER) X(TIOCGSID) X(TIOCGWINSZ) X(TIOCNOTTY) \
	X(TIOCNXCL) X(TIOCOUTQ) X(TIOCPKT) X(TIOCSCTTY) X(TIOCSPGRP) X(TIOCSPTLCK) \
	X(TIOCSTI) X(TIOCSWINSZ) X(UMOUNT_NOFOLLOW) X(WCONTINUED) X(WEXITED) X(WNOHANG) \
	X(WNOWAIT) X(WUNTRACED) X(W_OK) X(XATTR_CREATE) X(XATTR_REPLACE) X(X_OK) \
	X(__WALL) X(__WCLONE) X(__WNOTHREAD)
/* clang-format on */

#define X(name) {#name, (long long)(name)},
static const struct {
	const char *name;
	long long value;
} theirs[] = {NAMES(X)};

#include "syscalls/abi/dirent.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/sysinfo.h"
#include "syscalls/abi/un.h"
#include "syscalls/abi/utsname.h"
#include "syscalls/flags.h"

static const struct {
	const char *name;
	long long value;
} ours[] = {NAMES(X)};

static void constants_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (ours[i].value != theirs[i].value)
			fail_msg("%s: %#llx, theirs %#llx", ours[i].name, ours[i].value,
				 theirs[i].value);
	}
}

#define SIZE(a, b)		   assert_int_equal(sizeof(a), sizeof(b))
#define PLACE(a, member, b, other) assert_int_equal(offsetof(a, member), offsetof(b, other))

static void structs_of_files_agree(void **state)
{
	(void)state;
	SIZE(struct abi_stat, struct stat);
	PLACE(struct abi_stat, st_rdev, struct stat, st_rdev);
	PLACE(struct abi_stat, st_blocks, struct stat, st_blocks);
	PLACE(struct abi_stat, st_ctim, struct stat, st_ctim);
	PLACE(struct abi_stat, st_gid, struct stat, st_gid);
	SIZE(struct abi_statfs, struct statfs);
	PLACE(struct abi_statfs, f_namelen, struct statfs, f_namelen);
	PLACE(struct abi_statfs, f_flags, struct statfs, f_flags);
	SIZE(struct abi_statx, struct statx);
	PLACE(struct abi_statx, stx_attributes_mask, struct statx, stx_attributes_mask);
	PLACE(struct abi_statx, stx_mtime, struct statx, stx_mtime);
	PLACE(struct abi_statx, stx_dev_minor, struct statx, stx_dev_minor);
	PLACE(struct abi_statx, stx_mnt_id, struct statx, stx_mnt_id);
	SIZE(struct abi_flock, struct flock);
	PLACE(struct abi_flock, l_len, struct flock, l_len);
	PLACE(struct abi_flock, l_pid, struct flock, l_pid);
	SIZE(struct abi_open_how, struct open_how);
	SIZE(struct abi_iovec, struct iovec);
	SIZE(struct abi_pollfd, struct pollfd);
	PLACE(struct abi_pollfd, revents, struct pollfd, revents);
	SIZE(struct abi_epoll_event, struct epoll_event);
	PLACE(struct abi_epoll_event, data, struct epoll_event, data);
	SIZE(struct abi_inotify_event, struct inotify_event);
	PLACE(struct abi_dirent64, d_type, struct dirent, d_type);
	PLACE(struct abi_dirent64, d_name, struct dirent, d_name);
	SIZE(struct abi_winsize, struct winsize);
}

static void structs_of_tasks_agree(void **state)
{
	(void)state;
	SIZE(struct abi_siginfo, siginfo_t);
	PLACE(struct abi_siginfo, kill.pid, siginfo_t, si_pid);
	PLACE(struct abi_siginfo, rt.value, siginfo_t, si_value);
	PLACE(struct abi_siginfo, timer.overrun, siginfo_t, si_overrun);
	PLACE(struct abi_siginfo, timer.value, siginfo_t, si_value);
	PLACE(struct abi_siginfo, child.status, siginfo_t, si_status);
	PLACE(struct abi_siginfo, child.stime, siginfo_t, si_stime);
	PLACE(struct abi_siginfo, fault.addr, siginfo_t, si_addr);
	PLACE(struct abi_siginfo, fault.addr_lsb, siginfo_t, si_addr_lsb);
	PLACE(struct abi_siginfo, fault.bounds.upper, siginfo_t, si_upper);
	PLACE(struct abi_siginfo, fault.pk.pkey, siginfo_t, si_pkey);
	PLACE(struct abi_siginfo, poll.fd, siginfo_t, si_fd);
	PLACE(struct abi_siginfo, sys.arch, siginfo_t, si_arch);
	SIZE(struct abi_signalfd_siginfo, struct signalfd_siginfo);
	PLACE(struct abi_signalfd_siginfo, ssi_addr, struct signalfd_siginfo, ssi_addr);
	PLACE(struct abi_signalfd_siginfo, ssi_arch, struct signalfd_siginfo, ssi_arch);
	SIZE(struct abi_stack, stack_t);
	PLACE(struct abi_stack, ss_size, stack_t, ss_size);
	SIZE(struct abi_sigevent, struct sigevent);
	PLACE(struct abi_sigevent, notify, struct sigevent, sigev_notify);
	SIZE(struct abi_sigcontext, struct sigcontext);
	PLACE(struct abi_sigcontext, rip, struct sigcontext, rip);
	PLACE(struct abi_sigcontext, ss, struct sigcontext, __pad0);
	PLACE(struct abi_sigcontext, fpstate, struct sigcontext, fpstate);
	PLACE(struct abi_ucontext, uc_sigmask, ucontext_t, uc_sigmask);
	SIZE(struct abi_user_regs, struct user_regs_struct);
	PLACE(struct abi_user_regs, orig_rax, struct user_regs_struct, orig_rax);
	PLACE(struct abi_user_regs, fs_base, struct user_regs_struct, fs_base);
	SIZE(struct abi_rusage, struct rusage);
	PLACE(struct abi_rusage, ru_nivcsw, struct rusage, ru_nivcsw);
	SIZE(struct abi_rlimit, struct rlimit);
	SIZE(struct abi_utsname, struct utsname);
	PLACE(struct abi_utsname, machine, struct utsname, machine);
	SIZE(struct abi_sysinfo, struct sysinfo);
	PLACE(struct abi_sysinfo, mem_unit, struct sysinfo, mem_unit);
	PLACE(struct abi_sysinfo, totalhigh, struct sysinfo, totalhigh);
	PLACE(struct abi_user_cap_header, pid, struct __user_cap_header_struct, pid);
	SIZE(struct abi_user_cap_data, struct __user_cap_data_struct);
	PLACE(struct abi_rseq, flags, struct rseq, flags);
	PLACE(struct abi_rseq_cs, abort_ip, struct rseq_cs, abort_ip);
	PLACE(struct abi_robust_list_head, list_op_pending, struct robust_list_head,
	      list_op_pending);
	SIZE(struct abi_futex_waitv, struct futex_waitv);
	PLACE(struct abi_futex_waitv, flags, struct futex_waitv, flags);
	SIZE(struct abi_elf_ehdr, Elf64_Ehdr);
	PLACE(struct abi_elf_ehdr, e_phnum, Elf64_Ehdr, e_phnum);
	SIZE(struct abi_elf_phdr, Elf64_Phdr);
	PLACE(struct abi_elf_phdr, p_align, Elf64_Phdr, p_align);
	SIZE(struct abi_elf_sym, Elf64_Sym);
}

static void structs_of_time_and_sockets_agree(void **state)
{
	(void)state;
	SIZE(struct abi_timespec, struct timespec);
	SIZE(struct abi_timeval, struct timeval);
	SIZE(struct abi_itimerspec, struct itimerspec);
	SIZE(struct abi_itimerval, struct itimerval);
	SIZE(struct abi_timezone, struct timezone);
	SIZE(struct abi_utimbuf, struct utimbuf);
	SIZE(struct abi_tms, struct tms);
	SIZE(struct abi_timex, struct timex);
	PLACE(struct abi_timex, time, struct timex, time);
	PLACE(struct abi_timex, stabil, struct timex, stabil);
	PLACE(struct abi_timex, tai, struct timex, tai);
	SIZE(struct abi_sockaddr_un, struct sockaddr_un);
	SIZE(struct abi_msghdr, struct msghdr);
	PLACE(struct abi_msghdr, msg_iov, struct msghdr, msg_iov);
	PLACE(struct abi_msghdr, msg_controllen, struct msghdr, msg_controllen);
	PLACE(struct abi_msghdr, msg_flags, struct msghdr, msg_flags);
	SIZE(struct abi_mmsghdr, struct mmsghdr);
	SIZE(struct abi_cmsghdr, struct cmsghdr);
	PLACE(struct abi_cmsghdr, cmsg_type, struct cmsghdr, cmsg_type);
	SIZE(struct abi_ucred, struct ucred);
	SIZE(struct abi_linger, struct linger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_agree),
		cmocka_unit_test(structs_of_files_agree),
		cmocka_unit_test(structs_of_tasks_agree),
		cmocka_unit_test(structs_of_time_and_sockets_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
