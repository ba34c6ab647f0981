/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of POSIX message queues share. */
#pragma once

#include "sentry/ipc/mqueue.h"

/* The file system of one namespace. */
struct mq_fs {
	struct lock lock;  /* RANK_LEAF */
	struct ipc_ns *ns; /* lock; not referenced; NULL: it has ended */
	unsigned queues;   /* lock: with a name or still open */
};

/* Who wants to be told of the next message to the empty queue. */
struct mq_wish {
	struct group *who; /* our reference; NULL: nobody */
	int how, signo;	   /* SIGEV_* */
	uint64_t value;
	uint32_t execs; /* who's at that time: another program is not told */
};

struct mqueue {
	struct mq_fs *of;		/* I  lives as long as the inode */
	int64_t maxmsg, msgsize;	/* I */
	uint64_t cost;			/* I  what counts against RLIMIT_MSGQUEUE ... */
	uint32_t payer;			/* I  ... of that user */
	struct lock lock;		/* RANK_PIPE */
	struct heap messages;		/* lock: struct mq_msg.order */
	uint64_t next;			/* lock: number of the next message */
	uint64_t bytes;			/* lock: of the messages */
	struct list senders, receivers; /* lock: struct mq_wait, the next one first */
	struct mq_wish wish;		/* lock */
	struct waitq wq;		/* for poll(2) */
};

static inline struct mqueue *mqueue_of(const struct file *f)
{
	return f->priv;
}

/* mq_fs.c */
int mq_fs_new(struct ipc_ns *n, struct fs **out); /* -ENOMEM */
/* A queue with the rights of c, whose it is; mode: with the type.  Directory's lock held. */
int mq_queue_create_locked(struct dentry *dir, struct dentry *child, const struct cred *c,
			   uint32_t mode, const struct abi_mq_attr *attr);

/* mq_make.c: attr is checked against the limits, with c's rights.  -EINVAL, -EMFILE, ... */
int mqueue_new(struct mq_fs *of, const struct cred *c, const struct abi_mq_attr *attr,
	       struct mqueue **out);
void mqueue_free(struct mqueue *q);

/* mq_limits.c: what a user's queues may hold together.  -EMFILE, -ENOMEM. */
int mq_charge(uint32_t uid, uint64_t bytes, uint64_t limit);
void mq_uncharge(uint32_t uid, uint64_t bytes);
/* Memory of the sandbox: -ENOMEM. */
int mq_memory_take(uint64_t bytes);
void mq_memory_give(uint64_t bytes);

/* mq_notify.c */
/* A message has come to the empty queue: what is to be done, after the lock, by mq_wish_grant. */
struct mq_wish mq_wish_take_locked(struct mqueue *q);
void mq_wish_grant(struct mq_wish *w);
/* g has closed a descriptor of q. */
void mq_wish_drop(struct mqueue *q, const struct group *g);
/* Text of the file. */
int mq_status(struct mqueue *q, char *buf, size_t size);
