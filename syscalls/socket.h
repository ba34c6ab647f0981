/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of socket calls share. */
#pragma once

#include "sentry/sock/sock.h"
#include "sentry/task/task.h"

/* Valid until the call ends. */
struct sock_caller sock_caller_of(struct task *t);
/* The open socket of a descriptor, referenced; -EBADF, -ENOTSOCK. */
int sock_arg(struct task *t, int fd, struct file **out);
/* Copies an address in: 0, -EINVAL for a size that none has, -EFAULT. */
int sockaddr_in(struct task *t, uaddr_t addr, int size, uint8_t out[ABI_SOCKADDR_STORAGE_SIZE]);
/* Copies out what fits into *size_at, and how long it really is.  -EFAULT, -EINVAL. */
int sockaddr_out(struct task *t, const void *from, uint32_t size, uaddr_t addr, uaddr_t size_at);

/* cmsg.c: control messages. */
/* What msg_control says: out is empty on failure. */
int cmsg_get(struct task *t, uaddr_t control, uint64_t size, struct scm *out);
/* Writes what came with a message, and installs descriptors.  h->msg_control* advance. */
void cmsg_put(struct task *t, struct file *f, struct sock_msg *m, struct abi_msghdr *h);
