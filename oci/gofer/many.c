/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several questions in one request: each path is walked to from the root and
 * answered as if it had come alone.  The sentry asks so for what it thinks will be wanted next.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <string.h>

int names_each(struct worker *w, int (*fn)(void *arg, unsigned i, int status), void *arg)
{
	const char *name = (const char *)w->data, *end = name + w->req.data_size;
	size_t dir = w->req.path_size;
	int err = 0;

	if (dir > 0 && dir < GOFER_PATH_MAX)
		w->path[dir++] = '/';
	for (unsigned i = 0; name < end && err == 0; i++) {
		size_t size = strlen(name) + 1;
		bool fits = dir + size <= sizeof w->path;
		if (fits)
			memcpy(w->path + dir, name, size);
		err = fn(arg, i, fits ? 0 : -ENAMETOOLONG);
		name += size;
	}
	return err;
}

static int open_name(void *arg, unsigned i, int status)
{
	struct worker *w = arg;
	struct gofer_opened o = {.status = status};
	int fd;

	if (status == 0)
		o.status = open_path(w, GOFER_O_RDONLY, &fd, &o.attr);
	if (o.status == 0)
		gofer_reply_fd(w, fd);
	else
		o.attr = (struct gofer_attr){0};
	memcpy(w->out + i * sizeof o, &o, sizeof o);
	w->body_size = (i + 1) * sizeof o;
	return 0;
}

int gofer_op_OPENS(struct worker *w)
{
	_Static_assert(GOFER_MANY_MAX * sizeof(struct gofer_opened) <= GOFER_CHUNK,
		       "one packet, with all descriptors");
	w->body = w->out;
	return names_each(w, open_name, w);
}
