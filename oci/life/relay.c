/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/isolate.h"
#include "oci/life/console.h"
#include "oci/sandbox.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

enum { END_OF_FILE = 4 }; /* ^D: what a new terminal has for VEOF */

struct relay {
	pid_t child;
	int signals, master; /* master -1: nobody has the terminal open any more */
	bool open;	     /* standard input has not ended */
	char last;	     /* of what was typed */
	char in[4096];	     /* read, and not yet typed: from at to end */
	size_t at, end;
};

static void write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EAGAIN)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		else if (done < 0 && errno != EINTR)
			return; /* nobody reads it: as for any program */
		data += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

/* Of what the program has written, as much as is there. */
static void pass_output(struct relay *r)
{
	char data[4096];
	ssize_t n = -1;
	while (r->master >= 0 && (n = read(r->master, data, sizeof data)) > 0)
		write_all(1, data, (size_t)n);
	if (r->master >= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
		close(r->master);
		r->master = -1;
	}
}

/* The first end-of-file key only ends a line that has no end. */
static void read_input(struct relay *r)
{
	ssize_t n = read(0, r->in, sizeof r->in);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		r->open = false;
		n = r->last == '\n' ? 1 : 2;
		memset(r->in, END_OF_FILE, (size_t)n);
	}
	r->at = 0;
	r->end = (size_t)n;
	r->last = r->in[n - 1];
}

static void type_input(struct relay *r)
{
	ssize_t n = write(r->master, r->in + r->at, r->end - r->at);
	if (n > 0)
		r->at += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		r->at = r->end;
}

static void copy_size(int master)
{
	struct winsize size;
	if (ioctl(1, TIOCGWINSZ, &size) == 0 || ioctl(2, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

/* Whether the child has ended; then *out is what to exit with. */
static bool take_signal(const struct relay *r, int *out)
{
	struct signalfd_siginfo info;
	int status;
	if (read(r->signals, &info, sizeof info) != sizeof info)
		return false;
	if (info.ssi_signo == SIGWINCH && r->master >= 0)
		copy_size(r->master);
	else if (info.ssi_signo != SIGCHLD)
		kill(r->child, (int)info.ssi_signo);
	if (info.ssi_signo != SIGCHLD || waitpid(r->child, &status, WNOHANG) != r->child)
		return false;
	*out = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

static _Noreturn void relay_main(struct relay *r)
{
	int status = EXIT_INTERNAL;
	bool over = false;
	while (!over) {
		bool typed = r->at < r->end;
		struct pollfd p[] = {
			{.fd = r->signals, .events = POLLIN},
			{.fd = r->master, .events = (short)(POLLIN | (typed ? POLLOUT : 0))},
			{.fd = r->open && !typed ? 0 : -1, .events = POLLIN},
		};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[1].revents & POLLOUT)
			type_input(r);
		if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
			pass_output(r);
		if (p[2].revents)
			read_input(r);
		if (p[0].revents)
			over = take_signal(r, &status);
	}
	pass_output(r);
	_exit(status);
}

/* In the new process.  Messages keep their way: descriptor 2 becomes the terminal. */
static int settle(int slave)
{
	if (global_options.log_fd < 0) {
		int fd = fcntl(2, F_DUPFD_CLOEXEC, 3 + PRESERVE_MAX);
		if (fd < 0)
			return -errno;
		global_options.log_fd = fd;
		global_options.log_is_stderr = true;
		log_setup(fd, global_options.debug ? LOG_DEBUG : LOG_WARNING, 0);
	}
	return setsid() < 0 ? -errno : console_take(slave);
}

/* SIGKILL of the relay is one of the command. */
static int become_child(pid_t relay, int slave, const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != relay)
		_exit(EXIT_INTERNAL);
	int err = settle(slave);
	sigprocmask(SIG_SETMASK, mask, NULL);
	return err;
}

int relay_begin(unsigned rows, unsigned columns, struct error *e)
{
	struct relay r = {.open = true, .last = '\n'};
	autoclose int master = -1, slave = -1;
	sigset_t all, old;
	pid_t self = getpid();
	int err = console_pair(&master, &slave);
	if (err < 0)
		return error_set(e, err, "cannot make a pseudoterminal: %s (is /dev/pts mounted?)",
				 strerror(-err));
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	if (rows && columns)
		ioctl(master, TIOCSWINSZ, &size);
	else
		copy_size(master);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	signal(SIGCHLD, SIG_DFL);
	r.child = fork();
	if (r.child == 0) {
		err = become_child(self, STEAL_FD(slave), &old);
		return err < 0 ? error_set(e, err, "cannot take the terminal: %s", strerror(-err))
			       : 0;
	}
	r.signals = r.child < 0 ? -1 : signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r.signals < 0 || fcntl(master, F_SETFL, O_NONBLOCK) < 0) {
		err = -errno;
		if (r.child > 0)
			kill(r.child, SIGKILL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		return error_set(e, err, "cannot make the terminal's relay: %s", strerror(-err));
	}
	r.master = STEAL_FD(master);
	/* Ours, not the program's, which has a terminal; who blocks it gets it, ignored or not. */
	signal(SIGPIPE, SIG_IGN);
	sigdelset(&all, SIGPIPE);
	sigprocmask(SIG_SETMASK, &all, NULL);
	isolate_close((int[]){r.master, r.signals}, 2);
	relay_main(&r);
}
