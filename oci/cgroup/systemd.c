/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd keeps the tree of cgroups of a host that it runs, and takes away what it
 * has not made.  So there is no half of this driver: without systemd it is an error.
 */
#include "oci/cgroup/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* sd_booted(3): the directory is made early at boot. */
int systemd_check(struct error *e)
{
	struct stat st;
	if (lstat("/run/systemd/system", &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(
			e, -EOPNOTSUPP,
			"--systemd-cgroup: systemd does not run this host (there is no "
			"/run/systemd/system): use the cgroupfs driver, without the option");
	return error_set(
		e, -EOPNOTSUPP,
		"--systemd-cgroup: asking systemd for a scope is not supported yet: use the "
		"cgroupfs driver, without the option");
}

/* systemd.slice(5): "a-b.slice" lies in "a.slice"; "-.slice" is the root. */
static int expand_slice(const char *slice, size_t n, char *out, size_t size)
{
	const char ending[] = ".slice";
	size_t used = 0, base = n - (sizeof ending - 1);
	if (n < sizeof ending || memcmp(slice + base, ending, sizeof ending - 1) != 0 ||
	    memchr(slice, '/', n))
		return -EINVAL;
	out[0] = '\0';
	if (base == 1 && slice[0] == '-')
		return 0;
	for (size_t i = 0; i <= base; i++) {
		if (i < base && slice[i] != '-')
			continue;
		/* A part of no length: "-a", "a--b". */
		if (i == 0 || slice[i - 1] == '-')
			return -EINVAL;
		int len = snprintf(out + used, size - used, "/%.*s%s", (int)i, slice, ending);
		if (len < 0 || (size_t)len >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)len;
	}
	return 0;
}

static int wrong_path(const char *path, struct error *e)
{
	return error_set(e, -EINVAL,
			 "linux.cgroupsPath '%s': the systemd driver wants slice:prefix:name, like "
			 "system.slice:vedette:ID",
			 path);
}

int systemd_path(const char *path, const char *id, char *out, size_t size, struct error *e)
{
	if (!path)
		return systemd_path("system.slice:vedette:", id, out, size, e);
	const char *prefix = strchr(path, ':'), *name = prefix ? strchr(prefix + 1, ':') : NULL;
	if (!name || strchr(name + 1, ':') || strchr(path, '/'))
		return wrong_path(path, e);
	size_t slice = (size_t)(prefix - path), n = (size_t)(name - prefix - 1);
	const char *from = slice ? path : "system.slice";
	if (expand_slice(from, slice ? slice : strlen(from), out, size) < 0)
		return wrong_path(path, e);
	if (!*++name)
		name = id;
	size_t used = strlen(out), len = strlen(name);
	/* A name may be that of a slice itself. */
	bool whole = len > 6 && strcmp(name + len - 6, ".slice") == 0;
	int more = snprintf(out + used, size - used, "/%.*s%s%s%s", whole ? 0 : (int)n, prefix + 1,
			    n && !whole ? "-" : "", name, whole ? "" : ".scope");
	if (more < 0 || (size_t)more >= size - used)
		return error_set(e, -ENAMETOOLONG, "linux.cgroupsPath is too long");
	return 0;
}
