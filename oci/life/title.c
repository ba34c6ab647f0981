/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/title.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *area;
static size_t area_size;

static void extend(char *const *strings)
{
	for (; *strings; strings++)
		if (*strings == area + area_size)
			area_size += strlen(*strings) + 1;
}

void title_begin(int argc, char **argv)
{
	if (argc < 1)
		return;
	area = argv[0];
	area_size = 0;
	extend(argv);
	extend(environ);
}

void title_set(const char *what, const char *id, char *const *args)
{
	static char *nothing[] = {NULL};
	char text[4096], name[16];
	size_t n = (size_t)snprintf(text, sizeof text, "%s %s:", what, id);
	for (; *args && n < sizeof text; args++)
		n += (size_t)snprintf(text + n, sizeof text - n, " %s", *args);
	snprintf(name, sizeof name, "vedette:%s", id);
	prctl(PR_SET_NAME, name);
	environ = nothing;
	if (area_size < 2)
		return;
	/* Where the arguments end must be no NUL: then the kernel reads on into the environment. */
	memset(area, 0, area_size);
	memcpy(area, text, strnlen(text, area_size - 1));
}
