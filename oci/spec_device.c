/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux.devices. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/spec.h"
#include "platform/base/types.h"

/* What a device number holds: 12 and 20 bits. */
enum { MAJOR_MAX = 4095, MINOR_MAX = 1048575, MODE_DEFAULT = 0666 };

struct raw {
	struct boot_device d;
	const char *type;
	int64_t major, minor; /* -1: not there */
};

static int read_mode(struct reader *r, json_t *v, void *out)
{
	int err = read_u32(r, v, out);
	/* Engines send the type along: whatever os.FileMode or stat has above the permissions. */
	*(uint32_t *)out &= 07777;
	return err;
}

static int read_number(struct reader *r, json_t *v, void *out, int64_t max)
{
	int64_t *n = out;
	int err = read_i64(r, v, n);
	if (err == 0 && (*n < 0 || *n > max))
		err = reader_fail(r, "must be from 0 to %lld", (long long)max);
	return err;
}

static int read_major(struct reader *r, json_t *v, void *out)
{
	return read_number(r, v, out, MAJOR_MAX);
}

static int read_minor(struct reader *r, json_t *v, void *out)
{
	return read_number(r, v, out, MINOR_MAX);
}

/* c, u and b have numbers, p has none. */
static int take_type(struct reader *r, const struct raw *raw, struct boot_device *d)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} types[] = {{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, raw->type) != 0)
			continue;
		bool numbered = types[i].mode != S_IFIFO;
		if (numbered && (raw->major < 0 || raw->minor < 0))
			return reader_fail(r, "a device of type %s needs major and minor",
					   raw->type);
		*d = raw->d;
		d->mode |= types[i].mode;
		d->major = numbered ? (uint32_t)raw->major : 0;
		d->minor = numbered ? (uint32_t)raw->minor : 0;
		return 0;
	}
	return reader_fail(r, "unknown type '%s': there are c, u, b and p", raw->type);
}

static int read_path(struct reader *r, json_t *v, void *out)
{
	int err = read_absolute(r, v, out);
	const char *path = *(const char **)out, *last = err == 0 ? strrchr(path, '/') + 1 : "";
	if (err == 0 && (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0))
		err = reader_fail(r, "'%s' does not name a file", path);
	return err;
}

static int read_device(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"path", read_path, offsetof(struct raw, d.path), true},
		{"type", read_string, offsetof(struct raw, type), true},
		{"major", read_major, offsetof(struct raw, major), false},
		{"minor", read_minor, offsetof(struct raw, minor), false},
		{"fileMode", read_mode, offsetof(struct raw, d.mode), false},
		{"uid", read_u32, offsetof(struct raw, d.uid), false},
		{"gid", read_u32, offsetof(struct raw, d.gid), false},
	};
	struct raw raw = {.major = -1, .minor = -1, .d.mode = MODE_DEFAULT};
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &raw);
	return err < 0 ? err : take_type(r, &raw, out);
}

int spec_read_devices(struct reader *r, json_t *v, void *out)
{
	struct spec *s = out;
	int err = read_array(r, v, sizeof *s->devices, read_device, (void **)&s->devices,
			     &s->ndevices);
	for (size_t i = 0; err == 0 && i < s->ndevices; i++)
		for (size_t j = 0; err == 0 && j < i; j++)
			if (strcmp(s->devices[i].path, s->devices[j].path) == 0)
				err = reader_fail(r, "elements %zu and %zu are both %s", j, i,
						  s->devices[i].path);
	return err;
}
