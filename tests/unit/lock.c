/* SPDX-License-Identifier: Apache-2.0 */
/* File locks: splitting and joining, conflicts, waiting, deadlocks, release. */
#include "vfs_fixture.h"

#include "sentry/vfs/lock.h"

/* Owners are only compared. */
static int owner_a, owner_b, owner_c;

static struct file *lockfile(struct world *x, const char *name)
{
	struct file *f;
	assert_int_equal(vfs_open(&x->w, name, O_CREAT | O_RDWR, 0644, &f), 0);
	return f;
}

static int set(struct inode *i, void *owner, int type, int64_t start, int64_t end)
{
	const struct flock_req r = {
		.type = type, .owner = owner, .pid = 1, .start = start, .end = end};
	return lock_set(i, &r, /*wait=*/false);
}

struct seen {
	char text[256];
};

static void see(char kind, const struct flock_req *r, void *arg)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);
	snprintf(s->text + n, sizeof s->text - n, "%c%s%lld-%lld ", kind,
		 r->type == FLK_WRITE ? "w" : "r", (long long)r->start, (long long)r->end);
}

static const char *locks(struct inode *i)
{
	static struct seen s;
	memset(&s, 0, sizeof s);
	lock_for_each(i, see, &s);
	return s.text;
}

static void ranges_split_and_join(void **state)
{
	struct file *f = lockfile(*state, "/f");
	struct inode *i = f->inode;
	assert_int_equal(set(i, &owner_a, FLK_WRITE, 0, 99), 0);
	assert_int_equal(set(i, &owner_a, FLK_UNLOCK, 40, 59), 0);
	assert_string_equal(locks(i), "Pw0-39 Pw60-99 ");
	assert_int_equal(set(i, &owner_a, FLK_READ, 10, 19), 0);
	assert_int_equal(set(i, &owner_b, FLK_READ, 12, 15), 0);
	assert_int_equal(set(i, &owner_b, FLK_WRITE, 12, 15), -EAGAIN);
	assert_int_equal(set(i, &owner_b, FLK_READ, 5, 12), -EAGAIN);
	assert_int_equal(set(i, &owner_b, FLK_WRITE, 40, 59), 0);
	lock_release_posix(i, &owner_b);
	assert_int_equal(set(i, &owner_a, FLK_WRITE, 0, INT64_MAX), 0);
	assert_string_equal(locks(i), "Pw0-9223372036854775807 ");
	assert_int_equal(set(i, &owner_a, FLK_UNLOCK, 1, INT64_MAX), 0);
	assert_string_equal(locks(i), "Pw0-0 ");
	assert_int_equal(set(i, &owner_a, FLK_WRITE, 1, 5), 0);
	assert_string_equal(locks(i), "Pw0-5 ");
	lock_release_posix(i, &owner_a);
	assert_string_equal(locks(i), "");
	file_put(f);
}

static void getlk_names_the_first_conflict(void **state)
{
	struct file *f = lockfile(*state, "/f");
	struct flock_req r = {.type = FLK_READ, .owner = &owner_b, .start = 0, .end = 9};
	lock_get(f->inode, &r);
	assert_int_equal(r.type, FLK_UNLOCK);
	assert_int_equal(set(f->inode, &owner_a, FLK_WRITE, 5, 7), 0);
	r.type = FLK_READ;
	lock_get(f->inode, &r);
	assert_int_equal(r.type, FLK_WRITE);
	assert_int_equal(r.start, 5);
	assert_int_equal(r.end, 7);
	assert_int_equal(r.pid, 1);
	lock_release_posix(f->inode, &owner_a);
	file_put(f);
}

static void ofd_locks_go_with_the_file(void **state)
{
	struct file *a = lockfile(*state, "/f"), *b = lockfile(*state, "/f");
	struct flock_req r = {.type = FLK_WRITE, .ofd = true, .owner = a, .pid = -1, .end = 9};
	assert_int_equal(lock_set(a->inode, &r, false), 0);
	r.owner = b;
	assert_int_equal(lock_set(a->inode, &r, false), -EAGAIN);
	lock_release_posix(a->inode, a);
	assert_int_equal(lock_set(a->inode, &r, false), -EAGAIN);
	file_put(a);
	assert_int_equal(lock_set(b->inode, &r, false), 0);
	file_put(b);
}

static void flock_shares_converts_and_goes_with_the_file(void **state)
{
	struct file *a = lockfile(*state, "/f"), *b = lockfile(*state, "/f");
	assert_int_equal(flock_set(a, FLK_READ, false), 0);
	assert_int_equal(flock_set(b, FLK_READ, false), 0);
	assert_int_equal(flock_set(b, FLK_WRITE, false), -EAGAIN);
	/* The failed conversion has cost b its lock. */
	assert_int_equal(flock_set(a, FLK_WRITE, false), 0);
	assert_int_equal(flock_set(b, FLK_READ, false), -EAGAIN);
	file_put(a);
	assert_int_equal(flock_set(b, FLK_WRITE, false), 0);
	file_put(b);
}

struct waiting {
	struct inode *i;
	void *owner;
	int64_t start, end;
	int result;
};

static void *wait_for_lock(void *arg)
{
	struct waiting *w = arg;
	const struct flock_req r = {
		.type = FLK_WRITE, .owner = w->owner, .start = w->start, .end = w->end};
	w->result = lock_set(w->i, &r, /*wait=*/true);
	return NULL;
}

static void a_waiter_gets_the_lock(void **state)
{
	struct file *f = lockfile(*state, "/f");
	struct waiting w = {.i = f->inode, .owner = &owner_b, .end = 9, .result = 1};
	pthread_t t;
	assert_int_equal(set(f->inode, &owner_a, FLK_WRITE, 0, 9), 0);
	assert_int_equal(pthread_create(&t, NULL, wait_for_lock, &w), 0);
	usleep(20000);
	assert_int_equal(set(f->inode, &owner_a, FLK_UNLOCK, 0, 9), 0);
	pthread_join(t, NULL);
	assert_int_equal(w.result, 0);
	lock_release_posix(f->inode, &owner_b);
	file_put(f);
}

static void circles_are_refused(void **state)
{
	struct file *f = lockfile(*state, "/f"), *g = lockfile(*state, "/g");
	struct waiting b = {.i = f->inode, .owner = &owner_b, .end = 0};
	struct waiting c = {.i = g->inode, .owner = &owner_c, .end = 0};
	struct flock_req r = {.type = FLK_WRITE, .owner = &owner_a, .start = 5, .end = 5};
	pthread_t tb, tc;
	assert_int_equal(set(f->inode, &owner_a, FLK_WRITE, 0, 0), 0);
	assert_int_equal(set(g->inode, &owner_b, FLK_WRITE, 0, 0), 0);
	assert_int_equal(set(g->inode, &owner_c, FLK_WRITE, 5, 5), 0);
	assert_int_equal(pthread_create(&tb, NULL, wait_for_lock, &b), 0);
	assert_int_equal(pthread_create(&tc, NULL, wait_for_lock, &c), 0);
	usleep(50000);
	/* a -> c -> b -> a */
	assert_int_equal(lock_set(g->inode, &r, /*wait=*/true), -EDEADLK);
	lock_release_posix(f->inode, &owner_a);
	pthread_join(tb, NULL);
	assert_int_equal(b.result, 0);
	lock_release_posix(g->inode, &owner_b);
	pthread_join(tc, NULL);
	assert_int_equal(c.result, 0);
	lock_release_posix(f->inode, &owner_b);
	lock_release_posix(g->inode, &owner_c);
	file_put(f);
	file_put(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(ranges_split_and_join),
		VFS_TEST(getlk_names_the_first_conflict),
		VFS_TEST(ofd_locks_go_with_the_file),
		VFS_TEST(flock_shares_converts_and_goes_with_the_file),
		VFS_TEST(a_waiter_gets_the_lock),
		VFS_TEST(circles_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
