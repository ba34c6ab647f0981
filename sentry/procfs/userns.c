/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/{uid_map,gid_map,setgroups} and /proc/sys/user: user_namespaces(7), namespaces(7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/procfs/machine.h"
#include "sentry/procfs/pid.h"
#include "sentry/task/facts.h"

/* The first one's is what the container was given: it may be one of the host's itself. */
static int show_first(const struct id_map *map, struct text *out)
{
	static const struct id_range everything = {0, 0, UINT32_MAX};

	for (size_t i = 0; i < map->n || i == 0; i++) {
		const struct id_range *r = map->n ? &map->range[i] : &everything;
		text_printf(out, "%10u %10u %10u\n", r->inside, r->outside, r->count);
	}
	return 0;
}

/* The other side is as the reader calls it, or, where he is in it himself, the parent. */
static int show_map(const struct proc_look *at, enum id_kind kind, struct text *out)
{
	const struct user_ns *ns = at->user_ns, *by = at->opener->user_ns;
	if (ns == &user_first)
		return show_first(kind == ID_USER ? &kernel.uid_map : &kernel.gid_map, out);
	const struct user_map *m = __atomic_load_n(&ns->map[kind], __ATOMIC_ACQUIRE);
	if (by == ns)
		by = user_ns_parent(ns);
	for (size_t i = 0; m && i < m->map.n; i++) {
		const struct id_range *r = &m->range[i];
		text_printf(out, "%10u %10u %10u\n", r->inside, user_ns_name(by, kind, r->outside),
			    r->count);
	}
	return 0;
}

int pid_uid_map_show(const struct proc_look *at, struct text *out)
{
	return show_map(at, ID_USER, out);
}

int pid_gid_map_show(const struct proc_look *at, struct text *out)
{
	return show_map(at, ID_GROUP, out);
}

static int store_map(const struct proc_look *at, enum id_kind kind, char *text)
{
	const struct task *t = task_current();
	if (!t)
		return -EPERM;
	const struct map_writer by = {.opener = at->opener, .writer = task_cred_self(t)};
	int err = user_map_write(at->user_ns, kind, &by, text);
	if (err == 0)
		facts_user_ns(at->user_ns);
	return err;
}

int pid_uid_map_store(const struct proc_look *at, char *text, size_t size)
{
	(void)size;
	return store_map(at, ID_USER, text);
}

int pid_gid_map_store(const struct proc_look *at, char *text, size_t size)
{
	(void)size;
	return store_map(at, ID_GROUP, text);
}

int pid_setgroups_show(const struct proc_look *at, struct text *out)
{
	bool denied = __atomic_load_n(&at->user_ns->setgroups_denied, __ATOMIC_RELAXED);
	text_str(out, denied ? "deny\n" : "allow\n");
	return 0;
}

int pid_setgroups_store(const struct proc_look *at, char *text, size_t size)
{
	bool allow = strncmp(text, "allow", 5) == 0;
	if (size >= 8 || (!allow && strncmp(text, "deny", 4) != 0))
		return -EINVAL;
	text += allow ? 5 : 4;
	if (text[strspn(text, " \t\n\v\f\r")])
		return -EINVAL;
	return user_ns_allow_setgroups(at->user_ns, allow);
}

/* ---- /proc/sys/user: of the namespace of who asks ---- */

static const struct {
	const char *name;
	enum ns_kind kind;
} limits[] = {
	{"max_user_namespaces", NS_USER},     {"max_pid_namespaces", NS_PID},
	{"max_uts_namespaces", NS_UTS},	      {"max_ipc_namespaces", NS_IPC},
	{"max_net_namespaces", NS_NET},	      {"max_mnt_namespaces", NS_MNT},
	{"max_cgroup_namespaces", NS_CGROUP},
};

static int *limit_of(const struct proc_look *at)
{
	const struct task *t = task_current();
	struct user_ns *ns = t ? t->cred->user_ns : &user_first;
	unsigned i = 0;
	while (i + 1 < ARRAY_SIZE(limits) && strcmp(limits[i].name, at->node->entry->name) != 0)
		i++;
	return &ns->max[limits[i].kind];
}

static int max_show(const struct proc_look *at, struct text *out)
{
	text_printf(out, "%d\n", __atomic_load_n(limit_of(at), __ATOMIC_RELAXED));
	return 0;
}

static int max_store(const struct proc_look *at, char *text, size_t size)
{
	char *end;
	(void)size;
	errno = 0;
	long v = strtol(text, &end, 10);
	if (end == text || end[strspn(end, " \t\n")] || errno || v < 0 || v > INT32_MAX)
		return -EINVAL;
	__atomic_store_n(limit_of(at), (int)v, __ATOMIC_RELAXED);
	return 0;
}

static bool max_admin(const struct cred *c)
{
	return cred_capable_own(c, CAP_SYS_RESOURCE);
}

#define MAX(name_)                                                                                 \
	PROC_FILE(name_, 0644, .flags = PROC_SYSCTL, .show = max_show, .store = max_store,         \
		  .admin = max_admin)
static const struct proc_entry user_entries[] = {
	MAX("max_user_namespaces"),   MAX("max_pid_namespaces"), MAX("max_uts_namespaces"),
	MAX("max_ipc_namespaces"),    MAX("max_net_namespaces"), MAX("max_mnt_namespaces"),
	MAX("max_cgroup_namespaces"),
};
const struct proc_table proc_sys_user_table = PROC_TABLE(user_entries, IDS_SYS + 150);
