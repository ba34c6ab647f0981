/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify.
 */
#include "fs.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int ino;

static void start(void)
{
	test_tmpdir();
	ino = inotify_init1(IN_NONBLOCK);
	ASSERT_OK(ino);
}

/* The next event must be exactly this one. */
static uint32_t expect(int wd, uint32_t mask, const char *name)
{
	static char buf[8192] __attribute__((aligned(8)));
	static ssize_t have, at;
	if (at >= have) {
		have = read(ino, buf, sizeof buf);
		at = 0;
		if (have < 0)
			FAIL("no event, want %#x %s", mask, name);
	}
	struct inotify_event *e = (struct inotify_event *)(buf + at);
	at += (ssize_t)(sizeof *e + e->len);
	if (e->wd != wd || e->mask != mask || strcmp(e->len ? e->name : "", name) != 0)
		FAIL("event wd %d mask %#x name %s, want %d %#x %s", e->wd, e->mask,
		     e->len ? e->name : "", wd, mask, name);
	return e->cookie;
}

static void expect_nothing(void)
{
	int n = -1;
	char buf[512];
	ASSERT_OK(ioctl(ino, FIONREAD, &n));
	ASSERT_EQ(n, 0);
	ASSERT_ERR(read(ino, buf, sizeof buf), EAGAIN);
}

TEST(inotify_create_write_close_delete)
{
	start();
	int wd =
		inotify_add_watch(ino, ".", IN_CREATE | IN_MODIFY | IN_CLOSE | IN_OPEN | IN_DELETE);
	ASSERT_OK(wd);
	put("f", "x");
	ASSERT_OK(unlink("f"));
	expect(wd, IN_CREATE, "f");
	expect(wd, IN_OPEN, "f");
	expect(wd, IN_MODIFY, "f");
	expect(wd, IN_CLOSE_WRITE, "f");
	expect(wd, IN_DELETE, "f");
	expect_nothing();
}

TEST(inotify_rename_has_a_cookie)
{
	start();
	put("a", "");
	int wd = inotify_add_watch(ino, ".", IN_MOVE);
	ASSERT_OK(rename("a", "b"));
	uint32_t from = expect(wd, IN_MOVED_FROM, "a"), to = expect(wd, IN_MOVED_TO, "b");
	ASSERT_EQ(from, to);
	ASSERT(from != 0);
}

TEST(inotify_directories_carry_isdir)
{
	start();
	int wd = inotify_add_watch(ino, ".", IN_CREATE | IN_DELETE);
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(rmdir("d"));
	expect(wd, IN_CREATE | IN_ISDIR, "d");
	expect(wd, IN_DELETE | IN_ISDIR, "d");
}

TEST(inotify_file_watch_has_no_name)
{
	start();
	char c;
	put("f", "x");
	int wd = inotify_add_watch(ino, "f", IN_ACCESS | IN_ATTRIB | IN_CLOSE_NOWRITE);
	int fd = open("f", O_RDONLY);
	ASSERT_EQ(read(fd, &c, 1), 1);
	ASSERT_OK(close(fd));
	ASSERT_OK(chmod("f", 0600));
	expect(wd, IN_ACCESS, "");
	expect(wd, IN_CLOSE_NOWRITE, "");
	expect(wd, IN_ATTRIB, "");
}

TEST(inotify_deleting_the_watched_file)
{
	start();
	put("f", "x");
	int wd = inotify_add_watch(ino, "f", IN_DELETE_SELF | IN_ATTRIB);
	ASSERT_OK(unlink("f"));
	/* The link count changes, then the file goes, then the watch. */
	expect(wd, IN_ATTRIB, "");
	expect(wd, IN_DELETE_SELF, "");
	expect(wd, IN_IGNORED, "");
	ASSERT_ERR(inotify_rm_watch(ino, wd), EINVAL);
}

TEST(inotify_delete_self_waits_for_the_last_fd)
{
	start();
	put("f", "x");
	int wd = inotify_add_watch(ino, "f", IN_DELETE_SELF), fd = open("f", O_RDONLY);
	ASSERT_OK(unlink("f"));
	expect_nothing();
	ASSERT_OK(close(fd));
	expect(wd, IN_DELETE_SELF, "");
}

TEST(inotify_move_self)
{
	start();
	put("f", "x");
	int wd = inotify_add_watch(ino, "f", IN_MOVE_SELF);
	ASSERT_OK(rename("f", "g"));
	expect(wd, IN_MOVE_SELF, "");
}

/* Only what is told about names has the bit then: the kernel takes it off. */
TEST(inotify_move_self_of_a_directory_has_no_isdir)
{
	start();
	ASSERT_OK(mkdir("d", 0755));
	int wd = inotify_add_watch(ino, "d", IN_MOVE_SELF | IN_ATTRIB);
	ASSERT_OK(rename("d", "e"));
	expect(wd, IN_MOVE_SELF, "");
	ASSERT_OK(chmod("e", 0700));
	expect(wd, IN_ATTRIB | IN_ISDIR, "");
}

TEST(inotify_identical_events_merge)
{
	start();
	put("f", "");
	int wd = inotify_add_watch(ino, "f", IN_MODIFY), fd = open("f", O_WRONLY);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(write(fd, "x", 1), 1);
	expect(wd, IN_MODIFY, "");
	expect_nothing();
}

TEST(inotify_same_inode_is_the_same_watch)
{
	start();
	put("f", "");
	ASSERT_OK(link("f", "g"));
	int wd = inotify_add_watch(ino, "f", IN_MODIFY);
	ASSERT_EQ(inotify_add_watch(ino, "g", IN_OPEN), wd);
	/* The second call replaced the mask. */
	put("f", "x");
	expect(wd, IN_OPEN, "");
	expect_nothing();
	ASSERT_EQ(inotify_add_watch(ino, "f", IN_MODIFY | IN_MASK_ADD), wd);
	ASSERT_ERR(inotify_add_watch(ino, "f", IN_MODIFY | IN_MASK_CREATE), EEXIST);
}

TEST(inotify_oneshot)
{
	start();
	put("f", "");
	int wd = inotify_add_watch(ino, "f", IN_OPEN | IN_ONESHOT);
	ASSERT_OK(close(open("f", O_RDONLY)));
	ASSERT_OK(close(open("f", O_RDONLY)));
	expect(wd, IN_OPEN, "");
	expect(wd, IN_IGNORED, "");
	expect_nothing();
}

TEST(inotify_rm_watch_says_ignored)
{
	start();
	int wd = inotify_add_watch(ino, ".", IN_CREATE);
	ASSERT_OK(inotify_rm_watch(ino, wd));
	put("f", "");
	expect(wd, IN_IGNORED, "");
	expect_nothing();
	ASSERT_ERR(inotify_rm_watch(ino, wd), EINVAL);
	/* Numbers are not used again. */
	ASSERT(inotify_add_watch(ino, ".", IN_CREATE) > wd);
}

TEST(inotify_small_buffer_is_einval)
{
	start();
	char buf[64];
	ASSERT_OK(inotify_add_watch(ino, ".", IN_CREATE));
	put("a-name-of-some-length", "");
	ASSERT_ERR(read(ino, buf, 20), EINVAL);
	ASSERT_EQ(read(ino, buf, 64), 48);
}

TEST(inotify_poll_and_fionread)
{
	start();
	int n = -1;
	struct pollfd p = {ino, POLLIN, 0};
	ASSERT_OK(inotify_add_watch(ino, ".", IN_CREATE));
	ASSERT_EQ(poll(&p, 1, 0), 0);
	put("f", "");
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_OK(ioctl(ino, FIONREAD, &n));
	ASSERT_EQ(n, 32);
}

TEST(inotify_errors)
{
	start();
	int p[2];
	put("f", "");
	ASSERT_OK(pipe(p));
	ASSERT_ERR(inotify_init1(0x100), EINVAL);
	ASSERT_ERR(inotify_add_watch(ino, ".", 0), EINVAL);
	ASSERT_ERR(inotify_add_watch(ino, "gone", IN_OPEN), ENOENT);
	ASSERT_ERR(inotify_add_watch(ino, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	ASSERT_ERR(inotify_add_watch(ino, bad_ptr, IN_OPEN), EFAULT);
	ASSERT_ERR(inotify_add_watch(p[0], ".", IN_OPEN), EINVAL);
	ASSERT_ERR(inotify_add_watch(-1, ".", IN_OPEN), EBADF);
	ASSERT_ERR(inotify_rm_watch(p[0], 1), EINVAL);
	ASSERT_ERR(write(ino, "x", 1), EBADF);
}

TEST(inotify_needs_read_permission)
{
	start();
	ASSERT_OK(chmod(".", 0755));
	put("f", "");
	ASSERT_OK(chmod("f", 0600));
	AS_USER({ ASSERT_ERR(inotify_add_watch(ino, "f", IN_OPEN), EACCES); });
}

TEST(inotify_dont_follow)
{
	start();
	put("f", "");
	ASSERT_OK(symlink("f", "l"));
	int wd = inotify_add_watch(ino, "l", IN_OPEN | IN_DELETE_SELF | IN_DONT_FOLLOW);
	ASSERT_OK(wd);
	ASSERT_OK(close(open("l", O_RDONLY)));
	expect_nothing();
	ASSERT_OK(unlink("l"));
	expect(wd, IN_DELETE_SELF, "");
}

TEST(inotify_unlinked_children_with_excl_unlink)
{
	start();
	int wd = inotify_add_watch(ino, ".", IN_MODIFY | IN_EXCL_UNLINK);
	ASSERT_OK(wd);
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(unlink("f"));
	ASSERT_EQ(write(fd, "x", 1), 1);
	expect_nothing();
}

TEST_MAIN()
