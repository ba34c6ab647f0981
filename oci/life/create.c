/* SPDX-License-Identifier: Apache-2.0 */
/* vedette create: a container that waits for `start'. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/life/apart.h"
#include "oci/life/console.h"
#include "oci/life/create.h"
#include "oci/life/hooks.h"
#include "platform/base/cleanup.h"

static int finish(struct making *m, const struct create_options *o, pid_t pid, int creator,
		  struct error *e)
{
	if (making_tell(m, pid, /*attached=*/false, e) < 0)
		return EXIT_CONFIG;
	int status = apart_await(creator, e);
	if (status)
		return status;
	if (hooks_create(&m->dir, e) < 0)
		return EXIT_CONFIG;
	if (o->place.pid_file && pid_file_write(o->place.pid_file, pid, e) < 0)
		return EXIT_CONFIG;
	making_unlock(m);
	int err = control_tell(creator, CONTROL_GO, 0);
	if (err < 0) {
		error_set(e, err, "the container ended while it was created");
		return EXIT_CONFIG;
	}
	m->made = false;
	return 0;
}

static int create_made(struct making *m, const struct create_options *o, struct error *e)
{
	const struct spec_process *p = &m->bundle.spec.process;
	autoclose int console = -1;
	int creator;
	if (console_check(o->place.console_socket, p->terminal, /*detached=*/true, e) < 0)
		return EXIT_CONFIG;
	if (o->place.console_socket &&
	    (console = console_open(o->place.console_socket, p->console_rows, p->console_columns, e)) < 0)
		return EXIT_CONFIG;
	struct host h = {.bundle = &m->bundle,
			 .dir = &m->dir,
			 .group = &m->group,
			 .pod = &m->pod,
			 .console = console,
			 .hold = true};
	pid_t pid = host_fork(&h, &creator, e);
	if (pid < 0)
		return EXIT_CONFIG;
	int status = finish(m, o, pid, creator, e);
	close(creator);
	/* It ends as soon as it sees that we have gone, and then nothing is left. */
	if (status) {
		waitpid(pid, NULL, 0);
		making_poststop(m);
	}
	return status;
}

int create_container(const struct create_options *o, struct error *e)
{
	struct making m;
	int status = making_begin(&m, o, e);
	if (status == 0)
		status = create_made(&m, o, e);
	making_close(&m);
	return status;
}

int command_create(int argc, char **argv, struct error *e)
{
	static const struct argp_child children[] = {{.argp = &create_argp}, {0}};
	static const struct argp parser = {
		.children = children,
		.args_doc = "ID",
		.doc = "Create the container ID from an OCI bundle, up to its program, which "
		       "waits for `vedette start'.",
	};
	struct create_options o;
	create_options_init(&o);
	/* An engine gives each container a root of its own, and looks there for what it changed. */
	o.overlay.kind = OVERLAY_NONE;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	/* runc has one status for all failures of its own. */
	return create_container(&o, e) ? EXIT_CONFIG : 0;
}
