/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/isolate.h"
#include "oci/life/link.h"
#include "oci/life/network.h"
#include "oci/life/server.h"
#include "oci/life/title.h"
#include "oci/supervise.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/*
 * All that must hold for the container's processes as a whole, before the first of
 * them is forked: what is set here they inherit.
 */
static int set_up(const struct host *h, struct error *e)
{
	struct bundle *b = h->bundle;
	int err = group_enter(h->group, &b->spec, &b->sandbox.spec, e);
	return err < 0 ? err : network_enter(&b->spec, e);
}

static int serve(struct host *h, int alive, int listener, int *out_signal, struct error *e)
{
	struct sandbox *s = &h->bundle->sandbox;
	struct sandbox_procs procs;
	struct server server;
	s->hold = true;
	s->alive_fd = alive;
	int status = sandbox_start(s, &procs, e);
	group_started(h->group);
	if (status)
		return status;
	server_begin(&server, listener, h->creator, &procs);
	if (h->creator >= 0)
		server.bundle = h->bundle;
	if (!h->hold)
		server_start(&server);
	status = supervise(&procs, &server.ops, out_signal, e);
	server_end(&server, status, e);
	if (server.over) {
		struct error ignored;
		group_leave(h->group);
		group_remove_all(h->dir, /*kill=*/false, &ignored);
		state_remove(h->dir, &ignored);
	}
	return status;
}

int host_run(struct host *h, int *out_signal, struct error *e)
{
	*out_signal = 0;
	int err = set_up(h, e);
	if (err < 0)
		return EXIT_CONFIG;
	autoclose int alive = state_alive_take(h->dir);
	autoclose int listener = alive < 0 ? -1 : link_listen(h->dir);
	if (alive < 0 || listener < 0) {
		err = alive < 0 ? alive : listener;
		error_set(e, err, "cannot make the state of container %s: %s", h->dir->id,
			  strerror(-err));
		return EXIT_INTERNAL;
	}
	return serve(h, alive, listener, out_signal, e);
}

/* The caller's descriptors, and its working directory, are not for the life of a container. */
static int let_go(const struct host *h)
{
	const struct bundle *b = h->bundle;
	autofree int *keep = malloc((2 * b->nroots + 5) * sizeof *keep);
	size_t n = 0;
	if (!keep)
		return -ENOMEM;
	for (size_t i = 0; i < b->nroots; i++) {
		keep[n++] = b->roots[i].fd;
		if (b->roots[i].layered)
			keep[n++] = b->roots[i].lower_fd;
	}
	keep[n++] = h->dir->fd;
	keep[n++] = h->dir->root;
	keep[n++] = h->creator;
	if (b->sandbox.trace->fd > 2)
		keep[n++] = b->sandbox.trace->fd;
	if (global_options.log_fd > 2)
		keep[n++] = global_options.log_fd;
	if (chdir("/") < 0)
		return -errno;
	return isolate_close(keep, n);
}

/* Descriptor 2 is the container's from here on. */
static void quieten(void)
{
	if (global_options.log_fd < 0)
		log_setup(-1, LOG_ERROR, 0);
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

/* What the caller ignores or blocks (conmon: SIGPIPE) is not for the container. */
static void forget_signals(void)
{
	sigset_t none;
	for (int sig = 1; sig <= 64; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The title is written over what the command line and the environment held. */
static void keep_strings(struct host *h, struct state_dir *dir)
{
	struct boot_spec *s = &h->bundle->sandbox.spec;
	*dir = *h->dir;
	dir->id = strdup(dir->id);
	h->dir = dir;
	if (s->release)
		s->release = strdup(s->release);
	if (global_options.platform)
		global_options.platform = strdup(global_options.platform);
	title_set("vedette container", dir->id, s->argv);
}

static _Noreturn void host_main(struct host *h)
{
	struct state_dir dir;
	struct error e = {.msg = ""};
	int sig = 0;
	setsid();
	forget_signals();
	quieten();
	keep_strings(h, &dir);
	int err = let_go(h), status = EXIT_INTERNAL;
	if (err < 0)
		error_set(&e, err, "cannot close descriptors: %s", strerror(-err));
	else
		status = host_run(h, &sig, &e);
	if (e.msg[0]) {
		struct control_msg m = {
			.kind = CONTROL_ERROR, .sig = e.err, .foreground = (uint32_t)status};
		memcpy(m.text, e.msg, sizeof m.text);
		if (h->creator < 0 || control_send(h->creator, &m) < 0)
			log_error("%s", e.msg);
	}
	if (sig)
		die_of(sig);
	_exit(status);
}

pid_t host_fork(const struct host *in, int *out_creator, struct error *e)
{
	struct host h = *in;
	int ends[2];
	int err = control_pair(ends);
	if (err < 0)
		return error_set(e, err, "cannot make a socket: %s", strerror(-err));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		h.creator = ends[1];
		host_main(&h);
	}
	err = -errno;
	close(ends[1]);
	if (pid > 0) {
		*out_creator = ends[0];
		return pid;
	}
	close(ends[0]);
	return error_set(e, err, "cannot fork the container's host process: %s (ulimit -u?)",
			 strerror(-err));
}
