/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Temporary files as libc makes them: mkstemp, mkdtemp, tmpfile.
 */
#include "fs.h"

TEST(mkstemp_makes_a_private_file)
{
	test_tmpdir();
	char name[] = "x.XXXXXX";
	int fd = mkstemp(name);
	ASSERT_OK(fd);
	ASSERT_EQ(stat_of(name).st_mode, S_IFREG | 0600);
	ASSERT(strcmp(name, "x.XXXXXX") != 0);
}

TEST(mkstemp_names_differ)
{
	test_tmpdir();
	char a[] = "x.XXXXXX", b[] = "x.XXXXXX";
	ASSERT_OK(mkstemp(a));
	ASSERT_OK(mkstemp(b));
	ASSERT(strcmp(a, b) != 0);
}

TEST(mkdtemp_makes_a_private_directory)
{
	test_tmpdir();
	char name[] = "d.XXXXXX";
	ASSERT(mkdtemp(name));
	ASSERT_EQ(stat_of(name).st_mode, S_IFDIR | 0700);
}

TEST(tmpfile_is_unlinked_from_the_start)
{
	FILE *f = tmpfile();
	struct stat st;
	ASSERT(f);
	ASSERT_OK(fstat(fileno(f), &st));
	ASSERT_EQ(st.st_nlink, 0);
	ASSERT(fputs("hello", f) >= 0);
	rewind(f);
	char buf[8];
	ASSERT(fgets(buf, sizeof buf, f));
	ASSERT_STR(buf, "hello");
}

TEST(o_tmpfile_mode_obeys_umask)
{
	test_tmpdir();
	struct stat st;
	umask(077);
	int fd = open(".", O_TMPFILE | O_RDWR, 0666);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_mode, S_IFREG | 0600);
}

TEST(o_tmpfile_leaves_no_entry)
{
	test_tmpdir();
	int fd = open(".", O_TMPFILE | O_WRONLY, 0600);
	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_OK(fd);
	/* rmdir would say ENOTEMPTY. */
	char cwd[4096];
	ASSERT(getcwd(cwd, sizeof cwd));
	ASSERT_OK(rmdir(cwd));
}

TEST(o_tmpfile_needs_write_permission_on_the_directory)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	AS_USER({ ASSERT_ERR(open(".", O_TMPFILE | O_RDWR, 0600), EACCES); });
}

TEST(tmp_is_sticky_and_for_all)
{
	ASSERT_EQ(mode_of("/tmp"), 01777);
}

TEST_MAIN()
