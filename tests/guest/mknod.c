/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mknod(2) and mkfifo(3): everything but device nodes, which a container may not have.
 */
#include "fs.h"

#include <sys/sysmacros.h>

TEST(mknod_fifo)
{
	test_tmpdir();
	umask(022);
	ASSERT_OK(mknod("p", S_IFIFO | 0666, 0));
	ASSERT_EQ(stat_of("p").st_mode, S_IFIFO | 0644);
	ASSERT_EQ(stat_of("p").st_size, 0);
}

TEST(mknod_regular_with_and_without_type)
{
	test_tmpdir();
	umask(0);
	ASSERT_OK(mknod("a", S_IFREG | 0640, 0));
	ASSERT_OK(mknod("b", 0600, 0));
	ASSERT_EQ(stat_of("a").st_mode, S_IFREG | 0640);
	ASSERT_EQ(stat_of("b").st_mode, S_IFREG | 0600);
}

TEST(mknod_socket_is_just_a_file)
{
	test_tmpdir();
	ASSERT_OK(mknod("s", S_IFSOCK | 0600, 0));
	ASSERT(S_ISSOCK(stat_of("s").st_mode));
	ASSERT_ERR(open("s", O_RDWR), ENXIO);
}

TEST(mknod_existing_is_eexist)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_ERR(mknod("f", S_IFIFO | 0600, 0), EEXIST);
	ASSERT_ERR(mknod("l", S_IFIFO | 0600, 0), EEXIST);
	ASSERT_ERR(mknod(".", S_IFIFO | 0600, 0), EEXIST);
}

TEST(mknod_directory_is_eperm_and_other_types_einval)
{
	test_tmpdir();
	ASSERT_ERR(mknod("d", S_IFDIR | 0700, 0), EPERM);
	ASSERT_ERR(mknod("l", S_IFLNK | 0700, 0), EINVAL);
	ASSERT_ERR(mknod("x", S_IFMT | 0700, 0), EINVAL);
}

TEST(mknod_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(mknod("", S_IFIFO, 0), ENOENT);
	ASSERT_ERR(mknod("missing/p", S_IFIFO, 0), ENOENT);
	ASSERT_ERR(mknod("f/p", S_IFIFO, 0), ENOTDIR);
	ASSERT_ERR(mknod("p/", S_IFIFO, 0), ENOENT);
	ASSERT_ERR(mknod(bad_ptr, S_IFIFO, 0), EFAULT);
	ASSERT_ERR(mknodat(-1, "p", S_IFIFO, 0), EBADF);
}

TEST(mknod_device_by_a_user_is_eperm)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	AS_USER({
		ASSERT_ERR(mknod("n", S_IFCHR | 0600, makedev(1, 3)), EPERM);
		ASSERT_ERR(mknod("b", S_IFBLK | 0600, makedev(7, 0)), EPERM);
		ASSERT_OK(mknod("p", S_IFIFO | 0600, 0));
	});
}

TEST(mknod_whiteout_device_is_free_for_all)
{
	/* Character device 0:0 is how overlay says "not here"; anybody may make one. */
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	if (mknod("root", S_IFCHR, 0) < 0 && errno == EPERM)
		SKIP("this is an overlay, which keeps such nodes to itself");
	AS_USER({ ASSERT_OK(mknod("w", S_IFCHR, 0)); });
}

TEST(mkfifo_is_empty_and_blocks_nobody_with_nonblock)
{
	test_tmpdir();
	char c;
	ASSERT_OK(mkfifo("p", 0600));
	int r = open("p", O_RDONLY | O_NONBLOCK);
	ASSERT_OK(r);
	ASSERT_EQ(read(r, &c, 1), 0);
}

TEST_MAIN()
