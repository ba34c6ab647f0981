/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of config.json that contradict each other, as runtimes refuse them, and
 * namespaces of others.  The sandbox always has its own of everything, so a type
 * that is not listed costs nothing but what would have been shared.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "oci/spec.h"
#include "platform/base/log.h"
#include "platform/base/types.h"

static int needs(struct spec *s, enum spec_ns_type type, const char *what)
{
	return reader_fail(&s->reader,
			   "%s needs a new %s namespace: add {\"type\": \"%s\"} to "
			   "linux.namespaces",
			   what, spec_ns_names[type], spec_ns_names[type]);
}

static bool is_new(const struct spec *s, enum spec_ns_type type)
{
	return s->ns[type].listed && !s->ns[type].path;
}

/*
 * What joining would have given: where it is only company (a network, a name, shared memory)
 * the container has its own; where it is what others see of it, or whose ids its files have,
 * nothing else will do.
 */
static const struct {
	bool refused;
	const char *text;
} joins[NS_TYPES] = {
	[NS_PID] = {true, "the processes of another container cannot be seen from this one"},
	[NS_NETWORK] = {false, "the container has a network of its own instead, with lo alone"},
	[NS_MOUNT] = {true, "a container's mounts are its own here"},
	[NS_IPC] = {false, "the container has shared memory and message queues of its own instead"},
	[NS_UTS] = {false, NULL}, /* its name is taken over */
	[NS_USER] = {true, "list its uidMappings and gidMappings instead"},
	[NS_CGROUP] = {false, "the container sees its own cgroup as the root instead"},
	[NS_TIME] = {true, "a container's clocks are the host's here"},
};

static int check_joins(struct spec *s)
{
	for (int i = 0; i < NS_TYPES; i++) {
		if (!s->ns[i].path)
			continue;
		if (joins[i].refused && !(i == NS_PID && spec_ns_pid(&s->ns[i], NS_PID) > 0))
			return reader_fail(&s->reader,
					   "linux.namespaces: joining the %s namespace "
					   "%s is not supported: %s",
					   spec_ns_names[i], s->ns[i].path, joins[i].text);
		if (joins[i].text && i != NS_PID && !s->sandbox)
			reader_warn(&s->reader, "linux.namespaces: %s is not joined: %s",
				    s->ns[i].path, joins[i].text);
	}
	return 0;
}

static int check_user_ns(struct spec *s)
{
	bool maps = s->uid_map.n || s->gid_map.n;
	if (maps && !is_new(s, NS_USER))
		return needs(s, NS_USER, s->uid_map.n ? "linux.uidMappings" : "linux.gidMappings");
	if (is_new(s, NS_USER) && (!s->uid_map.n || !s->gid_map.n))
		return reader_fail(&s->reader, "a user namespace needs linux.uidMappings and "
					       "linux.gidMappings: without one no id exists in it");
	return 0;
}

/* Every id that the first process has must exist in its user namespace. */
static int check_ids(struct spec *s)
{
	const struct spec_process *p = &s->process;
	uint32_t out;
	if (!id_outside(&s->uid_map, p->uid, &out))
		return reader_fail(&s->reader,
				   "process.user.uid: no element of linux.uidMappings "
				   "maps %u",
				   p->uid);
	if (!id_outside(&s->gid_map, p->gid, &out))
		return reader_fail(&s->reader,
				   "process.user.gid: no element of linux.gidMappings "
				   "maps %u",
				   p->gid);
	for (size_t i = 0; i < p->ngroups; i++)
		if (!id_outside(&s->gid_map, p->groups[i], &out))
			return reader_fail(&s->reader,
					   "process.user.additionalGids[%zu]: no element "
					   "of linux.gidMappings maps %u",
					   i, p->groups[i]);
	return 0;
}

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* What is there only once outside must not be set for the host: runtimes refuse it, whatever has
 * it. */
static int check_sysctls(struct spec *s)
{
	for (char **p = s->sysctls; p && *p; p += 2) {
		char name[128];
		snprintf(name, sizeof name, "%s", *p);
		for (char *c = name; *c; c++)
			if (*c == '/')
				*c = '.';
		enum spec_ns_type type = NS_TYPES;
		if (begins(name, "net."))
			type = NS_NETWORK;
		else if (begins(name, "fs.mqueue.") || begins(name, "kernel.sem") ||
			 begins(name, "kernel.shm") || begins(name, "kernel.msg"))
			type = NS_IPC;
		else if (strcmp(name, "kernel.domainname") == 0 ||
			 strcmp(name, "kernel.hostname") == 0)
			type = NS_UTS;
		if (type == NS_TYPES)
			return reader_fail(&s->reader,
					   "linux.sysctl: '%s' is not of a namespace: it "
					   "can be set for a whole machine only",
					   *p);
		if (!s->ns[type].listed)
			return reader_fail(&s->reader,
					   "linux.sysctl: '%s' needs a %s namespace in "
					   "linux.namespaces",
					   *p, spec_ns_names[type]);
		if (strcmp(name, "kernel.hostname") == 0 && s->hostname)
			return reader_fail(&s->reader, "linux.sysctl: kernel.hostname contradicts "
						       "hostname: leave one out");
	}
	return 0;
}

int spec_check(struct spec *s)
{
	int err = check_joins(s);
	if (err == 0)
		err = check_user_ns(s);
	if (err == 0)
		err = check_ids(s);
	if (err == 0)
		err = check_sysctls(s);
	if (err < 0)
		return err;
	if (s->hostname && !s->ns[NS_UTS].listed)
		return needs(s, NS_UTS, "hostname");
	if (s->domainname && !s->ns[NS_UTS].listed)
		return needs(s, NS_UTS, "domainname");
	if ((s->masked_paths && *s->masked_paths) && !is_new(s, NS_MOUNT))
		return needs(s, NS_MOUNT, "linux.maskedPaths");
	if ((s->readonly_paths && *s->readonly_paths) && !is_new(s, NS_MOUNT))
		return needs(s, NS_MOUNT, "linux.readonlyPaths");
	return 0;
}
