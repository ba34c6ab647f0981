/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/who.h"
#include "platform/base/cleanup.h"

/* Longer ones are no file names; a state.json that is larger was not written by us. */
enum { ID_MAX = 255, STATE_MAX = 16 << 20 };

int state_check_id(const char *id, struct error *e)
{
	const char *good = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	if (!*id || id[strspn(id, good)] || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
	    strlen(id) > ID_MAX) {
		error_set(e, -EINVAL,
			  "'%.64s' is no container ID: letters, digits, and _ + - . only, at most %d",
			  id, ID_MAX);
		error_sanitize(e);
		return -EINVAL;
	}
	return 0;
}

static int default_root(char *out, size_t size)
{
	const char *env = getenv("VEDETTE_ROOT"), *run = getenv("XDG_RUNTIME_DIR");
	bool root = caller_is_root();
	int n;
	if (env && *env)
		n = snprintf(out, size, "%s", env);
	else if (!root && run && *run)
		n = snprintf(out, size, "%s/vedette", run);
	else if (root || geteuid() == 0)
		n = snprintf(out, size, "/run/vedette");
	else
		n = snprintf(out, size, "/tmp/vedette-%u", (unsigned)geteuid());
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int make_path(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		int err = mkdir(path, 0711) < 0 && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (err < 0)
			return err;
	}
	return mkdir(path, 0711) < 0 && errno != EEXIST ? -errno : 0;
}

/* In a directory like /tmp somebody else could have made it first. */
static int check_owner(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid != geteuid() || (st.st_mode & 022) ? -EPERM : 0;
}

int state_root(struct error *e)
{
	char path[4096];
	int err = 0;
	if (!global_options.root)
		err = default_root(path, sizeof path);
	else if (snprintf(path, sizeof path, "%s", global_options.root) >= (int)sizeof path)
		err = -ENAMETOOLONG;
	if (err == 0)
		err = make_path(path);
	int fd = err < 0 ? err : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (err == 0 && fd < 0)
		err = -errno;
	if (err == 0 && (err = check_owner(fd)) < 0) {
		close(fd);
		return error_set(e, err,
				 "%s belongs to somebody else, or others may write to it: "
				 "name another directory for states with --root",
				 path);
	}
	if (err < 0)
		return error_set(e, err,
				 "cannot use %s for states: %s (--root names another "
				 "directory)",
				 path, strerror(-err));
	return fd;
}

/* Its name may have been taken away while we waited for the lock. */
static int lock_dir(int fd)
{
	struct stat st;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_nlink == 0 ? -ENOENT : 0;
}

static int open_dir(struct state_dir *d, bool locked)
{
	d->fd = openat(d->root, d->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	return locked ? lock_dir(d->fd) : 0;
}

int state_make(const char *id, struct state_dir *out, struct error *e)
{
	*out = (struct state_dir){.id = id, .root = -1, .fd = -1};
	int err = state_check_id(id, e);
	if (err < 0 || (err = out->root = state_root(e)) < 0)
		return err;
	if (mkdirat(out->root, id, 0700) < 0)
		err = -errno;
	else
		err = open_dir(out, /*locked=*/true);
	if (err == -EEXIST)
		return error_set(e, err,
				 "container with given ID already exists: %s (`vedette "
				 "delete' removes it)",
				 id);
	if (err < 0)
		return error_set(e, err, "cannot make the state of container %s: %s", id,
				 strerror(-err));
	return 0;
}

int state_open(const char *id, bool locked, struct state_dir *out, struct error *e)
{
	*out = (struct state_dir){.id = id, .root = -1, .fd = -1};
	int err = state_check_id(id, e);
	if (err < 0 || (err = out->root = state_root(e)) < 0)
		return err;
	err = open_dir(out, locked);
	if (err == -ENOENT)
		return error_set(e, err, "container does not exist: %s", id);
	if (err < 0)
		return error_set(e, err, "cannot open the state of container %s: %s", id,
				 strerror(-err));
	return 0;
}

void state_close(struct state_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	if (d->root >= 0)
		close(d->root);
	d->fd = d->root = -1;
}

/* Somebody may have made another of that name since. */
static bool is_ours(const struct state_dir *d)
{
	struct stat a, b;
	return fstat(d->fd, &a) == 0 && fstatat(d->root, d->id, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int state_remove(const struct state_dir *d, struct error *e)
{
	static const char *const names[] = {"state.json", "state.json.new", "config.json", "socket",
					    "alive", "exec", "cgroup.json", "cgroup.json.new"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlinkat(d->fd, names[i], 0);
	if (is_ours(d) && unlinkat(d->root, d->id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_set(e, -errno, "cannot remove the state of container %s: %s", d->id,
				 strerror(errno));
	return 0;
}

static int write_whole(int fd, const char *text, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

int state_put(const struct state_dir *d, const char *name, json_t *json, struct error *e)
{
	char fresh[64];
	autofree char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (!text)
		return error_set(e, -ENOMEM, "out of memory");
	snprintf(fresh, sizeof fresh, "%s.new", name);
	autoclose int fd = openat(d->fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : write_whole(fd, text, strlen(text));
	if (err == 0 && renameat(d->fd, fresh, d->fd, name) < 0)
		err = -errno;
	return err < 0 ? error_set(e, err, "cannot write the state of container %s: %s", d->id,
				   strerror(-err))
		       : 0;
}

int state_write(const struct state_dir *d, json_t *json, struct error *e)
{
	return state_put(d, "state.json", json, e);
}

int state_get(const struct state_dir *d, const char *name, json_t **out)
{
	struct stat st;
	json_error_t je;
	autoclose int fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > STATE_MAX)
		return -EINVAL;
	*out = json_loadfd(fd, JSON_REJECT_DUPLICATES, &je);
	return *out ? 0 : -EINVAL;
}

int state_read(const struct state_dir *d, struct state *out, struct error *e)
{
	*out = (struct state){.bundle = ""};
	int err = state_get(d, "state.json", &out->json), pid = 0, attached = 0;
	if (err == 0 && json_unpack(out->json, "{s:s, s:i, s:b}", "bundle", &out->bundle, "pid",
				    &pid, "attached", &attached) < 0) {
		json_decref(STEAL(out->json));
		*out = (struct state){.bundle = ""};
		err = -EINVAL;
	}
	if (err == 0) {
		out->pid = pid;
		out->attached = attached;
		return 0;
	}
	out->json = json_object();
	if (err == -ENOENT)
		return error_set(e, err,
				 "container %s was not created to the end: `vedette delete "
				 "--force %s' removes it",
				 d->id, d->id);
	return error_set(e, err,
			 "the state of container %s is damaged: `vedette delete --force "
			 "%s' removes it",
			 d->id, d->id);
}

void state_free(struct state *s)
{
	json_decref(STEAL(s->json));
}

int state_alive_take(const struct state_dir *d)
{
	int fd = openat(d->fd, "alive", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static void wake(int sig)
{
	(void)sig;
}

int state_alive_wait(const struct state_dir *d, unsigned seconds)
{
	struct sigaction act = {.sa_handler = wake}, old;
	autoclose int fd = openat(d->fd, "alive", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	sigaction(SIGALRM, &act, &old);
	alarm(seconds);
	int err = flock(fd, LOCK_EX) < 0 ? (errno == EINTR ? -ETIMEDOUT : -errno) : 0;
	alarm(0);
	sigaction(SIGALRM, &old, NULL);
	return err;
}

const char *state_name(enum state_status s)
{
	static const char *const names[] = {"creating", "created", "running", "paused", "stopped"};
	return (unsigned)s < sizeof names / sizeof names[0] ? names[s] : "unknown";
}
