/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mem: memory as a debugger sees it, whatever its owner is doing. */
#include "task.h"

static const volatile long constant = 0x0102030405060708;

static int mem_of(pid_t p)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/mem", p);
	int fd = open(name, O_RDWR);
	ASSERT_OK(fd);
	return fd;
}

static void write_constant(pid_t p, long v)
{
	ASSERT_EQ(pwrite(mem_of(p), &v, 8, (off_t)(uintptr_t)&constant), 8);
}

TEST(own_read_only_memory_is_written)
{
	write_constant(getpid(), 7);
	ASSERT_EQ(constant, 7);
}

TEST(a_running_process_is_written_to)
{
	pid_t p = SPAWN({
		while (constant != 7)
			;
	});
	write_constant(p, 7);
	JOIN(p);
	ASSERT_EQ(constant, 0x0102030405060708);
}

TEST(a_sleep_is_not_disturbed)
{
	char c;
	struct gate up = gate_new(), g = gate_new();
	pid_t p = SPAWN({
		/* Signals would end it, even without a handler. */
		struct timespec ts = {100, 0};
		sigset_t s = set_of(SIGUSR1);
		block_signal(SIGUSR1);
		gate_open(up);
		ASSERT_EQ(sigtimedwait(&s, NULL, &ts), SIGUSR1);
		ASSERT_EQ(read(g.fd[0], &c, 1), 1);
		ASSERT_EQ(constant, 8);
	});
	gate_wait(up);
	nap(20);
	write_constant(p, 7);
	ASSERT_OK(kill(p, SIGUSR1));
	nap(20);
	write_constant(p, 8);
	gate_open(g);
	JOIN(p);
}

TEST(a_stopped_process_is_written_to)
{
	int st;
	pid_t p = SPAWN({
		raise(SIGSTOP);
		ASSERT_EQ(constant, 7);
	});
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	write_constant(p, 7);
	ASSERT_OK(kill(p, SIGCONT));
	JOIN(p);
}

TEST(memory_without_any_right_is_read_and_written)
{
	char *m = map_anon(PAGE), buf[16] = "";
	memcpy(m, "secret", 7);
	ASSERT_OK(mprotect(m, PAGE, PROT_NONE));
	int fd = mem_of(getpid());
	ASSERT_EQ(pread(fd, buf, 7, (off_t)(uintptr_t)m), 7);
	ASSERT_EQ(strcmp(buf, "secret"), 0);
	ASSERT_EQ(pwrite(fd, "S", 1, (off_t)(uintptr_t)m), 1);
	ASSERT_OK(mprotect(m, PAGE, PROT_READ));
	ASSERT_EQ(m[0], 'S');
}

TEST(shared_read_only_memory_is_not_written)
{
	test_tmpdir();
	int fd = file_of_pages("f", PAGE);
	ASSERT_OK(close(fd));
	ASSERT_OK(fd = open("f", O_RDONLY));
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT(m != MAP_FAILED);
	ASSERT_ERR(pwrite(mem_of(getpid()), "x", 1, (off_t)(uintptr_t)m), EIO);
}

TEST(transfers_cross_protections_and_end_at_holes)
{
	char *m = map_anon(4 * PAGE), buf[3 * PAGE];
	memset(m, 'a', 4 * PAGE);
	ASSERT_OK(mprotect(m + PAGE, PAGE, PROT_NONE));
	ASSERT_OK(munmap(m + 3 * PAGE, PAGE));
	int fd = mem_of(getpid());
	ASSERT_EQ(pread(fd, buf, 3 * PAGE, (off_t)(uintptr_t)m), 3 * PAGE);
	ASSERT(buf[0] == 'a' && buf[PAGE] == 'a' && buf[3 * PAGE - 1] == 'a');
	ASSERT_EQ(pread(fd, buf, 3 * PAGE, (off_t)(uintptr_t)(m + PAGE)), 2 * PAGE);
	ASSERT_ERR(pread(fd, buf, 1, (off_t)(uintptr_t)(m + 3 * PAGE)), EIO);
}

TEST_MAIN()
