/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every call that takes a path says to a bad one: one table of calls, one
 * test for each way to be bad.
 */
#include "fs.h"

#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static struct statfs any_statfs;
static struct statx any_statx;
static struct stat any_stat;
static char any_buf[64];
static int inotify_fd;

/* The body sees the directory descriptor d and the path p. */
#define CALL(id, body)                                                                             \
	static long call_##id(int d, const char *p)                                                \
	{                                                                                          \
		(void)d;                                                                           \
		return body;                                                                       \
	}

CALL(open, syscall(SYS_open, p, O_RDONLY))
CALL(open_creat, syscall(SYS_open, p, O_RDWR | O_CREAT, 0600))
CALL(open_path, syscall(SYS_open, p, O_PATH))
CALL(creat, syscall(SYS_creat, p, 0600))
CALL(openat, syscall(SYS_openat, d, p, O_RDONLY))
CALL(mkdir, syscall(SYS_mkdir, p, 0700))
CALL(mkdirat, syscall(SYS_mkdirat, d, p, 0700))
CALL(rmdir, syscall(SYS_rmdir, p))
CALL(unlink, syscall(SYS_unlink, p))
CALL(unlinkat, syscall(SYS_unlinkat, d, p, 0))
CALL(unlinkat_dir, syscall(SYS_unlinkat, d, p, AT_REMOVEDIR))
CALL(rename_from, syscall(SYS_rename, p, "target"))
CALL(rename_to, syscall(SYS_rename, "file", p))
CALL(renameat_from, syscall(SYS_renameat, d, p, AT_FDCWD, "target"))
CALL(renameat_to, syscall(SYS_renameat, AT_FDCWD, "file", d, p))
CALL(renameat2_from, syscall(SYS_renameat2, d, p, AT_FDCWD, "target", 0))
CALL(renameat2_to, syscall(SYS_renameat2, AT_FDCWD, "file", d, p, 0))
CALL(link_from, syscall(SYS_link, p, "target"))
CALL(link_to, syscall(SYS_link, "file", p))
CALL(linkat_from, syscall(SYS_linkat, d, p, AT_FDCWD, "target", 0))
CALL(linkat_to, syscall(SYS_linkat, AT_FDCWD, "file", d, p, 0))
CALL(symlink, syscall(SYS_symlink, "x", p))
CALL(symlinkat, syscall(SYS_symlinkat, "x", d, p))
CALL(readlink, syscall(SYS_readlink, p, any_buf, sizeof any_buf))
CALL(readlinkat, syscall(SYS_readlinkat, d, p, any_buf, sizeof any_buf))
CALL(mknod, syscall(SYS_mknod, p, S_IFIFO | 0600, 0))
CALL(mknodat, syscall(SYS_mknodat, d, p, S_IFIFO | 0600, 0))
CALL(chmod, syscall(SYS_chmod, p, 0700))
CALL(fchmodat, syscall(SYS_fchmodat, d, p, 0700))
CALL(chown, syscall(SYS_chown, p, 0, 0))
CALL(lchown, syscall(SYS_lchown, p, 0, 0))
CALL(fchownat, syscall(SYS_fchownat, d, p, 0, 0, 0))
CALL(stat, syscall(SYS_stat, p, &any_stat))
CALL(lstat, syscall(SYS_lstat, p, &any_stat))
CALL(fstatat, syscall(SYS_newfstatat, d, p, &any_stat, 0))
CALL(statx, syscall(SYS_statx, d, p, 0, 0, &any_statx))
CALL(access, syscall(SYS_access, p, F_OK))
CALL(faccessat, syscall(SYS_faccessat, d, p, F_OK))
CALL(faccessat2, syscall(SYS_faccessat2, d, p, F_OK, 0))
CALL(truncate, syscall(SYS_truncate, p, 0L))
CALL(utime, syscall(SYS_utime, p, NULL))
CALL(utimes, syscall(SYS_utimes, p, NULL))
CALL(utimensat, syscall(SYS_utimensat, d, p, NULL, 0))
CALL(chdir, syscall(SYS_chdir, p))
CALL(chroot, syscall(SYS_chroot, p))
CALL(statfs, syscall(SYS_statfs, p, &any_statfs))
CALL(setxattr, syscall(SYS_setxattr, p, "user.a", "x", 1L, 0))
CALL(lsetxattr, syscall(SYS_lsetxattr, p, "user.a", "x", 1L, 0))
CALL(getxattr, syscall(SYS_getxattr, p, "user.a", any_buf, 64L))
CALL(listxattr, syscall(SYS_listxattr, p, any_buf, 64L))
CALL(removexattr, syscall(SYS_removexattr, p, "user.a"))
CALL(execve, syscall(SYS_execve, p, NULL, NULL))
CALL(execveat, syscall(SYS_execveat, d, p, NULL, NULL, 0))
CALL(inotify_add_watch, syscall(SYS_inotify_add_watch, inotify_fd, p, IN_OPEN))
CALL(mount, syscall(SYS_mount, "none", p, "tmpfs", 0L, NULL))
CALL(umount, syscall(SYS_umount2, p, 0))

enum {
	AT = 1,	  /* takes a directory descriptor */
	PRIV = 2, /* may complain about privilege before it looks at the path */
};

static const struct {
	const char *name;
	long (*call)(int d, const char *p);
	int flags;
} calls[] = {
	{"open", call_open, 0},
	{"open O_CREAT", call_open_creat, 0},
	{"open O_PATH", call_open_path, 0},
	{"creat", call_creat, 0},
	{"openat", call_openat, AT},
	{"mkdir", call_mkdir, 0},
	{"mkdirat", call_mkdirat, AT},
	{"rmdir", call_rmdir, 0},
	{"unlink", call_unlink, 0},
	{"unlinkat", call_unlinkat, AT},
	{"unlinkat AT_REMOVEDIR", call_unlinkat_dir, AT},
	{"rename from", call_rename_from, 0},
	{"rename to", call_rename_to, 0},
	{"renameat from", call_renameat_from, AT},
	{"renameat to", call_renameat_to, AT},
	{"renameat2 from", call_renameat2_from, AT},
	{"renameat2 to", call_renameat2_to, AT},
	{"link from", call_link_from, 0},
	{"link to", call_link_to, 0},
	{"linkat from", call_linkat_from, AT},
	{"linkat to", call_linkat_to, AT},
	{"symlink", call_symlink, 0},
	{"symlinkat", call_symlinkat, AT},
	{"readlink", call_readlink, 0},
	{"readlinkat", call_readlinkat, AT},
	{"mknod", call_mknod, 0},
	{"mknodat", call_mknodat, AT},
	{"chmod", call_chmod, 0},
	{"fchmodat", call_fchmodat, AT},
	{"chown", call_chown, 0},
	{"lchown", call_lchown, 0},
	{"fchownat", call_fchownat, AT},
	{"stat", call_stat, 0},
	{"lstat", call_lstat, 0},
	{"fstatat", call_fstatat, AT},
	{"statx", call_statx, AT},
	{"access", call_access, 0},
	{"faccessat", call_faccessat, AT},
	{"faccessat2", call_faccessat2, AT},
	{"truncate", call_truncate, 0},
	{"utime", call_utime, 0},
	{"utimes", call_utimes, 0},
	{"utimensat", call_utimensat, AT},
	{"chdir", call_chdir, 0},
	{"chroot", call_chroot, 0},
	{"statfs", call_statfs, 0},
	{"setxattr", call_setxattr, 0},
	{"lsetxattr", call_lsetxattr, 0},
	{"getxattr", call_getxattr, 0},
	{"listxattr", call_listxattr, 0},
	{"removexattr", call_removexattr, 0},
	{"execve", call_execve, 0},
	{"execveat", call_execveat, AT},
	{"inotify_add_watch", call_inotify_add_watch, 0},
	{"mount", call_mount, PRIV},
	{"umount", call_umount, PRIV},
};

#define N_CALLS (sizeof calls / sizeof calls[0])

static void start(void)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	put("file", "");
	inotify_fd = inotify_init();
	ASSERT_OK(inotify_fd);
}

/* Every call of the table (or those with all of these flags, or none) fails like this. */
static void all_fail(int dir, const char *path, int want, int with, int without)
{
	for (size_t i = 0; i < N_CALLS; i++) {
		if ((calls[i].flags & with) != with || (calls[i].flags & without))
			continue;
		errno = 0;
		long r = calls[i].call(dir, path);
		if (r != -1 || errno != want)
			FAIL("%s returned %ld, errno %d %s, want %s", calls[i].name, r, errno,
			     strerror(errno), strerror(want));
	}
}

TEST(path_bad_pointer_is_efault)
{
	start();
	all_fail(AT_FDCWD, bad_ptr, EFAULT, 0, 0);
}

TEST(path_kernel_pointer_is_efault)
{
	start();
	all_fail(AT_FDCWD, (char *)(uintptr_t)0xffff800000000000ULL, EFAULT, 0, 0);
}

TEST(path_running_off_the_page_is_efault)
{
	start();
	char *p = page_edge() - 8;
	memcpy(p, "noendnul", 8);
	all_fail(AT_FDCWD, p, EFAULT, 0, 0);
}

TEST(path_ending_at_the_page_end_is_fine)
{
	start();
	char *p = page_edge() - 3;
	memcpy(p, "/x", 3);
	/* Whatever it says, it is about the file and not about memory. */
	for (size_t i = 0; i < N_CALLS; i++)
		if (calls[i].call == call_stat || calls[i].call == call_access)
			ASSERT_ERR(calls[i].call(AT_FDCWD, p), ENOENT);
}

TEST(path_empty_is_enoent)
{
	start();
	all_fail(AT_FDCWD, "", ENOENT, 0, 0);
}

TEST(path_of_4096_bytes_is_enametoolong)
{
	start();
	static char path[4200];
	for (int i = 0; i < 4096; i += 2)
		memcpy(path + i, "./", 2);
	all_fail(AT_FDCWD, path, ENAMETOOLONG, 0, 0);
}

TEST(path_component_of_256_bytes_is_enametoolong)
{
	start();
	char name[257];
	memset(name, 'n', 256);
	name[256] = 0;
	all_fail(AT_FDCWD, name, ENAMETOOLONG, 0, 0);
}

TEST(path_through_a_file_is_enotdir)
{
	start();
	all_fail(AT_FDCWD, "file/x", ENOTDIR, 0, 0);
}

TEST(path_through_a_missing_directory_is_enoent)
{
	start();
	all_fail(AT_FDCWD, "missing/x", ENOENT, 0, 0);
}

TEST(path_through_a_loop_is_eloop)
{
	start();
	ASSERT_OK(symlink("loop", "loop"));
	all_fail(AT_FDCWD, "loop/x", ELOOP, 0, 0);
}

TEST(path_through_a_directory_without_search_is_eacces)
{
	start();
	ASSERT_OK(mkdir("shut", 0755));
	put("shut/x", "");
	ASSERT_OK(chmod("shut", 0666));
	AS_USER({ all_fail(AT_FDCWD, "shut/x", EACCES, 0, PRIV); });
}

TEST(path_with_a_bad_dirfd_is_ebadf)
{
	start();
	all_fail(-1, "x", EBADF, AT, 0);
	all_fail(700, "x", EBADF, AT, 0);
	all_fail(-101, "x", EBADF, AT, 0);
}

TEST(path_with_a_file_as_dirfd_is_enotdir)
{
	start();
	all_fail(open("file", O_RDONLY), "x", ENOTDIR, AT, 0);
	all_fail(open("file", O_PATH), "x", ENOTDIR, AT, 0);
}

TEST(path_with_a_pipe_as_dirfd_is_enotdir)
{
	int p[2];
	start();
	ASSERT_OK(pipe(p));
	all_fail(p[0], "x", ENOTDIR, AT, 0);
}

TEST(path_absolute_does_not_look_at_the_dirfd)
{
	start();
	all_fail(-1, "/missing-directory/x", ENOENT, AT, 0);
}

TEST(path_in_a_removed_directory_is_enoent)
{
	start();
	ASSERT_OK(mkdir("gone", 0700));
	int d = open("gone", O_RDONLY);
	ASSERT_OK(rmdir("gone"));
	all_fail(d, "x", ENOENT, AT, 0);
}

TEST(path_error_order_fault_before_dirfd)
{
	start();
	all_fail(-1, bad_ptr, EFAULT, AT, 0);
}

TEST(path_upper_half_of_the_dirfd_is_ignored)
{
	start();
	/* An int argument: only 32 bits of the register count. */
	ASSERT_OK(syscall(SYS_faccessat, 0xdeadbeef00000000UL | (unsigned)AT_FDCWD, "file", F_OK));
}

TEST_MAIN()
