/* SPDX-License-Identifier: Apache-2.0 */
/* siginfo: who sent it and why; queued values; sigtimedwait consumes what handlers would get. */
#include "task.h"

#include <pthread.h>
#include <sys/time.h>

static siginfo_t last_info;

static void note_info(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count_signal(sig);
	last_info = *si;
}

/* Takes one pending signal. */
static int take(int sig, siginfo_t *si)
{
	sigset_t s = set_of(sig);
	struct timespec zero = {0, 0};
	return sigtimedwait(&s, si, &zero);
}

static long queueinfo(pid_t p, int sig, siginfo_t *si)
{
	return syscall(SYS_rt_sigqueueinfo, p, sig, si);
}

TEST(kill_is_si_user)
{
	on_siginfo(SIGUSR1, note_info, 0);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(last_info.si_signo, SIGUSR1);
	ASSERT_EQ(last_info.si_code, SI_USER);
	ASSERT_EQ(last_info.si_pid, getpid());
	ASSERT_EQ(last_info.si_uid, getuid());
	ASSERT_EQ(last_info.si_errno, 0);
}

TEST(tgkill_is_si_tkill)
{
	on_siginfo(SIGUSR1, note_info, 0);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_EQ(last_info.si_code, SI_TKILL);
	ASSERT_EQ(last_info.si_pid, getpid());
	ASSERT_EQ(last_info.si_uid, getuid());
}

TEST(the_senders_pid_and_real_uid_are_reported)
{
	block_signal(SIGUSR1);
	siginfo_t si;
	pid_t me = getpid(), p = SPAWN({
				     /* The right to do it comes from the effective id, the report
				      * from the real one. */
				     ASSERT_OK(setresuid(NOBODY, 0, 0));
				     ASSERT_OK(kill(me, SIGUSR1));
			     });
	JOIN(p);
	ASSERT_EQ(take(SIGUSR1, &si), SIGUSR1);
	ASSERT_EQ(si.si_pid, p);
	ASSERT_EQ(si.si_uid, NOBODY);
}

TEST(sigqueue_carries_a_value)
{
	union sigval v = {.sival_ptr = (void *)0x123456789abcdef0};
	on_siginfo(SIGUSR1, note_info, 0);
	ASSERT_OK(sigqueue(getpid(), SIGUSR1, v));
	ASSERT_EQ(last_info.si_code, SI_QUEUE);
	ASSERT_EQ(last_info.si_value.sival_ptr, v.sival_ptr);
	ASSERT_EQ(last_info.si_pid, getpid());
	ASSERT_EQ(last_info.si_uid, getuid());
}

TEST(values_of_real_time_signals_arrive_in_the_order_sent)
{
	siginfo_t si;
	block_signal(SIGRTMIN + 1);
	block_signal(SIGRTMIN + 2);
	for (int i = 0; i < 10; i++)
		ASSERT_OK(sigqueue(getpid(), SIGRTMIN + 1 + i % 2, (union sigval){.sival_int = i}));
	sigset_t s = set_of(SIGRTMIN + 1);
	sigaddset(&s, SIGRTMIN + 2);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(sigwaitinfo(&s, &si), SIGRTMIN + 1 + i / 5);
		ASSERT_EQ(si.si_value.sival_int, i < 5 ? i * 2 : (i - 5) * 2 + 1);
	}
}

TEST(a_standard_signal_keeps_the_first_value)
{
	siginfo_t si;
	block_signal(SIGUSR1);
	ASSERT_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1}));
	ASSERT_OK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 2}));
	ASSERT_EQ(take(SIGUSR1, &si), SIGUSR1);
	ASSERT_EQ(si.si_value.sival_int, 1);
	ASSERT_ERR(take(SIGUSR1, &si), EAGAIN);
}

TEST(sigqueue_errors)
{
	union sigval v = {.sival_int = 0};
	ASSERT_ERR(sigqueue(dead_pid(), SIGUSR1, v), ESRCH);
	ASSERT_ERR(sigqueue(getpid(), 65, v), EINVAL);
	ASSERT_OK(sigqueue(getpid(), 0, v));
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(sigqueue(me, SIGUSR1, v), EPERM);
	}));
}

TEST(only_oneself_may_be_told_it_was_the_kernel)
{
	siginfo_t si = {.si_code = SI_USER};
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_ERR(queueinfo(me, SIGUSR1, &si), EPERM);
		si.si_code = SI_TKILL;
		ASSERT_ERR(queueinfo(me, SIGUSR1, &si), EPERM);
		si.si_code = SI_KERNEL;
		ASSERT_ERR(queueinfo(me, SIGUSR1, &si), EPERM);
	}));
	on_siginfo(SIGUSR1, note_info, 0);
	si.si_code = SI_KERNEL;
	ASSERT_OK(queueinfo(me, SIGUSR1, &si));
	ASSERT_EQ(last_info.si_code, SI_KERNEL);
}

TEST(an_own_siginfo_arrives_as_it_was)
{
	siginfo_t si = {.si_code = -77, .si_errno = 5};
	si.si_pid = 1234;
	si.si_uid = 4321;
	si.si_value.sival_ptr = (void *)0x7777777777;
	on_siginfo(SIGUSR1, note_info, 0);
	ASSERT_OK(queueinfo(getpid(), SIGUSR1, &si));
	ASSERT_EQ(last_info.si_signo, SIGUSR1);
	ASSERT_EQ(last_info.si_code, -77);
	ASSERT_EQ(last_info.si_errno, 5);
	ASSERT_EQ(last_info.si_pid, 1234);
	ASSERT_EQ(last_info.si_uid, 4321);
	ASSERT_EQ(last_info.si_value.sival_ptr, 0x7777777777);
}

TEST(tgsigqueueinfo_reaches_one_thread)
{
	siginfo_t si = {.si_code = SI_QUEUE};
	si.si_value.sival_int = 99;
	on_siginfo(SIGUSR1, note_info, 0);
	ASSERT_OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), thread_id(), SIGUSR1, &si));
	ASSERT_EQ(last_info.si_value.sival_int, 99);
	ASSERT_ERR(syscall(SYS_rt_tgsigqueueinfo, 0, thread_id(), SIGUSR1, &si), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_tgsigqueueinfo, dead_pid(), thread_id(), 0, &si), ESRCH);
}

TEST(sigchld_reports_an_exit)
{
	on_siginfo(SIGCHLD, note_info, SA_RESTART);
	pid_t p = SPAWN({ _exit(77); });
	while (!signal_count)
		nap(1);
	ASSERT_EQ(last_info.si_code, CLD_EXITED);
	ASSERT_EQ(last_info.si_pid, p);
	ASSERT_EQ(last_info.si_status, 77);
	ASSERT_EQ(last_info.si_uid, getuid());
}

TEST(sigchld_reports_a_death_by_signal)
{
	on_siginfo(SIGCHLD, note_info, SA_RESTART);
	pid_t p = SPAWN({ raise(SIGUSR2); });
	while (!signal_count)
		nap(1);
	ASSERT_EQ(last_info.si_code, CLD_KILLED);
	ASSERT_EQ(last_info.si_pid, p);
	ASSERT_EQ(last_info.si_status, SIGUSR2);
}

TEST(sigchld_reports_the_childs_cpu_time)
{
	on_siginfo(SIGCHLD, note_info, SA_RESTART);
	pid_t p = SPAWN({
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 200000000)
			;
	});
	JOIN(p);
	/* Sampled at clock ticks, hence far from exact. */
	ASSERT(last_info.si_utime + last_info.si_stime >= 1);
}

TEST(alarm_is_from_the_kernel)
{
	on_siginfo(SIGALRM, note_info, 0);
	setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 1000}}, NULL);
	while (!signal_count)
		nap(1);
	ASSERT_EQ(last_info.si_code, SI_KERNEL);
}

TEST(sigpipe_looks_as_if_one_had_sent_it)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	close(fd[0]);
	on_siginfo(SIGPIPE, note_info, 0);
	ASSERT_ERR(write(fd[1], "x", 1), EPIPE);
	ASSERT_EQ(last_info.si_code, SI_USER);
	ASSERT_EQ(last_info.si_pid, getpid());
}

TEST(sigtimedwait_takes_without_running_the_handler)
{
	siginfo_t si;
	on_signal(SIGUSR1, count_signal, 0);
	block_signal(SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(take(SIGUSR1, &si), SIGUSR1);
	ASSERT_EQ(si.si_code, SI_USER);
	unblock_signal(SIGUSR1);
	ASSERT_EQ(signal_count, 0);
}

TEST(sigtimedwait_takes_the_lowest)
{
	sigset_t s = set_of(SIGUSR1);
	sigaddset(&s, SIGHUP);
	sigaddset(&s, SIGUSR2);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &s, NULL));
	ASSERT_OK(raise(SIGUSR2));
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_OK(raise(SIGHUP));
	ASSERT_EQ(sigwaitinfo(&s, NULL), SIGHUP);
	ASSERT_EQ(sigwaitinfo(&s, NULL), SIGUSR1);
	ASSERT_EQ(sigwaitinfo(&s, NULL), SIGUSR2);
}

TEST(sigtimedwait_times_out_with_eagain)
{
	sigset_t s = set_of(SIGUSR1);
	struct timespec ts = {0, 50000000};
	int64_t before = now_ns();
	ASSERT_ERR(sigtimedwait(&s, NULL, &ts), EAGAIN);
	ASSERT(now_ns() - before >= 50000000);
}

TEST(sigtimedwait_errors)
{
	unsigned long s = 1ul << (SIGUSR1 - 1);
	struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &s, NULL, &bad, 8), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &s, NULL, &negative, 8), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &s, NULL, &zero, 4), EINVAL);
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, 1, NULL, &zero, 8), EFAULT);
	ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &s, NULL, 1, 8), EFAULT);
}

TEST(sigtimedwait_is_interrupted_by_another_handler)
{
	sigset_t s = set_of(SIGUSR2);
	block_signal(SIGUSR2);
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pester(SIGUSR1);
	ASSERT_ERR(sigwaitinfo(&s, NULL), EINTR);
}

TEST(sigwaitinfo_waits_for_another_process)
{
	siginfo_t si;
	sigset_t s = set_of(SIGUSR1);
	block_signal(SIGUSR1);
	pid_t p = pester(SIGUSR1);
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGUSR1);
	ASSERT_EQ(si.si_pid, p);
}

static void *wait_for_usr1(void *arg)
{
	sigset_t s = set_of(SIGUSR1);
	int sig;
	/* The one that comes too late for the signal may see EINTR. */
	do
		sig = sigwaitinfo(&s, NULL);
	while (sig < 0 && errno == EINTR);
	*(int *)arg = sig;
	return NULL;
}

TEST(one_process_signal_wakes_one_waiting_thread)
{
	pthread_t a, b;
	volatile int got[2] = {0, 0};
	block_signal(SIGUSR1);
	pthread_create(&a, NULL, wait_for_usr1, (void *)&got[0]);
	pthread_create(&b, NULL, wait_for_usr1, (void *)&got[1]);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	while (!got[0] && !got[1])
		nap(1);
	nap(20);
	ASSERT_EQ(got[0] + got[1], SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	ASSERT_EQ(got[0] + got[1], 2 * SIGUSR1);
}

TEST_MAIN()
