/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/log.h"

/* 1: done; 0: not our right, nothing changes; -errno with *e filled. */
static int enter(const struct spec_ns *ns, enum spec_ns_type type, int flag, struct error *e)
{
	const char *name = spec_ns_names[type];
	if (!ns->path) {
		if (unshare(flag) == 0)
			return 1;
		log_info("no %s namespace for engines to see: %s", name, strerror(errno));
		return 0;
	}
	autoclose int fd = open(ns->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && setns(fd, flag) == 0)
		return 1;
	if (errno != EPERM)
		return error_set(e, -errno, "linux.namespaces: cannot join the %s namespace %s: %s",
				 name, ns->path, strerror(errno));
	log_info("the %s namespace %s is not joined: %s", name, ns->path, strerror(errno));
	return 0;
}

/* The name is the first container's of a pod; the others come to know it here. */
static int uts_enter(const struct spec *s, struct boot_spec *boot, struct error *e)
{
	static char name[65];
	const struct spec_ns *uts = &s->ns[NS_UTS];
	int err = uts->listed ? enter(uts, NS_UTS, CLONE_NEWUTS, e) : 0;
	if (err <= 0)
		return err;
	if (!uts->path && s->hostname)
		err = sethostname(s->hostname, strlen(s->hostname));
	else if (uts->path && !s->hostname && gethostname(name, sizeof name - 1) == 0)
		boot->hostname = name;
	return err < 0 ? error_set(e, -errno, "hostname: %s", strerror(errno)) : 0;
}

/* For who looks at the pid from outside, or joins what it has. */
static int shown_enter(const struct spec *s, enum spec_ns_type type, int flag, struct error *e)
{
	return s->ns[type].listed ? enter(&s->ns[type], type, flag, e) : 0;
}

int namespaces_enter(const struct spec *s, struct boot_spec *boot, struct error *e)
{
	int err = shown_enter(s, NS_NETWORK, CLONE_NEWNET, e);
	if (err >= 0)
		err = uts_enter(s, boot, e);
	if (err >= 0)
		err = shown_enter(s, NS_IPC, CLONE_NEWIPC, e);
	if (err >= 0)
		err = shown_enter(s, NS_CGROUP, CLONE_NEWCGROUP, e);
	return err < 0 ? err : 0;
}
