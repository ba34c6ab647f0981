/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the sentry what changes outside: an inotify queue that both hold.
 *
 * The sentry reads it, and can do nothing else with it; only here directories
 * are added, and only such as a request may reach.  The kernel forgets a watch
 * with its directory.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

/* Each pins a directory in the host's memory; those that are gone count too. */
enum { WATCHES_MAX = 1 << 20 };

enum {
	EVENTS = IN_ATTRIB | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		 IN_MOVE_SELF | IN_DELETE_SELF | IN_EXCL_UNLINK | IN_ONLYDIR
};

int gofer_op_NOTIFY(struct worker *w)
{
	if (w->s->inotify < 0)
		return -ENOSYS;
	gofer_reply_fd(w, w->s->inotify);
	w->keep_fd = true;
	return 0;
}

int gofer_op_WATCH(struct worker *w)
{
	autoclose int fd = -1;
	struct gofer_attr attr;
	if (w->s->inotify < 0)
		return -ENOSYS;
	int err = pin_object(w, w->path, /*change=*/false, &fd, &attr);
	if (err == 0)
		err = S_ISDIR(attr.mode) ? pin_allowed(w, fd, &attr) : -ENOTDIR;
	if (err < 0)
		return err;
	if (__atomic_fetch_add(&w->s->watches, 1, __ATOMIC_RELAXED) >= WATCHES_MAX)
		return -ENOSPC;
	int wd = inotify_add_watch(w->s->inotify, pin_name(fd).text, EVENTS);
	if (wd < 0)
		return -errno;
	w->rep.total = (uint64_t)wd;
	return 0;
}
