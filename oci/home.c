/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/bundle.h"
#include "platform/base/cleanup.h"

enum { PASSWD_MAX = 1 << 20 };

/* Links end inside the root. */
static int open_followed(int root_fd)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	return (int)syscall(SYS_openat2, root_fd, "etc/passwd", &how, sizeof how);
}

/* Before openat2 (Linux 5.6): only a file that is no link, in a directory that is none. */
static int open_plain(int root_fd)
{
	autoclose int etc = openat(root_fd, "etc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return etc < 0 ? -1
		       : openat(etc, "passwd", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static FILE *passwd_open(int root_fd)
{
	struct stat st;
	autoclose int fd = open_followed(root_fd);
	if (fd < 0)
		fd = open_plain(root_fd);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PASSWD_MAX)
		return NULL;
	FILE *f = fdopen(fd, "r");
	if (f)
		fd = -1;
	return f;
}

/* name:password:uid:gid:comment:home:shell */
static char *line_home(char *line, unsigned uid)
{
	char *field[6] = {NULL}, *end;
	for (size_t i = 0; i < 6 && line; i++)
		field[i] = strsep(&line, ":");
	if (!field[5] || field[5][0] != '/')
		return NULL;
	unsigned long id = strtoul(field[2], &end, 10);
	return *field[2] && !*end && id == uid ? strdup(field[5]) : NULL;
}

char *home_of(int root_fd, unsigned uid)
{
	char *home = NULL;
	autofree char *line = NULL;
	size_t size = 0;
	FILE *f = passwd_open(root_fd);
	if (!f)
		return NULL;
	while (!home && getline(&line, &size, f) > 0)
		home = line_home(line, uid);
	fclose(f);
	return home;
}
