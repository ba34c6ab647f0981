/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/pack_container.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/life/flat.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"
#include "syscalls/abi/seccomp.h"

enum { MAGIC = 0x76435831 };

/* Lists of strings. */
enum { SYSCTLS, MASKED, READONLY, LISTS };

/*
 * Followed by the arrays in the order of their counts: mounts, devices, the devices that mounts
 * are of, the filter.  Then the strings: the head's, those of each mount and device, the lists.
 * Pointers in what is written say only whether there is something.
 */
struct head {
	uint32_t magic, size;
	uint32_t nmounts, ndevices, nbound, nfilter;
	uint32_t nlist[LISTS];
	uint32_t joins; /* bits: of which kinds there is a name */
	uint8_t id, hostname, domainname;
	uint8_t as_init, root_readonly, root_write_through, root_layered, seccomp_log;
	struct limits limits;
};

static void put_mounts(FILE *f, const struct boot_spec *s)
{
	for (size_t i = 0; i < s->nmounts; i++) {
		const struct boot_mount *m = &s->mounts[i];
		flat_put_string(f, m->target);
		flat_put_string(f, m->type);
		flat_put_string(f, m->source);
		flat_put_string(f, m->data);
		if (m->device)
			flat_put_string(f, m->device->path);
	}
}

static void put_arrays(FILE *f, const struct boot_spec *s)
{
	if (s->nmounts)
		fwrite(s->mounts, sizeof *s->mounts, s->nmounts, f);
	if (s->ndevices)
		fwrite(s->devices, sizeof *s->devices, s->ndevices, f);
	for (size_t i = 0; i < s->nmounts; i++)
		if (s->mounts[i].device)
			fwrite(s->mounts[i].device, sizeof *s->devices, 1, f);
	if (s->seccomp_len)
		fwrite(s->seccomp, sizeof *s->seccomp, s->seccomp_len, f);
}

static void put(FILE *f, const struct boot_spec *s)
{
	struct head h = {
		.magic = MAGIC,
		.size = sizeof h,
		.nmounts = (uint32_t)s->nmounts,
		.ndevices = (uint32_t)s->ndevices,
		.nfilter = (uint32_t)s->seccomp_len,
		.nlist = {(uint32_t)flat_count(s->sysctls), (uint32_t)flat_count(s->masked_paths),
			  (uint32_t)flat_count(s->readonly_paths)},
		.id = s->id != NULL,
		.hostname = s->hostname != NULL,
		.domainname = s->domainname != NULL,
		.as_init = s->as_init,
		.root_readonly = s->root_readonly,
		.root_write_through = s->root_write_through,
		.root_layered = s->root_layered,
		.seccomp_log = s->seccomp_log,
		.limits = s->limits,
	};
	for (size_t i = 0; i < s->nmounts; i++)
		h.nbound += s->mounts[i].device != NULL;
	for (int i = 0; i < BOOT_NAMESPACES; i++)
		h.joins |= s->join[i] ? 1u << i : 0;
	fwrite(&h, sizeof h, 1, f);
	put_arrays(f, s);
	flat_put_string(f, s->id);
	flat_put_string(f, s->hostname);
	flat_put_string(f, s->domainname);
	for (int i = 0; i < BOOT_NAMESPACES; i++)
		flat_put_string(f, s->join[i]);
	put_mounts(f, s);
	for (size_t i = 0; i < s->ndevices; i++)
		flat_put_string(f, s->devices[i].path);
	flat_put_strings(f, s->sysctls);
	flat_put_strings(f, s->masked_paths);
	flat_put_strings(f, s->readonly_paths);
}

int pack_container_write(const struct boot_spec *s, int dir_fd)
{
	return flat_write(put, s, dir_fd);
}

/* False: damaged. */
static bool take_string(struct flat *r, bool is, const char **out)
{
	*out = is ? flat_string(r) : NULL;
	return !is || *out;
}

static bool take_mount(struct flat *r, struct boot_mount *m, struct boot_device **bound,
		       const struct boot_device *end)
{
	if (!m->target || !m->type || !take_string(r, true, &m->target) ||
	    !take_string(r, true, &m->type) || !take_string(r, m->source != NULL, &m->source) ||
	    !take_string(r, m->data != NULL, &m->data))
		return false;
	if (!m->device)
		return true;
	if (*bound == end || !take_string(r, true, &(*bound)->path))
		return false;
	m->device = (*bound)++;
	return true;
}

static void set_scalars(const struct head *h, struct boot_spec *s)
{
	s->nmounts = h->nmounts;
	s->ndevices = h->ndevices;
	s->seccomp_len = h->nfilter;
	s->as_init = h->as_init;
	s->root_readonly = h->root_readonly;
	s->root_write_through = h->root_write_through;
	s->root_layered = h->root_layered;
	s->seccomp_log = h->seccomp_log;
	s->limits = h->limits;
}

static bool take_lists(struct flat *r, const struct head *h, char **lists, struct boot_spec *s)
{
	char *const **to[LISTS] = {&s->sysctls, &s->masked_paths, &s->readonly_paths};
	for (int i = 0; i < LISTS; i++) {
		if (!flat_strings(r, h->nlist[i], lists))
			return false;
		*to[i] = lists;
		lists += h->nlist[i] + 1;
	}
	return true;
}

static int parse(struct flat r, char **lists, struct boot_spec *s)
{
	const struct head *h = flat_take(&r, 1, sizeof *h);
	struct boot_mount *mounts = flat_take(&r, h->nmounts, sizeof *mounts);
	struct boot_device *devices = flat_take(&r, h->ndevices, sizeof *devices);
	struct boot_device *bound = flat_take(&r, h->nbound, sizeof *bound);
	set_scalars(h, s);
	s->seccomp = flat_take(&r, h->nfilter, sizeof *s->seccomp);
	if (!mounts || !devices || !bound || !s->seccomp || !take_string(&r, h->id, &s->id) ||
	    !take_string(&r, h->hostname, &s->hostname) ||
	    !take_string(&r, h->domainname, &s->domainname))
		return -EINVAL;
	const struct boot_device *end = bound + h->nbound;
	for (int i = 0; i < BOOT_NAMESPACES; i++)
		if (!take_string(&r, h->joins & 1u << i, &s->join[i]))
			return -EINVAL;
	for (size_t i = 0; i < h->nmounts; i++)
		if (!take_mount(&r, &mounts[i], &bound, end))
			return -EINVAL;
	for (size_t i = 0; i < h->ndevices; i++)
		if (!take_string(&r, true, &devices[i].path))
			return -EINVAL;
	s->mounts = mounts;
	s->devices = devices;
	return take_lists(&r, h, lists, s) ? 0 : -EINVAL;
}

int pack_container_read(int fd, struct boot_spec *out, void **out_block)
{
	struct head h;
	ssize_t size = flat_size(fd);
	int err;
	if (size < (ssize_t)sizeof h)
		return size < 0 ? (int)size : -EINVAL;
	if ((err = flat_read(fd, (char *)&h, sizeof h)) < 0)
		return err;
	if (h.magic != MAGIC || h.size != sizeof h)
		return -EINVAL;
	size_t lists = LISTS;
	for (int i = 0; i < LISTS; i++) {
		if (h.nlist[i] > (size_t)size)
			return -EINVAL;
		lists += h.nlist[i];
	}
	/* Behind the pointers: everything is aligned as malloc() aligns. */
	lists = (lists * sizeof(char *) + 15) & ~15ul;
	autofree char *block = malloc(lists + (size_t)size);
	if (!block)
		return -ENOMEM;
	if ((err = flat_read(fd, block + lists, (size_t)size)) < 0)
		return err;
	memcpy(block + lists, &h, sizeof h); /* what was checked, whatever the file says by now */
	err = parse((struct flat){block + lists, (size_t)size}, (char **)(void *)block, out);
	if (err == 0)
		*out_block = STEAL(block);
	return err;
}
