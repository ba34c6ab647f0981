/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX timers: notification, intervals, overrun, lifetime.  Raw calls: glibc numbers its own. */
#include "task.h"

#include <pthread.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static long create(clockid_t clock, struct sigevent *ev, int *id)
{
	return syscall(SYS_timer_create, clock, ev, id);
}

static long settime(int id, int flags, int64_t first_ns, int64_t every_ns, struct itimerspec *old)
{
	struct itimerspec it = {
		.it_value = {first_ns / 1000000000, first_ns % 1000000000},
		.it_interval = {every_ns / 1000000000, every_ns % 1000000000},
	};
	return syscall(SYS_timer_settime, id, flags, &it, old);
}

static long gettime(int id, struct itimerspec *it)
{
	return syscall(SYS_timer_gettime, id, it);
}

static int new_timer(clockid_t clock, int sig)
{
	int id;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig};
	ev.sigev_value.sival_int = 1234;
	ASSERT_OK(create(clock, &ev, &id));
	return id;
}

static siginfo_t last_info;

static void note_info(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	count_signal(sig);
	last_info = *si;
}

static void wait_count(int n)
{
	while (signal_count < n)
		nap(1);
}

TEST(it_fires_once)
{
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	int64_t before = now_ns();
	ASSERT_OK(settime(id, 0, 20000000, 0, NULL));
	wait_count(1);
	ASSERT(now_ns() - before >= 20000000);
	ASSERT_EQ(last_info.si_code, SI_TIMER);
	ASSERT_EQ(last_info.si_value.sival_int, 1234);
	ASSERT_EQ(last_info.si_timerid, id);
	ASSERT_EQ(last_info.si_overrun, 0);
	nap(50);
	ASSERT_EQ(signal_count, 1);
}

TEST(it_repeats)
{
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 1000000, 5000000, NULL));
	wait_count(4);
}

TEST(ids_are_small_and_distinct)
{
	int a = new_timer(CLOCK_MONOTONIC, SIGUSR1), b = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT(a >= 0 && b >= 0 && a != b);
}

TEST(the_default_event_is_sigalrm_with_the_id)
{
	int id = -1;
	on_siginfo(SIGALRM, note_info, 0);
	ASSERT_OK(create(CLOCK_REALTIME, NULL, &id));
	ASSERT_OK(settime(id, 0, 1000000, 0, NULL));
	wait_count(1);
	ASSERT_EQ(last_info.si_value.sival_int, id);
}

TEST(an_absolute_time_in_the_past_fires_at_once)
{
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, TIMER_ABSTIME, 1, 0, NULL));
	wait_count(1);
}

TEST(an_absolute_time_is_kept)
{
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_REALTIME, SIGUSR1);
	int64_t until = clock_ns(CLOCK_REALTIME) + 30000000;
	ASSERT_OK(settime(id, TIMER_ABSTIME, until, 0, NULL));
	wait_count(1);
	ASSERT(clock_ns(CLOCK_REALTIME) >= until);
}

TEST(gettime_shows_what_is_left)
{
	struct itimerspec it;
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(gettime(id, &it));
	ASSERT(it.it_value.tv_sec == 0 && it.it_value.tv_nsec == 0);
	ASSERT_OK(settime(id, 0, 100000000000, 7000000000, NULL));
	ASSERT_OK(gettime(id, &it));
	ASSERT(it.it_value.tv_sec >= 90 && it.it_value.tv_sec <= 100);
	ASSERT_EQ(it.it_interval.tv_sec, 7);
}

TEST(settime_returns_the_old_setting_and_zero_disarms)
{
	struct itimerspec old;
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 100000000000, 0, &old));
	ASSERT(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
	ASSERT_OK(settime(id, 0, 0, 0, &old));
	ASSERT(old.it_value.tv_sec >= 90);
	ASSERT_OK(gettime(id, &old));
	ASSERT(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
}

TEST(a_fired_single_shot_shows_zero)
{
	struct itimerspec it;
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 1000000, 0, NULL));
	wait_count(1);
	ASSERT_OK(gettime(id, &it));
	ASSERT(it.it_value.tv_sec == 0 && it.it_value.tv_nsec == 0);
}

TEST(missed_intervals_are_overruns)
{
	sigset_t s = set_of(SIGUSR1);
	siginfo_t si;
	block_signal(SIGUSR1);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 2000000, 2000000, NULL));
	nap(60);
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGUSR1);
	ASSERT(si.si_overrun >= 20);
	ASSERT_EQ(syscall(SYS_timer_getoverrun, id), si.si_overrun);
}

TEST(two_timers_with_one_signal_queue_twice)
{
	sigset_t s = set_of(SIGRTMIN);
	siginfo_t a, b;
	block_signal(SIGRTMIN);
	int x = new_timer(CLOCK_MONOTONIC, SIGRTMIN), y = new_timer(CLOCK_MONOTONIC, SIGRTMIN);
	ASSERT_OK(settime(x, 0, 1000000, 0, NULL));
	ASSERT_OK(settime(y, 0, 5000000, 0, NULL));
	ASSERT_EQ(sigwaitinfo(&s, &a), SIGRTMIN);
	ASSERT_EQ(sigwaitinfo(&s, &b), SIGRTMIN);
	ASSERT_EQ(a.si_timerid + b.si_timerid, x + y);
	ASSERT(a.si_timerid != b.si_timerid);
}

TEST(sigev_none_only_counts_down)
{
	int id;
	struct itimerspec it;
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	ASSERT_OK(create(CLOCK_MONOTONIC, &ev, &id));
	ASSERT_OK(settime(id, 0, 100000000000, 0, NULL));
	ASSERT_OK(gettime(id, &it));
	ASSERT(it.it_value.tv_sec >= 90);
	ASSERT_OK(settime(id, 0, 1000000, 0, NULL));
	do
		ASSERT_OK(gettime(id, &it));
	while (it.it_value.tv_nsec || it.it_value.tv_sec);
}

static volatile pid_t handler_thread;

static void note_thread(int sig)
{
	handler_thread = thread_id();
	count_signal(sig);
}

static struct gate up;

static void *wait_in_thread(void *arg)
{
	*(volatile pid_t *)arg = thread_id();
	gate_open(up);
	wait_count(1);
	return NULL;
}

TEST(thread_id_chooses_the_thread)
{
	int id;
	pid_t tid;
	pthread_t t;
	up = gate_new();
	on_signal(SIGUSR1, note_thread, 0);
	ASSERT_EQ(pthread_create(&t, NULL, wait_in_thread, &tid), 0);
	gate_wait(up);
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	ev.sigev_notify_thread_id = tid;
	ASSERT_OK(create(CLOCK_MONOTONIC, &ev, &id));
	ASSERT_OK(settime(id, 0, 1000000, 0, NULL));
	pthread_join(t, NULL);
	ASSERT_EQ(handler_thread, tid);
}

TEST(cpu_clocks_can_drive_timers)
{
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGUSR1);
	ASSERT_OK(settime(id, 0, 20000000, 0, NULL));
	while (!signal_count)
		;
	ASSERT(clock_ns(CLOCK_PROCESS_CPUTIME_ID) >= 20000000);
	id = new_timer(CLOCK_THREAD_CPUTIME_ID, SIGUSR1);
	ASSERT_OK(settime(id, 0, 20000000, 0, NULL));
	while (signal_count < 2)
		;
}

TEST(create_errors)
{
	int id;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65};
	ASSERT_ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev.sigev_signo = 0;
	ASSERT_ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev = (struct sigevent){.sigev_notify = 77, .sigev_signo = SIGUSR1};
	ASSERT_ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ev = (struct sigevent){.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	ev.sigev_notify_thread_id = getppid();
	ASSERT_ERR(create(CLOCK_MONOTONIC, &ev, &id), EINVAL);
	ASSERT_ERR(create(77, NULL, &id), EINVAL);
	ASSERT_ERR(create(CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
	ASSERT_ERR(create(CLOCK_MONOTONIC, NULL, (int *)1), EFAULT);
	ASSERT_ERR(create(CLOCK_MONOTONIC, (struct sigevent *)1, &id), EFAULT);
}

TEST(unknown_ids_are_einval)
{
	struct itimerspec it;
	ASSERT_ERR(gettime(12345, &it), EINVAL);
	ASSERT_ERR(settime(12345, 0, 1, 0, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
	ASSERT_ERR(syscall(SYS_timer_getoverrun, -1), EINVAL);
}

TEST(settime_errors)
{
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	struct itimerspec it = {.it_value = {0, 1000000000}};
	ASSERT_ERR(syscall(SYS_timer_settime, id, 0, &it, NULL), EINVAL);
	it.it_value = (struct timespec){-1, 0};
	ASSERT_ERR(syscall(SYS_timer_settime, id, 0, &it, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	ASSERT_ERR(syscall(SYS_timer_settime, id, 0, 1, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_timer_gettime, id, 1), EFAULT);
}

TEST(delete_stops_it)
{
	struct itimerspec it;
	on_siginfo(SIGUSR1, note_info, 0);
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 1000000000, 0, NULL));
	ASSERT_OK(syscall(SYS_timer_delete, id));
	ASSERT_ERR(syscall(SYS_timer_delete, id), EINVAL);
	ASSERT_ERR(gettime(id, &it), EINVAL);
	nap(1300);
	ASSERT_EQ(signal_count, 0);
}

TEST(timers_are_not_inherited)
{
	struct itimerspec it;
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1);
	ASSERT_OK(settime(id, 0, 100000000000, 0, NULL));
	JOIN(SPAWN({ ASSERT_ERR(gettime(id, &it), EINVAL); }));
	ASSERT_OK(gettime(id, &it));
}

TEST(exec_deletes_them)
{
	pid_t p = SPAWN({
		char *argv[] = {"timer", "--sleep", NULL};
		int id = new_timer(CLOCK_MONOTONIC, SIGKILL);
		ASSERT_OK(settime(id, 0, 1000000000, 0, NULL));
		execv("/proc/self/exe", argv);
	});
	ASSERT_EQ(wait_status(p), 42 << 8);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--sleep")) {
		nap(1300);
		return 42;
	}
	return test_main(argc > 1 ? argv[1] : NULL);
}
