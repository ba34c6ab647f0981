/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo terminals as controlling terminals: sessions, groups and their signals.
 *
 * All of it runs in a child that is a session leader, as a test itself leads a
 * group and cannot become one.
 */
#include "pty.h"

/* The session leader's first step: a new session with the slave as its terminal. */
static void lead(void)
{
	ASSERT_OK(setsid());
	ASSERT_OK(ioctl(s, TIOCSCTTY, 0));
}

TEST(pty_becomes_controlling_terminal_by_ioctl)
{
	make_pair();
	JOIN(SPAWN({
		ASSERT_OK(setsid());
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
		ASSERT_OK(ioctl(s, TIOCSCTTY, 0));
		ASSERT_OK(open("/dev/tty", O_RDWR));
		ASSERT_EQ(tcgetsid(s), getpid());
		ASSERT_EQ(tcgetpgrp(s), getpid());
		signal(SIGHUP, SIG_IGN);
		ASSERT_OK(ioctl(s, TIOCNOTTY));
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
	}));
}

TEST(pty_becomes_controlling_terminal_by_open)
{
	make_pair();
	JOIN(SPAWN({
		ASSERT_OK(setsid());
		ASSERT_OK(open(slave, O_RDWR | O_NOCTTY));
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
		ASSERT_OK(open(slave, O_RDWR));
		ASSERT_OK(open("/dev/tty", O_RDWR));
	}));
}

TEST(pty_opening_the_master_gives_no_controlling_terminal)
{
	JOIN(SPAWN({
		ASSERT_OK(setsid());
		ASSERT_OK(open("/dev/ptmx", O_RDWR));
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
	}));
}

TEST(pty_only_a_leader_may_take_a_terminal)
{
	make_pair();
	JOIN(SPAWN({
		ASSERT_OK(setsid());
		JOIN(SPAWN({ ASSERT_ERR(ioctl(s, TIOCSCTTY, 0), EPERM); }));
		ASSERT_OK(ioctl(s, TIOCSCTTY, 0));
		ASSERT_OK(ioctl(s, TIOCSCTTY, 0));
	}));
}

TEST(pty_foreign_terminal_has_no_foreground_group)
{
	make_pair();
	ASSERT_ERR(tcgetpgrp(s), ENOTTY);
	ASSERT_ERR(tcsetpgrp(s, getpgrp()), ENOTTY);
	ASSERT_ERR(tcgetsid(s), ENOTTY);
}

/* Runs as session leader; tells "ready" through fd, then waits for sig. */
static void await(int fd, int sig)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, sig);
	ASSERT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	lead();
	ASSERT_EQ(write(fd, "r", 1), 1);
	siginfo_t si;
	ASSERT_EQ(sigwaitinfo(&set, &si), sig);
	ASSERT_EQ(si.si_code, SI_KERNEL);
}

static void key_sends(const char *key, int sig)
{
	int p[2];
	char c;
	quiet_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({ await(p[1], sig); });
	ASSERT_EQ(read(p[0], &c, 1), 1);
	type(key);
	JOIN(pid);
}

TEST(pty_intr_key_is_sigint_to_the_foreground)
{
	key_sends("\003", SIGINT);
}

TEST(pty_quit_key_is_sigquit)
{
	key_sends("\034", SIGQUIT);
}

TEST(pty_susp_key_is_sigtstp)
{
	key_sends("\032", SIGTSTP);
}

TEST(pty_intr_key_flushes_the_line)
{
	int p[2];
	char c;
	quiet_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		await(p[1], SIGINT);
		reads(s, "clean\n");
	});
	ASSERT_EQ(read(p[0], &c, 1), 1);
	type("junk\003clean\n");
	JOIN(pid);
}

TEST(pty_intr_key_spares_the_background)
{
	int p[2];
	char c;
	quiet_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		lead();
		pid_t bg = SPAWN({
			ASSERT_OK(setpgid(0, 0));
			ASSERT_EQ(write(p[1], "b", 1), 1);
			pause();
		});
		int st;
		ASSERT_EQ(read(p[0], &c, 1), 1);
		signal(SIGINT, SIG_IGN);
		type("\003");
		settle();
		ASSERT_EQ(waitpid(bg, &st, WNOHANG), 0);
		ASSERT_OK(kill(bg, SIGKILL));
		ASSERT_EQ(waitpid(bg, &st, 0), bg);
	});
	JOIN(pid);
}

TEST(pty_window_change_is_sigwinch)
{
	int p[2];
	char c;
	make_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({ await(p[1], SIGWINCH); });
	ASSERT_EQ(read(p[0], &c, 1), 1);
	struct winsize w = {10, 20, 0, 0};
	ASSERT_OK(ioctl(m, TIOCSWINSZ, &w));
	JOIN(pid);
}

static volatile sig_atomic_t winches;

static void on_winch(int sig)
{
	(void)sig;
	winches++;
}

TEST(pty_same_window_size_sends_nothing)
{
	make_pair();
	struct winsize w = {10, 20, 0, 0};
	ASSERT_OK(ioctl(m, TIOCSWINSZ, &w));
	JOIN(SPAWN({
		lead();
		signal(SIGWINCH, on_winch);
		ASSERT_OK(ioctl(m, TIOCSWINSZ, &w));
		ASSERT_EQ(winches, 0);
		w.ws_col = 21;
		ASSERT_OK(ioctl(m, TIOCSWINSZ, &w));
		ASSERT_EQ(winches, 1);
	}));
}

TEST(pty_hangup_is_sighup_and_sigcont_to_the_leader)
{
	int p[2];
	char c;
	make_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		ASSERT_OK(close(m));
		await(p[1], SIGHUP);
		ASSERT_ERR(open("/dev/tty", O_RDWR), ENXIO);
	});
	ASSERT_EQ(read(p[0], &c, 1), 1);
	ASSERT_OK(close(m));
	JOIN(pid);
}

TEST(pty_leader_exit_sends_sighup_to_the_foreground)
{
	int p[2], st;
	char c;
	make_pair();
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		lead();
		pid_t fg = SPAWN({
			struct sigaction sa = {.sa_handler = SIG_DFL};
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGHUP);
			ASSERT_OK(sigaction(SIGHUP, &sa, NULL));
			ASSERT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
			ASSERT_EQ(write(p[1], "r", 1), 1);
			ASSERT_EQ(sigwaitinfo(&set, NULL), SIGHUP);
			ASSERT_EQ(write(p[1], "h", 1), 1);
		});
		ASSERT(fg > 0);
		ASSERT_EQ(read(p[0], &c, 1), 1);
	});
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	ASSERT_EQ(st, 0);
	ASSERT_EQ(read(p[0], &c, 1), 1);
	ASSERT_EQ(c, 'h');
}

/* A session whose leader waits for the background child's stop by this signal. */
static void background_stops(int sig, void (*act)(void))
{
	make_pair();
	JOIN(SPAWN({
		int st;
		lead();
		pid_t bg = SPAWN({
			ASSERT_OK(setpgid(0, 0));
			act();
		});
		ASSERT_EQ(waitpid(bg, &st, WUNTRACED), bg);
		ASSERT(WIFSTOPPED(st));
		ASSERT_EQ(WSTOPSIG(st), sig);
		ASSERT_OK(kill(bg, SIGKILL));
		ASSERT_EQ(waitpid(bg, &st, 0), bg);
	}));
}

static void read_slave(void)
{
	char c;
	if (read(s, &c, 1) < 0)
		_exit(1);
}

static void write_with_tostop(void)
{
	write(s, "x", 1);
}

static void set_foreground(void)
{
	tcsetpgrp(s, getpgrp());
}

TEST(pty_background_read_is_sigttin)
{
	background_stops(SIGTTIN, read_slave);
}

TEST(pty_background_tcsetpgrp_is_sigttou)
{
	background_stops(SIGTTOU, set_foreground);
}

TEST(pty_background_write_is_sigttou_only_with_tostop)
{
	make_pair();
	JOIN(SPAWN({
		int st;
		lead();
		JOIN(SPAWN({
			ASSERT_OK(setpgid(0, 0));
			ASSERT_EQ(write(s, "x", 1), 1);
		}));
		lflag(0, TOSTOP);
		pid_t bg = SPAWN({
			ASSERT_OK(setpgid(0, 0));
			write_with_tostop();
		});
		ASSERT_EQ(waitpid(bg, &st, WUNTRACED), bg);
		ASSERT(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTOU);
		ASSERT_OK(kill(bg, SIGKILL));
		ASSERT_EQ(waitpid(bg, &st, 0), bg);
	}));
}

TEST(pty_background_read_with_sigttin_ignored_is_eio)
{
	make_pair();
	JOIN(SPAWN({
		lead();
		JOIN(SPAWN({
			char c;
			ASSERT_OK(setpgid(0, 0));
			signal(SIGTTIN, SIG_IGN);
			ASSERT_ERR(read(s, &c, 1), EIO);
		}));
	}));
}

TEST(pty_foreground_can_be_moved)
{
	make_pair();
	JOIN(SPAWN({
		lead();
		signal(SIGTTOU, SIG_IGN);
		pid_t child = SPAWN({ pause(); });
		ASSERT_OK(setpgid(child, child));
		ASSERT_OK(tcsetpgrp(s, child));
		ASSERT_EQ(tcgetpgrp(s), child);
		ASSERT_OK(tcsetpgrp(s, getpid()));
		ASSERT_EQ(tcgetpgrp(s), getpid());
		ASSERT_ERR(tcsetpgrp(s, -1), EINVAL);
		ASSERT_ERR(tcsetpgrp(s, getppid()), EPERM);
		ASSERT_OK(kill(child, SIGKILL));
		ASSERT_EQ(waitpid(child, NULL, 0), child);
	}));
}

TEST(pty_proc_stat_shows_the_terminal)
{
	make_pair();
	JOIN(SPAWN({
		struct stat st;
		lead();
		ASSERT_OK(fstat(s, &st));
		char *p = strrchr(get("/proc/self/stat"), ')');
		int pgrp, session, tty, fg;
		ASSERT_EQ(sscanf(p + 2, "%*c %*d %d %d %d %d", &pgrp, &session, &tty, &fg), 4);
		ASSERT_EQ(session, getpid());
		ASSERT_EQ(tty, (int)st.st_rdev);
		ASSERT_EQ(fg, getpid());
	}));
}

TEST_MAIN()
