/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/enter.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/sandbox.h"
#include "platform/base/log.h"

/* Groups of sandboxes without a state directory are named after their process. */
#define OWN_PREFIX "vedette-do-"

/* What was asked for, in words; "" if nothing was. */
static const char *asked(const struct spec_resources *r, char *buf, size_t size)
{
	const struct {
		const char *name;
		bool is;
	} all[] = {
		{"memory", r->memory.is || r->swap.is || r->reservation.is},
		{"cpu", r->quota.is || r->shares.is || r->cpus || r->mems || r->idle.is},
		{"block I/O", r->io_weight.is || r->throttles[0].count || r->throttles[1].count ||
				      r->throttles[2].count || r->throttles[3].count},
		{"huge pages", r->nhugetlb != 0},
		{"unified", r->nunified != 0},
	};
	size_t n = 0;
	buf[0] = '\0';
	for (size_t i = 0; i < sizeof all / sizeof *all && n < size; i++)
		if (all[i].is)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
					      all[i].name);
	return buf;
}

bool cgroup_asked(const struct spec_resources *r)
{
	char names[64];
	return *asked(r, names, sizeof names) != '\0';
}

static void without(struct cgroup *c, const struct spec_resources *r, const struct error *why,
		    struct limits *l, struct usage_files *u)
{
	char names[64];
	if (*asked(r, names, sizeof names))
		log_warning("limits on %s are shown inside, but not enforced: %s", names, why->msg);
	else
		log_info("no cgroup of its own: %s", why->msg);
	cgroup_free(c);
	usage_here(l, u);
}

int cgroup_enter(struct cgroup *c, const struct spec_resources *r, bool must, struct boot_spec *s,
		 struct usage_files *u, struct error *e)
{
	int err = 0;
	s->usage = u;
	if (c->count == 0)
		err = error_set(e, -ENOENT, "no cgroups are mounted on this host");
	if (err == 0 && (err = cgroup_create(c, r, e)) == 0 && (err = cgroup_join(c, e)) < 0) {
		struct error ignored;
		cgroup_remove(c, &ignored);
	}
	if (err < 0 && must)
		return err;
	if (err < 0) {
		without(c, r, e, &s->limits, u);
		*e = (struct error){.msg = ""};
		return 0;
	}
	limits_lower(c, &s->limits);
	usage_open(c, u);
	return 0;
}

/* Of those that were killed with SIGKILL: nobody is in them any more. */
static void sweep_dir(const char *dir)
{
	char path[4096 + 256];
	size_t prefix = sizeof OWN_PREFIX - 1;
	DIR *d = opendir(dir);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (strncmp(entry->d_name, OWN_PREFIX, prefix) != 0)
			continue;
		pid_t pid = (pid_t)atoi(entry->d_name + prefix);
		if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		rmdir(path);
	}
	if (d)
		closedir(d);
}

static void sweep(const struct cgroup *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->dirs[i].home)
			sweep_dir(c->dirs[i].home);
}

int cgroup_run(const struct sandbox *in, const struct spec_resources *r, struct error *e)
{
	struct sandbox s = *in;
	struct cgroup c = {.count = 0};
	struct usage_files u;
	char name[64];
	if (r) {
		limits_of(r, &s.spec.limits);
		snprintf(name, sizeof name, OWN_PREFIX "%d", (int)getpid());
		cgroup_plan(&c, NULL, name, /*systemd=*/false, e);
		sweep(&c);
		cgroup_enter(&c, r, /*must=*/false, &s.spec, &u, e);
	} else {
		s.spec.usage = &u;
		usage_here(&s.spec.limits, &u);
	}
	int status = sandbox_run(&s, e);
	usage_close(&u);
	if (c.count) {
		struct error ignored;
		cgroup_leave(&c);
		if (cgroup_remove(&c, &ignored) < 0)
			log_warning("%s", ignored.msg);
	}
	cgroup_free(&c);
	return status;
}
