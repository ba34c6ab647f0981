/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unlink(2): a name goes, the file stays while somebody holds it.
 */
#include "fs.h"

#include <sys/socket.h>
#include <sys/un.h>

TEST(unlink_removes_the_name)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(unlink("f"));
	ASSERT_ERR(unlink("f"), ENOENT);
}

TEST(unlink_open_file_lives_on)
{
	test_tmpdir();
	char buf[8] = "";
	put("f", "hello");
	int fd = open("f", O_RDWR);
	ASSERT_OK(unlink("f"));
	ASSERT_EQ(pwrite(fd, "J", 1, 0), 1);
	ASSERT_EQ(read(fd, buf, 8), 5);
	ASSERT_STR(buf, "Jello");
}

TEST(unlink_then_create_is_another_file)
{
	test_tmpdir();
	put("f", "old");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(unlink("f"));
	put("f", "new!");
	struct stat st;
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_size, 3);
	ASSERT_FILE("f", "new!");
}

TEST(unlinked_file_shows_deleted_in_proc)
{
	test_tmpdir();
	char link[64], got[4096] = "";
	put("f", "");
	int fd = open("f", O_RDONLY);
	ASSERT_OK(unlink("f"));
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ASSERT(readlink(link, got, sizeof got - 1) > 0);
	ASSERT_STR(strrchr(got, '/'), "/f (deleted)");
	/* The magic link still opens it. */
	ASSERT_OK(open(link, O_RDONLY));
}

TEST(unlink_directory_is_eisdir)
{
	/* POSIX says EPERM; Linux says EISDIR. */
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_ERR(unlink("d"), EISDIR);
	ASSERT_ERR(unlink("."), EISDIR);
	ASSERT_ERR(unlink("d/"), EISDIR);
}

TEST(unlink_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(unlink(""), ENOENT);
	ASSERT_ERR(unlink("missing/f"), ENOENT);
	ASSERT_ERR(unlink("f/"), ENOTDIR);
	ASSERT_ERR(unlink("f/x"), ENOTDIR);
	ASSERT_ERR(unlink("gone/"), ENOENT);
	ASSERT_ERR(unlink(bad_ptr), EFAULT);
	ASSERT_ERR(unlinkat(-1, "f", 0), EBADF);
	ASSERT_OK(access("f", F_OK));
}

TEST(unlink_symlink_removes_the_link)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(unlink("l"));
	ASSERT_OK(access("f", F_OK));
}

TEST(unlink_needs_write_on_the_directory_not_on_the_file)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	put("f", "");
	ASSERT_OK(chmod("f", 0));
	AS_USER({ ASSERT_OK(unlink("f")); });
	put("g", "");
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(chmod("g", 0777));
	AS_USER({ ASSERT_ERR(unlink("g"), EACCES); });
}

TEST(unlink_in_a_sticky_directory_is_for_owners)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0));
	ASSERT_OK(chmod("d", 01777));
	put("d/root", "");
	put("d/mine", "");
	ASSERT_OK(chown("d/mine", 1000, 1000));
	AS_USER({
		ASSERT_ERR(unlink("d/root"), EPERM);
		ASSERT_ERR(rename("d/root", "d/x"), EPERM);
		ASSERT_ERR(rename("d/mine", "d/root"), EPERM);
		ASSERT_OK(unlink("d/mine"));
	});
	/* The owner of the directory may remove anything in it. */
	ASSERT_OK(chown("d", 1000, 1000));
	AS_USER({ ASSERT_OK(unlink("d/root")); });
}

TEST(unlink_updates_ctime_and_the_directory)
{
	test_tmpdir();
	struct timespec old[2] = {{1, 0}, {1, 0}};
	put("a", "");
	ASSERT_OK(link("a", "b"));
	ASSERT_OK(utimensat(AT_FDCWD, ".", old, 0));
	ASSERT_OK(unlink("a"));
	ASSERT(stat_of(".").st_mtim.tv_sec > 1000);
	ASSERT_EQ(stat_of("b").st_nlink, 1);
}

TEST(unlink_socket_and_fifo)
{
	test_tmpdir();
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind(s, (struct sockaddr *)&a, sizeof a));
	ASSERT_OK(mkfifo("p", 0600));
	ASSERT_OK(unlink("s"));
	ASSERT_OK(unlink("p"));
}

TEST(unlink_proc_file_is_eperm)
{
	ASSERT_ERR(unlink("/proc/version"), EPERM);
}

TEST_MAIN()
