/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer/sparse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/cleanup.h"

enum { HOLES_MIN = 64 << 20, HOLE_MIN = 1 << 20, NUMBER = 24, TAR_BLOCK = 512 };

static int add(struct sparse *p, uint64_t off, uint64_t end)
{
	struct extent *last = p->count ? &p->data[p->count - 1] : NULL;
	/* A small hole is not worth a line. */
	if (last && off - (last->off + last->size) < HOLE_MIN) {
		last->size = end - last->off;
		return 0;
	}
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		struct extent *more = reallocarray(p->data, room, sizeof *more);
		if (!more)
			return -ENOMEM;
		p->data = more;
		p->room = room;
	}
	p->data[p->count++] = (struct extent){.off = off, .size = end - off};
	return 0;
}

int sparse_look(struct sparse *p, struct layer_source *s, uint64_t size)
{
	uint64_t data = 0;
	int err = 0;
	if (size < HOLES_MIN)
		return 0;
	for (uint64_t at = 0; at < size && err == 0;) {
		int64_t from = s->seek(s, at, /*data=*/true);
		int64_t to = from < 0 ? from : s->seek(s, (uint64_t)from, /*data=*/false);
		if (from == -ENXIO || to == -ENXIO || (uint64_t)from >= size)
			break;
		if (from < 0 || to <= from)
			return 0;
		at = (uint64_t)to < size ? (uint64_t)to : size;
		err = add(p, (uint64_t)from, at);
	}
	/* A last line says how long it is. */
	if (err == 0)
		err = add(p, size, size);
	for (size_t i = 0; i < p->count; i++)
		data += p->data[i].size;
	return err < 0 ? err : size - data >= HOLES_MIN;
}

int sparse_entry(struct sparse *p, struct tar *t, const char *path, const struct stat *st)
{
	struct stat as_stored = *st;
	char number[NUMBER], name[300];
	uint64_t data = 0;
	autofree char *map = malloc((2 * p->count + 1) * NUMBER);
	if (!map)
		return -ENOMEM;
	size_t used = (size_t)sprintf(map, "%zu\n", p->count);
	for (size_t i = 0; i < p->count; i++) {
		used += (size_t)sprintf(map + used, "%" PRIu64 "\n%" PRIu64 "\n", p->data[i].off,
					p->data[i].size);
		data += p->data[i].size;
	}
	p->stored = (used + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK + data;
	as_stored.st_size = (off_t)p->stored;
	int n = snprintf(number, sizeof number, "%" PRIu64, (uint64_t)st->st_size);
	tar_pax(t, "GNU.sparse.major", "1", 1);
	tar_pax(t, "GNU.sparse.minor", "0", 1);
	tar_pax(t, "GNU.sparse.name", path, strlen(path));
	tar_pax(t, "GNU.sparse.realsize", number, (size_t)n);
	/* For readers that do not know the format. */
	const char *slash = strrchr(path, '/');
	snprintf(name, sizeof name, "GNUSparseFile.0/%s", slash ? slash + 1 : path);
	int err = tar_entry(t, name, &as_stored, NULL, 0);
	tar_data(t, map, used);
	tar_pad(t, used);
	return err;
}
