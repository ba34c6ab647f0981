/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/maps: proc_pid_maps(5).
 *
 * The areas are copied under the memory's lock and shown without it, because
 * finding the name of a file takes locks that come before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/pid.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/mman.h"

enum { NAME_COLUMN = 73, PATH_ROOM = 8192 };

struct copies {
	struct area *v;
	size_t count, room;
	int err;
};

static bool copy_area(const struct area *a, void *arg)
{
	struct copies *c = arg;

	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct area *v = realloc(c->v, room * sizeof *v);
		if (!v) {
			c->err = -ENOMEM;
			return false;
		}
		c->v = v;
		c->room = room;
	}
	c->v[c->count] = *a;
	if (a->file)
		file_get(a->file);
	c->count++;
	return true;
}

static void show_range(const struct area *a, struct text *out)
{
	uint64_t dev = a->file ? a->file->inode->fs->dev : 0;
	uint64_t ino = a->file ? a->file->inode->ino : 0;
	bool shared = a->flags & AREA_SHARED;

	if (!a->file && shared) {
		dev = abi_makedev(0, 1);
		ino = a->anon_id;
	}
	text_printf(out, "%08lx-%08lx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long)a->start,
		    (unsigned long)a->end, a->prot & PROT_READ ? 'r' : '-',
		    a->prot & PROT_WRITE ? 'w' : '-', a->prot & PROT_EXEC ? 'x' : '-',
		    shared ? 's' : 'p', (unsigned long long)(a->file ? a->off : 0), abi_major(dev),
		    abi_minor(dev), (unsigned long long)ino);
}

/* Neighbours often map one file: its name is looked for once. */
struct last_name {
	const struct file *file;
	char *text;	/* PATH_ROOM bytes */
};

static const char *name_of(const struct area *a, struct last_name *last)
{
	if (a->name)
		return a->name;
	if (!a->file)
		return a->flags & AREA_SHARED ? "/dev/zero (deleted)" : NULL;
	if (last->file != a->file) {
		if (proc_path_text(&a->file->path, last->text, PATH_ROOM) < 0)
			strcpy(last->text, "");
		last->file = a->file;
	}
	return last->text;
}

static void show_areas(const struct copies *c, struct text *out)
{
	struct last_name last = {.text = malloc(PATH_ROOM)};

	if (!last.text) {
		out->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < c->count && !out->err; i++) {
		show_range(&c->v[i], out);
		const char *name = name_of(&c->v[i], &last);
		if (name) {
			text_pad(out, NAME_COLUMN);
			text_escaped(out, name, "\n");
		}
		text_put(out, "\n", 1);
	}
	free(last.text);
}

int pid_maps_show(const struct proc_look *at, struct text *out)
{
	struct copies c = {.count = 0};

	if (!at->mm)
		return 0;
	mm_for_each(at->mm, copy_area, &c);
	if (c.err == 0)
		show_areas(&c, out);
	for (size_t i = 0; i < c.count; i++)
		if (c.v[i].file)
			file_put(c.v[i].file);
	free(c.v);
	return c.err;
}
