/* SPDX-License-Identifier: Apache-2.0 */
/* msync: flags and ranges; the data is visible through the file with or without it. */
#include "task.h"

TEST(a_shared_file_mapping_can_be_synced)
{
	char c;
	test_tmpdir();
	int fd = file_of_pages("f", 3 * PAGE);
	char *m = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	m[PAGE] = 'Q';
	ASSERT_OK(msync(m, 3 * PAGE, MS_SYNC));
	ASSERT_OK(msync(m + PAGE, 1, MS_ASYNC));
	ASSERT_OK(msync(m, 3 * PAGE, MS_SYNC | MS_INVALIDATE));
	int other = open("f", O_RDONLY);
	ASSERT_EQ(pread(other, &c, 1, PAGE), 1);
	ASSERT_EQ(c, 'Q');
}

TEST(private_and_anonymous_memory_are_accepted)
{
	ASSERT_OK(msync(map_anon(PAGE), PAGE, MS_SYNC));
	ASSERT_OK(msync(map_shared(PAGE), PAGE, MS_SYNC));
	ASSERT_OK(msync(map_anon(PAGE), PAGE, 0));
}

TEST(flags_are_checked)
{
	char *m = map_anon(PAGE);
	ASSERT_ERR(msync(m, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	ASSERT_ERR(msync(m, PAGE, 8), EINVAL);
	ASSERT_ERR(msync(m + 1, PAGE, MS_SYNC), EINVAL);
}

TEST(a_hole_is_enomem)
{
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(msync(m, 3 * PAGE, MS_SYNC), ENOMEM);
	ASSERT_ERR(msync(m, 3 * PAGE, MS_ASYNC), ENOMEM);
	ASSERT_ERR(msync(m + PAGE, PAGE, MS_SYNC), ENOMEM);
	ASSERT_ERR(msync(m, SIZE_MAX - PAGE, MS_SYNC), ENOMEM);
}

TEST(length_zero_succeeds)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(munmap(m, PAGE));
	ASSERT_OK(msync(m, 0, MS_SYNC));
}

TEST_MAIN()
