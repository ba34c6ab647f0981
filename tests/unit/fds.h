/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that are open, for tests that lose none. */
#pragma once

#include <dirent.h>

/* In /proc/PID/fd; one more each time, for the directory itself, if it is that of the caller. */
static inline int count_fds(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}
