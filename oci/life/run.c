/* SPDX-License-Identifier: Apache-2.0 */
/* vedette run: create and start in one; in the foreground, delete too. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/control.h"
#include "oci/life/apart.h"
#include "oci/life/console.h"
#include "oci/life/create.h"
#include "oci/life/hooks.h"
#include "oci/life/relay.h"
#include "oci/log/writer.h"

enum { OPT_KEEP = 512, OPT_LOG_DIR, OPT_LOG_SIZE };

static const struct argp_option options[] = {
	{"detach", 'd', NULL, 0, "Return when the program runs", 0},
	{"keep", OPT_KEEP, NULL, 0, "Leave the state of the ended container to `delete'", 0},
	{"log-dir", OPT_LOG_DIR, "DIR", 0,
	 "With --detach: write what the container writes to DIR/ID.log, in the CRI's format", 0},
	{"log-size", OPT_LOG_SIZE, "SIZE", 0,
	 "Bytes of one file (K, M, G), of which five are kept (default: 10M)", 0},
	{0},
};

static uint64_t parse_size(const char *arg, struct argp_state *state)
{
	static const char units[] = "KMG";
	char *end;
	errno = 0;
	uint64_t size = strtoull(arg, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (errno || end == arg || *arg == '-' || (*end && (!unit || end[1])) ||
	    size > (uint64_t)INT64_MAX >> shift || size << shift < 4096)
		argp_error(state, "--log-size is a number of bytes, at least 4K, not '%s'", arg);
	return size << shift;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct create_options *o = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = o;
		return 0;
	case 'd':
		o->detach = true;
		return 0;
	case OPT_KEEP:
		o->keep = true;
		return 0;
	case OPT_LOG_DIR:
		o->log_dir = arg;
		return 0;
	case OPT_LOG_SIZE:
		o->log_size = parse_size(arg, state);
		return 0;
	case ARGP_KEY_END:
		if (o->log_dir && !o->detach)
			argp_error(state, "--log-dir goes with --detach");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &create_argp}, {0}};

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "ID",
	.doc = "Run the container that an OCI bundle describes, under the name ID.\v"
	       "Exit status: the container's; 128 + N if it died of signal N; 127 if its program "
	       "was not found, 126 if it could not be run, 1 for a bad configuration or if the "
	       "sandbox failed, 2 for a wrong command line.",
};

/*
 * What `create' and `start' do around the sandbox, which is this one's parent's: its hooks wait for
 * answers that the parent gives.
 */
static void starter_main(void *arg, int creator)
{
	struct making *m = arg;
	struct error e = {.msg = ""};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (apart_await(creator, &e) != 0)
		_exit(EXIT_CONFIG); /* the parent knows why */
	int err = hooks_create(&m->dir, &e);
	if (err == 0)
		err = hooks_run(&m->dir, STATE_CREATED, "startContainer", &e);
	making_unlock(m);
	if (err < 0)
		apart_end(creator, EXIT_CONFIG, /*sig=*/0, &e);
	control_tell(creator, CONTROL_GO, 0);
	_exit(start_container(m->dir.id, /*hooked=*/true, &e));
}

static int run_hooked(struct making *m, struct host *h, int *out_signal, bool keep, struct error *e)
{
	pid_t starter = apart_fork(starter_main, m, &h->creator, e);
	if (starter < 0)
		return EXIT_CONFIG;
	h->hold = true;
	int status = host_run(h, out_signal, e);
	close(h->creator);
	waitpid(starter, NULL, 0);
	if (!keep)
		making_poststop(m);
	return status;
}

static int run_here(const struct create_options *o, struct error *e)
{
	struct making m;
	int sig, status = making_begin(&m, o, e);
	const struct spec_process *p = &m.bundle.spec.process;
	struct host h = {.bundle = &m.bundle, .dir = &m.dir, .group = &m.group, .pod = &m.pod,
			 .creator = -1, .console = -1};
	if (status == 0 && console_check(o->place.console_socket, p->terminal, /*detached=*/false, e) < 0)
		status = EXIT_CONFIG;
	if (status == 0 && p->terminal && !isatty(0) &&
	    relay_begin(p->console_rows, p->console_columns, e) < 0)
		status = EXIT_CONFIG;
	if (status == 0 && making_tell(&m, getpid(), /*attached=*/true, e) < 0)
		status = EXIT_CONFIG;
	if (status == 0 && o->place.pid_file && pid_file_write(o->place.pid_file, getpid(), e) < 0)
		status = EXIT_CONFIG;
	if (status == 0 && hooks_any(m.bundle.spec.reader.root)) {
		status = run_hooked(&m, &h, &sig, o->keep, e);
		m.made = !o->keep;
	} else if (status == 0) {
		making_unlock(&m);
		status = host_run(&h, &sig, e);
		m.made = !o->keep;
	}
	making_close(&m);
	return status;
}

static int run_detached(const struct create_options *o, struct error *e)
{
	struct error ignored;
	int fds[2];
	if (o->log_dir && (state_check_id(o->id, e) < 0 ||
			   log_attach(o->log_dir, o->id, o->log_size, fds, e) < 0))
		return EXIT_CONFIG;
	int status = create_container(o, e);
	if (o->log_dir)
		log_detach(fds);
	if (status == 0 && (status = start_container(o->id, /*hooked=*/false, e)) != 0)
		delete_container(o->id, /*force=*/true, &ignored);
	return status;
}

int command_run(int argc, char **argv, struct error *e)
{
	struct create_options o;
	create_options_init(&o);
	o.log_size = LOG_SIZE;
	o.starts = true;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	int status = o.detach ? run_detached(&o, e) : run_here(&o, e);
	/* runc has one status for all failures of its own. */
	return status == EXIT_INTERNAL && e->msg[0] ? EXIT_CONFIG : status;
}
