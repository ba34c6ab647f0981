/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer/tar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { BLOCK = 512, PAX_MAX = 64 << 20 };

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], type;
	char linkname[100], magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8];
	char prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "ustar's header is a block");

void tar_begin(struct tar *t, int fd)
{
	sink_begin(&t->out, fd);
	t->pax = NULL;
	t->pax_size = t->pax_room = 0;
}

void tar_data(struct tar *t, const void *p, size_t size)
{
	sink_put(&t->out, p, size);
}

void tar_pad(struct tar *t, uint64_t size)
{
	static const char zeros[BLOCK];
	if (size % BLOCK)
		tar_data(t, zeros, BLOCK - size % BLOCK);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
void tar_pax(struct tar *t, const char *key, const void *value, size_t size)
{
	char digits[24];
	size_t body = 1 + strlen(key) + 1 + size + 1, total = body + 1;
	int n = 0;
	while (total != body + (size_t)n) {
		total = body + (size_t)n;
		n = snprintf(digits, sizeof digits, "%zu", total);
	}
	if (t->pax_size + total + 1 > t->pax_room) {
		size_t room = 2 * (t->pax_size + total + 1);
		char *more = room <= PAX_MAX ? realloc(t->pax, room) : NULL;
		if (!more) {
			sink_fail(&t->out, -ENOMEM);
			return;
		}
		t->pax = more;
		t->pax_room = room;
	}
	char *p = t->pax + t->pax_size;
	p += sprintf(p, "%zu %s=", total, key);
	if (size > 0)
		memcpy(p, value, size);
	p[size] = '\n';
	t->pax_size += total;
}

void tar_xattr(struct tar *t, const char *name, const void *value, size_t size)
{
	char key[300];
	if (snprintf(key, sizeof key, "SCHILY.xattr.%s", name) < (int)sizeof key)
		tar_pax(t, key, value, size);
}

/* An octal field, or a record where it does not fit. */
static void number(struct tar *t, char *field, size_t size, uint64_t v, const char *key)
{
	char text[24];
	if (v >> (3 * (size - 1)) == 0) {
		snprintf(text, sizeof text, "%0*llo", (int)size - 1, (unsigned long long)v);
		memcpy(field, text, size);
		return;
	}
	memset(field, '0', size - 1);
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v);
	tar_pax(t, key, text, (size_t)n);
}

static void text(struct tar *t, char *field, size_t size, const char *s, const char *key)
{
	size_t n = strlen(s);
	memcpy(field, s, n < size ? n : size);
	if (n > size)
		tar_pax(t, key, s, n);
}

static void times(struct tar *t, struct header *h, const struct timespec *mtime)
{
	char decimal[48];
	bool old = mtime->tv_sec < 0;
	number(t, h->mtime, sizeof h->mtime, old ? 0 : (uint64_t)mtime->tv_sec, "mtime");
	if (!old && mtime->tv_nsec == 0)
		return;
	/* Before 1970 the fraction counts down. */
	long long sec = mtime->tv_sec;
	long nsec = mtime->tv_nsec;
	if (old && nsec > 0) {
		sec++;
		nsec = 1000000000 - nsec;
	}
	int n = snprintf(decimal, sizeof decimal, "%s%lld.%09ld", old && sec == 0 ? "-" : "", sec,
			 nsec);
	tar_pax(t, "mtime", decimal, (size_t)n);
}

static void emit(struct tar *t, struct header *h)
{
	unsigned sum = 0;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->chksum, ' ', sizeof h->chksum);
	for (size_t i = 0; i < sizeof *h; i++)
		sum += ((unsigned char *)h)[i];
	snprintf(h->chksum, sizeof h->chksum, "%06o", sum);
	h->chksum[7] = ' ';
	tar_data(t, h, sizeof *h);
}

static void emit_pax(struct tar *t)
{
	struct header h = {.name = "PaxHeaders/entry", .type = 'x'};
	if (t->pax_size == 0)
		return;
	number(t, h.mode, sizeof h.mode, 0644, "");
	number(t, h.uid, sizeof h.uid, 0, "");
	number(t, h.gid, sizeof h.gid, 0, "");
	number(t, h.size, sizeof h.size, t->pax_size, "");
	number(t, h.mtime, sizeof h.mtime, 0, "");
	emit(t, &h);
	tar_data(t, t->pax, t->pax_size);
	tar_pad(t, t->pax_size);
	t->pax_size = 0;
}

static char type_of(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return 0;
	}
}

int tar_entry(struct tar *t, const char *path, const struct stat *st, const char *link, int hard)
{
	struct header h = {.type = hard ? '1' : type_of(st)};
	bool data = h.type == '0', device = h.type == '3' || h.type == '4';
	if (h.type == 0) {
		t->pax_size = 0;
		return -EOPNOTSUPP;
	}
	text(t, h.name, sizeof h.name, path, "path");
	if (link)
		text(t, h.linkname, sizeof h.linkname, link, "linkpath");
	number(t, h.mode, sizeof h.mode, st->st_mode & 07777, "mode");
	number(t, h.uid, sizeof h.uid, st->st_uid, "uid");
	number(t, h.gid, sizeof h.gid, st->st_gid, "gid");
	number(t, h.size, sizeof h.size, data ? (uint64_t)st->st_size : 0, "size");
	number(t, h.devmajor, sizeof h.devmajor, device ? major(st->st_rdev) : 0, "devmajor");
	number(t, h.devminor, sizeof h.devminor, device ? minor(st->st_rdev) : 0, "devminor");
	times(t, &h, &st->st_mtim);
	emit_pax(t);
	emit(t, &h);
	return t->out.err;
}

int tar_end(struct tar *t)
{
	static const char zeros[2 * BLOCK];
	tar_data(t, zeros, sizeof zeros);
	free(t->pax);
	t->pax = NULL;
	return sink_end(&t->out);
}
