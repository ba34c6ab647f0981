/* SPDX-License-Identifier: Apache-2.0 */
/* Job control: setpgid and setsid rules, stopping and continuing, orphaned groups. */
#include "task.h"

#include <pthread.h>
#include <sys/prctl.h>

static pid_t spawn_pauser(void)
{
	return SPAWN({
		for (;;)
			pause();
	});
}

static int stop_status(pid_t p)
{
	int st = 0;
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	return st;
}

TEST(setpgid_makes_a_group)
{
	JOIN(SPAWN({
		ASSERT(getpgrp() != getpid());
		ASSERT_OK(setpgid(0, 0));
		ASSERT_EQ(getpgrp(), getpid());
	}));
}

TEST(setpgid_moves_a_child_into_an_existing_group)
{
	pid_t p = spawn_pauser(), q = spawn_pauser();
	ASSERT_OK(setpgid(p, 0));
	ASSERT_EQ(getpgid(p), p);
	ASSERT_OK(setpgid(q, p));
	ASSERT_EQ(getpgid(q), p);
	ASSERT_OK(setpgid(q, getpgrp()));
	ASSERT_EQ(getpgid(q), getpgrp());
	kill_and_reap(p);
	kill_and_reap(q);
}

TEST(setpgid_errors)
{
	pid_t p = spawn_pauser();
	ASSERT_ERR(setpgid(0, -1), EINVAL);
	ASSERT_ERR(setpgid(getppid(), 0), ESRCH);
	ASSERT_ERR(setpgid(dead_pid(), 0), ESRCH);
	ASSERT_ERR(setpgid(-1, 0), EINVAL);
	ASSERT_ERR(setpgid(-1, getpgrp()), ESRCH);
	ASSERT_ERR(setpgid(p, dead_pid()), EPERM);
	kill_and_reap(p);
}

TEST(setpgid_of_a_grandchild_is_esrch)
{
	pid_t *grandchild = (pid_t *)map_shared(PAGE);
	struct gate g = gate_new();
	pid_t p = SPAWN({
		*grandchild = spawn_pauser();
		gate_open(g);
		pause();
	});
	gate_wait(g);
	ASSERT_ERR(setpgid(*grandchild, 0), ESRCH);
	ASSERT_OK(kill(*grandchild, SIGKILL));
	kill_and_reap(p);
}

TEST(setpgid_after_the_childs_exec_is_eacces)
{
	int fd[2];
	char c;
	ASSERT_OK(pipe2(fd, O_CLOEXEC));
	pid_t p = SPAWN({
		char *argv[] = {"jobctl", "--pause", NULL};
		execv("/proc/self/exe", argv);
	});
	close(fd[1]);
	ASSERT_EQ(read(fd[0], &c, 1), 0);
	ASSERT_ERR(setpgid(p, p), EACCES);
	kill_and_reap(p);
}

TEST(setpgid_of_a_session_leader_is_eperm)
{
	JOIN(SPAWN({
		ASSERT(setsid() > 0);
		ASSERT_ERR(setpgid(0, 0), EPERM);
	}));
}

TEST(setpgid_across_sessions_is_eperm)
{
	struct gate g = gate_new();
	pid_t p = SPAWN({
		ASSERT(setsid() > 0);
		gate_open(g);
		pause();
	});
	gate_wait(g);
	ASSERT_ERR(setpgid(p, getpgrp()), EPERM);
	ASSERT_ERR(setpgid(0, p), EPERM);
	kill_and_reap(p);
}

TEST(setsid_makes_session_and_group)
{
	JOIN(SPAWN({
		ASSERT_EQ(setsid(), getpid());
		ASSERT_EQ(getsid(0), getpid());
		ASSERT_EQ(getpgrp(), getpid());
	}));
}

TEST(setsid_of_a_group_leader_is_eperm)
{
	ASSERT_ERR(setsid(), EPERM);
	JOIN(SPAWN({
		ASSERT_OK(setpgid(0, 0));
		ASSERT_ERR(setsid(), EPERM);
	}));
}

TEST(setsid_while_the_own_pid_is_still_a_group_is_eperm)
{
	pid_t mine = getpgrp();
	JOIN(SPAWN({
		ASSERT_OK(setpgid(0, 0));
		pid_t p = spawn_pauser();
		ASSERT_OK(setpgid(0, mine));
		ASSERT_EQ(getpgid(p), getpid());
		ASSERT_ERR(setsid(), EPERM);
		kill_and_reap(p);
		ASSERT_EQ(setsid(), getpid());
	}));
}

TEST(a_new_session_has_no_terminal)
{
	JOIN(SPAWN({
		ASSERT(setsid() > 0);
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
	}));
}

TEST(a_stopped_process_does_not_run)
{
	volatile long *count = (volatile long *)map_shared(PAGE);
	pid_t p = SPAWN({
		for (;;)
			count[0]++;
	});
	while (!count[0])
		nap(1);
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(stop_status(p), 0x137f);
	long before = count[0];
	nap(50);
	ASSERT_EQ(count[0], before);
	ASSERT_OK(kill(p, SIGCONT));
	while (count[0] == before)
		nap(1);
	kill_and_reap(p);
}

static void *count_forever(void *arg)
{
	for (;;)
		++*(volatile long *)arg;
	return NULL;
}

TEST(all_threads_stop_and_go_on_together)
{
	volatile long *count = (volatile long *)map_shared(PAGE);
	struct gate up = gate_new();
	pid_t p = SPAWN({
		pthread_t t;
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, count_forever, (void *)(count + 8 * i));
		gate_open(up);
		pause();
	});
	gate_wait(up);
	while (!count[0] || !count[8] || !count[16])
		nap(1);
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(stop_status(p), 0x137f);
	long a = count[0], b = count[8], c = count[16];
	nap(50);
	ASSERT(a == count[0] && b == count[8] && c == count[16]);
	ASSERT_OK(kill(p, SIGCONT));
	while (a == count[0] || b == count[8] || c == count[16])
		nap(1);
	kill_and_reap(p);
}

TEST(sigchld_tells_of_stops_and_continues)
{
	siginfo_t si;
	sigset_t s = set_of(SIGCHLD);
	block_signal(SIGCHLD);
	on_signal(SIGCHLD, count_signal, 0);
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, SIGSTOP));
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGCHLD);
	ASSERT(si.si_code == CLD_STOPPED && si.si_status == SIGSTOP && si.si_pid == p);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(sigwaitinfo(&s, &si), SIGCHLD);
	ASSERT(si.si_code == CLD_CONTINUED && si.si_status == SIGCONT && si.si_pid == p);
	kill_and_reap(p);
}

TEST(nocldstop_silences_stops_and_continues)
{
	on_signal(SIGCHLD, count_signal, SA_NOCLDSTOP | SA_RESTART);
	pid_t p = spawn_pauser();
	ASSERT_OK(kill(p, SIGSTOP));
	stop_status(p);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(waitpid(p, NULL, WCONTINUED), p);
	ASSERT_EQ(signal_count, 0);
	kill_and_reap(p);
	ASSERT_EQ(signal_count, 1);
}

TEST(sigcont_continues_even_when_blocked_or_ignored)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		block_signal(SIGCONT);
		on_signal(SIGCONT, SIG_IGN, 0);
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	ASSERT_OK(kill(p, SIGSTOP));
	stop_status(p);
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_EQ(waitpid(p, NULL, WCONTINUED), p);
	kill_and_reap(p);
}

TEST(sigcont_discards_pending_stops_and_the_reverse)
{
	block_signal(SIGTSTP);
	block_signal(SIGCONT);
	on_signal(SIGCONT, count_signal, 0);
	ASSERT_OK(kill(getpid(), SIGTSTP));
	ASSERT(is_pending(SIGTSTP));
	ASSERT_OK(kill(getpid(), SIGCONT));
	ASSERT(!is_pending(SIGTSTP));
	ASSERT(is_pending(SIGCONT));
	ASSERT_OK(kill(getpid(), SIGTSTP));
	ASSERT(is_pending(SIGTSTP));
	ASSERT(!is_pending(SIGCONT));
}

TEST(other_signals_wait_until_the_process_goes_on)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		on_signal(SIGUSR1, count_signal, 0);
		gate_open(up);
		while (!signal_count)
			nap(1);
	});
	gate_wait(up);
	ASSERT_OK(kill(p, SIGSTOP));
	stop_status(p);
	ASSERT_OK(kill(p, SIGUSR1));
	nap(50);
	ASSERT_EQ(waitpid(p, NULL, WNOHANG), 0);
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

TEST(a_stop_inside_a_sleep_is_not_seen_by_the_sleeper)
{
	pid_t p = SPAWN({
		struct timespec ts = {0, 200000000};
		int64_t before = now_ns();
		ASSERT_OK(nanosleep(&ts, NULL));
		ASSERT(now_ns() - before >= 200000000);
	});
	ASSERT_OK(kill(p, SIGSTOP));
	stop_status(p);
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

TEST(tstp_does_not_stop_a_member_of_an_orphaned_group)
{
	/* A session of its own: nobody in another group of it could continue us. */
	JOIN(SPAWN({
		ASSERT(setsid() > 0);
		ASSERT_OK(raise(SIGTSTP));
		ASSERT_OK(raise(SIGTTIN));
		ASSERT_OK(raise(SIGTTOU));
	}));
}

TEST(sigstop_does_stop_a_member_of_an_orphaned_group)
{
	pid_t p = SPAWN({
		ASSERT(setsid() > 0);
		ASSERT_OK(raise(SIGSTOP));
	});
	ASSERT_EQ(stop_status(p), 0x137f);
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

static volatile sig_atomic_t got_hup, got_cont;

static void note_orphaning(int sig)
{
	if (sig == SIGHUP)
		got_hup = 1;
	else
		got_cont = 1;
}

TEST(a_stopped_group_that_becomes_orphaned_gets_hup_and_cont)
{
	pid_t *member = (pid_t *)map_shared(PAGE);
	struct gate stopped = gate_new();
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t leader = SPAWN({
		ASSERT(setsid() > 0);
		*member = SPAWN({
			on_signal(SIGHUP, note_orphaning, 0);
			on_signal(SIGCONT, note_orphaning, 0);
			ASSERT_OK(setpgid(0, 0));
			ASSERT_OK(raise(SIGSTOP));
			while (!got_hup || !got_cont)
				nap(1);
			_exit(12);
		});
		ASSERT_EQ(stop_status(*member), 0x137f);
		gate_open(stopped);
	});
	gate_wait(stopped);
	JOIN(leader);
	ASSERT_EQ(wait_status(*member), 12 << 8);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--pause"))
		for (;;)
			pause();
	return test_main(argc > 1 ? argv[1] : NULL);
}
