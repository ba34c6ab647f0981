/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/log.h"

void confine_begin(void)
{
	static char *nothing[] = {NULL};
	struct rlimit limit = {0, 0};
	setrlimit(RLIMIT_CORE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "vedette-sentry");
	umask(077);
	environ = nothing; /* the strings stay: the container's environment may be among them */
}

/*
 * pivot_root takes along every process of the mount namespace that stands in
 * the old root: the zygote too.  It cannot leave an initramfs; there a chroot
 * has to do, and the zygote's filter.
 */
static int empty_root(void)
{
	static const char *const places[] = {"/proc", "/sys", "/dev", "/tmp"};
	size_t i = 0;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	while (mount("none", places[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     "size=4k,nr_inodes=1") < 0)
		if (++i == sizeof places / sizeof places[0])
			return -errno;
	if (chdir(places[i]) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (umount2(".", MNT_DETACH) < 0)
			return -errno;
	} else if (chroot(".") < 0) {
		return -errno;
	}
	return chdir("/") < 0 ? -errno : 0;
}

static int drop_caps(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{0}};
	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int confine_end(int own_mounts)
{
	int err = own_mounts ? empty_root() : -EPERM;
	if (err < 0) {
		log_info("no empty root for the sentry (%s): its filter alone keeps it from files",
			 strerror(-err));
		if (chdir("/") < 0)
			return -errno;
	}
	if ((err = drop_caps()) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	/* Dropping capabilities clears it, and a non-dumpable tracer's children could not be
	 * seized. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return err;
}
