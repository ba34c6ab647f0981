/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File system types by name.  Registered before the first task runs, read
 * ever after: no lock.
 */
#include <string.h>

#include "platform/base/types.h"
#include "sentry/cred/cred.h"
#include "sentry/vfs/mount.h"
#include "syscalls/abi/errno.h"

enum { FS_TYPES_MAX = 32 };

static struct {
	const char *name;
	fs_make_fn make;
	int who;
} types[FS_TYPES_MAX];
static unsigned type_count;

int fs_register(const char *type, fs_make_fn make, int who)
{
	if (type_count == ARRAY_SIZE(types))
		return -ENOSPC;
	types[type_count].name = type;
	types[type_count].who = who;
	types[type_count++].make = make;
	return 0;
}

int fs_mount_new(const char *type, const struct fs_source *s, struct fs **out)
{
	unsigned i = 0;
	while (i < type_count && strcmp(types[i].name, type) != 0)
		i++;
	if (i == type_count)
		return -ENODEV;
	if (types[i].who == FS_ROOT_ONLY && !cred_capable(s->cred, CAP_SYS_ADMIN))
		return -EPERM;
	int err = types[i].make(s, out);
	bool able =
		err == 0 && (types[i].who == FS_SHARED
				     ? cred_capable_own(s->cred, CAP_SYS_ADMIN)
				     : cred_capable_in(s->cred, (*out)->user_ns, CAP_SYS_ADMIN));
	if (err == 0 && !able) {
		fs_put(STEAL(*out));
		err = -EPERM;
	}
	return err;
}

const char *fs_type_name(unsigned i)
{
	return i < type_count ? types[i].name : NULL;
}
