/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: making, naming and connecting them. */
#include "syscalls/socket.h"

#include "sentry/mm/copy.h"
#include "sentry/sock/netns.h"
#include "sentry/task/nsset.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/path.h"
#include "syscalls/sys.h"

static struct net_ns *task_net(const struct task *t)
{
	return container_of(t->ns->of[NS_NET], struct net_ns, ns);
}

struct sock_caller sock_caller_of(struct task *t)
{
	return (struct sock_caller){
		.cred = t->cred,
		.fs = t->fs,
		.net = task_net(t),
		.tgid = t->group->tgid,
		.nofile = fd_limit(t),
	};
}

static void current_caller(struct sock_caller *out)
{
	struct task *t = task_current();
	if (t)
		*out = sock_caller_of(t);
}

int sock_arg(struct task *t, int fd, struct file **out)
{
	autoput(file) struct file *f = NULL;
	int err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (!sock_of(f))
		return -ENOTSOCK;
	*out = STEAL(f);
	return 0;
}

int sockaddr_in(struct task *t, uaddr_t addr, int size, uint8_t out[ABI_SOCKADDR_STORAGE_SIZE])
{
	if (size < 0 || size > ABI_SOCKADDR_STORAGE_SIZE)
		return -EINVAL;
	return size == 0 ? 0 : copy_in(t->mm, out, addr, (size_t)size);
}

int sockaddr_out(struct task *t, const void *from, uint32_t size, uaddr_t addr, uaddr_t size_at)
{
	int32_t room, told = (int32_t)size;
	int err = copy_in(t->mm, &room, size_at, sizeof room);
	if (err < 0)
		return err;
	if (room < 0)
		return -EINVAL;
	size = (uint32_t)min_u64((uint32_t)room, size);
	if (size > 0)
		err = copy_out(t->mm, addr, from, size);
	return err < 0 ? err : copy_out(t->mm, size_at, &told, sizeof told);
}

/* The flags that may come with a type, and accept4's. */
static bool flags_bad(int flags)
{
	return flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
}

long sys_socket(struct task *t, int domain, int type, int protocol)
{
	struct sock_caller by = sock_caller_of(t);
	struct file *f;

	if (flags_bad(type & ~SOCK_TYPE_MASK))
		return -EINVAL;
	sock_set_caller_fn(current_caller);
	int err = sock_new(&by, domain, type & SOCK_TYPE_MASK, protocol, (uint32_t)type & O_NONBLOCK,
			   &f);
	if (err < 0)
		return err;
	return fd_install(t->fds, f, type & SOCK_CLOEXEC, 0, by.nofile);
}

/* As Linux, the numbers are written before there is anything behind them. */
long sys_socketpair(struct task *t, int domain, int type, int protocol, uaddr_t fds)
{
	struct sock_caller by = sock_caller_of(t);
	struct file *f[2];
	int fd[2];

	if (flags_bad(type & ~SOCK_TYPE_MASK))
		return -EINVAL;
	sock_set_caller_fn(current_caller);
	int err = fd_reserve(t->fds, 2, 0, by.nofile, fd);
	if (err < 0)
		return err;
	err = copy_out(t->mm, fds, fd, sizeof fd);
	if (err == 0)
		err = sock_new_pair(&by, domain, type & SOCK_TYPE_MASK, protocol,
				    (uint32_t)type & O_NONBLOCK, f);
	if (err < 0) {
		fd_unreserve(t->fds, fd[0]);
		fd_unreserve(t->fds, fd[1]);
		return err;
	}
	/* Nothing below can fail. */
	fd_publish(t->fds, fd[0], f[0], type & SOCK_CLOEXEC);
	fd_publish(t->fds, fd[1], f[1], type & SOCK_CLOEXEC);
	return 0;
}

typedef int (*addr_fn)(struct file *f, const struct sock_caller *by, const void *addr,
		       uint32_t size);

static long with_addr(struct task *t, int fd, uaddr_t addr, int size, addr_fn fn)
{
	struct sock_caller by = sock_caller_of(t);
	_Alignas(8) uint8_t buf[ABI_SOCKADDR_STORAGE_SIZE] = {0};
	autoput(file) struct file *f = NULL;
	int err = sock_arg(t, fd, &f);
	if (err == 0)
		err = sockaddr_in(t, addr, size, buf);
	return err < 0 ? err : fn(f, &by, buf, (uint32_t)size);
}

long sys_bind(struct task *t, int fd, uaddr_t addr, int addrlen)
{
	return with_addr(t, fd, addr, addrlen, sock_bind);
}

long sys_connect(struct task *t, int fd, uaddr_t addr, int addrlen)
{
	return with_addr(t, fd, addr, addrlen, sock_connect);
}

long sys_listen(struct task *t, int fd, int backlog)
{
	struct sock_caller by = sock_caller_of(t);
	autoput(file) struct file *f = NULL;
	int err = sock_arg(t, fd, &f);
	return err < 0 ? err : sock_listen(f, &by, backlog);
}

/* Accepts into a reserved descriptor.  A connection whose address cannot be told is lost. */
static int accept_to(struct task *t, struct file *f, int fd, uaddr_t addr, uaddr_t addrlen,
		     int flags)
{
	struct sock_caller by = sock_caller_of(t);
	uint8_t name[ABI_SOCKADDR_STORAGE_SIZE];
	autoput(file) struct file *n = NULL;

	int err = sock_accept(f, &by, (uint32_t)flags & O_NONBLOCK, &n);
	if (err < 0)
		return err;
	if (addr) {
		int size = sock_name(n, /*peer=*/true, name);
		err = size < 0 ? -ECONNABORTED
			       : sockaddr_out(t, name, (uint32_t)size, addr, addrlen);
		if (err < 0)
			return err;
	}
	/* Nothing below can fail. */
	fd_publish(t->fds, fd, STEAL(n), flags & SOCK_CLOEXEC);
	return 0;
}

long sys_accept4(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen, int flags)
{
	autoput(file) struct file *f = NULL;
	int n, err = file_arg_io(t, fd, &f);
	if (err < 0)
		return err;
	if (flags_bad(flags))
		return -EINVAL;
	err = fd_reserve(t->fds, 1, 0, fd_limit(t), &n);
	if (err < 0)
		return err;
	err = sock_of(f) ? accept_to(t, f, n, addr, addrlen, flags) : -ENOTSOCK;
	if (err == 0)
		return n;
	fd_unreserve(t->fds, n);
	return err;
}

long sys_accept(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	return sys_accept4(t, fd, addr, addrlen, 0);
}

long sys_shutdown(struct task *t, int fd, int how)
{
	autoput(file) struct file *f = NULL;
	int err = sock_arg(t, fd, &f);
	return err < 0 ? err : sock_shutdown(f, how);
}

static long tell_name(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen, bool peer)
{
	uint8_t name[ABI_SOCKADDR_STORAGE_SIZE];
	autoput(file) struct file *f = NULL;
	int err = sock_arg(t, fd, &f);
	if (err < 0)
		return err;
	int size = sock_name(f, peer, name);
	return size < 0 ? size : sockaddr_out(t, name, (uint32_t)size, addr, addrlen);
}

long sys_getsockname(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	return tell_name(t, fd, addr, addrlen, /*peer=*/false);
}

long sys_getpeername(struct task *t, int fd, uaddr_t addr, uaddr_t addrlen)
{
	return tell_name(t, fd, addr, addrlen, /*peer=*/true);
}
