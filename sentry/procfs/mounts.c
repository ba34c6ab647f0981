/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/{mounts,mountinfo,mountstats}: what the process sees from its root.
 *
 * The mounts are collected under the namespace's lock and shown without it,
 * because a path takes locks that come before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/procfs/pid.h"
#include "sentry/vfs/namei.h"

enum { PATH_ROOM = 8192 };

struct seen {
	struct mount *mnt;	/* our reference */
	int parent;
};

struct collected {
	struct seen *v;
	size_t count, room;
	int err;
};

/* How one line is shown.  where: as seen from the root. */
typedef void (*line_fn)(const struct seen *s, const char *where, struct text *out);

static void collect(struct mount *m, void *arg)
{
	struct collected *c = arg;

	if (c->count == c->room && !c->err) {
		size_t room = c->room ? c->room * 2 : 32;
		struct seen *v = realloc(c->v, room * sizeof *v);
		if (!v) {
			c->err = -ENOMEM;
			return;
		}
		c->v = v;
		c->room = room;
	}
	if (!c->err)
		c->v[c->count++] = (struct seen){mount_get(m), m->parent ? m->parent->id : m->id};
}

static void show_flags(const struct mount *m, struct text *out)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} names[] = {
		{MNT_NOSUID, ",nosuid"},	 {MNT_NODEV, ",nodev"},
		{MNT_NOEXEC, ",noexec"},	 {MNT_NOATIME, ",noatime"},
		{MNT_NODIRATIME, ",nodiratime"}, {MNT_RELATIME, ",relatime"},
		{MNT_NOSYMFOLLOW, ",nosymfollow"},
	};
	uint32_t flags = __atomic_load_n(&m->flags, __ATOMIC_RELAXED);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			text_str(out, names[i].text);
}

static void show_fs_options(struct fs *fs, struct text *out)
{
	char options[512] = "";

	fs->ops->show(fs, options, sizeof options);
	text_str(out, options);
}

static const char *source_of(const struct mount *m)
{
	return m->source && *m->source ? m->source : "none";
}

static void mounts_line(const struct seen *s, const char *where, struct text *out)
{
	struct mount *m = s->mnt;

	text_escaped(out, source_of(m), " \t\n\\#");
	text_put(out, " ", 1);
	text_escaped(out, where, " \t\n\\#");
	text_printf(out, " %s %s", m->fs->ops->name, mount_readonly(m) ? "ro" : "rw");
	show_flags(m, out);
	show_fs_options(m->fs, out);
	text_str(out, " 0 0\n");
}

static void mountstats_line(const struct seen *s, const char *where, struct text *out)
{
	text_str(out, "device ");
	text_escaped(out, source_of(s->mnt), " \t\n\\#");
	text_str(out, " mounted on ");
	text_escaped(out, where, " \t\n\\#");
	text_printf(out, " with fstype %s\n", s->mnt->fs->ops->name);
}

/* It shows a directory or file of the host, whose path is its source. */
static bool is_hosts(const struct mount *m)
{
	const char *type = m->fs->ops->name;
	return m->source && m->source[0] == '/' && m->source[1] &&
	       (strcmp(type, "gofer") == 0 || strcmp(type, "overlay") == 0);
}

/*
 * The directory of the file system that the mount shows: names up to its top, which in a bind
 * of the host's is somewhere in a file system there.
 */
static void show_shown(struct mount *m, struct text *out)
{
	bool hosts = is_hosts(m);
	const char *names[256];
	unsigned n = 0;

	lock(&m->fs->rename_lock);
	for (struct dentry *d = m->root; d->parent != d && n < ARRAY_SIZE(names); d = d->parent)
		names[n++] = d->name;
	if (hosts)
		text_escaped(out, m->source, " \t\n\\");
	else if (n == 0)
		text_put(out, "/", 1);
	while (n-- > 0) {
		text_put(out, "/", 1);
		text_escaped(out, names[n], " \t\n\\");
	}
	unlock(&m->fs->rename_lock);
}

static void mountinfo_line(const struct seen *s, const char *where, struct text *out)
{
	struct mount *m = s->mnt;
	bool ro = __atomic_load_n(&m->flags, __ATOMIC_RELAXED) & MNT_READONLY;

	text_printf(out, "%d %d %u:%u ", m->id, s->parent, abi_major(m->fs->dev),
		    abi_minor(m->fs->dev));
	show_shown(m, out);
	text_put(out, " ", 1);
	text_escaped(out, where, " \t\n\\");
	text_str(out, ro ? " ro" : " rw");
	show_flags(m, out);
	text_printf(out, " - %s ", m->fs->ops->name);
	text_escaped(out, source_of(m), " \t\n\\");
	text_str(out, __atomic_load_n(&m->fs->readonly, __ATOMIC_RELAXED) ? " ro" : " rw");
	show_fs_options(m->fs, out);
	text_put(out, "\n", 1);
}

static void show_all(struct collected *c, const struct path *root, line_fn line, struct text *out)
{
	char *where = malloc(PATH_ROOM);

	for (size_t i = 0; where && i < c->count; i++) {
		struct path p = {c->v[i].mnt, c->v[i].mnt->root};
		ssize_t n = path_format(&p, root, where, PATH_ROOM - 1);
		/* Not below the root: not to be seen. */
		if (n <= 0 || where[0] != '/')
			continue;
		where[n] = 0;
		line(&c->v[i], where, out);
	}
	free(where);
}

static int show_mounts(const struct proc_look *at, line_fn line, struct text *out)
{
	struct fsctx *fs = proc_fsctx(at->task);
	struct collected c = {.count = 0};
	struct path root;

	if (!fs)
		return -EINVAL;
	lock(&fs->lock);
	root = fs->root;
	path_get(&root);
	struct mount_ns *ns = mount_ns_get(fs->mounts);
	unlock(&fs->lock);
	mount_for_each(ns, collect, &c);
	if (c.err == 0)
		show_all(&c, &root, line, out);
	for (size_t i = 0; i < c.count; i++)
		mount_put(c.v[i].mnt);
	free(c.v);
	mount_ns_put(ns);
	path_put(&root);
	fsctx_put(fs);
	return c.err;
}

int pid_mounts_show(const struct proc_look *at, struct text *out)
{
	return show_mounts(at, mounts_line, out);
}

int pid_mountinfo_show(const struct proc_look *at, struct text *out)
{
	return show_mounts(at, mountinfo_line, out);
}

int pid_mountstats_show(const struct proc_look *at, struct text *out)
{
	return show_mounts(at, mountstats_line, out);
}
