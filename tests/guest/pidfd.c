/* SPDX-License-Identifier: Apache-2.0 */
/* pidfd: opening, polling, signalling, and taking descriptors from another process. */
#include "task.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>

static pid_t spawn_pauser(void)
{
	return SPAWN({
		for (;;)
			pause();
	});
}

static int open_pid(pid_t p)
{
	int fd = pidfd_open(p, 0);
	ASSERT_OK(fd);
	return fd;
}

static int readable(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = poll(&p, 1, timeout);
	ASSERT_OK(n);
	return n && (p.revents & POLLIN);
}

TEST(a_directory_of_proc_does_for_signals)
{
	char path[32];
	int st;
	pid_t p = spawn_pauser();
	snprintf(path, sizeof path, "/proc/%d", p);
	int fd = open(path, O_DIRECTORY), task, bare = open(path, O_PATH);
	snprintf(path, sizeof path, "/proc/%d/task/%d", p, p);
	task = open(path, O_DIRECTORY);
	ASSERT_ERR(syscall(SYS_pidfd_send_signal, open("/proc", O_DIRECTORY), 0, NULL, 0), EBADF);
	ASSERT_ERR(syscall(SYS_pidfd_send_signal, task, 0, NULL, 0), EBADF);
	ASSERT_ERR(syscall(SYS_pidfd_send_signal, bare, 0, NULL, 0), EBADF);
	/* It is none for the younger calls. */
	ASSERT_ERR(syscall(SYS_pidfd_getfd, fd, 0, 0), EBADF);
	ASSERT_OK(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	ASSERT_EQ(waitpid(p, &st, 0), p);
	ASSERT_EQ(WTERMSIG(st), SIGKILL);
	ASSERT_ERR(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0), ESRCH);
}

TEST(it_is_close_on_exec)
{
	int fd = open_pid(getpid());
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
}

TEST(open_errors)
{
	ASSERT_ERR(pidfd_open(dead_pid(), 0), ESRCH);
	ASSERT_ERR(pidfd_open(0, 0), EINVAL);
	ASSERT_ERR(pidfd_open(-1, 0), EINVAL);
	ASSERT_ERR(pidfd_open(getpid(), 0x40000000), EINVAL);
}

TEST(nonblock_is_a_flag)
{
	int fd = pidfd_open(getpid(), O_NONBLOCK);
	ASSERT_OK(fd);
	ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

TEST(it_is_readable_when_the_process_is_gone)
{
	struct gate g = gate_new();
	pid_t p = SPAWN({ gate_wait(g); });
	int fd = open_pid(p);
	ASSERT(!readable(fd, 0));
	gate_open(g);
	ASSERT(readable(fd, -1));
	ASSERT_EQ(waitpid(p, NULL, WNOHANG), p);
	ASSERT(readable(fd, 0));
}

TEST(a_zombie_can_be_opened)
{
	siginfo_t si;
	pid_t p = SPAWN({});
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	int fd = open_pid(p);
	ASSERT(readable(fd, 0));
	JOIN(p);
}

TEST(a_process_need_not_be_ones_child)
{
	int fd = open_pid(getppid());
	ASSERT(!readable(fd, 0));
	ASSERT_OK(pidfd_send_signal(fd, 0, NULL, 0));
}

TEST(epoll_reports_the_exit)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 7}, got;
	pid_t p = spawn_pauser();
	int ep = epoll_create1(0);
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, open_pid(p), &ev));
	ASSERT_EQ(epoll_wait(ep, &got, 1, 0), 0);
	ASSERT_OK(kill(p, SIGKILL));
	ASSERT_EQ(epoll_wait(ep, &got, 1, -1), 1);
	ASSERT_EQ(got.data.u32, 7);
	ASSERT(got.events & EPOLLIN);
	wait_status(p);
}

static struct gate go;

static void *exit_when_told(void *arg)
{
	gate_wait(go);
	syscall(SYS_exit, 0);
	return arg;
}

TEST(a_dead_leader_is_not_yet_the_end)
{
	struct gate up = gate_new();
	go = gate_new();
	pid_t p = SPAWN({
		pthread_t t;
		pthread_create(&t, NULL, exit_when_told, NULL);
		gate_open(up);
		syscall(SYS_exit, 0);
	});
	int fd = open_pid(p);
	gate_wait(up);
	nap(50);
	ASSERT(!readable(fd, 0));
	gate_open(go);
	ASSERT(readable(fd, -1));
	wait_status(p);
}

TEST(read_and_write_are_einval)
{
	char c = 0;
	int fd = open_pid(getpid());
	ASSERT_ERR(read(fd, &c, 1), EINVAL);
	ASSERT_ERR(write(fd, &c, 1), EINVAL);
}

TEST(send_signal_is_like_kill)
{
	block_signal(SIGUSR1);
	siginfo_t si;
	sigset_t s = set_of(SIGUSR1);
	ASSERT_OK(pidfd_send_signal(open_pid(getpid()), SIGUSR1, NULL, 0));
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGUSR1);
	ASSERT_EQ(si.si_code, SI_USER);
	ASSERT_EQ(si.si_pid, getpid());
}

TEST(send_signal_with_information)
{
	block_signal(SIGUSR1);
	sigset_t s = set_of(SIGUSR1);
	siginfo_t got, si = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	int fd = open_pid(getpid());
	si.si_value.sival_int = 5;
	ASSERT_OK(pidfd_send_signal(fd, SIGUSR1, &si, 0));
	ASSERT_EQ(sigwaitinfo(&s, &got), SIGUSR1);
	ASSERT_EQ(got.si_value.sival_int, 5);
	si.si_signo = SIGUSR2;
	ASSERT_ERR(pidfd_send_signal(fd, SIGUSR1, &si, 0), EINVAL);
}

TEST(send_signal_errors)
{
	pid_t p = spawn_pauser();
	int fd = open_pid(p), null = open("/dev/null", O_RDONLY);
	siginfo_t si = {.si_signo = SIGUSR1, .si_code = SI_USER};
	ASSERT_ERR(pidfd_send_signal(fd, 65, NULL, 0), EINVAL);
	ASSERT_ERR(pidfd_send_signal(fd, 0, NULL, 0x100), EINVAL);
	ASSERT_ERR(pidfd_send_signal(null, 0, NULL, 0), EBADF);
	ASSERT_ERR(pidfd_send_signal(999, 0, NULL, 0), EBADF);
	ASSERT_ERR(pidfd_send_signal(fd, SIGUSR1, &si, 0), EPERM);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(pidfd_send_signal(fd, SIGTERM, NULL, 0), EPERM);
	}));
	kill_and_reap(p);
	ASSERT_ERR(pidfd_send_signal(fd, 0, NULL, 0), ESRCH);
}

TEST(getfd_duplicates)
{
	int fd[2];
	char c;
	struct gate up = gate_new();
	pid_t p = SPAWN({
		ASSERT_OK(pipe(fd));
		ASSERT_EQ(dup2(fd[1], 100), 100);
		ASSERT_EQ(dup2(fd[0], 101), 101);
		gate_open(up);
		pause();
	});
	gate_wait(up);
	int pid = open_pid(p);
	int w = pidfd_getfd(pid, 100, 0), r = pidfd_getfd(pid, 101, 0);
	ASSERT_OK(w);
	ASSERT_OK(r);
	ASSERT_EQ(fcntl(w, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(write(w, "k", 1), 1);
	ASSERT_EQ(read(r, &c, 1), 1);
	ASSERT_EQ(c, 'k');
	kill_and_reap(p);
}

TEST(getfd_errors)
{
	pid_t p = spawn_pauser();
	int fd = open_pid(p);
	ASSERT_ERR(pidfd_getfd(fd, 999, 0), EBADF);
	ASSERT_ERR(pidfd_getfd(fd, 0, 1), EINVAL);
	ASSERT_ERR(pidfd_getfd(999, 0, 0), EBADF);
	ASSERT_ERR(pidfd_getfd(open("/dev/null", O_RDONLY), 0, 0), EBADF);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(pidfd_getfd(fd, 0, 0), EPERM);
	}));
	kill_and_reap(p);
	ASSERT_ERR(pidfd_getfd(fd, 0, 0), ESRCH);
}

TEST(fdinfo_names_the_pid)
{
	char path[64], text[1024] = {0}, want[32];
	pid_t p = spawn_pauser();
	int fd = open_pid(p);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	int info = open(path, O_RDONLY);
	ASSERT(read(info, text, sizeof text - 1) > 0);
	snprintf(want, sizeof want, "Pid:\t%d\n", p);
	ASSERT(strstr(text, want));
	kill_and_reap(p);
	memset(text, 0, sizeof text);
	info = open(path, O_RDONLY);
	ASSERT(read(info, text, sizeof text - 1) > 0);
	ASSERT(strstr(text, "Pid:\t-1\n"));
}

TEST_MAIN()
