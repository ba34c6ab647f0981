/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: what their tests share.
 *
 * Everything is done in a namespace of the test's own, so that the machine on
 * which it runs does not notice.
 */
#pragma once

#define _GNU_SOURCE
#include <sched.h>

#include "test.h"

/* What /proc/WHO/ns/NAME says: its number. */
TEST_HELPER long ns_number(const char *who, const char *name)
{
	char path[64], text[64] = "";
	snprintf(path, sizeof path, "/proc/%s/ns/%s", who, name);
	ASSERT_OK(readlink(path, text, sizeof text - 1));
	char *at = strchr(text, '[');
	ASSERT(at);
	return strtol(at + 1, NULL, 10);
}

TEST_HELPER int ns_open(pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_OK(fd);
	return fd;
}

/* A fork with flags for clone. */
TEST_HELPER pid_t ns_fork(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

#define NEED_ROOT()                                                                                \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			SKIP("only root makes namespaces");                                        \
	} while (0)
