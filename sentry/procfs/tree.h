/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine under /proc, /sys and cgroup2: directories from tables.
 *
 * A *table* lists the fixed names of a directory; a directory may also have
 * names that are *numbers* (processes, threads, descriptors).  Each inode is a
 * struct proc_node: its entry, and whom it is about.  Nothing is cached but
 * names: text is made by entry->show when a file is read from its start.
 *
 * A node about a process holds that group, so a number used again is never
 * taken for the process that had it before; revalidation finds out that it is
 * gone.  Functions of an entry are called without locks, except `find`.
 */
#pragma once

#include "sentry/procfs/text.h"
#include "sentry/task/pidns.h"
#include "sentry/task/task.h"
#include "sentry/vfs/inode.h"

struct proc_entry;

/* inode->priv; constant after creation, but for swept. */
struct proc_node {
	const struct proc_entry *entry;
	uint32_t kind;		/* the entry's id: part of the inode number */
	struct group *group;	/* our reference; NULL: not about a process */
	const struct pid_ns *ns; /* that of the file system: its reference */
	int id;			/* pidns.h: of the thread whose directory this is in */
	bool thread;		/* below task/ */
	int64_t birth;		/* start of that thread, for numbers used again */
	int fd;			/* below fd/ and fdinfo/; another number; else -1 */
	uint64_t swept;		/* directory's lock: names up to this cookie were looked at */
};

/* Whom a file is about, while it is being made. */
struct proc_look {
	const struct proc_node *node;
	struct task *task;	/* NULL: not about a process */
	struct mm *mm;		/* PROC_MM: the memory, NULL if it is gone */
	const struct cred *opener; /* who opened the file: ids are as he calls them; NULL: a link */
	struct user_ns *user_ns;   /* PROC_USERNS */
};

enum {
	PROC_PTRACE = 1,  /* opening needs the right to inspect the process */
	PROC_MM = 2,	  /* ... and is bound to the memory it has then; implies PROC_PTRACE */
	PROC_SYSCTL = 4,  /* not even root opens it for writing unless it has `store` */
	PROC_MOUNTS = 8,  /* poll(2) tells of changes of the mount tree */
	PROC_USERNS = 16, /* about the user namespace that the process was in at open; stored
			   * from the start of the file only */
	PROC_USERNS_ADMIN = 32, /* ... and opened for writing by who owns that */
};

struct proc_numbers {
	const struct proc_entry *entry;	/* of each of them */
	const char *prefix;		/* of the names, "cpu"; NULL: none */
	uint16_t id;			/* IDS_NUMBERS + something unique */
	/* Fills out->group (referenced), id, thread, birth, fd; -ENOENT.  Directory's lock held. */
	int (*find)(const struct proc_node *dir, unsigned nr, struct proc_node *out);
	/* The lowest number >= from, or -1. */
	int (*next)(const struct proc_node *dir, unsigned from);
	/* How many of them are directories, for the link count. */
	unsigned (*dirs)(const struct proc_node *dir);
};

struct proc_table {
	const struct proc_entry *entries;
	unsigned count;
	uint16_t base;		/* ids are base .. base + count - 1: unique over all tables */
};

struct proc_entry {
	const char *name;
	uint32_t mode;		/* S_IF* and permission bits */
	uint32_t flags;		/* PROC_* */
	/* Directories: */
	const struct proc_table *table;		/* or NULL */
	const struct proc_numbers *numbers;	/* or NULL */
	/* Files: 0 or -errno. */
	int (*show)(const struct proc_look *at, struct text *out);
	/* text is NUL-terminated, at most a page; 0 or -errno. */
	int (*store)(const struct proc_look *at, char *text, size_t size);
	/* Who may write it like root, besides root: the mode does not say so; or NULL. */
	bool (*admin)(const struct cred *cred);
	/* ... or all of it: as inode_ops.open. */
	int (*open)(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out);
	/* Symlinks: an ordinary target, or where a magic one leads (referenced). */
	int (*target)(const struct proc_look *at, char *buf, size_t size);
	int (*follow)(const struct proc_look *at, struct path *out);
};

#define PROC_DIR(name_, mode_, ...)  {.name = name_, .mode = S_IFDIR | (mode_), __VA_ARGS__}
#define PROC_FILE(name_, mode_, ...) {.name = name_, .mode = S_IFREG | (mode_), __VA_ARGS__}
#define PROC_LINK(name_, ...)	     {.name = name_, .mode = S_IFLNK | 0777, __VA_ARGS__}
#define PROC_TABLE(array, base_)                                                                   \
	{                                                                                          \
		.entries = array, .count = ARRAY_SIZE(array), .base = base_                        \
	}

/* Ranges of ids, so that no two tables share one.  IDS_NUMBERS itself is that of /proc/PID. */
enum {
	IDS_ROOT = 2, IDS_PID = 100, IDS_TASK = 200, IDS_NS = 300, IDS_NET = 320, IDS_FD = 380,
	IDS_NUMBERS = 390, IDS_SYS = 400, IDS_SYSFS = 600, IDS_CGROUP = 700, IDS_SYSVIPC = 800, IDS_MAX = 1024,
};

/* Who sees which processes, and what else there is: options of proc(5). */
enum { HIDE_NOTHING = 0, HIDE_NOACCESS = 1, HIDE_INVISIBLE = 2, HIDE_PTRACEABLE = 4 };

/* fs->priv */
struct proc_fs {
	struct pid_ns *ns;	/* I  our reference */
	uint32_t hide;		/* a  HIDE_* */
	uint32_t gid;		/* a  to its members nothing is hidden but by HIDE_PTRACEABLE */
	bool subset;		/* a  processes only */
};

static inline struct proc_fs *proc_fs_of(const struct fs *fs)
{
	return fs->priv;
}

/* options.c: changes what data names, or (-EINVAL) nothing; ids are as cred calls them. */
int proc_options_set(struct fs *fs, const char *data, const struct cred *cred);
void proc_options_show(struct fs *fs, char *buf, size_t size);
/* fs_ops.permission: hidden processes, and what of /proc/sys nobody may write. */
int proc_permission(struct inode *i, const struct cred *cred, unsigned may);
/* The process of n is not to be seen by the calling task where `least` hides it. */
bool proc_hidden(const struct fs *fs, const struct proc_node *n, unsigned least);
/* A name of the root directory that subset=pid leaves out. */
bool proc_left_out(const struct fs *fs, const struct proc_node *n);

/*
 * A file system of owner whose root directory is that table, about what the calling task's
 * namespace sees.
 */
int proc_fs_new(const struct fs_ops *ops, const struct proc_entry *root, struct user_ns *owner,
		struct fs **out);
/* fs_ops.bare: a directory that is there to be mounted on. */
bool proc_bare(const struct inode *i);
/* Numbers as that file system shows them: of an id; tasks_lock held. */
static inline int proc_nr_locked(const struct proc_node *n, int id)
{
	return pid_in_locked(n->ns, id);
}
bool proc_revalidate(struct dentry *d);
void proc_fs_destroy(struct fs *fs);

static inline struct proc_node *proc_node_of(const struct inode *i)
{
	return i->priv;
}

/* The task a node is about, referenced; NULL: it is gone (or there is none). */
struct task *proc_task(const struct proc_node *n);
/* The same with tasks_lock held, borrowed. */
struct task *proc_task_locked(const struct proc_node *n);
/* May the calling task inspect t?  0 or -EACCES. */
int proc_may_inspect(struct task *t);
/* Fills the node of a thread's directory from t (tasks_lock held): a reference to its group. */
void proc_node_set_locked(struct proc_node *n, struct task *t, bool thread);

/* Numbers as names: no sign, no leading zeros; -1 if it is none. */
int proc_parse_number(const char *name, size_t size);

/* dir.c, file.c, link.c */
extern const struct inode_ops proc_dir_inode_ops, proc_file_inode_ops, proc_link_inode_ops;
extern const struct file_ops proc_dir_ops;
/* What readlink says of p: as seen from the caller's root.  Length or -ENAMETOOLONG. */
int proc_path_text(const struct path *p, char *buf, size_t size);
/* The inode of a node like that one (copied). */
int proc_inode_new(struct fs *fs, const struct proc_node *like, struct inode **out);
int proc_getattr(struct inode *i, struct kstat *out);
int proc_setattr(struct inode *i, const struct iattr *a);
uint64_t proc_ino(const struct proc_node *n);
void proc_evict(struct inode *i);
