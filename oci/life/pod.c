/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/pod.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/life/ids.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/* In the order of /proc/PID/ns. */
enum { KIND_IPC = 1, KIND_NET = 3, KIND_PID = 4, KIND_UTS = 7 };

static const char *sandbox_of(const struct target *t)
{
	const char *s = json_string_value(json_object_get(t->state.json, "sandbox"));
	return s ? s : t->dir.id;
}

typedef int each_fn(const struct state_dir *d, const struct state *s, void *arg);

static int look_at(const char *id, each_fn *fn, void *arg)
{
	struct state_dir d;
	struct state s;
	struct error ignored;
	int result = 0;
	if (state_open(id, /*locked=*/false, &d, &ignored) == 0) {
		if (state_read(&d, &s, &ignored) == 0)
			result = fn(&d, &s, arg);
		state_free(&s);
	}
	state_close(&d);
	return result;
}

/* Until fn does not return 0: that. */
static int each_container(each_fn *fn, void *arg)
{
	struct error ignored;
	struct ids ids;
	int result = 0;
	ids_read(/*pattern=*/NULL, &ids, &ignored);
	for (size_t i = 0; result == 0 && i < ids.n; i++)
		result = look_at(ids.id[i], fn, arg);
	ids_free(&ids);
	return result;
}

struct by_pid {
	pid_t pid;
	char *id;
};

static int has_pid(const struct state_dir *d, const struct state *s, void *arg)
{
	struct by_pid *by = arg;
	if (s->pid != by->pid)
		return 0;
	by->id = strdup(d->id);
	return 1;
}

/* The container whose host process that is: its ID, malloc'ed, or NULL. */
static char *called(pid_t pid)
{
	struct by_pid by = {.pid = pid};
	each_container(has_pid, &by);
	return by.id;
}

struct of_sandbox {
	const char *sandbox;
	each_fn *fn;
	void *arg;
};

static int is_member(const struct state_dir *d, const struct state *s, void *arg)
{
	const struct of_sandbox *of = arg;
	const char *name = json_string_value(json_object_get(s->json, "sandbox"));
	return name && strcmp(name, of->sandbox) == 0 ? of->fn(d, s, of->arg) : 0;
}

int pod_members(const char *sandbox, each_fn *fn, void *arg)
{
	struct of_sandbox of = {.sandbox = sandbox, .fn = fn, .arg = arg};
	return each_container(is_member, &of);
}

/* The one of a kind that the path of a process leads to, if it is in that sandbox; or NULL. */
static char *member(const char *sandbox, const struct spec_ns *ns, enum spec_ns_type type)
{
	struct target t;
	struct error ignored;
	int pid = spec_ns_pid(ns, type);
	char *id = pid ? called(pid) : NULL;
	if (!id)
		return NULL;
	bool is = target_open(id, /*locked=*/false, &t, &ignored) == 0 &&
		  t.status != STATE_STOPPED && strcmp(sandbox_of(&t), sandbox) == 0;
	target_close(&t);
	if (!is)
		free(STEAL(id));
	return id;
}

/* That namespace of the host is the one that the sandbox' host process is in. */
static bool is_shared(const struct target *t, const struct spec_ns *ns, const char *file)
{
	char ours[64], theirs[64];
	struct stat a, b;
	snprintf(ours, sizeof ours, "/proc/self/ns/%s", file);
	snprintf(theirs, sizeof theirs, "/proc/%d/ns/%s", (int)t->state.pid, file);
	if (ns->listed && !ns->path)
		return false;
	return stat(ns->path ? ns->path : ours, &a) == 0 && stat(theirs, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool same_ids(const struct target *t, const struct spec *s)
{
	static const char *const names[] = {"uidMappings", "gidMappings"};
	json_t *config = NULL;
	bool same = state_get(&t->dir, "config.json", &config) == 0;
	const json_t *theirs = json_object_get(config, "linux");
	const json_t *ours = json_object_get(s->reader.root, "linux");
	for (size_t i = 0; same && i < ARRAY_SIZE(names); i++) {
		json_t *a = json_object_get(theirs, names[i]), *b = json_object_get(ours, names[i]);
		same = json_array_size(a) == 0 ? json_array_size(b) == 0 : json_equal(a, b);
	}
	json_decref(config);
	return same;
}

static void choose_joins(struct pod *p, const struct target *t, const struct spec *s)
{
	const char *id = p->sandbox;
	const struct spec_ns *ipc = &s->ns[NS_IPC];
	p->join[KIND_IPC] = member(id, ipc, NS_IPC);
	/* Of a pod, wherever its engine keeps it; alone the host's would be meant. */
	if (!p->join[KIND_IPC] && s->sandbox && (ipc->path || !ipc->listed))
		p->join[KIND_IPC] = strdup(id);
	if (is_shared(t, &s->ns[NS_NETWORK], "net"))
		p->join[KIND_NET] = strdup(id);
	else
		p->join[KIND_NET] = member(id, &s->ns[NS_NETWORK], NS_NETWORK);
	if (is_shared(t, &s->ns[NS_UTS], "uts"))
		p->join[KIND_UTS] = strdup(id);
	else
		p->join[KIND_UTS] = member(id, &s->ns[NS_UTS], NS_UTS);
}

static int check(const struct target *t, const struct spec *s, struct error *e)
{
	if (t->status == STATE_STOPPED)
		return error_set(e, -ESRCH,
				 "the sandbox that this container belongs to, %s, has ended: start "
				 "that first",
				 t->dir.id);
	if (t->status == STATE_PAUSED)
		return error_set(
			e, -EBUSY,
			"the sandbox that this container belongs to, %s, is paused: resume "
			"that first",
			t->dir.id);
	return same_ids(t, s) ? 0 : -EXDEV;
}

/* 0; -EXDEV: its files' ids are others; -ENOENT: no such container of ours. */
static int join(struct pod *p, const char *id, const struct spec *s, struct error *e)
{
	struct target t;
	int err = target_open(id, /*locked=*/false, &t, e);
	if (err == 0 && strcmp(sandbox_of(&t), id) != 0) {
		autofree char *first = strdup(sandbox_of(&t));
		target_close(&t);
		return first ? join(p, first, s, e) : -ENOMEM;
	}
	if (err == 0)
		err = check(&t, s, e);
	if (err == 0 && !(p->sandbox = strdup(id)))
		err = error_set(e, -ENOMEM, "out of memory");
	if (err == 0)
		choose_joins(p, &t, s);
	target_close(&t);
	return err;
}

static int refuse(const struct spec *s, const char *why, struct error *e)
{
	return error_set(e, -EOPNOTSUPP,
			 "%s: linux.namespaces: joining the pid namespace %s is not supported: %s",
			 s->reader.file, s->ns[NS_PID].path, why);
}

/* Of the container whose processes it is to see. */
static int find_by_pid(struct pod *p, const struct spec *s, struct error *e)
{
	char *id = called(spec_ns_pid(&s->ns[NS_PID], NS_PID));
	if (!id)
		return refuse(s, "it is that of no container of vedette's", e);
	p->join[KIND_PID] = id;
	int err = p->sandbox ? 0 : join(p, id, s, e);
	if (err == -EXDEV)
		return refuse(s, "the containers' uidMappings or gidMappings differ", e);
	if (err < 0)
		return err;
	free(p->join[KIND_PID]);
	p->join[KIND_PID] = member(p->sandbox, &s->ns[NS_PID], NS_PID);
	return p->join[KIND_PID] ? 0 : refuse(s, "it is of another pod, or has ended", e);
}

int pod_find(struct pod *out, const struct spec *s, const char *id, struct error *e)
{
	*out = (struct pod){.sandbox = NULL};
	int err = s->sandbox && strcmp(s->sandbox, id) != 0 ? join(out, s->sandbox, s, e) : 0;
	if (err == -ENOENT || err == -EXDEV) {
		log_info("not in the sandbox of %s: %s", s->sandbox,
			 err == -ENOENT ? "that is no container of vedette's"
					: "ids inside are others there");
		e->msg[0] = '\0';
		err = 0;
	}
	return err == 0 && s->ns[NS_PID].path ? find_by_pid(out, s, e) : err;
}

void pod_free(struct pod *p)
{
	free(STEAL(p->sandbox));
	for (int i = 0; i < BOOT_NAMESPACES; i++)
		free(STEAL(p->join[i]));
}
