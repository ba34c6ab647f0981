/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/hook_inside.h"

#include <stdio.h>
#include <unistd.h>

#include "oci/life/visit.h"
#include "platform/base/cleanup.h"

enum { STATUS_FAILED = 126 };

static int load(const struct target *t, struct spec *s, struct error *e)
{
	char config[64];
	snprintf(config, sizeof config, "/proc/self/fd/%d/config.json", t->dir.fd);
	return spec_load_process(s, config, "process", e);
}

static int run(const struct target *t, struct spec_process *p, const char *program,
	       struct error *e)
{
	autofree char **env = NULL;
	struct visit v = {.target = t, .console = -1};
	p->terminal = false;
	if (visit_describe(&v, p, &env, e) < 0)
		return STATUS_FAILED;
	v.spec.program = program;
	return visit_here(&v, e);
}

int hook_inside(const char *id, const char *program, char **args, char **env)
{
	struct error e = {.msg = ""};
	struct spec s = {0};
	struct target t;
	int status = STATUS_FAILED;
	if (target_open(id, /*locked=*/false, &t, &e) == 0 && load(&t, &s, &e) == 0) {
		s.process.args = args;
		if (env)
			s.process.env = env;
		status = run(&t, &s.process, program, &e);
	}
	if (e.msg[0])
		dprintf(2, "%s", e.msg);
	spec_free(&s);
	target_close(&t);
	return status;
}
