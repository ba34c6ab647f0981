/* SPDX-License-Identifier: Apache-2.0 */
/* process_vm_readv and process_vm_writev. */
#include "task.h"

#include <sys/uio.h>

static char *area;

/* A child with its own copy of area, filled with its letter, alive until killed. */
static pid_t spawn_with(char letter)
{
	struct gate up = gate_new();
	pid_t p = SPAWN({
		memset(area, letter, 2 * PAGE);
		gate_open(up);
		for (;;)
			pause();
	});
	gate_wait(up);
	return p;
}

static struct iovec vec(void *p, size_t n)
{
	return (struct iovec){p, n};
}

TEST(read_from_a_child)
{
	char buf[100];
	area = map_anon(2 * PAGE);
	pid_t p = spawn_with('c');
	struct iovec l = vec(buf, 100), r = vec(area + 50, 100);
	ASSERT_EQ(process_vm_readv(p, &l, 1, &r, 1, 0), 100);
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(buf[i], 'c');
	ASSERT_EQ(area[50], 0);
	kill_and_reap(p);
}

TEST(write_to_a_child)
{
	char buf[100];
	area = map_anon(2 * PAGE);
	pid_t p = spawn_with('c');
	struct iovec l = vec("hello", 5), r = vec(area, 5), back = vec(buf, 6);
	ASSERT_EQ(process_vm_writev(p, &l, 1, &r, 1, 0), 5);
	r.iov_len = 6;
	ASSERT_EQ(process_vm_readv(p, &back, 1, &r, 1, 0), 6);
	ASSERT_EQ(memcmp(buf, "helloc", 6), 0);
	kill_and_reap(p);
}

TEST(vectors_of_different_shape)
{
	char a[30], b[70];
	area = map_anon(2 * PAGE);
	for (size_t i = 0; i < 100; i++)
		area[i] = (char)i;
	struct iovec l[2] = {vec(a, 30), vec(b, 70)};
	struct iovec r[3] = {vec(area, 10), vec(area + 10, 0), vec(area + 10, 90)};
	ASSERT_EQ(process_vm_readv(getpid(), l, 2, r, 3, 0), 100);
	ASSERT(a[29] == 29 && b[0] == 30 && b[69] == 99);
}

TEST(the_shorter_side_decides)
{
	char buf[100];
	memset(buf, 'u', sizeof buf);
	area = map_anon(2 * PAGE);
	struct iovec l = vec(buf, 100), r = vec(area, 40);
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, &r, 1, 0), 40);
	ASSERT_EQ(buf[39], 0);
	ASSERT_EQ(buf[40], 'u');
	r.iov_len = 200;
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, &r, 1, 0), 100);
	ASSERT_EQ(process_vm_readv(getpid(), &l, 0, &r, 1, 0), 0);
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, &r, 0, 0), 0);
}

TEST(a_megabyte)
{
	size_t len = 1 << 20;
	char *from = map_anon(len), *to = map_anon(len);
	for (size_t i = 0; i < len; i += 1000)
		from[i] = (char)(i / 1000);
	struct iovec l = vec(to + 5, len - 5), r = vec(from, len - 5);
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, &r, 1, 0), len - 5);
	ASSERT_EQ(memcmp(to + 5, from, len - 5), 0);
}

TEST(bad_remote_memory_is_efault)
{
	char buf[100];
	area = map_anon(2 * PAGE);
	ASSERT_OK(munmap(area + PAGE, PAGE));
	struct iovec l = vec(buf, 100), r = vec(area + PAGE, 100);
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, &r, 1, 0), EFAULT);
	r.iov_base = (void *)-4096l;
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, &r, 1, 0), EFAULT);
}

TEST(what_was_copied_before_bad_memory_counts)
{
	char buf[100];
	area = map_anon(2 * PAGE);
	ASSERT_OK(munmap(area + PAGE, PAGE));
	struct iovec l = vec(buf, 100), r[2] = {vec(area, 30), vec(area + PAGE, 70)};
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, r, 2, 0), 30);
	r[0] = vec(area + PAGE - 20, 100);
	ASSERT_EQ(process_vm_readv(getpid(), &l, 1, r, 1, 0), 20);
}

TEST(writing_read_only_memory_is_efault)
{
	area = map_at(NULL, PAGE, PROT_READ, ANON_PRIV);
	struct iovec l = vec("x", 1), r = vec(area, 1);
	ASSERT_ERR(process_vm_writev(getpid(), &l, 1, &r, 1, 0), EFAULT);
}

TEST(argument_errors)
{
	char buf[8];
	static struct iovec many[1025];
	struct iovec l = vec(buf, 8), huge = vec(buf, SIZE_MAX);
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, &l, 1, 1), EINVAL);
	ASSERT_ERR(process_vm_readv(getpid(), many, 1025, &l, 1, 0), EINVAL);
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, many, 1025, 0), EINVAL);
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, &huge, 1, 0), EINVAL);
	ASSERT_ERR(process_vm_readv(getpid(), &huge, 1, &l, 1, 0), EINVAL);
	ASSERT_ERR(process_vm_readv(getpid(), (struct iovec *)1, 1, &l, 1, 0), EFAULT);
	ASSERT_ERR(process_vm_readv(getpid(), &l, 1, (struct iovec *)1, 1, 0), EFAULT);
	ASSERT_ERR(process_vm_readv(dead_pid(), &l, 1, &l, 1, 0), ESRCH);
}

TEST(another_users_process_is_eperm)
{
	char buf[8];
	struct iovec l = vec(buf, 8);
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(process_vm_readv(me, &l, 1, &l, 1, 0), EPERM);
		ASSERT_ERR(process_vm_writev(me, &l, 1, &l, 1, 0), EPERM);
	}));
}

TEST(a_write_breaks_copy_on_write)
{
	area = map_anon(2 * PAGE);
	area[0] = 'p';
	pid_t p = SPAWN({ pause(); });
	struct iovec l = vec("c", 1), r = vec(area, 1);
	ASSERT_EQ(process_vm_writev(p, &l, 1, &r, 1, 0), 1);
	ASSERT_EQ(area[0], 'p');
	kill_and_reap(p);
}

TEST_MAIN()
