/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of AF_UNIX sockets: files, and abstract names.
 *
 * Abstract names are per network namespace and per type: a stream and a datagram socket may have
 * the same one, as in Linux.  The file's pos_lock, which sockets do not need otherwise, makes binds
 * of one socket exclusive: it may be held while the path is walked.  inode->bound points at the
 * socket without a reference; closing clears it under the inode's lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/cred/cred.h"
#include "sentry/sock/unix.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/errno.h"

enum { BUCKETS = 256, AUTO_NAMES = 1 << 20, PATH_AT = offsetof(struct abi_sockaddr_un, sun_path) };

static struct lock names_lock = LOCK_INIT(RANK_LEAF);
static struct list buckets[BUCKETS];	/* names_lock; next NULL: never used */
static unsigned auto_next;		/* names_lock */

void unix_addr_put(struct unix_addr *a)
{
	if (ref_put(&a->ref))
		free(a);
}

static struct unix_addr *addr_new(const void *addr, uint32_t size)
{
	struct unix_addr *a = calloc(1, sizeof *a);
	if (!a)
		return NULL;
	ref_init(&a->ref);
	memcpy(&a->un, addr, size);
	a->size = size;
	if (a->un.sun_path[0])
		a->size = PATH_AT + (uint32_t)strnlen(a->un.sun_path, UNIX_PATH_MAX) + 1;
	return a;
}

int unix_addr_check(const void *addr, uint32_t size)
{
	struct abi_sockaddr_un un;
	if (size <= PATH_AT || size > sizeof un)
		return -EINVAL;
	memcpy(&un, addr, size); /* addr need not be aligned */
	return un.sun_family == AF_UNIX ? 0 : -EINVAL;
}

static struct list *bucket_of(const struct unix_addr *a, int type)
{
	const unsigned char *p = (const unsigned char *)a->un.sun_path;
	uint32_t h = 2166136261u ^ (uint32_t)type;
	for (uint32_t i = 0; i < a->size - PATH_AT; i++)
		h = (h ^ p[i]) * 16777619u;
	struct list *b = &buckets[(h ^ h >> 16) % BUCKETS];
	if (!b->next)
		list_init(b);
	return b;
}

static struct unix_sock *name_find_locked(const struct net_ns *net, const struct unix_addr *a,
					  int type)
{
	struct unix_sock *u;
	list_for_each (u, bucket_of(a, type), names)
		if (u->sock.type == type && u->net == net && u->addr->size == a->size &&
		    memcmp(u->addr->un.sun_path, a->un.sun_path, a->size - PATH_AT) == 0)
			return u;
	return NULL;
}

/* Takes over a on success. */
static int bind_abstract(struct unix_sock *u, struct unix_addr *a)
{
	lock(&names_lock);
	int err = name_find_locked(u->net, a, u->sock.type) ? -EADDRINUSE : 0;
	if (err == 0) {
		__atomic_store_n(&u->addr, a, __ATOMIC_RELEASE);
		list_append(bucket_of(a, u->sock.type), &u->names);
	}
	unlock(&names_lock);
	return err;
}

/* sun_path of a socket address as a string. */
static void path_name(char name[UNIX_PATH_MAX + 1], const struct abi_sockaddr_un *un, uint32_t size)
{
	memcpy(name, un->sun_path, size - PATH_AT);
	name[size - PATH_AT] = 0;
}

/* Takes over a on success. */
static int bind_path(struct unix_sock *u, const struct sock_caller *by, const void *addr,
		     uint32_t size, struct unix_addr *a)
{
	struct walk w = {.fs = by->fs, .cred = by->cred};
	struct inode *own = u->sock.file->inode;
	char name[UNIX_PATH_MAX + 1];
	struct path path;

	lock(&own->lock);
	uint32_t mode = own->mode & 0777;
	unlock(&own->lock);
	path_name(name, addr, size);
	int err = vfs_bind_socket(&w, name, mode, u, &path);
	if (err < 0)
		return err;
	lock(&u->sock.lock);
	u->path = path;
	unlock(&u->sock.lock);
	__atomic_store_n(&u->addr, a, __ATOMIC_RELEASE);
	return 0;
}

/* What a second bind to a path says: what is wrong with the path comes first. */
static int bound_already(const struct sock_caller *by, const void *addr, uint32_t size)
{
	struct walk w = {.fs = by->fs, .cred = by->cred, .flags = WALK_NOFOLLOW};
	char name[UNIX_PATH_MAX + 1];
	struct last last;
	struct path path;

	path_name(name, addr, size);
	int err = path_walk_parent(&w, name, &path, &last);
	if (err < 0)
		return err;
	path_put(&path);
	err = path_walk(&w, name, &path);
	if (err == 0)
		path_put(&path);
	return err == 0 ? -EADDRINUSE : err == -ENOENT ? -EINVAL : err;
}

int unix_autobind(struct unix_sock *u)
{
	struct abi_sockaddr_un un = {.sun_family = AF_UNIX};
	char digits[8];
	int err = -EADDRINUSE;

	struct unix_addr *a = addr_new(&un, PATH_AT + 6);
	if (!a)
		return -ENOMEM;
	lock(&u->sock.file->pos_lock);
	for (int i = 0; !u->addr && err == -EADDRINUSE && i < AUTO_NAMES; i++) {
		unsigned n = __atomic_add_fetch(&auto_next, 1, __ATOMIC_RELAXED) % AUTO_NAMES;
		snprintf(digits, sizeof digits, "%05x", n);
		memcpy(a->un.sun_path + 1, digits, 5);
		err = bind_abstract(u, a);
	}
	/* Having one already is what was asked for. */
	bool had = err == -EADDRINUSE && u->addr;
	unlock(&u->sock.file->pos_lock);
	if (err < 0)
		unix_addr_put(a);
	return had ? 0 : err == -EADDRINUSE ? -ENOSPC : err;
}

int unix_autobind_if_asked(struct unix_sock *u)
{
	return sock_flag(&u->sock, SO_PASSCRED) && !unix_addr(u) ? unix_autobind(u) : 0;
}

int unix_bind(struct sock *s, const struct sock_caller *by, const void *addr, uint32_t size)
{
	const struct abi_sockaddr_un *un = addr;
	struct unix_sock *u = unix_of(s);

	if (size == PATH_AT && un->sun_family == AF_UNIX)
		return unix_autobind(u);
	int err = unix_addr_check(addr, size);
	if (err < 0)
		return err;
	struct unix_addr *a = addr_new(addr, size);
	if (!a)
		return -ENOMEM;
	lock(&s->file->pos_lock);
	if (u->addr)
		err = un->sun_path[0] ? bound_already(by, addr, size) : -EINVAL;
	else if (un->sun_path[0])
		err = bind_path(u, by, addr, size, a);
	else
		err = bind_abstract(u, a);
	unlock(&s->file->pos_lock);
	if (err < 0)
		unix_addr_put(a);
	return err;
}

void unix_unbind(struct unix_sock *u)
{
	lock(&names_lock);
	list_del(&u->names);
	unlock(&names_lock);
	/* Nobody changes it any more: the file is gone. */
	struct dentry *d = u->path.dentry;
	if (!d)
		return;
	lock(&d->inode->lock);
	if (d->inode->bound == u)
		d->inode->bound = NULL;
	unlock(&d->inode->lock);
}

static int find_abstract(const struct unix_sock *by, const void *addr, uint32_t size,
			 struct unix_sock **out)
{
	struct unix_addr key = {.size = size};
	memcpy(&key.un, addr, size);
	lock(&names_lock);
	struct unix_sock *u = name_find_locked(by->net, &key, by->sock.type);
	/* It is taken out of the table before its last reference is put. */
	bool found = u && ref_tryget(&u->sock.ref);
	unlock(&names_lock);
	*out = u;
	return found ? 0 : -ECONNREFUSED;
}

static int find_path(const struct sock_caller *by, const void *addr, uint32_t size, int type,
		     struct unix_sock **out)
{
	struct walk w = {.fs = by->fs, .cred = by->cred};
	char name[UNIX_PATH_MAX + 1];
	struct path path;

	path_name(name, addr, size);
	int err = vfs_lookup_socket(&w, name, &path);
	if (err < 0)
		return err;
	struct inode *i = path.dentry->inode;
	lock(&i->lock);
	struct unix_sock *u = i->bound;
	if (!u)
		err = -ECONNREFUSED;
	else if (u->sock.type != type)
		err = -EPROTOTYPE;
	else
		*out = unix_sock_get(u);
	unlock(&i->lock);
	path_put(&path);
	return err;
}

int unix_find(const struct unix_sock *u, const struct sock_caller *by, const void *addr,
	      uint32_t size, struct unix_sock **out)
{
	const struct abi_sockaddr_un *un = addr;
	return un->sun_path[0] ? find_path(by, addr, size, u->sock.type, out)
			       : find_abstract(u, addr, size, out);
}

/* An address as the guest gets it: up to one byte more than struct sockaddr_un has. */
static uint32_t addr_tell(const struct unix_addr *a, void *out)
{
	const struct abi_sockaddr_un nameless = {.sun_family = AF_UNIX};
	if (!a) {
		memcpy(out, &nameless, PATH_AT);
		return PATH_AT;
	}
	memcpy(out, &a->un, sizeof a->un);
	((char *)out)[sizeof a->un] = 0;
	return a->size;
}

int unix_name(struct sock *s, bool peer, void *addr)
{
	autoput(unix_sock) struct unix_sock *u = NULL;
	u = peer ? unix_peer_get(unix_of(s)) : unix_sock_get(unix_of(s));
	if (!u)
		return -ENOTCONN;
	return (int)addr_tell(unix_addr(u), addr);
}

void unix_tell_addr(struct sock_msg *m, const struct unix_sock *from)
{
	const struct unix_addr *a = unix_addr(from);
	if (m->want_addr && a)
		m->addr_size = addr_tell(a, m->addr);
}
