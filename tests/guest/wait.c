/* SPDX-License-Identifier: Apache-2.0 */
/* wait4 and waitid: which child, which event, what is reported, what is consumed. */
#include "task.h"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static pid_t spawn_pauser(void)
{
	return SPAWN({
		for (;;)
			pause();
	});
}

static int pidfd_open_raw(pid_t p)
{
	return (int)syscall(SYS_pidfd_open, p, 0);
}

TEST(without_children_it_is_echild)
{
	siginfo_t si;
	ASSERT_ERR(wait(NULL), ECHILD);
	ASSERT_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
	ASSERT_ERR(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
}

TEST(someone_elses_pid_is_echild)
{
	pid_t p = spawn_pauser();
	ASSERT_ERR(waitpid(getppid(), NULL, 0), ECHILD);
	ASSERT_ERR(waitpid(getpid(), NULL, 0), ECHILD);
	kill_and_reap(p);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
}

TEST(int_min_is_esrch)
{
	ASSERT_ERR(waitpid(INT_MIN, NULL, 0), ESRCH);
}

TEST(unknown_options_are_einval)
{
	siginfo_t si;
	ASSERT_ERR(waitpid(-1, NULL, 0x100), EINVAL);
	ASSERT_ERR(waitpid(-1, NULL, WEXITED), EINVAL);
	ASSERT_ERR(waitid(P_ALL, 0, &si, 0), EINVAL);
	ASSERT_ERR(waitid(P_ALL, 0, &si, WNOHANG), EINVAL);
	ASSERT_ERR(waitid(P_ALL, 0, &si, WEXITED | 0x100), EINVAL);
	ASSERT_ERR(waitid(77, 0, &si, WEXITED), EINVAL);
	ASSERT_ERR(waitid(P_PID, 0, &si, WEXITED), EINVAL);
}

TEST(nohang_with_a_living_child_is_zero)
{
	pid_t p = spawn_pauser();
	int st = 0x7777;
	siginfo_t si;
	memset(&si, 0x55, sizeof si);
	ASSERT_EQ(waitpid(p, &st, WNOHANG), 0);
	ASSERT_EQ(st, 0x7777);
	ASSERT_EQ(waitid(P_PID, (id_t)p, &si, WEXITED | WNOHANG), 0);
	ASSERT_EQ(si.si_pid, 0);
	ASSERT_EQ(si.si_signo, 0);
	kill_and_reap(p);
}

TEST(a_zombie_is_reported_once)
{
	pid_t p = SPAWN({ _exit(3); });
	ASSERT_EQ(wait_status(p), 3 << 8);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
}

TEST(a_zombie_still_takes_signals)
{
	siginfo_t si;
	pid_t p = SPAWN({});
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	ASSERT_OK(kill(p, 0));
	ASSERT_OK(kill(p, SIGKILL));
	ASSERT_EQ(wait_status(p), 0);
	ASSERT_ERR(kill(p, 0), ESRCH);
}

TEST(death_by_signal_is_reported)
{
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, SIGTERM));
	int st = wait_status(p);
	ASSERT(WIFSIGNALED(st));
	ASSERT_EQ(WTERMSIG(st), SIGTERM);
	ASSERT(!WCOREDUMP(st));
}

TEST(nowait_leaves_the_zombie)
{
	siginfo_t si;
	pid_t p = SPAWN({ _exit(5); });
	for (int i = 0; i < 3; i++) {
		ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
		ASSERT_EQ(si.si_status, 5);
	}
	ASSERT_EQ(wait_status(p), 5 << 8);
}

TEST(waitid_reports_an_exit)
{
	siginfo_t si;
	pid_t p = SPAWN({
		ASSERT_OK(setuid(NOBODY));
		_exit(5);
	});
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED));
	ASSERT_EQ(si.si_signo, SIGCHLD);
	ASSERT_EQ(si.si_code, CLD_EXITED);
	ASSERT_EQ(si.si_pid, p);
	ASSERT_EQ(si.si_uid, NOBODY);
	ASSERT_EQ(si.si_status, 5);
	ASSERT_EQ(si.si_errno, 0);
}

TEST(waitid_reports_a_kill)
{
	siginfo_t si;
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, SIGUSR2));
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED));
	ASSERT_EQ(si.si_code, CLD_KILLED);
	ASSERT_EQ(si.si_status, SIGUSR2);
}

TEST(waitid_without_a_place_for_the_answer)
{
	pid_t p = SPAWN({});
	ASSERT_EQ(syscall(SYS_waitid, P_PID, p, NULL, WEXITED, NULL), 0);
	ASSERT_ERR(wait(NULL), ECHILD);
}

TEST(stop_and_continue_are_events)
{
	pid_t p = spawn_pauser();
	int st;
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	ASSERT(WIFSTOPPED(st));
	ASSERT_EQ(WSTOPSIG(st), SIGSTOP);
	ASSERT_EQ(waitpid(p, &st, WUNTRACED | WNOHANG), 0);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(waitpid(p, &st, WCONTINUED), p);
	ASSERT(WIFCONTINUED(st));
	ASSERT_EQ(st, 0xffff);
	ASSERT_EQ(waitpid(p, &st, WCONTINUED | WNOHANG), 0);
	kill_and_reap(p);
}

TEST(without_wuntraced_a_stop_is_no_event)
{
	pid_t p = spawn_pauser();
	int st;
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, &st, WNOHANG), 0);
	kill_and_reap(p);
}

TEST(waitid_reports_stop_and_continue)
{
	pid_t p = spawn_pauser();
	siginfo_t si;
	ASSERT_OK(kill(p, SIGTSTP));
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WSTOPPED | WNOWAIT));
	ASSERT_EQ(si.si_code, CLD_STOPPED);
	ASSERT_EQ(si.si_status, SIGTSTP);
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WSTOPPED));
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WCONTINUED));
	ASSERT_EQ(si.si_code, CLD_CONTINUED);
	ASSERT_EQ(si.si_status, SIGCONT);
	kill_and_reap(p);
}

TEST(the_stop_report_is_lost_when_the_child_goes_on)
{
	pid_t p = spawn_pauser();
	int st;
	ASSERT_OK(kill(p, SIGSTOP));
	siginfo_t si;
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WSTOPPED | WNOWAIT));
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(waitpid(p, &st, WUNTRACED | WNOHANG), 0);
	kill_and_reap(p);
}

TEST(a_stopped_child_can_be_killed)
{
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(waitpid(p, NULL, WUNTRACED), p);
	kill_and_reap(p);
}

TEST(by_group)
{
	pid_t a = spawn_pauser(), b = SPAWN({ _exit(1); });
	ASSERT_OK(setpgid(a, a));
	siginfo_t si;
	ASSERT_EQ(waitpid(-a, NULL, WNOHANG), 0);
	ASSERT_EQ(waitpid(0, NULL, 0), b);
	ASSERT_ERR(waitpid(0, NULL, 0), ECHILD);
	ASSERT_ERR(waitid(P_PGID, 0, &si, WEXITED), ECHILD);
	ASSERT_OK(kill(a, SIGKILL));
	ASSERT_OK(waitid(P_PGID, (id_t)a, &si, WEXITED));
	ASSERT_EQ(si.si_pid, a);
}

TEST(by_pidfd)
{
	pid_t p = SPAWN({ _exit(8); });
	int fd = pidfd_open_raw(p);
	siginfo_t si;
	ASSERT_OK(waitid(P_PIDFD, (id_t)fd, &si, WEXITED));
	ASSERT_EQ(si.si_pid, p);
	ASSERT_EQ(si.si_status, 8);
	ASSERT_ERR(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), ECHILD);
}

TEST(by_something_that_is_no_pidfd)
{
	siginfo_t si;
	int fd = open("/dev/null", O_RDONLY);
	ASSERT_ERR(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), EBADF);
	ASSERT_ERR(waitid(P_PIDFD, 999, &si, WEXITED), EBADF);
	ASSERT_ERR(waitid(P_PIDFD, (id_t)-1, &si, WEXITED), EINVAL);
}

TEST(a_nonblocking_pidfd_is_eagain)
{
	pid_t p = spawn_pauser();
	int fd = pidfd_open_raw(p);
	siginfo_t si;
	ASSERT_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	ASSERT_ERR(waitid(P_PIDFD, (id_t)fd, &si, WEXITED), EAGAIN);
	kill_and_reap(p);
}

TEST(ignored_sigchld_reaps_by_itself)
{
	on_signal(SIGCHLD, SIG_IGN, 0);
	pid_t p = SPAWN({ _exit(1); });
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
	ASSERT_ERR(kill(p, 0), ESRCH);
}

TEST(nocldwait_reaps_by_itself_and_still_signals)
{
	on_signal(SIGCHLD, count_signal, SA_NOCLDWAIT | SA_RESTART);
	pid_t p = SPAWN({ _exit(1); });
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
	ASSERT_EQ(signal_count, 1);
}

TEST(default_sigchld_does_not_reap)
{
	on_signal(SIGCHLD, SIG_IGN, 0);
	on_signal(SIGCHLD, SIG_DFL, 0);
	pid_t p = SPAWN({ _exit(1); });
	nap(20);
	ASSERT_EQ(wait_status(p), 1 << 8);
}

TEST(ignoring_sigchld_later_keeps_the_zombie)
{
	siginfo_t si;
	pid_t p = SPAWN({ _exit(4); });
	ASSERT_OK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	on_signal(SIGCHLD, SIG_IGN, 0);
	ASSERT_EQ(wait_status(p), 4 << 8);
}

TEST(a_handler_interrupts_the_wait)
{
	on_signal(SIGUSR1, count_signal, 0);
	pid_t p = spawn_pauser();
	pester(SIGUSR1);
	ASSERT_ERR(waitpid(p, NULL, 0), EINTR);
	ASSERT(signal_count >= 1);
}

static void release_on_third(int sig)
{
	count_signal(sig);
	if (signal_count == 3)
		kill(signal_last = *(volatile int *)(uintptr_t)0x123400000000, SIGKILL);
}

TEST(sa_restart_restarts_the_wait)
{
	volatile int *victim = map_at((void *)0x123400000000, PAGE, RW, ANON_SHR | MAP_FIXED);
	*victim = spawn_pauser();
	on_signal(SIGUSR1, release_on_third, SA_RESTART);
	pester(SIGUSR1);
	int st;
	ASSERT_EQ(waitpid(*victim, &st, 0), *victim);
	ASSERT_EQ(st, SIGKILL);
	ASSERT(signal_count >= 3);
}

static void *wait_in_thread(void *arg)
{
	JOIN(*(pid_t *)arg);
	return NULL;
}

TEST(any_thread_may_wait)
{
	pid_t p = SPAWN({});
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, wait_in_thread, &p), 0);
	pthread_join(t, NULL);
	ASSERT_ERR(waitpid(p, NULL, 0), ECHILD);
}

static void *fork_in_thread(void *arg)
{
	*(pid_t *)arg = SPAWN({ _exit(6); });
	for (;;)
		pause();
	return NULL;
}

TEST(wnothread_does_not_see_another_threads_child)
{
	volatile pid_t p = 0;
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, fork_in_thread, (void *)&p), 0);
	while (!p)
		nap(1);
	ASSERT_ERR(waitpid(p, NULL, __WNOTHREAD), ECHILD);
	ASSERT_EQ(wait_status(p), 6 << 8);
}

TEST(one_wait_per_child_in_any_order)
{
	pid_t p[8];
	unsigned seen = 0;
	for (int i = 0; i < 8; i++)
		p[i] = SPAWN({ _exit(i); });
	for (int i = 0; i < 8; i++) {
		int st;
		pid_t q = wait(&st);
		ASSERT_EQ(p[WEXITSTATUS(st)], q);
		seen |= 1u << WEXITSTATUS(st);
	}
	ASSERT_EQ(seen, 255);
}

TEST(rusage_of_the_child_is_reported)
{
	struct rusage ru;
	int st;
	memset(&ru, 0x55, sizeof ru);
	pid_t p = SPAWN({
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 50000000)
			;
	});
	ASSERT_EQ(wait4(p, &st, 0, &ru), p);
	int64_t us = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec +
		     ru.ru_stime.tv_usec;
	ASSERT(us >= 30000);
	ASSERT(ru.ru_maxrss > 0);
}

TEST(raw_waitid_reports_rusage_too)
{
	struct rusage ru;
	siginfo_t si;
	memset(&ru, 0x55, sizeof ru);
	pid_t p = SPAWN({});
	ASSERT_EQ(syscall(SYS_waitid, P_PID, p, &si, WEXITED, &ru), 0);
	ASSERT(ru.ru_utime.tv_sec == 0 && ru.ru_maxrss > 0);
}

TEST_MAIN()
