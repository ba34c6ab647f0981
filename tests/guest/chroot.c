/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chroot(2).
 */
#include "fs.h"

TEST(chroot_moves_the_root)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(chroot("."));
	ASSERT_FILE("/f", "x");
	ASSERT_ERR(access("/tmp", F_OK), ENOENT);
	ASSERT_FILE("/../../f", "x");
}

TEST(chroot_does_not_move_the_cwd)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("outside", "x");
	ASSERT_OK(chroot("d"));
	ASSERT_FILE("outside", "x");
}

TEST(getcwd_outside_the_root_is_unreachable)
{
	test_tmpdir();
	char buf[4096] = "";
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(chroot("d"));
	ASSERT(syscall(SYS_getcwd, buf, sizeof buf) > 0);
	ASSERT(!strncmp(buf, "(unreachable)/", 14));
}

TEST(chroot_absolute_symlinks_obey_it)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "in");
	ASSERT_OK(symlink("/f", "d/l"));
	ASSERT_OK(chroot("d"));
	ASSERT_OK(chdir("/"));
	ASSERT_FILE("l", "in");
}

TEST(chroot_open_fds_stay_outside)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("f", "out");
	int here = open(".", O_RDONLY);
	ASSERT_OK(chroot("d"));
	ASSERT_OK(chdir("/"));
	ASSERT_ERR(access("/f", F_OK), ENOENT);
	ASSERT_OK(openat(here, "f", O_RDONLY));
	ASSERT_OK(fchdir(here));
	ASSERT_OK(access("f", F_OK));
}

TEST(chroot_by_a_user_is_eperm)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	AS_USER({
		ASSERT_ERR(chroot("."), EPERM);
		/* The path is judged first. */
		ASSERT_ERR(chroot("gone"), ENOENT);
	});
}

TEST(chroot_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(chroot("f"), ENOTDIR);
	ASSERT_ERR(chroot("gone"), ENOENT);
	ASSERT_ERR(chroot(""), ENOENT);
	ASSERT_ERR(chroot(bad_ptr), EFAULT);
}

TEST(chroot_is_private_to_the_process)
{
	test_tmpdir();
	JOIN(SPAWN({ ASSERT_OK(chroot(".")); }));
	ASSERT_OK(access("/tmp", F_OK));
}

TEST(chroot_is_inherited_and_shows_in_proc)
{
	test_tmpdir();
	char buf[4096] = "", cwd[4096];
	ASSERT(getcwd(cwd, sizeof cwd));
	int go[2];
	ASSERT_OK(pipe(go));
	int ready[2];
	ASSERT_OK(pipe(ready));
	pid_t p = SPAWN({
		char c;
		ASSERT_OK(chroot("."));
		ASSERT_EQ(write(ready[1], "x", 1), 1);
		ASSERT_EQ(read(go[0], &c, 1), 1);
	});
	char c, link[64];
	ASSERT_EQ(read(ready[0], &c, 1), 1);
	snprintf(link, sizeof link, "/proc/%d/root", p);
	ASSERT(readlink(link, buf, sizeof buf - 1) > 0);
	ASSERT_STR(buf, cwd);
	ASSERT_EQ(write(go[1], "x", 1), 1);
	JOIN(p);
}

TEST_MAIN()
