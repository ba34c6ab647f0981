/* SPDX-License-Identifier: Apache-2.0 */
/* mincore: which pages are resident. */
#include "task.h"

TEST(touched_pages_are_resident)
{
	char *m = map_anon(4 * PAGE);
	unsigned char v[4];
	m[0] = m[2 * PAGE] = 1;
	ASSERT_OK(mincore(m, 4 * PAGE, v));
	ASSERT(v[0] & 1);
	ASSERT(v[2] & 1);
}

TEST(untouched_pages_are_not)
{
	char *m = map_anon(64 * PAGE);
	unsigned char v[64];
	/* No huge page may bring the neighbours along. */
	madvise(m, 64 * PAGE, MADV_NOHUGEPAGE);
	m[0] = 1;
	ASSERT_OK(mincore(m, 64 * PAGE, v));
	ASSERT(v[0] & 1);
	ASSERT(!(v[40] & 1));
}

TEST(dontneed_makes_them_not_resident)
{
	char *m = map_anon(PAGE);
	unsigned char v;
	m[0] = 1;
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED));
	ASSERT_OK(mincore(m, PAGE, &v));
	ASSERT(!(v & 1));
}

TEST(a_partial_page_counts)
{
	char *m = map_anon(2 * PAGE);
	unsigned char v[2] = {0x55, 0x55};
	m[0] = m[PAGE] = 1;
	ASSERT_OK(mincore(m, PAGE + 1, v));
	ASSERT(v[1] & 1);
	v[1] = 0x55;
	ASSERT_OK(mincore(m, PAGE, v));
	ASSERT_EQ(v[1], 0x55);
}

TEST(a_file_page_just_written_is_resident)
{
	unsigned char v;
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	m[0] = 'x';
	ASSERT_OK(mincore(m, PAGE, &v));
	ASSERT(v & 1);
}

TEST(errors)
{
	char *m = map_anon(3 * PAGE);
	unsigned char v[3];
	ASSERT_ERR(mincore(m + 1, PAGE, v), EINVAL);
	ASSERT_ERR(mincore(m, PAGE, (unsigned char *)1), EFAULT);
	ASSERT_ERR(mincore(m, SIZE_MAX - PAGE, v), ENOMEM);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(mincore(m, 3 * PAGE, v), ENOMEM);
	ASSERT_ERR(mincore(m + PAGE, PAGE, v), ENOMEM);
	ASSERT_OK(mincore(m + PAGE, 0, v));
}

TEST(many_pages)
{
	size_t n = 10000;
	unsigned char *v = calloc(n + 1, 1);
	char *m = map_anon(n * PAGE);
	for (size_t i = 0; i < n; i++)
		m[i * PAGE] = 1;
	v[n] = 0x55;
	ASSERT_OK(mincore(m, n * PAGE, v));
	for (size_t i = 0; i < n; i++)
		ASSERT(v[i] & 1);
	ASSERT_EQ(v[n], 0x55);
}

TEST_MAIN()
