/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec.h"

#include <errno.h>
#include <string.h>

#include "platform/base/types.h"

enum { HOST_NAME_SIZE = 64 };

static int read_version(struct reader *r, json_t *v, void *out)
{
	int err = read_string(r, v, out);
	if (err == 0 && strncmp(json_string_value(v), "1.", 2) != 0)
		err = reader_fail(r, "version '%s' is not supported, only 1.x",
				  json_string_value(v));
	return err;
}

static int read_hostname(struct reader *r, json_t *v, void *out)
{
	int err = read_text(r, v, out);
	const char **name = out;
	if (err == 0 && strlen(*name) > HOST_NAME_SIZE)
		return reader_fail(r, "is longer than %d bytes", HOST_NAME_SIZE);
	if (err == 0 && !**name)
		*name = NULL;
	return err;
}

static int read_root(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"path", read_string, offsetof(struct spec_root, path), true},
		{"readonly", read_bool, offsetof(struct spec_root, readonly), false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_mounts(struct reader *r, json_t *v, void *out)
{
	struct spec *s = out;
	return read_array(r, v, sizeof *s->mounts, spec_read_mount, (void **)&s->mounts,
			  &s->nmounts);
}

/* How containerd, and CRI-O and podman, say that a container belongs to a pod. */
static const struct {
	const char *type, *sandbox;
} pods[] = {
	{"io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id"},
	{"io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID"},
};

/* All others are somebody else's. */
static int read_annotations(struct reader *r, json_t *v, void *out)
{
	struct spec *s = out;
	json_t *ours = json_object_get(v, "dev.vedette.overlay");
	const char *keep = json_string_value(json_object_get(v, "run.oci.keep_original_groups"));
	const char *where = json_string_value(json_object_get(v, "dev.vedette.sandbox"));
	if (where && strcmp(where, "own") != 0)
		return reader_fail(r, "dev.vedette.sandbox is own, not '%.64s'", where);
	for (size_t i = 0; i < ARRAY_SIZE(pods) && !s->sandbox && !where; i++) {
		const char *type = json_string_value(json_object_get(v, pods[i].type));
		if (type && strcmp(type, "container") == 0)
			s->sandbox = json_string_value(json_object_get(v, pods[i].sandbox));
	}
	s->keep_groups = keep && strcmp(keep, "1") == 0;
	return ours ? read_string(r, ours, &s->overlay) : 0;
}

static const struct field fields[] = {
	{"ociVersion", read_version, offsetof(struct spec, version), true},
	{"process", spec_read_process, offsetof(struct spec, process), false},
	{"root", read_root, offsetof(struct spec, root), true},
	{"hostname", read_hostname, offsetof(struct spec, hostname), false},
	{"domainname", read_hostname, offsetof(struct spec, domainname), false},
	{"mounts", read_mounts, 0, false},
	{"linux", spec_read_linux, 0, false},
	{"hooks", spec_read_hooks, 0, false},
	{"annotations", read_annotations, 0, false},
	{"windows", read_without_effect, 0, false},
	{"solaris", read_without_effect, 0, false},
	{"vm", read_without_effect, 0, false},
	{"zos", read_without_effect, 0, false},
};

/* Only `start' needs one. */
static void without_process(struct spec_process *p)
{
	static char *nothing[] = {NULL};
	p->args = p->env = nothing;
	p->cwd = "/";
}

static int read_top(struct spec *s)
{
	without_process(&s->process);
	int err = read_object(&s->reader, s->reader.root, fields, ARRAY_SIZE(fields), s);
	return err < 0 ? err : spec_check(s);
}

int spec_load(struct spec *out, const char *file, struct error *e)
{
	*out = (struct spec){0};
	int err = reader_open(&out->reader, file, e);
	return err < 0 ? err : read_top(out);
}

int spec_load_process(struct spec *out, const char *file, const char *member, struct error *e)
{
	*out = (struct spec){0};
	int err = reader_open(&out->reader, file, e);
	if (err < 0)
		return err;
	json_t *v = member ? json_object_get(out->reader.root, member) : out->reader.root;
	if (!v)
		return error_set(e, -EINVAL,
				 "the container's configuration has no %s to take defaults from",
				 member);
	return spec_read_process(&out->reader, v, &out->process);
}

int spec_parse(struct spec *out, const char *file, const char *text, size_t size, struct error *e)
{
	*out = (struct spec){0};
	int err = reader_parse(&out->reader, file, text, size, e);
	return err < 0 ? err : read_top(out);
}

void spec_free(struct spec *s)
{
	reader_close(&s->reader);
}
