/* SPDX-License-Identifier: Apache-2.0 */
/* epoll under threads: no event is lost, and files may go away at any moment. */
#include "vfs_fixture.h"

#include <pthread.h>

#include "sentry/fs/epoll/epoll.h"
#include "sentry/fs/eventfd/eventfd.h"
#include "sentry/sync/timer.h"

enum { FILES = 16, ROUNDS = 20000 };

static struct cred *cred;
static struct file *ep, *files[FILES];
static uint64_t written, seen;

static int add(struct file *to, struct file *f, int fd, uint32_t events)
{
	struct abi_epoll_event ev = {.events = events, .data = (uint64_t)fd};
	return epoll_ctl_file(to, EPOLL_CTL_ADD, f, fd, &ev);
}

static int setup(void **state)
{
	(void)state;
	cred = cred_new_root(CAP_ALL);
	assert_int_equal(epoll_new(cred, &ep), 0);
	for (int i = 0; i < FILES; i++)
		assert_int_equal(eventfd_new(cred, 0, O_NONBLOCK, &files[i]), 0);
	written = seen = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	file_put(ep);
	for (int i = 0; i < FILES; i++)
		if (files[i])
			file_put(files[i]);
	cred_put(cred);
	return 0;
}

static uint64_t drain(struct file *f)
{
	uint64_t n = 0;
	struct uio u;
	uio_kernel(&u, &n, sizeof n);
	return file_read(f, &u, NULL, true) == sizeof n ? n : 0;
}

static void *write_all(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	for (int i = 0; i < ROUNDS; i++) {
		seed = seed * 1103515245 + 12345;
		eventfd_signal(files[(seed >> 16) % FILES], 1);
		__atomic_fetch_add(&written, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *read_some(void *arg)
{
	struct epoll_batch b;
	int64_t end = clock_mono_ns() + 20 * NSEC_PER_SEC;
	while (__atomic_load_n(&seen, __ATOMIC_RELAXED) < 2 * ROUNDS && clock_mono_ns() < end) {
		long n = epoll_collect(ep, 4, clock_mono_ns() + NSEC_PER_SEC / 20, &b);
		for (long i = 0; i < n; i++)
			__atomic_fetch_add(&seen, drain(files[b.events[i].data]), __ATOMIC_RELAXED);
		if (n > 0)
			epoll_done(ep, &b, true);
	}
	return arg;
}

/* Edge-triggered: an event that came while its file was being asked must be told all the same. */
static void edges_are_not_lost(void **state)
{
	pthread_t t[4];
	(void)state;
	for (int i = 0; i < FILES; i++)
		assert_int_equal(add(ep, files[i], i, EPOLLIN | EPOLLET), 0);
	pthread_create(&t[0], NULL, write_all, (void *)1);
	pthread_create(&t[1], NULL, write_all, (void *)2);
	pthread_create(&t[2], NULL, read_some, NULL);
	pthread_create(&t[3], NULL, read_some, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(written, 2 * ROUNDS);
	assert_int_equal(seen, written);
}

static void *close_and_make(void *arg)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct file *f;
		assert_int_equal(eventfd_new(cred, 1, O_NONBLOCK, &f), 0);
		assert_int_equal(add(ep, f, 1000 + i, EPOLLIN), 0);
		if (i % 3 == 0)
			eventfd_signal(f, 1);
		file_put(f);
	}
	__atomic_store_n(&written, 1, __ATOMIC_RELEASE);
	return arg;
}

static void *collect(void *arg)
{
	struct epoll_batch b;
	while (!__atomic_load_n(&written, __ATOMIC_ACQUIRE)) {
		long n = epoll_collect(ep, 8, 0, &b);
		if (n > 0)
			epoll_done(ep, &b, n % 2);
	}
	return arg;
}

static void files_close_while_they_are_asked(void **state)
{
	struct epoll_batch b;
	pthread_t t[3];
	(void)state;
	pthread_create(&t[0], NULL, close_and_make, NULL);
	pthread_create(&t[1], NULL, collect, NULL);
	pthread_create(&t[2], NULL, collect, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(epoll_collect(ep, 8, 0, &b), 0);
}

static void nesting_is_bounded(void **state)
{
	struct file *chain[6];
	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(epoll_new(cred, &chain[i]), 0);
	for (int i = 1; i < 5; i++)
		assert_int_equal(add(chain[i - 1], chain[i], i, EPOLLIN), 0);
	assert_int_equal(add(chain[4], chain[5], 5, EPOLLIN), -ELOOP);
	assert_int_equal(add(chain[5], chain[0], 0, EPOLLIN), -ELOOP);
	assert_int_equal(add(chain[4], chain[0], 0, EPOLLIN), -ELOOP);
	assert_int_equal(add(chain[4], files[0], 9, EPOLLIN), 0);
	assert_int_equal(file_poll(chain[0]), 0);
	eventfd_signal(files[0], 1);
	assert_int_equal(file_poll(chain[0]), EPOLLIN | EPOLLRDNORM);
	drain(files[0]);
	assert_int_equal(file_poll(chain[0]), 0);
	for (int i = 0; i < 6; i++)
		file_put(chain[i]);
}

#define EPOLL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EPOLL_TEST(edges_are_not_lost),
		EPOLL_TEST(files_close_while_they_are_asked),
		EPOLL_TEST(nesting_is_bounded),
	};
	return cmocka_run_group_tests_name("epoll", tests, NULL, NULL);
}
