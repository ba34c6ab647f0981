/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount(2) and umount(2), on tmpfs only; a kernel that refuses root skips all of it.
 */
#include "fs.h"

#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

/* A directory "d" with a tmpfs on it. */
static void mounted(const char *options)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	if (mount("guest", "d", "tmpfs", 0, options) < 0) {
		if (errno == EPERM)
			SKIP("mount is not allowed here");
		FAIL("mount: errno %d", errno);
	}
}

static void unmounted(void)
{
	ASSERT_OK(umount2("d", MNT_DETACH));
}

/* Is there a mount on .../d of this test? */
static int listed(void)
{
	char cwd[4000], want[4096];
	ASSERT(getcwd(cwd, sizeof cwd));
	snprintf(want, sizeof want, " %s/d tmpfs ", cwd);
	return strstr(get("/proc/self/mounts"), want) != NULL;
}

TEST(mount_hides_and_umount_uncovers)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	put("d/under", "x");
	if (mount("guest", "d", "tmpfs", 0, NULL) < 0 && errno == EPERM)
		SKIP("mount is not allowed here");
	ASSERT_ERR(access("d/under", F_OK), ENOENT);
	put("d/over", "y");
	ASSERT_OK(umount("d"));
	ASSERT_FILE("d/under", "x");
	ASSERT_ERR(access("d/over", F_OK), ENOENT);
}

TEST(mount_is_another_device)
{
	mounted(NULL);
	ASSERT(stat_of("d").st_dev != stat_of(".").st_dev);
	struct statfs f;
	ASSERT_OK(statfs("d", &f));
	ASSERT_EQ(f.f_type, 0x01021994);
	unmounted();
}

TEST(mount_options_mode_uid_gid)
{
	mounted("mode=0710,uid=5,gid=6");
	struct stat st = stat_of("d");
	unmounted();
	ASSERT_EQ(st.st_mode, S_IFDIR | 0710);
	ASSERT_EQ(st.st_uid, 5);
	ASSERT_EQ(st.st_gid, 6);
}

TEST(mount_default_mode_is_1777)
{
	mounted(NULL);
	unsigned mode = mode_of("d");
	unmounted();
	ASSERT_EQ(mode, 01777);
}

TEST(mount_size_limit_is_enospc)
{
	mounted("size=64k");
	static char buf[128 << 10];
	int fd = open("d/f", O_RDWR | O_CREAT, 0600);
	ssize_t a = write(fd, buf, sizeof buf), b = write(fd, buf, 4096);
	int err = errno;
	unmounted();
	ASSERT_EQ(a, 64 << 10);
	ASSERT_EQ(b, -1);
	ASSERT_EQ(err, ENOSPC);
}

static struct statfs limits_with(const char *options)
{
	struct statfs f;
	mounted(options);
	int r = statfs("d", &f);
	unmounted();
	ASSERT_OK(r);
	return f;
}

TEST(mount_limits_have_units)
{
	struct sysinfo s;
	ASSERT_OK(sysinfo(&s));
	struct statfs f = limits_with("size=25%");
	unsigned long long want = (unsigned long long)s.totalram * s.mem_unit / 4;
	unsigned long long got = (unsigned long long)f.f_blocks * (unsigned long long)f.f_bsize;
	ASSERT(got <= want + 4096 && got + (want >> 6) >= want);
	ASSERT_EQ(limits_with("nr_inodes=2k").f_files, 2048);
	f = limits_with("nr_blocks=16");
	ASSERT_EQ(f.f_blocks, 16);
}

TEST(mount_refuses_unknown_options)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	static const char *const wrong[] = {"sice=1m", "size=1x", "size=-1", "mode=9", "nonsense"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		int r = mount("guest", "d", "tmpfs", 0, wrong[i]);
		int err = errno;
		if (r < 0 && err == EPERM)
			SKIP("mount is not allowed here");
		if (r == 0)
			umount2("d", MNT_DETACH);
		ASSERT_EQ(r, -1);
		ASSERT_EQ(err, EINVAL);
	}
}

TEST(mount_appears_in_proc_mounts)
{
	mounted(NULL);
	ASSERT(listed());
	unmounted();
	ASSERT(!listed());
}

TEST(mount_read_only)
{
	mounted(NULL);
	put("d/f", "x");
	ASSERT_OK(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	int a = open("d/f", O_RDWR), ea = errno, b = open("d/new", O_CREAT | O_RDWR, 0600);
	int eb = errno, c = unlink("d/f"), ec = errno, r = open("d/f", O_RDONLY);
	struct statvfs v;
	ASSERT_OK(statvfs("d", &v));
	unmounted();
	ASSERT(a == -1 && ea == EROFS && b == -1 && eb == EROFS && c == -1 && ec == EROFS);
	ASSERT_OK(r);
	ASSERT(v.f_flag & ST_RDONLY);
}

TEST(mount_remount_read_only_with_a_writer_is_ebusy)
{
	mounted(NULL);
	int fd = open("d/f", O_RDWR | O_CREAT, 0600);
	int r = mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL), err = errno;
	close(fd);
	unmounted();
	ASSERT_EQ(r, -1);
	ASSERT_EQ(err, EBUSY);
}

TEST(mount_noexec)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	if (mount("guest", "d", "tmpfs", MS_NOEXEC, NULL) < 0 && errno == EPERM)
		SKIP("mount is not allowed here");
	put("d/x", "#!/bin/sh\n");
	ASSERT_OK(chmod("d/x", 0755));
	int r = execl("d/x", "x", (char *)NULL), err = errno, a = access("d/x", X_OK);
	unmounted();
	ASSERT_EQ(r, -1);
	ASSERT_EQ(err, EACCES);
	ASSERT_EQ(a, -1);
}

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

TEST(mount_nosymfollow_follows_no_link)
{
	char buf[16];
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	if (mount("guest", "d", "tmpfs", MS_NOSYMFOLLOW, NULL) < 0)
		SKIP("mount is not allowed here, or older than Linux 5.10");
	put("d/file", "x");
	ASSERT_OK(symlink("file", "d/link"));
	ASSERT_OK(symlink("d/file", "outside"));
	ASSERT_ERR(open("d/link", O_RDONLY), ELOOP);
	ASSERT_ERR(access("d/link", F_OK), ELOOP);
	ASSERT_FILE("outside", "x");
	ASSERT_EQ(readlink("d/link", buf, sizeof buf), 4);
	ASSERT_OK(lchown("d/link", getuid(), getgid()));
	ASSERT(strstr(get("/proc/self/mounts"), ",nosymfollow"));
	struct statfs fs;
	ASSERT_OK(statfs("d", &fs));
	ASSERT_EQ(fs.f_flags & 0x2000, 0x2000); /* ST_NOSYMFOLLOW */
	ASSERT_OK(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
	ASSERT_FILE("d/link", "x");
	unmounted();
}

TEST(mount_proc_subset_has_processes_only)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	if (mount("proc", "d", "proc", 0, "subset=pid") < 0)
		SKIP("mount is not allowed here, or older than Linux 5.8");
	ASSERT_OK(access("d/self/status", R_OK));
	ASSERT_OK(access("d/thread-self/comm", R_OK));
	ASSERT_ERR(access("d/uptime", F_OK), ENOENT);
	ASSERT_ERR(access("d/sys", F_OK), ENOENT);
	ASSERT_ERR(access("d/mounts", F_OK), ENOENT);
	ASSERT(strstr(get("/proc/self/mounts"), ",subset=pid"));
	unmounted();
}

TEST(umount_busy_and_detach)
{
	mounted(NULL);
	int fd = open("d/f", O_RDWR | O_CREAT, 0600);
	ASSERT_ERR(umount("d"), EBUSY);
	ASSERT_OK(umount2("d", MNT_DETACH));
	ASSERT_ERR(access("d/f", F_OK), ENOENT);
	ASSERT_EQ(write(fd, "x", 1), 1);
}

TEST(umount_errors)
{
	mounted(NULL);
	put("f", "");
	unmounted();
	ASSERT_ERR(umount("d"), EINVAL);
	ASSERT_ERR(umount("gone"), ENOENT);
	ASSERT_ERR(umount2("d", 0x1000), EINVAL);
	ASSERT_ERR(umount2("d", MNT_EXPIRE | MNT_FORCE), EINVAL);
	ASSERT_ERR(umount(bad_ptr), EFAULT);
}

TEST(mount_errors)
{
	mounted(NULL);
	unmounted();
	put("f", "");
	ASSERT_ERR(mount("guest", "d", "no-such-fs", 0, NULL), ENODEV);
	ASSERT_ERR(mount("guest", "gone", "tmpfs", 0, NULL), ENOENT);
	ASSERT_ERR(mount("guest", "f", "tmpfs", 0, NULL), ENOTDIR);
	ASSERT_ERR(mount("guest", "d", "tmpfs", 0, "mode=nonsense"), EINVAL);
	ASSERT_ERR(mount("guest", bad_ptr, "tmpfs", 0, NULL), EFAULT);
	ASSERT_ERR(mount("guest", "d", NULL, 0, NULL), EINVAL);
}

TEST(mount_by_a_user_is_eperm)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0755));
	AS_USER({
		ASSERT_ERR(mount("guest", "d", "tmpfs", 0, NULL), EPERM);
		ASSERT_ERR(umount("d"), EPERM);
	});
}

TEST(mount_stacks)
{
	mounted(NULL);
	put("d/one", "");
	ASSERT_OK(mount("guest", "d", "tmpfs", 0, NULL));
	int hidden = access("d/one", F_OK);
	ASSERT_OK(umount("d"));
	int seen = access("d/one", F_OK);
	unmounted();
	ASSERT_EQ(hidden, -1);
	ASSERT_EQ(seen, 0);
}

TEST(mount_bind_shows_the_same_files)
{
	mounted(NULL);
	ASSERT_OK(mkdir("e", 0700));
	put("d/f", "x");
	ASSERT_OK(mount("d", "e", NULL, MS_BIND, NULL));
	ino_t a = stat_of("d/f").st_ino, b = stat_of("e/f").st_ino;
	int r = rename("d/f", "e/g"), err = errno;
	ASSERT_OK(umount("e"));
	unmounted();
	ASSERT_EQ(a, b);
	/* The same file system, but not the same mount. */
	ASSERT_EQ(r, -1);
	ASSERT_EQ(err, EXDEV);
}

TEST(mount_point_cannot_be_removed_or_renamed)
{
	mounted(NULL);
	int a = rmdir("d"), ea = errno, b = rename("d", "e"), eb = errno;
	unmounted();
	ASSERT(a == -1 && ea == EBUSY && b == -1 && eb == EBUSY);
	ASSERT_OK(rmdir("d"));
}

TEST(mount_dot_dot_leaves_it)
{
	mounted(NULL);
	put("f", "outside");
	ASSERT_OK(chdir("d"));
	int r = access("../f", F_OK);
	ASSERT_OK(chdir(".."));
	unmounted();
	ASSERT_EQ(r, 0);
}

/* fs.mount-max: a machine's memory is not the limit. */
TEST(mount_binds_into_itself_end)
{
	mounted(NULL);
	ASSERT_OK(mkdir("d/in", 0700));
	int r = 0, err = 0, times = 0;
	for (; r == 0 && times < 20; times++) {
		r = mount("d", "d/in", NULL, MS_BIND | MS_REC, NULL);
		err = errno;
	}
	umount2("d", MNT_DETACH);
	ASSERT_EQ(r, -1);
	ASSERT_EQ(err, ENOSPC);
}

static int mounts(void)
{
	int n = 0, c;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	ASSERT(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

TEST(mount_bind_that_does_not_fit_leaves_nothing)
{
	mounted(NULL);
	ASSERT_OK(mkdir("d/in", 0700));
	int before = 0, after = 0;
	for (int r = 0; r == 0;) {
		before = mounts();
		r = mount("d", "d/in", NULL, MS_BIND | MS_REC, NULL);
		after = mounts();
	}
	umount2("d", MNT_DETACH);
	ASSERT_EQ(after, before);
}

/* A tree of mounts comes and goes as one; whoever looks meanwhile sees all of it or nothing. */
enum { BRANCHES = 40, TURNS = 60 };

static int marked(const char *top, int branch)
{
	char name[32];
	snprintf(name, sizeof name, "%s/%d/f", top, branch);
	return access(name, F_OK) == 0;
}

static void come_and_go(int done)
{
	char c;
	for (int i = 0; i < TURNS; i++) {
		ASSERT_OK(mount("d", "e", NULL, MS_BIND | MS_REC, NULL));
		ASSERT_EQ(read(done, &c, 1), 1);
		ASSERT_OK(umount2("e", MNT_DETACH));
		ASSERT_EQ(read(done, &c, 1), 1);
	}
}

TEST(mount_tree_comes_and_goes_at_once)
{
	int done[2], bad = 0;
	mounted(NULL);
	ASSERT_OK(mkdir("e", 0700));
	for (int i = 0; i < BRANCHES; i++) {
		char name[32];
		snprintf(name, sizeof name, "d/%d", i);
		ASSERT_OK(mkdir(name, 0700));
		ASSERT_OK(mount("guest", name, "tmpfs", 0, NULL));
		snprintf(name, sizeof name, "d/%d/f", i);
		put(name, "x");
	}
	ASSERT_OK(pipe(done));
	dev_t here = stat_of("e").st_dev;
	pid_t pid = SPAWN({ come_and_go(done[0]); });
	for (int i = 0; i < TURNS && !bad; i++) {
		while (stat_of("e").st_dev == here)
			;
		bad |= !marked("e", BRANCHES - 1);
		ASSERT_EQ(write(done[1], "x", 1), 1);
		while (marked("e", BRANCHES - 1))
			;
		bad |= marked("e", 0);
		ASSERT_EQ(write(done[1], "x", 1), 1);
	}
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	umount2("e", MNT_DETACH);
	unmounted();
	ASSERT_EQ(bad, 0);
}

TEST_MAIN()
