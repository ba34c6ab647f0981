/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second thread changes, protects or unmaps what a system call reads.
 *
 * A call may see the old or the new memory, and may fault; it may never crash,
 * hang, or act on something that neither thread ever wrote.
 */
#include "fs.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { ROUNDS = 3000 };

static volatile int stop;
static pthread_t racer;

/* Calls fn(turn) with 0, 1, 0, 1 ... until the test has made its rounds. */
static void *race(void *fn)
{
	void (*flip)(int) = (void (*)(int))(uintptr_t)fn;
	for (int turn = 0; !stop; turn ^= 1)
		flip(turn);
	return NULL;
}

static void start(void (*flip)(int))
{
	ASSERT_EQ(pthread_create(&racer, NULL, race, (void *)(uintptr_t)flip), 0);
}

static void finish(void)
{
	stop = 1;
	ASSERT_EQ(pthread_join(racer, NULL), 0);
}

static char path[8];

static void flip_path(int turn)
{
	for (int i = 0; i < 6; i++)
		((volatile char *)path)[i] = (char)('a' + turn);
}

TEST(race_path_changes_during_open)
{
	test_tmpdir();
	put("aaaaaa", "");
	put("bbbbbb", "");
	ino_t a = stat_of("aaaaaa").st_ino, b = stat_of("bbbbbb").st_ino;
	flip_path(0);
	start(flip_path);
	for (int i = 0; i < ROUNDS; i++) {
		struct stat st;
		int fd = open(path, O_RDONLY);
		/* A torn name is a name that does not exist. */
		if (fd < 0) {
			ASSERT_EQ(errno, ENOENT);
			continue;
		}
		ASSERT_OK(fstat(fd, &st));
		ASSERT(st.st_ino == a || st.st_ino == b);
		ASSERT_OK(close(fd));
	}
	finish();
}

TEST(race_created_names_are_mixtures_of_the_two)
{
	test_tmpdir();
	flip_path(0);
	start(flip_path);
	for (int i = 0; i < 300; i++)
		if (mkdir(path, 0700) < 0)
			ASSERT_EQ(errno, EEXIST);
	finish();
	/* What was checked is what was made: no name with a byte that nobody wrote. */
	char name[8];
	for (int bits = 0; bits < 64; bits++) {
		for (int k = 0; k < 6; k++)
			name[k] = bits >> k & 1 ? 'b' : 'a';
		name[6] = 0;
		rmdir(name);
	}
	char cwd[4096];
	ASSERT(getcwd(cwd, sizeof cwd));
	ASSERT_OK(rmdir(cwd));
}

static char *page;

static void flip_protection(int turn)
{
	mprotect(page, 4096, turn ? PROT_NONE : PROT_READ | PROT_WRITE);
}

static void flip_mapping(int turn)
{
	if (turn)
		munmap(page, 4096);
	else
		mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
}

/* Three pages; the racer takes the one in the middle. */
static char *three_pages(void)
{
	char *p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(p != MAP_FAILED);
	page = p + 4096;
	return p;
}

static void read_while(void (*flip)(int))
{
	test_tmpdir();
	static char text[12288];
	char *p = three_pages();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(fd, text, sizeof text), 12288);
	start(flip);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = pread(fd, p, 12288, 0);
		ASSERT(n >= 4096 && n <= 12288);
		n = pread(fd, page, 4096, 0);
		ASSERT(n == -1 ? errno == EFAULT : n > 0 && n <= 4096);
	}
	finish();
}

TEST(race_buffer_protected_during_read)
{
	read_while(flip_protection);
}

TEST(race_buffer_unmapped_during_read)
{
	read_while(flip_mapping);
}

static void write_while(void (*flip)(int))
{
	test_tmpdir();
	char *p = three_pages();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	start(flip);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = pwrite(fd, p, 12288, 0);
		ASSERT(n >= 4096 && n <= 12288);
		n = pwrite(fd, page, 4096, 0);
		ASSERT(n == -1 ? errno == EFAULT : n > 0 && n <= 4096);
	}
	finish();
}

TEST(race_buffer_protected_during_write)
{
	write_while(flip_protection);
}

TEST(race_buffer_unmapped_during_write)
{
	write_while(flip_mapping);
}

TEST(race_buffer_unmapped_during_pipe_write)
{
	int p[2];
	char *buf = three_pages(), sink[12288];
	ASSERT_OK(pipe(p));
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = write(p[1], buf, 12288);
		ASSERT(n > 0 && n <= 12288);
		/* What was said to be written can be read. */
		for (ssize_t r; n > 0; n -= r) {
			r = read(p[0], sink, (size_t)n);
			ASSERT(r > 0);
		}
	}
	finish();
}

TEST(race_buffer_unmapped_during_pipe_read)
{
	int p[2];
	static char text[8192];
	char *buf = three_pages();
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = write(p[1], text, sizeof text);
		ASSERT(n > 0 || (n == -1 && errno == EAGAIN));
		do
			n = read(p[0], buf, 12288);
		while (n > 0);
		ASSERT(errno == EAGAIN || errno == EFAULT);
	}
	finish();
}

static char content[64];

static void flip_content(int turn)
{
	for (int i = 0; i < 64; i++)
		((volatile char *)content)[i] = (char)(turn ? 'x' : 'y');
}

TEST(race_content_changes_during_write)
{
	test_tmpdir();
	char back[65] = "";
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	flip_content(0);
	start(flip_content);
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(pwrite(fd, content, 64, 0), 64);
		ASSERT_EQ(pread(fd, back, 64, 0), 64);
		ASSERT_EQ(strspn(back, "xy"), 64);
	}
	finish();
}

static char good[16];
static struct iovec vec[2];

static void flip_length(int turn)
{
	*(volatile size_t *)&vec[1].iov_len = turn ? (size_t)-1 : 4;
}

TEST(race_iovec_length_changes)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	vec[0] = (struct iovec){good, 4};
	vec[1] = (struct iovec){good + 4, 4};
	start(flip_length);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = pwritev(fd, vec, 2, 0);
		ASSERT(n == 8 || (n == -1 && errno == EINVAL));
		n = preadv(fd, vec, 2, 0);
		ASSERT((n >= 0 && n <= 8) || (n == -1 && errno == EINVAL));
	}
	finish();
}

static void flip_base(int turn)
{
	*(void *volatile *)&vec[1].iov_base = turn ? bad_ptr : good + 4;
}

TEST(race_iovec_base_changes)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	vec[0] = (struct iovec){good, 4};
	vec[1] = (struct iovec){good + 4, 4};
	start(flip_base);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = pwritev(fd, vec, 2, 0);
		ASSERT(n == 8 || n == 4);
	}
	finish();
}

static void flip_both(int turn)
{
	((volatile struct iovec *)vec)->iov_base = turn ? good : content;
	((volatile struct iovec *)vec)->iov_len = turn ? 16 : 64;
}

TEST(race_iovec_pair_may_tear_but_stays_in_memory)
{
	int p[2];
	char back[64];
	ASSERT_OK(pipe(p));
	flip_both(0);
	start(flip_both);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = writev(p[1], vec, 1);
		ASSERT(n == 16 || n == 64);
		ASSERT_EQ(read(p[0], back, 64), n);
	}
	finish();
}

static struct msghdr message;

static void flip_message(int turn)
{
	*(volatile size_t *)&message.msg_iovlen = turn ? 5000 : 1;
	*(volatile size_t *)&message.msg_controllen = turn ? 0 : sizeof content;
}

TEST(race_message_header_changes_during_sendmsg)
{
	int s[2];
	char back[64];
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	vec[0] = (struct iovec){good, 16};
	message = (struct msghdr){.msg_iov = vec, .msg_iovlen = 1, .msg_control = content};
	memset(content, 0, sizeof content);
	start(flip_message);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = sendmsg(s[0], &message, 0);
		ASSERT(n == 16 || (n == -1 && (errno == EINVAL || errno == EMSGSIZE)));
		if (n == 16)
			ASSERT_EQ(read(s[1], back, 64), 16);
	}
	finish();
}

static union {
	struct cmsghdr h;
	char room[CMSG_SPACE(4)];
} control;

static void flip_control(int turn)
{
	volatile struct cmsghdr *h = &control.h;
	h->cmsg_len = turn ? CMSG_LEN(4) : (size_t)-8;
	h->cmsg_type = turn ? SCM_RIGHTS : SCM_CREDENTIALS;
}

TEST(race_control_message_changes_during_sendmsg)
{
	int s[2], zero = 0;
	char back[64];
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	vec[0] = (struct iovec){good, 1};
	message = (struct msghdr){.msg_iov = vec, .msg_iovlen = 1};
	message.msg_control = &control;
	message.msg_controllen = sizeof control;
	control.h.cmsg_level = SOL_SOCKET;
	memcpy(CMSG_DATA(&control.h), &zero, sizeof zero);
	flip_control(0);
	start(flip_control);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = sendmsg(s[0], &message, 0);
		ASSERT(n == 1 || (n == -1 && errno == EINVAL));
		if (n == 1)
			ASSERT_EQ(read(s[1], back, 64), 1);
	}
	finish();
}

static int pair_fd[2];

static void flip_fd(int turn)
{
	(void)turn;
	close(60);
	dup2(pair_fd[1], 60);
}

TEST(race_fd_closed_during_write)
{
	char c;
	ASSERT_OK(pipe2(pair_fd, O_NONBLOCK));
	start(flip_fd);
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = write(60, "x", 1);
		ASSERT(n == 1 || (n == -1 && (errno == EBADF || errno == EAGAIN)));
		if (n == 1)
			ASSERT_EQ(read(pair_fd[0], &c, 1), 1);
	}
	finish();
}

static int file_fd[2];

static void flip_dup(int turn)
{
	dup2(file_fd[turn], 60);
}

TEST(race_dup2_during_write_goes_to_one_or_the_other)
{
	test_tmpdir();
	file_fd[0] = open("a", O_RDWR | O_CREAT | O_APPEND, 0600);
	file_fd[1] = open("b", O_RDWR | O_CREAT | O_APPEND, 0600);
	flip_dup(0);
	start(flip_dup);
	for (int i = 0; i < ROUNDS; i++)
		ASSERT_EQ(write(60, "x", 1), 1);
	finish();
	ASSERT_EQ(stat_of("a").st_size + stat_of("b").st_size, ROUNDS);
}

static struct pollfd polled;

static void flip_poll(int turn)
{
	*(volatile int *)&polled.fd = turn ? pair_fd[1] : -1;
	*(volatile short *)&polled.events = (short)(turn ? POLLOUT : 0x7fff);
}

TEST(race_poll_array_changes)
{
	ASSERT_OK(pipe(pair_fd));
	start(flip_poll);
	for (int i = 0; i < ROUNDS; i++) {
		int n = poll(&polled, 1, 0);
		ASSERT(n == 0 || n == 1);
	}
	finish();
}

TEST(race_buffer_unmapped_during_getdents)
{
	test_tmpdir();
	char name[16];
	three_pages();
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%d", i);
		put(name, "");
	}
	int fd = open(".", O_RDONLY);
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
		long n = syscall(SYS_getdents64, fd, page, 4096L);
		ASSERT(n > 0 || (n == -1 && errno == EFAULT));
	}
	finish();
}

TEST(race_struct_unmapped_during_fstat)
{
	three_pages();
	int fd = open("/", O_RDONLY);
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		long r = syscall(SYS_fstat, fd, page);
		ASSERT(r == 0 || (r == -1 && errno == EFAULT));
	}
	finish();
}

TEST(race_array_unmapped_during_pipe_leaks_no_fd)
{
	three_pages();
	int low = dup(0);
	ASSERT_OK(close(low));
	start(flip_mapping);
	for (int i = 0; i < 500; i++) {
		if (syscall(SYS_pipe2, page, 0) == 0)
			for (int fd = low; fd < low + 2; fd++)
				ASSERT_OK(close(fd));
		else
			ASSERT_EQ(errno, EFAULT);
	}
	finish();
	ASSERT_EQ(dup(0), low);
}

TEST(race_path_unmapped_during_open)
{
	three_pages();
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		/* A fresh page is an empty path. */
		ASSERT_EQ(open(page, O_RDONLY), -1);
		ASSERT(errno == EFAULT || errno == ENOENT);
	}
	finish();
}

TEST(race_epoll_event_unmapped)
{
	int ep = epoll_create1(0);
	three_pages();
	ASSERT_OK(pipe(pair_fd));
	struct epoll_event e = {.events = EPOLLOUT};
	ASSERT_OK(epoll_ctl(ep, EPOLL_CTL_ADD, pair_fd[1], &e));
	start(flip_mapping);
	for (int i = 0; i < ROUNDS; i++) {
		int n = epoll_wait(ep, (struct epoll_event *)page, 4, 0);
		/* The event is never lost: told, or kept for the next call. */
		ASSERT(n == 1 || (n == -1 && errno == EFAULT));
	}
	finish();
}

static char *argv_raced[4];

static void flip_argv(int turn)
{
	*(char *volatile *)&argv_raced[2] = turn ? "one" : "two";
}

TEST(race_argv_changes_during_execve)
{
	for (int i = 0; i < 20; i++)
		JOIN(SPAWN({
			argv_raced[0] = "rw_race";
			argv_raced[1] = "--argv";
			flip_argv(0);
			start(flip_argv);
			usleep(500);
			execv("/proc/self/exe", argv_raced);
			_exit(1);
		}));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--argv"))
		return argc == 3 && (!strcmp(argv[2], "one") || !strcmp(argv[2], "two")) ? 0 : 2;
	return test_main(argc > 1 ? argv[1] : NULL);
}
