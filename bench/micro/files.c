/* SPDX-License-Identifier: Apache-2.0 */
/* Files: by name on the root file system, contents on tmpfs (/dev/shm), and epoll. */
#include "micro.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCK = 4096, ENTRIES = 1000, FDS = 100 };

static const char known_path[] = "/etc/passwd"; /* there wherever users are */
static char dir_path[64];
static int fd = -1, epoll_fd = -1, event_fds[FDS], entries;
static struct stat known;
static char block[BLOCK], pattern[BLOCK];

static int start_known(void)
{
	if (stat(known_path, &known) != 0)
		return wrong("stat %s: %s", known_path, strerror(errno));
	fd = open(known_path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? 0 : wrong("open %s: %s", known_path, strerror(errno));
}

static void stop_fd(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

static bool is_known(const struct stat *st)
{
	return st->st_ino == known.st_ino && st->st_size == known.st_size &&
	       st->st_mode == known.st_mode;
}

static int batch_open(long n)
{
	for (long i = 0; i < n; i++) {
		int f = open(known_path, O_RDONLY | O_CLOEXEC);
		if (f <= fd || close(f) != 0)
			return wrong("open or close: descriptor %d", f);
	}
	return 0;
}

static int batch_stat(long n)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		if (stat(known_path, &st) != 0 || !is_known(&st))
			return wrong("stat");
	return 0;
}

static int batch_fstat(long n)
{
	struct stat st;

	for (long i = 0; i < n; i++)
		if (fstat(fd, &st) != 0 || !is_known(&st))
			return wrong("fstat");
	return 0;
}

static int start_block(void)
{
	char path[] = "/dev/shm/micro-XXXXXX";

	for (int i = 0; i < BLOCK; i++)
		pattern[i] = (char)(i * 7 + 1);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return wrong("%s: %s", path, strerror(errno));
	unlink(path);
	return pwrite(fd, pattern, BLOCK, 0) == BLOCK ? 0 : wrong("pwrite");
}

static int batch_pread(long n)
{
	block[0] = 0;
	for (long i = 0; i < n; i++)
		if (pread(fd, block, BLOCK, 0) != BLOCK || block[0] != 1)
			return wrong("pread");
	return memcmp(block, pattern, BLOCK) == 0 ? 0 : wrong("pread: contents");
}

static int batch_pwrite(long n)
{
	for (long i = 0; i < n; i++) {
		pattern[1] = (char)i;
		if (pwrite(fd, pattern, BLOCK, 0) != BLOCK)
			return wrong("pwrite");
	}
	if (pread(fd, block, BLOCK, 0) != BLOCK || memcmp(block, pattern, BLOCK) != 0)
		return wrong("pwrite: contents");
	return 0;
}

static int start_dir(void)
{
	char name[32];

	strcpy(dir_path, "/dev/shm/micro-XXXXXX");
	if (!mkdtemp(dir_path))
		return wrong("%s: %s", dir_path, strerror(errno));
	fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (entries = 0; entries < ENTRIES; entries++) {
		snprintf(name, sizeof name, "entry-%d", entries);
		int f = openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (f < 0)
			return wrong("create %s: %s", name, strerror(errno));
		close(f);
	}
	return 0;
}

static void stop_dir(void)
{
	char name[32];

	while (entries-- > 0) {
		snprintf(name, sizeof name, "entry-%d", entries);
		unlinkat(fd, name, 0);
	}
	stop_fd();
	rmdir(dir_path);
}

static int batch_getdents(long n)
{
	static char buf[32768] __attribute__((aligned(8)));

	for (long i = 0; i < n; i++) {
		int seen = 0;
		long got;
		if (lseek(fd, 0, SEEK_SET) != 0)
			return wrong("lseek");
		while ((got = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
			for (long at = 0; at < got; seen++)
				at += ((struct dirent64 *)(buf + at))->d_reclen;
		if (got < 0 || seen != ENTRIES + 2)
			return wrong("getdents64: %d entries", seen);
	}
	return 0;
}

/* All are watched, the last is ready and stays so. */
static int start_epoll(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < FDS; i++)
		event_fds[i] = -1;
	for (int i = 0; i < FDS; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)i};
		event_fds[i] = eventfd(i == FDS - 1, EFD_CLOEXEC);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fds[i], &ev) != 0)
			return wrong("epoll_ctl: %s", strerror(errno));
	}
	return 0;
}

static void stop_epoll(void)
{
	for (int i = 0; i < FDS; i++)
		if (event_fds[i] >= 0)
			close(event_fds[i]);
	close(epoll_fd);
}

static int batch_epoll(long n)
{
	struct epoll_event ev[FDS];

	for (long i = 0; i < n; i++)
		if (epoll_wait(epoll_fd, ev, FDS, -1) != 1 || ev[0].data.u64 != FDS - 1)
			return wrong("epoll_wait");
	return 0;
}

const struct op ops_files[] = {
	{"pread_4k", "pread 4 KiB, tmpfs", start_block, NULL, batch_pread, stop_fd, 0, 0},
	{"pwrite_4k", "pwrite 4 KiB, tmpfs", start_block, NULL, batch_pwrite, stop_fd, 0, 0},
	{"open_close", "open and close /etc/passwd", start_known, NULL, batch_open, stop_fd, 0, 0},
	{"stat", "stat /etc/passwd", start_known, NULL, batch_stat, stop_fd, 0, 0},
	{"fstat", "fstat of the same", start_known, NULL, batch_fstat, stop_fd, 0, 0},
	{"getdents_1000", "a directory of 1000 entries, tmpfs", start_dir, NULL, batch_getdents,
	 stop_dir, 0, 0},
	{"epoll_wait_100", "epoll_wait on 100 eventfds, one ready", start_epoll, NULL, batch_epoll,
	 stop_epoll, 0, 0},
	{0},
};
