/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: mounts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "oci/spec.h"
#include "platform/base/types.h"

enum option_kind {
	OPT_FLAG, /* sets and clears BOOT_* */
	OPT_BIND, /* set: with what is mounted below */
	OPT_SPREAD, /* set: MS_* of propagation */
	OPT_COPY_UP,
	OPT_NOTHING, /* true here anyway, or nobody could tell */
	OPT_IGNORED, /* makes a difference: said */
	OPT_REFUSED, /* would be dangerous to leave out */
};

/* clang-format off */
/*
 * Options that start with r mean the mounts below as well: here a bind and what is mounted below
 * it are one file system, so the others mean that too.
 */
static const struct option {
	const char *name;
	enum option_kind kind;
	uint32_t set, clear;
} known[] = {
	{"ro", OPT_FLAG, BOOT_READONLY, 0}, {"rw", OPT_FLAG, 0, BOOT_READONLY},
	{"nosuid", OPT_FLAG, BOOT_NOSUID, 0}, {"suid", OPT_FLAG, 0, BOOT_NOSUID},
	{"nodev", OPT_FLAG, BOOT_NODEV, 0}, {"dev", OPT_FLAG, 0, BOOT_NODEV},
	{"noexec", OPT_FLAG, BOOT_NOEXEC, 0}, {"exec", OPT_FLAG, 0, BOOT_NOEXEC},
	{"noatime", OPT_FLAG, BOOT_NOATIME, BOOT_RELATIME}, {"atime", OPT_FLAG, 0, BOOT_NOATIME},
	{"relatime", OPT_FLAG, BOOT_RELATIME, BOOT_NOATIME},
	{"norelatime", OPT_FLAG, 0, BOOT_RELATIME},
	{"strictatime", OPT_FLAG, 0, BOOT_RELATIME | BOOT_NOATIME},
	{"nostrictatime", OPT_NOTHING, 0, 0},
	{"nodiratime", OPT_FLAG, BOOT_NODIRATIME, 0}, {"diratime", OPT_FLAG, 0, BOOT_NODIRATIME},
	{"rro", OPT_FLAG, BOOT_READONLY, 0}, {"rrw", OPT_FLAG, 0, BOOT_READONLY},
	{"rnosuid", OPT_FLAG, BOOT_NOSUID, 0}, {"rsuid", OPT_FLAG, 0, BOOT_NOSUID},
	{"rnodev", OPT_FLAG, BOOT_NODEV, 0}, {"rdev", OPT_FLAG, 0, BOOT_NODEV},
	{"rnoexec", OPT_FLAG, BOOT_NOEXEC, 0}, {"rexec", OPT_FLAG, 0, BOOT_NOEXEC},
	{"rnoatime", OPT_FLAG, BOOT_NOATIME, BOOT_RELATIME}, {"ratime", OPT_FLAG, 0, BOOT_NOATIME},
	{"rrelatime", OPT_FLAG, BOOT_RELATIME, BOOT_NOATIME},
	{"nosymfollow", OPT_FLAG, BOOT_NOSYMFOLLOW, 0}, {"symfollow", OPT_FLAG, 0, BOOT_NOSYMFOLLOW},
	{"rnosymfollow", OPT_FLAG, BOOT_NOSYMFOLLOW, 0}, {"rsymfollow", OPT_FLAG, 0, BOOT_NOSYMFOLLOW},
	{"rstrictatime", OPT_FLAG, 0, BOOT_RELATIME | BOOT_NOATIME},
	{"rnorelatime", OPT_FLAG, 0, BOOT_RELATIME}, {"rnostrictatime", OPT_NOTHING, 0, 0},
	{"rnodiratime", OPT_FLAG, BOOT_NODIRATIME, 0}, {"rdiratime", OPT_FLAG, 0, BOOT_NODIRATIME},
	{"bind", OPT_BIND, 0, 0}, {"rbind", OPT_BIND, 1, 0},
	{"defaults", OPT_NOTHING, 0, 0}, {"async", OPT_NOTHING, 0, 0},
	{"private", OPT_SPREAD, MS_PRIVATE, 0}, {"rprivate", OPT_SPREAD, MS_PRIVATE, 0},
	{"slave", OPT_SPREAD, MS_SLAVE, 0}, {"rslave", OPT_SPREAD, MS_SLAVE, 0},
	{"unbindable", OPT_SPREAD, MS_PRIVATE, 0}, {"runbindable", OPT_SPREAD, MS_PRIVATE, 0},
	{"shared", OPT_SPREAD, MS_SHARED, 0}, {"rshared", OPT_SPREAD, MS_SHARED, 0},
	{"tmpcopyup", OPT_COPY_UP, 0, 0},
	{"nomand", OPT_NOTHING, 0, 0}, {"noiversion", OPT_NOTHING, 0, 0},
	{"nolazytime", OPT_NOTHING, 0, 0}, {"lazytime", OPT_NOTHING, 0, 0},
	{"iversion", OPT_NOTHING, 0, 0},
	{"silent", OPT_NOTHING, 0, 0}, {"loud", OPT_NOTHING, 0, 0},
	{"sync", OPT_IGNORED, 0, 0}, {"dirsync", OPT_IGNORED, 0, 0},
	{"mand", OPT_IGNORED, 0, 0}, {"copy-symlink", OPT_IGNORED, 0, 0},
	{"idmap", OPT_REFUSED, 0, 0}, {"ridmap", OPT_REFUSED, 0, 0},
	{"remount", OPT_REFUSED, 0, 0},
};
/* clang-format on */

/* Types the sentry has, and options of their own, each between spaces; NULL: any. */
static const struct type {
	const char *name, *data;
} types[] = {
	{"bind", ""},
	{"tmpfs", " size= mode= uid= gid= nr_inodes= nr_blocks= huge= mpol= inode32 inode64 "},
	{"proc", " subset=pid hidepid= gid= "},
	{"sysfs", ""},
	{"devtmpfs", " size= mode= nr_inodes= "},
	{"devpts", " newinstance ptmxmode= mode= gid= uid= max= "},
	{"mqueue", ""},
	{"cgroup2", NULL},
};

static const struct type *type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* Words of the list end in '=' where any value may follow. */
static bool type_takes(const struct type *t, const char *option)
{
	char word[64];
	size_t n = strcspn(option, "=");
	if (!t->data)
		return true;
	if (n > sizeof word - 4)
		return false;
	snprintf(word, sizeof word, " %.*s ", (int)(n + (option[n] == '=')), option);
	if (strstr(t->data, word))
		return true;
	return (size_t)snprintf(word, sizeof word, " %s ", option) < sizeof word &&
	       strstr(t->data, word);
}

/* Only a bind has two sides.  Mounts made inside stay there: the half of shared that is left. */
static int take_propagation(struct reader *r, struct spec_mount *m, const struct option *o)
{
	if (!m->bind)
		return 0;
	m->propagation = o->set == MS_SHARED ? MS_SLAVE : o->set;
	if (o->set == MS_SHARED)
		reader_warn(r, "option '%s' works in one direction: mounts of the host are seen "
			       "inside, those made inside stay there", o->name);
	return 0;
}

/* Ours, then the file system's own, which are gathered in *data. */
static int take_option(struct reader *r, struct spec_mount *m, const struct type *t,
		       const char *option, char *data)
{
	const struct option *o = known;
	while (o < known + ARRAY_SIZE(known) && strcmp(o->name, option) != 0)
		o++;
	if (o == known + ARRAY_SIZE(known)) {
		/* The kernel does not look at them either: templates give all mounts the same ones. */
		if (m->bind && type_takes(type_find("tmpfs"), option)) {
			reader_warn(r, "option '%s' has no effect on a bind", option);
			return 0;
		}
		if (!type_takes(t, option))
			return reader_fail(r, "unknown option '%s' for a mount of type %s", option,
					   t->name);
		sprintf(data + strlen(data), "%s%s", *data ? "," : "", option);
		return 0;
	}
	switch (o->kind) {
	case OPT_FLAG:
		m->flags = (m->flags | o->set) & ~o->clear;
		return 0;
	case OPT_IGNORED:
		reader_warn(r, "option '%s' has no effect here", option);
		return 0;
	case OPT_REFUSED:
		return reader_fail(r, "option '%s' is not supported", option);
	case OPT_BIND:
		m->submounts = o->set;
		return 0;
	case OPT_SPREAD:
		return take_propagation(r, m, o);
	case OPT_COPY_UP:
		if (strcmp(t->name, "tmpfs") != 0)
			return reader_fail(r, "the option tmpcopyup is for a tmpfs");
		m->copy_up = true;
		return 0;
	case OPT_NOTHING:
		return 0;
	}
	return 0;
}

static bool is_bind(const struct spec_mount *m)
{
	if (m->type && strcmp(m->type, "bind") == 0)
		return true;
	for (char **o = m->options; *o; o++)
		if (strcmp(*o, "bind") == 0 || strcmp(*o, "rbind") == 0)
			return true;
	return false;
}

static int take_options(struct reader *r, struct spec_mount *m, const struct type *t)
{
	size_t size = 1;
	for (char **o = m->options; *o; o++)
		size += strlen(*o) + 1;
	char *data = reader_alloc(r, size, 1);
	if (!data)
		return -ENOMEM;
	m->data = data;
	m->flags = BOOT_RELATIME;
	for (char **o = m->options; *o; o++) {
		int err = take_option(r, m, t, *o, data);
		if (err < 0)
			return err;
	}
	m->readonly = m->flags & BOOT_READONLY;
	return 0;
}

int spec_read_mount(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"destination", read_absolute, offsetof(struct spec_mount, destination), true},
		{"type", read_text, offsetof(struct spec_mount, type), false},
		{"source", read_text, offsetof(struct spec_mount, source), false},
		{"options", read_strings, offsetof(struct spec_mount, options), false},
		{"uidMappings", read_unsupported, 0, false},
		{"gidMappings", read_unsupported, 0, false},
	};
	static char *nothing[] = {NULL};
	struct spec_mount *m = out;
	m->options = nothing;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	m->bind = is_bind(m);
	if (m->bind)
		m->type = "bind";
	if (!m->type || !*m->type)
		return reader_fail(r, "type is missing (and there is no option 'bind')");
	/* What there is of cgroups inside is version 2, whatever the host has. */
	if (strcmp(m->type, "cgroup") == 0)
		m->type = "cgroup2";
	const struct type *t = type_find(m->type);
	if (!t)
		return reader_fail(r,
				   "unknown type '%s': there are bind, tmpfs, proc, sysfs, "
				   "devtmpfs, devpts, mqueue, cgroup and cgroup2",
				   m->type);
	if (m->bind && (!m->source || !*m->source))
		return reader_fail(r, "a bind mount needs a source");
	if (!m->source || !*m->source)
		m->source = m->type;
	err = take_options(r, m, t);
	if (!t->data)
		m->data = "";
	return err;
}
