/* SPDX-License-Identifier: Apache-2.0 */
/* From a bundle to a description of a sandbox: opens its files. */
#pragma once

#include "oci/overlay.h"
#include "oci/sandbox.h"
#include "oci/spec.h"

struct bundle {
	struct spec spec;
	struct sandbox sandbox;
	struct overlay overlay;		/* as it was given, or as config.json has it */
	const char *dir;		/* the caller's */
	char *file;			/* DIR/config.json, or where else it is */
	char **env;
	struct boot_mount *mounts;
	struct boot_device *devices, *bound;	/* bound: one for each mount */
	struct gofer_root *roots;
	size_t nroots;
	int oom_score_adj;
	struct abi_sock_filter *seccomp;
};

/* config: the name of the configuration, from dir.  0 or -errno with *e filled; bundle_close() in
 * either case. */
int bundle_open(struct bundle *b, const char *dir, const char *config, struct overlay overlay,
		struct error *e);
void bundle_close(struct bundle *b);

/* bundle_devices.c: all of /dev.  -ENOMEM. */
int bundle_devices(struct bundle *b);
/*
 * mounts[i] is a bind of a device of the host's: its node, which the sandbox' own driver answers
 * for.  -EOPNOTSUPP: it is no device.
 */
struct stat;
int bundle_bound_device(struct bundle *b, size_t i, const struct stat *st);

/* The members that are the process' own. */
void bundle_process(const struct spec_process *p, struct boot_spec *out);
/*
 * env and HOME, from the root's /etc/passwd where env has none: as runc does.  A list to be
 * freed as one, of strings that are env's.  -ENOMEM.
 */
int bundle_env(char **env, int root_fd, unsigned uid, char ***out);

/*
 * home.c: the home directory of uid in the root's /etc/passwd, the caller's, or
 * NULL.  The root's content is not to be trusted: links end inside it (before Linux 5.6: none
 * is followed).
 */
char *home_of(int root_fd, unsigned uid);
/*
 * groups.c: if the configuration asks for it, the caller's groups become the program's too.
 * -errno with *e filled.
 */
int bundle_keep_groups(struct spec *s, struct error *e);
