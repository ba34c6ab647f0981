/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: a table of commands, each in its own file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/sandbox.h"

extern char **environ;

int main(int argc, char **argv)
{
	static const struct boot_mount mounts[] = {
		{.target = "/dev", .type = "devtmpfs", .source = "devtmpfs"},
		{.target = "/dev/shm", .type = "tmpfs", .source = "tmpfs"},
	};
	char cwd[4096];
	int i = 1;
	if (argc > i && strcmp(argv[i], "do") == 0)
		i++;
	if (argc > i && strcmp(argv[i], "--") == 0)
		i++;
	if (argc <= i)
		return EXIT_USAGE;
	struct gofer_root root = {.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	struct sandbox s = {
		.spec = {
			.argv = argv + i, .envp = environ, .cwd = getcwd(cwd, sizeof cwd),
			.umask = 022, .groups = NULL,
			.caps_bounding = (1ull << 41) - 1, .caps_permitted = (1ull << 41) - 1,
			.caps_effective = (1ull << 41) - 1,
			.stdio = {{.fd = 0}, {.fd = 1}, {.fd = 2}},
			.mounts = mounts, .nmounts = 2,
		},
		.roots = &root, .nroots = 1,
	};
	return sandbox_run(&s);
}
