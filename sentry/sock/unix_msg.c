/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: what they cost, and where their descriptors go.
 *
 * A message with descriptors is never freed by recursion: closing a socket
 * frees its messages, which closes the sockets in them, and so on, as deep as
 * a guest likes to nest.  The outermost call does all of it, one by one.
 */
#include <stdlib.h>
#include <string.h>

#include "platform/base/local.h"
#include "sentry/cred/cred.h"
#include "sentry/sock/unix.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

/* Linux's sk_buff, its shared info, and how much data is tried to be put behind each other. */
enum { BUF_STRUCT = 256, BUF_INFO = 320, BUF_ALIGN = 64, STREAM_HEAD = 3776, DGRAM_HEAD = 16064 };
/* Larger than any message that a send buffer of a sane size lets through. */
enum { MSG_SIZE_MAX = 64 << 20 };

/* As Linux counts, so that a guest sees the same number of messages fit. */
static size_t msg_charge(size_t size, bool stream)
{
	size_t most = stream ? STREAM_HEAD : DGRAM_HEAD, bucket = 512;
	size_t pages = size > most ? min_u64(size, PAGE_ALIGN(size - most)) : 0;
	size_t head = size - pages + BUF_ALIGN - 1;

	head = (head & ~(size_t)(BUF_ALIGN - 1)) + BUF_INFO;
	while (bucket < head)
		bucket *= 2;
	return BUF_STRUCT + bucket + pages;
}

static int msg_fill(struct unix_msg *msg, struct sock_msg *m)
{
	if (msg->size == 0)
		return 0;
	ssize_t n = uio_get(m->uio, msg->data, msg->size);
	if (n > 0 && (size_t)n < msg->size)
		uio_revert(m->uio, (size_t)n);
	return n == (ssize_t)msg->size ? 0 : -EFAULT;
}

int unix_msg_new(struct unix_sock *from, struct sock_msg *m, uint32_t size, bool with_files,
		 struct unix_msg **out)
{
	int err = sock_take_error(&from->sock);
	if (err < 0)
		return err;
	if (sock_shut(&from->sock) & SHUT_SEND)
		return -EPIPE;
	if (__atomic_load_n(&from->sent, __ATOMIC_RELAXED) >=
	    (size_t)SOCK_OPT(&from->sock, sndbuf))
		return -EAGAIN;
	struct unix_msg *msg = size <= MSG_SIZE_MAX ? malloc(sizeof *msg + size) : NULL;
	if (!msg)
		return -ENOBUFS;
	*msg = (struct unix_msg){.from = unix_sock_get(from), .size = size};
	list_init(&msg->link);
	msg->charge = msg_charge(size, from->sock.type == SOCK_STREAM);
	__atomic_add_fetch(&from->sent, msg->charge, __ATOMIC_RELAXED);
	err = msg_fill(msg, m);
	if (err == 0 && with_files && m->scm.files)
		err = unix_gc_attach(m->scm.files, m->by);
	if (err < 0) {
		unix_msg_free(msg);
		return err;
	}
	msg->scm.has_cred = m->scm.has_cred;
	msg->scm.cred = m->scm.cred;
	if (with_files)
		msg->scm.files = STEAL(m->scm.files);
	*out = msg;
	return 0;
}

static void files_free(struct scm_files *files)
{
	if (files->inflight)
		unix_gc_detach(files);
	for (unsigned i = 0; i < files->count; i++)
		file_put(files->file[i]);
	free(files);
}

void scm_clear(struct scm *m)
{
	if (m->files)
		files_free(STEAL(m->files));
}

static void msg_destroy(struct unix_msg *msg)
{
	struct unix_sock *from = msg->from;
	if (msg->scm.files)
		files_free(msg->scm.files);
	__atomic_sub_fetch(&from->sent, msg->charge, __ATOMIC_RELEASE);
	if (unix_writable(from))
		waitq_wake(&from->sock.wq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	unix_sock_put(from);
	free(msg);
}

void unix_msg_free(struct unix_msg *msg)
{
	if (!msg->scm.files) {
		msg_destroy(msg);
		return;
	}
	struct list mine, *doomed = local_get(LOCAL_DOOMED);
	if (doomed) {
		list_append(doomed, &msg->link);
		return;
	}
	/* The outermost call works on those that the inner ones find. */
	list_init(&mine);
	local_set(LOCAL_DOOMED, &mine);
	list_append(&mine, &msg->link);
	while (!list_empty(&mine)) {
		struct unix_msg *first = list_first(&mine, struct unix_msg, link);
		list_del(&first->link);
		msg_destroy(first);
	}
	local_set(LOCAL_DOOMED, NULL);
}

void unix_msgs_free(struct list *msgs)
{
	while (!list_empty(msgs)) {
		struct unix_msg *msg = list_first(msgs, struct unix_msg, link);
		list_del(&msg->link);
		unix_msg_free(msg);
	}
}

void unix_msg_add_cred_locked(struct unix_msg *msg, struct unix_sock *to,
			      const struct sock_caller *by)
{
	if (msg->scm.has_cred || !by->cred)
		return;
	if (to->sock.file && !sock_flag(&to->sock, SO_PASSCRED) &&
	    !sock_flag(&msg->from->sock, SO_PASSCRED))
		return;
	msg->scm.has_cred = true;
	msg->scm.cred = (struct abi_ucred){by->tgid, by->cred->ruid, by->cred->rgid};
}

void unix_queue_locked(struct unix_sock *to, struct unix_msg *msg)
{
	list_append(&to->queue, &msg->link);
	to->queued++;
	unix_update_full_locked(to);
}

bool unix_unqueue_locked(struct unix_sock *to, struct unix_msg *msg)
{
	list_del(&msg->link);
	to->queued--;
	if (to->oob == msg)
		to->oob = NULL;
	return unix_update_full_locked(to);
}

/* Two messages' descriptors never meet in one receive: reading stops behind the first. */
int unix_msg_give_files(struct unix_msg *msg, struct sock_msg *m, bool peek)
{
	if (!msg->scm.files || m->scm.files)
		return 0;
	m->scm.files = peek ? unix_gc_dup(msg->scm.files) : STEAL(msg->scm.files);
	return m->scm.files ? 0 : -ENOMEM;
}
