/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute security.capability of a program: capabilities(7), "File capabilities".
 *
 * It belongs to a user, who must be root where it is to count, or in an ancestor of that: of
 * revision 3 it says who that is (rootid, an id of the first namespace), else it is the first root.
 * Who sets it in a user namespace writes one of revision 2 and gets one of revision 3.
 */
#pragma once

#include "sentry/cred/cred.h"
#include "syscalls/abi/capability.h"

struct file_caps {
	bool present;
	bool effective;
	uint64_t permitted, inheritable;
};

/* As it is stored: -EINVAL for what is none, -ENODATA for what does not count in ns. */
int file_caps_read(const void *attr, size_t size, const struct user_ns *ns, struct file_caps *out);
/* What c sets as it is to be stored: its size, or -EINVAL. */
ssize_t file_caps_store(const struct cred *c, const void *attr, size_t size,
			struct abi_vfs_cap_data *out);
/* What is stored as c sees it: its size, -EINVAL, or -EOVERFLOW (whose it is has no name there). */
ssize_t file_caps_show(const struct cred *c, const void *attr, size_t size,
		       struct abi_vfs_cap_data *out);
