/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/host.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "oci/cgroup/enter.h"
#include "oci/life/apart.h"
#include "oci/life/console.h"
#include "oci/life/join.h"
#include "oci/life/link.h"
#include "oci/life/namespaces.h"
#include "oci/life/server.h"
#include "oci/life/view.h"
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
	int err = group_enter(h->group, h->dir, &b->spec, &b->sandbox.spec, e);
	return err < 0 ? err : namespaces_enter(&b->spec, &b->sandbox.spec, e);
}

static int join(const struct host *h, const struct sandbox *s, struct sandbox_procs *out,
		struct error *e)
{
	struct zygote_link zygote;
	if (zygote_make(&zygote, h->dir, h->pod->sandbox, &h->group->cgroup, h->group->must, e) < 0)
		return EXIT_CONFIG;
	int status = join_start(s, h->dir, h->pod, &zygote, out, e);
	if (zygote.fd >= 0)
		close(zygote.fd);
	return status;
}

static int serve(struct host *h, int alive, int listener, int *out_signal, struct error *e)
{
	struct sandbox *s = &h->bundle->sandbox;
	struct sandbox_procs procs;
	struct server server;
	bool joins = h->pod->sandbox != NULL;
	s->hold = true;
	s->apart = h->alone;
	s->alive_fd = alive;
	s->spec.id = h->dir->id;
	int status = joins ? join(h, s, &procs, e) : sandbox_start(s, &procs, e);
	group_started(h->group);
	if (status)
		return status;
	/* A terminal is looked at later on. */
	if (h->alone && !s->spec.terminal)
		apart_forget_stdio(s->preserve);
	server_begin(&server, listener, h->creator, &procs);
	server.e = e;
	if (h->alone)
		server.bundle = h->bundle;
	if (!h->hold)
		server_start(&server);
	status = joins ? supervise_member(&procs, &server.ops, out_signal, e)
		       : supervise(&procs, &server.ops, out_signal, e);
	server_end(&server, status, e);
	/* From inside the view its group is not seen: then all of it stays, for delete. */
	if (server.over && (server.host < 0 || view_leave(server.host) == 0)) {
		struct error ignored;
		group_leave(h->group);
		/* While somebody is in its group the state stays, for delete: else nobody knew of it. */
		if (group_remove_all(h->dir, /*kill=*/false, &ignored) != -EBUSY)
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
	autofree int *keep = malloc((2 * b->nroots + PRESERVE_MAX + 6) * sizeof *keep);
	size_t n = 0;
	if (!keep)
		return -ENOMEM;
	for (size_t i = 0; i < b->nroots; i++) {
		keep[n++] = b->roots[i].fd;
		if (b->roots[i].layered)
			keep[n++] = b->roots[i].lower_fd;
	}
	for (unsigned i = 0; i < b->sandbox.preserve; i++)
		keep[n++] = 3 + (int)i;
	keep[n++] = h->dir->fd;
	keep[n++] = h->dir->root;
	keep[n++] = h->creator;
	if (h->console > 2)
		keep[n++] = h->console;
	if (b->sandbox.trace->fd > 2)
		keep[n++] = b->sandbox.trace->fd;
	if (global_options.log_fd > 2)
		keep[n++] = global_options.log_fd;
	return apart_let_go(keep, n);
}

/* The title is written over what the command line held. */
static void keep_strings(struct host *h, struct state_dir *dir)
{
	struct boot_spec *s = &h->bundle->sandbox.spec;
	*dir = *h->dir;
	dir->id = strdup(dir->id);
	h->dir = dir;
	if (s->release)
		s->release = strdup(s->release);
}

static void host_main(void *arg, int creator)
{
	struct host h = *(const struct host *)arg;
	struct error e = {.msg = ""};
	struct state_dir dir;
	int sig = 0, status = EXIT_INTERNAL;
	h.creator = creator;
	h.alone = true;
	keep_strings(&h, &dir);
	apart_begin("vedette container", dir.id, h.bundle->sandbox.spec.argv);
	int err = let_go(&h);
	if (err < 0)
		error_set(&e, err, "cannot close descriptors: %s", strerror(-err));
	else if (h.console >= 0 && (err = console_take(h.console)) < 0)
		error_set(&e, err, "cannot take the terminal: %s", strerror(-err));
	else
		status = host_run(&h, &sig, &e);
	apart_end(creator, status, sig, &e);
}

pid_t host_fork(const struct host *h, int *out_creator, struct error *e)
{
	return apart_fork(host_main, (void *)(uintptr_t)h, out_creator, e);
}
