/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stat, lstat, fstat, fstatat.
 */
#include "fs.h"

#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

TEST(stat_of_a_new_file)
{
	test_tmpdir();
	umask(022);
	ASSERT_OK(close(open("f", O_CREAT | O_RDWR, 0644)));
	struct stat st = stat_of("f");
	ASSERT_EQ(st.st_mode, S_IFREG | 0644);
	ASSERT_EQ(st.st_nlink, 1);
	ASSERT_EQ(st.st_size, 0);
	ASSERT_EQ(st.st_uid, 0);
	ASSERT_EQ(st.st_gid, 0);
	ASSERT_EQ(st.st_blocks, 0);
	ASSERT(st.st_blksize >= 512);
}

TEST(stat_counts_blocks_of_512)
{
	test_tmpdir();
	char buf[8192] = {1};
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	ASSERT_EQ(write(fd, buf, sizeof buf), 8192);
	ASSERT_OK(fsync(fd));
	ASSERT_EQ(stat_of("f").st_blocks, 16);
}

TEST(stat_follows_and_lstat_does_not)
{
	test_tmpdir();
	struct stat st;
	put("f", "hello");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(stat("l", &st));
	ASSERT(S_ISREG(st.st_mode));
	ASSERT_EQ(st.st_size, 5);
	ASSERT_OK(lstat("l", &st));
	ASSERT_EQ(st.st_mode, S_IFLNK | 0777);
	ASSERT_EQ(st.st_size, 1);
}

TEST(lstat_with_trailing_slash_follows)
{
	test_tmpdir();
	struct stat st;
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("d", "l"));
	ASSERT_OK(lstat("l/", &st));
	ASSERT(S_ISDIR(st.st_mode));
}

TEST(stat_dangling_link_is_enoent)
{
	test_tmpdir();
	struct stat st;
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(stat("l", &st), ENOENT);
	ASSERT_OK(lstat("l", &st));
}

TEST(fstat_knows_every_kind)
{
	int p[2], s[2];
	struct stat st;
	ASSERT_OK(pipe(p));
	ASSERT_OK(fstat(p[0], &st));
	ASSERT(S_ISFIFO(st.st_mode));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(fstat(s[0], &st));
	ASSERT(S_ISSOCK(st.st_mode));
	ASSERT_OK(fstat(open("/dev/null", O_RDWR), &st));
	ASSERT(S_ISCHR(st.st_mode));
	ASSERT(major(st.st_rdev) == 1 && minor(st.st_rdev) == 3);
}

TEST(fstat_works_on_an_unlinked_file)
{
	test_tmpdir();
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	ASSERT_OK(unlink("f"));
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_nlink, 0);
}

TEST(stat_errors)
{
	test_tmpdir();
	struct stat st;
	put("f", "");
	ASSERT_ERR(stat("missing", &st), ENOENT);
	ASSERT_ERR(stat("", &st), ENOENT);
	ASSERT_ERR(stat("f/", &st), ENOTDIR);
	ASSERT_ERR(stat("f/x", &st), ENOTDIR);
	ASSERT_ERR(fstat(-1, &st), EBADF);
	ASSERT_ERR(stat("f", bad_ptr), EFAULT);
	ASSERT_ERR(stat(bad_ptr, &st), EFAULT);
	ASSERT_ERR(fstat(0, bad_ptr), EFAULT);
}

TEST(stat_needs_no_read_permission_but_search)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0755));
	put("d/f", "x");
	ASSERT_OK(chmod("d/f", 0));
	AS_USER({
		struct stat st;
		ASSERT_OK(stat("d/f", &st));
	});
	ASSERT_OK(chmod("d", 0644));
	AS_USER({
		struct stat st;
		ASSERT_ERR(stat("d/f", &st), EACCES);
		ASSERT_OK(stat("d", &st));
	});
}

TEST(fstatat_flags)
{
	test_tmpdir();
	struct stat st;
	put("f", "x");
	ASSERT_OK(symlink("f", "l"));
	int fd = open("f", O_RDONLY);
	ASSERT_OK(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
	ASSERT(S_ISLNK(st.st_mode));
	ASSERT_OK(fstatat(AT_FDCWD, "l", &st, AT_NO_AUTOMOUNT));
	ASSERT(S_ISREG(st.st_mode));
	ASSERT_OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	ASSERT_EQ(st.st_size, 1);
	ASSERT_ERR(fstatat(fd, "", &st, 0), ENOENT);
	ASSERT_ERR(fstatat(fd, "x", &st, 0), ENOTDIR);
	ASSERT_ERR(fstatat(AT_FDCWD, "f", &st, 0x40000000), EINVAL);
}

TEST(fstatat_empty_path_with_at_fdcwd_is_the_cwd)
{
	test_tmpdir();
	struct stat a, b;
	ASSERT_OK(fstatat(AT_FDCWD, "", &a, AT_EMPTY_PATH));
	ASSERT_OK(stat(".", &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
}

TEST(fstatat_null_path_with_empty_path_flag)
{
	/* Since Linux 6.11 a NULL path means an empty one here. */
	test_tmpdir();
	struct stat st;
	put("f", "xy");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH));
	ASSERT_EQ(st.st_size, 2);
	ASSERT_ERR(syscall(SYS_newfstatat, fd, NULL, &st, 0), EFAULT);
}

TEST(stat_hard_links_share_inode_and_count)
{
	test_tmpdir();
	put("a", "x");
	ASSERT_OK(link("a", "b"));
	ASSERT_EQ(stat_of("a").st_ino, stat_of("b").st_ino);
	ASSERT_EQ(stat_of("a").st_nlink, 2);
	ASSERT_OK(unlink("a"));
	ASSERT_EQ(stat_of("b").st_nlink, 1);
}

TEST(stat_different_files_have_different_inodes)
{
	test_tmpdir();
	put("a", "");
	put("b", "");
	ASSERT(stat_of("a").st_ino != stat_of("b").st_ino);
	ASSERT_EQ(stat_of("a").st_dev, stat_of("b").st_dev);
}

TEST(stat_directory_links_count_subdirectories)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_EQ(stat_of("d").st_nlink, 2);
	ASSERT_OK(mkdir("d/e", 0700));
	ASSERT_EQ(stat_of("d").st_nlink, 3);
	put("d/f", "");
	ASSERT_EQ(stat_of("d").st_nlink, 3);
	ASSERT_OK(rmdir("d/e"));
	ASSERT_EQ(stat_of("d").st_nlink, 2);
}

TEST(statfs_and_fstatfs_agree)
{
	test_tmpdir();
	struct statfs a, b;
	ASSERT_OK(statfs(".", &a));
	ASSERT_OK(fstatfs(open(".", O_RDONLY), &b));
	ASSERT_EQ(a.f_type, b.f_type);
	ASSERT_EQ(a.f_namelen, 255);
	ASSERT(a.f_bsize >= 512);
	ASSERT(a.f_bavail <= a.f_blocks);
}

TEST(statfs_of_proc_and_errors)
{
	struct statfs a;
	ASSERT_OK(statfs("/proc", &a));
	ASSERT_EQ(a.f_type, 0x9fa0);
	ASSERT_ERR(statfs("/missing", &a), ENOENT);
	ASSERT_ERR(statfs("/proc/version/x", &a), ENOTDIR);
	ASSERT_ERR(statfs("/", bad_ptr), EFAULT);
	ASSERT_ERR(fstatfs(-1, &a), EBADF);
}

TEST(fstatfs_of_a_pipe_is_pipefs)
{
	int p[2];
	struct statfs a;
	ASSERT_OK(pipe(p));
	ASSERT_OK(fstatfs(p[0], &a));
	ASSERT_EQ(a.f_type, 0x50495045);
}

TEST_MAIN()
