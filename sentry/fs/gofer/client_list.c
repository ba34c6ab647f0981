/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of client.h about whole directories, and about many names of one. */
#include "sentry/fs/gofer/client.h"

#include <errno.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/fs/gofer/wire.h"

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
	struct wire_call c = wire_request(GOFER_LIST, root, path);
	c.body = list_body;
	c.arg = &l;
	c.want_attr = true;
	int err = wire_call(g, &c);
	if (err == 0 && out_self)
		*out_self = c.attr;
	return err < 0 ? err : l.stopped;
}

static struct wire_call request_names(enum gofer_op op, unsigned root, const char *dir,
				      const struct gofer_names *names)
{
	struct wire_call c = wire_request(op, root, dir);
	c.data = names->text;
	c.data_size = names->size;
	return c;
}

bool gofer_names_add(struct gofer_names *names, const char *name)
{
	size_t size = strlen(name) + 1;
	if (names->count == GOFER_MANY_MAX || size > sizeof names->text - names->size)
		return false;
	memcpy(names->text + names->size, name, size);
	names->size += size;
	names->count++;
	return true;
}

struct lists_arg {
	gofer_lists_fn each;
	void *arg;
	unsigned at, count;
};

/* An entry, or the end of a directory. */
static ssize_t lists_record(struct lists_arg *l, const uint8_t *p, size_t size)
{
	static const struct gofer_attr none;
	struct gofer_dirent d;
	struct gofer_entry e;

	if (size < sizeof d || l->at == l->count)
		return -EIO;
	memcpy(&d, p, sizeof d);
	if (d.name_size > 0) {
		ssize_t n = dirent_parse(p, size, &d, &e);
		if (n > 0)
			l->each(l->arg, l->at, &e, 0);
		return n;
	}
	if (d.link_size > 4095 || memcmp(&d.attr, &none, sizeof none) != 0)
		return -EIO;
	l->each(l->arg, l->at++, NULL, -(int)d.link_size);
	return sizeof d;
}

static int lists_body(void *arg, const uint8_t *p, size_t size)
{
	while (size > 0) {
		ssize_t n = lists_record(arg, p, size);
		if (n < 0)
			return (int)n;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int gofer_lists(struct gofer *g, unsigned root, const char *dir, const struct gofer_names *names,
		gofer_lists_fn each, void *arg)
{
	struct lists_arg l = {.each = each, .arg = arg, .count = names->count};
	struct wire_call c = request_names(GOFER_LISTS, root, dir, names);
	c.body = lists_body;
	c.arg = &l;
	int err = wire_call(g, &c);
	if (err == 0 && l.at != l.count)
		err = -EIO;
	/* Whoever was told of an entry hears of the end. */
	while (l.at < l.count)
		each(arg, l.at++, NULL, err);
	return err;
}

struct opens_arg {
	struct gofer_opened *out;
	unsigned at, count;
};

static int opens_body(void *arg, const uint8_t *p, size_t size)
{
	struct opens_arg *o = arg;
	static const struct gofer_attr none;

	for (; size > 0; p += sizeof *o->out, size -= sizeof *o->out) {
		if (size < sizeof *o->out || o->at == o->count)
			return -EIO;
		struct gofer_opened *f = &o->out[o->at++];
		memcpy(f, p, sizeof *f);
		if (f->zero != 0 || f->status > 0 || f->status < -4095)
			return -EIO;
		if (f->status < 0 ? memcmp(&f->attr, &none, sizeof none) != 0
				  : !wire_attr_valid(&f->attr) ||
					    (f->attr.mode & 0170000) != 0100000)
			return -EIO;
	}
	return 0;
}

/* Each descriptor to the name that it is of; -EIO: there are more than there may be. */
static int fds_assign(const struct gofer_opened *of, unsigned count, const int *fds, size_t nfds,
		      int *out_fds)
{
	size_t at = 0;
	for (unsigned i = 0; i < count; i++) {
		int none = of[i].status < 0 ? of[i].status : -EMFILE;
		out_fds[i] = of[i].status == 0 && at < nfds ? fds[at++] : none;
	}
	return at < nfds ? -EIO : 0;
}

int gofer_opens(struct gofer *g, unsigned root, const char *dir, const struct gofer_names *names,
		struct gofer_opened out[GOFER_MANY_MAX], int out_fds[GOFER_MANY_MAX])
{
	struct opens_arg o = {.out = out, .count = names->count};
	struct wire_call c = request_names(GOFER_OPENS, root, dir, names);
	int fds[GOFER_MANY_MAX];

	c.body = opens_body;
	c.arg = &o;
	c.fds = fds;
	int err = wire_call(g, &c);
	if (err == 0 && o.at != o.count)
		err = -EIO;
	if (err == 0)
		err = fds_assign(out, o.count, fds, c.nfds, out_fds);
	for (size_t i = 0; err < 0 && i < c.nfds; i++)
		host_close(fds[i]);
	return err;
}
