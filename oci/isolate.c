/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/isolate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { NOBODY = 65534 };
static const unsigned long WITHOUT_USER =
	CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

static pid_t fork_into(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static int proc_write(pid_t pid, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* One id each: 0 inside is `uid` and `gid` outside. */
static int map_ids(pid_t pid, unsigned uid, unsigned gid, bool deny_setgroups)
{
	char text[32];
	int err = deny_setgroups ? proc_write(pid, "setgroups", "deny") : 0;
	if (err < 0 && err != -ENOENT) /* the file is younger than the rule: 3.19 */
		return err;
	snprintf(text, sizeof text, "0 %u 1", uid);
	if ((err = proc_write(pid, "uid_map", text)) < 0)
		return err;
	snprintf(text, sizeof text, "0 %u 1", gid);
	return proc_write(pid, "gid_map", text);
}

static int map_sentry(pid_t pid)
{
	if (geteuid() == 0 && map_ids(pid, NOBODY, NOBODY, /*deny_setgroups=*/false) == 0)
		return 0;
	return map_ids(pid, geteuid(), getegid(), /*deny_setgroups=*/true);
}

static pid_t fork_user(struct isolation *out)
{
	int status;
	pid_t pid = fork_into(WITHOUT_USER | CLONE_NEWUSER);
	if (pid == 0)
		return 0;
	if (pid > 0 && map_sentry(pid) == 0) {
		*out = (struct isolation){WITHOUT_USER | CLONE_NEWUSER, true};
		return pid;
	}
	/* A namespace whose ids mean nothing is worse than none. */
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, __WALL);
	}
	return -1;
}

pid_t isolate_sentry(struct isolation *out)
{
	static const unsigned long less[] = {
		WITHOUT_USER,
		CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
		CLONE_NEWPID | CLONE_NEWNS,
		0,
	};
	pid_t pid = fork_user(out);
	for (size_t i = 0; pid < 0 && i < ARRAY_SIZE(less); i++) {
		pid = fork_into(less[i]);
		*out = (struct isolation){less[i], false};
	}
	return pid;
}

pid_t isolate_gofer(void)
{
	pid_t pid = fork_into(CLONE_NEWPID | CLONE_NEWIPC);
	return pid >= 0 ? pid : fork_into(0);
}

/* Its own map may forbid setgroups: then the caller's groups stay, and are those of an overflow id.
 */
int isolate_become(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_listed(const int *keep, size_t n)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;
	for (struct dirent *d; (d = readdir(dir));) {
		int fd = atoi(d->d_name);
		bool kept = d->d_name[0] == '.' || fd <= 2 || fd == dirfd(dir);
		for (size_t i = 0; i < n && !kept; i++)
			kept = fd == keep[i];
		if (!kept)
			close(fd);
	}
	closedir(dir);
	return 0;
}

int isolate_close(const int *keep, size_t n)
{
	autofree int *sorted = malloc((n + 1) * sizeof *sorted);
	unsigned from = 3;
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, keep, n * sizeof *keep);
	qsort(sorted, n, sizeof *sorted, compare_ints);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] < (int)from)
			continue;
		if (sorted[i] > (int)from &&
		    syscall(SYS_close_range, from, (unsigned)sorted[i] - 1, 0) < 0)
			return close_listed(keep, n);
		from = (unsigned)sorted[i] + 1;
	}
	return syscall(SYS_close_range, from, ~0u, 0) < 0 ? close_listed(keep, n) : 0;
}

const char *isolate_names(unsigned long flags, char *buf, size_t size)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} all[] = {
		{CLONE_NEWUSER, "user"}, {CLONE_NEWPID, "pid"}, {CLONE_NEWNS, "mount"},
		{CLONE_NEWNET, "net"},	 {CLONE_NEWIPC, "ipc"}, {CLONE_NEWUTS, "uts"},
	};
	size_t n = 0;
	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(all) && n < size; i++)
		if (flags & all[i].flag)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
					      all[i].name);
	return buf;
}
