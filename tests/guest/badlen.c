/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths and counts at their extremes, ranges that end in a hole, and what a call
 * that fails late leaves behind.  The answers were taken from the kernel.
 */
#include "task.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char *hole; /* a page of 'x', then nothing accessible */

static void make_hole(void)
{
	hole = map_anon(2 * PAGE) + PAGE;
	memset(hole - PAGE, 'x', PAGE);
	ASSERT_OK(mprotect(hole, PAGE, PROT_NONE));
}

static int new_file(void)
{
	test_tmpdir();
	int fd = file_of_pages("f", 3 * PAGE);
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void new_pipe(int fd[2], size_t bytes)
{
	char buf[PAGE] = {0};
	ASSERT_OK(pipe2(fd, O_NONBLOCK));
	ASSERT_EQ(write(fd[1], buf, bytes), bytes);
}

static void new_pair(int fd[2], size_t bytes)
{
	char buf[PAGE] = {0};
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	ASSERT_EQ(write(fd[1], buf, bytes), bytes);
}

TEST(a_length_over_the_address_space_is_efault)
{
	char buf[16];
	int fd = new_file();
	ASSERT_ERR(syscall(SYS_read, fd, buf, -1l), EFAULT);
	ASSERT_ERR(syscall(SYS_write, fd, buf, -1l), EFAULT);
	ASSERT_ERR(syscall(SYS_pread64, fd, buf, 1l << 62, 0l), EFAULT);
}

TEST(a_large_length_reads_what_there_is)
{
	char *buf = map_anon(4 * PAGE);
	int fd = new_file();
	ASSERT_EQ(syscall(SYS_read, fd, buf, (long)INT_MAX), 3 * PAGE);
	ASSERT_EQ(buf[2 * PAGE], 'c');
	ASSERT_EQ(syscall(SYS_read, fd, buf, (long)INT_MAX), 0);
}

TEST(a_socket_read_may_have_any_length)
{
	/* Far from the end of the address space: at most 2 GiB are checked. */
	static char buf[64];
	int fd[2];
	new_pair(fd, 10);
	ASSERT_EQ(syscall(SYS_recvfrom, fd[0], buf, -1l, 0, NULL, NULL), 10);
}

TEST(a_file_read_into_a_hole_is_partial)
{
	make_hole();
	int fd = new_file();
	ASSERT_EQ(syscall(SYS_read, fd, hole - 40, 100), 40);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 40);
	ASSERT_EQ(hole[-1], 'a');
	ASSERT_ERR(syscall(SYS_read, fd, hole, 100), EFAULT);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 40);
}

TEST(a_file_write_from_a_hole_is_partial)
{
	make_hole();
	int fd = new_file();
	ASSERT_EQ(syscall(SYS_write, fd, hole - 40, 100), 40);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 40);
	ASSERT_ERR(syscall(SYS_write, fd, hole, 100), EFAULT);
}

TEST(dev_zero_into_a_hole_is_partial)
{
	make_hole();
	int fd = open("/dev/zero", O_RDONLY);
	ASSERT_EQ(syscall(SYS_read, fd, hole - 40, 100), 40);
	ASSERT_EQ(hole[-1], 0);
}

/* The kernel wins: a pipe's buffer is copied whole or not at all. */
TEST(a_pipe_read_into_a_hole_is_efault_and_takes_nothing)
{
	char buf[200];
	int fd[2];
	make_hole();
	new_pipe(fd, 100);
	ASSERT_ERR(syscall(SYS_read, fd[0], hole - 40, 100), EFAULT);
	ASSERT_EQ(read(fd[0], buf, sizeof buf), 100);
}

TEST(a_pipe_write_from_a_hole_is_efault_and_puts_nothing)
{
	char buf[200];
	int fd[2];
	make_hole();
	new_pipe(fd, 0);
	ASSERT_ERR(syscall(SYS_write, fd[1], hole - 40, 100), EFAULT);
	ASSERT_ERR(read(fd[0], buf, sizeof buf), EAGAIN);
}

TEST(a_vector_stops_at_the_bad_piece)
{
	char good[50];
	make_hole();
	int fd = new_file();
	struct iovec v[3] = {{good, 50}, {hole, 10}, {good, 50}};
	ASSERT_EQ(readv(fd, v, 3), 50);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 50);
	ASSERT_ERR(readv(fd, v + 1, 2), EFAULT);
}

TEST(vector_counts)
{
	static struct iovec v[1025];
	char c;
	int fd = new_file();
	v[0] = (struct iovec){&c, 1};
	ASSERT_EQ(readv(fd, v, 0), 0);
	ASSERT_EQ(syscall(SYS_readv, fd, NULL, 0), 0);
	ASSERT_EQ(readv(fd, v, 1024), 1);
	ASSERT_ERR(syscall(SYS_readv, fd, v, 1025), EINVAL);
	ASSERT_ERR(syscall(SYS_readv, fd, v, -1), EINVAL);
	ASSERT_ERR(syscall(SYS_writev, fd, v, 1025), EINVAL);
	v[0].iov_len = (size_t)-1;
	ASSERT_ERR(readv(fd, v, 1), EINVAL);
}

TEST(zero_length_touches_nothing)
{
	int fd[2], file = new_file();
	make_hole();
	new_pipe(fd, 10);
	ASSERT_EQ(syscall(SYS_read, file, hole, 0), 0);
	ASSERT_EQ(syscall(SYS_write, file, hole, 0), 0);
	ASSERT_EQ(syscall(SYS_read, fd[0], hole, 0), 0);
	ASSERT_EQ(syscall(SYS_write, fd[1], hole, 0), 0);
	ASSERT_ERR(syscall(SYS_read, 999, hole, 0), EBADF);
}

TEST(a_failed_pipe_leaves_no_descriptor)
{
	int next = dup(0);
	close(next);
	make_hole();
	ASSERT_ERR(syscall(SYS_pipe, hole), EFAULT);
	ASSERT_ERR(syscall(SYS_pipe2, hole - 4, 0), EFAULT);
	ASSERT_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, hole), EFAULT);
	ASSERT_EQ(dup(0), next);
}

/* The kernel wins: the child is gone before the status is written. */
TEST(wait_with_a_bad_pointer_reaps)
{
	siginfo_t si;
	make_hole();
	pid_t p = SPAWN({});
	ASSERT_ERR(syscall(SYS_wait4, p, hole, 0, NULL), EFAULT);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
	p = SPAWN({});
	ASSERT_ERR(syscall(SYS_waitid, P_PID, p, hole, WEXITED, NULL), EFAULT);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
	p = SPAWN({});
	ASSERT_ERR(syscall(SYS_waitid, P_PID, p, &si, WEXITED, hole), EFAULT);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
}

/* The kernel wins: the count is taken before it is written. */
TEST(an_eventfd_read_with_a_bad_pointer_takes_the_count)
{
	uint64_t v;
	make_hole();
	int fd = eventfd(5, EFD_NONBLOCK);
	ASSERT_ERR(syscall(SYS_read, fd, hole, 8), EFAULT);
	ASSERT_ERR(read(fd, &v, 8), EAGAIN);
}

TEST(a_signal_taken_with_a_bad_pointer_is_gone)
{
	unsigned long set = 1ul << (SIGUSR1 - 1);
	struct timespec zero = {0, 0};
	make_hole();
	block_signal(SIGUSR1);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &set, hole, &zero, 8), EFAULT);
	ASSERT(!is_pending(SIGUSR1));
}

TEST(an_event_not_delivered_stays)
{
	struct epoll_event ev = {.events = EPOLLOUT}, out;
	int fd[2], ep = epoll_create1(0);
	make_hole();
	new_pipe(fd, 0);
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev));
	ASSERT_ERR(syscall(SYS_epoll_wait, ep, hole, 1, 0), EFAULT);
	ASSERT_EQ(epoll_wait(ep, &out, 1, 0), 1);
}

TEST(poll_counts)
{
	struct pollfd p = {.fd = 0};
	ASSERT_EQ(syscall(SYS_poll, NULL, 0, 0), 0);
	ASSERT_ERR(syscall(SYS_poll, &p, UINT_MAX, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_poll, &p, INT_MAX, 0), EINVAL);
}

TEST(select_counts)
{
	fd_set s;
	struct timeval zero = {0, 0};
	FD_ZERO(&s);
	ASSERT_ERR(syscall(SYS_select, -1, &s, NULL, NULL, &zero), EINVAL);
	ASSERT_EQ(syscall(SYS_select, 0, 1, NULL, NULL, &zero), 0);
}

TEST(epoll_counts)
{
	struct epoll_event ev;
	int ep = epoll_create1(0);
	ASSERT_ERR(epoll_wait(ep, &ev, 0, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_epoll_wait, ep, &ev, -1, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_epoll_wait, ep, &ev, INT_MAX, 0), EINVAL);
}

TEST(small_buffers)
{
	char buf[64];
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	ASSERT_ERR(syscall(SYS_getcwd, buf, 0), ERANGE);
	ASSERT_ERR(syscall(SYS_getcwd, buf, 1), ERANGE);
	ASSERT_ERR(syscall(SYS_readlink, "/proc/self", buf, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_readlink, "/proc/self", buf, -1), EINVAL);
	ASSERT_EQ(syscall(SYS_readlink, "/proc/self", buf, 1), 1);
	ASSERT_ERR(syscall(SYS_getdents64, dir, buf, 8), EINVAL);
}

TEST(socket_lengths)
{
	int fd[2], v = 1;
	socklen_t minus = (socklen_t)-1;
	char addr[200] = {0};
	new_pair(fd, 1);
	ASSERT_ERR(syscall(SYS_setsockopt, fd[0], SOL_SOCKET, SO_RCVBUF, &v, -1), EINVAL);
	ASSERT_ERR(syscall(SYS_setsockopt, fd[0], SOL_SOCKET, SO_RCVBUF, &v, 1), EINVAL);
	ASSERT_ERR(syscall(SYS_getsockopt, fd[0], SOL_SOCKET, SO_TYPE, &v, &minus), EINVAL);
	ASSERT_ERR(syscall(SYS_getsockname, fd[0], addr, &minus), EINVAL);
	ASSERT_ERR(syscall(SYS_bind, fd[0], addr, -1), EINVAL);
	ASSERT_ERR(syscall(SYS_bind, fd[0], addr, 129), EINVAL);
	ASSERT_ERR(syscall(SYS_connect, fd[0], addr, 1000), EINVAL);
}

TEST(strings_may_end_at_the_end_of_memory)
{
	make_hole();
	strcpy(hole - 6, "/proc");
	ASSERT_EQ(access(hole - 6, F_OK), 0);
	hole[-1] = '/';
	ASSERT_ERR(syscall(SYS_access, hole - 6, F_OK), EFAULT);
}

TEST(a_path_of_4095_is_long_and_4096_is_too_long)
{
	char *path = map_anon(2 * PAGE);
	memset(path, '/', 4095);
	ASSERT_EQ(access(path, F_OK), 0);
	path[4095] = '/';
	ASSERT_ERR(access(path, F_OK), ENAMETOOLONG);
}

TEST(unknown_system_calls_are_enosys)
{
	ASSERT_ERR(syscall(1000, 0, 0, 0, 0, 0, 0), ENOSYS);
	ASSERT_ERR(syscall(400, 1, 2, 3), ENOSYS);
	ASSERT_ERR(syscall(-2, 0), ENOSYS);
	ASSERT_ERR(syscall(0x7fffffff, 0), ENOSYS);
	ASSERT_ERR(syscall(SYS__sysctl, 0), ENOSYS);
}

/* The number is 32 bits wide; the upper half of rax is not looked at. */
TEST(the_upper_half_of_the_number_is_ignored)
{
	ASSERT_EQ(syscall(0x100000000l + SYS_getpid), getpid());
}

TEST(int_arguments_use_their_lower_half)
{
	char buf[4];
	int fd = new_file();
	ASSERT_EQ(syscall(SYS_read, 0x100000000l + fd, buf, 4), 4);
	ASSERT_EQ(syscall(SYS_kill, 0x700000000l + getpid(), 0x300000000l), 0);
}

TEST_MAIN()
