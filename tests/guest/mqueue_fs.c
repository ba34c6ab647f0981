/* SPDX-License-Identifier: Apache-2.0 */
/* The mqueue file system, its namespace, and /proc/sys/fs/mqueue. */
#include "mqueue.h"
#include "userns.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define LIMITS "/proc/sys/fs/mqueue/"

/* A mount of the test's own queues on ./mq of a fresh directory. */
static void own_mount(void)
{
	own_queues();
	test_tmpdir();
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mkdir("mq", 0755));
	ASSERT_OK(mount("queues", "mq", "mqueue", 0, NULL));
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;
	ASSERT(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static long number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	ASSERT_OK(fd);
	ASSERT_OK(read(fd, text, sizeof text - 1));
	close(fd);
	return atol(text);
}

TEST(root_is_a_sticky_directory)
{
	own_mount();
	struct stat st;
	struct statfs fs;
	ASSERT_OK(stat("mq", &st));
	ASSERT_EQ(st.st_mode, S_IFDIR | S_ISVTX | 0777);
	ASSERT_EQ(st.st_nlink, 2);
	ASSERT_EQ(st.st_uid, 0);
	ASSERT_OK(statfs("mq", &fs));
	ASSERT_EQ(fs.f_type, 0x19800202);
	ASSERT_EQ(fs.f_bsize, 4096);
	ASSERT_EQ(fs.f_namelen, 255);
}

TEST(queues_are_files)
{
	own_mount();
	struct stat st;
	char text[128] = "";
	ASSERT_EQ(entries("mq"), 0);
	mqd_t q = queue_new("/q", 4, 8, 0);
	ASSERT_EQ(entries("mq"), 1);
	ASSERT_OK(stat("mq/q", &st));
	ASSERT_EQ(st.st_mode, S_IFREG | 0600);
	ASSERT_EQ(st.st_size, 80);
	send_text(q, "hello", 0);
	int fd = open("mq/q", O_RDONLY);
	ASSERT_OK(fd);
	ASSERT_EQ(read(fd, text, sizeof text), 60);
	ASSERT(strcmp(text, "QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n") == 0);
	/* What was opened by its path is a queue as well. */
	expect(fd, "hello", 0);
	ASSERT_ERR(mq_send(fd, "x", 1, 0), EBADF);
	ASSERT_OK(unlink("mq/q"));
	ASSERT_ERR(mq_open("/q", O_RDWR), ENOENT);
	ASSERT_ERR(unlink("mq/q"), ENOENT);
	ASSERT_EQ(entries("mq"), 0);
}

TEST(directory_counts_its_names)
{
	own_mount();
	struct stat st;
	ASSERT_OK(stat("mq", &st));
	off_t before = st.st_size;
	queue_new("/a", 1, 8, 0);
	queue_new("/b", 1, 8, 0);
	ASSERT_OK(stat("mq", &st));
	ASSERT_EQ(st.st_size - before, 40);
	ASSERT_OK(mq_unlink("/a"));
	ASSERT_OK(stat("mq", &st));
	ASSERT_EQ(st.st_size - before, 20);
}

TEST(creat_makes_a_queue)
{
	own_mount();
	umask(022);
	int fd = open("mq/q", O_RDWR | O_CREAT | O_EXCL, 0666);
	ASSERT_OK(fd);
	ASSERT_EQ(attr_of(fd).mq_maxmsg, 10);
	ASSERT_EQ(attr_of(fd).mq_msgsize, 8192);
	send_text(fd, "x", 4);
	mqd_t q = mq_open("/q", O_RDONLY);
	expect(q, "x", 4);
	struct stat st;
	ASSERT_OK(fstat(q, &st));
	ASSERT_EQ(st.st_mode & 0777, 0644);
	ASSERT_OK(mknod("mq/other", S_IFREG | 0600, 0));
	ASSERT_OK(mq_open("/other", O_RDWR));
}

TEST(there_are_only_queues)
{
	own_mount();
	queue_new("/q", 1, 8, 0);
	ASSERT_ERR(mkdir("mq/d", 0700), EPERM);
	ASSERT_ERR(symlink("x", "mq/l"), EPERM);
	ASSERT_ERR(link("mq/q", "mq/l"), EPERM);
	ASSERT_ERR(mknod("mq/p", S_IFIFO | 0600, 0), EPERM);
	ASSERT_ERR(rename("mq/q", "mq/r"), EPERM);
	ASSERT_ERR(rmdir("mq/q"), ENOTDIR);
	ASSERT_EQ(open("mq", O_RDWR | O_TMPFILE, 0600), -1);
	ASSERT_EQ(errno, EOPNOTSUPP);
}

TEST(attributes_are_those_of_a_file)
{
	own_mount();
	mqd_t q = queue_new("/q", 1, 8, 0);
	struct stat st;
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(chmod("mq/q", 0640));
	ASSERT_OK(chown("mq/q", 5, 6));
	ASSERT_OK(fstat(q, &st));
	ASSERT_EQ(st.st_mode & 0777, 0640);
	ASSERT_EQ(st.st_uid, 5);
	ASSERT_EQ(st.st_gid, 6);
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(chmod("mq/q", 0666), EPERM);
		ASSERT_ERR(open("mq/q", O_RDONLY), EACCES);
	}));
}

TEST(sticky_bit_protects_others_queues)
{
	own_mount();
	umask(0);
	ASSERT_OK(chmod(".", 0755));
	queue_new("/q", 1, 8, 0);
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(unlink("mq/q"), EPERM);
		int fd = open("mq/mine", O_RDWR | O_CREAT, 0600);
		ASSERT_OK(fd);
		ASSERT_OK(unlink("mq/mine"));
	}));
	/* Who may write the directory decides, also for mq_open. */
	ASSERT_OK(chmod("mq", 0755));
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(mq_open("/mine", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	}));
}

TEST(all_mounts_show_the_same)
{
	own_mount();
	ASSERT_OK(mkdir("two", 0755));
	ASSERT_OK(mount("queues", "two", "mqueue", 0, NULL));
	queue_new("/q", 1, 8, 0);
	struct stat a, b;
	ASSERT_OK(stat("mq/q", &a));
	ASSERT_OK(stat("two/q", &b));
	ASSERT_EQ(a.st_dev, b.st_dev);
	ASSERT_EQ(a.st_ino, b.st_ino);
	/* Without any mount the queues are there all the same. */
	ASSERT_OK(umount("mq"));
	ASSERT_OK(umount("two"));
	ASSERT_OK(mq_open("/q", O_RDWR));
	ASSERT_ERR(mount("queues", "two", "mqueue", 0, "size=1"), EINVAL);
}

TEST(namespaces_do_not_share_queues)
{
	own_mount();
	mqd_t q = queue_new("/q", 1, 8, 0);
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWIPC));
		ASSERT_ERR(mq_open("/q", O_RDWR), ENOENT);
		queue_new("/q", 1, 8, O_EXCL);
		ASSERT_OK(mkdir("two", 0755));
		ASSERT_OK(mount("queues", "two", "mqueue", 0, NULL));
		queue_new("/r", 1, 8, 0);
		ASSERT_EQ(entries("two"), 2);
		/* The other's mount shows the other's; an open queue stays usable. */
		ASSERT_EQ(entries("mq"), 1);
		send_text(q, "x", 0);
		ASSERT_OK(umount("two"));
	}));
	expect(q, "x", 0);
}

TEST(mount_outlives_its_namespace)
{
	own_queues();
	test_tmpdir();
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mkdir("mq", 0755));
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWIPC));
		queue_new("/q", 1, 8, 0);
		ASSERT_OK(mount("queues", "mq", "mqueue", 0, NULL));
	}));
	int fd;
	/* The end of a namespace is seen a little later than that of its last process. */
	while ((fd = open("mq/new", O_RDWR | O_CREAT | O_EXCL, 0600)) >= 0) {
		ASSERT_OK(close(fd));
		ASSERT_OK(unlink("mq/new"));
		nap(5);
	}
	ASSERT_EQ(errno, EACCES);
	fd = open("mq/q", O_RDWR);
	ASSERT_OK(fd);
	send_text(fd, "x", 0);
	expect(fd, "x", 0);
}

TEST(settings_have_their_ranges)
{
	own_queues();
	ASSERT_EQ(number(LIMITS "queues_max"), 256);
	ASSERT_EQ(number(LIMITS "msg_max"), 10);
	ASSERT_EQ(number(LIMITS "msgsize_max"), 8192);
	ASSERT_EQ(number(LIMITS "msg_default"), 10);
	ASSERT_EQ(number(LIMITS "msgsize_default"), 8192);
	ASSERT_ERR(put(LIMITS "msg_max", "0"), EINVAL);
	ASSERT_ERR(put(LIMITS "msg_max", "65537"), EINVAL);
	ASSERT_OK(put(LIMITS "msg_max", "65536"));
	ASSERT_ERR(put(LIMITS "msgsize_max", "127"), EINVAL);
	ASSERT_ERR(put(LIMITS "msgsize_max", "16777217"), EINVAL);
	ASSERT_OK(put(LIMITS "msgsize_max", "16777216"));
	ASSERT_ERR(put(LIMITS "msg_default", "0"), EINVAL);
	ASSERT_ERR(put(LIMITS "msgsize_default", "127"), EINVAL);
	ASSERT_OK(put(LIMITS "msg_default", "3"));
	ASSERT_OK(put(LIMITS "msgsize_default", "256"));
	mqd_t q = mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	ASSERT_EQ(attr_of(q).mq_maxmsg, 3);
	ASSERT_EQ(attr_of(q).mq_msgsize, 256);
	/* The smaller of both counts. */
	ASSERT_OK(put(LIMITS "msg_max", "2"));
	ASSERT_OK(mq_unlink("/q"));
	q = mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	ASSERT_EQ(attr_of(q).mq_maxmsg, 2);
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWIPC));
		ASSERT_EQ(number(LIMITS "msg_max"), 10);
	}));
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(open(LIMITS "msg_max", O_WRONLY), EACCES);
	}));
}

TEST(queues_max_bounds_the_namespace)
{
	own_mount();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(put(LIMITS "queues_max", "2"));
	JOIN(SPAWN({
		become_nobody();
		struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 8};
		mqd_t q = mq_open("/a", O_RDWR | O_CREAT, 0600, &a);
		ASSERT_OK(q);
		ASSERT_OK(mq_open("/b", O_RDWR | O_CREAT, 0600, &a));
		ASSERT_ERR(mq_open("/c", O_RDWR | O_CREAT, 0600, &a), ENOSPC);
		ASSERT_ERR(open("mq/c", O_RDWR | O_CREAT, 0600), ENOSPC);
		/* An old one is opened all the same; one that is still open counts. */
		ASSERT_OK(mq_open("/b", O_RDWR | O_CREAT, 0600, &a));
		ASSERT_OK(mq_unlink("/a"));
		ASSERT_ERR(mq_open("/c", O_RDWR | O_CREAT, 0600, &a), ENOSPC);
		ASSERT_OK(mq_close(q));
		ASSERT_OK(mq_open("/c", O_RDWR | O_CREAT, 0600, &a));
	}));
}

TEST(read_only_mount_says_nothing_to_mq_open)
{
	own_mount();
	ASSERT_OK(mount(NULL, "mq", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	ASSERT_ERR(open("mq/q", O_RDWR | O_CREAT, 0600), EROFS);
	queue_new("/q", 1, 8, 0);
	ASSERT_ERR(unlink("mq/q"), EROFS);
	ASSERT_OK(mq_unlink("/q"));
}
TEST_MAIN()
