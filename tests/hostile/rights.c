/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest user that takes a descriptor out of the control socket while the sentry has it in
 * there for one mmap, and maps it by itself with more rights than its own open file has.
 *
 * What must hold: no byte of a file changes that this user may only read.
 */
#include "raw.h"

#include <sys/socket.h>
#include <sys/syscall.h>

enum { ROUNDS = 400 };

static volatile int stop;
static char *window; /* where the thief maps what it gets */

struct counts {
	volatile unsigned long got, kept, written;
};
static struct counts *counts; /* shared with the parent */

/* Whatever is descriptor 0 at this moment is the stub's, for its mmap. */
static void try_to_map(void)
{
	long at = raw(SYS_mmap, (uint64_t)window, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, 0, 0);
	if (at != (long)(uintptr_t)window)
		return;
	counts->kept++;
	raw_away = 1;
	if (sigsetjmp(raw_back, 1) == 0) {
		memcpy(window, "stolen", 6);
		counts->written++;
	}
	raw_away = 0;
}

static void *map_what_is_there(void *arg)
{
	(void)arg;
	while (!stop)
		try_to_map();
	return NULL;
}

/* Earlier: the message itself, before the stub has it. */
static void *take_what_comes(void *arg)
{
	char byte[8], room[CMSG_SPACE(sizeof(int))];
	(void)arg;
	while (!stop) {
		struct iovec iov = {byte, sizeof byte};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = room,
				     .msg_controllen = sizeof room};
		if (raw(SYS_recvmsg, STUB_CTL_FD, (uint64_t)&msg, MSG_DONTWAIT, 0, 0, 0) <= 0 ||
		    msg.msg_controllen < CMSG_LEN(sizeof(int)))
			continue;
		counts->got++;
		try_to_map();
		kill(getpid(), SIGKILL); /* the stub waits for it in vain */
	}
	return NULL;
}

/* As NOBODY, in a process of its own: it may end in any way. */
static void steal(int fd, int flags, void *(*thief)(void *))
{
	pthread_t t;
	setresgid(NOBODY, NOBODY, NOBODY);
	setresuid(NOBODY, NOBODY, NOBODY);
	window = mmap(NULL, PAGE, PROT_NONE, ANON_PRIV, -1, 0);
	ASSERT_EQ(pthread_create(&t, NULL, thief, NULL), 0);
	for (int i = 0; i < ROUNDS && !counts->written; i++) {
		char *p = mmap(NULL, PAGE, PROT_READ, flags, fd, 0);
		if (p != MAP_FAILED)
			munmap(p, PAGE);
	}
	stop = 1;
	pthread_join(t, NULL);
}

static const char *const names[] = {"file", "both"};
static void *(*const thieves[])(void *) = {map_what_is_there, take_what_comes};

/* open_as: what the thief has of it.  The verdict is the file's content. */
static void nothing_changes(int own, int (*open_as)(void))
{
	char now[8] = "";
	counts = (struct counts *)map_shared(PAGE);
	for (size_t i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			int fd = open_as();
			ASSERT_OK(fd);
			wait_status(
				SPAWN({ steal(fd, k ? MAP_SHARED : MAP_PRIVATE, thieves[i]); }));
			close(fd);
			ASSERT_EQ(pread(own, now, 6, 0), 6);
			ASSERT(memcmp(now, "intact", 6) == 0);
		}
	if (is_long)
		fprintf(stderr, "# taken %lu, mapped %lu\n", counts->got, counts->kept);
}

static int open_to_read(void)
{
	return open(names[0], O_RDONLY);
}

static int own_file(void)
{
	int fd = open(names[0], O_RDWR | O_CREAT | O_TRUNC, 0644);
	ASSERT_OK(fd);
	ASSERT_EQ(ftruncate(fd, PAGE), 0);
	ASSERT_EQ(pwrite(fd, "intact", 6, 0), 6);
	return fd;
}

TEST(a_file_in_memory_that_may_only_be_read)
{
	need_trap();
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	nothing_changes(own_file(), open_to_read);
}

/* The owner has it mapped for writing meanwhile, so it is a host object for sure. */
TEST(a_file_that_another_has_mapped)
{
	need_trap();
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	int fd = own_file();
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT(p != MAP_FAILED);
	nothing_changes(fd, open_to_read);
	ASSERT(memcmp(p, "intact", 6) == 0);
}

static int sealed;

static int open_sealed(void)
{
	return dup(sealed);
}

/* Open for reading and writing, but nobody may write any more. */
TEST(a_sealed_memfd)
{
	need_trap();
	sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
	ASSERT_OK(sealed);
	ASSERT_OK(fchmod(sealed, 0644));
	ASSERT_EQ(ftruncate(sealed, PAGE), 0);
	ASSERT_EQ(pwrite(sealed, "intact", 6, 0), 6);
	ASSERT_OK(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
	nothing_changes(sealed, open_sealed);
}

/* A second mapping of which only the host knows, kept until the seal says there is none. */
TEST(a_memfd_sealed_by_one_who_still_writes)
{
	need_trap();
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	ASSERT_EQ(ftruncate(fd, 3 * PAGE), 0);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *place = mmap(NULL, PAGE, PROT_NONE, ANON_PRIV, -1, 0);
	ASSERT(p != MAP_FAILED && place != MAP_FAILED);
	memcpy(p + 2 * PAGE, "intact", 6);
	long kept = raw(SYS_mremap, (uint64_t)p + 2 * PAGE, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			(uint64_t)place, 0);
	ASSERT_EQ(kept, (long)(uintptr_t)place);
	ASSERT_OK(munmap(p, 3 * PAGE));
	ASSERT_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT(p != MAP_FAILED);
	memcpy(place, "stolen", 6);
	ASSERT(memcmp(p + 2 * PAGE, "intact", 6) == 0 && p[0] == 0 && p[PAGE] == 0);
	char now[6];
	ASSERT_EQ(pread(fd, now, 6, 2 * PAGE), 6);
	ASSERT(memcmp(now, "intact", 6) == 0);
}

TEST_MAIN()
