/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/network.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "platform/base/cleanup.h"
#include "platform/base/log.h"

int network_enter(const struct spec *s, struct error *e)
{
	const struct spec_ns *net = &s->ns[NS_NETWORK];
	if (!net->listed)
		return 0;
	if (!net->path) {
		if (unshare(CLONE_NEWNET) < 0)
			log_info("no network namespace for engines to set up: %s", strerror(errno));
		return 0;
	}
	autoclose int fd = open(net->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(e, -errno,
				 "linux.namespaces: cannot open the network namespace %s: %s",
				 net->path, strerror(errno));
	if (setns(fd, CLONE_NEWNET) < 0) {
		if (errno != EPERM)
			return error_set(
				e, -errno,
				"linux.namespaces: cannot join the network namespace %s: %s",
				net->path, strerror(errno));
		log_info("the network namespace %s is not joined: %s", net->path, strerror(errno));
	}
	return 0;
}
