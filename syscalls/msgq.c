/* SPDX-License-Identifier: Apache-2.0 */
/* SysV message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
#include "sentry/ipc/msg.h"

#include <stdlib.h>

#include "platform/base/cleanup.h"
#include "syscalls/abi/errno.h"
#include "syscalls/sys.h"

long sys_msgget(struct task *t, int key, uint32_t flags)
{
	return msgq_get(t, key, flags);
}

/* The guest's buffer: the type, then the text. */
long sys_msgsnd(struct task *t, int msqid, uaddr_t msg, uint64_t size, uint32_t flags)
{
	int64_t type;
	int err = copy_in(t->mm, &type, msg, sizeof type);
	if (err < 0)
		return err;
	if (size > (uint64_t)ipc_limit(task_ipc(t), msgmax) || msqid < 0 || type < 1)
		return -EINVAL;
	autofree struct msg *m = malloc(sizeof *m + size);
	if (!m)
		return -ENOMEM;
	list_init(&m->link);
	m->type = type;
	m->size = size;
	err = copy_in(t->mm, m->text, msg + sizeof type, size);
	if (err == 0)
		err = msgq_send(t, msqid, m, flags);
	if (err == 0)
		m = NULL; /* the queue's */
	return err;
}

long sys_msgrcv(struct task *t, int msqid, uaddr_t msg, uint64_t size, int64_t type, uint32_t flags)
{
	autofree struct msg *m = NULL;
	if (msqid < 0 || (int64_t)size < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	int err = msgq_receive(t, msqid, size, type, flags, &m);
	if (err < 0)
		return err;
	size = min_u64(size, m->size);
	if (copy_out(t->mm, msg, &m->type, sizeof m->type) < 0 ||
	    copy_out(t->mm, msg + sizeof m->type, m->text, size) < 0)
		return -EFAULT;
	return (long)size;
}

static long info_out(struct task *t, int cmd, uaddr_t buf)
{
	unsigned queues;
	uint64_t messages, bytes;
	struct abi_msginfo info = {
		.msgmax = ipc_limit(task_ipc(t), msgmax),
		.msgmnb = ipc_limit(task_ipc(t), msgmnb),
		.msgmni = ipc_limit(task_ipc(t), msgmni),
		.msgssz = MSGSSZ,
		.msgseg = MSGSEG,
		.msgpool = MSGMNI_DEFAULT * (MSGMNB_DEFAULT / 1024),
		.msgmap = MSGMNB_DEFAULT,
		.msgtql = MSGMNB_DEFAULT,
	};
	int top = msgq_usage(task_ipc(t), &queues, &messages, &bytes);
	if (cmd == MSG_INFO) {
		info.msgpool = (int32_t)queues;
		info.msgmap = (int32_t)min_u64(messages, INT32_MAX);
		info.msgtql = (int32_t)min_u64(bytes, INT32_MAX);
	}
	int err = copy_out(t->mm, buf, &info, sizeof info);
	return err < 0 ? err : top;
}

static long stat_out(struct task *t, int msqid, int cmd, uaddr_t buf)
{
	struct abi_msqid_ds ds;
	int ret = msgq_stat(t, msqid, cmd, &ds);
	int err = ret < 0 ? 0 : copy_out(t->mm, buf, &ds, sizeof ds);
	return err < 0 ? err : ret;
}

static long set_in(struct task *t, int msqid, uaddr_t buf)
{
	struct abi_msqid_ds ds;
	int err = copy_in(t->mm, &ds, buf, sizeof ds);
	return err < 0 ? err : msgq_set(t, msqid, &ds);
}

long sys_msgctl(struct task *t, int msqid, int cmd, uaddr_t buf)
{
	if (msqid < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info_out(t, cmd, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat_out(t, msqid, cmd, buf);
	case IPC_SET:
		return set_in(t, msqid, buf);
	case IPC_RMID:
		return msgq_remove(t, msqid);
	default:
		return -EINVAL;
	}
}
