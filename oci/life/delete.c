/* SPDX-License-Identifier: Apache-2.0 */
/* vedette delete: what is left of a container goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "oci/life/hooks.h"
#include "oci/life/ids.h"

/* How long processes may take that were killed with SIGKILL. */
enum { END_SECONDS = 10 };

struct delete_options {
	const char *id;
	bool force, regex;
};

static const struct argp_option options[] = {
	{"force", 'f', NULL, 0, "Kill it if it runs; a container that is not there is no error", 0},
	{"regex", 'r', NULL, 0, "ID is a regular expression: all in whose ID it is found", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct delete_options *o = state->input;
	if (key == 'f') {
		o->force = true;
		return 0;
	}
	if (key == 'r') {
		o->regex = true;
		return 0;
	}
	return id_argument(key, arg, state, &o->id);
}

/* An orderly end, so that nothing holds the root file system any more; else the hard way. */
static int end(const struct target *t, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_SIGNAL, .sig = 9, .foreground = TO_ALL};
	struct error ignored;
	bool told = t->link.fd >= 0 &&
		    link_ask(&t->link, &m, &(struct control_msg){0}, &ignored) == 0;
	container_thaw(t);
	if (t->link.fd >= 0 && (!told || link_wait(&t->link, END_SECONDS) < 0))
		link_kill(&t->link);
	int err = state_alive_wait(&t->dir, END_SECONDS);
	return err < 0 ? error_set(e, err, "processes of container %s do not end: %s", t->dir.id,
				   strerror(-err))
		       : 0;
}

static int delete_opened(struct target *t, bool force, int err, struct error *e)
{
	if (err < 0 && !(force && t->dir.fd >= 0))
		return err;
	if (err < 0) /* damaged, or its host process does not answer */
		t->status = STATE_RUNNING;
	if (err < 0 && t->link.fd < 0)
		link_connect(&t->dir, &t->link);
	e->msg[0] = '\0';
	if (!force && t->status != STATE_STOPPED && t->status != STATE_CREATED)
		return error_set(e, -EBUSY, "cannot delete container %s that is not stopped: %s",
				 t->dir.id, state_name(t->status));
	if ((err = end(t, e)) < 0)
		return err;
	if ((err = group_remove_all(&t->dir, force, e)) < 0)
		return err;
	hooks_try(t, STATE_STOPPED, "poststop");
	return state_remove(&t->dir, e);
}

int delete_container(const char *id, bool force, struct error *e)
{
	struct target t;
	int err = target_open(id, /*locked=*/true, &t, e);
	if (err == -ENOENT && force && t.dir.fd < 0) {
		e->msg[0] = '\0';
		err = 0;
	} else {
		err = delete_opened(&t, force, err, e);
	}
	target_close(&t);
	return err;
}

static int delete_found(const char *id, void *arg, struct error *e)
{
	const struct delete_options *o = arg;
	return delete_container(id, o->force, e);
}

int command_delete(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.options = options,
		.parser = parse_option,
		.args_doc = "ID",
		.doc = "Remove the container ID, which has stopped, or was never started."};
	struct delete_options o = {.id = NULL};
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int err = o.regex ? ids_each(o.id, delete_found, &o, e) : delete_container(o.id, o.force, e);
	return err < 0 ? EXIT_CONFIG : 0;
}
