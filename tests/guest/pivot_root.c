/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pivot_root(2): the errors, and a way there and back.
 */
#include "fs.h"

#include <sched.h>
#include <sys/mount.h>

static int pivot(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* A mount namespace of our own where there are several, and a tmpfs on "d" with "d/old" in it. */
static void prepare(void)
{
	test_tmpdir();
	if (syscall(SYS_unshare, CLONE_NEWNS) < 0 && errno == EPERM)
		SKIP("mount namespaces are not allowed here");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		SKIP("the root is no mount point here");
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mount("guest", "d", "tmpfs", 0, NULL));
	ASSERT_OK(mkdir("d/old", 0755));
}

TEST(pivot_root_errors)
{
	prepare();
	put("d/f", "");
	ASSERT_OK(mkdir("plain", 0755));
	ASSERT_ERR(pivot("missing", "d/old"), ENOENT);
	ASSERT_ERR(pivot("d", "d/missing"), ENOENT);
	ASSERT_ERR(pivot("d/f", "d/old"), ENOTDIR);
	ASSERT_ERR(pivot("d", "d/f"), ENOTDIR);
	ASSERT_ERR(pivot("d/old", "d/old"), EINVAL);
	ASSERT_OK(mount("guest", "plain", "tmpfs", 0, NULL));
	ASSERT_ERR(pivot("d", "plain"), EINVAL);
	ASSERT_OK(umount2("plain", MNT_DETACH));
	/* The old root cannot be put where it still is the root. */
	ASSERT_ERR(pivot("d", "plain"), EBUSY);
	ASSERT_ERR(pivot("plain", "plain"), EBUSY);
	ASSERT_ERR(pivot("/", "/"), EBUSY);
	ASSERT_OK(umount2("d", MNT_DETACH));
}

TEST(pivot_root_needs_a_capability)
{
	AS_USER({ ASSERT_ERR(pivot("/", "/"), EPERM); });
}

/* What is exchanged is the caller's root, and that of nobody else. */
TEST(pivot_root_below_a_chroot)
{
	prepare();
	ASSERT_OK(mkdir("d/new", 0755));
	ASSERT_OK(mkdir("d/file", 0755));
	JOIN(SPAWN({
		ASSERT_OK(chroot("d"));
		ASSERT_OK(chdir("/"));
		ASSERT_OK(mkdir("new/old", 0755));
		/* No mount of its own. */
		ASSERT_ERR(pivot("new", "new/old"), EBUSY);
		ASSERT_OK(mount("guest", "new", "tmpfs", 0, NULL));
		ASSERT_OK(mkdir("new/old", 0755));
		ASSERT_OK(pivot("new", "new/old"));
		ASSERT_OK(access("/old/file", F_OK));
		ASSERT_ERR(access("/file", F_OK), ENOENT);
	}));
	/* The new one took the old one's place, and all above stayed. */
	ASSERT_OK(access("d/old/file", F_OK));
	ASSERT_ERR(access("d/file", F_OK), ENOENT);
	ASSERT_OK(access("/proc/self", F_OK));
}

TEST(pivot_root_there_and_back)
{
	char cwd[2000], back[4096];
	prepare();
	ASSERT(getcwd(cwd, sizeof cwd));
	put("d/here", "new");
	put("there", "old");
	ASSERT_OK(pivot("d", "d/old"));
	ASSERT_OK(chdir("/"));
	ASSERT_FILE("/here", "new");
	snprintf(back, sizeof back, "/old%s/there", cwd);
	ASSERT_FILE(back, "old");
	/* What stood at the old root now stands at the new one, in other processes too. */
	snprintf(back, sizeof back, "/old%s/d", cwd);
	ASSERT_OK(pivot("/old", back));
	ASSERT_OK(chdir(cwd));
	ASSERT_FILE("there", "old");
	ASSERT_FILE("d/here", "new");
	ASSERT_OK(umount2("d", MNT_DETACH));
}

TEST_MAIN()
