/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gofer's seccomp filter, made of hostcalls.def.
 *
 * libseccomp compiles it once; every thread then loads it with prctl, which
 * Linux 3.6 has.  A forbidden call is answered with SCMP_ACT_TRAP and SIGSYS
 * has no handler, so the whole process ends on every kernel; the kill action
 * ends one thread only before 4.14, and its connection would hang.
 */
#include "oci/gofer/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"

enum class { READ = 0, WRITE = 1, NEWER = 2, NEWER_WRITE = 3, OLDER_WRITE = 5 };

const struct gofer_hostcall gofer_hostcalls[] = {
#define HOSTCALL(name, since, class, why)                                                          \
	{#name, #since, why, (class) & WRITE, ((class) & NEWER) != 0, (class) == OLDER_WRITE},
#include "oci/gofer/hostcalls.def"
#undef HOSTCALL
};
const size_t gofer_hostcalls_count = ARRAY_SIZE(gofer_hostcalls);
enum {
	OLDER_ROWS = 0
#define HOSTCALL(name, since, class, why) +((class) == OLDER_WRITE)
#include "oci/gofer/hostcalls.def"
#undef HOSTCALL
};
_Static_assert(ARRAY_SIZE(gofer_hostcalls) - OLDER_ROWS <= 30,
	       "the gofer's way to the host stays narrow");

static const int numbers[] = {
#define HOSTCALL(name, since, class, why) SYS_##name,
#include "oci/gofer/hostcalls.def"
#undef HOSTCALL
};

#define ALLOW(ctx, nr, ...) seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, __VA_ARGS__)

static bool missing(const struct server *s, int nr)
{
	return (nr == SYS_openat2 && !s->has_openat2) || (nr == SYS_statx && !s->has_statx) ||
	       (nr == SYS_renameat2 && !s->has_renameat2) ||
	       (nr == SYS_renameat && s->has_renameat2) ||
	       (nr == SYS_inotify_add_watch && s->inotify < 0);
}

/* Calls that can make or change files are for MEMFILE alone if no root is writable. */
static int rule_add(scmp_filter_ctx ctx, const struct server *s, int nr, bool writable)
{
	int err = 0;
	switch (nr) {
	case SYS_openat:
		if (writable)
			return ALLOW(ctx, nr, 0);
		err = ALLOW(ctx, nr, 1,
			    SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
		if (err == 0 && s->tmpfs >= 0)
			err = ALLOW(ctx, nr, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)s->tmpfs, 0));
		return err;
	case SYS_unlinkat:
		if (writable)
			return ALLOW(ctx, nr, 0);
		if (s->tmpfs >= 0)
			err = ALLOW(ctx, nr, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)s->tmpfs, 0));
		return err;
	case SYS_mknodat:
		err = ALLOW(ctx, nr, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO));
		if (err == 0)
			err = ALLOW(ctx, nr, 2, SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR),
				    SCMP_A3(SCMP_CMP_EQ, 0, 0));
		return err;
	default:
		return ALLOW(ctx, nr, 0);
	}
}

static int rules_add(scmp_filter_ctx ctx, const struct server *s)
{
	bool writable = false;
	int err = 0;
	for (size_t i = 0; i < s->nroots; i++)
		writable |= s->roots[i].writable;
	for (size_t i = 0; i < gofer_hostcalls_count && err == 0; i++)
		if (!missing(s, numbers[i]) && (writable || !gofer_hostcalls[i].writing))
			err = rule_add(ctx, s, numbers[i], writable);
	return err;
}

/* libseccomp writes its program to a descriptor; a pipe holds it until it is read back. */
static int program_take(scmp_filter_ctx ctx, struct sock_fprog **out)
{
	enum { BYTES_MAX = 32768 };
	autoclose int rd = -1, wr = -1;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	rd = ends[0];
	wr = ends[1];
	int err = seccomp_export_bpf(ctx, wr);
	if (err < 0)
		return err;
	autofree struct sock_fprog *prog = malloc(sizeof *prog + BYTES_MAX);
	if (!prog)
		return -ENOMEM;
	ssize_t n = read(rd, prog + 1, BYTES_MAX);
	if (n <= 0 || n == BYTES_MAX || (size_t)n % sizeof(struct sock_filter))
		return -EIO;
	prog->filter = (struct sock_filter *)(prog + 1);
	prog->len = (unsigned short)((size_t)n / sizeof(struct sock_filter));
	*out = STEAL(prog);
	return 0;
}

int gofer_filter_build(struct server *s)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	if (!ctx)
		return -ENOMEM;
	int err = rules_add(ctx, s);
	if (err == 0)
		err = program_take(ctx, &s->filter);
	seccomp_release(ctx);
	return err;
}

int gofer_filter_enter(const struct server *s)
{
	if (!s->filter)
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, s->filter) < 0 ? -errno : 0;
}
