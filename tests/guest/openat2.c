/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2(2): strict arguments, and the resolve flags.
 */
#include "fs.h"

#include <linux/openat2.h>

static int open2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

TEST(openat2_plain_open)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(open2(AT_FDCWD, "f", O_RDONLY, 0, 0));
	ASSERT_OK(open2(AT_FDCWD, "new", O_RDWR | O_CREAT, 0640, 0));
	ASSERT_EQ(mode_of("new"), 0640);
}

TEST(openat2_size_below_the_first_version_is_einval)
{
	struct open_how how = {.flags = O_RDONLY};
	ASSERT_ERR(syscall(SYS_openat2, AT_FDCWD, "/", &how, 0), EINVAL);
	ASSERT_ERR(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how - 1), EINVAL);
}

TEST(openat2_larger_struct_must_end_in_zeros)
{
	struct {
		struct open_how how;
		uint64_t extra;
	} big = {{.flags = O_RDONLY}, 0};
	ASSERT_OK(syscall(SYS_openat2, AT_FDCWD, "/", &big, sizeof big));
	big.extra = 1;
	ASSERT_ERR(syscall(SYS_openat2, AT_FDCWD, "/", &big, sizeof big), E2BIG);
	ASSERT_ERR(syscall(SYS_openat2, AT_FDCWD, "/", &big, 4097), E2BIG);
}

TEST(openat2_bad_how_pointer_is_efault)
{
	ASSERT_ERR(syscall(SYS_openat2, AT_FDCWD, "/", bad_ptr, sizeof(struct open_how)), EFAULT);
}

TEST(openat2_unknown_flags_are_einval)
{
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY | 0x40000000, 0, 0), EINVAL);
	ASSERT_ERR(open2(AT_FDCWD, "/", 1ULL << 40, 0, 0), EINVAL);
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY, 0, 1ULL << 20), EINVAL);
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY, 0, 1ULL << 40), EINVAL);
}

TEST(openat2_mode_without_creat_is_einval)
{
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY, 0600, 0), EINVAL);
}

TEST(openat2_mode_beyond_07777_is_einval)
{
	test_tmpdir();
	ASSERT_ERR(open2(AT_FDCWD, "f", O_RDWR | O_CREAT, 0100644, 0), EINVAL);
	ASSERT_OK(open2(AT_FDCWD, "f", O_RDWR | O_CREAT, 07777, 0));
}

TEST(openat2_o_path_tolerates_few_flags)
{
	test_tmpdir();
	ASSERT_OK(open2(AT_FDCWD, ".", O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW, 0, 0));
	ASSERT_ERR(open2(AT_FDCWD, ".", O_PATH | O_RDWR, 0, 0), EINVAL);
	ASSERT_ERR(open2(AT_FDCWD, ".", O_PATH | O_APPEND, 0, 0), EINVAL);
}

TEST(openat2_beneath_and_in_root_exclude_each_other)
{
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
}

TEST(openat2_beneath_refuses_dot_dot_out)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("f", "");
	put("d/f", "");
	int d = open("d", O_PATH);
	ASSERT_ERR(open2(d, "../f", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_ERR(open2(d, "..", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_OK(open2(d, "f", O_RDONLY, 0, RESOLVE_BENEATH));
	ASSERT_OK(open2(AT_FDCWD, "d/../f", O_RDONLY, 0, RESOLVE_BENEATH));
}

TEST(openat2_beneath_refuses_absolute_paths_and_links)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("/", "abs"));
	ASSERT_OK(symlink("../x", "up"));
	ASSERT_OK(symlink("f", "in"));
	ASSERT_ERR(open2(AT_FDCWD, "/", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_ERR(open2(AT_FDCWD, "abs", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_ERR(open2(AT_FDCWD, "up", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_OK(open2(AT_FDCWD, "in", O_RDONLY, 0, RESOLVE_BENEATH));
}

TEST(openat2_in_root_stops_dot_dot_at_the_fd)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	int d = open("d", O_PATH);
	ASSERT_OK(open2(d, "../../f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	ASSERT_OK(open2(d, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	ASSERT_OK(open2(d, "/../f", O_RDONLY, 0, RESOLVE_IN_ROOT));
}

TEST(openat2_in_root_scopes_absolute_symlinks)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	ASSERT_OK(symlink("/f", "d/abs"));
	ASSERT_OK(symlink("../../f", "d/up"));
	int d = open("d", O_PATH);
	ASSERT_OK(open2(d, "abs", O_RDONLY, 0, RESOLVE_IN_ROOT));
	ASSERT_OK(open2(d, "up", O_RDONLY, 0, RESOLVE_IN_ROOT));
	ASSERT_ERR(open2(d, "/tmp", O_RDONLY, 0, RESOLVE_IN_ROOT), ENOENT);
}

TEST(openat2_no_symlinks_refuses_every_link)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	ASSERT_OK(symlink("d", "l"));
	ASSERT_OK(symlink("d/f", "m"));
	ASSERT_ERR(open2(AT_FDCWD, "l/f", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	ASSERT_ERR(open2(AT_FDCWD, "m", O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
	ASSERT_OK(open2(AT_FDCWD, "d/f", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	/* The link itself is not followed, so it is fine. */
	ASSERT_OK(open2(AT_FDCWD, "m", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
}

TEST(openat2_no_magiclinks_refuses_proc_fd)
{
	test_tmpdir();
	char name[64];
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	snprintf(name, sizeof name, "/proc/self/fd/%d", open("f", O_RDONLY));
	ASSERT_ERR(open2(AT_FDCWD, name, O_RDONLY, 0, RESOLVE_NO_MAGICLINKS), ELOOP);
	ASSERT_OK(open2(AT_FDCWD, "l", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	ASSERT_OK(open2(AT_FDCWD, name, O_RDONLY, 0, 0));
}

TEST(openat2_magiclinks_cannot_leave_beneath)
{
	ASSERT_ERR(open2(AT_FDCWD, "/proc/self/cwd", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	int p = open("/proc/self", O_PATH);
	ASSERT_OK(p);
	ASSERT_ERR(open2(p, "cwd", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
	ASSERT_ERR(open2(p, "cwd", O_RDONLY, 0, RESOLVE_IN_ROOT), EXDEV);
}

TEST(openat2_no_xdev_stops_at_mount_points)
{
	int root = open("/", O_PATH);
	ASSERT_ERR(open2(root, "proc", O_PATH, 0, RESOLVE_NO_XDEV), EXDEV);
	ASSERT_ERR(open2(root, "proc/self", O_PATH, 0, RESOLVE_NO_XDEV), EXDEV);
	int proc = open("/proc", O_PATH);
	ASSERT_OK(open2(proc, "version", O_RDONLY, 0, RESOLVE_NO_XDEV));
	ASSERT_ERR(open2(proc, "..", O_PATH, 0, RESOLVE_NO_XDEV), EXDEV);
}

TEST(openat2_cached_cannot_create)
{
	test_tmpdir();
	ASSERT_ERR(open2(AT_FDCWD, "f", O_RDWR | O_CREAT, 0600, RESOLVE_CACHED), EAGAIN);
	ASSERT_ERR(open2(AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0600, RESOLVE_CACHED), EAGAIN);
	put("f", "");
	ASSERT_ERR(open2(AT_FDCWD, "f", O_RDWR | O_TRUNC, 0, RESOLVE_CACHED), EAGAIN);
}

TEST(openat2_cached_opens_what_was_just_looked_up)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(stat_of("f").st_nlink);
	int fd = open2(AT_FDCWD, "f", O_RDONLY, 0, RESOLVE_CACHED);
	/* The flag promises not to sleep, never success. */
	ASSERT(fd >= 0 || errno == EAGAIN);
}

TEST(openat2_empty_path_and_bad_fd)
{
	ASSERT_ERR(open2(AT_FDCWD, "", O_RDONLY, 0, 0), ENOENT);
	ASSERT_ERR(open2(-1, "x", O_RDONLY, 0, 0), EBADF);
	ASSERT_OK(open2(-1, "/", O_RDONLY, 0, 0));
	ASSERT_ERR(open2(-1, "/", O_RDONLY, 0, RESOLVE_IN_ROOT), EBADF);
}

TEST_MAIN()
