/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfd_create(2) and file seals.
 */
#include "fs.h"

#include <pthread.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC	16U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

enum { ROUNDS = 3000 };

static int sealable(size_t size)
{
	int fd = memfd_create("m", MFD_ALLOW_SEALING);
	ASSERT_OK(fd);
	ASSERT_OK(ftruncate(fd, (off_t)size));
	return fd;
}

TEST(memfd_is_a_file_without_a_name)
{
	char name[64], got[64] = "", c;
	struct stat st;
	int fd = memfd_create("hello", 0);
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_EQ(pread(fd, &c, 1, 0), 1);
	ASSERT_OK(fstat(fd, &st));
	ASSERT(S_ISREG(st.st_mode));
	ASSERT_EQ(st.st_size, 1);
	ASSERT_EQ(st.st_nlink, 0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ASSERT(readlink(name, got, 63) > 0);
	ASSERT_STR(got, "/memfd:hello (deleted)");
}

TEST(memfd_names)
{
	char name[300];
	memset(name, 'n', sizeof name);
	name[249] = 0;
	ASSERT_OK(memfd_create(name, 0));
	name[249] = 'n';
	name[250] = 0;
	ASSERT_ERR(memfd_create(name, 0), EINVAL);
	ASSERT_OK(memfd_create("", 0));
	ASSERT_ERR(memfd_create(bad_ptr, 0), EFAULT);
}

TEST(memfd_flags)
{
	ASSERT_ERR(memfd_create("m", 0x40), EINVAL);
	ASSERT_EQ(fcntl(memfd_create("m", MFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(memfd_create("m", 0), F_GETFL) & O_ACCMODE, O_RDWR);
}

TEST(memfd_without_allow_sealing_is_sealed_against_sealing)
{
	int fd = memfd_create("m", 0);
	ASSERT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

TEST(memfd_seals_add_up)
{
	int fd = sealable(0);
	ASSERT_EQ(fcntl(fd, F_GET_SEALS), 0);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	ASSERT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

TEST(memfd_seal_shrink_and_grow)
{
	int fd = sealable(4096);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	ASSERT_ERR(ftruncate(fd, 100), EPERM);
	ASSERT_OK(ftruncate(fd, 8192));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	ASSERT_ERR(ftruncate(fd, 8193), EPERM);
	ASSERT_OK(ftruncate(fd, 8192));
	ASSERT_ERR(fallocate(fd, 0, 8192, 1), EPERM);
	ASSERT_ERR(pwrite(fd, "x", 1, 8192), EPERM);
	ASSERT_EQ(pwrite(fd, "x", 1, 0), 1);
}

TEST(memfd_seal_write)
{
	int fd = sealable(4096);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	ASSERT_ERR(write(fd, "x", 1), EPERM);
	ASSERT(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	ASSERT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	ASSERT(mmap(NULL, 4096, PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

TEST(memfd_seal_write_with_a_writable_mapping_is_ebusy)
{
	int fd = sealable(4096);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	ASSERT_OK(munmap(p, 4096));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(memfd_seal_write_forbids_mprotect)
{
	int fd = sealable(4096);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	ASSERT_ERR(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
}

TEST(memfd_seal_future_write_spares_old_mappings)
{
	int fd = sealable(4096);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'y';
	ASSERT_ERR(write(fd, "x", 1), EPERM);
	ASSERT(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
}

TEST(memfd_sealing_needs_a_writable_fd)
{
	char name[64];
	int fd = sealable(0);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int r = open(name, O_RDONLY);
	ASSERT_OK(r);
	ASSERT_ERR(fcntl(r, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	ASSERT_EQ(fcntl(r, F_GET_SEALS), 0);
}

TEST(memfd_seals_are_of_the_file_not_the_fd)
{
	int fd = sealable(0), d = dup(fd);
	ASSERT_OK(fcntl(d, F_ADD_SEALS, F_SEAL_GROW));
	ASSERT_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW);
}

TEST(memfd_mapping_is_shared_with_a_child)
{
	int fd = sealable(4096);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	JOIN(SPAWN({ p[5] = 'q'; }));
	ASSERT_EQ(p[5], 'q');
	char c;
	ASSERT_EQ(pread(fd, &c, 1, 5), 1);
	ASSERT_EQ(c, 'q');
}

TEST(memfd_noexec_seal)
{
	struct stat st;
	int fd = memfd_create("m", MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		SKIP("kernel before 6.3");
	ASSERT_OK(fd);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_mode & 0777, 0666);
	ASSERT_EQ(fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC, F_SEAL_EXEC);
	ASSERT_ERR(fchmod(fd, 0777), EPERM);
	ASSERT_ERR(memfd_create("m", MFD_NOEXEC_SEAL | MFD_EXEC), EINVAL);
}

/* Each round one of two wins: the seal, or the mapping that could be written. */
static int contested;
static pthread_barrier_t turn;

static void *seals(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&turn);
		*(volatile long *)arg = fcntl(contested, F_ADD_SEALS, F_SEAL_WRITE) == 0;
		pthread_barrier_wait(&turn);
	}
	return NULL;
}

static void seal_against_mapping(int prot)
{
	static volatile long sealed;
	pthread_t thread;
	ASSERT_EQ(pthread_barrier_init(&turn, NULL, 2), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, seals, (void *)&sealed), 0);
	for (int i = 0; i < ROUNDS; i++) {
		contested = sealable(4096);
		pthread_barrier_wait(&turn);
		char *p = mmap(NULL, 4096, prot, MAP_SHARED, contested, 0);
		/* What was mapped to be read may be written once mprotect allows it. */
		int may_write = p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0;
		pthread_barrier_wait(&turn);
		ASSERT(!(sealed && may_write));
		ASSERT(sealed || may_write);
		if (p != MAP_FAILED)
			ASSERT_OK(munmap(p, 4096));
		ASSERT_OK(close(contested));
	}
	ASSERT_EQ(pthread_join(thread, NULL), 0);
}

TEST(memfd_seal_write_and_a_mapping_exclude_each_other)
{
	seal_against_mapping(PROT_READ | PROT_WRITE);
}

TEST(memfd_seal_write_and_a_mapping_that_may_become_writable)
{
	seal_against_mapping(PROT_READ);
}

TEST(memfd_seal_write_waits_for_the_last_mapping)
{
	int fd = sealable(4 * 4096);
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	/* Cut, moved, copied by fork: each piece counts. */
	ASSERT_OK(munmap(p + 4096, 4096));
	ASSERT_OK(mprotect(p + 2 * 4096, 4096, PROT_READ));
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	int gate[2];
	char c;
	ASSERT_OK(pipe(gate));
	pid_t child = SPAWN({
		close(gate[1]);
		ASSERT_EQ(read(gate[0], &c, 1), 0);
	});
	char *q = mremap(p + 3 * 4096, 4096, 2 * 4096, MREMAP_MAYMOVE);
	ASSERT(q != MAP_FAILED);
	ASSERT_OK(munmap(p, 3 * 4096));
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	ASSERT_OK(munmap(q, 2 * 4096));
	ASSERT_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	ASSERT_OK(close(gate[1]));
	JOIN(child);
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	/* A private one never could. */
	ASSERT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	ASSERT_ERR(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, EPERM);
}

/* Holes of a file that is mapped, larger than memory, or full of zeros. */
static char *map_at(int fd, off_t off)
{
	char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off);
	ASSERT(m != MAP_FAILED);
	return m;
}

TEST(memfd_knows_what_was_written)
{
	const off_t far = 5l << 30;
	int fd = sealable((size_t)far + 8192);
	ASSERT_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	ASSERT_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	ASSERT_EQ(pwrite(fd, "x", 1, far), 1);
	ASSERT_EQ(lseek(fd, 0, SEEK_DATA), far);
	ASSERT_EQ(lseek(fd, far, SEEK_HOLE), far + 4096);
	map_at(fd, 8192)[17] = 'y';
	ASSERT_EQ(lseek(fd, 0, SEEK_DATA), 8192);
	ASSERT_EQ(lseek(fd, 8192, SEEK_HOLE), 8192 + 4096);
	ASSERT_EQ(lseek(fd, 8192 + 4096, SEEK_DATA), far);
}

TEST(memfd_of_many_bytes_knows_its_holes)
{
	int fd = sealable(64 << 20);
	char buf[65536];
	memset(buf, 'x', sizeof buf);
	for (int i = 0; i < 160; i++)
		ASSERT_EQ(pwrite(fd, buf, sizeof buf, (16 << 20) + i * (off_t)sizeof buf), sizeof buf);
	ASSERT_EQ(lseek(fd, 0, SEEK_DATA), 16 << 20);
	ASSERT_EQ(lseek(fd, 16 << 20, SEEK_HOLE), 26 << 20);
	ASSERT_ERR(lseek(fd, 26 << 20, SEEK_DATA), ENXIO);
	ASSERT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20 << 20, 1 << 20));
	ASSERT_EQ(lseek(fd, 16 << 20, SEEK_HOLE), 20 << 20);
	ASSERT_EQ(lseek(fd, 20 << 20, SEEK_DATA), 21 << 20);
	ASSERT_EQ(pwrite(fd, "x", 1, 20 << 20), 1);
	ASSERT_EQ(lseek(fd, 20 << 20, SEEK_HOLE), (20 << 20) + 4096);
	ASSERT_OK(ftruncate(fd, 18 << 20));
	ASSERT_OK(ftruncate(fd, 64 << 20));
	ASSERT_EQ(lseek(fd, 16 << 20, SEEK_HOLE), 18 << 20);
	ASSERT_ERR(lseek(fd, 18 << 20, SEEK_DATA), ENXIO);
}

TEST(memfd_mapping_that_has_grown_is_seen)
{
	int fd = sealable(1 << 20);
	char *m = map_at(fd, 4096);
	m = mremap(m, 4096, 65536, MREMAP_MAYMOVE);
	ASSERT(m != MAP_FAILED);
	m[32768] = 'x';
	ASSERT_EQ(lseek(fd, 0, SEEK_DATA), 4096 + 32768);
	ASSERT_EQ(lseek(fd, 4096 + 32768, SEEK_HOLE), 8192 + 32768);
}

TEST_MAIN()
