/* SPDX-License-Identifier: Apache-2.0 */
/* New objects in a directory with the set-group-ID bit: whose group, and who keeps that bit. */
#include "fs.h"

TEST(open_in_setgid_directory_inherits_the_group)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chown("d", 0, 1234));
	ASSERT_OK(chmod("d", 02755));
	ASSERT_OK(open("d/f", O_CREAT | O_RDWR, 0600));
	ASSERT_EQ(stat_of("d/f").st_gid, 1234);
	ASSERT_OK(mkdir("d/sub", 0755));
	ASSERT_EQ(stat_of("d/sub").st_gid, 1234);
	ASSERT_EQ(mode_of("d/sub") & 02000, 02000);
}

/* Linux 6.0 and later look at the mode as it was asked for, before the umask. */
TEST(open_in_setgid_directory_gives_no_foreign_setgid)
{
	test_tmpdir();
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(chown("d", 65534, 1234));
	ASSERT_OK(chmod("d", 02777));
	AS_USER({
		umask(0);
		ASSERT_OK(close(open("d/f", O_CREAT | O_RDWR, 02777)));
		umask(010);
		ASSERT_OK(close(open("d/g", O_CREAT | O_RDWR, 02777)));
		ASSERT_OK(close(open("d/h", O_CREAT | O_RDWR, 02767)));
		ASSERT_OK(mknod("d/p", S_IFIFO | 02777, 0));
	});
	ASSERT_EQ(mode_of("d/f"), 0777);
	ASSERT_EQ(mode_of("d/g"), 0767);
	ASSERT_EQ(mode_of("d/h"), 02767);
	ASSERT_EQ(mode_of("d/p"), 0767);
}

TEST_MAIN()
