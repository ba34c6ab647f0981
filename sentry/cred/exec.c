/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/cred.h"
#include "sentry/cred/filecaps.h"
#include "syscalls/abi/errno.h"

enum { SECURE_NOROOT = 1, SECURE_KEEP_CAPS = 16 };

int cred_exec_caps(struct cred *c, const struct file_caps *f)
{
	const uint64_t had = c->cap_permitted;
	uint32_t uid = cred_root(c);
	bool root = (c->ruid == uid || c->euid == uid) && !(c->securebits & SECURE_NOROOT);
	bool gained = c->euid != c->ruid || c->egid != c->rgid;
	bool effective = f->effective;
	uint64_t now = (c->cap_bset & f->permitted) | (c->cap_inheritable & f->inheritable);

	if (effective && (f->permitted & ~now))
		return -EPERM;
	/* Who is root by the file only gets what the file has, if it has any. */
	if (root && !(f->present && c->ruid != uid)) {
		now = c->cap_bset | c->cap_inheritable;
		effective = effective || c->euid == uid;
	}
	if (c->no_new_privs)
		now &= had;
	c->securebits &= ~(uint32_t)SECURE_KEEP_CAPS;
	if (gained || f->present)
		c->cap_ambient = 0;
	c->cap_permitted = now | c->cap_ambient;
	c->cap_effective = effective ? c->cap_permitted : c->cap_ambient;
	return 0;
}
