/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ustat(2): free space of a mounted file system by its device number.
 */
#include "fs.h"

struct old_ustat {
	int free_blocks, pad;
	unsigned long free_inodes;
	char name[6], pack[6];
};

static int get_ustat(unsigned dev, void *out)
{
	return (int)syscall(SYS_ustat, dev, out);
}

TEST(ustat_of_the_current_directory)
{
	struct old_ustat u;
	struct stat st = stat_of("/dev");
	memset(&u, 0xff, sizeof u);
	ASSERT_OK(get_ustat((unsigned)st.st_dev, &u));
	ASSERT(u.free_blocks >= 0);
	ASSERT_EQ(u.name[0], 0);
	ASSERT_EQ(u.pack[0], 0);
}

TEST(ustat_errors)
{
	struct old_ustat u;
	ASSERT_ERR(get_ustat(0xfffffu, &u), EINVAL);
	ASSERT_ERR(get_ustat((unsigned)stat_of("/dev").st_dev, bad_ptr), EFAULT);
}

TEST_MAIN()
