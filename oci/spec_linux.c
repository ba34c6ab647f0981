/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "oci/spec.h"
#include "platform/base/types.h"

static int read_sysctl(struct reader *r, json_t *v, void *out)
{
	const char *name;
	json_t *value;
	size_t n = 0;
	if (!json_is_object(v))
		return reader_fail(r, "must be an object");
	char **list = reader_alloc(r, 2 * json_object_size(v) + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	json_object_foreach(v, name, value)
	{
		if (!json_is_string(value))
			return reader_fail(r, "the value of '%s' must be a string", name);
		list[n++] = (char *)(uintptr_t)name;
		list[n++] = (char *)(uintptr_t)json_string_value(value);
	}
	*(char ***)out = list;
	return 0;
}

static int read_paths(struct reader *r, json_t *v, void *out)
{
	size_t n;
	return read_array(r, v, sizeof(char *), read_absolute, out, &n);
}

/* MS_SHARED cannot be: what is mounted inside is the sandbox' own.  The other way it is a slave. */
static int read_propagation(struct reader *r, json_t *v, void *out)
{
	static const struct {
		const char *name;
		unsigned flags;
	} modes[] = {
		{"private", MS_PRIVATE},   {"rprivate", MS_PRIVATE},   {"slave", MS_SLAVE},
		{"rslave", MS_SLAVE},	   {"shared", MS_SLAVE},       {"rshared", MS_SLAVE},
		{"unbindable", MS_PRIVATE}, {"runbindable", MS_PRIVATE}, {"", 0},
	};
	const char *mode;
	int err = read_text(r, v, &mode);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, mode) != 0)
			continue;
		*(unsigned *)out = modes[i].flags;
		if (strstr(mode, "shared"))
			reader_warn(r, "works in one direction: mounts made inside stay inside");
		return 0;
	}
	return err < 0 ? err
		       : reader_fail(r, "unknown mode '%s': there are private, slave, shared and "
					"unbindable, with and without r in front", mode);
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
		{"namespaces", spec_read_namespaces, offsetof(struct spec, ns), false},
		{"uidMappings", spec_read_mappings, offsetof(struct spec, uid_map), false},
		{"gidMappings", spec_read_mappings, offsetof(struct spec, gid_map), false},
		{"maskedPaths", read_paths, offsetof(struct spec, masked_paths), false},
		{"readonlyPaths", read_paths, offsetof(struct spec, readonly_paths), false},
		{"resources", spec_read_resources, offsetof(struct spec, resources), false},
		{"devices", spec_read_devices, 0, false},
		{"netDevices", read_unsupported, 0, false},
		{"sysctl", read_sysctl, offsetof(struct spec, sysctls), false},
		{"seccomp", spec_read_seccomp, offsetof(struct spec, seccomp), false},
		{"cgroupsPath", spec_read_cgroups_path, offsetof(struct spec, cgroups_path), false},
		{"rootfsPropagation", read_propagation, offsetof(struct spec, propagation), false},
		{"mountLabel", read_text, offsetof(struct spec, mount_label), false},
		{"personality", read_personality, offsetof(struct spec, personality), false},
		{"intelRdt", read_without_effect, 0, false},
		{"memoryPolicy", read_without_effect, 0, false},
		{"timeOffsets", read_unsupported, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}
