/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of sentry/boot. */
#pragma once

#include "sentry/boot/boot.h"
#include "sentry/tty/tty.h"
#include "sentry/vfs/mount.h"

struct abi_siginfo;
struct dentry;
struct file;
struct fs;
struct fsctx;
struct task;
struct walk;
struct container;
struct nsset;

/*
 * The parent of the first process, unless that is pid 1: no process, but it
 * stands for the shell that started the sandbox, so that job control works.
 */
extern struct group *boot_outside;	/* our reference, or NULL */

int boot_fail(struct boot_error *e, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* process.c: a process that is started from outside. */
struct boot_process {
	const struct boot_spec *spec;
	struct task *task;
	struct hosttty_set ttys;	/* of its descriptors 0-2 */
	struct boot_error err;		/* filled when a step returns < 0 */
};
enum { PROCESS_NAME = 4096 + 256 };
/* Everything but the program.  -ENOMEM, ...: *out is for task_discard(), if not NULL. */
int process_build(struct boot_container *c, const struct boot_spec *s, struct task **out);
/*
 * The step in which it becomes visible, as a child of parent (NULL: of nobody); with as_init it is
 * number 1.  tasks_lock held.  -EAGAIN; -ESRCH: its pid namespace has ended.
 */
int process_publish_locked(struct task *t, struct group *parent, bool as_init);
/* On its thread: directory, descriptors (taken over in any case); then the program's file. */
int process_find(struct boot_process *b, char *name, struct file **out);
int process_exec(struct boot_process *b, const char *name, struct file *f);
/* Gives descriptors from that number on back, of a process that will not be. */
void process_close(const struct boot_spec *s, int from);
/* Of `found' and `result': not known yet. */
enum { NOT_YET = 1 };

/* What a container has as long as it lives. */
struct boot_container {
	struct ref ref;
	struct list all;	     /* tasks_lock: join.c */
	struct container *container; /* I  our reference, but of the first */
	struct boot_process process; /* its first; task: our reference, until boot_start() */
	struct mount_ns *mounts;     /* I  our reference, until its end */
	struct nsset *set;	     /* I  the same; NULL: the first ones */
	struct fs *root_fs;	     /* I  changes.c: the same, or NULL */
	struct group *main;	     /* tasks_lock: its first process; our reference, until its end */
	bool own_pids;		     /* I  that is number 1 */
	unsigned visitors;	     /* tasks_lock */
	struct waitq wq;
	int found, result; /* a: NOT_YET, then 0 or -errno */
	bool go;	   /* a */
	int killed_by;	   /* a: a signal that ended it before it ran */
};
/* first.c: on the first process' own thread, in task_run's place; arg: the container. */
void container_main(struct task *t, void *arg);
/* Sleeps until container_main() has found the program, or not. */
int container_found(struct boot_container *c, struct boot_error *err);
/* tasks_lock held: its first process is there and has not ended, nor its pid namespace. */
bool container_lives_locked(const struct boot_container *c);
/* attributes.c: of any process that starts from outside; on its own thread. */
int boot_attributes(struct task *t, const struct boot_spec *s, struct boot_error *err);
/* Nothing of the program runs yet: sig ends the first process, or is lost; true. */
bool container_killed(struct boot_container *c, int sig);
/* On the first process' thread, whose namespaces they are of. */
int boot_sysctls(const struct boot_spec *s, struct boot_error *err);
/* A tmpfs from its options; with a gofer it starts with what is below that path of root 0. */
struct boot_tmpfs {
	const char *data;
	uint32_t mode;		/* unless data has one */
	struct gofer *gofer;
	const char *lower;
	const struct cred *cred; /* of who mounts it; NULL: boot */
};
int boot_tmpfs(const struct boot_tmpfs *t, struct fs **out);
/*
 * Makes what a mount point lacks, parents included, as runc does it: images rely on it.  A link
 * that leads nowhere leads into the root, and what it names is made.
 */
int boot_make_target(const struct walk *w, const char *target, bool is_file);
/* The nodes and links of the container's /dev. */
int boot_devices(const struct boot_spec *s, const struct walk *w, struct boot_error *err);
/* A file system that holds this node; *out_node is to be mounted, and put. */
int boot_device_fs(const struct boot_device *d, struct fs **out, struct dentry **out_node);
/* m is /dev, and not the host's. */
bool boot_is_dev(const struct boot_mount *m);
/* mounts.c: the root of its mount namespace; then all the rest, on a thread of its own container. */
int container_root(struct boot_container *c, const struct boot_spec *s, struct boot_error *err);
int container_mounts(struct boot_container *c, const struct boot_spec *s, struct boot_error *err);
/* exec.c: what processes from outside have for a parent. */
extern struct group *boot_host; /* our reference */
int boot_exec_init(void);
void boot_exec_release(void);
struct group *boot_make_group(int tgid);
/* changes.c: root is the container's root file system, whatever becomes of its mounts. */
void boot_changes_of(struct boot_container *c, struct fs *root);
void boot_changes_release(struct boot_container *c);
/* masked_paths and readonly_paths of the description. */
int boot_hide(const struct boot_spec *s, const struct walk *w, struct boot_error *err);
/* File systems and devices by name. */
int boot_register(void);
/* register.c: what lives above memfs: proc, sysfs, devpts, terminals. */
int boot_register_more(void);
/* A bind mount whose changes go to the host, and a root of that kind. */
int boot_bind(struct gofer *g, const struct boot_mount *m, struct fs **out);
int boot_root(const struct boot_spec *s, struct fs **out);
/* If *f is the host's terminal it gets a name, and becomes the controlling one of t's session. */
void boot_terminal(struct hosttty_set *set, struct task *t, struct file **f);
/* /dev/console is that terminal too, as the OCI runtime specification wants it. */
int boot_console(const struct boot_spec *s, const struct hosttty_set *set, struct fsctx *fs);
/*
 * Callers from outside, between boot_enter() and boot_leave(): nothing of the container, or
 * (NULL) of the sandbox, is given back before the last of them has left, and none comes after
 * its end.
 */
bool boot_enter(struct boot_container *c);
void boot_leave(struct boot_container *c);
/* From now on a process whose stub dies ends.  -errno. */
int boot_watch_stubs(void);
/* Gives back zombies, mounts and tables, so that leaks can be counted. */
void boot_release(void);
