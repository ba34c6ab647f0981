/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux.namespaces, and the mappings of ids. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/spec.h"
#include "platform/base/types.h"

const char *const spec_ns_names[NS_TYPES] = {
	[NS_PID] = "pid", [NS_NETWORK] = "network", [NS_MOUNT] = "mount",   [NS_IPC] = "ipc",
	[NS_UTS] = "uts", [NS_USER] = "user",	    [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

int spec_ns_pid(const struct spec_ns *ns, enum spec_ns_type type)
{
	static const char *const files[NS_TYPES] = {
		[NS_PID] = "pid", [NS_NETWORK] = "net", [NS_MOUNT] = "mnt",   [NS_IPC] = "ipc",
		[NS_UTS] = "uts", [NS_USER] = "user",	[NS_CGROUP] = "cgroup", [NS_TIME] = "time",
	};
	int pid = 0, end = 0;
	if (!ns->path || sscanf(ns->path, "/proc/%9d/ns/%n", &pid, &end) != 1 || !end)
		return 0;
	return pid > 0 && strcmp(ns->path + end, files[type]) == 0 ? pid : 0;
}

static int read_type(struct reader *r, json_t *v, void *out)
{
	const char *name;
	int err = read_string(r, v, &name);
	if (err < 0)
		return err;
	for (int i = 0; i < NS_TYPES; i++) {
		if (strcmp(spec_ns_names[i], name) == 0) {
			*(int *)out = i;
			return 0;
		}
	}
	return reader_fail(r,
			   "unknown namespace '%s': there are pid, network, mount, ipc, uts, "
			   "user, cgroup and time",
			   name);
}

static int read_path(struct reader *r, json_t *v, void *out)
{
	const char **path = out;
	int err = read_text(r, v, path);
	if (err < 0 || **path == '/')
		return err;
	if (**path)
		return reader_fail(r, "must be an absolute path, not '%s'", *path);
	*path = NULL;
	return 0;
}

struct entry {
	int type;
	const char *path;
};

static int read_entry(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"type", read_type, offsetof(struct entry, type), true},
		{"path", read_path, offsetof(struct entry, path), false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

int spec_read_namespaces(struct reader *r, json_t *v, void *out)
{
	struct spec_ns *ns = out;
	struct entry *list;
	size_t n = 0;
	int err = read_array(r, v, sizeof *list, read_entry, (void **)&list, &n);
	for (size_t i = 0; err == 0 && i < n; i++) {
		struct spec_ns *to = &ns[list[i].type];
		if (to->listed)
			return reader_fail(r, "'%s' is there twice", spec_ns_names[list[i].type]);
		*to = (struct spec_ns){.listed = true, .path = list[i].path};
	}
	return err;
}

static int read_mapping(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"containerID", read_u32, offsetof(struct id_range, inside), true},
		{"hostID", read_u32, offsetof(struct id_range, outside), true},
		{"size", read_u32, offsetof(struct id_range, count), true},
	};
	struct id_range *m = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	if (m->count == 0)
		return reader_fail(r, "size must not be 0");
	/* 2^32 - 1 is no id, but the kernel lets a mapping of everything reach up to it. */
	if (m->count > UINT32_MAX - m->inside || m->count > UINT32_MAX - m->outside)
		return reader_fail(r, "reaches beyond the largest id, 4294967294");
	return 0;
}

static bool overlap(uint32_t a, uint32_t an, uint32_t b, uint32_t bn)
{
	return a < b + bn && b < a + an;
}

int spec_read_mappings(struct reader *r, json_t *v, void *out)
{
	enum { MAPPINGS_MAX = 340 }; /* user_namespaces(7) */
	struct id_map *m = out;
	int err = read_array(r, v, sizeof *m->range, read_mapping, (void **)&m->range, &m->n);
	if (err == 0 && m->n > MAPPINGS_MAX)
		return reader_fail(r, "has more than %d elements", MAPPINGS_MAX);
	for (size_t i = 0; err == 0 && i < m->n; i++) {
		const struct id_range *a = &m->range[i];
		for (size_t j = 0; err == 0 && j < i; j++) {
			const struct id_range *b = &m->range[j];
			if (overlap(a->inside, a->count, b->inside, b->count) ||
			    overlap(a->outside, a->count, b->outside, b->count))
				err = reader_fail(r,
						  "element %zu maps ids that element %zu maps "
						  "too",
						  i, j);
		}
	}
	return err;
}
