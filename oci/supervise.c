/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/supervise.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/control.h"
#include "oci/sandbox.h"
#include "oci/terminal.h"
#include "platform/base/cleanup.h"
#include "platform/base/image.h"

/* A fault of our own is nobody's message. */
static const int ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};

struct supervisor {
	pid_t sentry, gofer; /* 0: has been waited for */
	int control;	     /* -1: the sentry has closed it */
	int sentry_status, gofer_status;
	int error_status; /* what to exit with, as that said */
	int ended;	  /* wait status of the first process, as the sentry told; -1: not yet */
	const struct supervise_ops *more;
	struct error *e; /* what the sentry said */
};

static sigset_t forwarded;
static bool childless; /* nobody's children but ours */

void supervise_begin(struct inherited_signals *out)
{
	sigset_t old, block;
	struct sigaction act;
	*out = (struct inherited_signals){0};
	sigfillset(&block);
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		sigdelset(&block, ours[i]);
	sigprocmask(SIG_BLOCK, &block, &old);
	forwarded = block;
	for (int sig = 1; sig <= 64; sig++) {
		if (sigismember(&old, sig) == 1)
			out->blocked |= 1ull << (sig - 1);
		/* What the caller ignores (nohup) is not for the container either. */
		if (sigaction(sig, NULL, &act) == 0 && act.sa_handler == SIG_IGN) {
			out->ignored |= 1ull << (sig - 1);
			sigdelset(&forwarded, sig);
		}
	}
	siginfo_t any;
	childless = waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	/* Inherited as ignored, it would hide the ends of our own children. */
	signal(SIGCHLD, SIG_DFL);
	sigaddset(&forwarded, SIGCHLD);
}

static void send_signal(const struct supervisor *s, int sig, int whom)
{
	struct control_msg m = {.kind = CONTROL_SIGNAL, .sig = sig, .foreground = (uint32_t)whom};
	if (s->control >= 0)
		control_send(s->control, &m);
}

static void send_job(const struct supervisor *s, bool away, bool orphaned)
{
	struct control_msg m = {.kind = CONTROL_JOB};
	m.foreground = (away ? JOB_AWAY : 0) | (orphaned ? JOB_ORPHANED : 0);
	if (s->control >= 0)
		control_send(s->control, &m);
}

/*
 * Stops ourselves as the first process was, for the shell to see.  In an
 * orphaned process group the kernel refuses; the container goes on at once then,
 * and is told that nobody will continue it.
 */
static void stop_with(const struct supervisor *s, int sig)
{
	const struct timespec now = {0, 0};
	sigset_t set, cont;
	if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
		sig = SIGSTOP;
	send_job(s, /*away=*/true, /*orphaned=*/false);
	sigemptyset(&cont);
	sigaddset(&cont, SIGCONT);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* Here we are stopped. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	bool stopped = sigtimedwait(&cont, NULL, &now) == SIGCONT || sig == SIGSTOP;
	send_job(s, terminal_away(), !stopped);
	send_signal(s, SIGCONT, TO_FOREGROUND);
}

static void handle_message(struct supervisor *s)
{
	struct control_msg m;
	int err = control_recv(s->control, &m);
	if (err == -EPROTO)
		return;
	if (err < 0) {
		s->control = -1;
		return;
	}
	if (m.kind == CONTROL_STOPPED && s->sentry) {
		stop_with(s, m.sig);
	} else if (m.kind == CONTROL_ERROR && !s->e->msg[0]) {
		s->error_status = (int)m.foreground;
		/* The first is the cause of the others. */
		error_set(s->e, m.sig < 0 ? m.sig : -EIO, "%s", m.text);
		error_sanitize(s->e);
	}
	if (m.kind == CONTROL_EXIT)
		s->ended = m.sig;
	if (s->more)
		s->more->message(s->more->arg, &m);
	/* From here on there is little to do. */
	if (m.kind == CONTROL_CREATED || m.kind == CONTROL_STARTED)
		image_forget();
}

static void reap(struct supervisor *s)
{
	if (s->gofer && waitpid(s->gofer, &s->gofer_status, WNOHANG | __WALL) == s->gofer) {
		s->gofer = 0;
		/* Without it the sandbox has no files any more. */
		bool lost = WIFSIGNALED(s->gofer_status) || WEXITSTATUS(s->gofer_status);
		if (lost && s->sentry)
			kill(s->sentry, SIGKILL);
		else if (lost)
			send_signal(s, SIGKILL, TO_ALL);
	}
	if (s->sentry && waitpid(s->sentry, &s->sentry_status, WNOHANG | __WALL) == s->sentry)
		s->sentry = 0;
}

static void handle_signal(struct supervisor *s, int fd)
{
	struct signalfd_siginfo info;
	if (read(fd, &info, sizeof info) != sizeof info)
		return;
	if (info.ssi_signo == SIGCHLD) {
		reap(s);
		return;
	}
	/* What the terminal sends is for its foreground; what somebody sends us, for the first
	 * process. */
	int sig = (int)info.ssi_signo, terminal = info.ssi_code > 0;
	if (sig == SIGCONT)
		send_job(s, terminal_away(), /*orphaned=*/false);
	send_signal(s, sig, terminal || sig == SIGCONT ? TO_FOREGROUND : TO_FIRST);
	if (sig == SIGHUP && terminal)
		send_signal(s, sig, TO_FIRST);
}

static int verdict(const struct supervisor *s)
{
	int g = s->gofer_status, st = s->sentry_status;
	if (WIFSIGNALED(st) && s->e->msg[0]) /* it, or the gofer, has said why */
		return EXIT_INTERNAL;
	if (WIFSIGNALED(g) && WIFSIGNALED(st)) {
		error_set(s->e, -EIO,
			  "the gofer was killed by signal %d (%s); the sandbox ended with it",
			  WTERMSIG(g), strsignal(WTERMSIG(g)));
		return EXIT_INTERNAL;
	}
	if (WIFSIGNALED(st)) {
		error_set(s->e, -EIO, "the sentry was killed by signal %d (%s)%s", WTERMSIG(st),
			  strsignal(WTERMSIG(st)),
			  WTERMSIG(st) == SIGKILL
				  ? ": from outside, or by the host for lack of memory"
				  : ": a bug in vedette, please report it");
		return EXIT_INTERNAL;
	}
	return WEXITSTATUS(st);
}

/* Also messages that came with the end. */
static void drain(struct supervisor *s)
{
	struct pollfd p = {.fd = s->control, .events = POLLIN};
	while (s->control >= 0 && poll(&p, 1, 0) > 0)
		handle_message(s);
}

/*
 * Without a pid namespace, stubs may outlive a killed sentry by a moment; they
 * come to us as to the next subreaper.  Only if nobody else's children do.
 */
static void wait_orphans(void)
{
	while (childless && (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR))
		errno = 0;
}

static int signal_of(const struct supervisor *s)
{
	if (WIFSIGNALED(s->sentry_status))
		return SIGKILL;
	return s->ended > 0 && WIFSIGNALED(s->ended) ? WTERMSIG(s->ended) : 0;
}

static void supervise_once(struct supervisor *s, int fd)
{
	struct pollfd p[2 + SUPERVISE_ROOM] = {{.fd = fd, .events = POLLIN},
					       {.fd = s->control, .events = POLLIN}};
	size_t n = s->more ? s->more->want(s->more->arg, p + 2) : 0;
	if (poll(p, 2 + n, -1) < 0)
		return;
	if (p[1].revents)
		handle_message(s);
	if (s->more)
		s->more->ready(s->more->arg, p + 2, n);
	if (p[0].revents)
		handle_signal(s, fd);
}

/* Nobody of the container is left, and the terminal is as it was. */
static void end(const struct supervisor *s, const struct sandbox_procs *p)
{
	if (s->gofer) {
		kill(s->gofer, SIGKILL);
		waitpid(s->gofer, NULL, __WALL);
	}
	close(p->control);
	wait_orphans();
	terminal_restore();
}

int supervise(const struct sandbox_procs *p, const struct supervise_ops *more, int *out_signal,
	      struct error *e)
{
	struct supervisor s = {.sentry = p->sentry,
			       .gofer = p->gofer,
			       .control = p->control,
			       .ended = -1,
			       .more = more,
			       .e = e};
	autoclose int fd = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		kill(s.sentry, SIGKILL);
	while (fd >= 0 && s.sentry)
		supervise_once(&s, fd);
	drain(&s);
	if (s.sentry)
		waitpid(s.sentry, &s.sentry_status, __WALL);
	end(&s, p);
	if (out_signal)
		*out_signal = signal_of(&s);
	return verdict(&s);
}

static int member_verdict(const struct supervisor *s, int *out_signal)
{
	int g = s->gofer_status;
	if (s->ended < 0 && s->e->msg[0]) /* the sentry has said why */
		return s->error_status ? s->error_status : EXIT_INTERNAL;
	if (s->ended >= 0 && !WIFSIGNALED(g) && WEXITSTATUS(g) == 0) {
		*out_signal = WIFSIGNALED(s->ended) ? WTERMSIG(s->ended) : 0;
		return *out_signal ? 128 + *out_signal : WEXITSTATUS(s->ended);
	}
	*out_signal = SIGKILL;
	if (WIFSIGNALED(g))
		error_set(s->e, -EIO,
			  "the gofer was killed by signal %d (%s); the container ended with it",
			  WTERMSIG(g), strsignal(WTERMSIG(g)));
	else if (WEXITSTATUS(g))
		error_set(s->e, -EIO, "the gofer cannot start (is /proc mounted?)");
	else
		error_set(s->e, -EPIPE, "the sandbox ended, and the container with it");
	return EXIT_INTERNAL;
}

int supervise_member(const struct sandbox_procs *p, const struct supervise_ops *more,
		     int *out_signal, struct error *e)
{
	struct supervisor s = {
		.gofer = p->gofer, .control = p->control, .ended = -1, .more = more, .e = e};
	autoclose int fd = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	*out_signal = 0;
	while (fd >= 0 && s.control >= 0 && s.ended < 0)
		supervise_once(&s, fd);
	if (s.gofer && waitpid(s.gofer, &s.gofer_status, WNOHANG | __WALL) == s.gofer)
		s.gofer = 0;
	end(&s, p);
	return member_verdict(&s, out_signal);
}

int supervise_visit(int link, const struct supervise_ops *more, int *out_signal, struct error *e)
{
	struct supervisor s = {.control = link, .ended = -1, .more = more, .e = e};
	autoclose int fd = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	*out_signal = 0;
	while (fd >= 0 && s.control >= 0 && s.ended < 0 && !e->msg[0])
		supervise_once(&s, fd);
	terminal_restore();
	if (s.ended >= 0 && WIFSIGNALED(s.ended))
		*out_signal = WTERMSIG(s.ended);
	else if (s.ended < 0 && !e->msg[0] && (*out_signal = SIGKILL))
		error_set(e, -EPIPE, "the container ended, and the process with it");
	if (*out_signal)
		return 128 + *out_signal;
	return s.ended >= 0 ? WEXITSTATUS(s.ended) : s.error_status;
}
