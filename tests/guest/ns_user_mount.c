/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces: what their root may mount, and what stays as the owner of the mounts made it. */
#include "userns.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Somebody, root in namespaces of its own; what it mounts nobody else sees. */
static void own_mounts(void)
{
	uint32_t id = getuid();
	ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	map_own(0, id);
}

/* Root prepares mounts on ./point for the one below. */
static void prepare(void)
{
	NEED_ROOT();
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mkdir("point", 0777));
}

TEST(tmpfs_of_its_own)
{
	prepare();
	JOIN(SPAWN({
		struct stat st;
		become(SOMEBODY);
		own_mounts();
		ASSERT_OK(mount("inner", "point", "tmpfs", 0, "mode=755,uid=0"));
		ASSERT_ERR(mount("inner", "point", "tmpfs", 0, "uid=5"), EINVAL);
		ASSERT_OK(stat("point", &st));
		ASSERT_EQ(st.st_uid, 0);
		ASSERT_OK(mkdir("point/d", 0700));
		/* Devices cannot be made, and would not be opened. */
		ASSERT_ERR(mknod("point/null", S_IFCHR | 0666, makedev(1, 3)), EPERM);
		ASSERT_OK(mknod("point/fifo", S_IFIFO | 0666, 0));
		ASSERT_OK(umount("point"));
		ASSERT_ERR(access("point/d", F_OK), ENOENT);
	}));
}

TEST(types_that_only_root_mounts)
{
	prepare();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_mounts();
		ASSERT_ERR(mount("x", "point", "devtmpfs", 0, NULL), EPERM);
	}));
}

TEST(mounts_of_others_do_not_come_off)
{
	prepare();
	ASSERT_OK(mkdir("point/under", 0777));
	ASSERT_OK(mount("outer", "point", "tmpfs", MS_NOEXEC, "mode=777"));
	ASSERT_OK(mkdir("point/deep", 0777));
	ASSERT_OK(mount("deeper", "point/deep", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV,
			"mode=777"));
	ASSERT_OK(mkdir("other", 0777));
	JOIN(SPAWN({
		become(SOMEBODY);
		own_mounts();
		ASSERT_ERR(umount("point"), EINVAL);
		ASSERT_ERR(umount2("point", MNT_DETACH), EINVAL);
		ASSERT_ERR(mount("point", "other", NULL, MS_MOVE, NULL), EINVAL);
		/* Without those below one would see what they cover. */
		ASSERT_ERR(mount(".", "other", NULL, MS_BIND, NULL), EINVAL);
		ASSERT_OK(mount("point", "other", NULL, MS_BIND | MS_REC, NULL));
		/* The copy is its own, what is below it comes off only with it. */
		ASSERT_ERR(umount("other/deep"), EINVAL);
		ASSERT_OK(umount2("other", MNT_DETACH));
		ASSERT_ERR(access("point/under", F_OK), ENOENT);
	}));
}

TEST(flags_of_others_stay_on)
{
	prepare();
	ASSERT_OK(mount("outer", "point", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=777"));
	ASSERT_OK(mkdir("plain", 0777));
	ASSERT_OK(mount("outer", "plain", "tmpfs", 0, "mode=777"));
	JOIN(SPAWN({
		unsigned long all = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME;
		become(SOMEBODY);
		own_mounts();
		for (unsigned long f = 1; f <= MS_NOEXEC; f <<= 1)
			ASSERT_ERR(
				mount(NULL, "point", NULL, MS_REMOUNT | MS_BIND | (all & ~f), NULL),
				EPERM);
		ASSERT_OK(mount(NULL, "point", NULL, MS_REMOUNT | MS_BIND | all, NULL));
		ASSERT_ERR(
			mount(NULL, "point", NULL, MS_REMOUNT | MS_BIND | all | MS_NOATIME, NULL),
			EPERM);
		/* More may be forbidden, and allowed again. */
		ASSERT_OK(mount(NULL, "plain", NULL,
				MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_RELATIME, NULL));
		ASSERT_ERR(mkdir("plain/x", 0700), EROFS);
		ASSERT_OK(mount(NULL, "plain", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL));
		ASSERT_OK(mkdir("plain/x", 0700));
		/* The file system itself is not theirs. */
		ASSERT_ERR(mount(NULL, "plain", NULL, MS_REMOUNT | MS_RDONLY, NULL), EPERM);
		/* A copy is bound by the same. */
		ASSERT_OK(mkdir("copy", 0700));
		ASSERT_OK(mount("point", "copy", NULL, MS_BIND, NULL));
		ASSERT_ERR(mount(NULL, "copy", NULL, MS_REMOUNT | MS_BIND | MS_RELATIME, NULL),
			   EPERM);
		ASSERT_OK(umount("copy"));
	}));
}

TEST(pivot_root_and_what_is_behind_it)
{
	prepare();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_mounts();
		ASSERT_OK(mount("new", "point", "tmpfs", 0, "mode=755"));
		ASSERT_OK(mkdir("point/old", 0700));
		ASSERT_OK(chdir("point"));
		ASSERT_OK(syscall(SYS_pivot_root, ".", "old"));
		ASSERT_OK(access("/old/tmp", F_OK));
		ASSERT_OK(umount2("/old", MNT_DETACH));
		ASSERT_OK(mkdir("/jail", 0700));
		ASSERT_OK(chroot("/jail"));
	}));
}

TEST(a_set_user_id_bit_of_its_own_tmpfs)
{
	prepare();
	JOIN(SPAWN({
		int up[2];
		int down[2];
		ASSERT_OK(pipe(up));
		ASSERT_OK(pipe(down));
		become(SOMEBODY);
		pid_t p = SPAWN({
			own_mounts();
			ASSERT_OK(mount("inner", "point", "tmpfs", 0, "mode=755"));
			ASSERT_OK(close(creat("point/tool", 0600)));
			ASSERT_OK(chmod("point/tool", 06755));
			tell(up);
			hear(down);
		});
		hear(up);
		/* Seen from outside through /proc/PID/root: it is not our mount, so there is no way
		 * in. */
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%d/cwd/point/tool", p);
		ASSERT_OK(stat(path, &st));
		ASSERT_EQ(st.st_uid, SOMEBODY);
		tell(down);
		JOIN(p);
	}));
}

TEST(proc_of_its_own_pid_namespace)
{
	prepare();
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID));
		map_own(0, SOMEBODY);
		JOIN(SPAWN({
			char text[32] = "";
			if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) <
				    0 &&
			    errno == EPERM)
				SKIP("something covers parts of /proc here");
			ASSERT_OK(readlink("/proc/self", text, sizeof text - 1));
			ASSERT(strcmp(text, "1") == 0);
			ASSERT(strstr(get("/proc/self/status"), "\nUid:\t0\t0\t0\t0\n"));
			/* Settings belong to who owns what they are about. */
			ASSERT_ERR(put("/proc/sys/kernel/hostname", "x"), EACCES);
			ASSERT_OK(unshare(CLONE_NEWUTS));
			ASSERT_OK(umount("/proc"));
		}));
	}));
}

TEST(proc_of_others_is_not_to_be_had)
{
	prepare();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_mounts();
		ASSERT_ERR(mount("proc", "point", "proc", 0, NULL), EPERM);
		ASSERT_ERR(mount("sysfs", "point", "sysfs", 0, NULL), EPERM);
	}));
}

TEST(proc_only_where_it_can_be_seen_already)
{
	prepare();
	ASSERT_OK(mount("none", "/proc/sys", "tmpfs", 0, NULL));
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID));
		map_own(0, SOMEBODY);
		JOIN(SPAWN({ ASSERT_ERR(mount("proc", "point", "proc", 0, NULL), EPERM); }));
	}));
}

TEST_MAIN()
