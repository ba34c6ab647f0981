/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a description of a sandbox to its first process, and to its end: all
 * that oci/ knows of the sentry.  Further containers come and go meanwhile.
 *
 *	boot_init      locks, tables, clocks; single-threaded, before the filter
 *	boot_mounts    the mount tree
 *	boot_create    the first process, up to its execve
 *	boot_go        lets it go on; any thread
 *	boot_start     returns when its program runs
 *	boot_wait      sleeps until it has ended, ends all others; its wait status
 *	boot_limit     other limits for what runs
 *	boot_exec      another process, from outside
 *	boot_pause     all stand still, or go on
 *	boot_changes   what was changed in its root file system
 *	boot_signal, boot_job, boot_watch   what the world outside says to it and
 *	               hears of it; any thread, between boot_create and the end
 *	boot_join      another container, up to its execve: then boot_go, boot_start
 *	boot_zygote    a process that programs of another container start from
 *	boot_part      sleeps until that has ended and is gone; its wait status
 */
#pragma once

#include "platform/base/idmap.h"
#include "sentry/res/limits.h"
#include "sentry/res/usage.h"

struct abi_sock_filter;
struct gofer;

/* As MNT_* of sentry/vfs/mount.h. */
enum {
	BOOT_READONLY = 1, BOOT_NOSUID = 2, BOOT_NODEV = 4, BOOT_NOEXEC = 8,
	BOOT_NOATIME = 16, BOOT_RELATIME = 32, BOOT_NODIRATIME = 64, BOOT_NOSYMFOLLOW = 128,
};

/* A node: a device, or a fifo. */
struct boot_device {
	const char *path;	/* absolute inside the root */
	uint32_t mode;		/* with S_IFCHR, S_IFBLK or S_IFIFO */
	uint32_t major, minor;
	uint32_t uid, gid;
};

/* One mount of the container, in mount order; target absolute inside the root. */
struct boot_mount {
	const char *target;
	const char *type;	/* "bind", "tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue" */
	const char *source;	/* shown in /proc/mounts */
	const char *data;	/* "size=64m,mode=755", or NULL */
	uint32_t flags;		/* BOOT_READONLY, ... */
	unsigned root;		/* bind: the gofer's root */
	/* bind: shared with the host, changes of either side are seen by the other; else in memory */
	bool write_through;
	bool is_file;		/* bind: source is a file, not a directory */
	bool copy_up;		/* tmpfs: it starts with what the directory holds */
	const struct boot_device *device; /* bind: of this, which the sandbox has itself */
};

struct boot_rlimit {
	unsigned which;
	uint64_t soft, hard;
};

/* sched(7); the numbers are Linux'. */
struct boot_sched {
	int policy, rt_priority, nice;
	bool reset_on_fork;
};

/* A standard descriptor, looked at while fcntl and lseek were still allowed. */
struct boot_stdio {
	int fd;			/* -1: /dev/null */
	uint32_t flags;		/* F_GETFL */
	int64_t pos;		/* of regular files */
	bool same;		/* the same open file as the one before */
	bool nonblock;		/* nobody else has this open file, and it is O_NONBLOCK */
};

/* cgroup, ipc, mnt, net, pid, time, user, uts. */
enum { BOOT_NAMESPACES = 8 };

/* Tasks of one sandbox: each costs the host a thread in the sentry and one in a stub. */
enum { BOOT_TASKS = 8192 };

struct boot_spec {
	const char *id;			/* the container's name, or NULL */
	/* The first process. */
	char *const *argv, *const *envp;	/* argv[0] NULL: there is none, boot_start() fails */
	const char *program;	/* NULL: argv[0] */
	const char *cwd;
	uint32_t uid, gid, umask;
	const uint32_t *groups;
	size_t ngroups;
	uint64_t caps_bounding, caps_permitted, caps_effective, caps_inheritable, caps_ambient;
	bool no_new_privs;
	int oom_score_adj;
	uint32_t personality;
	const struct boot_sched *sched;	/* NULL: the default policy */
	const struct abi_sock_filter *seccomp;	/* in force from its first instruction on */
	size_t seccomp_len;		/* 0: none */
	bool seccomp_log;
	const struct boot_rlimit *rlimits;	/* what is not named keeps the default */
	size_t nrlimits;
	uint64_t sig_ignored, sig_blocked;	/* inherited: bit n-1 is signal n */
	struct boot_stdio stdio[3];	/* 0-2; taken over */
	const struct boot_stdio *more;	/* 3 and so on; taken over */
	size_t nmore;
	bool terminal;		/* 0-2 are the controlling terminal of the first process */
	bool away;		/* outside, another job is in its foreground */
	bool as_init;		/* it is pid 1 and answers for orphans; else a hidden reaper does */
	/* Shown; who translates is the gofer.  None: ids are the host's. */
	struct id_map uid_map, gid_map;
	/* Of the first namespaces, in the order of /proc/PID/ns; 0: as on a machine. */
	uint64_t ns_numbers[BOOT_NAMESPACES];
	unsigned ns_new;	/* bits: those that the container does not share with who starts it */
	/* boot_join: the container whose namespace of that kind it shares, NULL: a new one. */
	const char *join[BOOT_NAMESPACES];
	/* The machine. */
	const char *hostname, *domainname;
	const char *release;	/* uname -r; NULL: the default, 6.12 */
	unsigned task_limit;	/* room for tasks, 0: BOOT_TASKS; pids_max may be less */
	struct limits limits;
	const struct usage_files *usage; /* NULL: no cgroup; descriptors are taken over */
	/*
	 * boot_join: where its programs start from, in a cgroup of its own: what boot_zygote() has
	 * made, by the pid it said, and the other end of its socket, taken over.  0: as the first's,
	 * and then there is no usage.
	 */
	int zygote_pid, zygote_fd;
	/* The root: gofer root 0 with memory above, or write_through. */
	struct gofer *gofer;
	bool root_readonly, root_write_through;
	bool root_layered;	/* write_through to a root of two layers */
	const struct boot_mount *mounts;
	size_t nmounts;
	/* Made after the mounts; what is there already by the name gives way. */
	const struct boot_device *devices;
	size_t ndevices;
	/* Settings of /proc/sys: name, value, name, ..., NULL; or NULL. */
	char *const *sysctls;
	/* Covered by nothing, and made read-only, where they exist; NULL-terminated, or NULL. */
	char *const *masked_paths, *const *readonly_paths;
};

/* What went wrong, for the person who started it: filled when a call returns < 0. */
struct boot_error {
	bool exec;	/* boot_create, boot_start: the program is at fault, not the sandbox */
	char text[512];
};

/* A container; the first one is the sandbox's. */
struct boot_container;
extern struct boot_container *const boot_first;

int boot_init(const struct boot_spec *s, struct boot_error *err);
int boot_mounts(const struct boot_spec *s, struct boot_error *err);
/*
 * Returns when argv[0] has been found (in PATH); what boot_go() is needed for has not begun.
 * -ENOENT, -EACCES: what execve would say of it.  *s stays the sandbox's.  Afterwards, and
 * after an error too if the program is at fault, boot_wait() must be called.
 */
int boot_create(const struct boot_spec *s, struct boot_error *err);
void boot_go(struct boot_container *c);
/* -ENOEXEC, ...: what execve said.  0 too if it was killed before it began. */
int boot_start(struct boot_container *c, struct boot_error *err);
/*
 * The wait status of the first process.  Everything of the sandbox is gone afterwards: who is in
 * its pid namespace is killed, other containers are waited for.
 */
int boot_wait(void);
/*
 * After boot_wait: how many kinds of objects are left over, and a line that names them.
 * 0 in release builds, which do not count.
 */
int boot_leaks(struct boot_error *err);
/* After boot_wait: -EIO if the sandbox ended because no new program could be started any more. */
int boot_broken(struct boot_error *err);
/*
 * The container's limits from now on.  Any thread, one at a time.  What is above a
 * new limit stays: tasks end and memory is given back when the guest does so.  Of containers
 * but the first that on tasks is kept, and the others are only shown.
 */
void boot_limit(struct boot_container *c, const struct limits *l);
/*
 * A signal from outside to the container's first process; `foreground`, as a terminal would
 * send it: to the foreground group of the container's terminal, or to the first
 * process' group if it has none.  SIGKILL to the first container is for all of them.
 */
void boot_signal(struct boot_container *c, int sig, bool foreground);
/* To every process of it. */
void boot_signal_all(struct boot_container *c, int sig);
/*
 * Its processes stand still until told to go on, but for those that are killed; any thread.
 * -ETIMEDOUT: a hostile one does not; -ENOMEM; -ESRCH: it has ended.  Then they have gone on.
 */
int boot_pause(struct boot_container *c, bool on);
/*
 * Job control of the shell outside: the terminal's foreground is somebody else (`away'), and
 * nobody there would continue what is stopped (`orphaned').
 */
void boot_job(bool away, bool orphaned);
/*
 * exec.c: another process in the running container, told of by the first part of *s
 * (seccomp is the container's), in a session of its own.  Sleeps until its program runs, or
 * is known not to: -ENOENT, ... as boot_create and boot_start; -ESRCH: the container has ended.
 * *s is not needed afterwards; its descriptors are taken over in any case.
 */
struct boot_exec;
int boot_exec(struct boot_container *c, const struct boot_spec *s, struct boot_exec **out,
	      struct boot_error *err);
/* Sleeps until it has ended: its wait status.  Once, and always: the sandbox' end waits for it. */
int boot_exec_wait(struct boot_exec *x);
/* As boot_signal, any thread. */
void boot_exec_signal(struct boot_exec *x, int sig, bool foreground);
struct boot_exec *boot_exec_get(struct boot_exec *x);
void boot_exec_put(struct boot_exec *x);
/*
 * Another process like that which all programs start from: it says its pid on sock (borrowed), as 8
 * bytes, and ends if the other end is closed.  Any thread.  0 or -errno.
 */
int boot_zygote(int sock);
/*
 * join.c: another container in the sandbox, with a root file system, processes and (unless
 * s->join says otherwise) names and IPC of its own.  As boot_create: returns when argv[0] has
 * been found.  *s must stay until boot_part(); descriptors are taken over in any case.
 * -ESRCH: the sandbox, or a container that it was to share something with, has ended.
 * An error with *out set: boot_part() must be called all the same.
 */
int boot_join(const struct boot_spec *s, struct boot_container **out, struct boot_error *err);
/* Once: its wait status, when none of its processes and mounts is left.  Then boot_parted(). */
int boot_part(struct boot_container *c);
/* What oci/ had to do at its end is done: the sandbox may end.  Gives back the reference. */
void boot_parted(struct boot_container *c);
struct boot_container *boot_container_get(struct boot_container *c);
void boot_container_put(struct boot_container *c);
/*
 * Sleeps until the first process has been stopped by job control: the signal.
 * 0 when it will not happen any more.
 */
int boot_watch(void);
/*
 * changes.c: the changes of a root file system that are in memory, one after the other, while the
 * container runs; with `all' every file.  What came before the end of the container and is not
 * asked for any more is given back: everything is -ESRCH then, and must be closed still.
 * Only for one thread.
 */
struct boot_changes;
struct boot_change {
	const char *path, *name; /* below the root, without a slash in front; its last part */
	bool whiteout;		 /* it is gone; nothing below is filled in */
	bool below;		 /* the lower tree has something of that name */
	uint32_t mode, nlink, uid, gid;
	uint64_t ino, size, rdev;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
};
/* -EOPNOTSUPP: changes do not go to memory; as memfs_changes_new. */
int boot_changes_open(struct boot_container *c, bool all, struct boot_changes **out);
void boot_changes_close(struct boot_changes *c);
/* Sorted, a directory before what is in it: 1, 0 at the end; *out is valid until the next call. */
int boot_changes_next(struct boot_changes *c, struct boot_change *out);
/* Of the one that came last: as listxattr(2), getxattr(2), readlink(2). */
ssize_t boot_changes_listxattr(struct boot_changes *c, char *buf, size_t size);
ssize_t boot_changes_getxattr(struct boot_changes *c, const char *name, void *buf, size_t size);
ssize_t boot_changes_readlink(struct boot_changes *c, char *buf, size_t size);
/* If it is a regular file: it is open until the next one. */
int boot_changes_read_begin(struct boot_changes *c);
ssize_t boot_changes_read(struct boot_changes *c, void *buf, size_t size, uint64_t off);
/* As lseek(2) with SEEK_DATA and SEEK_HOLE; -ENXIO. */
int64_t boot_changes_seek(struct boot_changes *c, uint64_t off, bool data);
