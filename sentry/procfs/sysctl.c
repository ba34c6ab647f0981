/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of /proc/sys by name, for who describes a container. */
#include <errno.h>
#include <string.h>

#include "sentry/procfs/machine.h"
#include "sentry/procfs/procfs.h"

static const struct proc_entry *find(const struct proc_table *t, const char *name, size_t size)
{
	for (unsigned i = 0; t && i < t->count; i++)
		if (strncmp(t->entries[i].name, name, size) == 0 && !t->entries[i].name[size])
			return &t->entries[i];
	return NULL;
}

int procfs_sysctl(const char *name, char *value)
{
	const struct proc_table *t = &proc_sys_table;
	/* sysctl(8): whichever comes first separates, and the other is part of a name. */
	const char *between = name[strcspn(name, "./")] == '/' ? "/" : ".";
	const struct proc_entry *e = NULL;
	for (const char *s = name; *s;) {
		size_t n = strcspn(s, between);
		e = find(t, s, n);
		if (!e)
			return -ENOENT;
		t = e->table;
		s += n + (s[n] != '\0');
	}
	if (!e || !mode_is(e->mode, S_IFREG))
		return -ENOENT;
	if (!e->store)
		return -EACCES;
	const struct proc_node node = {.entry = e, .fd = -1};
	return e->store(&(struct proc_look){.node = &node}, value, strlen(value));
}
