/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the host that config.json wants run at points of a container's life (hooks of the OCI
 * runtime specification). They get its state on standard input.
 *
 *	prestart, createRuntime	  `create', when the sandbox is there
 *	createContainer		  `create', in the container's network, IPC and UTS namespaces
 *	poststart, poststop	  `start', `delete'
 */
#pragma once

#include "oci/life/state.h"

/*
 * Runs those of one point, in order.  0, or -errno with *e filled: one of them failed, and the rest
 * was not run.
 */
int hooks_run(const struct state_dir *dir, enum state_status status, const char *point,
	      struct error *e);
/* The configuration has one at least. */
bool hooks_any(const json_t *config);
/* Those whose failure is only told: poststart and poststop. */
void hooks_try(const struct state_dir *dir, enum state_status status, const char *point);
