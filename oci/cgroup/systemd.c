/* SPDX-License-Identifier: Apache-2.0 */
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
	return 0;
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

int systemd_names(const char *path, const char *id, bool user, char *slice, size_t slice_size,
		  char *unit, size_t unit_size, struct error *e)
{
	char whole[1024];
	const char *from = path ? path : ":vedette:";
	const char *prefix = strchr(from, ':'), *name = prefix ? strchr(prefix + 1, ':') : NULL;
	if (!name || strchr(name + 1, ':') || strchr(from, '/'))
		return wrong_path(from, e);
	size_t n = (size_t)(name++ - prefix - 1), in = (size_t)(prefix - from);
	const char *last = *name ? name : id;
	/* A slice has slices and scopes in it, not processes. */
	if (strlen(last) > 6 && strcmp(last + strlen(last) - 6, ".slice") == 0)
		return wrong_path(from, e);
	bool fits = snprintf(slice, slice_size, "%.*s", in ? (int)in : 4096,
			     in	    ? from
			     : user ? "user.slice"
				    : "system.slice") < (int)slice_size &&
		    snprintf(unit, unit_size, "%.*s%s%s.scope", (int)n, prefix + 1, n ? "-" : "",
			     last) < (int)unit_size;
	if (!fits)
		return error_set(e, -ENAMETOOLONG, "linux.cgroupsPath is too long");
	return expand_slice(slice, strlen(slice), whole, sizeof whole) < 0 ? wrong_path(from, e) : 0;
}

int systemd_path(const char *slice, const char *unit, char *out, size_t size, struct error *e)
{
	int err = expand_slice(slice, strlen(slice), out, size);
	if (err < 0)
		return wrong_path(slice, e);
	size_t used = strlen(out);
	if (snprintf(out + used, size - used, "/%s", unit) >= (int)(size - used))
		return error_set(e, -ENAMETOOLONG, "linux.cgroupsPath is too long");
	return 0;
}
