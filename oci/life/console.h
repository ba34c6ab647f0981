/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --console-socket: a pseudoterminal of the host, whose master goes to the engine
 * through a socket, and whose slave becomes the process' 0 to 2.
 */
#pragma once

#include "oci/error.h"

/* Both ends of a new one.  0 or -errno. */
int console_pair(int *out_master, int *out_slave);
/* The slave, or -errno with *e filled.  rows, columns: 0, as they are. */
int console_open(const char *socket_path, unsigned rows, unsigned columns, struct error *e);
/* In the process, leader of its session: descriptors 0 to 2, and its controlling terminal. */
int console_take(int slave);
/*
 * What runc accepts of --console-socket: with a terminal that nobody in front of it has, and
 * not else.  0 or -errno with *e filled.
 */
int console_check(const char *socket_path, int terminal, int detached, struct error *e);
