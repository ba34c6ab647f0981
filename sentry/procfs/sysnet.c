/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys/net: the settings of the calling task's network namespace.  Those of
 * IPv4 are kept for the sockets that come with a network; runtimes set them in
 * every container.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/procfs/machine.h"
#include "sentry/sock/netns.h"
#include "sentry/task/nsset.h"

enum { PORT_MAX = 65535 };

static struct net_ns *own_net(void)
{
	return container_of(task_current()->ns->of[NS_NET], struct net_ns, ns);
}

/* Exactly n decimal numbers from min to max, and white space. */
static int numbers_parse(char *text, long min, long max, int *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char *end;
		text += strspn(text, " \t\n");
		errno = 0;
		long v = strtol(text, &end, 10);
		if (end == text || errno || v < min || v > max || !strchr(" \t\n", *end))
			return -EINVAL;
		out[i] = (int)v;
		text = end;
	}
	return text[strspn(text, " \t\n")] ? -EINVAL : 0;
}

static int get(const int *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static void set(int *at, int v)
{
	__atomic_store_n(at, v, __ATOMIC_RELAXED);
}

#define NUMBER(name, min, max)                                                                     \
	static int name##_show(const struct proc_look *at, struct text *out)                       \
	{                                                                                          \
		(void)at;                                                                          \
		text_printf(out, "%d\n", get(&own_net()->name));                                   \
		return 0;                                                                          \
	}                                                                                          \
	static int name##_store(const struct proc_look *at, char *text, size_t size)               \
	{                                                                                          \
		int v, err = numbers_parse(text, min, max, &v, 1);                                 \
		(void)at;                                                                          \
		(void)size;                                                                        \
		if (err == 0)                                                                      \
			set(&own_net()->name, v);                                                  \
		return err;                                                                        \
	}
NUMBER(somaxconn, 0, INT32_MAX)
NUMBER(unprivileged_port, 0, PORT_MAX)
NUMBER(ip_forward, 0, 1)

static int ping_groups_show(const struct proc_look *at, struct text *out)
{
	const struct net_ns *n = own_net();
	(void)at;
	text_printf(out, "%d\t%d\n", get(&n->ping_groups[0]), get(&n->ping_groups[1]));
	return 0;
}

/* icmp(7): a range that ends before it begins is none. */
static int ping_groups_store(const struct proc_look *at, char *text, size_t size)
{
	int v[2], err = numbers_parse(text, 0, INT32_MAX, v, 2);
	(void)at;
	(void)size;
	if (err < 0)
		return err;
	if (v[0] > v[1]) {
		v[0] = 1;
		v[1] = 0;
	}
	set(&own_net()->ping_groups[0], v[0]);
	set(&own_net()->ping_groups[1], v[1]);
	return 0;
}

static bool net_admin(const struct cred *c)
{
	return cred_capable_in(c, nsset_owner(NS_NET), CAP_NET_ADMIN);
}

#define RW(name_, what)                                                                            \
	PROC_FILE(name_, 0644, .flags = PROC_SYSCTL, .show = what##_show, .store = what##_store,   \
		  .admin = net_admin)

static const struct proc_entry core_entries[] = {
	RW("somaxconn", somaxconn),
};
static const struct proc_table core_table = PROC_TABLE(core_entries, IDS_SYS + 130);
static const struct proc_entry ipv4_entries[] = {
	RW("ip_forward", ip_forward),
	RW("ip_unprivileged_port_start", unprivileged_port),
	RW("ping_group_range", ping_groups),
};
static const struct proc_table ipv4_table = PROC_TABLE(ipv4_entries, IDS_SYS + 134);
static const struct proc_entry net_entries[] = {
	PROC_DIR("core", 0555, .table = &core_table),
	PROC_DIR("ipv4", 0555, .table = &ipv4_table),
};
const struct proc_table proc_sys_net_table = PROC_TABLE(net_entries, IDS_SYS + 140);
