/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a guest under the ptrace platform: mappings, files, copies. */
#include "tests/unit/platform_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "platform/ptrace/ptrace.h"

GUEST(loop, "1: mov $39, %eax; syscall; jmp 1b");

static int count_maps(struct guest *g)
{
	char path[64], line[512];
	int n = 0;
	snprintf(path, sizeof path, "/proc/%d/maps", g->as->pid);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		n += !strstr(line, "[vsyscall]");
	fclose(f);
	return n;
}

/* Descriptors of the stub: a bit each. */
static unsigned fds_of(int pid)
{
	unsigned mask = 0;
	for (int fd = 0; fd < 32; fd++) {
		char path[64], target[64];
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
		if (readlink(path, target, sizeof target) > 0)
			mask |= 1u << fd;
	}
	return mask;
}

static int file_with(const char *text)
{
	int fd = -1;
	assert_int_equal(host_memfd("test", &fd), 0);
	assert_int_equal(host_ftruncate(fd, 2 * PAGE_SIZE), 0);
	assert_int_equal(host_pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

static void test_clean(void **state)
{
	(void)state;
	struct guest g = {0};
	assert_int_equal(P->aspace_new(NULL, &g.as, &g.c), 0);
	assert_int_equal(count_maps(&g), 2); /* the stub's text and data */
	assert_int_equal(fds_of(g.as->pid), 1u << 3);
	assert_int_equal(P->ctx_adopt(g.c), 0);
	guest_load(&g, loop, loop_end);
	assert_true(count_maps(&g) > 2);
	assert_int_equal(P->aspace_reset(g.c), 0);
	assert_int_equal(count_maps(&g), 2);
	guest_end(&g);
}

static void test_map(void **state)
{
	(void)state;
	struct guest g;
	uint64_t v = 7, out = 0;
	unsigned char vec[4];
	guest_start(&g, loop);
	assert_int_equal(map_anon(g.c, 0x10000000, 4 * PAGE_SIZE, 3), 0);
	poke(g.as, 0x10000000, &v, sizeof v);
	assert_int_equal(P->mincore(g.c, 0x10000000, 4 * PAGE_SIZE, vec), 0);
	assert_int_equal(vec[0] & 1, 1);
	assert_int_equal(vec[3] & 1, 0);
	assert_int_equal(P->remap(g.c, 0x10000000, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0x20000000), 0);
	assert_int_equal(peek(g.as, 0x10000000, &out, sizeof out), -EFAULT);
	assert_int_equal(peek(g.as, 0x20000000, &out, sizeof out), sizeof out);
	assert_int_equal(out, 7);
	assert_int_equal(P->remap(g.c, 0x20000000, 8 * PAGE_SIZE, PAGE_SIZE, 0x20000000), 0);
	assert_int_equal(peek(g.as, 0x20001000, &out, sizeof out), -EFAULT);
	assert_int_equal(P->advise(g.c, 0x20000000, PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(peek(g.as, 0x20000000, &out, sizeof out), sizeof out);
	assert_int_equal(out, 0);
	assert_int_equal(P->protect(g.c, 0x20000000, PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(peek(g.as, 0x20000000, &out, sizeof out), -EFAULT);
	assert_int_equal(P->unmap(g.c, 0x20000000, PAGE_SIZE), 0);
	assert_int_equal(P->mincore(g.c, 0x20000000, PAGE_SIZE, vec), -ENOMEM);
	assert_int_equal(P->protect(g.c, 0x20000000, PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	guest_end(&g);
}

static void test_mincore_pieces(void **state)
{
	(void)state;
	struct guest g;
	enum { PAGES = 2 * STUB_VEC_MAX + 5 };
	static unsigned char vec[PAGES];
	guest_start(&g, loop);
	assert_int_equal(map_anon(g.c, 0x10000000, PAGES * PAGE_SIZE, 3), 0);
	poke(g.as, 0x10000000 + (PAGES - 1) * PAGE_SIZE, "x", 1);
	assert_int_equal(P->mincore(g.c, 0x10000000, PAGES * PAGE_SIZE, vec), 0);
	for (int i = 0; i < PAGES - 1; i++)
		assert_int_equal(vec[i] & 1, 0);
	assert_int_equal(vec[PAGES - 1] & 1, 1);
	guest_end(&g);
}

/* The stub's pages, and ranges that reach or wrap into them, are nobody's business. */
static void test_bounds(void **state)
{
	(void)state;
	struct guest g;
	char c = 0;
	const uint64_t base = ptrace_host.base;
	guest_start(&g, loop);
	assert_int_equal(map_anon(g.c, base, PAGE_SIZE, 7), -EINVAL);
	assert_int_equal(map_anon(g.c, USER_TOP - PAGE_SIZE, 2 * PAGE_SIZE, 3), -EINVAL);
	assert_int_equal(map_anon(g.c, 0x1000, ~0ull & PAGE_MASK, 3), -EINVAL);
	assert_int_equal(map_anon(g.c, 0x1001, PAGE_SIZE, 3), -EINVAL);
	assert_int_equal(map_anon(g.c, 0x10000, 0, 3), -EINVAL);
	assert_int_equal(P->unmap(g.c, 0, base + PAGE_SIZE), -EINVAL);
	assert_int_equal(P->protect(g.c, base, PAGE_SIZE, 7), -EINVAL);
	assert_int_equal(P->advise(g.c, base, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(P->remap(g.c, CODE, PAGE_SIZE, PAGE_SIZE, base), -EINVAL);
	assert_int_equal(P->remap(g.c, base, PAGE_SIZE, PAGE_SIZE, CODE), -EINVAL);
	assert_int_equal(peek(g.as, base, &c, 1), -EFAULT);
	assert_int_equal(peek(g.as, USER_TOP, &c, 1), -EFAULT);
	assert_int_equal(peek(g.as, ~0ull, &c, 1), -EFAULT);
	assert_int_equal(map_anon(g.c, USER_TOP - PAGE_SIZE, PAGE_SIZE, 3), 0);
	assert_int_equal(peek(g.as, USER_TOP - 1, &c, 1), 1);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	guest_end(&g);
}

static void test_file(void **state)
{
	(void)state;
	struct guest g;
	char out[6] = "";
	guest_start(&g, loop);
	int fd = file_with("hello");
	struct map_req req = {
		.addr = 0x30000000, .size = 2 * PAGE_SIZE, .prot = 3, .shared = true, .fd = fd};
	assert_int_equal(P->map(g.c, &req), 0);
	assert_int_equal(peek(g.as, 0x30000000, out, 5), 5);
	assert_string_equal(out, "hello");
	poke(g.as, 0x30000000, "HE", 2);
	assert_int_equal(host_pread(fd, out, 5, 0), 5);
	assert_string_equal(out, "HEllo");
	req.shared = false;
	req.off = PAGE_SIZE;
	req.size = PAGE_SIZE;
	assert_int_equal(P->map(g.c, &req), 0);
	assert_int_equal(peek(g.as, 0x30000000, out, 1), 1);
	assert_int_equal(out[0], 0);
	assert_int_equal(fds_of(g.as->pid), 1u << 3);
	host_close(fd);
	/* What cannot be mapped says why, and what follows is not disturbed. */
	int pair[2];
	assert_int_equal(pipe(pair), 0);
	req.fd = pair[0];
	assert_int_equal(P->map(g.c, &req), -ENODEV);
	close(pair[0]);
	close(pair[1]);
	fd = req.fd = file_with("again");
	req.off = 0;
	assert_int_equal(P->map(g.c, &req), 0);
	assert_int_equal(peek(g.as, 0x30000000, out, 5), 5);
	assert_string_equal(out, "again");
	host_close(fd);
	assert_int_equal(fds_of(g.as->pid), 1u << 3);
	guest_end(&g);
}

/* Forks share a control socket until one of them needs it; none takes another's file. */
static void test_file_after_fork(void **state)
{
	(void)state;
	enum { N = 6 };
	struct guest g[N] = {0};
	char out[2] = "";
	guest_start(&g[0], loop);
	for (int i = 1; i < N; i++) {
		assert_int_equal(P->aspace_fork(g[i / 2].c, &g[i].as, &g[i].c), 0);
		assert_int_equal(P->ctx_adopt(g[i].c), 0);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = N - 1; i >= 0; i--) {
			char text[] = {(char)('a' + i + round), 0};
			int fd = file_with(text);
			struct map_req req = {
				.addr = 0x30000000, .size = PAGE_SIZE, .prot = 1, .fd = fd};
			assert_int_equal(P->map(g[i].c, &req), 0);
			assert_int_equal(peek(g[i].as, 0x30000000, out, 1), 1);
			assert_int_equal(out[0], text[0]);
			assert_int_equal(fds_of(g[i].as->pid), 1u << 3);
			host_close(fd);
		}
	}
	for (int i = 0; i < N; i++)
		guest_end(&g[i]);
}

/* A stub that dies between sending and taking leaves a message; the next user drops it. */
static void test_stale_socket(void **state)
{
	(void)state;
	struct guest g, child = {0};
	char out[2] = "";
	guest_start(&g, loop);
	assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
	assert_int_equal(P->ctx_adopt(child.c), 0);
	int wrong = file_with("w"), right = file_with("r");
	assert_int_equal(host_send_fd(child.as->ctl->fd, "", 1, wrong), 0);
	assert_int_equal(host_send_fd(child.as->ctl->fd, "", 1, wrong), 0);
	child.as->ctl->stale = true;
	struct map_req req = {.addr = 0x30000000, .size = PAGE_SIZE, .prot = 1, .fd = right};
	assert_int_equal(P->map(child.c, &req), 0);
	assert_int_equal(peek(child.as, 0x30000000, out, 1), 1);
	assert_int_equal(out[0], 'r');
	assert_int_equal(P->map(g.c, &req), 0);
	assert_int_equal(peek(g.as, 0x30000000, out, 1), 1);
	assert_int_equal(out[0], 'r');
	assert_int_equal(fds_of(g.as->pid), 1u << 3);
	assert_int_equal(fds_of(child.as->pid), 1u << 3);
	host_close(wrong);
	host_close(right);
	guest_end(&g);
	guest_end(&child);
}

static void test_copy_partial(void **state)
{
	(void)state;
	struct guest g;
	enum { PAGES = 40 };
	static char buf[PAGES * PAGE_SIZE];
	const uaddr_t at = 0x10000000;
	guest_start(&g, loop);
	assert_int_equal(map_anon(g.c, at, PAGES * PAGE_SIZE, 3), 0);
	assert_int_equal(P->unmap(g.c, at + 21 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(peek(g.as, at + 5, buf, sizeof buf - 5), 21 * PAGE_SIZE - 5);
	struct iovec l[2] = {{buf, 3}, {buf + 3, sizeof buf - 3}};
	struct iovec r[3] = {{(void *)(uintptr_t)(at + 20 * PAGE_SIZE), 10},
			     {(void *)(uintptr_t)(at + 20 * PAGE_SIZE + 100), 0},
			     {(void *)(uintptr_t)(at + 21 * PAGE_SIZE - 50), 100}};
	assert_int_equal(P->write(g.as, l, 2, r, 3), 60);
	assert_int_equal(P->read(g.as, l, 2, r, 3), 60);
	assert_int_equal(P->protect(g.c, at, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(P->write(g.as, l, 1, &(struct iovec){(void *)(uintptr_t)at, 3}, 1),
			 -EFAULT);
	guest_end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),	       cmocka_unit_test(test_map),
		cmocka_unit_test(test_mincore_pieces), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_file),	       cmocka_unit_test(test_file_after_fork),
		cmocka_unit_test(test_stale_socket),   cmocka_unit_test(test_copy_partial),
	};
	return cmocka_run_group_tests(tests, platform_setup, platform_teardown);
}
