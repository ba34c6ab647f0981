/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/cred/cred.h"

enum { SECURE_NOROOT = 1, SECURE_KEEP_CAPS = 16 };

void cred_exec_caps(struct cred *c)
{
	uint32_t uid = cred_root(c);
	bool root = (c->ruid == uid || c->euid == uid) && !(c->securebits & SECURE_NOROOT);
	bool gained = c->euid != c->ruid || c->egid != c->rgid;

	c->securebits &= ~(uint32_t)SECURE_KEEP_CAPS;
	if (gained)
		c->cap_ambient = 0;
	if (root) {
		c->cap_permitted = c->cap_inheritable | c->cap_bset;
		c->cap_effective = c->euid == uid ? c->cap_permitted : c->cap_ambient;
	} else {
		c->cap_permitted = c->cap_ambient;
		c->cap_effective = c->cap_ambient;
	}
}
