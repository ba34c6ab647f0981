/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SysV message queues.
 *
 * A queue is referenced by the table and by those who sleep on it, so that they
 * find it marked as removed when they wake.
 */
#pragma once

#include "sentry/ipc/ipc.h"

enum { MSGMNB_DEFAULT = 16384, MSGMNI_DEFAULT = 32000, MSGSSZ = 16, MSGSEG = 0xffff };

struct msg {
	struct list link;
	int64_t type;
	size_t size;
	char text[];
};

int msgq_get(struct task *t, int32_t key, uint32_t flags);
/* Takes m over if it returns 0.  -EAGAIN, -EIDRM, -ERESTARTNOHAND, ... */
int msgq_send(struct task *t, int id, struct msg *m, uint32_t flags);
/* size: what the caller has room for.  *out is the caller's to free. */
int msgq_receive(struct task *t, int id, size_t size, int64_t type, uint32_t flags,
		 struct msg **out);

int msgq_stat(struct task *t, int id, int cmd, struct abi_msqid_ds *out); /* *_STAT: the number */
int msgq_set(struct task *t, int id, const struct abi_msqid_ds *in);
int msgq_remove(struct task *t, int id);
/* Queues, messages and bytes of them all; the highest index. */
int msgq_usage(const struct ipc_ns *n, unsigned *out_queues, uint64_t *out_messages,
	       uint64_t *out_bytes);
bool msgq_next(const struct ipc_ns *n, int *index, int *out_id, struct abi_msqid_ds *out);
void msgq_clear(struct ipc_ns *n); /* at its end */
