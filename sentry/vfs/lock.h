/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File locks: flock(2), fcntl(2) record locks, open file description locks.
 *
 * Owners are only compared: a descriptor table's key (fdtab_owner) for POSIX
 * locks, the struct file for flock and OFD locks.  fd_close and the last
 * file_put release what belongs to them; nobody else needs to.
 */
#pragma once

#include "sentry/vfs/inode.h"

enum { FLK_READ = 0, FLK_WRITE = 1, FLK_UNLOCK = 2 };	/* F_RDLCK, F_WRLCK, F_UNLCK */

struct flock_req {
	int type;		/* FLK_* */
	bool ofd;		/* owner is a file: never part of a deadlock check */
	void *owner;
	int32_t pid;		/* for F_GETLK; -1 for OFD locks */
	int64_t start, end;	/* end inclusive; INT64_MAX: to the end of the file */
};

/* 0, -EAGAIN, -EDEADLK, -ENOLCK/-ENOMEM, -ERESTARTSYS (wait only). */
int lock_set(struct inode *i, const struct flock_req *r, bool wait);
/* The first lock that conflicts with r, into r; FLK_UNLOCK if there is none. */
void lock_get(struct inode *i, struct flock_req *r);
/* Everything the owner holds on the inode goes: a descriptor was closed. */
void lock_release_posix(struct inode *i, void *owner);

/* flock(2): type FLK_*.  0, -EAGAIN, -ENOMEM, -ERESTARTSYS. */
int flock_set(struct file *f, int type, bool wait);
/* The last reference of the file goes: its flock and OFD locks too. */
void lock_release_file(struct file *f);

/* Inode dies: the empty lists are freed. */
void lock_free_list(struct inode *i);

/* For /proc/locks: calls fn for each lock of the inode, locked.  kind: 'F' flock, 'P' posix, 'O' ofd. */
void lock_for_each(struct inode *i, void (*fn)(char kind, const struct flock_req *r, void *arg),
		   void *arg);
