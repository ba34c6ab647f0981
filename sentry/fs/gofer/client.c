/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of client.h: each fills a request and says what its reply may hold. */
#include "sentry/fs/gofer/client.h"

#include <errno.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/fs/gofer/wire.h"

/* A call whose reply is the object's attributes. */
static int call_attr(struct gofer *g, struct wire_call *c, struct gofer_attr *out)
{
	c->want_attr = true;
	int err = wire_call(g, c);
	if (err == 0 && out)
		*out = c->attr;
	return err;
}

/* The same with a descriptor; only a regular file may come. */
static int call_open(struct gofer *g, struct wire_call *c, struct gofer_attr *out, int *out_fd)
{
	c->want_fd = true;
	int err = call_attr(g, c, out);
	if (err < 0)
		return err;
	if ((c->attr.mode & 0170000) != 0100000) {
		host_close(c->fd);
		return -EIO;
	}
	*out_fd = c->fd;
	return 0;
}

int gofer_stat(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out)
{
	struct wire_call c = wire_request(GOFER_STAT, root, path);
	return call_attr(g, &c, out);
}

int gofer_open(struct gofer *g, unsigned root, const char *path, int flags, struct gofer_attr *out,
	       int *out_fd)
{
	struct wire_call c = wire_request(GOFER_OPEN, root, path);
	c.req.flags = (uint32_t)flags;
	return call_open(g, &c, out, out_fd);
}

struct bytes {
	uint8_t *buf;
	size_t size, used;
};

static int bytes_body(void *arg, const uint8_t *p, size_t size)
{
	struct bytes *b = arg;
	if (size > b->size - b->used)
		return -EIO;
	memcpy(b->buf + b->used, p, size);
	b->used += size;
	return 0;
}

/* A call that fills buf with exactly the `total` bytes it announces; none if size is 0. */
static ssize_t call_bytes(struct gofer *g, struct wire_call *c, void *buf, size_t size)
{
	struct bytes b = {.buf = buf, .size = size};
	c->body = bytes_body;
	c->arg = &b;
	int err = wire_call(g, c);
	if (err < 0)
		return err;
	if (c->total > GOFER_PACKET_MAX || (size > 0 && b.used != c->total))
		return -EIO;
	return (ssize_t)c->total;
}

ssize_t gofer_readlink(struct gofer *g, unsigned root, const char *path, char *buf, size_t size)
{
	char target[GOFER_PATH_MAX];
	struct wire_call c = wire_request(GOFER_READLINK, root, path);
	ssize_t n = call_bytes(g, &c, target, sizeof target);
	if (n < 0)
		return n;
	if (n == 0 || memchr(target, '\0', (size_t)n))
		return -EIO;
	if ((size_t)n > size)
		n = (ssize_t)size;
	memcpy(buf, target, (size_t)n);
	return n;
}

/* More than the host can have is never asked for. */
static uint64_t xattr_size(size_t size)
{
	return min_u64(size, GOFER_PACKET_MAX);
}

ssize_t gofer_getxattr(struct gofer *g, unsigned root, const char *path, const char *name,
		       void *buf, size_t size)
{
	struct wire_call c = wire_request(GOFER_GETXATTR, root, path);
	c.name = name;
	c.req.size = xattr_size(size);
	return call_bytes(g, &c, buf, size);
}

ssize_t gofer_listxattr(struct gofer *g, unsigned root, const char *path, char *buf, size_t size)
{
	struct wire_call c = wire_request(GOFER_LISTXATTR, root, path);
	c.req.size = xattr_size(size);
	ssize_t n = call_bytes(g, &c, buf, size);
	if (n > 0 && size > 0 && buf[n - 1] != '\0')
		return -EIO;
	return n;
}

int gofer_statfs(struct gofer *g, unsigned root, const char *path, struct gofer_statfs *out)
{
	struct wire_call c = wire_request(GOFER_STATFS, root, path);
	struct bytes b = {.buf = (uint8_t *)out, .size = sizeof *out};
	c.body = bytes_body;
	c.arg = &b;
	int err = wire_call(g, &c);
	return err == 0 && b.used != sizeof *out ? -EIO : err;
}

int gofer_notify(struct gofer *g)
{
	struct wire_call c = wire_request(GOFER_NOTIFY, 0, NULL);
	c.want_fd = true;
	int err = wire_call(g, &c);
	return err < 0 ? err : c.fd;
}

int gofer_watch(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = wire_request(GOFER_WATCH, root, path);
	int err = wire_call(g, &c);
	if (err == 0 && (c.total == 0 || c.total > INT32_MAX))
		err = -EIO;
	return err < 0 ? err : (int)c.total;
}

int gofer_sync(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = wire_request(GOFER_SYNC, root, path);
	return wire_call(g, &c);
}

/* What all calls that make an object have in common. */
static struct wire_call request_new(enum gofer_op op, unsigned root, const char *path,
				    uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct wire_call c = wire_request(op, root, path);
	c.req.mode = mode;
	c.req.uid = uid;
	c.req.gid = gid;
	return c;
}

int gofer_create(struct gofer *g, unsigned root, const char *path, int flags, uint32_t mode,
		 uint32_t uid, uint32_t gid, struct gofer_attr *out, int *out_fd)
{
	struct wire_call c = request_new(GOFER_CREATE, root, path, mode, uid, gid);
	c.req.flags = (uint32_t)flags;
	return call_open(g, &c, out, out_fd);
}

int gofer_mkdir(struct gofer *g, unsigned root, const char *path, uint32_t mode, uint32_t uid,
		uint32_t gid, struct gofer_attr *out)
{
	struct wire_call c = request_new(GOFER_MKDIR, root, path, mode, uid, gid);
	return call_attr(g, &c, out);
}

int gofer_mknod(struct gofer *g, unsigned root, const char *path, uint32_t mode, uint64_t rdev,
		uint32_t uid, uint32_t gid, struct gofer_attr *out)
{
	struct wire_call c = request_new(GOFER_MKNOD, root, path, mode, uid, gid);
	c.req.rdev = rdev;
	return call_attr(g, &c, out);
}

int gofer_symlink(struct gofer *g, unsigned root, const char *path, const char *target,
		  uint32_t uid, uint32_t gid, struct gofer_attr *out)
{
	struct wire_call c = request_new(GOFER_SYMLINK, root, path, 0, uid, gid);
	c.name = target;
	return call_attr(g, &c, out);
}

int gofer_link(struct gofer *g, unsigned root, const char *from, const char *to,
	       struct gofer_attr *out)
{
	struct wire_call c = wire_request(GOFER_LINK, root, from);
	c.name = to;
	return call_attr(g, &c, out);
}

int gofer_unlink(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = wire_request(GOFER_UNLINK, root, path);
	return wire_call(g, &c);
}

int gofer_rmdir(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = wire_request(GOFER_RMDIR, root, path);
	return wire_call(g, &c);
}

int gofer_rename(struct gofer *g, unsigned root, const char *from, const char *to, unsigned flags)
{
	struct wire_call c = wire_request(GOFER_RENAME, root, from);
	c.name = to;
	c.req.flags = flags;
	return wire_call(g, &c);
}

int gofer_setattr(struct gofer *g, unsigned root, const char *path, const struct gofer_change *ch,
		  struct gofer_attr *out)
{
	struct wire_call c = wire_request(GOFER_SETATTR, root, path);
	c.req.mask = ch->mask;
	c.req.mode = ch->mask & GOFER_SET_MODE ? ch->mode : 0;
	c.req.uid = ch->mask & GOFER_SET_UID ? ch->uid : GOFER_KEEP_ID;
	c.req.gid = ch->mask & GOFER_SET_GID ? ch->gid : GOFER_KEEP_ID;
	c.req.size = ch->mask & GOFER_SET_SIZE ? ch->size : 0;
	if (ch->mask & GOFER_SET_ATIME) {
		c.req.atime_sec = ch->atime_sec;
		c.req.atime_nsec = ch->atime_nsec;
	}
	if (ch->mask & GOFER_SET_MTIME) {
		c.req.mtime_sec = ch->mtime_sec;
		c.req.mtime_nsec = ch->mtime_nsec;
	}
	return call_attr(g, &c, out);
}

int gofer_copyup(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out)
{
	struct wire_call c = wire_request(GOFER_COPYUP, root, path);
	return call_attr(g, &c, out);
}

int gofer_setxattr(struct gofer *g, unsigned root, const char *path, const char *name,
		   const void *value, size_t size, int flags)
{
	struct wire_call c = wire_request(GOFER_SETXATTR, root, path);
	c.name = name;
	c.data = value;
	c.data_size = size;
	c.req.flags = (uint32_t)flags;
	return wire_call(g, &c);
}

int gofer_removexattr(struct gofer *g, unsigned root, const char *path, const char *name)
{
	struct wire_call c = wire_request(GOFER_REMOVEXATTR, root, path);
	c.name = name;
	return wire_call(g, &c);
}

int gofer_memfile(void *gofer, const char *name)
{
	struct wire_call c = wire_request(GOFER_MEMFILE, 0, NULL);
	c.name = name;
	c.want_fd = true;
	int err = wire_call(gofer, &c);
	return err < 0 ? err : c.fd;
}

int gofer_readonly(void *gofer, int fd)
{
	struct wire_call c = wire_request(GOFER_READONLY, 0, NULL);
	c.give = &fd;
	c.want_fd = true;
	int err = wire_call(gofer, &c);
	return err < 0 ? err : c.fd;
}
