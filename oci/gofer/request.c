/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a packet that may hold anything to a request that breaks no rule.
 *
 * The sentry may be hostile.  The packet lies in our own memory, so nothing
 * changes while it is read; header and strings are copied out and terminated,
 * and every field that the operation does not use must be zero.  Only then does
 * the operation run, so that read.c and write.c check what the host knows and
 * no longer what the sentry said.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "platform/base/types.h"

struct op {
	int (*run)(struct worker *w);
	unsigned fields; /* GOFER_F_* */
};

static const struct op ops[GOFER_OP_COUNT] = {
#define OP(name, fields) [GOFER_##name] = {gofer_op_##name, fields},
	GOFER_OPS(OP)
#undef OP
};

enum {
	OPEN_FLAGS =
		GOFER_O_ACCMODE | GOFER_O_TRUNC | GOFER_O_APPEND | GOFER_O_SYNC | GOFER_O_DIRECT
};

static bool time_valid(uint32_t nsec)
{
	return nsec < NSEC_PER_SEC || nsec == GOFER_TIME_NOW;
}

/* What SETATTR is not asked to change has one spelling only. */
static bool change_valid(const struct gofer_req *r)
{
	uint32_t mask = r->mask;
	return (mask & ~(uint32_t)GOFER_SET_ALL) == 0 && r->size <= INT64_MAX && r->mode <= 07777 &&
	       time_valid(r->atime_nsec) && time_valid(r->mtime_nsec) &&
	       ((mask & GOFER_SET_MODE) || r->mode == 0) &&
	       ((mask & GOFER_SET_UID) || r->uid == GOFER_KEEP_ID) &&
	       ((mask & GOFER_SET_GID) || r->gid == GOFER_KEEP_ID) &&
	       ((mask & GOFER_SET_SIZE) || r->size == 0) &&
	       ((mask & GOFER_SET_ATIME) || (r->atime_sec == 0 && r->atime_nsec == 0)) &&
	       ((mask & GOFER_SET_MTIME) || (r->mtime_sec == 0 && r->mtime_nsec == 0));
}

static bool flags_valid(const struct gofer_req *r)
{
	switch (r->op) {
	case GOFER_OPEN:
		return !(r->flags & ~(uint32_t)OPEN_FLAGS) &&
		       (r->flags & GOFER_O_ACCMODE) != GOFER_O_ACCMODE;
	case GOFER_CREATE:
		return !(r->flags & ~(uint32_t)(OPEN_FLAGS & ~GOFER_O_TRUNC)) &&
		       (r->flags & GOFER_O_ACCMODE) != GOFER_O_ACCMODE;
	case GOFER_RENAME:
		return r->flags <= GOFER_RENAME_EXCHANGE;
	case GOFER_SETXATTR:
		return r->flags <= GOFER_XATTR_REPLACE;
	default:
		return r->flags == 0;
	}
}

static bool fields_valid(const struct gofer_req *r, unsigned fields)
{
	if (fields & GOFER_F_ATTR)
		return flags_valid(r) && change_valid(r) && r->rdev == 0;
	if (r->mask || r->atime_sec || r->atime_nsec || r->mtime_sec || r->mtime_nsec)
		return false;
	return flags_valid(r) && ((fields & GOFER_F_IDS) || (r->uid == 0 && r->gid == 0)) &&
	       r->mode <= (fields & GOFER_F_RDEV   ? S_IFMT | 07777u
			   : fields & GOFER_F_MODE ? 07777u
						   : 0) &&
	       r->rdev <= (fields & GOFER_F_RDEV ? UINT64_MAX : 0) &&
	       r->size <= (fields & GOFER_F_SIZE ? GOFER_PACKET_MAX : 0) &&
	       ((fields & GOFER_F_NAME) || r->name_size == 0) &&
	       ((fields & GOFER_F_DATA) || r->data_size == 0);
}

/* proto.h's rule for paths. */
static int path_check(const char *path)
{
	if (*path == '\0')
		return 0;
	for (;;) {
		size_t size = strcspn(path, "/");
		if (size == 0 || (size == 1 && path[0] == '.') ||
		    (size == 2 && path[0] == '.' && path[1] == '.'))
			return -EINVAL;
		if (size > GOFER_NAME_MAX)
			return -ENAMETOOLONG;
		if (path[size] == '\0')
			return 0;
		path += size + 1;
	}
}

/* GOFER_F_NAMES: the last byte is a NUL, and nothing but paths stands before one. */
static int names_check(const char *p, size_t size)
{
	unsigned count = 0;
	if (size == 0 || p[size - 1] != '\0')
		return -EINVAL;
	for (size_t n; size > 0; p += n + 1, size -= n + 1) {
		n = strlen(p);
		int err = n == 0 ? -EINVAL : path_check(p);
		if (err < 0)
			return err;
		if (++count > GOFER_MANY_MAX)
			return -EINVAL;
	}
	return 0;
}

/* The second string: another path, or a word with a length of its own. */
static int name_check(const struct gofer_req *r, const char *name)
{
	switch (r->op) {
	case GOFER_LINK:
	case GOFER_RENAME:
		return path_check(name);
	case GOFER_GETXATTR:
	case GOFER_SETXATTR:
	case GOFER_REMOVEXATTR:
		return r->name_size == 0 || r->name_size > GOFER_NAME_MAX ? -ERANGE : 0;
	case GOFER_SYMLINK:
		return r->name_size == 0 ? -ENOENT : 0;
	default:
		return 0;
	}
}

/* Copies a string of the packet and terminates it; one with a NUL inside is refused. */
static int string_take(char out[GOFER_PATH_MAX + 1], const uint8_t *p, size_t size)
{
	if (size > GOFER_PATH_MAX)
		return -ENAMETOOLONG;
	if (memchr(p, '\0', size))
		return -EINVAL;
	memcpy(out, p, size);
	out[size] = '\0';
	return 0;
}

static int strings_take(struct worker *w, size_t size)
{
	const struct gofer_req *r = &w->req;
	const uint8_t *p = w->in + sizeof *r;
	uint64_t sum = (uint64_t)r->path_size + r->name_size + r->data_size;
	int err;

	if (sum != size - sizeof *r)
		return -EINVAL;
	if ((err = string_take(w->path, p, r->path_size)) < 0)
		return err;
	if ((err = string_take(w->name, p + r->path_size, r->name_size)) < 0)
		return err;
	w->data = p + r->path_size + r->name_size;
	return 0;
}

static int request_take(struct worker *w, size_t size)
{
	struct gofer_req *r = &w->req;
	int err;

	if (r->magic != GOFER_MAGIC || r->zero != 0 || r->op == GOFER_NONE ||
	    r->op >= GOFER_OP_COUNT)
		return -EINVAL;
	unsigned fields = ops[r->op].fields;
	if ((w->given >= 0) != ((fields & GOFER_F_GIVEN) != 0))
		return -EINVAL;
	if (!fields_valid(r, fields) || (err = strings_take(w, size)) == -EINVAL)
		return -EINVAL;
	if (err < 0)
		return err;
	if ((err = path_check(w->path)) < 0 || (err = name_check(r, w->name)) < 0)
		return err;
	if ((fields & GOFER_F_NAMES) &&
	    (err = names_check((const char *)w->data, r->data_size)) < 0)
		return err;
	if (fields & GOFER_F_NOROOT)
		return r->root == 0 && r->path_size == 0 ? 0 : -EINVAL;
	if (r->root >= w->s->nroots)
		return -EINVAL;
	w->root = &w->s->roots[r->root];
	return (fields & GOFER_F_WRITE) && !w->root->writable ? -EROFS : 0;
}

/* Changes of two layers take several steps, and go through one work directory. */
static int run(struct worker *w)
{
	unsigned fields = ops[w->req.op].fields;
	bool alone = w->root && w->root->layered && w->root->writable &&
		     ((fields & GOFER_F_WRITE) || w->req.op == GOFER_OPEN);
	if (alone)
		pthread_mutex_lock(&w->s->layers);
	int err = ops[w->req.op].run(w);
	if (alone)
		pthread_mutex_unlock(&w->s->layers);
	return err;
}

int gofer_handle(struct worker *w, size_t size, int given)
{
	w->rep = (struct gofer_rep){.magic = GOFER_MAGIC};
	w->req = (struct gofer_req){0};
	w->nfds = 0;
	w->keep_fd = false;
	w->given = given;
	w->body = NULL;
	w->body_size = 0;
	w->root = NULL;
	int err = -EINVAL;
	if (size >= sizeof w->req && size <= sizeof w->in) {
		memcpy(&w->req, w->in, sizeof w->req);
		w->rep.seq = w->req.seq;
		w->rep.op = w->req.op;
		err = request_take(w, size);
		if (err == 0)
			err = run(w);
	}
	w->rep.status = err;
	return gofer_reply(w);
}
