/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker of the guest fuzzer has to begin with: memory, files, descriptors of every kind. */
#include "tests/fuzz/guest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

/* Once, before any worker: the same for all. */
static void make_files(void)
{
	int fd = open("a", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, 100000);
	close(fd);
	close(open("b", O_RDWR | O_CREAT, 0644));
	mkdir("d", 0755);
	mkdir("d/d", 0755);
	close(open("d/a", O_RDWR | O_CREAT, 0600));
	symlink("a", "l");
	symlink("../d", "d/l");
	symlink("loop", "loop");
	mkfifo("fifo", 0600);
}

static void open_sockets(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	int pair[2];
	for (size_t i = 0; i < 3; i++) {
		socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair);
		socket(AF_UNIX, types[i], 0);
	}
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "sock"};
	bind(s, (struct sockaddr *)&at, sizeof at);
	listen(s, 4);
}

static void open_all(void)
{
	static const struct {
		const char *name;
		int flags;
	} files[] = {{"a", O_RDWR},
		     {"b", O_RDWR},
		     {"d", O_RDONLY},
		     {".", O_RDONLY},
		     {"a", O_PATH},
		     {"fifo", O_RDWR},
		     {"/dev/zero", O_RDWR},
		     {"/dev/null", O_RDWR},
		     {"/dev/ptmx", O_RDWR | O_NOCTTY},
		     {"/etc/passwd", O_RDONLY},
		     {"/proc/self/mem", O_RDWR},
		     {"/proc/self/maps", O_RDONLY},
		     {"/proc", O_RDONLY},
		     {"/proc/self/fd", O_RDONLY},
		     {"/usr/bin", O_RDONLY}};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT};
	sigset_t all;
	int p[2];
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		open(files[i].name,
		     files[i].flags | O_NONBLOCK); /* another worker may have made it a fifo */
	pipe2(p, 0);
	pipe2(p, O_NONBLOCK);
	open_sockets();
	syscall(SYS_eventfd2, 0, 0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	int ep = epoll_create1(0);
	epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, ep, &ev);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev);
	sigemptyset(&all);
	sigaddset(&all, SIGUSR2);
	syscall(SYS_signalfd4, -1, &all, 8, 0);
	syscall(SYS_inotify_init1, 0);
	ftruncate((int)syscall(SYS_memfd_create, "m", 2 /* MFD_ALLOW_SEALING */), 65536);
	syscall(SYS_pidfd_open, getpid(), 0);
}

void args_set_up(struct pids *p, const char *self)
{
	int fixed = MAP_FIXED | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	pids = p;
	self_path = self;
	mmap((void *)PRIVATE_AT, PRIVATE * PAGE, rw, fixed | MAP_PRIVATE, -1, 0);
	mmap((void *)SHARED_AT, SHARED * PAGE, rw, fixed | MAP_SHARED, -1, 0);
	mmap((void *)READ_ONLY_AT, PAGE, PROT_READ, fixed | MAP_PRIVATE, -1, 0);
	mmap((void *)NONE_AT, PAGE, PROT_NONE, fixed | MAP_PRIVATE, -1, 0);
	make_files();
	open_all();
}
