/* SPDX-License-Identifier: Apache-2.0 */
/* Mount namespaces. */
#include "ns.h"

#include <sys/mount.h>

/* In a namespace of its own, from which nothing gets out. */
static void own(void)
{
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

static char dir[] = "/tmp/ns_mount.XXXXXX";

static void tmpfs_on(const char *where)
{
	ASSERT_OK(mount("inner", where, "tmpfs", 0, NULL));
}

static int mounted(const char *where)
{
	char line[512], want[128];
	int n = 0;
	FILE *f = fopen("/proc/self/mounts", "r");
	ASSERT(f);
	snprintf(want, sizeof want, " %s ", where);
	while (fgets(line, sizeof line, f))
		n += strstr(line, want) != NULL;
	fclose(f);
	return n;
}

TEST(mounts_are_seen_inside_only)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	long mine = ns_number("self", "mnt");
	JOIN(SPAWN({
		char file[64];
		own();
		ASSERT(ns_number("self", "mnt") != mine);
		tmpfs_on(dir);
		snprintf(file, sizeof file, "%s/x", dir);
		ASSERT_OK(close(creat(file, 0600)));
		ASSERT_EQ(mounted(dir), 1);
		JOIN(SPAWN({ ASSERT_OK(access(file, F_OK)); }));
	}));
	ASSERT_EQ(mounted(dir), 0);
	/* Empty outside: it can be removed. */
	ASSERT_OK(rmdir(dir));
}

TEST(a_copy_has_the_mounts_of_its_maker)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	JOIN(SPAWN({
		char file[64];
		own();
		tmpfs_on(dir);
		snprintf(file, sizeof file, "%s/x", dir);
		JOIN(SPAWN({
			own();
			/* The same file system, at two places. */
			ASSERT_OK(close(creat(file, 0600)));
			ASSERT_OK(umount(dir));
			ASSERT_ERR(access(file, F_OK), ENOENT);
		}));
		ASSERT_OK(access(file, F_OK));
	}));
	ASSERT_OK(rmdir(dir));
}

TEST(root_and_cwd_come_along)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	JOIN(SPAWN({
		char at[80];
		own();
		tmpfs_on(dir);
		ASSERT_OK(chdir(dir));
		own();
		ASSERT(getcwd(at, sizeof at));
		ASSERT(strcmp(at, dir) == 0);
		ASSERT_OK(creat("here", 0600));
		/* It stands in the copy: that keeps it busy. */
		ASSERT_ERR(umount(dir), EBUSY);
		ASSERT_OK(chroot(dir));
		own();
		ASSERT_OK(access("/here", F_OK));
	}));
	ASSERT_OK(rmdir(dir));
}

TEST(setns_leads_to_its_root)
{
	int up[2], down[2];
	char c;
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = SPAWN({
		own();
		tmpfs_on(dir);
		ASSERT_EQ(write(up[1], "x", 1), 1);
		ASSERT_EQ(read(down[0], &c, 1), 1);
	});
	ASSERT_EQ(read(up[0], &c, 1), 1);
	int fd = ns_open(p, "mnt"), old = ns_open(getpid(), "mnt");
	JOIN(SPAWN({
		char at[80];
		ASSERT_OK(chdir(dir));
		ASSERT_OK(setns(fd, CLONE_NEWNS));
		ASSERT_EQ(mounted(dir), 1);
		ASSERT(getcwd(at, sizeof at));
		ASSERT(strcmp(at, "/") == 0);
		ASSERT_OK(setns(old, CLONE_NEWNS));
		ASSERT_EQ(mounted(dir), 0);
	}));
	ASSERT_EQ(write(down[1], "x", 1), 1);
	JOIN(p);
	ASSERT_OK(rmdir(dir));
}

TEST(clone_newns)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	pid_t p = ns_fork(CLONE_NEWNS);
	if (p == 0) {
		ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		tmpfs_on(dir);
		ASSERT_EQ(mounted(dir), 1);
		_exit(0);
	}
	JOIN(p);
	ASSERT_EQ(mounted(dir), 0);
	ASSERT_OK(rmdir(dir));
}

TEST(pivot_root_in_one_does_not_move_others)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	JOIN(SPAWN({
		char old[64];
		own();
		tmpfs_on(dir);
		snprintf(old, sizeof old, "%s/old", dir);
		ASSERT_OK(mkdir(old, 0700));
		ASSERT_OK(chdir(dir));
		ASSERT_OK(syscall(SYS_pivot_root, ".", "old"));
		ASSERT_OK(access("/old/tmp", F_OK));
		ASSERT_ERR(access("/tmp", F_OK), ENOENT);
		ASSERT_OK(umount2("/old", MNT_DETACH));
	}));
	ASSERT_OK(access("/tmp", F_OK));
	ASSERT_OK(rmdir(dir));
}

TEST(a_namespace_can_be_kept_by_a_bind_mount)
{
	NEED_ROOT();
	ASSERT(mkdtemp(dir));
	JOIN(SPAWN({
		char file[64];
		struct stat a, b;
		own();
		tmpfs_on(dir);
		snprintf(file, sizeof file, "%s/uts", dir);
		ASSERT_OK(close(creat(file, 0600)));
		JOIN(SPAWN({
			ASSERT_OK(unshare(CLONE_NEWUTS));
			ASSERT_OK(sethostname("kept", 4));
			ASSERT_OK(mount("/proc/self/ns/uts", file, NULL, MS_BIND, NULL));
		}));
		int fd = open(file, O_RDONLY);
		ASSERT_OK(fd);
		char name[65];
		ASSERT_OK(setns(fd, CLONE_NEWUTS));
		ASSERT_OK(gethostname(name, sizeof name));
		ASSERT(strcmp(name, "kept") == 0);
		ASSERT_OK(fstat(fd, &a));
		ASSERT_OK(stat("/proc/self/ns/uts", &b));
		ASSERT_EQ(a.st_ino, b.st_ino);
		ASSERT_OK(close(fd));
		ASSERT_OK(umount(file));
	}));
	ASSERT_OK(rmdir(dir));
}

TEST_MAIN()
