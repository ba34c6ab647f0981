/* SPDX-License-Identifier: Apache-2.0 */
/* getsockopt(2), setsockopt(2). */
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/copy.h"
#include "sentry/task/pidns.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/time.h"
#include "syscalls/socket.h"
#include "syscalls/sys.h"

/* NGROUPS_MAX ids: the longest answer. */
enum { ANSWER_MAX = 65536 * sizeof(uint32_t) };

/* How much of what the guest points to an option looks at. */
static uint32_t option_size(int opt)
{
	switch (opt) {
	case SO_LINGER:
		return sizeof(struct abi_linger);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return sizeof(struct abi_timeval);
	}
	return sizeof(int32_t);
}

long sys_setsockopt(struct task *t, int fd, int level, int optname, uaddr_t optval, int optlen)
{
	struct sock_caller by = sock_caller_of(t);
	autoput(file) struct file *f = NULL;
	uint8_t val[SOCK_OPTION_MAX] = {0};

	int err = sock_arg(t, fd, &f);
	if (err < 0)
		return err;
	if (optlen < 0)
		return -EINVAL;
	uint32_t size = (uint32_t)min_u64((uint32_t)optlen, option_size(optname));
	/* Too short, or nothing to look at: the error is in that, not in the address. */
	if (level == SOL_SOCKET && size >= sizeof(int32_t))
		err = copy_in(t->mm, val, optval, size);
	return err < 0 ? err : sock_set_option(f, &by, level, optname, val, size);
}

/* Sockets keep ids; the caller wants a number of its own namespace. */
static void peer_number(void *ucred, uint32_t size)
{
	int pid;
	if (size < sizeof pid)
		return;
	memcpy(&pid, ucred, sizeof pid);
	pid = pid_here(pid);
	memcpy(ucred, &pid, sizeof pid);
}

long sys_getsockopt(struct task *t, int fd, int level, int optname, uaddr_t optval, uaddr_t optlen)
{
	autoput(file) struct file *f = NULL;
	autofree void *buf = NULL;
	int32_t len;

	int err = sock_arg(t, fd, &f);
	if (err < 0)
		return err;
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	err = copy_in(t->mm, &len, optlen, sizeof len);
	if (err < 0)
		return err;
	if (len < 0)
		return -EINVAL;
	uint32_t size = (uint32_t)len;
	buf = malloc(optname == SO_PEERGROUPS ? min_u64(size, ANSWER_MAX) + 1
					      : ABI_SOCKADDR_STORAGE_SIZE);
	if (!buf)
		return -ENOMEM;
	int told = sock_get_option(f, task_cred_self(t), level, optname, buf, &size);
	if (told < 0 && told != -ERANGE)
		return told;
	if (told == 0 && optname == SO_PEERCRED)
		peer_number(buf, size);
	if (told == 0 && size > 0)
		err = copy_out(t->mm, optval, buf, size);
	if (err == 0)
		err = copy_out(t->mm, optlen, &size, sizeof size);
	return err < 0 ? err : told;
}
