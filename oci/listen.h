/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket activation, sd_listen_fds(3): descriptors from 3 on that are meant for the container.
 *
 * They are taken if LISTEN_PID is not set, is 1 (as podman says it to a runtime), or is our own.
 */
#pragma once

struct spec;

/* How many of LISTEN_FDS are open, up to the first that is not.  Before anything else is opened. */
unsigned listen_count(void);
/*
 * The variables for a program that is pid 1, into the environment of s->process, unless its
 * configuration has them.  0 or -ENOMEM.
 */
int listen_env(struct spec *s);
