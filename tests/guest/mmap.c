/* SPDX-License-Identifier: Apache-2.0 */
/* mmap and munmap: placement, sharing, splitting, files and their ends, and the errors. */
#include "task.h"

#include <sys/resource.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static void *map_file(int fd, size_t len, int prot, int flags, off_t at)
{
	void *p = mmap(NULL, len, prot, flags, fd, at);
	ASSERT(p != MAP_FAILED);
	return p;
}

#define NO_MAP(err, ...)                                                                           \
	do {                                                                                       \
		ASSERT(mmap(__VA_ARGS__) == MAP_FAILED);                                           \
		ASSERT_EQ(errno, err);                                                             \
	} while (0)

TEST(anonymous_memory_is_zero)
{
	unsigned char *m = (unsigned char *)map_anon(1 << 20);
	for (size_t i = 0; i < 1 << 20; i++)
		ASSERT_EQ(m[i], 0);
}

TEST(the_length_is_rounded_up_to_pages)
{
	char *m = map_anon(1);
	m[PAGE - 1] = 1;
	ASSERT_OK(munmap(m, 1));
	ASSERT(!page_is_mapped(m));
}

TEST(mappings_are_page_aligned_and_do_not_overlap)
{
	char *m[50];
	for (int i = 0; i < 50; i++) {
		m[i] = map_anon(3 * PAGE);
		ASSERT_EQ((uintptr_t)m[i] % PAGE, 0);
		memset(m[i], i, 3 * PAGE);
	}
	for (int i = 0; i < 50; i++)
		ASSERT(m[i][0] == i && m[i][3 * PAGE - 1] == i);
}

TEST(argument_errors)
{
	int fd = open("/dev/zero", O_RDWR);
	NO_MAP(EINVAL, NULL, 0, RW, ANON_PRIV, -1, 0);
	NO_MAP(EINVAL, NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0);
	NO_MAP(EINVAL, NULL, PAGE, RW, MAP_PRIVATE, fd, 1);
	NO_MAP(EINVAL, NULL, PAGE, RW, ANON_PRIV, -1, 100);
	NO_MAP(EBADF, NULL, PAGE, RW, MAP_PRIVATE, -1, 0);
	NO_MAP(EBADF, NULL, PAGE, RW, MAP_PRIVATE, 999, 0);
	NO_MAP(ENOMEM, NULL, SIZE_MAX, RW, ANON_PRIV, -1, 0);
	NO_MAP(ENOMEM, NULL, 1ul << 47, PROT_NONE, ANON_PRIV, -1, 0);
}

TEST(the_descriptor_is_checked_before_the_length)
{
	NO_MAP(EBADF, NULL, 0, RW, MAP_PRIVATE, 999, 0);
}

TEST(an_offset_that_overflows_is_eoverflow)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	NO_MAP(EOVERFLOW, NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, -(off_t)PAGE);
}

TEST(fixed_addresses)
{
	NO_MAP(EINVAL, (void *)123, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
	NO_MAP(ENOMEM, (void *)(1ul << 47), PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
	NO_MAP(ENOMEM, (void *)-PAGE, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
	char *m = map_anon(PAGE);
	ASSERT(map_at(m, PAGE, RW, ANON_PRIV | MAP_FIXED) == m);
}

TEST(the_last_user_page_cannot_be_mapped)
{
	void *last = (void *)((1ul << 47) - PAGE);
	NO_MAP(ENOMEM, last, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
	void *before = (void *)((1ul << 47) - 2 * PAGE);
	NO_MAP(ENOMEM, before, 2 * PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
}

TEST(a_low_page_needs_mmap_min_addr)
{
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		NO_MAP(EPERM, NULL, PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
	}));
}

TEST(a_free_hint_is_taken)
{
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(munmap(m, 4 * PAGE));
	ASSERT(map_at(m + PAGE, PAGE, RW, ANON_PRIV) == m + PAGE);
}

TEST(an_unaligned_hint_is_rounded_down)
{
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(munmap(m, 4 * PAGE));
	ASSERT(map_at(m + PAGE + 5, PAGE, RW, ANON_PRIV) == m + PAGE);
}

TEST(a_taken_hint_is_ignored)
{
	char *m = map_anon(PAGE);
	m[0] = 1;
	ASSERT(map_at(m, PAGE, RW, ANON_PRIV) != m);
	ASSERT_EQ(m[0], 1);
}

TEST(fixed_replaces_what_is_there)
{
	char *m = map_anon(3 * PAGE);
	memset(m, 5, 3 * PAGE);
	map_at(m + PAGE, PAGE, RW, ANON_PRIV | MAP_FIXED);
	ASSERT_EQ(m[PAGE - 1], 5);
	ASSERT_EQ(m[PAGE], 0);
	ASSERT_EQ(m[2 * PAGE - 1], 0);
	ASSERT_EQ(m[2 * PAGE], 5);
}

TEST(fixed_noreplace_does_not)
{
	char *m = map_anon(3 * PAGE);
	int flags = ANON_PRIV | MAP_FIXED_NOREPLACE;
	NO_MAP(EEXIST, m + PAGE, PAGE, RW, flags, -1, 0);
	NO_MAP(EEXIST, m - PAGE, 2 * PAGE, RW, flags, -1, 0);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	NO_MAP(EEXIST, m + PAGE, 2 * PAGE, RW, flags, -1, 0);
	ASSERT(map_at(m + PAGE, PAGE, RW, flags) == m + PAGE);
}

TEST(bad_arguments_of_a_fixed_mapping_leave_no_hole)
{
	char *m = map_anon(PAGE);
	m[0] = 3;
	NO_MAP(EBADF, m, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 999, 0);
	ASSERT_EQ(m[0], 3);
}

TEST(munmap_in_the_middle_leaves_two_ends)
{
	char *m = map_anon(5 * PAGE);
	memset(m, 9, 5 * PAGE);
	ASSERT_OK(munmap(m + 2 * PAGE, PAGE));
	ASSERT(page_is_mapped(m + PAGE) && page_is_mapped(m + 3 * PAGE));
	ASSERT(!page_is_mapped(m + 2 * PAGE));
	ASSERT_EQ(m[2 * PAGE - 1], 9);
	ASSERT_EQ(m[3 * PAGE], 9);
}

TEST(munmap_spans_several_areas_and_holes)
{
	char *m = map_anon(6 * PAGE);
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_OK(mprotect(m + 3 * PAGE, PAGE, PROT_READ));
	ASSERT_OK(munmap(m, 6 * PAGE));
	for (size_t i = 0; i < 6; i++)
		ASSERT(!page_is_mapped(m + i * PAGE));
}

TEST(munmap_of_nothing_succeeds)
{
	char *m = map_anon(PAGE);
	ASSERT_OK(munmap(m, PAGE));
	ASSERT_OK(munmap(m, PAGE));
}

TEST(munmap_errors)
{
	char *m = map_anon(2 * PAGE);
	ASSERT_ERR(munmap(m + 1, PAGE), EINVAL);
	ASSERT_ERR(munmap(m, 0), EINVAL);
	ASSERT_ERR(munmap(m, SIZE_MAX), EINVAL);
	ASSERT_ERR(munmap((void *)-PAGE, PAGE), EINVAL);
	ASSERT_ERR(munmap((void *)(1ul << 47), PAGE), EINVAL);
	ASSERT(page_is_mapped(m));
}

TEST(a_shared_file_mapping_writes_the_file)
{
	char c;
	test_tmpdir();
	int fd = file_of_pages("f", 2 * PAGE);
	char *m = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	ASSERT_EQ(m[PAGE], 'b');
	m[PAGE + 1] = 'Z';
	ASSERT_EQ(pread(fd, &c, 1, PAGE + 1), 1);
	ASSERT_EQ(c, 'Z');
	ASSERT_EQ(pwrite(fd, "Y", 1, 5), 1);
	ASSERT_EQ(m[5], 'Y');
}

TEST(a_private_file_mapping_does_not)
{
	char c;
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	m[1] = 'Z';
	ASSERT_EQ(pread(fd, &c, 1, 1), 1);
	ASSERT_EQ(c, 'a');
	ASSERT_EQ(pwrite(fd, "Y", 1, 2), 1);
	ASSERT_EQ(m[1], 'Z');
}

TEST(two_shared_mappings_are_one_memory)
{
	test_tmpdir();
	int fd = file_of_pages("f", 2 * PAGE);
	char *a = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	char *b = map_file(fd, PAGE, RW, MAP_SHARED, PAGE);
	a[PAGE + 7] = '!';
	ASSERT_EQ(b[7], '!');
	int other = open("f", O_RDWR);
	char *c = map_file(other, PAGE, PROT_READ, MAP_SHARED, PAGE);
	ASSERT_EQ(c[7], '!');
}

TEST(a_mapping_outlives_its_descriptor_and_name)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	close(fd);
	ASSERT_OK(unlink("f"));
	ASSERT_EQ(m[100], 'a');
	m[100] = 'b';
	ASSERT_EQ(m[100], 'b');
}

TEST(the_rest_of_the_last_page_is_zero_and_not_written)
{
	struct stat st;
	test_tmpdir();
	int fd = file_of_pages("f", 10);
	char *m = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	ASSERT_EQ(m[9], 'a');
	for (size_t i = 10; i < PAGE; i++)
		ASSERT_EQ(m[i], 0);
	m[20] = 'x';
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_size, 10);
}

TEST(a_file_that_grows_becomes_visible)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);
	ASSERT_EQ(pwrite(fd, "later", 5, PAGE), 5);
	ASSERT_EQ(memcmp(m + PAGE, "later", 5), 0);
}

TEST(a_truncated_file_reads_zero_after_the_cut)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	char *m = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);
	ASSERT_EQ(m[200], 'a');
	ASSERT_OK(ftruncate(fd, 100));
	ASSERT_EQ(m[99], 'a');
	ASSERT_EQ(m[200], 0);
}

TEST(the_open_mode_limits_the_mapping)
{
	test_tmpdir();
	close(file_of_pages("f", PAGE));
	int r = open("f", O_RDONLY), w = open("f", O_WRONLY), p = open("f", O_PATH);
	NO_MAP(EACCES, NULL, PAGE, RW, MAP_SHARED, r, 0);
	NO_MAP(EACCES, NULL, PAGE, PROT_WRITE, MAP_SHARED, w, 0);
	NO_MAP(EACCES, NULL, PAGE, PROT_READ, MAP_PRIVATE, w, 0);
	NO_MAP(EBADF, NULL, PAGE, PROT_READ, MAP_PRIVATE, p, 0);
	char *m = map_file(r, PAGE, RW, MAP_PRIVATE, 0);
	m[0] = 'x';
	ASSERT_ERR(mprotect(map_file(r, PAGE, PROT_READ, MAP_SHARED, 0), PAGE, RW), EACCES);
}

TEST(things_that_cannot_be_mapped)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	NO_MAP(ENODEV, NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/tmp", O_RDONLY), 0);
	NO_MAP(EACCES, NULL, PAGE, RW, MAP_SHARED, fd[0], 0);
	NO_MAP(ENODEV, NULL, PAGE, PROT_READ, MAP_SHARED, fd[0], 0);
	NO_MAP(ENODEV, NULL, PAGE, PROT_READ, MAP_SHARED, open("/dev/null", O_RDONLY), 0);
}

TEST(dev_zero_is_anonymous_memory)
{
	int fd = open("/dev/zero", O_RDWR);
	char *m = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	ASSERT_EQ(m[77], 0);
	volatile char *s = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	JOIN(SPAWN({ s[0] = 7; }));
	ASSERT_EQ(s[0], 7);
	char *t = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	ASSERT_EQ(t[0], 0);
}

TEST(a_mapping_beyond_the_end_can_be_made)
{
	test_tmpdir();
	int fd = file_of_pages("f", 10);
	char *m = map_file(fd, PAGE, RW, MAP_SHARED, 16 * PAGE);
	ASSERT_OK(ftruncate(fd, 17 * PAGE));
	m[3] = 'q';
	ASSERT_EQ(m[3], 'q');
}

TEST(map_shared_validate_refuses_unknown_flags)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	NO_MAP(EOPNOTSUPP, NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x200000, fd, 0);
	map_file(fd, PAGE, RW, MAP_SHARED_VALIDATE, 0);
	map_file(fd, PAGE, RW, MAP_SHARED | 0x200000, 0);
}

TEST(map_32bit_is_below_2g)
{
	char *m = map_at(NULL, PAGE, RW, ANON_PRIV | MAP_32BIT);
	ASSERT((uintptr_t)m + PAGE <= 1ul << 31);
	m[0] = 1;
}

TEST(populate_noreserve_and_stack_are_accepted)
{
	char *m = map_at(NULL, 8 * PAGE, RW, ANON_PRIV | MAP_POPULATE);
	unsigned char v[8];
	ASSERT_OK(mincore(m, 8 * PAGE, v));
	for (int i = 0; i < 8; i++)
		ASSERT(v[i] & 1);
	map_at(NULL, 1ul << 36, RW, ANON_PRIV | MAP_NORESERVE);
	map_at(NULL, PAGE, RW, ANON_PRIV | MAP_STACK);
}

TEST(code_can_be_written_and_run)
{
	unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	char *m = map_at(NULL, PAGE, RW | PROT_EXEC, ANON_PRIV);
	memcpy(m, code, sizeof code);
	int (*fn)(void) = (int (*)(void))(void *)m;
	ASSERT_EQ(fn(), 42);
	m[1] = 43;
	ASSERT_EQ(fn(), 43);
}

TEST(writable_without_read_can_be_read_on_x86)
{
	char *m = map_at(NULL, PAGE, PROT_WRITE, ANON_PRIV);
	m[0] = 4;
	ASSERT_EQ(*(volatile char *)m, 4);
}

TEST(a_grows_down_area_grows)
{
	char *m = map_anon(600 * PAGE);
	ASSERT_OK(munmap(m, 600 * PAGE));
	char *top = map_at(m + 599 * PAGE, PAGE, RW, ANON_PRIV | MAP_FIXED | MAP_GROWSDOWN);
	*(volatile char *)(top - 1) = 1;
	*(volatile char *)(top - 5 * PAGE) = 2;
	ASSERT_EQ(top[-1], 1);
	ASSERT_EQ(top[-3 * (long)PAGE], 0);
}

/* Finds the line of /proc/self/maps that begins at addr. */
static int find_area(void *addr, char *line, size_t size)
{
	FILE *f = fopen("/proc/self/maps", "re");
	ASSERT(f);
	while (fgets(line, (int)size, f))
		if (strtoul(line, NULL, 16) == (uintptr_t)addr) {
			fclose(f);
			return 1;
		}
	fclose(f);
	return 0;
}

TEST(proc_maps_shows_protection_and_sharing)
{
	char line[512], want[128];
	test_tmpdir();
	int fd = file_of_pages("some-name", 4 * PAGE);
	char *m = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, PAGE);
	ASSERT(find_area(m, line, sizeof line));
	snprintf(want, sizeof want, "%lx-%lx r--s 00001000 ", (unsigned long)m,
		 (unsigned long)m + 2 * PAGE);
	ASSERT_EQ(strncmp(line, want, strlen(want)), 0);
	ASSERT(strstr(line, "/some-name\n"));
}

TEST(proc_maps_shows_a_split)
{
	char line[512];
	char *m = map_anon(20 * PAGE);
	/* Neighbours of other kinds, so that nothing merges with what was there. */
	map_at(m, PAGE, PROT_NONE, ANON_SHR | MAP_FIXED);
	map_at(m + 19 * PAGE, PAGE, PROT_NONE, ANON_SHR | MAP_FIXED);
	ASSERT(find_area(m + PAGE, line, sizeof line));
	ASSERT(!find_area(m + 5 * PAGE, line, sizeof line));
	ASSERT_OK(mprotect(m + 5 * PAGE, PAGE, PROT_READ));
	ASSERT(find_area(m + 5 * PAGE, line, sizeof line));
	ASSERT(strstr(line, " r--p "));
	ASSERT(find_area(m + 6 * PAGE, line, sizeof line));
	ASSERT_OK(mprotect(m + 5 * PAGE, PAGE, RW));
	ASSERT(!find_area(m + 5 * PAGE, line, sizeof line));
	ASSERT(!find_area(m + 6 * PAGE, line, sizeof line));
}

TEST(a_thousand_areas)
{
	char *m = map_at(NULL, 2000 * PAGE, PROT_NONE, ANON_PRIV);
	for (size_t i = 0; i < 2000; i += 2) {
		ASSERT_OK(mprotect(m + i * PAGE, PAGE, RW));
		m[i * PAGE] = (char)i;
	}
	for (size_t i = 0; i < 2000; i += 2)
		ASSERT_EQ(m[i * PAGE], (char)i);
	ASSERT_OK(munmap(m, 2000 * PAGE));
}

TEST(shared_anonymous_memory_is_zero_past_what_the_child_touched)
{
	volatile char *m = map_shared(16 * PAGE);
	JOIN(SPAWN({ m[8 * PAGE] = 1; }));
	ASSERT_EQ(m[8 * PAGE], 1);
	ASSERT_EQ(m[9 * PAGE], 0);
	ASSERT_OK(munmap((void *)(m + 8 * PAGE), PAGE));
	ASSERT_EQ(m[7 * PAGE], 0);
}

/* A shared mapping of a file that is open for reading shows what others write, wherever it goes. */
static char *read_only_view(int *out_writer, size_t size)
{
	int fd;
	test_tmpdir();
	*out_writer = open("f", O_RDWR | O_CREAT, 0600);
	ASSERT_OK(*out_writer);
	ASSERT_OK(ftruncate(*out_writer, (off_t)size));
	fd = open("f", O_RDONLY);
	ASSERT_OK(fd);
	char *m = map_file(fd, size, PROT_READ, MAP_SHARED, 0);
	ASSERT_OK(close(fd));
	return m;
}

TEST(shared_read_only_view_follows_the_file)
{
	int w;
	volatile char *m = read_only_view(&w, 3 * PAGE);
	ASSERT_EQ(m[0] + m[PAGE], 0);
	ASSERT_EQ(pwrite(w, "a", 1, 0), 1);
	ASSERT_EQ(m[0], 'a');
	char *other = map_file(w, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	other[PAGE] = 'b';
	ASSERT_EQ(m[PAGE], 'b');
	JOIN(SPAWN({
		ASSERT_EQ(m[PAGE], 'b');
		other[PAGE] = 'c';
		ASSERT_EQ(m[PAGE], 'c');
	}));
	ASSERT_EQ(m[PAGE], 'c');
	ASSERT_ERR(mprotect((void *)(uintptr_t)m, PAGE, PROT_READ | PROT_WRITE), EACCES);
	ASSERT_OK(ftruncate(w, PAGE));
	ASSERT_OK(ftruncate(w, 3 * PAGE));
	ASSERT_EQ(m[PAGE], 0);
}

TEST(shared_read_only_view_can_be_moved_and_doubled)
{
	int w;
	volatile char *m = read_only_view(&w, 3 * PAGE);
	volatile char *twice = mremap((void *)(uintptr_t)(m + PAGE), 0, PAGE, MREMAP_MAYMOVE);
	ASSERT(twice != MAP_FAILED);
	ASSERT_EQ(pwrite(w, "x", 1, PAGE), 1);
	ASSERT_EQ(m[PAGE], 'x');
	ASSERT_EQ(twice[0], 'x');
	volatile char *moved = mremap((void *)(uintptr_t)m, PAGE * 3, PAGE * 3, MREMAP_MAYMOVE | 4);
	ASSERT(moved != MAP_FAILED || errno == EINVAL); /* MREMAP_DONTUNMAP of files: since 5.13 */
	if (moved != MAP_FAILED) {
		ASSERT_EQ(pwrite(w, "y", 1, 2 * PAGE), 1);
		ASSERT_EQ(m[2 * PAGE], 'y');
		ASSERT_EQ(moved[2 * PAGE], 'y');
	}
	ASSERT_ERR(mprotect((void *)(uintptr_t)twice, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

TEST_MAIN()
