/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/life/group.h"
#include "oci/sandbox.h"
#include "platform/base/cleanup.h"

static int look(struct target *t, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_STATE};
	struct control_msg reply;
	int err = link_connect(&t->dir, &t->link);
	if (err == -ECONNREFUSED) {
		t->status = STATE_STOPPED;
		return 0;
	}
	if (err < 0)
		return error_set(e, err, "no connection to the host process of container %s: %s",
				 t->dir.id, strerror(-err));
	err = link_ask(&t->link, &m, &reply, e);
	if (err == -EPIPE) {
		t->status = STATE_STOPPED;
		e->msg[0] = '\0';
		return 0;
	}
	if (err == 0) {
		t->status = (enum state_status)reply.sig;
		t->inside = reply.foreground & PAUSE_INSIDE;
	}
	return err;
}

int target_open(const char *id, bool locked, struct target *out, struct error *e)
{
	*out = (struct target){.link = {.fd = -1}, .status = STATE_STOPPED};
	int err = state_open(id, locked, &out->dir, e);
	if (err == 0)
		err = state_read(&out->dir, &out->state, e);
	return err < 0 ? err : look(out, e);
}

void target_close(struct target *t)
{
	link_close(&t->link);
	state_free(&t->state);
	state_close(&t->dir);
}

int target_ask(const struct target *t, const struct control_msg *m, struct error *e)
{
	struct control_msg reply;
	if (t->link.fd < 0 || t->status == STATE_STOPPED)
		return error_set(e, -ESRCH, "container not running");
	return link_ask(&t->link, m, &reply, e);
}

/* Not of the specification, but what people ask next when a container has ended. */
static void set_oom_kills(const struct target *t, json_t *out)
{
	struct group g;
	int64_t kills = group_load(&g, &t->dir) == 0 ? cgroup_oom_kills(&g.cgroup) : 0;
	if (kills > 0)
		json_object_set_new(out, "oomKills", json_integer(kills));
	group_free(&g);
}

json_t *target_json(const struct target *t)
{
	static const char *const copied[] = {"ociVersion", "id",    "bundle",	  "rootfs",
					     "created",	   "owner", "annotations"};
	json_t *out = json_object();
	for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
		json_t *v = json_object_get(t->state.json, copied[i]);
		if (v)
			json_object_set(out, copied[i], v);
	}
	set_oom_kills(t, out);
	int pid = t->status == STATE_STOPPED ? 0 : t->state.pid;
	json_object_set_new(out, "pid", json_integer(pid));
	json_object_set_new(out, "status", json_string(state_name(t->status)));
	return out;
}

error_t id_argument(int key, char *arg, struct argp_state *state, const char **out)
{
	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one container ID, not also '%s'", arg);
		*out = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no container ID given: %s ID", state->name);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int pid_file_write(const char *path, pid_t pid, struct error *e)
{
	autofree char *part = NULL;
	if (asprintf(&part, "%s.%d", path, (int)getpid()) < 0) {
		part = NULL;
		return error_set(e, -ENOMEM, "out of memory");
	}
	autoclose int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int err = fd < 0 || dprintf(fd, "%d", (int)pid) < 0 || rename(part, path) < 0 ? -errno : 0;
	if (err < 0 && fd >= 0)
		unlink(part);
	return err < 0 ? error_set(e, err, "cannot write the pid file %s: %s", path, strerror(-err))
		       : 0;
}
