/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that takes all it can get: each limit answers with its errno, what was taken can be
 * given back, and the kernel goes on.
 */
#include "task.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

static void limit(int which, rlim_t n)
{
	struct rlimit l = {n, n};
	ASSERT_OK(setrlimit((unsigned)which, &l));
}

static int new_epoll(void)
{
	return epoll_create1(0);
}
static int new_eventfd(void)
{
	return eventfd(0, 0);
}
static int new_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}
static int new_inotify(void)
{
	return inotify_init1(0);
}
static int new_memfd(void)
{
	return (int)syscall(SYS_memfd_create, "x", 0);
}
static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}
static int new_file(void)
{
	return open("f", O_RDWR | O_CREAT, 0600);
}
static int new_dup(void)
{
	return dup(0);
}
static int new_pidfd(void)
{
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}
static int new_path(void)
{
	return open("/", O_PATH);
}
static int new_proc(void)
{
	return open("/proc/self/status", O_RDONLY);
}

static int new_signalfd(void)
{
	sigset_t s = set_of(SIGUSR1);
	return signalfd(-1, &s, 0);
}

static int new_pipe(void)
{
	int p[2];
	return pipe(p) < 0 ? -1 : p[1];
}

static int new_pair(void)
{
	int p[2];
	return socketpair(AF_UNIX, SOCK_STREAM, 0, p) < 0 ? -1 : p[1];
}

TEST(exhaust_descriptors_of_every_kind)
{
	static int (*const kinds[])(void) = {new_epoll, new_eventfd, new_timerfd, new_inotify,
					     new_memfd, new_socket,  new_file,	  new_dup,
					     new_pidfd, new_path,    new_proc,	  new_signalfd,
					     new_pipe,	new_pair};
	test_tmpdir();
	limit(RLIMIT_NOFILE, 1000);
	/* natively /proc/sys/fs/inotify/max_user_instances comes first */
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		int n = 0;
		while (kinds[k]() >= 0)
			n++;
		ASSERT_EQ(errno, EMFILE);
		ASSERT(n >= (kinds[k] == new_inotify ? 100 : 490) && n < 1000);
		ASSERT_OK(syscall(SYS_close_range, 3, ~0u, 0));
	}
}

TEST(exhaust_a_large_descriptor_table)
{
	enum { MANY = 15000 };
	limit(RLIMIT_NOFILE, MANY);
	ASSERT_EQ(fcntl(0, F_DUPFD, MANY - 1), MANY - 1);
	ASSERT_ERR(fcntl(0, F_DUPFD, MANY), EINVAL);
	ASSERT_ERR(dup2(0, MANY), EBADF);
	JOIN(SPAWN({ ASSERT_EQ(fcntl(MANY - 1, F_GETFD), 0); }));
	ASSERT_OK(close(MANY - 1));
	for (int i = 0; i < MANY - 10; i++)
		ASSERT_OK(dup(0));
	JOIN(SPAWN({ ASSERT_OK(syscall(SYS_close_range, 3, ~0u, 0)); }));
}

static int take_now(int sig)
{
	struct timespec none = {0, 0};
	sigset_t s = set_of(sig);
	return sigtimedwait(&s, NULL, &none);
}

TEST(exhaust_queued_signals)
{
	union sigval v = {.sival_int = 1};
	int n = 0, got = 0;
	block_signal(SIGRTMIN);
	limit(RLIMIT_SIGPENDING, 20000);
	while (sigqueue(getpid(), SIGRTMIN, v) == 0)
		n++;
	ASSERT_EQ(errno, EAGAIN);
	ASSERT(n > 10000 && n <= 20000);
	/* kill() is not refused. */
	block_signal(SIGUSR1);
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_EQ(take_now(SIGUSR1), SIGUSR1);
	while (take_now(SIGRTMIN) > 0)
		got++;
	ASSERT_EQ(got, n);
}

TEST(exhaust_posix_timers)
{
	int *ids = malloc(8000 * sizeof *ids), n = 0;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec soon = {{0, 1000000}, {0, 1000000}};
	block_signal(SIGRTMIN);
	limit(RLIMIT_SIGPENDING, 5000);
	while (n < 8000 && syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &ids[n]) == 0) {
		ASSERT_OK(syscall(SYS_timer_settime, ids[n], 0, &soon, NULL));
		n++;
	}
	ASSERT_EQ(errno, EAGAIN);
	ASSERT(n > 2000 && n <= 5000);
	nap(20);
	while (n-- > 0)
		ASSERT_OK(syscall(SYS_timer_delete, ids[n]));
}

TEST(exhaust_pipes_of_the_largest_size)
{
	char *buf = map_anon(1 << 20);
	int p[40][2];
	for (int i = 0; i < 40; i++) {
		ASSERT_OK(pipe2(p[i], O_NONBLOCK));
		ASSERT_EQ(fcntl(p[i][1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
		ASSERT_EQ(write(p[i][1], buf, 1 << 20), 1 << 20);
		ASSERT_ERR(write(p[i][1], buf, 1), EAGAIN);
	}
	ASSERT_ERR(fcntl(p[0][1], F_SETPIPE_SZ, PAGE), EBUSY);
	ASSERT(fcntl(p[0][1], F_SETPIPE_SZ, 0xffffffff) < 0);
}

TEST(exhaust_mappings)
{
	size_t room = 70000 * PAGE;
	int limit_is = 0;
	FILE *of = fopen("/proc/sys/vm/max_map_count", "re");
	if (!of || fscanf(of, "%d", &limit_is) != 1 || limit_is != 65530)
		SKIP("vm.max_map_count is not the default");
	fclose(of);
	char *p = map_at(NULL, room, PROT_NONE, ANON_PRIV | MAP_NORESERVE);
	int n = 0;
	/* Each page made different is two more areas. */
	for (char *at = p + PAGE; at < p + room; at += 2 * PAGE, n++)
		if (mprotect(at, PAGE, PROT_READ) < 0)
			break;
	ASSERT_EQ(errno, ENOMEM);
	ASSERT(n > 32000 && n < 33000);
	ASSERT(mmap(NULL, PAGE, RW, ANON_PRIV, -1, 0) != MAP_FAILED || errno == ENOMEM);
	/* The list is long, and all of it can be told and copied. */
	JOIN(SPAWN({
		char line[4096];
		int lines = 0;
		FILE *f = fopen("/proc/self/maps", "re");
		ASSERT(f);
		while (fgets(line, sizeof line, f))
			lines++;
		ASSERT(lines > 65000 && lines < 66000);
	}));
	ASSERT_OK(munmap(p, room));
	ASSERT(map_anon(PAGE));
}

TEST(exhaust_sizes_of_mappings)
{
	static const size_t sizes[] = {1ul << 46, 1ul << 47, 1ul << 48, -PAGE, -1ul, 1ul << 63};
	char *p = map_anon(PAGE);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		void *m = mmap(NULL, sizes[i], RW, ANON_PRIV | MAP_NORESERVE, -1, 0);
		if (m != MAP_FAILED)
			munmap(m, sizes[i]);
		m = mremap(p, PAGE, sizes[i], MREMAP_MAYMOVE);
		ASSERT(m == MAP_FAILED || munmap((char *)m + PAGE, sizes[i] - PAGE) == 0);
		if (m != MAP_FAILED)
			p = m;
		ASSERT(mprotect(p, sizes[i], RW) < 0 || sizes[i] == -1ul);
	}
	limit(RLIMIT_AS, 100 << 20);
	ASSERT(mmap(NULL, 200 << 20, RW, ANON_PRIV, -1, 0) == MAP_FAILED);
	ASSERT_EQ(errno, ENOMEM);
	ASSERT(sbrk(200 << 20) == (void *)-1);
	ASSERT_EQ(errno, ENOMEM);
	limit(RLIMIT_DATA, 1 << 20);
	ASSERT(sbrk(10 << 20) == (void *)-1);
}

TEST(exhaust_depth_of_directories)
{
	char name[256];
	enum { DEEP = 1500 };
	test_tmpdir();
	memset(name, 'n', 255);
	name[255] = 0;
	for (int i = 0; i < DEEP; i++) {
		ASSERT_OK(mkdir(name, 0700));
		ASSERT_OK(chdir(name));
	}
	char big[5000];
	errno = 0;
	ASSERT(!syscall(SYS_getcwd, big, sizeof big) || errno == ENAMETOOLONG);
	/* Work at that depth is possible; a path of that length is not. */
	close(open("f", O_RDWR | O_CREAT, 0600));
	ASSERT_OK(rename("f", "g"));
	ASSERT_OK(unlink("g"));
	memset(big, '/', sizeof big);
	big[4999] = 0;
	ASSERT_ERR(access(big, F_OK), ENAMETOOLONG);
	for (int i = 0; i < DEEP; i++) {
		ASSERT_OK(chdir(".."));
		ASSERT_OK(rmdir(name));
	}
}

TEST(exhaust_chain_of_symlinks)
{
	char from[32], to[32];
	test_tmpdir();
	close(open("s0", O_WRONLY | O_CREAT, 0600));
	for (int i = 0; i < 60; i++) {
		sprintf(to, "s%d", i);
		sprintf(from, "s%d", i + 1);
		ASSERT_OK(symlink(to, from));
	}
	ASSERT_OK(access("s40", F_OK));
	ASSERT_ERR(access("s41", F_OK), ELOOP);
	ASSERT_ERR(access("s60", F_OK), ELOOP);
	/* Each one expands to many. */
	ASSERT_OK(symlink("x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x", "x"));
	ASSERT_ERR(access("x", F_OK), ELOOP);
}

TEST(exhaust_entries_of_a_directory)
{
	enum { MANY = 3000 };
	char name[32];
	int n = 0;
	test_tmpdir();
	for (int i = 0; i < MANY; i++) {
		sprintf(name, "%d", i);
		ASSERT_OK(mknod(name, S_IFREG | 0600, 0));
	}
	DIR *d = opendir(".");
	while (readdir(d))
		n++;
	ASSERT_EQ(n, MANY + 2);
	closedir(d);
	for (int i = 0; i < MANY; i++) {
		sprintf(name, "%d", i);
		ASSERT_OK(unlink(name));
	}
}

TEST(exhaust_nested_epolls)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep[10], p[2];
	ASSERT_OK(pipe(p));
	ep[0] = epoll_create1(0);
	ASSERT_OK(epoll_ctl(ep[0], EPOLL_CTL_ADD, p[0], &ev));
	int depth = 1;
	for (; depth < 10; depth++) {
		ep[depth] = epoll_create1(0);
		if (epoll_ctl(ep[depth], EPOLL_CTL_ADD, ep[depth - 1], &ev) < 0)
			break;
	}
	ASSERT(depth < 10 && (errno == EINVAL || errno == ELOOP));
	ASSERT_ERR(epoll_ctl(ep[0], EPOLL_CTL_ADD, ep[depth - 1], &ev), ELOOP);
	ASSERT_EQ(write(p[1], "x", 1), 1);
	ASSERT_EQ(epoll_wait(ep[depth - 1], &ev, 1, 0), 1);
	/* Wide: one epoll in very many. */
	limit(RLIMIT_NOFILE, 2000);
	for (int i = 0; i < 400; i++) {
		int e = epoll_create1(0);
		ASSERT_OK(e);
		ev.events = EPOLLIN | EPOLLET;
		if (epoll_ctl(e, EPOLL_CTL_ADD, ep[0], &ev) < 0) {
			ASSERT_EQ(errno, EINVAL);
			break;
		}
	}
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(write(p[1], "x", 1), 1);
}

TEST(exhaust_watches_and_their_events)
{
	char name[32], buf[65536];
	int n = inotify_init1(IN_NONBLOCK), overflow = 0;
	ssize_t size;
	test_tmpdir();
	ASSERT_OK(n);
	ASSERT_OK(inotify_add_watch(n, ".", IN_ALL_EVENTS));
	for (int i = 0; i < 2000; i++) {
		sprintf(name, "%d", i);
		ASSERT_OK(mknod(name, S_IFREG | 0600, 0));
		ASSERT_OK(inotify_add_watch(n, name, IN_ALL_EVENTS));
	}
	/* Nobody reads: the queue has an end, and says so. */
	for (int i = 0; i < 20000; i++)
		ASSERT_OK(chmod(name, 0600 + (unsigned)(i & 1)));
	while ((size = read(n, buf, sizeof buf)) > 0)
		for (char *at = buf; at < buf + size;) {
			struct inotify_event *e = (void *)at;
			overflow += e->mask & IN_Q_OVERFLOW ? 1 : 0;
			at += sizeof *e + e->len;
		}
	ASSERT_EQ(overflow, 1);
	for (int i = 0; i < 2000; i++) {
		sprintf(name, "%d", i);
		ASSERT_OK(unlink(name));
	}
}

static ssize_t send_fd(int by, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof fd)];
	} c = {.h = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec v = {"x", 1};
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof fd);
	return sendmsg(by, &m, MSG_DONTWAIT);
}

/* Sockets inside themselves and inside each other: nobody can ever receive them. */
TEST(exhaust_descriptors_in_flight)
{
	int s[2];
	for (int i = 0; i < 2000; i++) {
		ASSERT_OK(socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, s));
		ASSERT_EQ(send_fd(s[0], s[0]), 1);
		ASSERT_EQ(send_fd(s[1], s[1]), 1);
		ASSERT_EQ(send_fd(s[0], s[1]), 1);
		close(s[0]);
		close(s[1]);
	}
	/* And a chain: each one lies in the next. */
	int last = eventfd(0, 0);
	for (int i = 0; i < 2000; i++) {
		ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
		ASSERT_EQ(send_fd(s[0], last), 1);
		close(last);
		close(s[0]);
		last = s[1];
	}
	close(last);
}

TEST(exhaust_descriptors_in_flight_of_one_socket)
{
	int s[2], n = 0;
	if (setuid(NOBODY) < 0)
		SKIP("not root");
	limit(RLIMIT_NOFILE, 100);
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	while (n < 10000 && send_fd(s[0], 0) == 1)
		n++;
	ASSERT(errno == ETOOMANYREFS || errno == EAGAIN);
	ASSERT(n >= 90 && n < 10000);
}

TEST(exhaust_queues_of_sockets)
{
	static char buf[65536];
	int s[2], n;
	for (int i = 0; i < 50; i++) {
		ASSERT_OK(socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_SEQPACKET, 0, s));
		int huge = 0x7fffffff;
		setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &huge, sizeof huge);
		for (n = 0; n < 10000 && send(s[0], buf, sizeof buf, MSG_DONTWAIT) > 0; n++)
			;
		ASSERT(n < 10000 && errno == EAGAIN);
	}
	/* Small ones cost more than they hold. */
	ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	for (n = 0; n < 1000000 && send(s[0], buf, 0, MSG_DONTWAIT) == 0; n++)
		;
	ASSERT(n < 1000000 && errno == EAGAIN);
}

TEST(exhaust_backlog)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	test_tmpdir();
	int l = socket(AF_UNIX, SOCK_STREAM, 0), n = 0;
	ASSERT_OK(bind(l, (void *)&a, sizeof a));
	ASSERT_OK(listen(l, 5));
	for (; n < 100; n++) {
		int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(s, (void *)&a, sizeof a) < 0)
			break;
	}
	ASSERT(errno == EAGAIN && n >= 5 && n <= 8);
}

TEST(exhaust_vectors)
{
	struct iovec v[1025];
	char *buf = map_anon(1 << 20);
	int null = open("/dev/null", O_RDWR), p[2];
	for (int i = 0; i < 1025; i++)
		v[i] = (struct iovec){buf, 1 << 20};
	ASSERT_EQ(writev(null, v, 1024), 1 << 30);
	ASSERT_ERR(writev(null, v, 1025), EINVAL);
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	ASSERT_EQ(writev(p[1], v, 1024), 65536);
	ASSERT_EQ(readv(p[0], v, 1024), 65536);
	for (int i = 0; i < 1024; i++)
		v[i].iov_len = -1ul;
	ASSERT_ERR(writev(p[1], v, 1024), EINVAL);
}

TEST(exhaust_arguments_of_exec)
{
	enum { STRINGS = 2000 };
	char *big = map_anon(1 << 20), *argv[STRINGS + 1] = {0}, *none[] = {NULL};
	memset(big, 'x', (128 << 10) + 10);
	argv[0] = big;
	ASSERT_ERR(execv("/bin/true", argv), E2BIG); /* one is too long */
	big[4000] = 0;
	for (int i = 0; i < STRINGS; i++)
		argv[i] = big;
	ASSERT_ERR(execve("/bin/true", argv, none), E2BIG); /* together more than 6 MiB */
	big[1000] = 0;
	JOIN(SPAWN({
		execve("/bin/true", argv, none);
		_exit(1);
	}));
	limit(RLIMIT_STACK, 1 << 20);
	ASSERT_ERR(execve("/bin/true", argv, none), E2BIG); /* a quarter of the stack */
}

static void *waits(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

TEST(exhaust_threads_of_a_user)
{
	pthread_t t;
	pthread_attr_t small;
	int n = 0, err = 0;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (setgid(54321) < 0 || setuid(54321) < 0)
		SKIP("not root");
	limit(RLIMIT_NPROC, 300);
	while (n < 400 && (err = pthread_create(&t, &small, waits, NULL)) == 0)
		n++;
	ASSERT_EQ(err, EAGAIN);
	ASSERT(n >= 290 && n < 300);
	ASSERT_ERR(fork(), EAGAIN);
}

TEST(exhaust_chain_of_processes)
{
	int depth = 0;
	for (; depth < 150; depth++) {
		pid_t p = fork();
		ASSERT_OK(p);
		if (p > 0) {
			int st = wait_status(p);
			_exit(WIFEXITED(st) ? WEXITSTATUS(st) : 1);
		}
	}
}

TEST(exhaust_record_locks)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct flock l = {.l_type = F_WRLCK, .l_len = 1};
	for (int i = 0; i < 5000; i++) {
		l.l_start = 2 * i;
		ASSERT_OK(fcntl(fd, F_SETLK, &l));
	}
	l.l_start = 0;
	l.l_len = 0;
	l.l_type = F_UNLCK;
	ASSERT_OK(fcntl(fd, F_SETLK, &l));
}

TEST_MAIN()
