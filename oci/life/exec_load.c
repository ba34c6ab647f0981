/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/exec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/env.h"
#include "platform/base/log.h"

/*
 * As runc and Linux have it: what is not inheritable cannot be ambient, so a program that is not
 * root's gets nothing of it when it is executed.
 */
static void add_cap(struct spec_process *p, const char *name)
{
	uint64_t cap = spec_capability(name);
	if (!cap)
		log_warning("--cap: unknown capability '%.64s', ignored", name);
	p->caps[CAPS_BOUNDING] |= cap;
	p->caps[CAPS_EFFECTIVE] |= cap;
	p->caps[CAPS_PERMITTED] |= cap;
	p->caps[CAPS_AMBIENT] |= cap & p->caps[CAPS_INHERITABLE];
}

/* What the command line changes of the container's own process; env has room for all, and is 0. */
static void amend(struct spec_process *p, const struct exec_options *o, char **env)
{
	for (size_t i = 0; p->env[i]; i++)
		env[i] = p->env[i];
	/* A variable that --env gives again has the new value alone. */
	for (size_t i = 0; i < o->nenv; i++)
		*env_find(env, o->env[i]) = o->env[i];
	p->env = env;
	p->args = o->args;
	p->terminal = o->tty;
	p->no_new_privs |= o->no_new_privs;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->has_user) {
		p->uid = o->uid;
		p->gid = o->gid;
	}
	if (o->ngids) {
		p->groups = (uint32_t *)(uintptr_t)o->gids;
		p->ngroups = o->ngids;
	}
	for (size_t i = 0; i < o->ncaps; i++)
		add_cap(p, o->caps[i]);
}

/* Those of the container, for a process that says nothing about them. */
static int default_caps(struct spec *s, const char *config, struct error *e)
{
	struct spec own;
	if (json_object_get(s->reader.root, "capabilities"))
		return 0;
	int err = spec_load_process(&own, config, "process", e);
	if (err == 0)
		memcpy(s->process.caps, own.process.caps, sizeof own.process.caps);
	spec_free(&own);
	return err;
}

int exec_load(struct spec *s, const struct target *t, const struct exec_options *o, char ***env,
	      struct error *e)
{
	char config[64];
	snprintf(config, sizeof config, "/proc/self/fd/%d/config.json", t->dir.fd);
	if (o->process) {
		int err = spec_load_process(s, o->process, NULL, e);
		s->process.terminal |= o->tty;
		return err < 0 ? err : default_caps(s, config, e);
	}
	int err = spec_load_process(s, config, "process", e);
	size_t n = 0;
	while (err == 0 && s->process.env[n])
		n++;
	if (err == 0 && !(*env = calloc(n + o->nenv + 1, sizeof **env)))
		err = error_set(e, -ENOMEM, "out of memory");
	if (err == 0)
		amend(&s->process, o, *env);
	return err;
}
