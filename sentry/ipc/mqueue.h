/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues: mq_overview(7).
 *
 * A queue is a file of the mqueue file system of an IPC namespace, which exists from the
 * first use on, mounted or not; a descriptor of mq_open(2) is an open file of it.  The
 * namespace bounds how many there are and how big, RLIMIT_MSGQUEUE what a user's may hold,
 * and mq_set_memory what all of the sandbox take in memory.
 *
 * Who sends hands the message to the first receiver that sleeps; who receives puts that of
 * the first sleeping sender into the queue.  So those who sleep never race with others.
 */
#pragma once

#include "platform/base/heap.h"
#include "sentry/ipc/ipc.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/mqueue.h"

struct mq_msg {
	struct heap_node order; /* the queue's: priority, then age */
	uint32_t prio;		/* < MQ_PRIO_MAX */
	size_t size;
	char text[];
};

/* A message to be filled and sent; -ENOMEM, also where the sandbox has no room for more. */
int mq_msg_new(size_t size, struct mq_msg **out);
void mq_msg_free(struct mq_msg *m); /* NULL: nothing */
/* Bytes of all queues and messages of the sandbox, at most. */
void mq_set_memory(uint64_t bytes);

/*
 * mq_open(2) without the descriptor; attr NULL: the defaults of the namespace.
 * -EACCES, -EEXIST, -EINVAL, -EMFILE (RLIMIT_MSGQUEUE), -ENAMETOOLONG, -ENOENT, -ENOMEM, -ENOSPC.
 */
int mq_open(struct task *t, const char *name, uint32_t flags, uint32_t mode,
	    const struct abi_mq_attr *attr, struct file **out);
int mq_unlink(struct task *t, const char *name); /* -EACCES, -ENOENT, -EPERM */
/* Is it an open queue?  The calls below want one. */
bool mq_is_queue(const struct file *f);
/* Bytes of a message, at most. */
size_t mq_message_size(const struct file *f);
/*
 * Takes m over if it returns 0.  -EAGAIN, -ERESTARTSYS, -ETIMEDOUT, -ENOMEM; the size was
 * checked by the caller.
 */
int mq_send(struct file *f, struct mq_msg *m, int64_t deadline_ns);
/* *out is the caller's to free. */
int mq_receive(struct file *f, int64_t deadline_ns, struct mq_msg **out);
/* flags < 0: changes nothing; else O_NONBLOCK or 0. */
void mq_getsetattr(struct file *f, int64_t flags, struct abi_mq_attr *out_old);
/* ev NULL: takes the caller's request back.  SIGEV_NONE and SIGEV_SIGNAL.  -EBUSY. */
int mq_notify(struct task *t, struct file *f, const struct abi_sigevent *ev);

/* For fs_register(): the queues of the calling task's IPC namespace. */
int mq_make_fs(const struct fs_source *s, struct fs **out);
/* The end of the namespace: what is mounted or open stays, but nothing new is made in it. */
void mq_clear(struct ipc_ns *n);
