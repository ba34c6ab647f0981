/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cli.h"

const struct command commands[] = {
	{"do", "run a command over the host's files: read-only below, memory above", command_do},
	{"syscalls", "the system calls offered to guests, and how completely", command_syscalls},
	{"limits", "the host calls that a sandbox can ever make, with their kernel versions",
	 command_limits},
};
const size_t commands_count = sizeof commands / sizeof commands[0];
