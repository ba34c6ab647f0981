/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that config.json wants run at points of a container's life (hooks of the OCI runtime
 * specification). They get its state on standard input.
 *
 *	prestart, createRuntime	  `create', when the sandbox is there
 *	createContainer		  `create', in the container's network, IPC and UTS namespaces
 *	startContainer		  `start', before the program: programs of the container, as `exec's
 *	poststart, poststop	  `start', `delete'
 *
 * `run' does all of that one after the other.
 */
#pragma once

#include "oci/life/command.h"

/*
 * Runs those of one point, in order.  0, or -errno with *e filled: one of them failed, and the rest
 * was not run.
 */
int hooks_run(const struct state_dir *dir, enum state_status status, const char *point,
	      struct error *e);
/* Those of `create'. */
int hooks_create(const struct state_dir *dir, struct error *e);
/* The configuration has one at least. */
bool hooks_any(const json_t *config);
/*
 * Those whose failure is only told, and does not keep the rest from running: poststart and
 * poststop. Of t what does not change is looked at; its directory may be gone.
 */
void hooks_try(const struct target *t, enum state_status status, const char *point);
