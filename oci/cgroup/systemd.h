/* SPDX-License-Identifier: Apache-2.0 */
/* --systemd-cgroup: names of units, and whether systemd is there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "oci/error.h"

/* 0, or -EOPNOTSUPP with *e filled: systemd does not run this host. */
int systemd_check(struct error *e);
/*
 * "slice:prefix:name" as a slice and a scope in it, "prefix-name.scope".  NULL: "system.slice:vedette:ID",
 * or user.slice for `user'.  -EINVAL, -ENAMETOOLONG with *e filled.
 */
int systemd_names(const char *path, const char *id, bool user, char *slice, size_t slice_size,
		  char *unit, size_t unit_size, struct error *e);
/* Where systemd puts it: "/a.slice/a-b.slice/prefix-name.scope".  -EINVAL: a wrong slice. */
int systemd_path(const char *slice, const char *unit, char *out, size_t size, struct error *e);
