/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of client.h: each fills a request and says what its reply may hold. */
#include "sentry/fs/gofer/client.h"

#include <errno.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/fs/gofer/wire.h"

static struct wire_call request(enum gofer_op op, unsigned root, const char *path)
{
	/* A number that does not fit must not become another root. */
	return (struct wire_call){
		.req = {.op = (uint16_t)op,
			.root = root < UINT16_MAX ? (uint16_t)root : UINT16_MAX},
		.path = path,
	};
}

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
	struct wire_call c = request(GOFER_STAT, root, path);
	return call_attr(g, &c, out);
}

struct list_arg {
	int (*each)(void *arg, const struct gofer_entry *e);
	void *arg;
	int stopped; /* what each() returned when it had enough */
};

/* `size` bytes that must be a string with its terminator at the end and nowhere else. */
static bool string_valid(const uint8_t *p, size_t size, size_t max)
{
	return size >= 2 && size - 1 <= max && p[size - 1] == '\0' &&
	       memchr(p, '\0', size - 1) == NULL;
}

static bool name_valid(const char *name)
{
	return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Checks the entry at p and points *e into it; its size on the wire, or -EIO. */
static ssize_t dirent_parse(const uint8_t *p, size_t left, struct gofer_dirent *d,
			    struct gofer_entry *e)
{
	if (left < sizeof *d)
		return -EIO;
	memcpy(d, p, sizeof *d);
	p += sizeof *d;
	left -= sizeof *d;
	if (d->name_size > left || d->link_size > left - d->name_size)
		return -EIO;
	bool is_link = (d->attr.mode & 0170000) == 0120000;
	if (!string_valid(p, d->name_size, GOFER_NAME_MAX) || !name_valid((const char *)p) ||
	    !wire_attr_valid(&d->attr) || is_link != (d->link_size > 0) ||
	    (is_link && !string_valid(p + d->name_size, d->link_size, GOFER_PATH_MAX)))
		return -EIO;
	size_t used = (d->name_size + d->link_size + 7ul) & ~7ul;
	if (used > left)
		return -EIO;
	e->name = (const char *)p;
	e->link = is_link ? (const char *)p + d->name_size : NULL;
	e->attr = &d->attr;
	return (ssize_t)(sizeof *d + used);
}

/* Goes on checking when the caller has had enough: the reply must be read to its end. */
static int list_body(void *arg, const uint8_t *p, size_t size)
{
	struct list_arg *l = arg;
	while (size > 0) {
		struct gofer_dirent d;
		struct gofer_entry e;
		ssize_t n = dirent_parse(p, size, &d, &e);
		if (n < 0)
			return (int)n;
		if (l->stopped == 0) {
			int err = l->each(l->arg, &e);
			l->stopped = err < 0 ? err : 0;
		}
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int gofer_list(struct gofer *g, unsigned root, const char *path, struct gofer_attr *out_self,
	       int (*each)(void *arg, const struct gofer_entry *e), void *arg)
{
	struct list_arg l = {.each = each, .arg = arg};
	struct wire_call c = request(GOFER_LIST, root, path);
	c.body = list_body;
	c.arg = &l;
	int err = call_attr(g, &c, out_self);
	return err < 0 ? err : l.stopped;
}

int gofer_open(struct gofer *g, unsigned root, const char *path, int flags, struct gofer_attr *out,
	       int *out_fd)
{
	struct wire_call c = request(GOFER_OPEN, root, path);
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
	struct wire_call c = request(GOFER_READLINK, root, path);
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
	struct wire_call c = request(GOFER_GETXATTR, root, path);
	c.name = name;
	c.req.size = xattr_size(size);
	return call_bytes(g, &c, buf, size);
}

ssize_t gofer_listxattr(struct gofer *g, unsigned root, const char *path, char *buf, size_t size)
{
	struct wire_call c = request(GOFER_LISTXATTR, root, path);
	c.req.size = xattr_size(size);
	ssize_t n = call_bytes(g, &c, buf, size);
	if (n > 0 && size > 0 && buf[n - 1] != '\0')
		return -EIO;
	return n;
}

int gofer_statfs(struct gofer *g, unsigned root, const char *path, struct gofer_statfs *out)
{
	struct wire_call c = request(GOFER_STATFS, root, path);
	struct bytes b = {.buf = (uint8_t *)out, .size = sizeof *out};
	c.body = bytes_body;
	c.arg = &b;
	int err = wire_call(g, &c);
	return err == 0 && b.used != sizeof *out ? -EIO : err;
}

int gofer_notify(struct gofer *g)
{
	struct wire_call c = request(GOFER_NOTIFY, 0, NULL);
	c.want_fd = true;
	int err = wire_call(g, &c);
	return err < 0 ? err : c.fd;
}

int gofer_watch(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = request(GOFER_WATCH, root, path);
	int err = wire_call(g, &c);
	if (err == 0 && (c.total == 0 || c.total > INT32_MAX))
		err = -EIO;
	return err < 0 ? err : (int)c.total;
}

int gofer_sync(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = request(GOFER_SYNC, root, path);
	return wire_call(g, &c);
}

/* What all calls that make an object have in common. */
static struct wire_call request_new(enum gofer_op op, unsigned root, const char *path,
				    uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct wire_call c = request(op, root, path);
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
	struct wire_call c = request(GOFER_LINK, root, from);
	c.name = to;
	return call_attr(g, &c, out);
}

int gofer_unlink(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = request(GOFER_UNLINK, root, path);
	return wire_call(g, &c);
}

int gofer_rmdir(struct gofer *g, unsigned root, const char *path)
{
	struct wire_call c = request(GOFER_RMDIR, root, path);
	return wire_call(g, &c);
}

int gofer_rename(struct gofer *g, unsigned root, const char *from, const char *to, unsigned flags)
{
	struct wire_call c = request(GOFER_RENAME, root, from);
	c.name = to;
	c.req.flags = flags;
	return wire_call(g, &c);
}

int gofer_setattr(struct gofer *g, unsigned root, const char *path, const struct gofer_change *ch,
		  struct gofer_attr *out)
{
	struct wire_call c = request(GOFER_SETATTR, root, path);
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
	struct wire_call c = request(GOFER_COPYUP, root, path);
	return call_attr(g, &c, out);
}

int gofer_setxattr(struct gofer *g, unsigned root, const char *path, const char *name,
		   const void *value, size_t size, int flags)
{
	struct wire_call c = request(GOFER_SETXATTR, root, path);
	c.name = name;
	c.data = value;
	c.data_size = size;
	c.req.flags = (uint32_t)flags;
	return wire_call(g, &c);
}

int gofer_removexattr(struct gofer *g, unsigned root, const char *path, const char *name)
{
	struct wire_call c = request(GOFER_REMOVEXATTR, root, path);
	c.name = name;
	return wire_call(g, &c);
}

int gofer_memfile(void *gofer, const char *name)
{
	struct wire_call c = request(GOFER_MEMFILE, 0, NULL);
	c.name = name;
	c.want_fd = true;
	int err = wire_call(gofer, &c);
	return err < 0 ? err : c.fd;
}

int gofer_readonly(void *gofer, int fd)
{
	struct wire_call c = request(GOFER_READONLY, 0, NULL);
	c.give = &fd;
	c.want_fd = true;
	int err = wire_call(gofer, &c);
	return err < 0 ? err : c.fd;
}
