/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes in a container's /dev: those of every container, and those of config.json. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "oci/bundle.h"
#include "platform/base/types.h"

/* What the OCI runtime specification promises; the links are made with them. */
static const struct boot_device promised[] = {
	{.path = "/dev/null", .mode = S_IFCHR | 0666, .major = 1, .minor = 3},
	{.path = "/dev/zero", .mode = S_IFCHR | 0666, .major = 1, .minor = 5},
	{.path = "/dev/full", .mode = S_IFCHR | 0666, .major = 1, .minor = 7},
	{.path = "/dev/random", .mode = S_IFCHR | 0666, .major = 1, .minor = 8},
	{.path = "/dev/urandom", .mode = S_IFCHR | 0666, .major = 1, .minor = 9},
	{.path = "/dev/tty", .mode = S_IFCHR | 0666, .major = 5, .minor = 0},
};

static bool listed(const struct spec *s, const char *path)
{
	for (size_t i = 0; i < s->ndevices; i++)
		if (strcmp(s->devices[i].path, path) == 0)
			return true;
	return false;
}

int bundle_devices(struct bundle *b)
{
	const struct spec *s = &b->spec;
	size_t n = 0;
	b->devices = calloc(ARRAY_SIZE(promised) + s->ndevices, sizeof *b->devices);
	if (!b->devices)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(promised); i++)
		if (!listed(s, promised[i].path))
			b->devices[n++] = promised[i];
	if (s->ndevices)
		memcpy(b->devices + n, s->devices, s->ndevices * sizeof *s->devices);
	b->sandbox.spec.devices = b->devices;
	b->sandbox.spec.ndevices = n + s->ndevices;
	return 0;
}

int bundle_bound_device(struct bundle *b, size_t i, const struct stat *st)
{
	struct boot_device *d = &b->bound[i];
	if (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
		return -EOPNOTSUPP;
	*d = (struct boot_device){
		.path = b->mounts[i].target,
		.mode = st->st_mode,
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.uid = id_inside(&b->spec.uid_map, st->st_uid),
		.gid = id_inside(&b->spec.gid_map, st->st_gid),
	};
	b->mounts[i].device = d;
	return 0;
}
