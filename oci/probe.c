/* SPDX-License-Identifier: Apache-2.0 */
/* Files, limits and single calls; what needs a child to try on is in probe_child.c. */
#include "oci/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/kver.h"

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { TMPFS_MAGIC = 0x01021994, FILES_WANTED = 4096 };

int probe_kernel(struct finding *f)
{
	struct utsname u;
	uint32_t version;
	if (uname(&u) < 0)
		return -errno;
	snprintf(f->detail, sizeof f->detail, "%.60s %.20s", u.release, u.machine);
	if (strcmp(u.machine, "x86_64") != 0 || kver_parse(u.release, &version) < 0)
		return -ENOSYS;
	return version < KVER(3, 6, 0) ? -ENOSYS : 0;
}

static int try_open(const char *path, int flags)
{
	autoclose int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

int probe_proc(struct finding *f)
{
	(void)f;
	return try_open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
}

int probe_urandom(struct finding *f)
{
	(void)f;
	return try_open("/dev/urandom", O_RDONLY);
}

int probe_memfd(struct finding *f)
{
	(void)f;
	autoclose int fd = (int)syscall(SYS_memfd_create, "vedette", 1 /* MFD_CLOEXEC */);
	return fd < 0 ? -errno : 0;
}

int probe_tmpfs(struct finding *f)
{
	struct statfs fs;
	(void)f;
	if (statfs("/dev/shm", &fs) < 0)
		return -errno;
	if (fs.f_type != TMPFS_MAGIC)
		return -ENODEV;
	return access("/dev/shm", W_OK) < 0 ? -errno : 0;
}

int probe_openat2(struct finding *f)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	(void)f;
	autoclose int fd = (int)syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
	return fd < 0 ? -errno : 0;
}

/* Of descriptors that nobody has. */
int probe_close_range(struct finding *f)
{
	(void)f;
	return syscall(SYS_close_range, 1u << 30, ~0u, 0) < 0 ? -errno : 0;
}

int probe_kcmp(struct finding *f)
{
	(void)f;
	return syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0) < 0 ? -errno : 0;
}

int probe_files(struct finding *f)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	snprintf(f->detail, sizeof f->detail, "at most %llu", (unsigned long long)limit.rlim_max);
	return limit.rlim_max < FILES_WANTED ? -EMFILE : 0;
}

/* The first line of a small file; -errno. */
static int read_line(const char *path, char *buf, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

int probe_yama(struct finding *f)
{
	char line[16];
	if (read_line("/proc/sys/kernel/yama/ptrace_scope", line, sizeof line) < 0) {
		snprintf(f->detail, sizeof f->detail, "no Yama");
		return 0;
	}
	snprintf(f->detail, sizeof f->detail, "%s", line);
	if (line[0] == '3')
		snprintf(f->fix, sizeof f->fix, "ptrace_scope 3 can only be undone by a reboot");
	return line[0] >= '2' ? -EPERM : 0;
}

int probe_cgroup(struct finding *f)
{
	char line[4096];
	bool v1 = false, v2 = false;
	FILE *in = fopen("/proc/self/mountinfo", "re");
	if (!in)
		return -errno;
	while (fgets(line, sizeof line, in)) {
		v1 |= strstr(line, " - cgroup ") != NULL;
		v2 |= strstr(line, " - cgroup2 ") != NULL;
	}
	fclose(in);
	snprintf(f->detail, sizeof f->detail, "%s%s%s", v1 ? "v1" : "", v1 && v2 ? " and " : "",
		 v2 ? "v2" : "");
	return v1 || v2 ? 0 : -ENODEV;
}

int probe_statx(struct finding *f)
{
	char room[256];
	(void)f;
	return syscall(SYS_statx, AT_FDCWD, ".", 0, 0, room) < 0 ? -errno : 0;
}

int probe_renameat2(struct finding *f)
{
	(void)f;
	return syscall(SYS_renameat2, -1, "a", -1, "b", 0) < 0 && errno != EBADF ? -errno : 0;
}

int probe_pidfd(struct finding *f)
{
	(void)f;
	autoclose int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	return fd < 0 ? -errno : 0;
}

int probe_resource(struct finding *f)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	(void)f;
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	return data[0].effective & (1u << CAP_SYS_RESOURCE) ? 0 : -EPERM;
}

/* Our name in /etc/passwd: where ranges of ids are given to users is no other service asked. */
static void own_name(char *out, size_t size)
{
	const struct passwd *pw;
	FILE *in = fopen("/etc/passwd", "re");
	out[0] = '\0';
	while (in && (pw = fgetpwent(in)))
		if (pw->pw_uid == getuid()) {
			snprintf(out, size, "%s", pw->pw_name);
			break;
		}
	if (in)
		fclose(in);
}

/* A line NAME:FIRST:COUNT of this user, by name or number. */
static int subids_in(const char *path)
{
	char line[512], number[16], name[256];
	int err = -ENOENT;
	FILE *in = fopen(path, "re");
	if (!in)
		return -errno;
	own_name(name, sizeof name);
	snprintf(number, sizeof number, "%u", (unsigned)getuid());
	while (fgets(line, sizeof line, in)) {
		line[strcspn(line, ":")] = '\0';
		if (strcmp(line, name) == 0 || strcmp(line, number) == 0)
			err = 0;
	}
	fclose(in);
	return err;
}

int probe_subids(struct finding *f)
{
	if (geteuid() == 0) {
		snprintf(f->detail, sizeof f->detail, "root needs none");
		return 0;
	}
	if (access("/usr/bin/newuidmap", X_OK) < 0)
		return -errno;
	int err = subids_in("/etc/subuid");
	return err < 0 ? err : subids_in("/etc/subgid");
}

int probe_tun(struct finding *f)
{
	(void)f;
	return try_open("/dev/net/tun", O_RDWR);
}
