/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write(2).
 */
#include "fs.h"

#include <sys/resource.h>

TEST(write_extends_the_file)
{
	test_tmpdir();
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	ASSERT_EQ(write(fd, "abc", 3), 3);
	ASSERT_EQ(write(fd, "de", 2), 2);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 5);
	ASSERT_FILE("f", "abcde");
}

TEST(write_overwrites_in_place)
{
	test_tmpdir();
	put("f", "abcde");
	int fd = open("f", O_WRONLY);
	ASSERT_EQ(write(fd, "XY", 2), 2);
	ASSERT_FILE("f", "XYcde");
}

TEST(write_bad_fd_and_read_only_fd_are_ebadf)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(write(-1, "x", 1), EBADF);
	ASSERT_ERR(write(12345, "x", 1), EBADF);
	int fd = open("f", O_RDONLY);
	ASSERT_ERR(write(fd, "x", 1), EBADF);
	ASSERT_ERR(write(fd, "x", 0), EBADF);
	ASSERT_ERR(write(open(".", O_RDONLY), "x", 1), EBADF);
}

TEST(write_zero_bytes_changes_nothing)
{
	test_tmpdir();
	put("f", "x");
	struct stat a = stat_of("f");
	int fd = open("f", O_WRONLY | O_APPEND);
	ASSERT_EQ(write(fd, NULL, 0), 0);
	struct stat b = stat_of("f");
	ASSERT_EQ(b.st_size, 1);
	ASSERT(a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(write_bad_buffer_is_efault_and_leaves_the_file)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_WRONLY);
	ASSERT_ERR(write(fd, bad_ptr, 3), EFAULT);
	ASSERT_FILE("f", "abc");
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(write_from_a_buffer_that_ends_early_is_short)
{
	test_tmpdir();
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	char *p = page_edge() - 3;
	memcpy(p, "abc", 3);
	ASSERT_EQ(write(fd, p, 10), 3);
	ASSERT_FILE("f", "abc");
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

TEST(what_a_short_write_did_not_write_is_zero)
{
	test_tmpdir();
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	memset(p, 'x', 4096);
	ASSERT_OK(munmap(p + 4096, 4096));
	ASSERT_EQ(write(fd, "0123456789", 10), 10);
	ssize_t n = pwrite(fd, p + 4096 - 50, 100, 10);
	ASSERT(n > 0 && n <= 50);
	ASSERT_ERR(pwrite(fd, p + 4096, 100, 200), EFAULT);
	ASSERT_OK(ftruncate(fd, 4096));
	char back[4096];
	ASSERT_EQ(pread(fd, back, sizeof back, 0), (ssize_t)sizeof back);
	for (ssize_t i = 10; i < 4096; i++)
		ASSERT_EQ(back[i], i < 10 + n ? 'x' : 0);
}

TEST(write_beyond_the_end_leaves_a_hole)
{
	test_tmpdir();
	char buf[10];
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(pwrite(fd, "x", 1, 9), 1);
	ASSERT_EQ(read(fd, buf, 10), 10);
	ASSERT(!memcmp(buf, "\0\0\0\0\0\0\0\0\0x", 10));
}

TEST(write_append_ignores_the_offset)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_WRONLY | O_APPEND);
	ASSERT_EQ(lseek(fd, 1, SEEK_SET), 1);
	ASSERT_EQ(write(fd, "d", 1), 1);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 4);
	ASSERT_FILE("f", "abcd");
}

TEST(write_append_of_two_processes_loses_nothing)
{
	enum { N = 500, LEN = 16 };
	test_tmpdir();
	put("f", "");
	pid_t pid[2];
	for (int i = 0; i < 2; i++)
		pid[i] = SPAWN({
			char rec[LEN];
			memset(rec, 'a' + i, LEN);
			int fd = open("f", O_WRONLY | O_APPEND);
			for (int k = 0; k < N; k++)
				ASSERT_EQ(write(fd, rec, LEN), LEN);
		});
	JOIN(pid[0]);
	JOIN(pid[1]);
	char *text = get("f");
	ASSERT_EQ(strlen(text), 2 * N * LEN);
	for (int k = 0; k < 2 * N; k++)
		for (int j = 1; j < LEN; j++)
			ASSERT_EQ(text[k * LEN + j], text[k * LEN]);
}

TEST(write_shared_offset_of_two_processes_loses_nothing)
{
	enum { N = 500, LEN = 8 };
	test_tmpdir();
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	pid_t pid[2];
	for (int i = 0; i < 2; i++)
		pid[i] = SPAWN({
			for (int k = 0; k < N; k++)
				ASSERT_EQ(write(fd, i ? "bbbbbbbb" : "aaaaaaaa", LEN), LEN);
		});
	JOIN(pid[0]);
	JOIN(pid[1]);
	/* The offset lock of a regular file: no record lands on another. */
	ASSERT_EQ(stat_of("f").st_size, 2 * N * LEN);
	ASSERT_EQ(strspn(get("f"), "ab"), 2 * N * LEN);
}

TEST(write_clears_setuid_for_a_user)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	ASSERT_OK(chown("f", 1000, 1000));
	ASSERT_OK(chmod("f", 06755));
	AS_USER({ ASSERT_EQ(write(open("f", O_WRONLY), "y", 1), 1); });
	ASSERT_EQ(mode_of("f"), 0755);
}

TEST(write_by_root_keeps_setuid)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(chmod("f", 04755));
	ASSERT_EQ(write(open("f", O_WRONLY), "y", 1), 1);
	ASSERT_EQ(mode_of("f"), 04755);
}

TEST(write_over_rlimit_fsize_is_short_then_sigxfsz)
{
	test_tmpdir();
	struct rlimit rl = {10, RLIM_INFINITY};
	int fd = open("f", O_WRONLY | O_CREAT, 0600);
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &rl));
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(write(fd, "0123456", 7), 7);
	ASSERT_EQ(write(fd, "0123456", 7), 3);
	ASSERT_ERR(write(fd, "x", 1), EFBIG);
	pid_t p = SPAWN({
		signal(SIGXFSZ, SIG_DFL);
		write(fd, "x", 1);
	});
	int st;
	ASSERT_EQ(waitpid(p, &st, 0), p);
	ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGXFSZ);
}

TEST(write_updates_mtime_and_ctime)
{
	test_tmpdir();
	put("f", "x");
	struct timespec old[2] = {{1, 0}, {1, 0}};
	ASSERT_OK(utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_EQ(stat_of("f").st_mtim.tv_sec, 1);
	ASSERT_EQ(write(open("f", O_WRONLY), "y", 1), 1);
	ASSERT(stat_of("f").st_mtim.tv_sec > 1000);
	ASSERT_EQ(stat_of("f").st_atim.tv_sec, 1);
}

TEST_MAIN()
