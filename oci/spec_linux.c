/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux. */
#include <errno.h>
#include <string.h>
#include <sys/personality.h>

#include "oci/spec.h"
#include "platform/base/types.h"

struct namespace
{
	const char *type, *path;
};

static const char *const namespace_types[] = {
	"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time",
};

static int read_namespace(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"type", read_string, offsetof(struct namespace, type), true},
		{"path", read_text, offsetof(struct namespace, path), false},
	};
	struct namespace *ns = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	if (ns->path && *ns->path)
		return reader_fail(r,
				   "joining a namespace (path '%s') is not supported yet: the "
				   "sandbox has its own",
				   ns->path);
	for (size_t i = 0; i < ARRAY_SIZE(namespace_types); i++)
		if (strcmp(ns->type, namespace_types[i]) == 0)
			return 0;
	return reader_fail(r,
			   "unknown namespace '%s': there are pid, network, mount, ipc, uts, "
			   "user, cgroup and time",
			   ns->type);
}

/* The sandbox has one of each, whatever stands here. */
static int read_namespaces(struct reader *r, json_t *v, void *out)
{
	struct namespace *list;
	size_t n = 0;
	(void)out;
	int err = read_array(r, v, sizeof *list, read_namespace, (void **)&list, &n);
	for (size_t i = 0; err == 0 && i < n; i++)
		for (size_t j = 0; err == 0 && j < i; j++)
			if (strcmp(list[i].type, list[j].type) == 0)
				err = reader_fail(r, "'%s' is there twice", list[i].type);
	return err;
}

struct mapping {
	uint32_t container, host, size;
};

static int read_mapping(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"containerID", read_u32, offsetof(struct mapping, container), true},
		{"hostID", read_u32, offsetof(struct mapping, host), true},
		{"size", read_u32, offsetof(struct mapping, size), true},
	};
	struct mapping *m = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err == 0 && m->container != m->host)
		err = reader_fail(
			r, "only mappings of an id to itself are supported yet, not %u to %u",
			m->container, m->host);
	return err;
}

static int read_mappings(struct reader *r, json_t *v, void *out)
{
	struct mapping *list;
	size_t n;
	(void)out;
	return read_array(r, v, sizeof *list, read_mapping, (void **)&list, &n);
}

/* The devices cgroup: there are no host devices inside that it could allow or forbid. */
static int read_limit_pids(struct reader *r, json_t *v, void *out)
{
	int64_t limit = 0;
	const struct field fields[] = {{"limit", read_i64, 0, true}};
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &limit);
	if (err == 0 && limit > 0)
		*(uint64_t *)out = (uint64_t)limit;
	return err;
}

static int read_not_enforced(struct reader *r, json_t *v, void *out)
{
	(void)out;
	if (json_object_size(v) > 0 || json_array_size(v) > 0 || json_is_true(v))
		reader_warn(r, "is not enforced yet");
	return 0;
}

static int read_resources(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"devices", read_skip, 0, false},
		{"pids", read_limit_pids, offsetof(struct spec, pids_limit), false},
		{"memory", read_not_enforced, 0, false},
		{"cpu", read_not_enforced, 0, false},
		{"blockIO", read_not_enforced, 0, false},
		{"hugepageLimits", read_not_enforced, 0, false},
		{"network", read_not_enforced, 0, false},
		{"rdma", read_not_enforced, 0, false},
		{"unified", read_not_enforced, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_device(struct reader *r, json_t *v, void *out)
{
	static const char *const ours[] = {
		"/dev/null",	"/dev/zero", "/dev/full",    "/dev/random",
		"/dev/urandom", "/dev/tty",  "/dev/console", "/dev/ptmx",
	};
	static const struct field fields[] = {
		{"path", read_absolute, 0, true},  {"type", read_skip, 0, false},
		{"major", read_skip, 0, false},	   {"minor", read_skip, 0, false},
		{"fileMode", read_skip, 0, false}, {"uid", read_skip, 0, false},
		{"gid", read_skip, 0, false},
	};
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(*(const char **)out, ours[i]) == 0)
			return 0;
	reader_warn(r, "device %s does not exist inside", *(const char **)out);
	return 0;
}

static int read_devices(struct reader *r, json_t *v, void *out)
{
	const char **list;
	size_t n;
	(void)out;
	return read_array(r, v, sizeof *list, read_device, (void **)&list, &n);
}

static int read_sysctl(struct reader *r, json_t *v, void *out)
{
	(void)out;
	if (!json_is_object(v))
		return reader_fail(r, "must be an object");
	if (json_object_size(v) > 0)
		reader_warn(r, "is not applied yet");
	return 0;
}

static int read_paths(struct reader *r, json_t *v, void *out)
{
	size_t n;
	return read_array(r, v, sizeof(char *), read_absolute, out, &n);
}

static int read_propagation(struct reader *r, json_t *v, void *out)
{
	const char *mode;
	(void)out;
	int err = read_text(r, v, &mode);
	if (err == 0 && strstr(mode, "shared"))
		reader_warn(r, "has no effect: mounts made inside stay inside");
	return err;
}

static int read_personality(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"domain", read_string, 0, true},
		{"flags", read_unsupported, 0, false},
	};
	const char *domain = NULL;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &domain);
	if (err < 0)
		return err;
	if (strcmp(domain, "LINUX32") == 0)
		*(uint32_t *)out = PER_LINUX32;
	else if (strcmp(domain, "LINUX") != 0)
		return reader_fail(r, "unknown domain '%s': there are LINUX and LINUX32", domain);
	return 0;
}

int spec_read_linux(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"namespaces", read_namespaces, 0, false},
		{"uidMappings", read_mappings, 0, false},
		{"gidMappings", read_mappings, 0, false},
		{"maskedPaths", read_paths, offsetof(struct spec, masked_paths), false},
		{"readonlyPaths", read_paths, offsetof(struct spec, readonly_paths), false},
		{"resources", read_resources, 0, false},
		{"devices", read_devices, 0, false},
		{"netDevices", read_unsupported, 0, false},
		{"sysctl", read_sysctl, 0, false},
		{"seccomp", spec_read_seccomp, offsetof(struct spec, seccomp), false},
		{"cgroupsPath", read_skip, 0, false},
		{"rootfsPropagation", read_propagation, 0, false},
		{"mountLabel", read_skip, 0, false},
		{"personality", read_personality, offsetof(struct spec, personality), false},
		{"intelRdt", read_without_effect, 0, false},
		{"memoryPolicy", read_without_effect, 0, false},
		{"timeOffsets", read_unsupported, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}
