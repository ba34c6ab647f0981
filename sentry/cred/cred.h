/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: immutable once published.
 *
 * A task points at one struct cred; a change makes a copy, edits it and swaps
 * the pointer, so that whoever holds a reference sees one consistent set.
 * Files keep the credentials of their opener.  credentials(7), capabilities(7).
 */
#pragma once

#include "platform/base/cleanup.h"
#include "platform/base/ref.h"
#include "sentry/cred/userns.h"

enum {
	CAP_CHOWN = 0, CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3,
	CAP_FSETID = 4, CAP_KILL = 5, CAP_SETGID = 6, CAP_SETUID = 7, CAP_SETPCAP = 8,
	CAP_LINUX_IMMUTABLE = 9, CAP_NET_BIND_SERVICE = 10, CAP_NET_BROADCAST = 11,
	CAP_NET_ADMIN = 12, CAP_NET_RAW = 13, CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15,
	CAP_SYS_MODULE = 16, CAP_SYS_RAWIO = 17, CAP_SYS_CHROOT = 18, CAP_SYS_PTRACE = 19,
	CAP_SYS_PACCT = 20, CAP_SYS_ADMIN = 21, CAP_SYS_BOOT = 22, CAP_SYS_NICE = 23,
	CAP_SYS_RESOURCE = 24, CAP_SYS_TIME = 25, CAP_SYS_TTY_CONFIG = 26, CAP_MKNOD = 27,
	CAP_LEASE = 28, CAP_AUDIT_WRITE = 29, CAP_AUDIT_CONTROL = 30, CAP_SETFCAP = 31,
	CAP_MAC_OVERRIDE = 32, CAP_MAC_ADMIN = 33, CAP_SYSLOG = 34, CAP_WAKE_ALARM = 35,
	CAP_BLOCK_SUSPEND = 36, CAP_AUDIT_READ = 37, CAP_PERFMON = 38, CAP_BPF = 39,
	CAP_CHECKPOINT_RESTORE = 40, CAP_LAST = 40,
};
#define CAP_ALL ((1ull << (CAP_LAST + 1)) - 1)
#define CAP_BIT(c) (1ull << (c))

/* The kernel's limit (NGROUPS_MAX). */
enum { NGROUPS_LIMIT = 65536 };

struct cred {
	struct ref ref;
	uint32_t ruid, euid, suid, fsuid;
	uint32_t rgid, egid, sgid, fsgid;
	uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	struct user_ns *user_ns; /* our reference: where the capabilities count */
	uint32_t securebits;
	bool no_new_privs;
	uint32_t ngroups;
	uint32_t groups[];	/* sorted */
};

/* All ids 0, all capabilities of `bset`; NULL when out of memory. */
struct cred *cred_new_root(uint64_t bset);
/* A private copy with room for ngroups groups (copied as far as they fit); NULL: no memory. */
struct cred *cred_copy(const struct cred *c, uint32_t ngroups);
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
DEFINE_AUTOPUT(cred)

/* Over what belongs to no namespace: only capabilities in the first user namespace count. */
bool cred_capable(const struct cred *c, unsigned cap);
/* Over what belongs to ns: those held in it, or in an ancestor; its maker's in the parent too. */
bool cred_capable_in(const struct cred *c, const struct user_ns *ns, unsigned cap);
/* In the namespace c is in. */
static inline bool cred_capable_own(const struct cred *c, unsigned cap)
{
	return c->cap_effective & CAP_BIT(cap);
}
/* Over what belongs to uid and gid: both must have a name where c is. */
static inline bool cred_capable_over(const struct cred *c, uint32_t uid, uint32_t gid, unsigned cap)
{
	return cred_capable_own(c, cap) && ids_have_names(c->user_ns, uid, gid);
}
/* Who is root where c is; ID_NONE: nobody. */
static inline uint32_t cred_root(const struct cred *c)
{
	return uid_meant(c->user_ns, 0);
}
/* c has no more capabilities than `than`, also those of who owns a namespace. */
bool cred_caps_within(const struct cred *c, const struct cred *than);
/* gid is the fsgid or one of the supplementary groups. */
bool cred_in_group(const struct cred *c, uint32_t gid);
struct file_caps;
/*
 * execve's effect on the capabilities of c, whose new euid is already set: P' = I & F | bset & F,
 * where root's F is all, and ambient ones.  capabilities(7).  -EPERM: the program counts on some
 * that the bounding set lacks.
 */
int cred_exec_caps(struct cred *c, const struct file_caps *f);
