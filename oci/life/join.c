/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/join.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/life/link.h"
#include "oci/life/member.h"
#include "oci/life/pack.h"
#include "oci/life/pack_container.h"
#include "oci/supervise.h"
#include "oci/terminal.h"
#include "platform/base/cleanup.h"

int join_connect(const struct state_dir *own, const char *id, struct link *out,
		 pid_t *out_sandbox, struct error *e)
{
	const struct control_msg state = {.kind = CONTROL_STATE};
	struct control_msg reply;
	struct state_dir d = {.id = id, .root = own->root};
	*out = (struct link){.fd = -1};
	d.fd = openat(own->root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err = d.fd < 0 ? -errno : link_connect(&d, out);
	if (d.fd >= 0)
		close(d.fd);
	if (err < 0)
		return error_set(e, err, "no connection to the sandbox %s: %s", id, strerror(-err));
	err = link_ask(out, &state, &reply, e);
	*out_sandbox = (pid_t)reply.sandbox;
	return err;
}

static void describe(struct boot_spec *spec, const struct sandbox *s, const struct pod *pod,
		     struct stdio *again, struct boot_stdio *more)
{
	struct inherited_signals sigs;
	*spec = s->spec;
	terminal_save();
	supervise_begin(&sigs);
	spec->sig_ignored = sigs.ignored;
	spec->sig_blocked = sigs.blocked;
	spec->away = spec->terminal && terminal_away();
	stdio_reopen(again);
	stdio_describe(again, spec->stdio);
	for (unsigned i = 0; i < s->preserve; i++)
		stdio_look(3 + (int)i, &more[i]);
	spec->more = more;
	spec->nmore = s->preserve;
	memcpy(spec->join, pod->join, sizeof spec->join);
}

/* What else comes with its descriptions. */
struct parts {
	int alive, conns[GOFER_CONNS];
	const struct zygote_link *zygote;
};

static int ask(int link, const struct boot_spec *spec, int process, int container,
	       const struct parts *p)
{
	struct control_msg m = {.kind = CONTROL_JOIN, .sig = p->zygote->pid};
	/* The connection itself is the first where they arrive. */
	size_t n = MEMBER_CONNS - 1 + GOFER_CONNS;
	/* Where there is no zygote something else has its place. */
	int zygote = p->zygote->pid ? p->zygote->fd : p->alive;
	int fds[MEMBER_CONNS + GOFER_CONNS + USAGE_FILES + STDIO + PRESERVE_MAX] = {
		process, container, p->alive, zygote};
	memcpy(fds + MEMBER_CONNS - 1, p->conns, sizeof p->conns);
	/* Only of a group that all its processes are in. */
	for (int i = 0; p->zygote->pid && i < USAGE_FILES; i++)
		if (spec->usage->fd[i] >= 0) {
			m.foreground |= 1u << i;
			fds[n++] = spec->usage->fd[i];
		}
	return control_send_fds(link, &m, fds, n + pack_fds(spec, fds + n));
}

static int hand_over(const struct boot_spec *spec, int link, int dir, const struct parts *p,
		     struct error *e)
{
	autoclose int process = pack_write(spec, dir);
	autoclose int container = process < 0 ? -1 : pack_container_write(spec, dir);
	int err = process < 0 ? process : container < 0 ? container : 0;
	if (err == 0)
		err = ask(link, spec, process, container, p);
	return err < 0 ? error_set(e, err, "cannot tell the sandbox of the container: %s",
				   strerror(-err))
		       : 0;
}

int join_start(const struct sandbox *s, const struct state_dir *own, const struct pod *pod,
	       const struct zygote_link *zygote, struct sandbox_procs *out, struct error *e)
{
	struct boot_stdio more[PRESERVE_MAX];
	struct boot_spec spec;
	struct stdio again;
	struct link link;
	pid_t gofer = -1;
	struct parts parts = {.alive = s->alive_fd, .zygote = zygote};
	*out = (struct sandbox_procs){.control = -1};
	if (sandbox_score(s, e) < 0)
		return EXIT_CONFIG;
	if (join_connect(own, pod->sandbox, &link, &out->sandbox, e) < 0) {
		link_close(&link);
		return EXIT_CONFIG;
	}
	describe(&spec, s, pod, &again, more);
	int status = sandbox_gofer(s, parts.conns, &gofer, e);
	if (status == 0) {
		if (hand_over(&spec, link.fd, own->fd, &parts, e) < 0)
			status = EXIT_INTERNAL;
		for (int i = 0; i < GOFER_CONNS; i++)
			close(parts.conns[i]);
	}
	stdio_close(&again);
	if (status && gofer > 0) {
		kill(gofer, SIGKILL);
		waitpid(gofer, NULL, __WALL);
	}
	if (status) {
		link_close(&link);
		return status;
	}
	out->gofer = gofer;
	out->control = link.fd;
	return 0;
}
