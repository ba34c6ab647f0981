/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/bundle.h"
#include "platform/base/cleanup.h"

enum { PASSWD_MAX = 1 << 20 };

static FILE *passwd_open(int root_fd)
{
	struct stat st;
	autoclose int etc = openat(root_fd, "etc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc < 0)
		return NULL;
	autoclose int fd = openat(etc, "passwd", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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
