/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers that /proc/PID/ns shows of a container's first namespaces.
 *
 * One that config.json lists is the container's own: it has the number of the
 * sentry's namespace of that type on the host, so no two containers have the
 * same.  One that is not listed has the runtime's.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "oci/sandbox.h"
#include "oci/spec.h"

/* In the order of /proc/PID/ns, which struct boot_spec has too. */
static const struct {
	const char *name;
	enum spec_ns_type type;
} all[BOOT_NAMESPACES] = {
	{"cgroup", NS_CGROUP}, {"ipc", NS_IPC},	  {"mnt", NS_MOUNT}, {"net", NS_NETWORK},
	{"pid", NS_PID},       {"time", NS_TIME}, {"user", NS_USER}, {"uts", NS_UTS},
};

static uint64_t number_of(const char *name)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/self/ns/%s", name);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

void numbers_outside(const struct spec *s, struct boot_spec *out)
{
	for (int i = 0; i < BOOT_NAMESPACES; i++) {
		out->ns_numbers[i] = number_of(all[i].name);
		if (s->ns[all[i].type].listed)
			out->ns_new |= 1u << i;
	}
}

/* Where the sentry has none of its own: numbers as Linux gives them, from where it does not. */
static uint64_t made_up(int i)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return 0xf8000000u | ((uint64_t)now.tv_nsec & 0xfffff) << 3 | (unsigned)i;
}

void numbers_inside(struct boot_spec *s)
{
	for (int i = 0; i < BOOT_NAMESPACES; i++) {
		if (!(s->ns_new & 1u << i))
			continue;
		uint64_t own = number_of(all[i].name);
		s->ns_numbers[i] = own && own != s->ns_numbers[i] ? own : made_up(i);
	}
}
