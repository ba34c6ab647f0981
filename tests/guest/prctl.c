/* SPDX-License-Identifier: Apache-2.0 */
/* prctl: the attributes of processes and threads that have no call of their own. */
#include "exec.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>

static int reporter(const char *mode, int argc, char **argv)
{
	int sig = -1;
	(void)argc, (void)argv;
	prctl(PR_GET_PDEATHSIG, &sig);
	if (strcmp(mode, "tsc") == 0) {
		prctl(PR_GET_TSC, &sig);
		printf("%d", sig);
		fflush(stdout);
		__builtin_ia32_rdtsc();
		return 0;
	}
	printf("%d %d %d %d %d", sig, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	       prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
	       prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	fflush(stdout);
	return 0;
}

TEST(unknown_options_are_einval)
{
	ASSERT_ERR(prctl(9999), EINVAL);
	ASSERT_ERR(prctl(-1), EINVAL);
	ASSERT_ERR(prctl(PR_GET_UNALIGN, 0), EINVAL);
}

TEST(the_name_is_cut_at_fifteen)
{
	char name[32];
	memset(name, 'z', sizeof name);
	ASSERT_OK(prctl(PR_SET_NAME, "a-rather-long-name"));
	ASSERT_OK(prctl(PR_GET_NAME, name));
	ASSERT_EQ(strcmp(name, "a-rather-long-n"), 0);
	ASSERT_EQ(name[16], 'z');
	ASSERT_OK(prctl(PR_SET_NAME, ""));
	ASSERT_OK(prctl(PR_GET_NAME, name));
	ASSERT_EQ(name[0], 0);
	ASSERT_ERR(prctl(PR_SET_NAME, (char *)1), EFAULT);
	ASSERT_ERR(prctl(PR_GET_NAME, (char *)1), EFAULT);
}

TEST(the_name_is_in_proc)
{
	char text[64] = {0};
	ASSERT_OK(prctl(PR_SET_NAME, "new name"));
	int fd = open("/proc/self/comm", O_RDWR);
	ASSERT_EQ(read(fd, text, sizeof text), 9);
	ASSERT_EQ(strcmp(text, "new name\n"), 0);
	ASSERT_EQ(write(fd, "other", 5), 5);
	ASSERT_OK(prctl(PR_GET_NAME, text));
	ASSERT_EQ(strcmp(text, "other"), 0);
}

static void *name_thread(void *arg)
{
	prctl(PR_GET_NAME, arg);
	prctl(PR_SET_NAME, "thread");
	return NULL;
}

TEST(each_thread_has_a_name)
{
	char first[16], mine[16];
	pthread_t t;
	ASSERT_OK(prctl(PR_SET_NAME, "leader"));
	ASSERT_EQ(pthread_create(&t, NULL, name_thread, first), 0);
	pthread_join(t, NULL);
	ASSERT_EQ(strcmp(first, "leader"), 0);
	ASSERT_OK(prctl(PR_GET_NAME, mine));
	ASSERT_EQ(strcmp(mine, "leader"), 0);
}

TEST(the_parent_death_signal_is_sent)
{
	struct gate up = gate_new();
	pid_t *child = (pid_t *)map_shared(PAGE);
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t p = SPAWN({
		*child = SPAWN({
			ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGUSR2));
			gate_open(up);
			for (;;)
				pause();
		});
		gate_wait(up);
	});
	JOIN(p);
	ASSERT_EQ(wait_status(*child), SIGUSR2);
}

TEST(the_parent_death_signal_can_be_read_and_cleared)
{
	int sig = -1;
	ASSERT_OK(prctl(PR_GET_PDEATHSIG, &sig));
	ASSERT_EQ(sig, 0);
	ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGHUP));
	ASSERT_OK(prctl(PR_GET_PDEATHSIG, &sig));
	ASSERT_EQ(sig, SIGHUP);
	ASSERT_OK(prctl(PR_SET_PDEATHSIG, 0));
	ASSERT_ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	ASSERT_ERR(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
	ASSERT_ERR(prctl(PR_GET_PDEATHSIG, (int *)1), EFAULT);
}

TEST(a_change_of_ids_clears_the_parent_death_signal)
{
	int sig = -1;
	ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGHUP));
	ASSERT_OK(seteuid(1000));
	ASSERT_OK(prctl(PR_GET_PDEATHSIG, &sig));
	ASSERT_EQ(sig, 0);
}

static void set_several(void)
{
	ASSERT_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_OK(prctl(PR_SET_DUMPABLE, 0));
	ASSERT_OK(prctl(PR_SET_KEEPCAPS, 1));
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
}

TEST(what_exec_keeps)
{
	char want[32];
	ASSERT_EQ(run_mode("MODE=x", NULL, set_several), 0);
	/* Death signal, no_new_privs and huge pages stay; dumpable and keepcaps start afresh. */
	snprintf(want, sizeof want, "%d 1 1 0 1", SIGUSR1);
	ASSERT_EQ(strcmp(output, want), 0);
}

TEST(dumpable)
{
	ASSERT_EQ(prctl(PR_GET_DUMPABLE), 1);
	ASSERT_OK(prctl(PR_SET_DUMPABLE, 0));
	ASSERT_EQ(prctl(PR_GET_DUMPABLE), 0);
	ASSERT_ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
	ASSERT_OK(seteuid(1000));
	ASSERT_EQ(prctl(PR_GET_DUMPABLE), 0);
}

TEST(no_new_privs_is_for_ever)
{
	ASSERT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ASSERT_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	ASSERT_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	JOIN(SPAWN({ ASSERT_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1); }));
	ASSERT_EQ(status_field("NoNewPrivs", 10), 1);
}

TEST(subreaper_can_be_read_and_is_not_inherited)
{
	int v = -1;
	ASSERT_OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	ASSERT_EQ(v, 0);
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 5));
	ASSERT_OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
	ASSERT_EQ(v, 1);
	JOIN(SPAWN({
		ASSERT_OK(prctl(PR_GET_CHILD_SUBREAPER, &v));
		ASSERT_EQ(v, 0);
	}));
}

TEST(timer_slack)
{
	int before = prctl(PR_GET_TIMERSLACK);
	ASSERT(before > 0);
	ASSERT_OK(prctl(PR_SET_TIMERSLACK, 1234567));
	ASSERT_EQ(prctl(PR_GET_TIMERSLACK), 1234567);
	JOIN(SPAWN({
		/* The child's default is what the parent had. */
		ASSERT_EQ(prctl(PR_GET_TIMERSLACK), 1234567);
		ASSERT_OK(prctl(PR_SET_TIMERSLACK, 1));
		ASSERT_OK(prctl(PR_SET_TIMERSLACK, 0));
		ASSERT_EQ(prctl(PR_GET_TIMERSLACK), 1234567);
	}));
	ASSERT_OK(prctl(PR_SET_TIMERSLACK, 0));
	ASSERT_EQ(prctl(PR_GET_TIMERSLACK), before);
}

TEST(timing_is_statistical_only)
{
	ASSERT_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
	ASSERT_OK(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
	ASSERT_ERR(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP), EINVAL);
}

TEST(thp_can_be_disabled_and_that_is_inherited)
{
	ASSERT_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	JOIN(SPAWN({ ASSERT_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1); }));
	ASSERT_ERR(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	ASSERT_ERR(prctl(PR_SET_THP_DISABLE, 1, 0, 1, 0), EINVAL);
	ASSERT_EQ(status_field("THP_enabled", 10), 0);
	ASSERT_OK(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	ASSERT_EQ(status_field("THP_enabled", 10), 1);
}

/* Some virtual machines take the prctl and let the instruction pass.  Inside, tests/run knows. */
static void need_forbidding(void)
{
	const char *host = getenv("HOST_FORBIDS_TSC");
	pid_t p = SPAWN({
		prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
		__builtin_ia32_rdtsc();
	});
	if (wait_status(p) != SIGSEGV && (!host || strcmp(host, "1") != 0))
		SKIP("this machine lets the instruction pass");
}

TEST(the_time_stamp_counter_can_be_forbidden)
{
	int v = 0;
	ASSERT_OK(prctl(PR_GET_TSC, &v));
	ASSERT_EQ(v, PR_TSC_ENABLE);
	ASSERT_ERR(prctl(PR_SET_TSC, 77), EINVAL);
	ASSERT_ERR(prctl(PR_GET_TSC, 1), EFAULT);
	need_forbidding();
	pid_t p = SPAWN({
		ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
		__builtin_ia32_rdtsc();
	});
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

static sigjmp_buf back;
static siginfo_t tsc_info;

static void tsc_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	tsc_info = *info;
	siglongjmp(back, 1);
}

/* What the counter's instruction does to the calling thread. */
static int tsc_faults(void)
{
	struct sigaction act = {.sa_sigaction = tsc_handler, .sa_flags = SA_SIGINFO};
	unsigned aux;
	sigaction(SIGSEGV, &act, NULL);
	if (sigsetjmp(back, 1))
		return 1;
	__builtin_ia32_rdtscp(&aux);
	__builtin_ia32_rdtsc();
	return 0;
}

static void *tsc_thread(void *arg)
{
	int v = 0;
	ASSERT_OK(prctl(PR_GET_TSC, &v));
	*(int *)arg = v == PR_TSC_SIGSEGV && tsc_faults();
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	return NULL;
}

TEST(a_forbidden_counter_is_a_general_protection_fault)
{
	need_forbidding();
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	ASSERT(tsc_faults());
	ASSERT_EQ(tsc_info.si_code, SI_KERNEL);
	ASSERT(tsc_info.si_addr == NULL);
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	ASSERT(!tsc_faults());
}

TEST(a_forbidden_counter_is_each_threads_own_and_inherited)
{
	int inherited = 0, v = 0;
	pthread_t t;
	need_forbidding();
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	ASSERT_EQ(pthread_create(&t, NULL, tsc_thread, &inherited), 0);
	pthread_join(t, NULL);
	ASSERT(inherited);
	JOIN(SPAWN({ ASSERT(tsc_faults()); }));
	ASSERT_OK(prctl(PR_GET_TSC, &v));
	ASSERT_EQ(v, PR_TSC_SIGSEGV);
	ASSERT(tsc_faults());
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
}

static void forbid_tsc(void)
{
	prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
}

TEST(a_forbidden_counter_stays_so_over_exec)
{
	need_forbidding();
	ASSERT_EQ(run_mode("MODE=tsc", NULL, forbid_tsc), SIGSEGV);
	ASSERT_EQ(strcmp(output, "2"), 0);
}

/* The vDSO may need the counter; the calls do not. */
TEST(calls_tell_the_time_without_the_counter)
{
	struct timespec ts;
	struct timeval tv;
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	ASSERT_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
	ASSERT_OK(syscall(SYS_gettimeofday, &tv, NULL));
	ASSERT(syscall(SYS_time, NULL) >= tv.tv_sec);
	ASSERT(syscall(SYS_getpid) > 0);
	ASSERT_OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
	ASSERT_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts));
}

TEST(seccomp_mode_is_zero)
{
	int mode = prctl(PR_GET_SECCOMP);
	if (mode < 0 && errno == EINVAL)
		SKIP("no seccomp");
	ASSERT_EQ(mode, 0);
}

TEST(set_mm_is_for_the_privileged)
{
	ASSERT_OK(setuid(1000));
	ASSERT(prctl(PR_SET_MM, 3 /* PR_SET_MM_START_DATA */, 0, 0, 0) == -1);
	ASSERT(errno == EPERM || errno == EINVAL);
}

EXEC_MAIN()
