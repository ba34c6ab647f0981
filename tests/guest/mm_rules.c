/* SPDX-License-Identifier: Apache-2.0 */
/* Memory calls: which combinations of flags, objects and protection Linux refuses, and with what.
 */
#include "task.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MAP_ABOVE4G
#define MAP_ABOVE4G 0x80
#endif
#define PROT_GROWS 0x01000000

#define NO_MAP(err, ...)                                                                           \
	do {                                                                                       \
		ASSERT(mmap(__VA_ARGS__) == MAP_FAILED);                                           \
		ASSERT_EQ(errno, err);                                                             \
	} while (0)

static int new_file(size_t len)
{
	test_tmpdir();
	return file_of_pages("f", len);
}

TEST(only_private_anonymous_memory_grows_down)
{
	int fd = new_file(PAGE);
	NO_MAP(EINVAL, NULL, PAGE, RW, ANON_SHR | MAP_GROWSDOWN, -1, 0);
	NO_MAP(EINVAL, NULL, PAGE, RW, MAP_SHARED | MAP_GROWSDOWN, fd, 0);
	NO_MAP(EINVAL, NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0);
	map_at(NULL, PAGE, RW, ANON_PRIV | MAP_GROWSDOWN);
}

TEST(huge_pages_of_an_ordinary_file_are_einval)
{
	int fd = new_file(PAGE);
	NO_MAP(EINVAL, NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0);
	NO_MAP(EBADF, NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, -1, 0);
}

TEST(a_pool_without_huge_pages_is_enomem)
{
	NO_MAP(ENOMEM, NULL, 2 << 20, RW, ANON_PRIV | MAP_HUGETLB, -1, 0);
	/* No machine has huge pages of 4 KiB. */
	NO_MAP(EINVAL, NULL, 2 << 20, RW, ANON_PRIV | MAP_HUGETLB | 12 << 26, -1, 0);
}

TEST(above_4g_is_above_4g)
{
	ASSERT((uintptr_t)map_at(NULL, PAGE, RW, ANON_PRIV | MAP_ABOVE4G) >= 1ull << 32);
}

TEST(unknown_protection_bits_are_ignored_by_mmap)
{
	char *m = mmap(NULL, PAGE, RW | 0x40000000, ANON_PRIV, -1, 0);
	ASSERT(m != MAP_FAILED);
	m[0] = 1;
}

TEST(shared_memory_of_a_device_opened_read_only_stays_read_only)
{
	int fd = open("/dev/zero", O_RDONLY);
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT(m != MAP_FAILED);
	ASSERT_ERR(mprotect(m, PAGE, RW), EACCES);
	m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_OK(mprotect(m, PAGE, RW));
	m[0] = 1;
}

TEST(system_calls_read_write_only_memory)
{
	int p[2];
	char got;
	char *m = map_at(NULL, PAGE, PROT_WRITE, ANON_PRIV);
	m[0] = 'w';
	ASSERT_OK(pipe(p));
	ASSERT_EQ(write(p[1], m, 1), 1);
	ASSERT_EQ(read(p[0], &got, 1), 1);
	ASSERT_EQ(got, 'w');
	m = map_anon(PAGE);
	m[0] = 'p';
	ASSERT_OK(mprotect(m, PAGE, PROT_WRITE));
	ASSERT_EQ(write(p[1], m, 1), 1);
	ASSERT_EQ(read(p[0], &got, 1), 1);
	ASSERT_EQ(got, 'p');
}

TEST(a_write_only_mapping_shows_as_such)
{
	char line[256], range[64];
	int found = 0;
	char *m = map_at(NULL, PAGE, PROT_WRITE, ANON_SHR);
	FILE *f = fopen("/proc/self/maps", "re");
	snprintf(range, sizeof range, "%lx-%lx -w-s", (unsigned long)m, (unsigned long)m + PAGE);
	while (fgets(line, sizeof line, f))
		found |= !strncmp(line, range, strlen(range));
	ASSERT(found);
}

TEST(mprotect_checks_nothing_else_for_length_zero)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(syscall(SYS_mprotect, m, 0, 0x40000000));
	ASSERT_ERR(syscall(SYS_mprotect, m, PAGE, 1ul << 40), EINVAL);
	ASSERT_ERR(syscall(SYS_mprotect, m, SIZE_MAX & ~(PAGE - 1), 0x40000000), ENOMEM);
}

TEST(growing_protection_needs_an_area_that_grows)
{
	char *m = map_at(NULL, 4 * PAGE, RW, ANON_PRIV | MAP_GROWSDOWN);
	/* From the start of the area to the end of the range. */
	ASSERT_OK(mprotect(m + 2 * PAGE, PAGE, PROT_READ | PROT_GROWS));
	ASSERT_OK(mprotect(m, PAGE, RW));
	ASSERT_ERR(mprotect(map_anon(PAGE), PAGE, PROT_READ | PROT_GROWS), EINVAL);
}

TEST(remove_of_a_private_mapping)
{
	int fd = new_file(PAGE);
	char *file = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	ASSERT_ERR(madvise(file, PAGE, MADV_REMOVE), EACCES);
	ASSERT_ERR(madvise(map_anon(PAGE), PAGE, MADV_REMOVE), EINVAL);
	int ro = open("f", O_RDONLY);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	ASSERT_ERR(madvise(shared, PAGE, MADV_REMOVE), EACCES);
}

TEST(remove_through_a_file_mapping_punches_the_file)
{
	char c = 1;
	int fd = new_file(2 * PAGE);
	char *m = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	memset(m, 'r', 2 * PAGE);
	ASSERT_OK(madvise(m, PAGE, MADV_REMOVE));
	ASSERT_EQ(pread(fd, &c, 1, 0), 1);
	ASSERT_EQ(c, 0);
	ASSERT_EQ(pread(fd, &c, 1, PAGE), 1);
	ASSERT_EQ(c, 'r');
}

TEST(locked_memory_refuses_advice_that_would_take_it_away)
{
	char *m = map_anon(PAGE), *s = map_shared(PAGE);
	m[0] = s[0] = 7;
	ASSERT_OK(mlock(m, PAGE));
	ASSERT_OK(mlock(s, PAGE));
	ASSERT_ERR(madvise(s, PAGE, MADV_REMOVE), EINVAL);
	ASSERT_ERR(madvise(m, PAGE, MADV_COLD), EINVAL);
	ASSERT_ERR(madvise(m, PAGE, MADV_PAGEOUT), EINVAL);
	ASSERT_ERR(madvise(m, PAGE, MADV_DONTNEED), EINVAL);
	ASSERT_EQ(m[0], 7);
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED_LOCKED));
	ASSERT_EQ(m[0], 0);
	ASSERT_OK(munlock(m, PAGE));
	ASSERT_OK(madvise(m, PAGE, MADV_DONTNEED_LOCKED));
}

TEST(free_and_wipeonfork_need_private_anonymous_memory)
{
	int fd = new_file(PAGE);
	char *file = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	ASSERT_ERR(madvise(file, PAGE, MADV_FREE), EINVAL);
	ASSERT_ERR(madvise(file, PAGE, MADV_WIPEONFORK), EINVAL);
	ASSERT_ERR(madvise(map_shared(PAGE), PAGE, MADV_WIPEONFORK), EINVAL);
}

TEST(populate_of_a_hole_is_enomem)
{
	char *m = map_anon(3 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(madvise(m, 3 * PAGE, MADV_POPULATE_READ), ENOMEM);
	ASSERT_ERR(madvise(m, 3 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
}

TEST(write_only_shared_memory_can_be_locked)
{
	unsigned char v = 0;
	int fd = new_file(PAGE);
	char *m = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(m != MAP_FAILED);
	ASSERT_OK(mlock(m, PAGE));
	ASSERT_OK(mincore(m, PAGE, &v));
	ASSERT(v & 1);
	m = map_at(NULL, 2 * PAGE, PROT_WRITE, ANON_SHR);
	ASSERT_OK(mlock(m, 2 * PAGE));
}

TEST(memory_without_permission_is_locked_and_reported)
{
	char *m = map_at(NULL, PAGE, PROT_NONE, ANON_PRIV);
	ASSERT_ERR(mlock(m, PAGE), ENOMEM);
	ASSERT_EQ(status_field("VmLck", 10), 4);
}

TEST(current_and_onfault_lock_without_touching)
{
	unsigned char v[8];
	char *m = map_anon(8 * PAGE);
	madvise(m, 8 * PAGE, MADV_NOHUGEPAGE);
	ASSERT_OK(mlockall(MCL_CURRENT | 4));
	ASSERT(status_field("VmLck", 10) >= 32);
	ASSERT_OK(mincore(m, 8 * PAGE, v));
	ASSERT(!(v[4] & 1));
	ASSERT_OK(munlockall());
	ASSERT_EQ(status_field("VmLck", 10), 0);
}

TEST(future_locks_end_with_munlockall_and_are_not_inherited)
{
	ASSERT_OK(mlockall(MCL_FUTURE));
	JOIN(SPAWN({
		map_anon(PAGE);
		ASSERT_EQ(status_field("VmLck", 10), 0);
	}));
	ASSERT_OK(munlockall());
	map_anon(PAGE);
	ASSERT_EQ(status_field("VmLck", 10), 0);
}

TEST(a_shared_mapping_can_be_synced_to_its_file_system)
{
	int fd = new_file(3 * PAGE);
	char *m = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	close(fd);
	m[0] = 1;
	ASSERT_OK(msync(m, 3 * PAGE, MS_SYNC));
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_ERR(msync(m, 3 * PAGE, MS_SYNC), ENOMEM);
}

TEST(the_offset_may_not_wrap_when_a_mapping_grows)
{
	int fd = new_file(PAGE);
	off_t last = (off_t)(INT64_MAX & ~(PAGE - 1)) - (off_t)PAGE;
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, last);
	if (m == MAP_FAILED)
		return;
	ASSERT(mremap(m, PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED || errno == EINVAL);
}

TEST(resizing_to_nothing_or_with_unknown_flags_is_einval)
{
	char *m = map_anon(PAGE);
	ASSERT(mremap(m, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	ASSERT(mremap(m, PAGE, PAGE, 8) == MAP_FAILED && errno == EINVAL);
	ASSERT(mremap(m + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	ASSERT(mremap(m, PAGE, 2 * PAGE, MREMAP_FIXED, m) == MAP_FAILED && errno == EINVAL);
	ASSERT(mremap(m, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
}

TEST(shrinking_needs_a_mapping_only_where_it_starts)
{
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(munmap(m + 2 * PAGE, PAGE));
	ASSERT(mremap(m, 4 * PAGE, PAGE, 0) == m);
	ASSERT(!page_is_mapped(m + PAGE) && !page_is_mapped(m + 3 * PAGE));
	ASSERT(mremap(m + PAGE, 2 * PAGE, PAGE, 0) == MAP_FAILED && errno == EFAULT);
}

TEST(locked_memory_moves_and_grows_locked)
{
	unsigned char v[4] = {0};
	char *m = map_anon(PAGE);
	ASSERT_OK(mlock(m, PAGE));
	unsigned long long before = status_field("VmLck", 10);
	m = mremap(m, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	ASSERT(m != MAP_FAILED);
	ASSERT_EQ(status_field("VmLck", 10) - before, 12);
	ASSERT_OK(mincore(m, 4 * PAGE, v));
	ASSERT(v[3] & 1);
}

TEST(munmap_rounds_its_length_and_wants_a_page_boundary)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_ERR(munmap(m + 1, PAGE), EINVAL);
	ASSERT_ERR(munmap(m, 0), EINVAL);
	ASSERT_ERR(munmap(m, SIZE_MAX - PAGE), EINVAL);
	ASSERT_OK(munmap(m, 1));
	ASSERT(!page_is_mapped(m) && page_is_mapped(m + PAGE));
}

TEST_MAIN()
