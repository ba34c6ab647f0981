/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up descriptors and rights before the first request. */
#include "oci/gofer/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

static bool fd_kept(const struct server *s, const struct gofer_config *cfg, int fd)
{
	if (fd == s->tmpfs || fd == s->inotify || (cfg->keep_fd && fd == cfg->keep_fd))
		return true;
	for (size_t i = 0; i < s->nroots; i++)
		if (fd == s->roots[i].fd ||
		    (s->roots[i].layered &&
		     (fd == s->roots[i].base || fd == s->roots[i].work || fd == s->roots[i].lower)))
			return true;
	for (size_t i = 0; i < cfg->nconns; i++)
		if (fd == cfg->conns[i])
			return true;
	return false;
}

/*
 * 0 to 2 are taken by something that cannot be read or written: were they
 * free, a guest's file could become our stderr.
 */
static int stdio_close(const struct server *s, const struct gofer_config *cfg)
{
	autoclose int null = open(".", O_PATH | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		if (fd != null && !fd_kept(s, cfg, fd) && dup3(null, fd, O_CLOEXEC) < 0)
			return -errno;
	if (null <= 2)
		null = -1;
	return 0;
}

/* The working directory is the list of our descriptors. */
int gofer_confine_close(const struct server *s, const struct gofer_config *cfg)
{
	DIR *dir = opendir(".");
	if (!dir)
		return -errno;
	for (struct dirent *e; (e = readdir(dir));) {
		int fd = atoi(e->d_name);
		if (e->d_name[0] != '.' && fd > 2 && fd != dirfd(dir) && !fd_kept(s, cfg, fd))
			close(fd);
	}
	closedir(dir);
	return stdio_close(s, cfg);
}

/* Permitted and effective become what they have in common with `keep`; the rest is emptied. */
static int caps_keep(uint64_t keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

#define CAP_BIT(cap) (1ull << (cap))

int gofer_confine_rights(const struct server *s, bool die_with_parent)
{
	uint64_t keep = CAP_BIT(CAP_DAC_READ_SEARCH);
	for (size_t i = 0; i < s->nroots; i++)
		if (s->roots[i].writable)
			keep |= CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_CHOWN) |
				CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) |
				CAP_BIT(CAP_SETFCAP);
	int err = caps_keep(keep);
	if (err < 0)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	/* The filter ends us with SIGSYS; a file size limit must be an errno, not our end. */
	signal(SIGSYS, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}
