/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync, fsync, fdatasync, syncfs, sync_file_range, msync of files.
 */
#include "fs.h"

#include <sys/socket.h>

TEST(fsync_of_files_and_directories)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(fsync(open("f", O_RDONLY)));
	ASSERT_OK(fdatasync(open("f", O_RDWR)));
	ASSERT_OK(fsync(open(".", O_RDONLY)));
}

TEST(fsync_of_pipes_and_sockets_is_einval)
{
	int p[2], s[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_ERR(fsync(p[0]), EINVAL);
	ASSERT_ERR(fdatasync(p[1]), EINVAL);
	ASSERT_ERR(fsync(s[0]), EINVAL);
	ASSERT_ERR(fsync(open("/dev/null", O_RDWR)), EINVAL);
}

TEST(fsync_bad_fd)
{
	ASSERT_ERR(fsync(-1), EBADF);
	ASSERT_ERR(fdatasync(700), EBADF);
	ASSERT_ERR(syncfs(-1), EBADF);
	ASSERT_ERR(fsync(open("/", O_PATH)), EBADF);
}

TEST(syncfs_of_any_fd)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(syncfs(open("f", O_RDONLY)));
}

TEST(sync_file_range_arguments)
{
	test_tmpdir();
	int p[2];
	put("f", "x");
	int fd = open("f", O_RDWR);
	ASSERT_OK(pipe(p));
	ASSERT_OK(sync_file_range(fd, 0, 0, 0));
	ASSERT_OK(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
	ASSERT_ERR(sync_file_range(fd, 0, 0, 0x100), EINVAL);
	ASSERT_ERR(sync_file_range(fd, -1, 0, 0), EINVAL);
	ASSERT_ERR(sync_file_range(fd, 0, -1, 0), EINVAL);
	ASSERT_ERR(sync_file_range(p[0], 0, 0, 0), ESPIPE);
	ASSERT_ERR(sync_file_range(-1, 0, 0, 0), EBADF);
}

TEST(msync_makes_a_mapping_visible)
{
	test_tmpdir();
	put("f", "abcd");
	int fd = open("f", O_RDWR);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	p[1] = 'X';
	ASSERT_OK(msync(p, 4096, MS_SYNC));
	ASSERT_FILE("f", "aXcd");
	ASSERT_ERR(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
	ASSERT_ERR(msync(p + 1, 1, MS_SYNC), EINVAL);
}

TEST(sync_cannot_fail)
{
	ASSERT_EQ(syscall(SYS_sync), 0);
}

TEST(o_sync_file_writes)
{
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT | O_SYNC, 0600);
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_EQ(fcntl(fd, F_GETFL) & O_SYNC, O_SYNC);
	ASSERT_EQ(fcntl(open("f", O_RDWR | O_DSYNC), F_GETFL) & O_SYNC, O_DSYNC);
}

TEST_MAIN()
