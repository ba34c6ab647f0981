/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that make, move, remove, open and walk the same few names: nothing is
 * checked but that it ends, that the lock order holds, and that the sanitizers
 * are content.
 */
#include "vfs_fixture.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 4000 };

struct worker {
	struct world *x;
	unsigned seed;
	pthread_t thread;
};

static unsigned next(struct worker *w)
{
	w->seed = w->seed * 1103515245u + 12345u;
	return w->seed >> 16;
}

/* One of a few paths, up to three deep, so that threads meet. */
static void name(struct worker *w, char *buf, size_t size)
{
	static const char *const parts[] = {"a", "b", "c"};
	size_t n = 0;
	unsigned depth = 1 + next(w) % 3;
	for (unsigned i = 0; i < depth; i++)
		n += (size_t)snprintf(buf + n, size - n, "/%s", parts[next(w) % 3]);
}

static void read_dir(struct worker *w, const char *path)
{
	struct file *f;
	if (vfs_open(&w->x->w, path, O_RDONLY | O_DIRECTORY, 0, &f) < 0)
		return;
	uint64_t cookie = 0;
	struct dentry *d;
	lock(&f->inode->lock);
	while ((d = dentry_next_child_locked(f->path.dentry, cookie)))
		cookie = d->cookie + 1;
	unlock(&f->inode->lock);
	file_put(f);
}

static void act(struct worker *w)
{
	const struct walk *walk = &w->x->w;
	const struct iattr mode = {.mask = ATTR_MODE, .mode = 0700 | (next(w) & 077)};
	char a[64], b[64], text[256];
	struct path p;
	name(w, a, sizeof a);
	name(w, b, sizeof b);
	switch (next(w) % 11) {
	case 0:
	case 1:
		vfs_mkdir(walk, a, 0755);
		break;
	case 2:
		vfs_rmdir(walk, a);
		break;
	case 3:
		touch(walk, a, 0644);
		break;
	case 4:
		vfs_unlink(walk, a);
		break;
	case 5:
		vfs_rename(walk, a, walk, b, 0);
		break;
	case 6:
		vfs_rename(walk, a, walk, b, RENAME_EXCHANGE);
		break;
	case 7:
		vfs_symlink(walk, b, a);
		break;
	case 8:
		read_dir(w, a);
		break;
	default:
		if (path_walk(walk, a, &p) < 0)
			break;
		path_format(&p, &w->x->fs->root, text, sizeof text);
		vfs_setattr(&p, w->x->root, &mode);
		vfs_link(&p, walk, b);
		path_put(&p);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS; i++)
		act(w);
	return NULL;
}

static void threads_on_the_same_names(void **state)
{
	struct worker w[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.x = *state, .seed = i + 1};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
}

/* Trees that come and go as a whole, below the feet of who walks in them. */
enum { DEPTH = 6, TREES = 2 };

static size_t tree_path(char *buf, size_t size, unsigned tree, unsigned depth)
{
	size_t n = (size_t)snprintf(buf, size, "/tree%u", tree);
	for (unsigned i = 1; i < depth; i++)
		n += (size_t)snprintf(buf + n, size - n, "/d");
	return n;
}

static void make_and_remove(const struct walk *w, unsigned tree)
{
	char path[64], aside[64];
	for (unsigned depth = 1; depth <= DEPTH; depth++) {
		tree_path(path, sizeof path, tree, depth);
		assert_int_equal(vfs_mkdir(w, path, 0755), 0);
	}
	/* A whole branch moves. */
	tree_path(path, sizeof path, tree, 3);
	snprintf(aside, sizeof aside, "/aside%u", tree);
	assert_int_equal(vfs_rename(w, path, w, aside, 0), 0);
	assert_int_equal(vfs_rename(w, aside, w, path, 0), 0);
	for (unsigned depth = DEPTH; depth > 0; depth--) {
		tree_path(path, sizeof path, tree, depth);
		assert_int_equal(vfs_rmdir(w, path), 0);
	}
}

struct tree {
	struct world *x;
	unsigned number;
	bool removes;
	bool *over;
	unsigned long found;
	pthread_t thread;
};

static void *tend(void *arg)
{
	struct tree *t = arg;
	for (int i = 0; i < ROUNDS / 4; i++)
		make_and_remove(&t->x->w, t->number);
	__atomic_store_n(t->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* What is found is a directory of that name, whose inode is there; else it has gone. */
static void *stroll(void *arg)
{
	struct tree *t = arg;
	unsigned depth = 1;
	while (!__atomic_load_n(t->over, __ATOMIC_ACQUIRE)) {
		char path[64], last[16];
		struct kstat st;
		struct path p;
		tree_path(path, sizeof path, t->number, depth);
		int err = path_walk(&t->x->w, path, &p);
		if (err == 0) {
			assert_int_equal(vfs_getattr(&p, &st), 0);
			assert_true(S_ISDIR(st.mode));
			dentry_name(p.dentry, last, sizeof last);
			assert_true(last[0] == 'd' || last[0] == 't' || last[0] == 'a');
			path_put(&p);
			t->found++;
		} else {
			assert_int_equal(err, -ENOENT);
		}
		depth = depth % DEPTH + 1;
	}
	return NULL;
}

static void trees_that_go_while_somebody_is_in_them(void **state)
{
	struct tree t[2 * TREES];
	bool over[TREES] = {false};
	unsigned long found = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		t[i] = (struct tree){*state, i / 2, i % 2 == 0, &over[i / 2], 0, 0};
		assert_int_equal(
			pthread_create(&t[i].thread, NULL, t[i].removes ? tend : stroll, &t[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i].thread, NULL);
		found += t[i].found;
	}
	print_message("%lu found\n", found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(threads_on_the_same_names),
		VFS_TEST(trees_that_go_while_somebody_is_in_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
