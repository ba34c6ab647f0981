/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX timers, interval timers and the CPU limit, down to the queue entry. */
#include "task_fixture.h"

#include <unistd.h>

#include "sentry/res/resources.h"
#include "sentry/task/clock.h"
#include "sentry/task/cpulimit.h"
#include "sentry/task/itimer.h"
#include "sentry/task/ptimer.h"

enum { MS = 1000000, HANDLER = 0x1000 };

static struct abi_itimerspec spec(int64_t value, int64_t interval)
{
	return (struct abi_itimerspec){ns_timespec(interval), ns_timespec(value)};
}

static void block(struct family *f, uint64_t set)
{
	for (int i = 0; i < TASKS_MAX; i++)
		signal_set_blocked(f->t[i], set);
}

/* Until it is pending, at most two seconds. */
static int take(struct family *f, int sig, struct abi_siginfo *out)
{
	for (int i = 0; i < 2000; i++) {
		if (signal_dequeue(f->t[0], SIGBIT(sig), out))
			return sig;
		usleep(1000);
	}
	return 0;
}

static int make(struct family *f, int clockid, int sig, int value)
{
	struct abi_sigevent ev = {.signo = sig, .notify = SIGEV_SIGNAL};
	ev.value.sival_int = value;
	int id = ptimer_create(f->t[0], clockid, &ev);
	assert_true(id >= 0);
	return id;
}

static void a_one_shot_fires_once(void **state)
{
	struct family *f = *state;
	struct abi_itimerspec s = spec(2 * MS, 0), now;
	struct abi_siginfo out;
	block(f, SIGBIT(SIGUSR1));
	int id = make(f, CLOCK_MONOTONIC, SIGUSR1, 42);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), 0);
	assert_int_equal(take(f, SIGUSR1, &out), SIGUSR1);
	assert_int_equal(out.code, SI_TIMER);
	assert_int_equal(out.timer.tid, id);
	assert_int_equal(out.timer.value.sival_int, 42);
	assert_int_equal(ptimer_gettime(f->t[0], id, &now), 0);
	assert_int_equal(now.it_value.tv_sec + now.it_value.tv_nsec, 0);
}

static void missed_periods_are_overruns(void **state)
{
	struct family *f = *state;
	struct abi_itimerspec s = spec(1 * MS, 1 * MS);
	struct abi_siginfo out;
	block(f, SIGBIT(SIGUSR1));
	int id = make(f, CLOCK_REALTIME, SIGUSR1, 0);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), 0);
	usleep(20000);
	assert_int_equal(take(f, SIGUSR1, &out), SIGUSR1);
	assert_true(out.timer.overrun >= 10 && out.timer.overrun < 2000);
	assert_int_equal(ptimer_getoverrun(f->t[0], id), out.timer.overrun);
	/* It goes on. */
	assert_int_equal(take(f, SIGUSR1, &out), SIGUSR1);
}

static void deleting_and_setting_take_the_signal_back(void **state)
{
	struct family *f = *state;
	struct abi_itimerspec s = spec(1, 0), later = spec(NSEC_PER_SEC * 100, 0), old;
	block(f, SIGBIT(SIGUSR1));
	int id = make(f, CLOCK_MONOTONIC, SIGUSR1, 0);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), 0);
	while (!signal_pending_set(f->t[0], SIGBIT(SIGUSR1)))
		usleep(500);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &later, &old), 0);
	assert_int_equal(signal_pending_set(f->t[0], SIGBIT(SIGUSR1)), 0);
	assert_int_equal(ptimer_settime(f->t[0], id, TIMER_ABSTIME, &s, &old), 0);
	assert_int_equal(old.it_value.tv_sec, 99);
	while (!signal_pending_set(f->t[0], SIGBIT(SIGUSR1)))
		usleep(500);
	assert_int_equal(ptimer_delete(f->t[0], id), 0);
	assert_int_equal(signal_pending_set(f->t[0], SIGBIT(SIGUSR1)), 0);
	assert_int_equal(ptimer_delete(f->t[0], id), -EINVAL);
}

static void two_timers_of_one_signal_both_arrive(void **state)
{
	struct family *f = *state;
	struct abi_itimerspec s = spec(1 * MS, 0);
	struct abi_siginfo a, b;
	block(f, SIGBIT(SIGUSR1));
	int one = make(f, CLOCK_MONOTONIC, SIGUSR1, 1), two = make(f, CLOCK_BOOTTIME, SIGUSR1, 2);
	assert_int_equal(ptimer_settime(f->t[0], one, 0, &s, NULL), 0);
	assert_int_equal(ptimer_settime(f->t[0], two, 0, &s, NULL), 0);
	assert_int_equal(take(f, SIGUSR1, &a), SIGUSR1);
	assert_int_equal(take(f, SIGUSR1, &b), SIGUSR1);
	assert_int_equal(a.timer.value.sival_int + b.timer.value.sival_int, 3);
}

static void ignored_timers_do_not_spin_and_come_back(void **state)
{
	struct family *f = *state;
	struct abi_itimerspec s = spec(1, 1);
	struct abi_siginfo out;
	set_handler(f, SIGUSR1, ABI_SIG_IGN);
	int id = make(f, CLOCK_MONOTONIC, SIGUSR1, 0);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), 0);
	usleep(10000);
	assert_int_equal(signal_pending_set(f->t[0], SIGBIT(SIGUSR1)), 0);
	block(f, SIGBIT(SIGUSR1));
	assert_int_equal(take(f, SIGUSR1, &out), SIGUSR1);
}

static void bad_requests_are_refused(void **state)
{
	struct family *f = *state;
	struct abi_sigevent ev = {.signo = 65, .notify = SIGEV_SIGNAL};
	struct abi_itimerspec s = spec(0, 0);
	assert_int_equal(ptimer_create(f->t[0], CLOCK_MONOTONIC, &ev), -EINVAL);
	ev = (struct abi_sigevent){.signo = SIGUSR1, .notify = 9};
	assert_int_equal(ptimer_create(f->t[0], CLOCK_MONOTONIC, &ev), -EINVAL);
	assert_int_equal(ptimer_create(f->t[0], CLOCK_MONOTONIC_RAW, NULL), -EOPNOTSUPP);
	assert_int_equal(ptimer_create(f->t[0], 77, NULL), -EINVAL);
	assert_int_equal(ptimer_settime(f->t[0], 5, 0, &s, NULL), -EINVAL);
	s.it_value.tv_nsec = NSEC_PER_SEC;
	int id = make(f, CLOCK_MONOTONIC, SIGUSR1, 0);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), -EINVAL);
	f->group->rlimits[RLIMIT_SIGPENDING].rlim_cur = 1;
	assert_int_equal(ptimer_create(f->t[0], CLOCK_MONOTONIC, NULL), -EAGAIN);
}

static void cpu_time_drives_timers(void **state)
{
	struct family *f = *state;
	struct abi_itimerval v = {.it_value = ns_timeval(50 * MS)};
	struct abi_itimerspec s = spec(30 * MS, 0);
	struct abi_siginfo out;
	block(f, SIGBIT(SIGVTALRM) | SIGBIT(SIGUSR1));
	int id = make(f, CLOCK_PROCESS_CPUTIME_ID, SIGUSR1, 0);
	assert_int_equal(ptimer_settime(f->t[0], id, 0, &s, NULL), 0);
	assert_int_equal(itimer_set(f->t[0], ABI_ITIMER_VIRTUAL, &v, NULL), 0);
	usleep(20000);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), 0);
	/* Four threads: each counts. */
	__atomic_store_n(&fake_cpu_ns, 10 * MS, __ATOMIC_RELAXED);
	assert_int_equal(take(f, SIGUSR1, &out), SIGUSR1);
	assert_int_equal(signal_pending_set(f->t[0], ~0ull), 0);
	__atomic_store_n(&fake_cpu_ns, 20 * MS, __ATOMIC_RELAXED);
	assert_int_equal(take(f, SIGVTALRM, &out), SIGVTALRM);
	assert_int_equal(out.code, SI_KERNEL);
}

static void the_cpu_limit_warns_and_kills(void **state)
{
	struct family *f = *state;
	struct abi_siginfo out;
	block(f, SIGBIT(SIGXCPU));
	f->group->rlimits[RLIMIT_CPU] = (struct abi_rlimit){1, 2};
	cpulimit_changed(f->group);
	__atomic_store_n(&fake_cpu_ns, 300 * MS, __ATOMIC_RELAXED);
	assert_int_equal(take(f, SIGXCPU, &out), SIGXCPU);
	__atomic_store_n(&fake_cpu_ns, 600 * MS, __ATOMIC_RELAXED);
	for (int i = 0; i < 3000 && !signal_pending(f->t[1]); i++)
		usleep(1000);
	lock(&f->group->siglock);
	assert_true(f->group->exiting);
	assert_int_equal(f->group->exit_code, SIGKILL);
	unlock(&f->group->siglock);
}

static void alarms_are_read_and_replaced(void **state)
{
	struct family *f = *state;
	struct abi_itimerval v = {.it_value = {100, 0}, .it_interval = {7, 0}}, old = {0},
			     off = {0};
	assert_int_equal(itimer_set(f->t[0], ABI_ITIMER_REAL, &v, &old), 0);
	assert_int_equal(old.it_value.tv_sec, 0);
	assert_int_equal(itimer_get(f->t[0], ABI_ITIMER_REAL, &old), 0);
	assert_true(old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100);
	assert_int_equal(old.it_interval.tv_sec, 7);
	assert_int_equal(itimer_set(f->t[0], ABI_ITIMER_REAL, &off, NULL), 0);
	assert_int_equal(itimer_get(f->t[0], 3, &old), -EINVAL);
	v.it_value.tv_usec = 1000000;
	assert_int_equal(itimer_set(f->t[0], ABI_ITIMER_REAL, &v, NULL), -EINVAL);
}

static int stop_thread(void **state)
{
	(void)state;
	ktimer_shutdown();
	return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, family_setup, family_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_one_shot_fires_once),
		T(missed_periods_are_overruns),
		T(deleting_and_setting_take_the_signal_back),
		T(two_timers_of_one_signal_both_arrive),
		T(ignored_timers_do_not_spin_and_come_back),
		T(bad_requests_are_refused),
		T(cpu_time_drives_timers),
		T(the_cpu_limit_warns_and_kills),
		T(alarms_are_read_and_replaced),
	};
	resources.cpus = 4;
	return cmocka_run_group_tests(tests, NULL, stop_thread);
}
