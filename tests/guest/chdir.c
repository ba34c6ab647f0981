/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chdir, fchdir, getcwd.
 */
#include "fs.h"

static long raw_getcwd(char *buf, size_t n)
{
	return syscall(SYS_getcwd, buf, n);
}

TEST(chdir_changes_what_relative_means)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "x");
	ASSERT_OK(chdir("d"));
	ASSERT_FILE("f", "x");
	ASSERT_OK(chdir(".."));
	ASSERT_ERR(access("f", F_OK), ENOENT);
}

TEST(chdir_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(chdir("f"), ENOTDIR);
	ASSERT_ERR(chdir("gone"), ENOENT);
	ASSERT_ERR(chdir(""), ENOENT);
	ASSERT_ERR(chdir(bad_ptr), EFAULT);
	ASSERT_ERR(fchdir(-1), EBADF);
	ASSERT_ERR(fchdir(open("f", O_RDONLY)), ENOTDIR);
}

TEST(chdir_needs_search_permission)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0644));
	AS_USER({
		ASSERT_ERR(chdir("d"), EACCES);
		int fd = open("d", O_RDONLY);
		ASSERT_ERR(fchdir(fd), EACCES);
	});
}

TEST(getcwd_returns_length_with_the_nul)
{
	char buf[16];
	ASSERT_OK(chdir("/"));
	ASSERT_EQ(raw_getcwd(buf, 16), 2);
	ASSERT_STR(buf, "/");
	ASSERT_OK(chdir("/tmp"));
	ASSERT_EQ(raw_getcwd(buf, 16), 5);
	ASSERT_STR(buf, "/tmp");
}

TEST(getcwd_small_buffer_is_erange)
{
	char buf[16];
	ASSERT_OK(chdir("/tmp"));
	ASSERT_ERR(raw_getcwd(buf, 4), ERANGE);
	ASSERT_EQ(raw_getcwd(buf, 5), 5);
	ASSERT_ERR(raw_getcwd(buf, 0), ERANGE);
	ASSERT_ERR(raw_getcwd(bad_ptr, 16), EFAULT);
}

TEST(getcwd_resolves_links)
{
	test_tmpdir();
	char a[4096], b[4096];
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("d", "l"));
	ASSERT(getcwd(a, 4000));
	ASSERT_OK(chdir("l"));
	ASSERT(getcwd(b, sizeof b));
	strcat(a, "/d");
	ASSERT_STR(b, a);
}

TEST(getcwd_of_a_removed_directory_is_enoent)
{
	test_tmpdir();
	char buf[4096] = "";
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(chdir("d"));
	ASSERT_OK(rmdir("../d"));
	ASSERT_ERR(raw_getcwd(buf, sizeof buf), ENOENT);
	ASSERT(readlink("/proc/self/cwd", buf, sizeof buf - 1) > 0);
	ASSERT_STR(strrchr(buf, '/'), "/d (deleted)");
	ASSERT_OK(chdir("."));
	ASSERT_OK(chdir(".."));
	ASSERT_OK(raw_getcwd(buf, sizeof buf));
}

TEST(fchdir_returns_to_an_old_place)
{
	test_tmpdir();
	char a[4096], b[4096];
	int here = open(".", O_RDONLY), path = open("/tmp", O_PATH);
	ASSERT(getcwd(a, sizeof a));
	ASSERT_OK(fchdir(path));
	ASSERT(getcwd(b, sizeof b));
	ASSERT_STR(b, "/tmp");
	ASSERT_OK(fchdir(here));
	ASSERT(getcwd(b, sizeof b));
	ASSERT_STR(a, b);
}

TEST(chdir_is_private_to_a_process)
{
	test_tmpdir();
	char a[4096], b[4096];
	ASSERT(getcwd(a, sizeof a));
	JOIN(SPAWN({ ASSERT_OK(chdir("/")); }));
	ASSERT(getcwd(b, sizeof b));
	ASSERT_STR(a, b);
}

static void *go_root(void *arg)
{
	ASSERT_OK(chdir("/"));
	return arg;
}

TEST(chdir_is_shared_by_threads)
{
	test_tmpdir();
	char b[4096];
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, go_root, NULL), 0);
	pthread_join(t, NULL);
	ASSERT(getcwd(b, sizeof b));
	ASSERT_STR(b, "/");
}

static void *go_root_alone(void *arg)
{
	char b[16];
	ASSERT_OK(syscall(SYS_unshare, 0x200));
	ASSERT_OK(chdir("/"));
	ASSERT_OK(raw_getcwd(b, sizeof b));
	return arg;
}

TEST(unshare_clone_fs_gives_a_thread_its_own_cwd)
{
	test_tmpdir();
	char b[4096];
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, go_root_alone, NULL), 0);
	pthread_join(t, NULL);
	ASSERT(getcwd(b, sizeof b));
	ASSERT(strcmp(b, "/") != 0);
}

TEST(dot_dot_of_the_root_is_the_root)
{
	char b[16];
	ASSERT_OK(chdir("/.."));
	ASSERT_OK(raw_getcwd(b, sizeof b));
	ASSERT_STR(b, "/");
	ASSERT_OK(chdir("../../.."));
	ASSERT_OK(raw_getcwd(b, sizeof b));
	ASSERT_STR(b, "/");
}

TEST_MAIN()
