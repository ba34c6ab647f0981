/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces: what their tests share. */
#pragma once

#include "ns.h"

#include <grp.h>
#include <sys/prctl.h>

enum { SOMEBODY = 4711, OVERFLOW = 65534 };

/* write(2) of a whole text at the start of a file: 0, or -1 with errno. */
TEST_HELPER int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	int err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : 0;
}

/* ... of /proc/PID/NAME. */
TEST_HELPER int put_of(pid_t pid, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return put(path, text);
}

/* Blanks are one each. */
TEST_HELPER const char *get(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_OK(fd);
	ssize_t n = read(fd, text, sizeof text - 1);
	ASSERT_OK(n);
	close(fd);
	char *to = text;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] != ' ' || (to > text && to[-1] != ' ' && to[-1] != '\n'))
			*to++ = text[i];
	*to = 0;
	return text;
}

#define ASSERT_TEXT(path, want)                                                                    \
	do {                                                                                       \
		const char *is_ = get(path);                                                       \
		if (strcmp(is_, want) != 0)                                                        \
			FAIL("%s is \"%s\", want \"%s\"", path, is_, want);                        \
	} while (0)

/* From root to somebody without rights, who may be looked at by its like. */
TEST_HELPER void become(uint32_t id)
{
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_OK(setresgid(id, id, id));
	ASSERT_OK(setresuid(id, id, id));
	ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
}

/* The only map that somebody without rights may write: the own ids are `in` inside. */
TEST_HELPER void map_own(uint32_t in, uint32_t out)
{
	char line[64];
	snprintf(line, sizeof line, "%u %u 1", in, out);
	ASSERT_OK(put("/proc/self/setgroups", "deny"));
	ASSERT_OK(put("/proc/self/uid_map", line));
	ASSERT_OK(put("/proc/self/gid_map", line));
}

/* Somebody becomes root of a namespace of its own. */
TEST_HELPER void own_root(void)
{
	uint32_t id = getuid();
	ASSERT_OK(unshare(CLONE_NEWUSER));
	map_own(0, id);
}

TEST_HELPER void tell(int fd[2])
{
	ASSERT_EQ(write(fd[1], "x", 1), 1);
}
TEST_HELPER void hear(int fd[2])
{
	char c;
	ASSERT_EQ(read(fd[0], &c, 1), 1);
}

/* 0 in a child that is in a new user namespace, once `down` says so. */
TEST_HELPER pid_t inside_fork(int down[2])
{
	int up[2];
	ASSERT_OK(pipe(up));
	pid_t p = test_fork(__FILE__, __LINE__);
	if (p == 0) {
		ASSERT_OK(unshare(CLONE_NEWUSER));
		tell(up);
		hear(down);
	} else {
		hear(up);
	}
	return p;
}

#define INSIDE(down, ...)                                                                          \
	({                                                                                         \
		if (inside_fork(down) == 0) {                                                      \
			__VA_ARGS__;                                                               \
			_exit(0);                                                                  \
		}                                                                                  \
		test_forked;                                                                       \
	})
