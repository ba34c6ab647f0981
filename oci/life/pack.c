/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/life/flat.h"
#include "platform/base/cleanup.h"

enum { STDIO_COUNT = 3, MORE_MAX = 240, MAGIC = 0x76455831 };

/* Followed by the arrays in the order of their counts, then the strings, each with its NUL. */
struct head {
	uint32_t magic, size;
	uint32_t uid, gid, umask;
	uint32_t nfds, ngroups, nrlimits, nargs, nenv;
	uint64_t caps_bounding, caps_permitted, caps_effective, caps_inheritable, caps_ambient;
	uint64_t sig_ignored, sig_blocked;
	int32_t oom_score_adj;
	uint32_t personality;
	uint8_t no_new_privs, terminal, away, has_sched;
	struct boot_sched sched;
};

static const struct boot_stdio *nth(const struct boot_spec *s, size_t i)
{
	return i < STDIO_COUNT ? &s->stdio[i] : &s->more[i - STDIO_COUNT];
}

size_t pack_fds(const struct boot_spec *s, int *fds)
{
	size_t n = 0;
	for (size_t i = 0; i < STDIO_COUNT + s->nmore; i++)
		if (nth(s, i)->fd >= 0 && !nth(s, i)->same)
			fds[n++] = nth(s, i)->fd;
	return n;
}

static void put(FILE *f, const struct boot_spec *s)
{
	struct head h = {
		.magic = MAGIC,
		.size = sizeof h,
		.uid = s->uid,
		.gid = s->gid,
		.umask = s->umask,
		.nfds = (uint32_t)(STDIO_COUNT + s->nmore),
		.ngroups = (uint32_t)s->ngroups,
		.nrlimits = (uint32_t)s->nrlimits,
		.nargs = (uint32_t)flat_count(s->argv),
		.nenv = (uint32_t)flat_count(s->envp),
		.caps_bounding = s->caps_bounding,
		.caps_permitted = s->caps_permitted,
		.caps_effective = s->caps_effective,
		.caps_inheritable = s->caps_inheritable,
		.caps_ambient = s->caps_ambient,
		.sig_ignored = s->sig_ignored,
		.sig_blocked = s->sig_blocked,
		.oom_score_adj = s->oom_score_adj,
		.personality = s->personality,
		.no_new_privs = s->no_new_privs,
		.terminal = s->terminal,
		.away = s->away,
		.has_sched = s->sched != NULL,
	};
	if (s->sched)
		h.sched = *s->sched;
	fwrite(&h, sizeof h, 1, f);
	for (size_t i = 0; i < h.nfds; i++)
		fwrite(nth(s, i), sizeof(struct boot_stdio), 1, f);
	if (s->nrlimits)
		fwrite(s->rlimits, sizeof *s->rlimits, s->nrlimits, f);
	if (s->ngroups)
		fwrite(s->groups, sizeof *s->groups, s->ngroups, f);
	flat_put_string(f, s->cwd);
	flat_put_string(f, s->program ? s->program : "");
	flat_put_strings(f, s->argv);
	flat_put_strings(f, s->envp);
}

int pack_write(const struct boot_spec *s, int dir_fd)
{
	return s->nmore > MORE_MAX ? -E2BIG : flat_write(put, s, dir_fd);
}

static int set_fds(const struct boot_stdio *from, size_t n, const int *fds, size_t nfds,
		   struct boot_stdio *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = from[i];
		if (from[i].fd < 0 || (i > 0 && from[i].same))
			out[i].fd = -1;
		else if (used < nfds)
			out[i].fd = fds[used++];
		else
			return -EINVAL;
	}
	return used == nfds ? 0 : -EINVAL;
}

static void set_scalars(const struct head *h, struct boot_spec *s)
{
	*s = (struct boot_spec){
		.uid = h->uid,
		.gid = h->gid,
		.umask = h->umask,
		.caps_bounding = h->caps_bounding,
		.caps_permitted = h->caps_permitted,
		.caps_effective = h->caps_effective,
		.caps_inheritable = h->caps_inheritable,
		.caps_ambient = h->caps_ambient,
		.sig_ignored = h->sig_ignored,
		.sig_blocked = h->sig_blocked,
		.oom_score_adj = h->oom_score_adj,
		.personality = h->personality,
		.no_new_privs = h->no_new_privs,
		.terminal = h->terminal,
		.away = h->away,
		.ngroups = h->ngroups,
		.nrlimits = h->nrlimits,
		.nmore = h->nfds - STDIO_COUNT,
		.sched = h->has_sched ? &h->sched : NULL,
	};
}

/* The block begins with a pointer-sized room for lists and descriptors, made here. */
static int parse(char *block, size_t size, const int *fds, size_t nfds, struct boot_spec *s,
		 char **lists, struct boot_stdio *io)
{
	struct flat r = {block, size};
	const struct head *h = flat_take(&r, 1, sizeof *h);
	set_scalars(h, s);
	const struct boot_stdio *from = flat_take(&r, h->nfds, sizeof *from);
	s->rlimits = flat_take(&r, h->nrlimits, sizeof *s->rlimits);
	s->groups = flat_take(&r, h->ngroups, sizeof *s->groups);
	s->cwd = flat_string(&r);
	s->program = s->cwd ? flat_string(&r) : NULL;
	if (!from || !s->rlimits || !s->groups || !s->program || h->nargs == 0 ||
	    !flat_strings(&r, h->nargs, lists) || !flat_strings(&r, h->nenv, lists + h->nargs + 1))
		return -EINVAL;
	if (!*s->program)
		s->program = NULL;
	s->argv = lists;
	s->envp = lists + h->nargs + 1;
	int err = set_fds(from, h->nfds, fds, nfds, io);
	memcpy(s->stdio, io, sizeof s->stdio);
	s->more = io + STDIO_COUNT;
	return err;
}

int pack_read(int fd, const int *fds, size_t nfds, struct boot_spec *out, void **out_block)
{
	struct head h;
	ssize_t size = flat_size(fd);
	int err;
	if (size < (ssize_t)sizeof h)
		return size < 0 ? (int)size : -EINVAL;
	if ((err = flat_read(fd, (char *)&h, sizeof h)) < 0)
		return err;
	/* Each string has a byte at least, and each array element more. */
	if (h.magic != MAGIC || h.size != sizeof h || h.nargs > (size_t)size || h.nenv > (size_t)size ||
	    h.nfds < STDIO_COUNT || h.nfds > STDIO_COUNT + MORE_MAX)
		return -EINVAL;
	size_t io = h.nfds * sizeof(struct boot_stdio);
	size_t lists = ((size_t)h.nargs + h.nenv + 2) * sizeof(char *);
	autofree char *block = malloc(io + lists + (size_t)size);
	if (!block)
		return -ENOMEM;
	char *bytes = block + io + lists;
	if ((err = flat_read(fd, bytes, (size_t)size)) < 0)
		return err;
	memcpy(bytes, &h, sizeof h); /* what was checked, whatever the file says by now */
	err = parse(bytes, (size_t)size, fds, nfds, out, (char **)(void *)(block + io),
		    (struct boot_stdio *)(void *)block);
	if (err == 0)
		*out_block = STEAL(block);
	return err;
}
