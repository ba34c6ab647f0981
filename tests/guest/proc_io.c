/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/io: which calls count, with how many bytes, and whose they are in the end. */
#include "task.h"

#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

struct io {
	unsigned long long rchar, wchar, syscr, syscw;
};

/* Its own read counts from the next one on: READ below. */
static struct io io_of(const char *path)
{
	char text[512];
	struct io io;
	int fd = open(path, O_RDONLY);
	ASSERT_OK(fd);
	ssize_t n = read(fd, text, sizeof text - 1);
	ASSERT(n > 0);
	text[n] = '\0';
	close(fd);
	ASSERT_EQ(sscanf(text, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: ",
			 &io.rchar, &io.wchar, &io.syscr, &io.syscw),
		  4);
	ASSERT(strstr(text, "\nwrite_bytes: ") && strstr(text, "\ncancelled_write_bytes: "));
	return io;
}

static struct io before;
static size_t own;

/* From here on; what reading the counts costs is found out by reading them twice. */
static void start(void)
{
	struct io first = io_of("/proc/self/io");
	before = io_of("/proc/self/io");
	own = before.rchar - first.rchar;
}

static void check(const char *what, long rchar, long wchar, long syscr, long syscw)
{
	struct io now = io_of("/proc/self/io");
	/* The text grows when a number gets another digit. */
	long r = (long)(now.rchar - before.rchar - own);
	if (r < rchar || r > rchar + 8 || (long)(now.wchar - before.wchar) != wchar ||
	    (long)(now.syscr - before.syscr - 1) != syscr ||
	    (long)(now.syscw - before.syscw) != syscw)
		FAIL("%s: rchar %ld, wchar %lld, syscr %lld, syscw %lld", what, r,
		     now.wchar - before.wchar, now.syscr - before.syscr - 1,
		     now.syscw - before.syscw);
	start();
}

TEST(read_and_write_count)
{
	char buf[4096] = {0};
	struct iovec v[2] = {{buf, 1000}, {buf, 500}};
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	start();
	ASSERT_EQ(write(fd, buf, 4096), 4096);
	check("write", 0, 4096, 0, 1);
	ASSERT_EQ(pwrite(fd, buf, 100, 0), 100);
	check("pwrite", 0, 100, 0, 1);
	ASSERT_EQ(pread(fd, buf, 4096, 0), 4096);
	check("pread", 4096, 0, 1, 0);
	ASSERT_EQ(pwritev(fd, v, 2, 0), 1500);
	check("pwritev", 0, 1500, 0, 1);
	ASSERT_EQ(preadv(fd, v, 2, 0), 1500);
	check("preadv", 1500, 0, 1, 0);
	ASSERT_EQ(read(fd, buf, 10), 0);
	check("read at the end", 0, 0, 1, 0);
}

TEST(a_call_on_no_file_counts_only_with_a_vector)
{
	char c;
	struct iovec v = {&c, 1};
	start();
	ASSERT_ERR(read(-1, &c, 1), EBADF);
	ASSERT_ERR(write(-1, &c, 1), EBADF);
	check("read and write", 0, 0, 0, 0);
	ASSERT_ERR(readv(-1, &v, 1), EBADF);
	check("readv", 0, 0, 1, 0);
	ASSERT_ERR(writev(-1, &v, 1), EBADF);
	check("writev", 0, 0, 0, 1);
}

TEST(a_call_that_fails_in_the_file_counts)
{
	char c;
	int p[2];
	ASSERT_OK(pipe2(p, O_NONBLOCK));
	start();
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
	check("an empty pipe", 0, 0, 1, 0);
	ASSERT_EQ(write(p[1], "abc", 3), 3);
	check("a pipe", 0, 3, 0, 1);
}

TEST(copies_count_both_ways)
{
	char buf[3000] = {0};
	int p[2];
	off_t at = 0;
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0600), to = open("g", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(fd, buf, sizeof buf), (ssize_t)sizeof buf);
	start();
	ASSERT_EQ(sendfile(p[1], fd, &at, 2000), 2000);
	check("sendfile", 2000, 2000, 1, 1);
	at = 0;
	ASSERT_EQ(copy_file_range(fd, &at, to, NULL, 1000, 0), 1000);
	check("copy_file_range", 1000, 1000, 1, 1);
}

static void *writes(void *arg)
{
	ASSERT_EQ(write(*(int *)arg, "0123456789", 10), 10);
	return NULL;
}

TEST(threads_count_together_and_their_counts_stay)
{
	pthread_t t;
	int fd = open("/dev/null", O_WRONLY);
	start();
	ASSERT_EQ(pthread_create(&t, NULL, writes, &fd), 0);
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(io_of("/proc/self/io").wchar - before.wchar, 10);
	ASSERT_EQ(io_of("/proc/thread-self/io").wchar, before.wchar);
}

TEST(a_childs_counts_are_the_parents_once_it_has_waited)
{
	int fd = open("/dev/null", O_WRONLY);
	start();
	pid_t p = SPAWN({ ASSERT_EQ(write(fd, "0123456789", 10), 10); });
	siginfo_t info;
	ASSERT_OK(waitid(P_PID, (id_t)p, &info, WEXITED | WNOWAIT));
	ASSERT_EQ(io_of("/proc/self/io").wchar - before.wchar, 0);
	JOIN(p);
	ASSERT_EQ(io_of("/proc/self/io").wchar - before.wchar, 10);
}

TEST(a_child_starts_at_zero)
{
	int fd = open("/dev/null", O_WRONLY);
	ASSERT_EQ(write(fd, "0123456789", 10), 10);
	JOIN(SPAWN({ ASSERT_EQ(io_of("/proc/self/io").wchar, 0); }));
}

TEST(others_may_not_look)
{
	char path[32], c;
	snprintf(path, sizeof path, "/proc/%d/io", getpid());
	struct stat st;
	ASSERT_OK(stat(path, &st));
	ASSERT_EQ(st.st_mode & 07777, 0400);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(open(path, O_RDONLY), EACCES);
	}));
	JOIN(SPAWN({
		int fd = open(path, O_RDONLY);
		ASSERT_OK(fd);
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(read(fd, &c, 1), EACCES);
	}));
}

TEST_MAIN()
