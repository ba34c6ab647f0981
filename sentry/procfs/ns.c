/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/ns: namespaces(7). */
#include <errno.h>

#include "sentry/procfs/pid.h"
#include "sentry/task/nsfs.h"
#include "sentry/vfs/namei.h"

static int ns_follow(const struct proc_look *at, enum ns_kind kind, struct path *out)
{
	struct task *by = task_current();
	struct ns *ns;

	if (!by)
		return -EACCES;
	int err = task_ns_get(at->task, kind, &ns);
	if (err < 0)
		return -ENOENT;
	err = nsfs_path(ns, task_cred_self(by), out);
	ns_put(ns);
	return err;
}

static int pid_for_children_follow(const struct proc_look *at, struct path *out)
{
	struct task *by = task_current();
	struct ns *ns;

	int err = by ? task_pid_ns_children(at->task, &ns) : -EACCES;
	if (err < 0)
		return err == -EACCES ? err : -ENOENT;
	err = nsfs_path(ns, task_cred_self(by), out);
	ns_put(ns);
	return err;
}

#define FOLLOW(name, kind)                                                                         \
	static int name##_follow(const struct proc_look *at, struct path *out)                     \
	{                                                                                          \
		return ns_follow(at, kind, out);                                                   \
	}
FOLLOW(cgroup, NS_CGROUP)
FOLLOW(ipc, NS_IPC)
FOLLOW(mnt, NS_MNT)
FOLLOW(net, NS_NET)
FOLLOW(pid, NS_PID)
FOLLOW(time, NS_TIME)
FOLLOW(user, NS_USER)
FOLLOW(uts, NS_UTS)

static const struct proc_entry ns_entries[] = {
	PROC_LINK("net", .follow = net_follow),
	PROC_LINK("uts", .follow = uts_follow),
	PROC_LINK("ipc", .follow = ipc_follow),
	PROC_LINK("pid", .follow = pid_follow),
	PROC_LINK("pid_for_children", .follow = pid_for_children_follow),
	PROC_LINK("user", .follow = user_follow),
	PROC_LINK("mnt", .follow = mnt_follow),
	PROC_LINK("cgroup", .follow = cgroup_follow),
	PROC_LINK("time", .follow = time_follow),
	PROC_LINK("time_for_children", .follow = time_follow),
};

const struct proc_table proc_ns_table = PROC_TABLE(ns_entries, IDS_NS);
