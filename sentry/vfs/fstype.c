/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File system types by name.  Registered before the first task runs, read
 * ever after: no lock.
 */
#include <string.h>

#include "platform/base/types.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/errno.h"

enum { FS_TYPES_MAX = 32 };

static struct {
	const char *name;
	fs_make_fn make;
} types[FS_TYPES_MAX];
static unsigned type_count;

int fs_register(const char *type, fs_make_fn make)
{
	if (type_count == ARRAY_SIZE(types))
		return -ENOSPC;
	types[type_count].name = type;
	types[type_count++].make = make;
	return 0;
}

int fs_mount_new(const char *type, const char *source, const char *data, struct fs **out)
{
	for (unsigned i = 0; i < type_count; i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].make(source, data, out);
	return -ENODEV;
}

const char *fs_type_name(unsigned i)
{
	return i < type_count ? types[i].name : NULL;
}
