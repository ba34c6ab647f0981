/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "oci/life/create.h"
#include "oci/life/hooks.h"
#include "platform/base/cleanup.h"

enum { TASKS_MAX = 30000 };

static void set_start(struct sandbox *s, const struct spec *spec, const struct start_options *o)
{
	s->spec.release = o->kernel;
	s->spec.task_limit = o->tasks;
	limits_of(&spec->resources, &s->spec.limits);
	uint64_t pids = s->spec.limits.pids_max;
	if (!o->tasks && pids > BOOT_TASKS)
		s->spec.task_limit = pids < TASKS_MAX ? (unsigned)pids : TASKS_MAX;
	s->trace = &o->trace;
}

/* A `run' in the foreground that was killed: nobody will ask for its state or delete it. */
static bool abandoned(const char *id)
{
	struct target t;
	struct error e;
	bool yes = target_open(id, /*locked=*/true, &t, &e) == 0 && t.state.attached &&
		   t.status == STATE_STOPPED &&
		   group_remove_all(&t.dir, /*kill=*/false, &e) == 0 &&
		   state_remove(&t.dir, &e) == 0;
	target_close(&t);
	return yes;
}

static int make_dir(struct making *m, const char *id, struct error *e)
{
	int err = state_make(id, &m->dir, e);
	if (err == -EEXIST && abandoned(id)) {
		state_close(&m->dir);
		e->msg[0] = '\0';
		err = state_make(id, &m->dir, e);
	}
	m->made = err == 0;
	return err;
}

int making_begin(struct making *m, const struct create_options *o, struct error *e)
{
	*m = (struct making){.dir = {.root = -1, .fd = -1}};
	if (o->place.listen + o->place.preserve > PRESERVE_MAX) {
		error_set(e, -EMFILE, "LISTEN_FDS and --preserve-fds are more than %d together",
			  PRESERVE_MAX);
		return EXIT_CONFIG;
	}
	if (state_check_id(o->id, e) < 0 ||
	    bundle_open(&m->bundle, o->bundle, o->config, o->overlay, e) < 0 ||
	    make_dir(m, o->id, e) < 0 ||
	    pod_find(&m->pod, &m->bundle.spec, o->id, e) < 0 ||
	    group_plan(&m->group, &m->dir, &m->bundle.spec, o->start.limits, e) < 0)
		return EXIT_CONFIG;
	if (o->starts && !*m->bundle.spec.process.args) {
		error_set(e, -EINVAL, "%s: process: is missing", m->bundle.file);
		return EXIT_CONFIG;
	}
	m->log_dir = o->log_dir;
	set_start(&m->bundle.sandbox, &m->bundle.spec, &o->start);
	m->bundle.sandbox.preserve = o->place.listen + o->place.preserve;
	return 0;
}

static json_t *timestamp(void)
{
	struct timespec now;
	struct tm tm;
	char date[32], text[64];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof text, "%s.%09ldZ", date, now.tv_nsec);
	return json_string(text);
}

static int set_path(json_t *j, const char *key, const char *dir, const char *path)
{
	char whole[PATH_MAX * 2], real[PATH_MAX];
	snprintf(whole, sizeof whole, "%s%s%s", *path == '/' ? "" : dir, *path == '/' ? "" : "/",
		 path);
	return json_object_set_new(j, key, json_string(realpath(whole, real) ? real : whole));
}

/* The bundle may be gone, or another one, when `exec' wants to know. */
static int write_config(const struct making *m)
{
	int fd = openat(m->dir.fd, "config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return -errno;
	int err = json_dumpf(m->bundle.spec.reader.root, f, JSON_COMPACT);
	return fclose(f) != 0 || err < 0 ? -EIO : 0;
}

int making_tell(struct making *m, pid_t pid, bool attached, struct error *e)
{
	const struct spec *spec = &m->bundle.spec;
	json_t *config = spec->reader.root, *j = json_object(), *v;
	int err = json_object_set_new(j, "ociVersion", json_string(spec->version)) |
		  json_object_set_new(j, "id", json_string(m->dir.id)) |
		  json_object_set_new(j, "pid", json_integer(pid)) |
		  json_object_set_new(j, "attached", json_boolean(attached)) |
		  json_object_set_new(j, "created", timestamp()) |
		  set_path(j, "bundle", ".", m->bundle.dir);
	if (err == 0)
		err = set_path(j, "rootfs", json_string_value(json_object_get(j, "bundle")),
			       spec->root.path);
	if (err == 0 && m->log_dir) {
		autofree char *name = NULL;
		if (asprintf(&name, "%s/%s.log", m->log_dir, m->dir.id) < 0)
			name = NULL;
		err = name ? set_path(j, "log", ".", name) : -1;
	}
	char *overlay = overlay_text(&m->bundle.overlay);
	if (err == 0)
		err = overlay ? json_object_set_new(j, "overlay", json_string(overlay)) : -1;
	free(overlay);
	if (err == 0 && m->pod.sandbox)
		err = json_object_set_new(j, "sandbox", json_string(m->pod.sandbox));
	if (err == 0 && (v = json_object_get(config, "annotations")))
		err = json_object_set(j, "annotations", v);
	if (err == 0 && (v = json_object_get(config, "hooks")))
		err = json_object_set(j, "hooks", v);
	if (err != 0) {
		json_decref(j);
		return error_set(e, -ENOMEM, "out of memory");
	}
	if (write_config(m) < 0) {
		json_decref(j);
		return error_set(e, -EIO, "cannot write the state of container %s", m->dir.id);
	}
	m->state = json_incref(j);
	return state_write(&m->dir, j, e);
}

void making_poststop(const struct making *m)
{
	const struct target t = {.dir = m->dir, .state = {.json = m->state}};
	if (m->state)
		hooks_try(&t, STATE_STOPPED, "poststop");
}

void making_unlock(struct making *m)
{
	flock(m->dir.fd, LOCK_UN);
}

void making_close(struct making *m)
{
	struct error e;
	group_leave(&m->group);
	if (m->made) {
		if (group_remove_all(&m->dir, /*kill=*/false, &e) != -EBUSY)
			state_remove(&m->dir, &e);
	}
	group_free(&m->group);
	pod_free(&m->pod);
	json_decref(m->state);
	state_close(&m->dir);
	bundle_close(&m->bundle);
}
