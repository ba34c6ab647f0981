/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's supplementary groups for the program: what `podman run --group-add keep-groups'
 * asks for with crun's annotation.
 */
#include <errno.h>
#include <unistd.h>

#include "oci/bundle.h"

/* The caller's as they are called inside, behind those of the configuration. */
int bundle_keep_groups(struct spec *s, struct error *e)
{
	struct spec_process *p = &s->process;
	gid_t now[NGROUPS_MAX];
	if (!s->keep_groups)
		return 0;
	int n = getgroups(NGROUPS_MAX, now);
	if (n < 0)
		return error_set(e, -errno, "cannot read the supplementary groups: %m");
	uint32_t *all = reader_alloc(&s->reader, p->ngroups + (size_t)n + 1, sizeof *all);
	if (!all)
		return error_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < p->ngroups; i++)
		all[i] = p->groups[i];
	for (int i = 0; i < n; i++)
		all[p->ngroups++] = id_inside(&s->gid_map, now[i]);
	p->groups = all;
	return 0;
}
