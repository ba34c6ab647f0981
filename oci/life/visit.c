/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/bundle.h"
#include "oci/life/apart.h"
#include "oci/life/console.h"
#include "oci/life/pack.h"
#include "oci/sandbox.h"
#include "oci/supervise.h"
#include "oci/terminal.h"
#include "platform/base/cleanup.h"

/* The command that waits for us; both sides may be gone. */
struct waiting {
	int link, creator; /* creator -1: there is none, or it has said GO */
};

static void message(void *arg, const struct control_msg *m)
{
	struct waiting *w = arg;
	if (m->kind == CONTROL_STARTED && w->creator >= 0)
		control_tell(w->creator, CONTROL_DONE, 0);
}

static size_t want(void *arg, struct pollfd *fds)
{
	struct waiting *w = arg;
	fds[0] = (struct pollfd){.fd = w->creator, .events = POLLIN};
	return 1;
}

/* Nobody knows of us yet: the process goes as well. */
static void ready(void *arg, const struct pollfd *fds, size_t count)
{
	struct waiting *w = arg;
	struct control_msg m;
	(void)count;
	if (!fds[0].revents)
		return;
	int err = control_recv(w->creator, &m);
	if (err != 0 || m.kind != CONTROL_GO) {
		m = (struct control_msg){.kind = CONTROL_SIGNAL, .sig = SIGKILL};
		control_send(w->link, &m);
	}
	w->creator = -1;
}

int visit_describe(struct visit *v, const struct spec_process *p, char ***out_env, struct error *e)
{
	const char *rootfs = json_string_value(json_object_get(v->target->state.json, "rootfs"));
	autoclose int root = open(rootfs ? rootfs : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (bundle_env(p->env, root, p->uid, out_env) < 0)
		return error_set(e, -ENOMEM, "out of memory");
	bundle_process(p, &v->spec);
	v->spec.envp = *out_env;
	return 0;
}

static int describe(struct visit *v, struct stdio *again, struct boot_stdio *more)
{
	struct inherited_signals sigs;
	terminal_save();
	supervise_begin(&sigs);
	v->spec.sig_ignored = sigs.ignored;
	v->spec.sig_blocked = sigs.blocked;
	v->spec.away = v->spec.terminal && terminal_away();
	stdio_reopen(again);
	stdio_describe(again, v->spec.stdio);
	for (unsigned i = 0; i < v->preserve; i++)
		stdio_look(3 + (int)i, &more[i]);
	v->spec.more = more;
	v->spec.nmore = v->preserve;
	return pack_write(&v->spec, v->target->dir.fd);
}

static int ask(const struct visit *v, int block)
{
	const struct control_msg m = {.kind = CONTROL_EXEC,
				      .foreground = v->paused ? EXEC_PAUSED : 0};
	int fds[4 + PRESERVE_MAX] = {block};
	size_t n = 1 + pack_fds(&v->spec, fds + 1);
	return control_send_fds(v->target->link.fd, &m, fds, n);
}

static int visit(struct visit *v, int creator, int *out_signal, struct error *e)
{
	struct boot_stdio more[PRESERVE_MAX];
	struct stdio again;
	struct waiting w = {.link = v->target->link.fd, .creator = creator};
	const struct supervise_ops ops = {
		.message = message, .want = want, .ready = ready, .arg = &w};
	int block = describe(v, &again, more);
	int err = block < 0 ? block : ask(v, block);
	if (block >= 0)
		close(block);
	stdio_close(&again);
	*out_signal = 0;
	if (err < 0) {
		error_set(e, err, "cannot tell the container of the process: %s", strerror(-err));
		return EXIT_EXEC_FAILED;
	}
	if (creator >= 0 && !v->spec.terminal)
		apart_forget_stdio(v->preserve);
	int status = supervise_visit(w.link, &ops, out_signal, e);
	/* What the host process of the container says has runc's one status. */
	return e->msg[0] && (status == 0 || status == EXIT_CONFIG) ? EXIT_EXEC_FAILED : status;
}

int visit_here(struct visit *v, struct error *e)
{
	int sig;
	if (v->pid_file && pid_file_write(v->pid_file, getpid(), e) < 0)
		return EXIT_EXEC_FAILED;
	return visit(v, -1, &sig, e);
}

static int let_go(const struct visit *v, int creator)
{
	int keep[PRESERVE_MAX + 5];
	size_t n = 0;
	for (unsigned i = 0; i < v->preserve; i++)
		keep[n++] = 3 + (int)i;
	keep[n++] = v->target->link.fd;
	keep[n++] = v->target->dir.fd;
	keep[n++] = creator;
	if (v->console > 2)
		keep[n++] = v->console;
	if (global_options.log_fd > 2)
		keep[n++] = global_options.log_fd;
	return apart_let_go(keep, n);
}

static char **copy_strings(char *const *list)
{
	size_t n = 0;
	while (list[n])
		n++;
	char **out = calloc(n + 1, sizeof *out);
	for (size_t i = 0; out && i < n; i++)
		out[i] = strdup(list[i]);
	return out;
}

/* The title is written over what the command line held. */
static int keep_strings(struct visit *v)
{
	v->spec.argv = copy_strings(v->spec.argv);
	v->spec.envp = copy_strings(v->spec.envp);
	v->spec.cwd = strdup(v->spec.cwd);
	return v->spec.argv && v->spec.envp && v->spec.cwd ? 0 : -ENOMEM;
}

static void visit_main(void *arg, int creator)
{
	struct visit v = *(const struct visit *)arg;
	struct error e = {.msg = ""};
	int sig = 0, status = EXIT_EXEC_FAILED;
	int err = keep_strings(&v);
	autofree char *id = strdup(v.target->dir.id);
	if (err == 0 && id) {
		apart_begin("vedette process", id, v.spec.argv);
		err = let_go(&v, creator);
	}
	if (err == 0 && v.console >= 0)
		err = console_take(v.console);
	if (err < 0)
		error_set(&e, err, "cannot prepare the host process: %s", strerror(-err));
	else
		status = visit(&v, creator, &sig, &e);
	apart_end(creator, status, sig, &e);
}

int visit_apart(struct visit *v, struct error *e)
{
	int creator;
	pid_t pid = apart_fork(visit_main, v, &creator, e);
	if (pid < 0)
		return EXIT_EXEC_FAILED;
	int status = apart_await(creator, e);
	if (status == 0 && v->pid_file && pid_file_write(v->pid_file, pid, e) < 0)
		status = EXIT_EXEC_FAILED;
	if (status == 0)
		control_tell(creator, CONTROL_GO, 0);
	close(creator);
	if (status)
		waitpid(pid, NULL, 0);
	return status;
}
