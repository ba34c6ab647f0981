/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals: tty_ioctl(4), termios(3), credentials(7) "sessions".
 *
 * A struct tty is what a session can have as its controlling terminal: the
 * slave side of a pseudoterminal, or the host's terminal behind descriptors
 * 0-2.  Which session and which foreground group it has is the sentry's in
 * both cases; the line discipline is ours for pseudoterminals (ldisc.c) and
 * the host's for its own.
 *
 *	ctty.c   sessions, foreground group, SIGHUP, /dev/tty
 *	ldisc.c  canonical input, echo, signals, output processing
 *	pts.c    numbers and device nodes
 *	pty.c    master, slave and their pairing
 *	devpts.c the file system with the slaves
 *	host.c   the host's terminal
 *
 * Letters: t kernel.tasks_lock · l tty->lock
 */
#pragma once

#include "sentry/task/task.h"
#include "sentry/vfs/file.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/ioctl.h"

enum { TTY_RING = 8192, TTY_LINE = 4096 };

struct ring {
	uint8_t buf[TTY_RING];
	unsigned head, count;
};

struct tty {
	struct ref ref;
	struct lock lock;		/* RANK_TTY */
	int sid, pgrp;			/* t: 0 none */
	struct devpts *pts;		/* I: where it has its number; our reference */
	int index;			/* I: /dev/pts/INDEX */
	uint64_t rdev;			/* I */
	bool away;			/* t: its foreground is none of ours: another job outside */
	bool hung;			/* l: no more input or output, ever */
	/*
	 * Another open file on it, named by path (its node in devpts; taken over on success)
	 * or nameless where that is gone (path.dentry NULL).  No lock held.
	 */
	int (*open)(struct tty *tty, struct path path, const struct cred *cred, uint32_t flags,
		    struct file **out);
	void (*destroy)(struct tty *tty);
};

/* Input as the reader will get it: each byte with what it ends. */
enum { MARK_LINE = 1, MARK_EOF = 2 };

struct pty {
	struct tty tty;
	bool locked;			/* l: TIOCSPTLCK */
	bool master_open, slave_opened;	/* l: slave_opened: at least once */
	unsigned slaves;		/* l: open files on the slave side */
	bool packet;			/* l: TIOCPKT */
	uint8_t packet_status;		/* l */
	bool stopped;			/* l: output held by VSTOP */
	bool literal;			/* l: the next input byte is taken as it is (VLNEXT) */
	unsigned column, line_start;	/* l: of the output; where echo of this line began */
	struct abi_termios2 termios;	/* l */
	struct abi_winsize winsize;	/* l */
	struct ring out;		/* l: slave to master */
	uint8_t in[TTY_LINE], mark[TTY_LINE]; /* l: master to slave */
	unsigned in_count;		/* l */
	unsigned lines;			/* l: MARK_LINE and MARK_EOF entries in it */
	struct waitq master_wq, slave_wq;
};

struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);
void tty_init(struct tty *tty);
/* Another open file on it, for who does not come by its name. */
int tty_open(struct tty *tty, const struct cred *cred, uint32_t flags, struct file **out);

/* The task whose thread this is: operations of files do not get it. */
struct task *tty_current(void);
/*
 * Job control for a read, write or setting by a background process: 0, or
 * -EIO (orphaned), or -ERESTARTSYS after SIGTTIN/SIGTTOU was sent to its group.
 */
int tty_check_change(struct tty *tty, int sig);
bool tty_is_background(struct tty *tty);
/* The foreground group as the guest may know it: 0 if it is none of ours; tasks_lock held. */
int tty_pgrp_locked(const struct tty *tty);
/* An open without O_NOCTTY by a session leader that has no terminal yet. */
void tty_opened(struct tty *tty, uint32_t flags);
/* inode_ops.open of /dev/tty: another file on the caller's own terminal; -ENXIO if it has none. */
int tty_dev_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
		 struct file **out);
/* TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID; -ENOIOCTLCMD for others. */
int64_t tty_job_ioctl(struct tty *tty, const struct ioctl_args *a, bool master);
/* SIGHUP and SIGCONT to the session, which loses its terminal. */
void tty_hangup_session(struct tty *tty);
/* sig to the foreground group. */
void tty_signal(struct tty *tty, int sig);

/* ldisc.c; tty->lock held. */
void ldisc_reset_locked(struct pty *p);
/* One byte typed at the master: false if there is no room and it must be kept. */
bool ldisc_input_locked(struct pty *p, uint8_t c);
/* Output of the slave with OPOST applied: bytes taken, 0 when the master must read first. */
size_t ldisc_output_locked(struct pty *p, const uint8_t *buf, size_t size);
/* What a read of up to size bytes gets; -EAGAIN when it must wait.  *out_eof: an EOF mark. */
ssize_t ldisc_read_locked(struct pty *p, uint8_t *buf, size_t size);
bool ldisc_readable_locked(const struct pty *p);
/* ICANON was switched: what is there becomes a line, or loses its lines. */
void ldisc_mode_changed_locked(struct pty *p, bool was_canonical);
void ldisc_flush_input_locked(struct pty *p);
bool ring_put(struct ring *r, uint8_t c);
unsigned ring_room(const struct ring *r);
size_t ring_get(struct ring *r, uint8_t *buf, size_t size);

/* devpts.c: an instance for each container, which its terminals keep. */
enum { PTS_MAX = 1024 };
struct container;
/* A container's own, before its first process; the first one has it.  -ENOMEM. */
int devpts_begin(struct container *c);
/* Its container has ended: nothing is found there any more. */
void devpts_end(struct container *c);
void devpts_put(struct devpts *d);

/* pts.c: the numbers of terminals. */
/*
 * The lowest free number of the caller's container becomes tty's index and rdev; -ENOSPC.  Then
 * pts_release() gives the number back, devpts_put(tty->pts) the instance.
 */
int pts_claim(struct tty *tty);
void pts_release(struct tty *tty);
/* Drivers of /dev/tty, /dev/ptmx and /dev/pts/N. */
int pts_init(void);

/* pty.c */
int ptmx_open(struct inode *i, struct path path, const struct cred *cred, uint32_t flags,
	      struct file **out);

/* termios.c: ioctls both sides understand; -ENOIOCTLCMD for others. */
int64_t pty_settings_ioctl(struct pty *p, const struct ioctl_args *a, bool master);

/* devpts.c */
int devpts_make(const struct fs_source *s, struct fs **out);
int devpts_add(const struct tty *tty, const struct cred *cred);
void devpts_remove(const struct tty *tty);
/* The path of a slave, referenced; -ENXIO if devpts is not mounted. */
int devpts_path(const struct tty *tty, struct path *out);
/* boot: it has been mounted there, by the caller's container. */
void devpts_mounted(struct mount *m);
/* The caller's container's. */
struct devpts *devpts_here(void);
/* Whose node i is; else the caller's container's. */
struct devpts *devpts_of(const struct inode *i);
struct tty **devpts_lines(struct devpts *d);
struct devpts *devpts_get(struct devpts *d);

/*
 * host.c: terminals of the host that a process was given as its 0-2; the first
 * becomes the controlling one of its session.
 */
struct hosttty;
enum { HOSTTTY_MAX = 3 };
struct hosttty_set {
	struct hosttty *at[HOSTTTY_MAX];	/* I once the process runs, t to empty it; our references */
};
/*
 * If *f is a terminal, it gets a name in devpts, and *f is replaced by a file of that name.
 * The set is filled by one thread, before the process runs.
 */
int hosttty_attach(struct hosttty_set *set, struct task *t, struct file **f);
/* Its name: -ENXIO if there is no such terminal, or no devpts. */
int hosttty_path(const struct hosttty_set *set, struct path *out);
/* The foreground of the host's terminal has become another job outside, or is ours again. */
void hosttty_away(const struct hosttty_set *set, bool away);
/* The process has ended: names are free again; who still has a file keeps it. */
void hosttty_release(struct hosttty_set *set);
/* A signal from outside (SIGINT, SIGWINCH, ...) to its foreground group; false: no host terminal. */
bool hosttty_signal(const struct hosttty_set *set, const struct abi_siginfo *info);
