/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/* Descriptors of before belong to mounts that mount(2) no longer takes: the path is looked up
 * again. */
static int path_again(int fd, char out[PATH_MAX])
{
	char link[64];
	struct stat was, is;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, out, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	if (fstat(fd, &was) < 0 || stat(out, &is) < 0)
		return -errno;
	return was.st_dev == is.st_dev && was.st_ino == is.st_ino ? 0 : -ESTALE;
}

/* A name inside the root, which is the working directory: its links are not to lead out. */
static int open_inside(const char *name)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof how);
	return fd < 0 ? -errno : fd;
}

static int bind_volume(const struct gofer_root *root, const char *target)
{
	char source[PATH_MAX], at[64];
	autoclose int fd = open_inside(target);
	if (fd < 0)
		return fd;
	int err = path_again(root->fd, source);
	if (err < 0)
		return err;
	snprintf(at, sizeof at, "/proc/self/fd/%d", fd);
	if (mount(source, at, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	if (root->writable)
		return 0;
	autoclose int top = open_inside(target);
	if (top < 0)
		return top;
	snprintf(at, sizeof at, "/proc/self/fd/%d", top);
	return mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0 ? -errno : 0;
}

static void bind_volumes(const struct bundle *b)
{
	const struct boot_spec *s = &b->sandbox.spec;
	for (size_t i = 0; i < s->nmounts; i++) {
		const struct boot_mount *m = &s->mounts[i];
		int err = m->root ? bind_volume(&b->roots[m->root], m->target) : 0;
		if (err < 0)
			log_info("engines do not see the volume %s: %s", m->target, strerror(-err));
	}
}

/* A proc shows the pid namespace of who mounts it: a child of one that entered. */
static _Noreturn void mount_proc(int ns, int dir)
{
	if (fchdir(dir) < 0 || setns(ns, CLONE_NEWPID) < 0)
		_exit(1);
	pid_t pid = fork();
	if (pid == 0) {
		mount("proc", ".", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	_exit(0);
}

static void show_processes(pid_t sentry)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/ns/pid", (int)sentry);
	autoclose int ns = open(name, O_RDONLY | O_CLOEXEC), dir = open_inside("proc");
	pid_t pid = ns < 0 || dir < 0 ? -1 : fork();
	if (pid == 0)
		mount_proc(ns, dir);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int leave_host(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static int enter(const struct bundle *b, pid_t sentry)
{
	char root[PATH_MAX];
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	int err = path_again(b->roots[0].fd, root);
	if (err < 0)
		return err;
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		return -errno;
	bind_volumes(b);
	show_processes(sentry);
	return leave_host();
}

int view_enter(const struct bundle *b, pid_t sentry)
{
	int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = host < 0 ? -errno : enter(b, sentry);
	if (err < 0)
		log_warning("engines that enter the container's mount namespace (podman cp) find "
			    "the host's "
			    "files there, not the container's: %s",
			    strerror(-err));
	if (err < 0 && host >= 0)
		close(host);
	return err < 0 ? -1 : host;
}

int view_leave(int host)
{
	return fchdir(host) < 0 || chroot(".") < 0 ? -errno : 0;
}
