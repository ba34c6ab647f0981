/* SPDX-License-Identifier: Apache-2.0 */
/* Making groups, writing their limits, going in, and taking them away. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "oci/cgroup/find.h"
#include "oci/cgroup/private.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

enum { REMOVE_WAIT_MS = 10000, REMOVE_STEP_MS = 5 };

static int group_open(const char *dir, const char *file, int flags)
{
	char path[CGROUP_PATH_MAX + 256];
	int n = snprintf(path, sizeof path, "%s/%s", dir, file);
	if (n < 0 || n >= (int)sizeof path)
		return -ENAMETOOLONG;
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int group_write(const char *dir, const char *file, const char *text)
{
	autoclose int fd = group_open(dir, file, O_WRONLY);
	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int group_read(const char *dir, const char *file, char **out)
{
	char path[CGROUP_PATH_MAX + 256];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	return file_text(path, out);
}

int64_t group_number(const char *dir, const char *file)
{
	autofree char *text = NULL;
	if (group_read(dir, file, &text) < 0 || text[0] < '0' || text[0] > '9')
		return -1;
	return (int64_t)strtoull(text, NULL, 10);
}

/* ---- directories ---- */

/* A new group of v1's cpuset has no CPUs, and then no process may enter: it gets its parent's.  So
 * does one that somebody made for us and left like that: a pod's. */
static void cpuset_inherit(const char *dir)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	char parent[CGROUP_PATH_MAX];
	snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	for (size_t i = 0; i < 2; i++) {
		autofree char *own = NULL, *above = NULL;
		if (group_read(dir, files[i], &own) < 0 || own[strspn(own, " \n")])
			continue;
		if (group_read(parent, files[i], &above) == 0)
			group_write(dir, files[i], above);
	}
}

/* Controllers of v2 are there in a group if its parent hands them on; what it has not, it cannot.
 */
static void hand_on(const char *parent)
{
	autofree char *names = NULL;
	char word[64], *save;
	if (group_read(parent, "cgroup.controllers", &names) < 0)
		return;
	for (char *p = strtok_r(names, " \n", &save); p; p = strtok_r(NULL, " \n", &save)) {
		snprintf(word, sizeof word, "+%s", p);
		group_write(parent, "cgroup.subtree_control", word);
	}
}

/* Each directory from the mount down, as far as it is not there. */
static int make_dirs(const struct cgroup *c, const struct cgroup_dir *d)
{
	char path[CGROUP_PATH_MAX];
	struct stat st;
	size_t n = strlen(d->path);
	if (n >= sizeof path)
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= n; i++) {
		if (d->path[i] && d->path[i] != '/')
			continue;
		memcpy(path, d->path, i);
		path[i] = '\0';
		bool cpuset = controllers_have(d->controllers, "cpuset") && !d->v2;
		if (stat(path, &st) == 0) {
			if (cpuset)
				cpuset_inherit(path);
			continue;
		}
		if (c->v2) {
			char parent[CGROUP_PATH_MAX];
			snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path),
				 path);
			hand_on(parent);
		}
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (cpuset)
			cpuset_inherit(path);
	}
	return 0;
}

/* ---- limits ---- */

static const char *why(int err)
{
	switch (err) {
	case -ENOENT:
		return "the host does not offer it (is the controller enabled?)";
	case -EBUSY:
		return "more is in use than the new limit";
	case -EINVAL:
		return "the host finds the value invalid";
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return "the cgroup is not writable";
	default:
		return strerror(-err);
	}
}

static int write_one(const struct cgroup *c, const struct setting *s)
{
	const char *dir = cgroup_path(c, s->controller);
	if (!dir)
		return -ENOENT;
	int err = group_write(dir, s->file, s->value);
	/* The scheduler that has weights may have another's name, or none. */
	if (err == -ENOENT && strcmp(s->file, "io.weight") == 0)
		err = group_write(dir, "io.bfq.weight", s->value);
	if (err == -ENOENT && strcmp(s->file, "blkio.bfq.weight") == 0)
		err = group_write(dir, "blkio.weight", s->value);
	return err;
}

/*
 * Limits that bound each other (memory and memory with swap, quota and period) have
 * no order that is always right: what fails is tried again after the others.
 */
static int write_all(const struct cgroup *c, const struct settings *s, bool devices,
		     struct error *e)
{
	autofree bool *again = calloc(s->count + 1, sizeof *again);
	if (!again)
		return error_set(e, -ENOMEM, "out of memory");
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < s->count; i++) {
			const struct setting *one = &s->list[i];
			if ((pass && !again[i]) ||
			    (!devices && strcmp(one->controller, "devices") == 0))
				continue;
			int err = write_one(c, one);
			again[i] = err < 0;
			if (err == 0 || pass == 0)
				continue;
			if (one->optional && err == -ENOENT) {
				log_warning("resources.%s is not enforced: %s", one->field,
					    why(err));
				continue;
			}
			return error_set(e, err, "resources.%s: cannot set %s to '%s': %s",
					 one->field, one->file, one->value, why(err));
		}
	}
	return 0;
}

static int translate(const struct cgroup *c, const struct spec_resources *r, struct settings *s,
		     struct error *e)
{
	int err = c->v2 ? settings_v2(r, s, e) : settings_v1(r, s, e);
	return err == -ENOMEM ? error_set(e, err, "out of memory") : err;
}

static int make_all(struct cgroup *c, struct error *e)
{
	int err = 0;
	for (size_t i = 0; i < c->count && err == 0; i++) {
		const struct cgroup_dir *d = &c->dirs[i];
		err = make_dirs(c, d);
		/* What only counts or names, not limits, may be missing. */
		if (err < 0 && !c->v2 && (d->v2 || strncmp(d->controllers, "name=", 5) == 0)) {
			log_debug("no cgroup %s: %s", d->path, strerror(-err));
			err = 0;
		}
		if (err < 0)
			error_set(e, err, "cannot make the cgroup %s: %s", d->path, strerror(-err));
	}
	return err;
}

/* systemd makes those of its own hierarchies, and says where. */
static int make_scope(struct cgroup *c, const struct settings *s, struct error *e)
{
	char path[CGROUP_PATH_MAX];
	int err = scope_start(c->scope, s, c->v2, path, sizeof path, e);
	if (err == 0)
		return group_move(c, path, e);
	/* What is there of that name is somebody else's. */
	cgroup_free(c);
	return err;
}

int cgroup_create(struct cgroup *c, const struct spec_resources *r, struct error *e)
{
	struct settings s;
	int err = translate(c, r, &s, e);
	if (err == 0 && c->scope)
		err = make_scope(c, &s, e);
	else if (err < 0 && c->scope)
		cgroup_free(c);
	if (err == 0)
		err = make_all(c, e);
	if (err == 0)
		err = write_all(c, &s, /*devices=*/true, e);
	settings_free(&s);
	if (err < 0) {
		struct error ignored;
		if (c->scope)
			cgroup_leave(c);
		cgroup_remove(c, &ignored);
	}
	return err;
}

int cgroup_update(const struct cgroup *c, const struct spec_resources *r, struct error *e)
{
	struct settings s;
	int err = translate(c, r, &s, e);
	if (err == 0 && c->scope)
		err = scope_set(c->scope, &s, c->v2, e);
	if (err == 0)
		err = write_all(c, &s, /*devices=*/false, e);
	settings_free(&s);
	return err;
}

/* ---- in and out ---- */

int cgroup_join(const struct cgroup *c, struct error *e)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct cgroup_dir *d = &c->dirs[i];
		int err = group_write(d->path, "cgroup.procs", "0");
		if (err == 0 || (!c->v2 && (d->v2 || strncmp(d->controllers, "name=", 5) == 0)))
			continue;
		cgroup_leave(c);
		return error_set(e, err, "cannot enter the cgroup %s: %s", d->path,
				 err == -ENOSPC ? "its cpuset has no CPUs or no memory nodes"
						: strerror(-err));
	}
	return 0;
}

void cgroup_leave(const struct cgroup *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->dirs[i].home)
			group_write(c->dirs[i].home, "cgroup.procs", "0");
}

/* ---- taking away ---- */

static int remove_tree(const char *path, int depth)
{
	DIR *dir = depth < 32 ? opendir(path) : NULL;
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char child[CGROUP_PATH_MAX];
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		if (snprintf(child, sizeof child, "%s/%s", path, d->d_name) < (int)sizeof child)
			remove_tree(child, depth + 1);
	}
	if (dir)
		closedir(dir);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * A group is busy until the last process in it has ended.  Those are waited for, each
 * by its pidfd; only for the moment between a process' end and its leaving the
 * group does the kernel have no event, and there we look again.
 */
int group_remove(const char *path, int *left_ms)
{
	const struct timespec moment = {0, REMOVE_STEP_MS * 1000000};
	int err;
	while ((err = remove_tree(path, 0)) == -EBUSY && *left_ms > 0) {
		autofree pid_t *pids = NULL;
		size_t n = 0;
		if (group_pids(path, &pids, &n) == 0 && n > 0) {
			if (process_wait(pids[0], *left_ms))
				*left_ms -= 1;
			else
				*left_ms = 0;
			continue;
		}
		nanosleep(&moment, NULL);
		*left_ms -= REMOVE_STEP_MS;
	}
	return err;
}

static bool inside(const struct cgroup *c)
{
	autofree pid_t *pids = NULL;
	size_t n = 0;
	bool is = false;
	if (cgroup_pids(c, &pids, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		is |= pids[i] == getpid();
	return is;
}

int cgroup_remove(const struct cgroup *c, struct error *e)
{
	int left = REMOVE_WAIT_MS, result = 0;
	struct error ignored;
	if (c->scope && inside(c))
		return 0;
	bool there = c->scope && c->count && access(c->dirs[0].path, F_OK) == 0;
	freezer_remove(c, &left);
	for (size_t i = 0; i < c->count; i++) {
		int err = group_remove(c->dirs[i].path, &left);
		if (err < 0 && result == 0)
			result = error_set(
				e, err, "cannot remove the cgroup %s: %s", c->dirs[i].path,
				err == -EBUSY ? "there are processes in it" : strerror(-err));
	}
	/* Its unit goes after its cgroup: the next one of that name is not to meet it. */
	if (there && result == 0 && scope_stop(c->scope, &ignored) < 0)
		log_warning("%s", ignored.msg);
	return result;
}
