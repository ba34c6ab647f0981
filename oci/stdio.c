/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/stdio.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Other devices may do something when they are opened. */
static bool worth_it(int fd, const struct stat *st)
{
	return S_ISFIFO(st->st_mode) || (S_ISCHR(st->st_mode) && isatty(fd));
}

static bool same_object(int fd, const struct stat *st)
{
	struct stat now;
	return fstat(fd, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino &&
	       now.st_rdev == st->st_rdev;
}

static int reopen(int fd)
{
	char path[32];
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &st) < 0 || !worth_it(fd, &st))
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int own = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0 || same_object(own, &st))
		return own;
	close(own);
	return -1;
}

void stdio_reopen(struct stdio *out)
{
	for (int i = 0; i < STDIO; i++)
		out->fd[i] = reopen(i);
}

void stdio_close(const struct stdio *s)
{
	for (int i = 0; i < STDIO; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
}

/* KCMP_FILE 0; where the host has no kcmp(2) they are taken as different. */
static bool same_file(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0, a, b) == 0;
}

void stdio_look(int fd, struct boot_stdio *io)
{
	int flags = fcntl(fd, F_GETFL);
	*io = (struct boot_stdio){.fd = -1};
	if (flags < 0)
		return;
	io->fd = fd;
	io->flags = (uint32_t)flags;
	off_t pos = lseek(fd, 0, SEEK_CUR);
	io->pos = pos < 0 ? 0 : pos;
	io->same = fd > 0 && same_file(fd - 1, fd);
}

void stdio_describe(const struct stdio *s, struct boot_stdio *out)
{
	for (int i = 0; i < STDIO; i++) {
		stdio_look(i, &out[i]);
		if (out[i].fd < 0 || s->fd[i] < 0)
			continue;
		out[i].fd = s->fd[i];
		out[i].nonblock = true;
	}
}

void stdio_forget_same(const struct boot_stdio *io)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 1; i < STDIO && null >= 0; i++)
		if (io[i].same)
			dup2(null, i);
	if (null >= STDIO)
		close(null);
}

void stdio_take(const struct stdio *s, struct boot_stdio *out)
{
	stdio_describe(s, out);
	for (int i = 0; i < STDIO; i++)
		if (out[i].nonblock && dup2(s->fd[i], i) == i)
			out[i].fd = i;
	stdio_close(s);
}
