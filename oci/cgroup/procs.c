/* SPDX-License-Identifier: Apache-2.0 */
/* The processes in a group: listed, killed, frozen. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "oci/cgroup/find.h"
#include "oci/cgroup/private.h"
#include "platform/base/cleanup.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { KILL_WAIT_MS = 10000, STEP_MS = 2, FREEZE_WAIT_MS = 10000 };

static void moment(void)
{
	const struct timespec t = {0, STEP_MS * 1000000};
	nanosleep(&t, NULL);
}

/* Hosts before 5.3 have no pidfds: there, kill(2) says whether it is still there. */
bool process_wait(pid_t pid, int ms)
{
	autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd >= 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		return poll(&p, 1, ms) > 0;
	}
	if (errno == ESRCH)
		return true;
	for (; ms > 0; ms -= STEP_MS) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		moment();
	}
	return false;
}

int group_pids(const char *dir, pid_t **out, size_t *out_count)
{
	autofree char *text = NULL;
	int err = group_read(dir, "cgroup.procs", &text);
	if (err < 0)
		return err;
	pid_t *pids = calloc(strlen(text) / 2 + 1, sizeof *pids);
	if (!pids)
		return -ENOMEM;
	size_t n = 0;
	for (char *p = text, *end; *p; p = end + (*end == '\n')) {
		pid_t pid = (pid_t)strtol(p, &end, 10);
		if (end == p)
			break;
		if (pid > 0)
			pids[n++] = pid;
	}
	*out = pids;
	*out_count = n;
	return 0;
}

/* Any directory lists them all. */
static const char *any_dir(const struct cgroup *c)
{
	const char *dir = cgroup_path(c, "memory");
	if (!dir)
		dir = cgroup_path(c, "pids");
	return dir ? dir : c->count ? c->dirs[0].path : NULL;
}

int cgroup_pids(const struct cgroup *c, pid_t **out, size_t *out_count)
{
	const char *dir = any_dir(c);
	*out = NULL;
	*out_count = 0;
	return dir ? group_pids(dir, out, out_count) : 0;
}

/* Those of other pid namespaces too, which have no number here, and those of groups below. */
static size_t count_all(const char *path, int depth)
{
	autofree char *text = NULL;
	size_t n = 0;
	if (group_read(path, "cgroup.procs", &text) == 0)
		for (const char *p = text; *p; p++)
			n += *p == '\n';
	DIR *dir = depth < 32 ? opendir(path) : NULL;
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char child[CGROUP_PATH_MAX];
		if (d->d_type == DT_DIR && d->d_name[0] != '.' &&
		    snprintf(child, sizeof child, "%s/%s", path, d->d_name) < (int)sizeof child)
			n += count_all(child, depth + 1);
	}
	if (dir)
		closedir(dir);
	return n;
}

static bool is_frozen(const char *dir, const char *file, const char *word)
{
	autofree char *text = NULL;
	return dir && group_read(dir, file, &text) == 0 && strstr(text, word);
}

int cgroup_check_free(const struct cgroup *c, struct error *e)
{
	for (size_t i = 0; i < c->count; i++) {
		size_t n = count_all(c->dirs[i].path, 0);
		if (n)
			return error_set(e, -EBUSY,
					 "the container's cgroup is not empty: %zu process%s in %s", n,
					 n == 1 ? " is" : "es are", c->dirs[i].path);
	}
	const char *dir = c->v2 ? any_dir(c) : c->freezer;
	if (c->v2 ? is_frozen(dir, "cgroup.events", "frozen 1")
		  : is_frozen(dir, "freezer.state", "FR"))
		return error_set(e, -EBUSY,
				 "the container's cgroup unexpectedly frozen: thaw %s, or name another one",
				 dir);
	return 0;
}

/* How many were there to be killed. */
static size_t kill_once(const char *dir, pid_t except, int *left_ms)
{
	autofree pid_t *pids = NULL;
	size_t n = 0, killed = 0;
	if (group_pids(dir, &pids, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (pids[i] != except && kill(pids[i], SIGKILL) == 0)
			killed++;
	for (size_t i = 0; i<n && * left_ms> 0; i++)
		if (pids[i] != except && !process_wait(pids[i], *left_ms))
			*left_ms = 0;
	return killed;
}

/* What forks meanwhile is met in the next round: nothing that was killed forks again. */
int cgroup_kill(const struct cgroup *c, pid_t except)
{
	const char *dir = any_dir(c);
	int left = KILL_WAIT_MS;
	if (!dir)
		return 0;
	while (kill_once(dir, except, &left) > 0)
		if (--left <= 0)
			return -ETIMEDOUT;
	return 0;
}

/* ---- freezing ---- */

/* The group that is frozen lies in the freezer's hierarchy, or (v2) below the container's. */
static int freezer_path(const struct cgroup *c, char *out, size_t size)
{
	autofree struct hierarchies *h = NULL;
	const char *dir = any_dir(c);
	if (!dir)
		return -ENOENT;
	if (c->v2) {
		snprintf(out, size, "%s/vedette.frozen", dir);
		return 0;
	}
	h = malloc(sizeof *h);
	const struct hierarchy *f =
		h && hierarchies_find(h) == 0 ? hierarchy_of(h, "freezer") : NULL;
	if (!f)
		return -ENOENT;
	/* One level, so that nothing above it has to be made; the whole path makes the name. */
	uint64_t hash = 0xcbf29ce484222325;
	for (const char *p = dir; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	int n = snprintf(out, size, "%s%s/vedette-%016llx", f->mount,
			 strcmp(f->own, "/") ? f->own : "", (unsigned long long)hash);
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int gather(const char *from, const char *to, pid_t except)
{
	for (size_t moved = 1; moved;) {
		autofree pid_t *pids = NULL;
		autofree pid_t *there = NULL;
		size_t n = 0, nthere = 0;
		char text[16];
		int err = group_pids(from, &pids, &n);
		if (err == 0)
			err = group_pids(to, &there, &nthere);
		if (err < 0)
			return err;
		moved = 0;
		for (size_t i = 0; i < n; i++) {
			bool is = pids[i] == except;
			for (size_t j = 0; j < nthere && !is; j++)
				is = there[j] == pids[i];
			if (is)
				continue;
			snprintf(text, sizeof text, "%d", (int)pids[i]);
			err = group_write(to, "cgroup.procs", text);
			if (err < 0 && err != -ESRCH)
				return err;
			moved += err == 0;
		}
	}
	return 0;
}

/* v1 tells nobody: reading the state is what makes it go on. */
static int frozen_wait(const char *dir, bool v2)
{
	for (int left = FREEZE_WAIT_MS; left > 0; left -= STEP_MS) {
		autofree char *text = NULL;
		int err = group_read(dir, v2 ? "cgroup.events" : "freezer.state", &text);
		if (err < 0)
			return err;
		if (strstr(text, v2 ? "frozen 1" : "FROZEN"))
			return 0;
		moment();
	}
	return -ETIMEDOUT;
}

static int thaw(const struct cgroup *c, const char *dir)
{
	int err = c->v2 ? group_write(dir, "cgroup.freeze", "0")
			: group_write(dir, "freezer.state", "THAWED");
	return err == -ENOENT ? 0 : err;
}

static int freeze_now(const struct cgroup *c, const char *dir, pid_t except)
{
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	int err = gather(any_dir(c), dir, except);
	if (err == 0)
		err = c->v2 ? group_write(dir, "cgroup.freeze", "1")
			    : group_write(dir, "freezer.state", "FROZEN");
	if (err == 0)
		err = frozen_wait(dir, c->v2);
	if (err < 0)
		thaw(c, dir);
	return err;
}

/* Processes go back where they were, so that the freezer's group is gone again. */
static int thaw_now(const struct cgroup *c, const char *dir)
{
	char home[CGROUP_PATH_MAX];
	int err = thaw(c, dir);
	if (err < 0)
		return err;
	snprintf(home, sizeof home, "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	gather(dir, c->v2 ? any_dir(c) : home, 0);
	rmdir(dir);
	return 0;
}

/* Killed processes of v1 end only when they go on. */
void freezer_remove(const struct cgroup *c, int *left_ms)
{
	char dir[CGROUP_PATH_MAX + 256];
	if (c->v2 || freezer_path(c, dir, sizeof dir) < 0 || access(dir, F_OK) < 0)
		return;
	thaw(c, dir);
	group_remove(dir, left_ms);
}

int cgroup_freeze(const struct cgroup *c, bool freeze, pid_t except, struct error *e)
{
	char dir[CGROUP_PATH_MAX + 256];
	int err = freezer_path(c, dir, sizeof dir);
	if (err == 0)
		err = freeze ? freeze_now(c, dir, except) : thaw_now(c, dir);
	if (err < 0)
		error_set(e, err, "cannot %s the container's cgroup: %s",
			  freeze ? "freeze" : "thaw",
			  err == -ENOENT ? "the host has no freezer for it" : strerror(-err));
	return err;
}
