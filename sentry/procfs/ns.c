/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/ns: namespaces(7).
 *
 * There is one namespace of each kind, the first, and it has the number that
 * Linux gives to the first.
 */
#include "sentry/cred/cred.h"
#include "sentry/procfs/pid.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"

struct ns_kind {
	const char *label;
	uint64_t ino;
};

enum { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS };

static const struct ns_kind kinds[] = {
	[NS_CGROUP] = {"cgroup:", 4026531835}, [NS_IPC] = {"ipc:", 4026531839},
	[NS_MNT] = {"mnt:", 4026531841},       [NS_NET] = {"net:", 4026531840},
	[NS_PID] = {"pid:", 4026531836},       [NS_TIME] = {"time:", 4026531834},
	[NS_USER] = {"user:", 4026531837},     [NS_UTS] = {"uts:", 4026531838},
};

static const struct file_ops ns_file_ops = {
	.read = file_noread,
	.write = file_nowrite,
	.seek = file_noseek,
	.poll = file_alwaysready,
	.ioctl = file_noioctl,
	.mmap = file_nommap,
	.readdir = file_noreaddir,
	.fsync = file_nofsync,
	.fallocate = file_nofallocate,
	.setflags = file_okflags,
	.flush = file_noflush,
	.release = file_norelease,
};

static int ns_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		   struct file **out)
{
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EPERM;
	return file_new(&ns_file_ops, FILE_INODE, NULL, path, inode_get(i), cred, flags, out);
}

static const struct inode_ops ns_inode_ops = {
	.lookup = inode_nolookup,
	.create = inode_nocreate,
	.link = inode_nolink,
	.unlink = inode_nounlink,
	.rename = inode_norename,
	.readlink = inode_noreadlink,
	.follow = inode_nofollow,
	.setattr = inode_nosetattr,
	.getattr = inode_getattr,
	.open = ns_open,
	.getxattr = inode_nogetxattr,
	.setxattr = inode_nosetxattr,
	.removexattr = inode_noremovexattr,
	.listxattr = inode_nolistxattr,
	.evict = inode_noevict,
};

/* A nameless file lends the path that objects without a name have. */
static int ns_follow(unsigned kind, struct path *out)
{
	struct task *by = task_current();
	struct inode *i;
	struct file *f;

	if (!by)
		return -EACCES;
	int err = inode_new_anon(&ns_inode_ops, S_IFREG | 0444, kinds[kind].label, NULL, &i);
	if (err < 0)
		return err;
	i->ino = kinds[kind].ino; /* nobody else has seen it yet */
	err = file_new(&ns_file_ops, FILE_INODE, NULL, (struct path){NULL, NULL}, i,
		       task_cred_self(by), O_RDONLY, &f);
	if (err < 0)
		return err;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

#define FOLLOW(name, kind)                                                                         \
	static int name##_follow(const struct proc_look *at, struct path *out)                     \
	{                                                                                          \
		(void)at;                                                                          \
		return ns_follow(kind, out);                                                       \
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
	PROC_LINK("pid_for_children", .follow = pid_follow),
	PROC_LINK("user", .follow = user_follow),
	PROC_LINK("mnt", .follow = mnt_follow),
	PROC_LINK("cgroup", .follow = cgroup_follow),
	PROC_LINK("time", .follow = time_follow),
	PROC_LINK("time_for_children", .follow = time_follow),
};

const struct proc_table proc_ns_table = PROC_TABLE(ns_entries, IDS_NS);
