/* SPDX-License-Identifier: Apache-2.0 */
/* --systemd-cgroup: names of units, and whether systemd is there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "oci/error.h"

/* 0, or -EOPNOTSUPP with *e filled: systemd does not run this host. */
int systemd_check(struct error *e);
/*
 * "slice:prefix:name" as the path of its scope: "/a.slice/a-b.slice/prefix-name.scope".
 * NULL: "system.slice:vedette:ID".  -EINVAL with *e filled.
 */
int systemd_path(const char *path, const char *id, char *out, size_t size, struct error *e);
