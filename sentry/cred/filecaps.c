/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/filecaps.h"

#include <string.h>

#include "syscalls/abi/errno.h"

static int parse(const void *attr, size_t size, struct abi_vfs_cap_data *out)
{
	static const struct {
		uint32_t revision;
		size_t size;
	} known[] = {
		{VFS_CAP_REVISION_1, VFS_CAP_SIZE_1},
		{VFS_CAP_REVISION_2, VFS_CAP_SIZE_2},
		{VFS_CAP_REVISION_3, sizeof *out},
	};

	*out = (struct abi_vfs_cap_data){.magic_etc = 0};
	if (size < sizeof out->magic_etc || size > sizeof *out)
		return -EINVAL;
	memcpy(out, attr, size);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if ((out->magic_etc & VFS_CAP_REVISION_MASK) == known[i].revision)
			return size == known[i].size ? 0 : -EINVAL;
	return -EINVAL;
}

/* uid is root in ns, or where that comes from. */
static bool owns(uint32_t uid, const struct user_ns *ns)
{
	for (; ns && uid != ID_NONE; ns = user_ns_parent(ns))
		if (uid_meant(ns, 0) == uid)
			return true;
	return false;
}

int file_caps_read(const void *attr, size_t size, const struct user_ns *ns, struct file_caps *out)
{
	struct abi_vfs_cap_data d;
	int err = parse(attr, size, &d);
	if (err < 0)
		return err;
	if (!owns(d.rootid, ns))
		return -ENODATA;
	*out = (struct file_caps){
		.present = true,
		.effective = d.magic_etc & VFS_CAP_FLAGS_EFFECTIVE,
		.permitted = d.data[0].permitted | (uint64_t)d.data[1].permitted << 32,
		.inheritable = d.data[0].inheritable | (uint64_t)d.data[1].inheritable << 32,
	};
	out->permitted &= CAP_ALL;
	out->inheritable &= CAP_ALL;
	return 0;
}

static size_t set_revision(struct abi_vfs_cap_data *d, uint32_t revision)
{
	d->magic_etc = revision | (d->magic_etc & VFS_CAP_FLAGS_EFFECTIVE);
	return revision == VFS_CAP_REVISION_2 ? VFS_CAP_SIZE_2 : sizeof *d;
}

ssize_t file_caps_store(const struct cred *c, const void *attr, size_t size,
			struct abi_vfs_cap_data *out)
{
	if (parse(attr, size, out) < 0 || size == VFS_CAP_SIZE_1)
		return -EINVAL;
	if (size == VFS_CAP_SIZE_2 && cred_capable(c, CAP_SETFCAP))
		return (ssize_t)size;
	out->rootid = uid_meant(c->user_ns, out->rootid);
	return out->rootid == ID_NONE ? -EINVAL
				      : (ssize_t)set_revision(out, VFS_CAP_REVISION_3);
}

ssize_t file_caps_show(const struct cred *c, const void *attr, size_t size,
		       struct abi_vfs_cap_data *out)
{
	int err = parse(attr, size, out);
	if (err < 0)
		return err;
	if (size == VFS_CAP_SIZE_1)
		return -EINVAL;
	uint32_t name = user_ns_name(c->user_ns, ID_USER, out->rootid);
	if (name != ID_NONE && name != 0) {
		out->rootid = name;
		return (ssize_t)set_revision(out, VFS_CAP_REVISION_3);
	}
	return owns(out->rootid, c->user_ns) ? (ssize_t)set_revision(out, VFS_CAP_REVISION_2)
					     : -EOVERFLOW;
}
