/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/control.h"
#include "oci/isolate.h"
#include "oci/life/title.h"
#include "platform/base/log.h"

pid_t apart_fork(void (*main)(void *arg, int creator), void *arg, int *out_fd, struct error *e)
{
	int ends[2];
	int err = control_pair(ends);
	if (err < 0)
		return error_set(e, err, "cannot make a socket: %s", strerror(-err));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		main(arg, ends[1]);
		_exit(EXIT_INTERNAL);
	}
	err = -errno;
	close(ends[1]);
	if (pid > 0) {
		*out_fd = ends[0];
		return pid;
	}
	close(ends[0]);
	return error_set(e, err, "cannot fork the host process: %s (ulimit -u?)", strerror(-err));
}

int apart_await(int fd, struct error *e)
{
	struct control_msg m;
	int err = control_recv(fd, &m);
	if (err == 0 && m.kind == CONTROL_DONE)
		return 0;
	if (err == 0 && m.kind == CONTROL_ERROR) {
		error_set(e, m.sig < 0 ? m.sig : -EIO, "%s", m.text);
		error_sanitize(e);
		return m.foreground ? (int)m.foreground : EXIT_CONFIG;
	}
	error_set(e, -EIO,
		  "the host process ended before it said why: killed from outside, or by the "
		  "host for lack of memory");
	return EXIT_CONFIG;
}

/* What the caller ignores or blocks (conmon: SIGPIPE) is not for the container. */
static void forget_signals(void)
{
	sigset_t none;
	for (int sig = 1; sig <= 64; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void apart_begin(const char *what, const char *id, char *const *args)
{
	setsid();
	forget_signals();
	/* The title is written over what the environment held. */
	if (global_options.platform)
		global_options.platform = strdup(global_options.platform);
	title_set(what, id, args);
	/* Descriptor 2 is the container's from here on. */
	if (global_options.log_fd < 0)
		log_setup(-1, LOG_ERROR, 0);
}

int apart_let_go(const int *keep, size_t n)
{
	return chdir("/") < 0 ? -errno : isolate_close(keep, n);
}

void apart_forget_stdio(unsigned n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	for (unsigned i = 0; i < n; i++)
		close(3 + (int)i);
}

/* Without a core file: it would be ours, not the container's. */
static _Noreturn void die_of(int sig)
{
	sigset_t set;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + sig);
}

_Noreturn void apart_end(int creator, int status, int sig, const struct error *e)
{
	struct control_msg m = {
		.kind = CONTROL_ERROR, .sig = e->err, .foreground = (uint32_t)status};
	memcpy(m.text, e->msg, sizeof m.text);
	if (e->msg[0] && control_send(creator, &m) < 0)
		log_error("%s", e->msg);
	if (sig)
		die_of(sig);
	_exit(status);
}
