/* SPDX-License-Identifier: Apache-2.0 */
/*
 * truncate and ftruncate.
 */
#include "fs.h"

#include <sys/resource.h>
#include <sys/socket.h>

TEST(truncate_shrinks_and_grows_with_zeros)
{
	test_tmpdir();
	char buf[8];
	put("f", "hello");
	ASSERT_OK(truncate("f", 2));
	ASSERT_FILE("f", "he");
	ASSERT_OK(truncate("f", 5));
	ASSERT_EQ(read(open("f", O_RDONLY), buf, 8), 5);
	ASSERT(!memcmp(buf, "he\0\0\0", 5));
}

TEST(truncate_tail_of_a_page_is_zeroed)
{
	test_tmpdir();
	char buf[4096];
	memset(buf, 'x', sizeof buf);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(write(fd, buf, 4096), 4096);
	ASSERT_OK(ftruncate(fd, 100));
	ASSERT_OK(ftruncate(fd, 4096));
	ASSERT_EQ(pread(fd, buf, 4096, 0), 4096);
	ASSERT_EQ(buf[99], 'x');
	for (int i = 100; i < 4096; i++)
		ASSERT_EQ(buf[i], 0);
}

TEST(ftruncate_leaves_the_offset)
{
	test_tmpdir();
	put("f", "hello");
	int fd = open("f", O_RDWR);
	ASSERT_EQ(lseek(fd, 5, SEEK_SET), 5);
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 5);
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_EQ(stat_of("f").st_size, 6);
}

TEST(truncate_negative_is_einval)
{
	test_tmpdir();
	put("f", "hello");
	ASSERT_ERR(truncate("f", -1), EINVAL);
	ASSERT_ERR(ftruncate(open("f", O_RDWR), -1), EINVAL);
}

TEST(ftruncate_read_only_fd_is_einval)
{
	test_tmpdir();
	put("f", "hello");
	ASSERT_ERR(ftruncate(open("f", O_RDONLY), 0), EINVAL);
}

TEST(ftruncate_of_no_file_is_einval)
{
	int p[2], s[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_ERR(ftruncate(p[1], 0), EINVAL);
	ASSERT_ERR(ftruncate(s[0], 0), EINVAL);
	ASSERT_ERR(ftruncate(open("/tmp", O_RDONLY), 0), EINVAL);
	ASSERT_ERR(ftruncate(-1, 0), EBADF);
}

TEST(truncate_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(mkfifo("p", 0600));
	ASSERT_ERR(truncate(".", 0), EISDIR);
	ASSERT_ERR(truncate("p", 0), EINVAL);
	ASSERT_ERR(truncate("gone", 0), ENOENT);
	ASSERT_ERR(truncate("", 0), ENOENT);
	ASSERT_ERR(truncate("f/x", 0), ENOTDIR);
	ASSERT_ERR(truncate(bad_ptr, 0), EFAULT);
}

TEST(truncate_needs_write_permission)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	AS_USER({ ASSERT_ERR(truncate("f", 0), EACCES); });
}

TEST(truncate_over_rlimit_fsize_is_efbig)
{
	test_tmpdir();
	struct rlimit rl = {10, RLIM_INFINITY};
	put("f", "x");
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &rl));
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_OK(truncate("f", 10));
	ASSERT_ERR(truncate("f", 11), EFBIG);
	ASSERT_OK(truncate("f", 3));
}

TEST(truncate_same_size_still_updates_mtime)
{
	test_tmpdir();
	struct timespec old[2] = {{1, 0}, {1, 0}};
	put("f", "hello");
	ASSERT_OK(utimensat(AT_FDCWD, "f", old, 0));
	ASSERT_OK(truncate("f", 5));
	ASSERT(stat_of("f").st_mtim.tv_sec > 1000);
}

TEST(truncate_cuts_a_shared_mapping)
{
	test_tmpdir();
	put("f", "");
	int fd = open("f", O_RDWR);
	ASSERT_OK(ftruncate(fd, 8192));
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	p[4096] = 1;
	ASSERT_OK(ftruncate(fd, 4096));
	pid_t pid = SPAWN({ *(volatile char *)(p + 4096) = 2; });
	int st;
	ASSERT_EQ(waitpid(pid, &st, 0), pid);
	ASSERT(WIFSIGNALED(st) && WTERMSIG(st) == SIGBUS);
	ASSERT_OK(ftruncate(fd, 8192));
	ASSERT_EQ(p[4096], 0);
}

TEST(truncate_clears_setuid)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	ASSERT_OK(chown("f", 1000, 1000));
	ASSERT_OK(chmod("f", 04755));
	AS_USER({ ASSERT_OK(truncate("f", 0)); });
	ASSERT_EQ(mode_of("f"), 0755);
}

TEST_MAIN()
