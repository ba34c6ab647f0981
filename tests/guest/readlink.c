/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readlink(2).
 */
#include "fs.h"

TEST(readlink_adds_no_nul)
{
	test_tmpdir();
	char buf[8];
	memset(buf, 'z', 8);
	ASSERT_OK(symlink("abc", "l"));
	ASSERT_EQ(readlink("l", buf, 8), 3);
	ASSERT(!memcmp(buf, "abczzzzz", 8));
}

TEST(readlink_truncates_silently)
{
	test_tmpdir();
	char buf[8];
	memset(buf, 'z', 8);
	ASSERT_OK(symlink("abcdef", "l"));
	ASSERT_EQ(readlink("l", buf, 2), 2);
	ASSERT(!memcmp(buf, "abz", 3));
}

TEST(readlink_size_zero_or_negative_is_einval)
{
	test_tmpdir();
	char buf[8];
	ASSERT_OK(symlink("abc", "l"));
	ASSERT_ERR(syscall(SYS_readlink, "l", buf, 0L), EINVAL);
	ASSERT_ERR(syscall(SYS_readlink, "l", buf, -1L), EINVAL);
}

TEST(readlink_not_a_link_is_einval)
{
	test_tmpdir();
	char buf[8];
	put("f", "");
	ASSERT_ERR(readlink("f", buf, 8), EINVAL);
	ASSERT_ERR(readlink(".", buf, 8), EINVAL);
}

TEST(readlink_errors)
{
	test_tmpdir();
	char buf[8];
	put("f", "");
	ASSERT_OK(symlink("abc", "l"));
	ASSERT_ERR(readlink("gone", buf, 8), ENOENT);
	ASSERT_ERR(readlink("", buf, 8), ENOENT);
	ASSERT_ERR(readlink("f/x", buf, 8), ENOTDIR);
	ASSERT_ERR(readlink("l", bad_ptr, 8), EFAULT);
	ASSERT_ERR(readlink(bad_ptr, buf, 8), EFAULT);
	ASSERT_ERR(readlinkat(-1, "l", buf, 8), EBADF);
}

TEST(readlink_trailing_slash_on_a_dangling_link)
{
	test_tmpdir();
	char buf[8];
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(readlink("l/", buf, 8), ENOENT);
	ASSERT_OK(symlink(".", "d"));
	ASSERT_ERR(readlink("d/", buf, 8), EINVAL);
}

TEST(readlinkat_empty_path_needs_an_o_path_link)
{
	test_tmpdir();
	char buf[8];
	put("f", "");
	ASSERT_OK(symlink("abc", "l"));
	ASSERT_EQ(readlinkat(open("l", O_PATH | O_NOFOLLOW), "", buf, 8), 3);
	ASSERT_ERR(readlinkat(open("f", O_RDONLY), "", buf, 8), ENOENT);
	ASSERT_ERR(readlinkat(AT_FDCWD, "", buf, 8), ENOENT);
}

TEST(readlink_does_not_need_permission_on_the_link)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0711));
	ASSERT_OK(symlink("abc", "l"));
	AS_USER({
		char buf[8];
		ASSERT_EQ(readlink("l", buf, 8), 3);
	});
}

TEST(readlink_proc_self_is_the_pid)
{
	char buf[32] = "", want[32];
	ASSERT(readlink("/proc/self", buf, 31) > 0);
	snprintf(want, sizeof want, "%d", getpid());
	ASSERT_STR(buf, want);
}

TEST(readlink_pipe_fd_has_its_inode)
{
	int p[2];
	char link[64], got[64] = "", want[64];
	struct stat st;
	ASSERT_OK(pipe(p));
	ASSERT_OK(fstat(p[0], &st));
	snprintf(link, sizeof link, "/proc/self/fd/%d", p[0]);
	ASSERT(readlink(link, got, 63) > 0);
	snprintf(want, sizeof want, "pipe:[%llu]", (unsigned long long)st.st_ino);
	ASSERT_STR(got, want);
}

TEST_MAIN()
