/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes below the system calls: slots, packets, sizes, and what splice takes and gives back. */
#include "vfs_fixture.h"

#include "sentry/fs/pipe/pipe.h"
#include "syscalls/abi/epoll.h"

struct ends {
	struct cred *cred;
	struct file *r, *w;
	struct pipe *p;
};

static int ends_new(void **state)
{
	struct ends *e = calloc(1, sizeof *e);
	e->cred = cred_new_root(CAP_ALL);
	assert_int_equal(pipe_new(e->cred, O_NONBLOCK, &e->r, &e->w), 0);
	e->p = pipe_of(e->r);
	assert_ptr_equal(e->p, pipe_of(e->w));
	*state = e;
	return 0;
}

static int ends_free(void **state)
{
	struct ends *e = *state;
	if (e->r)
		file_put(e->r);
	if (e->w)
		file_put(e->w);
	cred_put(e->cred);
	free(e);
	return 0;
}

static ssize_t put(struct file *f, const void *p, size_t n)
{
	struct uio u;
	uio_kernel(&u, (void *)(uintptr_t)p, n);
	return file_write(f, &u, NULL, false);
}

static ssize_t get(struct file *f, void *p, size_t n)
{
	struct uio u;
	uio_kernel(&u, p, n);
	return file_read(f, &u, NULL, false);
}

static char big[1 << 20], back[1 << 20];

static void fill_big(void)
{
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)(i * 31 + i / 4093);
}

static void slots_are_counted_as_linux_does(void **state)
{
	struct ends *e = *state;
	fill_big();
	/* Short writes share a slot while they fit, ... */
	for (int i = 0; i < 4096; i++)
		assert_int_equal(put(e->w, "x", 1), 1);
	/* ... which leaves 15 slots. */
	assert_int_equal(put(e->w, big, sizeof big), 15 * 4096);
	assert_int_equal(put(e->w, "x", 1), -EAGAIN);
	assert_int_equal(file_poll(e->w), 0);
	assert_int_equal(get(e->r, back, 4095), 4095);
	assert_int_equal(put(e->w, "x", 1), -EAGAIN);
	assert_int_equal(get(e->r, back, 1), 1);
	assert_int_equal(file_poll(e->w), EPOLLOUT | EPOLLWRNORM);
	assert_int_equal(get(e->r, back, sizeof back), 15 * 4096);
	assert_memory_equal(big, back, 15 * 4096);
	assert_int_equal(get(e->r, back, 1), -EAGAIN);
}

static void pieces_of_any_size_come_out_in_order(void **state)
{
	struct ends *e = *state;
	size_t in = 0, out = 0;
	unsigned seed = 7;
	fill_big();
	while (out < sizeof big) {
		seed = seed * 1103515245 + 12345;
		size_t want = 1 + (seed >> 8) % 9000;
		if (in < sizeof big) {
			ssize_t n = put(e->w, big + in, min_u64(want, sizeof big - in));
			assert_true(n > 0 || n == -EAGAIN);
			in += n > 0 ? (size_t)n : 0;
		}
		seed = seed * 1103515245 + 12345;
		ssize_t n =
			get(e->r, back + out, min_u64(1 + (seed >> 8) % 9000, sizeof big - out));
		assert_true(n > 0 || n == -EAGAIN);
		out += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(big, back, sizeof big);
}

static void size_is_a_power_of_two_of_pages(void **state)
{
	struct ends *e = *state;
	assert_int_equal(pipe_get_size(e->r), 65536);
	assert_int_equal(pipe_set_size(e->r, 5000, e->cred), 8192);
	assert_int_equal(put(e->w, big, sizeof big), 8192);
	assert_int_equal(pipe_set_size(e->r, 4096, e->cred), -EBUSY);
	assert_int_equal(pipe_set_size(e->r, 1 << 20, e->cred), 1 << 20);
	assert_int_equal(put(e->w, big, sizeof big), (1 << 20) - 8192);
	e->cred->cap_effective = 0;
	assert_int_equal(pipe_set_size(e->r, 2 << 20, e->cred), -EPERM);
}

static void hangup_and_error(void **state)
{
	struct ends *e = *state;
	assert_int_equal(put(e->w, "ab", 2), 2);
	file_put(e->w);
	e->w = NULL;
	assert_int_equal(file_poll(e->r), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	assert_int_equal(get(e->r, back, 9), 2);
	assert_int_equal(get(e->r, back, 9), 0);
	assert_int_equal(file_poll(e->r), EPOLLHUP);
}

static void taken_bytes_go_back_to_the_front(void **state)
{
	struct ends *e = *state;
	struct pipe_taken t;
	size_t size;
	fill_big();
	assert_int_equal(put(e->w, big, 65536), 65536);
	assert_int_equal(pipe_take(e->p, 10000, &t), 10000);
	assert_int_equal(t.count, 3);
	pipe_taken_piece(&t, 2, &size);
	assert_int_equal(size, 10000 - 8192);
	/* The slots are still taken: a writer finds no room. */
	assert_int_equal(put(e->w, "x", 1), -EAGAIN);
	pipe_untake(e->p, &t, 5000);
	assert_int_equal(get(e->r, back, sizeof back), 65536 - 5000);
	assert_memory_equal(back, big + 5000, 65536 - 5000);
	assert_int_equal(pipe_take(e->p, 10, &t), -EAGAIN);
}

static void reserved_room_is_kept(void **state)
{
	struct ends *e = *state;
	struct pipe_room room;
	assert_int_equal(pipe_reserve(e->p, 10 * 4096, &room), 0);
	assert_int_equal(room.size, 10 * 4096);
	assert_int_equal(put(e->w, big, sizeof big), 6 * 4096);
	assert_int_equal(pipe_set_size(e->r, 8 * 4096, e->cred), -EBUSY);
	memset(room.buf, 'r', 5);
	pipe_fill(e->p, &room, 5);
	assert_int_equal(get(e->r, back, 6 * 4096), 6 * 4096);
	assert_int_equal(get(e->r, back, 100), 5);
	assert_memory_equal(back, "rrrrr", 5);
	assert_int_equal(pipe_reserve(e->p, 100, &room), 0);
	pipe_fill(e->p, &room, 0);
	assert_int_equal(put(e->w, big, sizeof big), 65536);
}

static void tee_shares_without_mixing(void **state)
{
	struct ends *e = *state, *f;
	void *other;
	ends_new(&other);
	f = other;
	assert_int_equal(put(e->w, "hello", 5), 5);
	assert_int_equal(pipe_transfer(e->p, f->p, 3, /*keep=*/true), 3);
	/* Both go on behind the shared bytes, each in its own slot. */
	assert_int_equal(put(e->w, "AA", 2), 2);
	assert_int_equal(put(f->w, "BB", 2), 2);
	assert_int_equal(get(e->r, back, 99), 7);
	assert_memory_equal(back, "helloAA", 7);
	assert_int_equal(get(f->r, back, 99), 5);
	assert_memory_equal(back, "helBB", 5);
	assert_int_equal(pipe_transfer(e->p, f->p, 3, false), -EAGAIN);
	assert_int_equal(put(e->w, "xyz", 3), 3);
	assert_int_equal(pipe_transfer(e->p, f->p, 2, false), 2);
	assert_int_equal(get(e->r, back, 99), 1);
	assert_int_equal(get(f->r, back, 99), 2);
	assert_memory_equal(back, "xy", 2);
	ends_free(&other);
}

#define PIPE_TEST(f) cmocka_unit_test_setup_teardown(f, ends_new, ends_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PIPE_TEST(slots_are_counted_as_linux_does),
		PIPE_TEST(pieces_of_any_size_come_out_in_order),
		PIPE_TEST(size_is_a_power_of_two_of_pages),
		PIPE_TEST(hangup_and_error),
		PIPE_TEST(taken_bytes_go_back_to_the_front),
		PIPE_TEST(reserved_room_is_kept),
		PIPE_TEST(tee_shares_without_mixing),
	};
	return cmocka_run_group_tests_name("pipe", tests, NULL, NULL);
}
