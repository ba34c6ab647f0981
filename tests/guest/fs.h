/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the file, descriptor and ipc tests share on top of test.h.
 *
 * Everything here fails the running test by itself; nothing returns an error.
 */
#pragma once

#include "test.h"

#include <grp.h>
#include <pthread.h>

/* Never mapped, and hidden from the compiler, which would warn about a constant. */
TEST_HELPER void *volatile bad_ptr = (void *)8;

/* Writes a file that holds exactly this text. */
TEST_HELPER void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ASSERT_OK(fd);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
	ASSERT_OK(close(fd));
}

/* The first 64 KiB of a file, with a NUL behind them; the next call reuses the buffer. */
TEST_HELPER char *get(const char *path)
{
	static char buf[65537];
	size_t n = 0;
	ssize_t r;
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		FAIL("open %s: errno %d", path, errno);
	while (n < sizeof buf - 1 && (r = read(fd, buf + n, sizeof buf - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	buf[n] = 0;
	return buf;
}

#define ASSERT_FILE(path, text) ASSERT_STR(get(path), text)
#define ASSERT_STR(a, b)                                                                           \
	do {                                                                                       \
		const char *sa_ = (a), *sb_ = (b);                                                 \
		if (strcmp(sa_, sb_) != 0)                                                         \
			FAIL("%s is \"%s\", want \"%s\"", #a, sa_, sb_);                           \
	} while (0)

TEST_HELPER struct stat stat_of(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		FAIL("lstat %s: errno %d", path, errno);
	return st;
}

TEST_HELPER unsigned mode_of(const char *path)
{
	return stat_of(path).st_mode & 07777;
}

/* Gives up root for good: uid and gid 1000, no groups, no capabilities. */
TEST_HELPER void become_user(void)
{
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_OK(setresgid(1000, 1000, 1000));
	ASSERT_OK(setresuid(1000, 1000, 1000));
}

/* Runs the block in a child as uid 1000 and waits for it. */
#define AS_USER(...)                                                                               \
	JOIN(SPAWN({                                                                               \
		become_user();                                                                     \
		__VA_ARGS__;                                                                       \
	}))

/* The end of a writable page whose successor faults: page_edge() - 3 has three good bytes. */
TEST_HELPER char *page_edge(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(p != MAP_FAILED);
	ASSERT_OK(mprotect(p + 4096, 4096, PROT_NONE));
	return p + 4096;
}

/* A sleep long enough that another thread has very likely gone to sleep; never a verdict. */
TEST_HELPER void settle(void)
{
	usleep(30000);
}

TEST_HELPER int set_nonblock(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
