/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/log.h"

/* An empty, read-only tmpfs becomes the root: no path leads anywhere. */
static void empty_root(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=0") < 0 ||
	    chdir("/proc") < 0 || chroot(".") < 0) {
		log_info("no empty root for the sentry: its filter alone keeps it from files");
		return;
	}
	if (chdir("/") < 0)
		log_info("cannot enter the empty root");
}

static int drop_caps(void)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{0}};
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int confine_sentry(void)
{
	empty_root();
	int err = drop_caps();
	if (err == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	/* Dropping capabilities clears it, and a non-dumpable tracer's children could not be seized. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return err;
}
