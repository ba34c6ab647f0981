/* SPDX-License-Identifier: Apache-2.0 */
/* The memory file systems of a sandbox, by the options that mount(8) gives them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/boot/internal.h"
#include "sentry/fs/devfs/devfs.h"
#include "sentry/fs/memfs/memfs.h"
#include "sentry/res/resources.h"
#include "sentry/vfs/inode.h"

/* Value of `key=` in a comma separated list, or NULL; *out_size without the comma. */
static const char *option(const char *data, const char *key, size_t *out_size)
{
	size_t n = strlen(key);
	for (const char *p = data; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (strncmp(p, key, n) == 0 && p[n] == '=') {
			*out_size = strcspn(p + n + 1, ",");
			return p + n + 1;
		}
	}
	return NULL;
}

/* "64m", "1g", "4096", "50%" (of the memory).  -EINVAL. */
static int parse_size(const char *v, size_t n, uint64_t *out)
{
	char *end;
	if (n == 0 || v[0] < '0' || v[0] > '9')
		return -EINVAL;
	errno = 0;
	uint64_t x = strtoull(v, &end, 10);
	if (errno)
		return -EINVAL;
	uint64_t unit = 1;
	if (end < v + n) {
		const char *units = "kmg", *u = strchr(units, *end | 0x20);
		if (*end == '%') {
			if (end + 1 != v + n || __builtin_mul_overflow(x, resources_memory(), out))
				return -EINVAL;
			*out /= 100;
			return 0;
		}
		if (!u || end + 1 != v + n)
			return -EINVAL;
		unit = 1024ull << (10 * (u - units));
	}
	return __builtin_mul_overflow(x, unit, out) ? -EINVAL : 0;
}

static int parse_number(const char *v, size_t n, int base, uint32_t *out)
{
	char *end;
	unsigned long x = strtoul(v, &end, base);
	if (n == 0 || end != v + n || x > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)x;
	return 0;
}

/* Linux refuses what it does not know: a misspelt limit would be none. */
static int known_options(const char *data)
{
	static const char *const known[] = {"size", "nr_blocks", "nr_inodes", "mode",	 "uid",
					    "gid",  "huge",	 "mpol",      "inode32", "inode64"};
	for (const char *p = data; p && *p;) {
		size_t n = strcspn(p, ","), name = strcspn(p, ",="), i = 0;
		while (i < ARRAY_SIZE(known) &&
		       (strlen(known[i]) != name || strncmp(known[i], p, name) != 0))
			i++;
		if (n > 0 && i == ARRAY_SIZE(known))
			return -EINVAL;
		p += n + (p[n] == ',');
	}
	return 0;
}

static int tmpfs_options(const char *data, struct memfs_options *o)
{
	size_t n;
	const char *v;
	int err = known_options(data);
	if (err == 0 && (v = option(data, "size", &n)))
		err = parse_size(v, n, &o->size_limit);
	if (err == 0 && (v = option(data, "nr_blocks", &n))) {
		err = parse_size(v, n, &o->size_limit);
		if (err == 0 && __builtin_mul_overflow(o->size_limit, PAGE_SIZE, &o->size_limit))
			err = -EINVAL;
	}
	if (err == 0 && (v = option(data, "mode", &n)))
		err = parse_number(v, n, 8, &o->mode);
	if (err == 0 && (v = option(data, "uid", &n)))
		err = parse_number(v, n, 10, &o->uid);
	if (err == 0 && (v = option(data, "gid", &n)))
		err = parse_number(v, n, 10, &o->gid);
	if (err == 0 && (v = option(data, "nr_inodes", &n)))
		err = parse_size(v, n, &o->inode_limit);
	o->mode &= 07777;
	return err;
}

static int ids_from(const struct user_ns *ns, struct memfs_options *o)
{
	o->uid = uid_meant(ns, o->uid);
	o->gid = gid_meant(ns, o->gid);
	return o->uid == ID_NONE || o->gid == ID_NONE ? -EINVAL : 0;
}

int boot_tmpfs(const struct boot_tmpfs *t, struct fs **out)
{
	/* tmpfs(5): half of the memory unless told otherwise. */
	struct memfs_options o = {
		.name = "tmpfs",
		.mode = t->mode,
		.size_limit = resources_memory() / 2 & ~(uint64_t)(PAGE_SIZE - 1),
		.lower = {.gofer = t->gofer, .path = t->lower},
	};
	if (t->cred) {
		o.uid = uid_seen(t->cred->user_ns, t->cred->fsuid);
		o.gid = gid_seen(t->cred->user_ns, t->cred->fsgid);
	}
	int err = tmpfs_options(t->data, &o);
	if (err == 0 && t->cred)
		err = ids_from(t->cred->user_ns, &o);
	if (err == 0)
		err = memfs_new(&o, out);
	if (err == 0 && t->cred)
		fs_own(*out, t->cred->user_ns);
	return err;
}

/* Ids of the options are meant as who mounts it names them. */
static int make_tmpfs(const struct fs_source *s, struct fs **out)
{
	struct boot_tmpfs t = {.data = s->data, .mode = 01777, .cred = s->cred};
	return boot_tmpfs(&t, out);
}

static int make_devtmpfs(const struct fs_source *s, struct fs **out)
{
	struct memfs_options o = {.name = "devtmpfs", .mode = 0755};
	int err = tmpfs_options(s->data, &o);
	if (err == 0)
		err = memfs_new(&o, out);
	return err < 0 ? err : devfs_populate(*out);
}

int boot_register(void)
{
	int err = fs_register("tmpfs", make_tmpfs, FS_USERNS);
	if (err == 0)
		err = fs_register("devtmpfs", make_devtmpfs, FS_ROOT_ONLY);
	if (err == 0)
		err = devfs_init();
	if (err == 0)
		err = boot_register_more();
	return err;
}
