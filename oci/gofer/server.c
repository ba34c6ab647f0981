/* SPDX-License-Identifier: Apache-2.0 */
/* What the gofer knows before it serves: its roots, and what this host can do. */
#include "oci/gofer/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool probe_openat2(void)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

static bool probe_statx(void)
{
	struct statx stx;
	return syscall(SYS_statx, AT_FDCWD, ".", 0, STATX_BASIC_STATS, &stx) == 0 &&
	       (stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS;
}

/* A filter around us may refuse it with any errno: only this one comes from the call itself. */
static bool probe_renameat2(void)
{
	return syscall(SYS_renameat2, -1, "a", -1, "b", 0) < 0 && errno == EBADF;
}

int gofer_open_layers(struct root *r)
{
	enum { FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	r->fd = openat(r->base, "upper", FLAGS);
	r->work = r->fd < 0 ? -1 : openat(r->base, "work", FLAGS);
	return r->work < 0 ? -errno : 0;
}

static int layers_init(struct root *r, int lower)
{
	struct stat st;
	r->layered = true;
	r->base = r->fd;
	r->lower = lower;
	if (fstat(lower, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	r->lower_dev = st.st_dev;
	return gofer_open_layers(r);
}

static int roots_init(struct server *s, const struct gofer_config *cfg)
{
	struct stat st;
	if (cfg->nroots == 0 || cfg->nroots > GOFER_ROOTS_MAX || cfg->nconns == 0)
		return -EINVAL;
	s->roots = calloc(cfg->nroots, sizeof *s->roots);
	if (!s->roots)
		return -ENOMEM;
	s->nroots = cfg->nroots;
	for (size_t i = 0; i < cfg->nroots; i++) {
		if (fstat(cfg->roots[i].fd, &st) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
		s->roots[i] = (struct root){
			.fd = cfg->roots[i].fd,
			.writable = cfg->roots[i].writable,
			.submounts = cfg->roots[i].submounts,
			.propagation = cfg->roots[i].propagation,
			.dev = st.st_dev,
			.base = -1,
			.work = -1,
			.lower = -1,
		};
		int err = cfg->roots[i].layered ? layers_init(&s->roots[i], cfg->roots[i].lower_fd)
						: 0;
		if (err < 0)
			return err;
	}
	return 0;
}

int gofer_init(struct server *s, const struct gofer_config *cfg)
{
	*s = (struct server){
		.uids = cfg->uids,
		.gids = cfg->gids,
		.tmpfs = cfg->tmpfs_fd,
		.confined = cfg->confine,
		.live = (uint32_t)cfg->nconns,
		.pid = getpid(),
	};
	/* Whoever has as many as it may have goes without: names are asked for each time. */
	s->inotify = cfg->watch ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	pthread_mutex_init(&s->layers, NULL);
	int err = roots_init(s, cfg);
	if (err < 0)
		return err;
	if (chdir("/proc/self/fd") < 0)
		return -errno;
	s->has_tmpfile = !cfg->old_host;
	s->has_openat2 = !cfg->old_host && probe_openat2();
	s->has_statx = !cfg->old_host && probe_statx();
	s->has_renameat2 = !cfg->old_host && probe_renameat2();
	return 0;
}

void gofer_fini(struct server *s)
{
	if (s->inotify >= 0)
		close(s->inotify);
	free(s->roots);
	if (s->filter)
		free(s->filter);
}
