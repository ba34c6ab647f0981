/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets without a guest: what a guest cannot see (that nothing is
 * left over), and threads that do everything at once.
 */
#include "vfs_fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "sentry/sock/unix.h"
#include "syscalls/abi/epoll.h"
#include "syscalls/abi/errno.h"

static struct sock_caller caller(const struct world *x, bool root)
{
	return (struct sock_caller){
		.cred = root ? x->root : x->user,
		.fs = x->fs,
		.net = &net_first,
		.tgid = 7,
		.nofile = 100,
	};
}

static void pair(const struct world *x, int type, struct file *f[2])
{
	struct sock_caller by = caller(x, true);
	assert_int_equal(sock_new_pair(&by, AF_UNIX, type, 0, O_NONBLOCK, f), 0);
}

static struct scm_files *files_of(struct file *f, unsigned n)
{
	struct scm_files *files = calloc(1, sizeof *files);
	for (files->count = 0; files->count < n; files->count++)
		files->file[files->count] = file_get(f);
	return files;
}

/* One byte, and n references to `passed`. */
static ssize_t send_file(const struct sock_caller *by, struct file *to, struct file *passed,
			 unsigned n)
{
	char byte = 'x';
	struct uio u;
	struct sock_msg m = {.uio = &u, .by = by};
	uio_kernel(&u, &byte, 1);
	m.scm.files = n ? files_of(passed, n) : NULL;
	ssize_t r = sock_send(to, &m);
	scm_clear(&m.scm);
	return r;
}

static ssize_t recv_any(const struct sock_caller *by, struct file *from, char *buf, size_t size)
{
	struct uio u;
	struct sock_msg m = {.uio = &u, .by = by};
	uio_kernel(&u, buf, size);
	ssize_t r = sock_recv(from, &m);
	scm_clear(&m.scm);
	return r;
}

static bool count_one(const struct unix_info *i, void *arg)
{
	(void)i;
	++*(int *)arg;
	return true;
}

static int sockets(void)
{
	int n = 0;
	assert_int_equal(unix_for_each(&net_first, count_one, &n), 0);
	return n;
}

/* What close(2) does. */
static void fd_close_like(struct file *f)
{
	f->ops->flush(f, NULL);
	file_put(f);
}

static void test_cycle_is_collected(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct file *f[2];
	int before = sockets();

	for (int i = 0; i < 20; i++) {
		pair(x, i & 1 ? SOCK_STREAM : SOCK_DGRAM, f);
		assert_int_equal(send_file(&by, f[0], f[1], 1), 1);
		assert_int_equal(send_file(&by, f[1], f[0], 3), 1);
		fd_close_like(f[0]);
		fd_close_like(f[1]);
	}
	/* The last one waits for the next event. */
	assert_in_range(sockets() - before, 0, 2);
	unix_gc();
	assert_int_equal(sockets(), before);
}

static void test_reachable_is_kept(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct file *a[2], *b[2], *c[2];
	int before = sockets();
	char byte;

	/* c lies in b, b in a; only a[1] has a descriptor. */
	pair(x, SOCK_STREAM, a);
	pair(x, SOCK_STREAM, b);
	pair(x, SOCK_STREAM, c);
	assert_int_equal(send_file(&by, c[0], c[1], 1), 1);
	assert_int_equal(send_file(&by, b[0], c[1], 1), 1);
	assert_int_equal(send_file(&by, a[0], b[1], 1), 1);
	fd_close_like(b[1]);
	fd_close_like(c[1]);
	unix_gc();
	unix_gc();
	assert_int_equal(sockets(), before + 6);
	/* Read, b is closed, and c, which then lies in itself only, is garbage. */
	assert_int_equal(recv_any(&by, a[1], &byte, 1), 1);
	unix_gc();
	assert_int_equal(sockets(), before + 6 - 2);
	for (int i = 0; i < 2; i++)
		fd_close_like(a[i]);
	fd_close_like(b[0]);
	fd_close_like(c[0]);
	assert_int_equal(sockets(), before);
}

static void test_cycle_through_a_listener(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct abi_sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0gc"};
	struct file *l, *c;
	int before = sockets();

	assert_int_equal(sock_new(&by, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK, &l), 0);
	assert_int_equal(sock_new(&by, AF_UNIX, SOCK_STREAM, 0, O_NONBLOCK, &c), 0);
	assert_int_equal(sock_bind(l, &by, &un, 5), 0);
	assert_int_equal(sock_listen(l, &by, 5), 0);
	assert_int_equal(sock_connect(c, &by, &un, 5), 0);
	/* The listener lies in the queue of a connection that waits at it. */
	assert_int_equal(send_file(&by, c, l, 1), 1);
	assert_int_equal(sockets(), before + 3);
	fd_close_like(l);
	fd_close_like(c);
	unix_gc();
	assert_int_equal(sockets(), before);
}

/* The collector looks at all that is in flight each time: TSan takes minutes for more. */
#ifdef __SANITIZE_THREAD__
enum { DEPTH = 4000 };
#else
enum { DEPTH = 30000 };
#endif

static void test_deep_nesting_needs_no_stack(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct file *last = NULL, *f[2];
	int before = sockets();

	by.nofile = 1 << 30;
	/* Each holds the one before in its queue; closing the last closes all. */
	for (int i = 0; i < DEPTH; i++) {
		pair(x, SOCK_STREAM, f);
		if (last) {
			assert_int_equal(send_file(&by, f[0], last, 1), 1);
			file_put(last);
		}
		file_put(f[0]);
		last = f[1];
	}
	file_put(last);
	assert_int_equal(sockets(), before);
}

static void test_limit_of_descriptors_in_flight(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, false), root = caller(x, true);
	struct file *f[2];
	char byte;

	pair(x, SOCK_DGRAM, f);
	assert_int_equal(send_file(&by, f[0], f[0], 100), 1);
	/* The limit itself may be passed once. */
	assert_int_equal(send_file(&by, f[0], f[0], 1), 1);
	assert_int_equal(send_file(&by, f[0], f[0], 1), -ETOOMANYREFS);
	assert_int_equal(send_file(&root, f[0], f[0], 1), 1);
	assert_int_equal(recv_any(&by, f[1], &byte, 1), 1);
	assert_int_equal(send_file(&by, f[0], f[0], 1), 1);
	file_put(f[0]);
	file_put(f[1]);
	unix_gc();
}

static void test_name_is_forgotten(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct abi_sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/s"};
	struct file *a, *b;

	assert_int_equal(sock_new(&by, AF_UNIX, SOCK_DGRAM, 0, 0, &a), 0);
	assert_int_equal(sock_new(&by, AF_UNIX, SOCK_DGRAM, 0, 0, &b), 0);
	assert_int_equal(sock_bind(a, &by, &un, sizeof un), 0);
	assert_int_equal(sock_bind(b, &by, &un, sizeof un), -EADDRINUSE);
	assert_int_equal(sock_connect(b, &by, &un, sizeof un), 0);
	file_put(a);
	/* The file stays, the socket behind it does not. */
	assert_int_equal(sock_connect(b, &by, &un, sizeof un), -ECONNREFUSED);
	assert_int_equal(vfs_unlink(&x->w, "/s"), 0);
	assert_int_equal(sock_bind(b, &by, &un, sizeof un), 0);
	file_put(b);
	assert_int_equal(vfs_unlink(&x->w, "/s"), 0);
}

enum { THREADS = 4, ROUNDS = 3000, SLOTS = 6 };

/* Open sockets that all threads use; a slot changes under its lock. */
struct arena {
	struct world *x;
	pthread_mutex_t lock;
	struct file *slot[SLOTS];
};

static struct file *borrow(struct arena *a, unsigned i)
{
	pthread_mutex_lock(&a->lock);
	struct file *f = a->slot[i % SLOTS] ? file_get(a->slot[i % SLOTS]) : NULL;
	pthread_mutex_unlock(&a->lock);
	return f;
}

static void replace(struct arena *a, unsigned i, struct file *f)
{
	pthread_mutex_lock(&a->lock);
	struct file *old = a->slot[i % SLOTS];
	a->slot[i % SLOTS] = f;
	pthread_mutex_unlock(&a->lock);
	if (old)
		fd_close_like(old);
}

static void renew(struct arena *a, const struct sock_caller *by, unsigned r)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	struct file *f[2];
	if (sock_new_pair(by, AF_UNIX, types[r % 3], 0, O_NONBLOCK, f) < 0)
		return;
	replace(a, r >> 4, f[0]);
	replace(a, r >> 8, f[1]);
}

static void name_and_connect(struct file *f, const struct sock_caller *by, unsigned r)
{
	struct abi_sockaddr_un un = {.sun_family = AF_UNIX};
	struct file *n;
	un.sun_path[1] = (char)('a' + (r >> 12) % 3);
	if (r & 0x100)
		sock_bind(f, by, &un, 4);
	if (r & 0x200)
		sock_listen(f, by, 2);
	if (r & 0x400)
		sock_connect(f, by, &un, 4);
	if ((r & 0x800) && sock_accept(f, by, 0, &n) == 0)
		file_put(n);
}

static void act(struct arena *a, const struct sock_caller *by, unsigned r)
{
	struct file *f = borrow(a, r >> 4), *g = borrow(a, r >> 8);
	char buf[64];

	if (f && g) {
		switch (r % 8) {
		case 0:
		case 1:
		case 2:
			send_file(by, f, g, r >> 12 & 3);
			break;
		case 3:
		case 4:
			recv_any(by, f, buf, r >> 12 & 63);
			break;
		case 5:
			name_and_connect(f, by, r);
			break;
		case 6:
			if ((r >> 12) % 16 == 0)
				sock_shutdown(f, (int)(r >> 16) % 3);
			else
				f->ops->poll(f);
			break;
		case 7:
			unix_gc_maybe();
			break;
		}
	}
	if (f)
		file_put(f);
	if (g)
		file_put(g);
}

static void *worker(void *arg)
{
	struct arena *a = arg;
	struct sock_caller by = caller(a->x, true);
	unsigned seed = (unsigned)(uintptr_t)&by;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned r = (unsigned)rand_r(&seed) ^ (unsigned)rand_r(&seed) << 10;
		if (r % 16 == 0)
			renew(a, &by, r);
		else
			act(a, &by, r >> 4);
	}
	return NULL;
}

static void test_everything_at_once(void **state)
{
	struct arena a = {.x = *state, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t t[THREADS];
	int before = sockets();

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, &a), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (unsigned i = 0; i < SLOTS; i++)
		replace(&a, i, NULL);
	unix_gc();
	assert_int_equal(sockets(), before);
}

struct talk {
	const struct world *x;
	struct file *f;
	size_t bytes;
};

static void *talker(void *arg)
{
	struct talk *t = arg;
	struct sock_caller by = caller(t->x, true);
	static char block[70000];
	struct uio u;

	for (size_t done = 0; done < t->bytes;) {
		size_t n = t->bytes - done < sizeof block ? t->bytes - done : sizeof block;
		struct sock_msg m = {.uio = &u, .by = &by};
		uio_kernel(&u, block, n);
		ssize_t r = sock_send(t->f, &m);
		assert_int_equal(r, n);
		done += n;
	}
	file_put(t->f);
	return NULL;
}

/* A blocked writer and a blocked reader never miss each other. */
static void test_blocking_transfer(void **state)
{
	struct world *x = *state;
	struct sock_caller by = caller(x, true);
	struct talk t = {.x = x, .bytes = 20 << 20};
	struct file *f[2];
	size_t got = 0;
	char buf[5000];
	pthread_t thread;
	ssize_t n;

	assert_int_equal(sock_new_pair(&by, AF_UNIX, SOCK_STREAM, 0, 0, f), 0);
	t.f = f[0];
	assert_int_equal(pthread_create(&thread, NULL, talker, &t), 0);
	while ((n = recv_any(&by, f[1], buf, sizeof buf)) > 0)
		got += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(got, t.bytes);
	pthread_join(thread, NULL);
	file_put(f[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cycle_is_collected),
		cmocka_unit_test(test_reachable_is_kept),
		cmocka_unit_test(test_cycle_through_a_listener),
		cmocka_unit_test(test_deep_nesting_needs_no_stack),
		cmocka_unit_test(test_limit_of_descriptors_in_flight),
		cmocka_unit_test(test_name_is_forgotten),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_blocking_transfer),
	};
	return cmocka_run_group_tests(tests, world_new, world_free);
}
