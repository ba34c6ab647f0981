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

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_TEST(threads_on_the_same_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
