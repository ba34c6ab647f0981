/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad pointers are EFAULT, for every call that takes one, and nothing crashes.
 *
 * Each row is a test: the call is made with every kind of bad pointer in place of P.
 * S marks rows whose object is a structure or a string: there a pointer whose last
 * good byte is just before a hole is bad too.
 */
#include "task.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/stat.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <asm/prctl.h>

/* Stands for the bad pointer in a row. */
#define P    0x5054525f5054525fl
#define A(x) ((long)(x))

enum {
	FD_ZERO = 40, /* /dev/zero */
	FD_R,	      /* a pipe with bytes in it */
	FD_W,
	FD_FILE, /* three pages, read-write */
	FD_SOCK, /* a stream socket with bytes to read */
	FD_PEER,
	FD_DIR,
	FD_EPOLL, /* FD_W is ready in it */
	FD_EVENT, /* the counter is 5 */
	FD_TIMER,
	FD_INOTIFY,
	FD_FRESH, /* a socket neither bound nor connected */
};

static char *hole; /* PROT_NONE, with a good page of 'x' before it */
static char buf[PAGE];
static struct sockaddr addr;
static socklen_t addr_len;
static struct timespec zero_time;
static unsigned long sigset_word;
static int timer_id;

static void place(int fd, int at)
{
	ASSERT_OK(fd);
	ASSERT_EQ(dup2(fd, at), at);
	close(fd);
}

static void place_two(int fd[2], int a, int b)
{
	place(fd[0], a);
	place(fd[1], b);
}

static void set_up(void)
{
	int fd[2];
	struct epoll_event ev = {.events = EPOLLOUT};
	struct rlimit rl = {200, 200};
	gid_t g[1] = {1};
	test_tmpdir();
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_OK(setgroups(1, g));
	hole = map_anon(2 * PAGE) + PAGE;
	memset(hole - PAGE, 'x', PAGE);
	ASSERT_OK(mprotect(hole, PAGE, PROT_NONE));
	place(open("/dev/zero", O_RDWR), FD_ZERO);
	ASSERT_OK(pipe(fd));
	place_two(fd, FD_R, FD_W);
	ASSERT_EQ(write(FD_W, buf, 100), 100);
	place(file_of_pages("f", 3 * PAGE), FD_FILE);
	ASSERT_EQ(lseek(FD_FILE, 0, SEEK_SET), 0);
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	place_two(fd, FD_SOCK, FD_PEER);
	ASSERT_EQ(write(FD_PEER, buf, 100), 100);
	place(open(".", O_RDONLY | O_DIRECTORY), FD_DIR);
	place(epoll_create1(0), FD_EPOLL);
	ASSERT_OK(epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_W, &ev));
	place(eventfd(5, EFD_NONBLOCK), FD_EVENT);
	place(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), FD_TIMER);
	place(inotify_init1(IN_NONBLOCK), FD_INOTIFY);
	place(socket(AF_UNIX, SOCK_STREAM, 0), FD_FRESH);
	ASSERT_OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &timer_id));
	addr_len = sizeof addr;
}

static void try_pointer(long nr, const long *arg, unsigned long pointer)
{
	long a[6];
	for (int i = 0; i < 6; i++)
		a[i] = arg[i] == P ? (long)pointer : arg[i];
	errno = 0;
	long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (r != -1 || errno != EFAULT)
		FAIL("call %ld with %#lx = %ld, errno %d %s", nr, pointer, r, errno,
		     strerror(errno));
}

static void check(long nr, const long *arg, int straddle)
{
	try_pointer(nr, arg, 0x10);
	try_pointer(nr, arg, 0xffff800000000000);
	try_pointer(nr, arg, 0x8000000000000000);
	try_pointer(nr, arg, 0xfffffffffffff000);
	try_pointer(nr, arg, (unsigned long)hole);
	if (straddle)
		try_pointer(nr, arg, (unsigned long)hole - 1);
}

#define ROW(id, straddle, nr, ...)                                                                 \
	TEST(id)                                                                                   \
	{                                                                                          \
		set_up();                                                                          \
		const long arg[6] = {__VA_ARGS__};                                                 \
		check(nr, arg, straddle);                                                          \
	}

/* clang-format off */
#define S 1
#define N 0

/* Paths. */
ROW(open_path,           S, SYS_open, P, O_RDONLY)
ROW(openat_path,         S, SYS_openat, AT_FDCWD, P, O_RDONLY)
ROW(openat2_how,         S, SYS_openat2, AT_FDCWD, A("/"), P, 24)
ROW(creat_path,          S, SYS_creat, P, 0600)
ROW(stat_path,           S, SYS_stat, P, A(buf))
ROW(stat_buf,            S, SYS_stat, A("/"), P)
ROW(lstat_buf,           S, SYS_lstat, A("/"), P)
ROW(fstat_buf,           S, SYS_fstat, FD_FILE, P)
ROW(newfstatat_path,     S, SYS_newfstatat, AT_FDCWD, P, A(buf), 0)
ROW(newfstatat_buf,      S, SYS_newfstatat, AT_FDCWD, A("/"), P, 0)
ROW(statx_path,          S, SYS_statx, AT_FDCWD, P, 0, STATX_BASIC_STATS, A(buf))
ROW(statx_buf,           S, SYS_statx, AT_FDCWD, A("/"), 0, STATX_BASIC_STATS, P)
ROW(access_path,         S, SYS_access, P, F_OK)
ROW(faccessat2_path,     S, SYS_faccessat2, AT_FDCWD, P, F_OK, 0)
ROW(readlink_path,       S, SYS_readlink, P, A(buf), 100)
ROW(readlink_buf,        S, SYS_readlink, A("/proc/self/exe"), P, 100)
ROW(mkdir_path,          S, SYS_mkdir, P, 0755)
ROW(mknod_path,          S, SYS_mknod, P, S_IFIFO | 0600, 0)
ROW(rmdir_path,          S, SYS_rmdir, P)
ROW(unlink_path,         S, SYS_unlink, P)
ROW(unlinkat_path,       S, SYS_unlinkat, AT_FDCWD, P, 0)
ROW(rename_from,         S, SYS_rename, P, A("b"))
ROW(rename_to,           S, SYS_rename, A("f"), P)
ROW(renameat2_to,        S, SYS_renameat2, AT_FDCWD, A("f"), AT_FDCWD, P, 0)
ROW(link_from,           S, SYS_link, P, A("b"))
ROW(link_to,             S, SYS_link, A("f"), P)
ROW(symlink_target,      S, SYS_symlink, P, A("b"))
ROW(symlink_name,        S, SYS_symlink, A("b"), P)
ROW(chmod_path,          S, SYS_chmod, P, 0600)
ROW(chown_path,          S, SYS_chown, P, 0, 0)
ROW(truncate_path,       S, SYS_truncate, P, 0)
ROW(chdir_path,          S, SYS_chdir, P)
ROW(chroot_path,         S, SYS_chroot, P)
ROW(utimes_times,        S, SYS_utimes, A("f"), P)
ROW(utimensat_times,     S, SYS_utimensat, AT_FDCWD, A("f"), P, 0)
ROW(getcwd_buf,          S, SYS_getcwd, P, 4096)
ROW(statfs_buf,          S, SYS_statfs, A("/"), P)
ROW(fstatfs_buf,         S, SYS_fstatfs, FD_FILE, P)
ROW(getdents64_buf,      S, SYS_getdents64, FD_DIR, P, 1000)
ROW(getxattr_path,       S, SYS_getxattr, P, A("user.a"), A(buf), 10)
ROW(getxattr_name,       S, SYS_getxattr, A("f"), P, A(buf), 10)
ROW(setxattr_value,      S, SYS_setxattr, A("f"), A("user.a"), P, 10, 0)
ROW(execve_path,         S, SYS_execve, P, A(&addr), A(&addr))
ROW(execve_argv,         S, SYS_execve, A("/proc/self/exe"), P, 0)
ROW(memfd_create_name,   S, SYS_memfd_create, P, 0)
ROW(inotify_path,        S, SYS_inotify_add_watch, FD_INOTIFY, P, IN_CREATE)

/* Data. */
ROW(read_zero,           N, SYS_read, FD_ZERO, P, 10)
ROW(read_pipe,           S, SYS_read, FD_R, P, 10)
ROW(read_file,           N, SYS_read, FD_FILE, P, 10)
ROW(read_socket,         S, SYS_read, FD_SOCK, P, 10)
ROW(pread_buf,           N, SYS_pread64, FD_FILE, P, 10, 0)
ROW(write_pipe,          S, SYS_write, FD_W, P, 10)
ROW(write_file,          N, SYS_write, FD_FILE, P, 10)
ROW(write_socket,        S, SYS_write, FD_SOCK, P, 10)
ROW(write_eventfd,       S, SYS_write, FD_EVENT, P, 8)
ROW(pwrite_buf,          N, SYS_pwrite64, FD_FILE, P, 10, 0)
ROW(readv_vector,        S, SYS_readv, FD_ZERO, P, 1)
ROW(writev_vector,       S, SYS_writev, FD_W, P, 1)
ROW(preadv_vector,       S, SYS_preadv, FD_FILE, P, 1, 0)
ROW(sendfile_offset,     S, SYS_sendfile, FD_SOCK, FD_FILE, P, 10)
ROW(splice_offset,       S, SYS_splice, FD_FILE, P, FD_W, 0, 10, 0)
ROW(copy_range_offset,   S, SYS_copy_file_range, FD_FILE, P, FD_FILE, 0, 10, 0)

/* Descriptors and readiness. */
ROW(pipe_fds,            S, SYS_pipe, P)
ROW(pipe2_fds,           S, SYS_pipe2, P, O_CLOEXEC)
ROW(poll_fds,            S, SYS_poll, P, 1, 0)
ROW(ppoll_timeout,       S, SYS_ppoll, 0, 0, P, 0, 8)
ROW(ppoll_mask,          S, SYS_ppoll, 0, 0, A(&zero_time), P, 8)
ROW(select_set,          S, SYS_select, 10, P, 0, 0, 0)
ROW(select_timeout,      S, SYS_select, 0, 0, 0, 0, P)
ROW(pselect6_timeout,    S, SYS_pselect6, 0, 0, 0, 0, P, 0)
ROW(epoll_ctl_event,     S, SYS_epoll_ctl, FD_EPOLL, EPOLL_CTL_ADD, FD_R, P)
ROW(epoll_wait_events,   S, SYS_epoll_wait, FD_EPOLL, P, 1, 0)
ROW(ioctl_fionread,      S, SYS_ioctl, FD_R, FIONREAD, P)
ROW(fcntl_getlk,         S, SYS_fcntl, FD_FILE, F_GETLK, P)
ROW(fcntl_setlk,         S, SYS_fcntl, FD_FILE, F_SETLK, P)
ROW(signalfd4_mask,      S, SYS_signalfd4, -1, P, 8, 0)
ROW(timerfd_settime_new, S, SYS_timerfd_settime, FD_TIMER, 0, P, 0)
ROW(timerfd_gettime_cur, S, SYS_timerfd_gettime, FD_TIMER, P)

/* Sockets. */
ROW(socketpair_fds,      S, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, P)
ROW(bind_addr,           S, SYS_bind, FD_FRESH, P, 16)
ROW(connect_addr,        S, SYS_connect, FD_FRESH, P, 16)
ROW(getsockname_addr,    S, SYS_getsockname, FD_SOCK, P, A(&addr_len))
ROW(getsockname_len,     S, SYS_getsockname, FD_SOCK, A(&addr), P)
ROW(getsockopt_value,    S, SYS_getsockopt, FD_SOCK, SOL_SOCKET, SO_TYPE, P, A(&addr_len))
ROW(getsockopt_len,      S, SYS_getsockopt, FD_SOCK, SOL_SOCKET, SO_TYPE, A(buf), P)
ROW(setsockopt_value,    S, SYS_setsockopt, FD_SOCK, SOL_SOCKET, SO_RCVBUF, P, 4)
ROW(sendto_buf,          S, SYS_sendto, FD_SOCK, P, 10, 0, 0, 0)
ROW(recvfrom_buf,        S, SYS_recvfrom, FD_SOCK, P, 10, MSG_DONTWAIT, 0, 0)
ROW(sendmsg_header,      S, SYS_sendmsg, FD_SOCK, P, 0)
ROW(recvmsg_header,      S, SYS_recvmsg, FD_SOCK, P, MSG_DONTWAIT)
ROW(sendmmsg_headers,    S, SYS_sendmmsg, FD_SOCK, P, 1, 0)

/* Signals. */
ROW(sigaction_new,       S, SYS_rt_sigaction, SIGUSR1, P, 0, 8)
ROW(sigaction_old,       S, SYS_rt_sigaction, SIGUSR1, 0, P, 8)
ROW(sigprocmask_new,     S, SYS_rt_sigprocmask, SIG_BLOCK, P, 0, 8)
ROW(sigprocmask_old,     S, SYS_rt_sigprocmask, SIG_BLOCK, 0, P, 8)
ROW(sigpending_set,      S, SYS_rt_sigpending, P, 8)
ROW(sigtimedwait_set,    S, SYS_rt_sigtimedwait, P, 0, A(&zero_time), 8)
ROW(sigtimedwait_time,   S, SYS_rt_sigtimedwait, A(&sigset_word), 0, P, 8)
ROW(sigsuspend_set,      S, SYS_rt_sigsuspend, P, 8)
ROW(sigqueueinfo_info,   S, SYS_rt_sigqueueinfo, getpid(), SIGUSR1, P)
ROW(sigaltstack_new,     S, SYS_sigaltstack, P, 0)
ROW(sigaltstack_old,     S, SYS_sigaltstack, 0, P)

/* Identity and limits. */
ROW(getrusage_buf,       S, SYS_getrusage, RUSAGE_SELF, P)
ROW(getrlimit_buf,       S, SYS_getrlimit, RLIMIT_CORE, P)
ROW(setrlimit_buf,       S, SYS_setrlimit, RLIMIT_CORE, P)
ROW(prlimit_new,         S, SYS_prlimit64, 0, RLIMIT_CORE, P, 0)
ROW(prlimit_old,         S, SYS_prlimit64, 0, RLIMIT_CORE, 0, P)
ROW(times_buf,           S, SYS_times, P)
ROW(uname_buf,           S, SYS_uname, P)
ROW(sysinfo_buf,         S, SYS_sysinfo, P)
ROW(getgroups_list,      S, SYS_getgroups, 10, P)
ROW(setgroups_list,      S, SYS_setgroups, 2, P)
ROW(getresuid_first,     S, SYS_getresuid, P, A(buf), A(buf))
ROW(getresuid_last,      S, SYS_getresuid, A(buf), A(buf), P)
ROW(getresgid_middle,    S, SYS_getresgid, A(buf), P, A(buf))
ROW(capget_header,       S, SYS_capget, P, A(buf))
ROW(prctl_set_name,      S, SYS_prctl, PR_SET_NAME, P)
ROW(prctl_get_name,      S, SYS_prctl, PR_GET_NAME, P)
ROW(prctl_pdeathsig,     S, SYS_prctl, PR_GET_PDEATHSIG, P)
ROW(arch_prctl_get,      S, SYS_arch_prctl, ARCH_GET_FS, P)
ROW(getaffinity_mask,    S, SYS_sched_getaffinity, 0, 128, P)
ROW(setaffinity_mask,    S, SYS_sched_setaffinity, 0, 128, P)
ROW(sched_getparam_buf,  S, SYS_sched_getparam, 0, P)
ROW(sched_setparam_buf,  S, SYS_sched_setparam, 0, P)
ROW(sched_interval_buf,  S, SYS_sched_rr_get_interval, 0, P)
ROW(sched_getattr_buf,   S, SYS_sched_getattr, 0, P, 48, 0)
ROW(getcpu_cpu,          S, SYS_getcpu, P, 0, 0)
ROW(getcpu_node,         S, SYS_getcpu, 0, P, 0)
ROW(clone3_args,         S, SYS_clone3, P, 88)
ROW(futex_wait_word,     N, SYS_futex, P, FUTEX_WAIT, 0, 0, 0, 0)
ROW(futex_wake_op_second,N, SYS_futex, A(buf), FUTEX_WAKE_OP, 1, 1, P, 0)
ROW(robust_list_head,    S, SYS_get_robust_list, 0, P, A(buf))
ROW(getrandom_buf,       N, SYS_getrandom, P, 10, 0)
ROW(mincore_vec,         N, SYS_mincore, A(hole - PAGE), PAGE, P)
ROW(process_vm_local,    S, SYS_process_vm_readv, getpid(), P, 1, A(buf), 0, 0)
ROW(sethostname_name,    S, SYS_sethostname, P, 5)

/* Time. */
ROW(clock_gettime_buf,   S, SYS_clock_gettime, CLOCK_MONOTONIC, P)
ROW(clock_getres_buf,    S, SYS_clock_getres, CLOCK_MONOTONIC, P)
ROW(clock_settime_buf,   S, SYS_clock_settime, CLOCK_REALTIME, P)
ROW(clock_nanosleep_buf, S, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, P, 0)
ROW(nanosleep_buf,       S, SYS_nanosleep, P, 0)
ROW(gettimeofday_buf,    S, SYS_gettimeofday, P, 0)
ROW(settimeofday_buf,    S, SYS_settimeofday, P, 0)
ROW(time_buf,            S, SYS_time, P)
ROW(adjtimex_buf,        S, SYS_adjtimex, P)
ROW(getitimer_buf,       S, SYS_getitimer, ITIMER_REAL, P)
ROW(setitimer_new,       S, SYS_setitimer, ITIMER_PROF, P, 0)
ROW(timer_create_event,  S, SYS_timer_create, CLOCK_MONOTONIC, P, A(buf))
ROW(timer_create_id,     S, SYS_timer_create, CLOCK_MONOTONIC, 0, P)
ROW(timer_settime_new,   S, SYS_timer_settime, timer_id, 0, P, 0)
ROW(timer_gettime_cur,   S, SYS_timer_gettime, timer_id, P)
/* clang-format on */

TEST_MAIN()
