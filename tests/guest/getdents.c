/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getdents64(2), and what opendir makes of it.
 */
#include "fs.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static long getdents(int fd, void *buf, size_t n)
{
	return syscall(SYS_getdents64, fd, buf, n);
}

static int count(DIR *d)
{
	int n = 0;
	while (readdir(d))
		n++;
	return n;
}

static int type_of(const char *name)
{
	DIR *d = opendir(".");
	struct dirent *e;
	while ((e = readdir(d)) != NULL)
		if (!strcmp(e->d_name, name)) {
			int t = e->d_type;
			closedir(d);
			return t;
		}
	FAIL("no entry %s", name);
}

TEST(getdents_empty_directory_has_dot_and_dot_dot)
{
	test_tmpdir();
	char buf[1024] __attribute__((aligned(8)));
	int fd = open(".", O_RDONLY), n = 0, dots = 0;
	long r = getdents(fd, buf, sizeof buf);
	for (long o = 0; o < r; n++) {
		struct dent *e = (struct dent *)(buf + o);
		dots += !strcmp(e->name, ".") || !strcmp(e->name, "..");
		o += e->reclen;
	}
	ASSERT_EQ(n, 2);
	ASSERT_EQ(dots, 2);
	ASSERT_EQ(getdents(fd, buf, sizeof buf), 0);
}

TEST(getdents_records_are_aligned_and_terminated)
{
	test_tmpdir();
	char buf[4096] __attribute__((aligned(8))), name[16];
	for (int i = 1; i < 12; i++) {
		memset(name, 'a', 16);
		name[i] = 0;
		put(name, "");
	}
	long r = getdents(open(".", O_RDONLY), buf, sizeof buf);
	for (long o = 0; o < r;) {
		struct dent *e = (struct dent *)(buf + o);
		ASSERT_EQ(e->reclen % 8, 0);
		ASSERT(e->reclen >= 19 + strlen(e->name) + 1);
		ASSERT(e->reclen < 19 + strlen(e->name) + 1 + 8);
		o += e->reclen;
	}
}

TEST(getdents_types)
{
	test_tmpdir();
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	put("f", "");
	ASSERT_OK(mkdir("d", 0700));
	ASSERT_OK(symlink("f", "l"));
	ASSERT_OK(mkfifo("p", 0600));
	ASSERT_OK(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a));
	ASSERT_EQ(type_of("f"), DT_REG);
	ASSERT_EQ(type_of("d"), DT_DIR);
	ASSERT_EQ(type_of("l"), DT_LNK);
	ASSERT_EQ(type_of("p"), DT_FIFO);
	ASSERT_EQ(type_of("s"), DT_SOCK);
	ASSERT_EQ(type_of("."), DT_DIR);
}

TEST(getdents_inode_is_that_of_stat)
{
	test_tmpdir();
	put("f", "");
	DIR *d = opendir(".");
	struct dirent *e;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, "..") != 0)
			ASSERT_EQ(e->d_ino, stat_of(e->d_name).st_ino);
}

TEST(getdents_small_buffer_is_einval)
{
	test_tmpdir();
	char buf[64] __attribute__((aligned(8)));
	int fd = open(".", O_RDONLY);
	ASSERT_ERR(getdents(fd, buf, 8), EINVAL);
	ASSERT_ERR(getdents(fd, buf, 0), EINVAL);
	ASSERT_EQ(getdents(fd, buf, 24), 24);
	ASSERT_EQ(getdents(fd, buf, 24), 24);
	ASSERT_EQ(getdents(fd, buf, 24), 0);
}

TEST(getdents_thousand_files_each_once)
{
	test_tmpdir();
	static char seen[1000];
	char name[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "%03d", i);
		ASSERT_OK(close(open(name, O_CREAT | O_RDWR, 0600)));
	}
	DIR *d = opendir(".");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		ASSERT_EQ(seen[atoi(e->d_name)]++, 0);
		n++;
	}
	ASSERT_EQ(n, 1000);
}

TEST(getdents_deleting_while_reading_misses_nothing)
{
	test_tmpdir();
	char name[16];
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "%d", i);
		ASSERT_OK(close(open(name, O_CREAT | O_RDWR, 0600)));
	}
	DIR *d = opendir(".");
	struct dirent *e;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			ASSERT_OK(unlink(e->d_name));
	rewinddir(d);
	ASSERT_EQ(count(d), 2);
}

TEST(rewinddir_sees_new_files)
{
	test_tmpdir();
	DIR *d = opendir(".");
	ASSERT_EQ(count(d), 2);
	put("f", "");
	rewinddir(d);
	ASSERT_EQ(count(d), 3);
}

TEST(seekdir_comes_back_to_the_same_entry)
{
	test_tmpdir();
	char name[300];
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "f%d", i);
		put(name, "");
	}
	DIR *d = opendir(".");
	for (int i = 0; i < 20; i++)
		ASSERT(readdir(d));
	long pos = telldir(d);
	snprintf(name, sizeof name, "%s", readdir(d)->d_name);
	int rest = count(d);
	seekdir(d, pos);
	ASSERT_STR(readdir(d)->d_name, name);
	ASSERT_EQ(count(d), rest);
}

TEST(getdents_lseek_zero_starts_over)
{
	test_tmpdir();
	char buf[1024] __attribute__((aligned(8)));
	int fd = open(".", O_RDONLY);
	long r = getdents(fd, buf, sizeof buf);
	ASSERT_EQ(getdents(fd, buf, sizeof buf), 0);
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
	ASSERT_EQ(getdents(fd, buf, sizeof buf), r);
}

TEST(getdents_errors)
{
	test_tmpdir();
	char buf[64];
	put("f", "");
	ASSERT_ERR(getdents(-1, buf, sizeof buf), EBADF);
	ASSERT_ERR(getdents(open("f", O_RDONLY), buf, sizeof buf), ENOTDIR);
	ASSERT_ERR(getdents(open(".", O_PATH), buf, sizeof buf), EBADF);
	ASSERT_ERR(getdents(open(".", O_RDONLY), bad_ptr, 1024), EFAULT);
}

TEST(getdents_fault_in_the_middle_returns_what_fits)
{
	test_tmpdir();
	int fd = open(".", O_RDONLY);
	char *p = page_edge() - 24;
	ASSERT_EQ(getdents(fd, p, 1024), 24);
}

TEST(getdents_of_the_old_kind_has_the_type_last)
{
	test_tmpdir();
	char buf[1024] __attribute__((aligned(8)));
	long r = syscall(SYS_getdents, open(".", O_RDONLY), buf, sizeof buf);
	ASSERT(r > 0);
	for (long o = 0; o < r;) {
		uint16_t len;
		memcpy(&len, buf + o + 16, 2);
		ASSERT_EQ(buf[o + len - 1], DT_DIR);
		ASSERT_EQ(buf[o + 18], '.');
		o += len;
	}
}

TEST(getdents_reading_needs_permission_at_open_only)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(mkdir("d", 0711));
	AS_USER({ ASSERT_ERR(open("d", O_RDONLY), EACCES); });
	int fd = open("d", O_RDONLY);
	AS_USER({
		char buf[256];
		ASSERT(getdents(fd, buf, sizeof buf) > 0);
	});
}

TEST_MAIN()
