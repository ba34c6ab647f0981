/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open(2): what each flag does, and which errno wins.
 */
#include "fs.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

TEST(open_missing_is_enoent)
{
	test_tmpdir();
	ASSERT_ERR(open("a", O_RDONLY), ENOENT);
	ASSERT_ERR(open("", O_RDONLY), ENOENT);
	ASSERT_ERR(open("", O_RDWR | O_CREAT, 0600), ENOENT);
	ASSERT_ERR(open("missing/..", O_RDONLY), ENOENT);
}

TEST(open_returns_the_lowest_free_fd)
{
	test_tmpdir();
	int a = open(".", O_RDONLY), b = open(".", O_RDONLY), c = open(".", O_RDONLY);
	ASSERT(a < b && b < c);
	ASSERT_OK(close(b));
	ASSERT_EQ(open(".", O_RDONLY), b);
}

TEST(open_excl_existing_is_eexist)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_ERR(open("f", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	ASSERT_ERR(open(".", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
}

TEST(open_excl_dangling_symlink_is_eexist)
{
	test_tmpdir();
	ASSERT_OK(symlink("nowhere", "l"));
	ASSERT_ERR(open("l", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	ASSERT_ERR(access("nowhere", F_OK), ENOENT);
}

TEST(open_excl_alone_is_ignored)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(open("f", O_EXCL | O_RDWR));
}

TEST(open_creat_makes_the_target_of_a_dangling_symlink)
{
	test_tmpdir();
	ASSERT_OK(symlink("target", "l"));
	ASSERT_OK(open("l", O_CREAT | O_RDWR, 0600));
	ASSERT(S_ISREG(stat_of("target").st_mode));
	ASSERT(S_ISLNK(stat_of("l").st_mode));
}

TEST(open_creat_nofollow_dangling_symlink_is_eloop)
{
	test_tmpdir();
	ASSERT_OK(symlink("target", "l"));
	ASSERT_ERR(open("l", O_CREAT | O_NOFOLLOW | O_RDWR, 0600), ELOOP);
}

TEST(open_trunc_empties)
{
	test_tmpdir();
	put("f", "hello");
	ASSERT_OK(open("f", O_WRONLY | O_TRUNC));
	ASSERT_EQ(stat_of("f").st_size, 0);
}

TEST(open_trunc_works_even_read_only)
{
	test_tmpdir();
	put("f", "hello");
	ASSERT_OK(open("f", O_RDONLY | O_TRUNC));
	ASSERT_EQ(stat_of("f").st_size, 0);
}

TEST(open_trunc_needs_write_permission)
{
	test_tmpdir();
	put("f", "hello");
	ASSERT_OK(chmod("f", 0444));
	ASSERT_OK(chmod(".", 0755));
	AS_USER({ ASSERT_ERR(open("f", O_RDONLY | O_TRUNC), EACCES); });
	ASSERT_EQ(stat_of("f").st_size, 5);
}

TEST(open_trunc_directory_is_eisdir)
{
	test_tmpdir();
	ASSERT_ERR(open(".", O_RDONLY | O_TRUNC), EISDIR);
}

TEST(open_append_writes_at_end)
{
	test_tmpdir();
	put("f", "abc");
	int fd = open("f", O_RDWR | O_APPEND);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
	ASSERT_EQ(write(fd, "d", 1), 1);
	ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 4);
	ASSERT_FILE("f", "abcd");
}

TEST(open_directory_flag_on_file_is_enotdir)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	ASSERT_OK(open(".", O_RDONLY | O_DIRECTORY));
}

TEST(open_directory_and_creat_is_einval)
{
	/* Since Linux 6.4: before, it made a regular file. */
	test_tmpdir();
	ASSERT_ERR(open("new", O_CREAT | O_DIRECTORY, 0700), EINVAL);
	ASSERT_ERR(access("new", F_OK), ENOENT);
}

TEST(open_directory_for_writing_is_eisdir)
{
	test_tmpdir();
	ASSERT_ERR(open(".", O_WRONLY), EISDIR);
	ASSERT_ERR(open(".", O_RDWR), EISDIR);
	ASSERT_ERR(open(".", O_RDONLY | O_CREAT, 0600), EISDIR);
}

TEST(open_nofollow_symlink_is_eloop)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	ASSERT_ERR(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	ASSERT_OK(open("l", O_RDONLY));
}

TEST(open_nofollow_directory_symlink_is_enotdir)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("d", "l"));
	ASSERT_ERR(open("l", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	ASSERT_OK(open("l/", O_RDONLY | O_NOFOLLOW));
}

TEST(open_nofollow_is_about_the_last_component_only)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0700));
	put("d/f", "");
	ASSERT_OK(symlink("d", "l"));
	ASSERT_OK(open("l/f", O_RDONLY | O_NOFOLLOW));
}

TEST(open_path_fd_can_only_name_the_file)
{
	test_tmpdir();
	char c;
	struct stat st;
	put("f", "x");
	int fd = open("f", O_PATH);
	ASSERT_OK(fd);
	ASSERT_ERR(read(fd, &c, 1), EBADF);
	ASSERT_ERR(write(fd, "y", 1), EBADF);
	ASSERT_ERR(lseek(fd, 0, SEEK_SET), EBADF);
	ASSERT_ERR(fchmod(fd, 0600), EBADF);
	ASSERT_ERR(ftruncate(fd, 0), EBADF);
	ASSERT_ERR(ioctl(fd, FIONREAD, &st), EBADF);
	ASSERT(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EBADF);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	ASSERT_OK(close(dup(fd)));
}

TEST(open_path_ignores_creat_and_trunc)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_ERR(open("new", O_PATH | O_CREAT, 0600), ENOENT);
	ASSERT_OK(open("f", O_PATH | O_TRUNC));
	ASSERT_EQ(stat_of("f").st_size, 1);
}

TEST(open_path_nofollow_opens_the_link_itself)
{
	test_tmpdir();
	char buf[16] = "";
	struct stat st;
	ASSERT_OK(symlink("nowhere", "l"));
	int fd = open("l", O_PATH | O_NOFOLLOW);
	ASSERT_OK(fd);
	ASSERT_OK(fstat(fd, &st));
	ASSERT(S_ISLNK(st.st_mode));
	ASSERT_EQ(readlinkat(fd, "", buf, sizeof buf), 7);
	ASSERT_STR(buf, "nowhere");
}

TEST(open_path_needs_no_read_permission)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(chmod("f", 0));
	ASSERT_OK(chmod(".", 0755));
	AS_USER({
		ASSERT_ERR(open("f", O_RDONLY), EACCES);
		ASSERT_OK(open("f", O_PATH));
	});
}

TEST(open_path_fd_reopens_through_proc)
{
	test_tmpdir();
	char name[64], c;
	put("f", "x");
	int fd = open("f", O_PATH);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int again = open(name, O_RDONLY);
	ASSERT_OK(again);
	ASSERT_EQ(read(again, &c, 1), 1);
}

TEST(open_tmpfile_has_no_name_until_linked)
{
	test_tmpdir();
	char name[64];
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_OK(fd);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_nlink, 0);
	ASSERT_EQ(write(fd, "abc", 3), 3);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ASSERT_OK(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_nlink, 1);
	ASSERT_FILE("named", "abc");
}

TEST(open_tmpfile_excl_can_never_be_linked)
{
	test_tmpdir();
	char name[64];
	int fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_OK(fd);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ASSERT_ERR(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(open_tmpfile_errors)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	ASSERT_ERR(open("f", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	ASSERT_ERR(open("missing", O_TMPFILE | O_RDWR, 0600), ENOENT);
}

TEST(open_cloexec_sets_the_fd_flag)
{
	test_tmpdir();
	int a = open(".", O_RDONLY | O_CLOEXEC), b = open(".", O_RDONLY);
	ASSERT_EQ(fcntl(a, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(b, F_GETFD), 0);
	/* It belongs to the descriptor, so F_GETFL does not show it. */
	ASSERT_EQ(fcntl(a, F_GETFL) & O_CLOEXEC, 0);
}

TEST(open_mode_is_masked_by_umask)
{
	test_tmpdir();
	umask(027);
	ASSERT_OK(open("f", O_CREAT | O_RDWR, 0777));
	ASSERT_EQ(mode_of("f"), 0750);
	umask(0);
	ASSERT_OK(open("g", O_CREAT | O_RDWR, 07777));
	ASSERT_EQ(mode_of("g"), 07777);
}

TEST(open_mode_zero_file_is_writable_through_its_first_fd)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	AS_USER({
		int fd = open("f", O_CREAT | O_EXCL | O_RDWR, 0);
		ASSERT_EQ(write(fd, "x", 1), 1);
		ASSERT_ERR(open("f", O_RDONLY), EACCES);
	});
}

TEST(open_existing_keeps_its_mode)
{
	test_tmpdir();
	umask(0);
	ASSERT_OK(open("f", O_CREAT | O_RDWR, 0640));
	ASSERT_OK(open("f", O_CREAT | O_RDWR, 0777));
	ASSERT_EQ(mode_of("f"), 0640);
}

TEST(open_trailing_slash)
{
	test_tmpdir();
	put("f", "");
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("gone", "l"));
	ASSERT_OK(open("d/", O_RDONLY));
	ASSERT_OK(open("d//", O_RDONLY));
	ASSERT_ERR(open("f/", O_RDONLY), ENOTDIR);
	ASSERT_ERR(open("new/", O_RDONLY), ENOENT);
	ASSERT_ERR(open("new/", O_CREAT | O_RDWR, 0600), EISDIR);
	ASSERT_ERR(open("f/", O_CREAT | O_RDWR, 0600), EISDIR);
	ASSERT_ERR(open("l/", O_CREAT | O_RDWR, 0600), EISDIR);
	ASSERT_ERR(access("gone", F_OK), ENOENT);
}

TEST(open_name_of_255_bytes_is_fine_and_256_too_long)
{
	test_tmpdir();
	char name[257];
	memset(name, 'n', 256);
	name[256] = 0;
	ASSERT_ERR(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	name[255] = 0;
	ASSERT_OK(open(name, O_CREAT | O_RDWR, 0600));
}

TEST(open_path_of_4095_bytes_is_fine_and_4096_too_long)
{
	test_tmpdir();
	static char path[4098];
	for (int i = 0; i < 4096; i += 2)
		memcpy(path + i, "./", 2);
	path[4095] = 0;
	ASSERT_OK(open(path, O_RDONLY));
	path[4095] = '/';
	path[4096] = 0;
	ASSERT_ERR(open(path, O_RDONLY), ENAMETOOLONG);
}

TEST(open_through_a_file_is_enotdir)
{
	test_tmpdir();
	put("f", "");
	ASSERT_ERR(open("f/x", O_RDONLY), ENOTDIR);
	ASSERT_ERR(open("f/.", O_RDONLY), ENOTDIR);
	ASSERT_ERR(open("f/..", O_RDONLY), ENOTDIR);
}

TEST(open_symlink_loop_is_eloop)
{
	test_tmpdir();
	ASSERT_OK(symlink("a", "b"));
	ASSERT_OK(symlink("b", "a"));
	ASSERT_ERR(open("a", O_RDONLY), ELOOP);
	ASSERT_ERR(open("a", O_RDWR | O_CREAT, 0600), ELOOP);
	ASSERT_ERR(open("a/x", O_RDONLY), ELOOP);
}

TEST(open_follows_forty_symlinks_and_no_more)
{
	test_tmpdir();
	char from[16], to[16];
	put("l0", "");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof from, "l%d", i);
		snprintf(to, sizeof to, "l%d", i - 1);
		ASSERT_OK(symlink(to, from));
	}
	ASSERT_OK(open("l40", O_RDONLY));
	ASSERT_ERR(open("l41", O_RDONLY), ELOOP);
}

static pid_t start_copy(int *ready)
{
	int p[2];
	static char text[1 << 16];
	ssize_t n;
	int in = open("/proc/self/exe", O_RDONLY);
	int out = open("prog", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ASSERT_OK(in);
	while ((n = read(in, text, sizeof text)) > 0)
		ASSERT_EQ(write(out, text, (size_t)n), n);
	ASSERT_ERR(execl("./prog", "prog", "--pause", "1", (char *)NULL), ETXTBSY);
	ASSERT_OK(close(out));
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		dup2(p[1], 1);
		execl("./prog", "prog", "--pause", (char *)NULL);
		_exit(1);
	});
	*ready = p[0];
	return pid;
}

TEST(open_running_program_for_writing_is_etxtbsy)
{
	test_tmpdir();
	char c;
	int ready;
	pid_t pid = start_copy(&ready);
	ASSERT_EQ(read(ready, &c, 1), 1);
	ASSERT_ERR(open("prog", O_WRONLY), ETXTBSY);
	ASSERT_ERR(open("prog", O_RDONLY | O_TRUNC), ETXTBSY);
	ASSERT_ERR(truncate("prog", 0), ETXTBSY);
	ASSERT_OK(open("prog", O_RDONLY));
	ASSERT_OK(unlink("prog"));
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(open_permission_matrix_for_other)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	for (unsigned m = 0; m < 8; m++) {
		ASSERT_OK(chmod("f", 0770 | m));
		AS_USER({
			int r = open("f", O_RDONLY), re = errno;
			int w = open("f", O_WRONLY), we = errno;
			int b = open("f", O_RDWR), be = errno;
			ASSERT(m & 4 ? r >= 0 : r < 0 && re == EACCES);
			ASSERT(m & 2 ? w >= 0 : w < 0 && we == EACCES);
			ASSERT((m & 6) == 6 ? b >= 0 : b < 0 && be == EACCES);
		});
	}
}

TEST(open_owner_is_judged_by_owner_bits_only)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	ASSERT_OK(chown("f", 1000, 1000));
	ASSERT_OK(chmod("f", 0077));
	AS_USER({ ASSERT_ERR(open("f", O_RDONLY), EACCES); });
	ASSERT_OK(chown("f", 0, 1000));
	ASSERT_OK(chmod("f", 0707));
	AS_USER({ ASSERT_ERR(open("f", O_RDONLY), EACCES); });
}

TEST(open_root_ignores_the_mode)
{
	test_tmpdir();
	put("f", "x");
	ASSERT_OK(chmod("f", 0));
	ASSERT_OK(open("f", O_RDWR));
}

TEST(open_needs_search_permission_on_directories)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0755));
	put("d/f", "x");
	ASSERT_OK(chmod("d", 0666));
	AS_USER({
		ASSERT_ERR(open("d/f", O_RDONLY), EACCES);
		ASSERT_ERR(open("d/missing", O_RDONLY), EACCES);
		ASSERT_OK(open("d", O_RDONLY));
	});
}

TEST(open_creat_needs_write_permission_on_the_directory)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chmod("f", 0666));
	AS_USER({
		ASSERT_ERR(open("new", O_CREAT | O_RDWR, 0600), EACCES);
		ASSERT_OK(open("f", O_CREAT | O_RDWR, 0600));
		ASSERT_ERR(open("f", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	});
}

TEST(open_noatime_is_for_the_owner)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	put("f", "x");
	AS_USER({ ASSERT_ERR(open("f", O_RDONLY | O_NOATIME), EPERM); });
	ASSERT_OK(open("f", O_RDONLY | O_NOATIME));
}

TEST(open_beyond_rlimit_is_emfile)
{
	test_tmpdir();
	struct rlimit rl = {0, 0};
	int fd = open(".", O_RDONLY);
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = (rlim_t)fd + 1;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_ERR(open(".", O_RDONLY), EMFILE);
	ASSERT_ERR(open("missing", O_CREAT | O_RDWR, 0600), EMFILE);
	ASSERT_ERR(access("missing", F_OK), ENOENT);
}

TEST(open_access_mode_three_can_neither_read_nor_write)
{
	test_tmpdir();
	char c;
	put("f", "x");
	int fd = open("f", O_ACCMODE);
	ASSERT_OK(fd);
	ASSERT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_ACCMODE);
	ASSERT_ERR(read(fd, &c, 1), EBADF);
	ASSERT_ERR(write(fd, "y", 1), EBADF);
}

TEST(open_unknown_flags_are_ignored)
{
	test_tmpdir();
	put("f", "x");
	int fd = (int)syscall(SYS_open, "f", O_RDONLY | 0x40000000, 0);
	ASSERT_OK(fd);
	ASSERT_EQ(fcntl(fd, F_GETFL) & 0x40000000, 0);
}

TEST(open_socket_file_is_enxio)
{
	test_tmpdir();
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_OK(bind(s, (struct sockaddr *)&a, sizeof a));
	ASSERT_ERR(open("s", O_RDWR), ENXIO);
	ASSERT_OK(open("s", O_PATH));
}

TEST(open_two_opens_have_two_offsets)
{
	test_tmpdir();
	char c = 0;
	put("f", "ab");
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);
	ASSERT_EQ(read(a, &c, 1), 1);
	ASSERT_EQ(read(b, &c, 1), 1);
	ASSERT_EQ(c, 'a');
}

TEST(open_bad_path_pointer_is_efault)
{
	ASSERT_ERR(open(bad_ptr, O_RDONLY), EFAULT);
	char *p = page_edge() - 4;
	memcpy(p, "/tmp", 4);
	ASSERT_ERR(open(p, O_RDONLY), EFAULT);
}

TEST(creat_truncates_and_is_write_only)
{
	test_tmpdir();
	char c;
	put("f", "hello");
	int fd = creat("f", 0600);
	ASSERT_OK(fd);
	ASSERT_EQ(stat_of("f").st_size, 0);
	ASSERT_ERR(read(fd, &c, 1), EBADF);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--pause")) {
		if (write(1, "r", 1) == 1)
			pause();
		return 1;
	}
	return test_main(argc > 1 ? argv[1] : NULL);
}
