/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vedette pause, vedette resume: all processes of a container stand still, and go on.
 *
 * By the freezer of its cgroup, sentry and all; where there is none, or we may not use it, the
 * sentry stops the guest's processes itself.  With the first container of a pod the others stand
 * still too, each in its own cgroup: who computes needs no sentry.
 */
#include <errno.h>

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "oci/life/pod.h"
#include "platform/base/log.h"

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	return id_argument(key, arg, state, state->input);
}

static int freeze_group(const struct state_dir *d, pid_t except, bool on, struct error *e)
{
	struct group g;
	int err = group_load(&g, d);
	if (err < 0 || g.cgroup.count == 0)
		err = error_set(e, -EOPNOTSUPP, "a container without a cgroup has no freezer");
	else
		err = cgroup_freeze(&g.cgroup, on, except, e);
	group_free(&g);
	return err;
}

struct freeze {
	bool on;
	struct error *e;
};

static int freeze_member(const struct state_dir *d, const struct state *s, void *arg)
{
	const struct freeze *f = arg;
	int err = freeze_group(d, s->pid, f->on, f->e);
	/* It has ended, or is in the first's group; or (thawing) all that can goes on. */
	if (err == -ENOENT || err == -EOPNOTSUPP || !f->on)
		err = 0;
	return err;
}

static int freeze(const struct target *t, bool on, struct error *e)
{
	struct error ignored;
	struct freeze f = {.on = on, .e = e}, undo = {.on = false, .e = &ignored};
	if (json_object_get(t->state.json, "sandbox"))
		return error_set(e, -EOPNOTSUPP, "its sandbox is not its own");
	int err = pod_members(t->dir.id, freeze_member, &f);
	if (err == 0) {
		*e = (struct error){.msg = ""};
		err = freeze_group(&t->dir, t->state.pid, on, e);
	}
	if (err < 0 && on)
		pod_members(t->dir.id, freeze_member, &undo);
	return err;
}

void container_thaw(const struct target *t)
{
	struct error e;
	if (t->status == STATE_PAUSED && !t->inside && freeze(t, false, &e) < 0)
		log_warning("%s", e.msg);
}

static int pause_target(const struct target *t, struct error *e)
{
	const struct control_msg on = {.kind = CONTROL_PAUSE}, off = {.kind = CONTROL_RESUME};
	const struct control_msg inside = {.kind = CONTROL_PAUSE, .foreground = PAUSE_INSIDE};
	int err = target_ask(t, &on, e);
	if (err < 0 || freeze(t, true, e) == 0)
		return err;
	log_debug("%s: the sentry stops its processes", e->msg);
	e->msg[0] = '\0';
	err = target_ask(t, &off, e);
	return err < 0 ? err : target_ask(t, &inside, e);
}

static int resume_target(const struct target *t, struct error *e)
{
	const struct control_msg off = {.kind = CONTROL_RESUME};
	if (t->status != STATE_PAUSED)
		return error_set(e, -EINVAL, "container not paused");
	int err = t->inside ? 0 : freeze(t, false, e);
	return err < 0 ? err : target_ask(t, &off, e);
}

static int run(const struct argp *parser, int argc, char **argv,
	       int (*fn)(const struct target *t, struct error *e), struct error *e)
{
	struct target t;
	const char *id;
	if (argp_parse(parser, argc, argv, 0, NULL, &id) != 0)
		return EXIT_USAGE;
	int err = target_open(id, /*locked=*/true, &t, e);
	if (err == 0)
		err = fn(&t, e);
	target_close(&t);
	return err < 0 ? EXIT_CONFIG : 0;
}

int command_pause(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.parser = parse_option,
		.args_doc = "ID",
		.doc = "Stop all processes of the container ID, by the freezer of its cgroup if "
		       "there is one."};
	return run(&parser, argc, argv, pause_target, e);
}

int command_resume(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.parser = parse_option, .args_doc = "ID", .doc = "Let a paused container go on."};
	return run(&parser, argc, argv, resume_target, e);
}
