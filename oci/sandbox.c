/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/isolate.h"
#include "oci/supervise.h"
#include "oci/terminal.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/* Both ends of everything, until each process has its own. */
struct ends {
	struct sentry_ends sentry;
	int gofer[GOFER_CONNS];
	int control;
};

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void ends_close(const struct ends *x)
{
	close_all(x->sentry.conns, GOFER_CONNS);
	close_all(x->gofer, GOFER_CONNS);
	close_all(&x->sentry.control, 1);
	close_all(&x->control, 1);
}

static int ends_open(struct ends *out, struct error *e)
{
	int pair[2];
	memset(out, -1, sizeof *out);
	int err = control_pair(pair);
	if (err == 0) {
		out->control = pair[0];
		out->sentry.control = pair[1];
	}
	for (int i = 0; i < GOFER_CONNS && err == 0; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
			err = -errno;
			break;
		}
		out->sentry.conns[i] = pair[0];
		out->gofer[i] = pair[1];
	}
	if (err == 0)
		return 0;
	ends_close(out);
	return error_set(e, err, "cannot connect the sandbox's processes: %s (ulimit -n?)",
			 strerror(-err));
}

static _Noreturn void gofer_main(const struct sandbox *s, const struct ends *x)
{
	struct gofer_config cfg = {
		.roots = s->roots,
		.nroots = s->nroots,
		.uids = s->uids,
		.gids = s->gids,
		.conns = x->gofer,
		.nconns = GOFER_CONNS,
		.tmpfs_fd = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.confine = true,
		.keep_fd = s->alive_fd,
		.die_with_parent = true,
		.watch = s->spec.root_write_through && !s->spec.root_layered,
	};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "vedette-gofer");
	/* While we hold them the sentry would wait for answers that never come. */
	close_all(x->sentry.conns, GOFER_CONNS);
	int err = gofer_serve(&cfg);
	struct control_msg m = {.kind = CONTROL_ERROR, .sig = err};
	snprintf(m.text, sizeof m.text, "the gofer cannot start: %s (is /proc mounted?)",
		 strerror(-err));
	control_send(x->sentry.control, &m);
	_exit(EXIT_INTERNAL);
}

static pid_t gofer_start(const struct sandbox *s, const struct ends *x, struct error *e)
{
	pid_t pid = isolate_gofer();
	if (pid == 0)
		gofer_main(s, x);
	if (pid < 0)
		error_set(e, -errno, "cannot fork the gofer: %s (ulimit -u?)", strerror(errno));
	return pid;
}

static void say_isolation(const struct isolation *iso)
{
	char names[64];
	if (iso->flags == 0)
		log_warning("no namespaces for this user on this host: the sentry is held by its "
			    "system call filter alone (`vedette check' says why)");
	else
		log_info("the sentry has its own namespaces: %s",
			 isolate_names(iso->flags, names, sizeof names));
}

/* CLONE_NEW* fit into the int that a signal number travels in. */
static int sentry_release(const struct ends *x, const struct isolation *iso)
{
	struct control_msg go = {
		.kind = CONTROL_GO,
		.sig = (int32_t)iso->flags,
		.foreground = iso->ids,
	};
	return control_send(x->control, &go);
}

static pid_t sentry_start(const struct sandbox *s, const struct ends *x, struct error *e)
{
	struct isolation iso;
	pid_t pid = isolate_sentry(&iso);
	if (pid == 0) {
		close_all(x->gofer, GOFER_CONNS);
		close_all(&x->control, 1);
		_exit(sentry_main(s, &x->sentry));
	}
	if (pid < 0) {
		error_set(e, -errno, "cannot fork the sentry: %s (ulimit -u?)", strerror(errno));
		return pid;
	}
	say_isolation(&iso);
	int err = sentry_release(x, &iso);
	if (err < 0)
		error_set(e, err, "the sentry ended before it began: %s", strerror(-err));
	return pid;
}

int sandbox_score(const struct sandbox *s, struct error *e)
{
	char text[16];
	if (!s->oom_score_adj)
		return 0;
	int score = *s->oom_score_adj;
	autoclose int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof text, "%d", score);
	if (fd < 0 || write(fd, text, (size_t)n) < 0)
		return error_set(e, -errno,
				 "process.oomScoreAdj: cannot set it to %d: %s "
				 "(lowering it takes CAP_SYS_RESOURCE)",
				 score, strerror(errno));
	return 0;
}

int sandbox_gofer(const struct sandbox *s, int conns[GOFER_CONNS], pid_t *out, struct error *e)
{
	struct ends x;
	if (ends_open(&x, e) < 0)
		return EXIT_INTERNAL;
	/* What it says goes nowhere: its exit status tells. */
	close_all(&x.control, 1);
	x.control = -1;
	fflush(NULL);
	*out = gofer_start(s, &x, e);
	memcpy(conns, x.sentry.conns, sizeof x.sentry.conns);
	close_all(x.gofer, GOFER_CONNS);
	close_all(&x.sentry.control, 1);
	if (*out >= 0)
		return 0;
	close_all(conns, GOFER_CONNS);
	return EXIT_INTERNAL;
}

int sandbox_start(const struct sandbox *in, struct sandbox_procs *out, struct error *e)
{
	struct sandbox s = *in;
	struct inherited_signals sigs;
	struct ends x;
	if (sandbox_score(&s, e) < 0)
		return EXIT_CONFIG;
	if (ends_open(&x, e) < 0)
		return EXIT_INTERNAL;
	fflush(NULL);
	terminal_save();
	supervise_begin(&sigs);
	s.spec.sig_ignored = sigs.ignored;
	s.spec.sig_blocked = sigs.blocked;
	s.spec.away = s.spec.terminal && terminal_away();
	pid_t gofer = gofer_start(&s, &x, e);
	if (gofer < 0) {
		ends_close(&x);
		return EXIT_INTERNAL;
	}
	stdio_reopen(&x.sentry.stdio);
	pid_t sentry = sentry_start(&s, &x, e);
	stdio_close(&x.sentry.stdio);
	close_all(x.gofer, GOFER_CONNS);
	close_all(x.sentry.conns, GOFER_CONNS);
	close_all(&x.sentry.control, 1);
	if (sentry < 0) {
		kill(gofer, SIGKILL);
		waitpid(gofer, NULL, __WALL);
		close(x.control);
		return EXIT_INTERNAL;
	}
	*out = (struct sandbox_procs){
		.sentry = sentry, .gofer = gofer, .sandbox = sentry, .control = x.control};
	return 0;
}

int sandbox_run(const struct sandbox *s, struct error *e)
{
	struct sandbox_procs procs;
	int err = sandbox_start(s, &procs, e);
	return err ? err : supervise(&procs, NULL, NULL, e);
}
