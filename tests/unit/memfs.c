/* SPDX-License-Identifier: Apache-2.0 */
/* The memory file system: content in pages and in memory objects, limits, directories, seals. */
#include <fcntl.h>

#include "vfs_fixture.h"

#include "platform/host.h"
#include "sentry/fs/memfs/content.h"

static void pagetree_grows_prunes_and_finds(void **state)
{
	static const uint64_t at[] = {0, 1, 63, 64, 4095, 4096, 1ull << 20, 1ull << 40, 1ull << 51};
	struct pagetree t = {0};
	char *page;
	(void)state;
	assert_null(pagetree_get(&t, 0));
	for (size_t i = ARRAY_SIZE(at); i-- > 0;) {
		assert_int_equal(pagetree_make(&t, at[i], &page), 0);
		memcpy(page, &at[i], sizeof at[i]);
	}
	uint64_t index = 0;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++, index++) {
		page = pagetree_next(&t, &index);
		assert_non_null(page);
		assert_int_equal(index, at[i]);
		assert_memory_equal(page, &at[i], sizeof at[i]);
		assert_ptr_equal(page, pagetree_get(&t, index));
	}
	assert_null(pagetree_next(&t, &index));
	assert_null(pagetree_get(&t, UINT64_MAX >> 12));
	pagetree_drop(&t, 1, 4095);
	assert_int_equal(t.count, 5);
	assert_non_null(pagetree_get(&t, 4096));
	assert_null(pagetree_get(&t, 4095));
	pagetree_drop(&t, 0, UINT64_MAX);
	assert_int_equal(t.count, 0);
	assert_null(t.root);
}

static ssize_t put(struct content *c, const char *s, size_t n, uint64_t off, uint64_t length)
{
	struct uio u;
	uio_kernel(&u, (char *)(uintptr_t)s, n);
	return content_write(c, &u, off, n, length);
}

static ssize_t get(struct content *c, char *s, size_t n, uint64_t off)
{
	struct uio u;
	uio_kernel(&u, s, n);
	return content_read(c, &u, off, n);
}

static void content_reads_the_same_from_pages_and_object(void **state)
{
	struct budget b = {0};
	struct content c;
	char buf[3 * PAGE_SIZE], want[3 * PAGE_SIZE];
	(void)state;
	for (int object = 0; object < 2; object++) {
		content_init(&c, &b);
		memset(want, 0, sizeof want);
		memcpy(want + 5000, "hello", 5);
		if (object)
			assert_true(content_fd(&c, 0) >= 0);
		assert_int_equal(put(&c, "hello", 5, 5000, 0), 5);
		assert_int_equal(content_resize(&c, 5005, sizeof want), 0);
		assert_int_equal(get(&c, buf, sizeof buf, 0), sizeof buf);
		assert_memory_equal(buf, want, sizeof buf);
		assert_int_equal(content_zero(&c, 5001, 3), 0);
		memset(want + 5001, 0, 3);
		assert_int_equal(get(&c, buf, sizeof buf, 0), sizeof buf);
		assert_memory_equal(buf, want, sizeof buf);
		/* What was cut off does not come back. */
		assert_int_equal(content_resize(&c, sizeof want, 5001), 0);
		assert_int_equal(content_resize(&c, 5001, sizeof want), 0);
		want[5004] = 0;
		assert_int_equal(get(&c, buf, sizeof buf, 0), sizeof buf);
		assert_memory_equal(buf, want, sizeof buf);
		content_free(&c);
		assert_int_equal(b.used, 0);
	}
}

static void content_becomes_an_object_when_it_grows(void **state)
{
	struct budget b = {0};
	struct content c;
	size_t n = 1 << 20;
	char *a = malloc(n), *back = malloc(n);
	(void)state;
	for (size_t i = 0; i < n; i++)
		a[i] = (char)(i * 7 + i / 4096);
	content_init(&c, &b);
	for (uint64_t off = 0; off < CONTENT_HEAP_MAX; off += n)
		assert_int_equal(put(&c, a, n, off, off), n);
	assert_null(c.object);
	assert_int_equal(put(&c, "x", 1, CONTENT_HEAP_MAX, CONTENT_HEAP_MAX), 1);
	assert_non_null(c.object);
	assert_int_equal(c.pages.count, 0);
	for (uint64_t off = 0; off < CONTENT_HEAP_MAX; off += n) {
		assert_int_equal(get(&c, back, n, off), n);
		assert_memory_equal(a, back, n);
	}
	content_free(&c);
	assert_int_equal(b.used, 0);
	free(a);
	free(back);
}

/* Against a plain array, with ranges that lie across words and maps. */
static void pageset_is_a_set(void **state)
{
	enum { BASE = 32768 * 3 - 400, PAGES = 800 };
	struct pageset s = {.count = 0};
	bool want[PAGES] = {false};
	unsigned seed = 7;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		seed = seed * 1103515245 + 12345;
		uint64_t first = (seed >> 8) % PAGES, last = min_u64(PAGES - 1, first + (seed >> 20) % 150);
		bool add = seed >> 31;
		uint64_t have = 0, all = 0;
		for (uint64_t i = first; i <= last; i++) {
			have += want[i];
			want[i] = add;
		}
		assert_int_equal(pageset_within(&s, BASE + first, BASE + last), have);
		if (add)
			assert_int_equal(pageset_add(&s, BASE + first, BASE + last), 0);
		else
			assert_int_equal(pageset_remove(&s, BASE + first, BASE + last), have);
		for (uint64_t i = 0; i < PAGES; i++)
			all += want[i];
		assert_int_equal(s.count, all);
		uint64_t member = first, gap = first;
		while (member < PAGES && !want[member])
			member++;
		while (gap < PAGES && want[gap])
			gap++;
		assert_int_equal(pageset_next(&s, BASE + first),
				 member < PAGES ? BASE + member : PAGESET_NONE);
		assert_int_equal(pageset_gap(&s, BASE + first), BASE + gap);
		assert_int_equal(pageset_has(&s, BASE + first), want[first]);
	}
	pageset_remove(&s, 0, UINT64_MAX);
	assert_int_equal(s.count, 0);
	assert_null(s.maps.root);
}

/* What an object says of holes, and what it costs. */
static void object_knows_its_holes(void **state)
{
	struct budget b = {.limit = 100};
	struct content c;
	uint64_t length = 1ull << 40, far = length - 8192;
	(void)state;
	content_init(&c, &b);
	assert_true(content_fd(&c, 0) >= 0);
	assert_int_equal(content_resize(&c, 0, length), 0);
	assert_int_equal(put(&c, "x", 1, far, length), 1);
	assert_int_equal(put(&c, "x", 1, 5000, length), 1);
	assert_int_equal(b.used, 2);
	assert_int_equal(content_seek(&c, 0, length, true), 4096);
	assert_int_equal(content_seek(&c, 4096, length, false), 8192);
	assert_int_equal(content_seek(&c, 8192, length, true), far);
	assert_int_equal(content_seek(&c, far + 1, length, true), far + 1);
	assert_int_equal(content_seek(&c, far, length, false), far + 4096);
	/* Punched: a hole that stays memory. */
	assert_int_equal(content_zero(&c, 0, far), 0);
	assert_int_equal(content_seek(&c, 0, length, true), far);
	assert_int_equal(b.used, 2);
	/* A guest that has it mapped may have written anywhere. */
	object_mapped(c.object, 0);
	assert_int_equal(host_pwrite(c.object->fd, "y", 1, 3 << 20), 1);
	assert_int_equal(content_resize(&c, length, 8 << 20), 0);
	assert_int_equal(b.used, 1);
	assert_int_equal(content_seek(&c, 0, 8 << 20, true), 3 << 20);
	assert_int_equal(content_seek(&c, 3 << 20, 8 << 20, false), (3 << 20) + 4096);
	assert_int_equal(content_zero(&c, 0, 8 << 20), 0);
	assert_int_equal(content_seek(&c, 0, 8 << 20, true), 8 << 20);
	content_free(&c);
	assert_int_equal(b.used, 0);
}

static void content_knows_its_holes(void **state)
{
	struct budget b = {0};
	struct content c;
	uint64_t far = 1ull << 40, length = far + 1;
	(void)state;
	content_init(&c, &b);
	assert_int_equal(put(&c, "x", 1, far, 0), 1);
	assert_int_equal(content_pages(&c), 1);
	assert_int_equal(content_seek(&c, 0, length, true), far);
	assert_int_equal(content_seek(&c, 0, length, false), 0);
	assert_int_equal(content_seek(&c, far, length, true), far);
	assert_int_equal(content_seek(&c, far, length, false), length);
	assert_int_equal(put(&c, "y", 1, 4096, length), 1);
	assert_int_equal(content_seek(&c, 1, length, true), 4096);
	assert_int_equal(content_seek(&c, 4100, length, false), 8192);
	content_free(&c);
	assert_int_equal(b.used, 0);
}

static struct file *opened(struct world *x, const char *name, uint32_t flags)
{
	struct file *f;
	assert_int_equal(vfs_open(&x->w, name, flags | O_CREAT, 0644, &f), 0);
	return f;
}

static ssize_t fput(struct file *f, const void *p, size_t n, int64_t pos)
{
	struct uio u;
	uio_kernel(&u, (void *)(uintptr_t)p, n);
	return file_write(f, &u, &pos, false);
}

static void limits_are_enospc(void **state)
{
	const struct memfs_options o = {
		.name = "tmpfs", .mode = 0755, .size_limit = 5 * PAGE_SIZE, .inode_limit = 3};
	static char page[6 * PAGE_SIZE];
	struct world *x = *state;
	struct kstatfs st;
	struct fs *fs;
	struct path p;
	assert_int_equal(memfs_new(&o, &fs), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/m", 0755), 0);
	assert_int_equal(path_walk(&x->w, "/m", &p), 0);
	assert_int_equal(mount_add(x->ns, fs_get(fs), NULL, &p, "t", 0), 0);
	path_put(&p);
	struct file *f = opened(x, "/m/f", O_RDWR);
	assert_int_equal(fput(f, page, sizeof page, 0), 5 * PAGE_SIZE);
	assert_int_equal(fput(f, page, 1, 6 * PAGE_SIZE), -ENOSPC);
	assert_int_equal(fput(f, page, 1, 3), 1);
	assert_int_equal(fs->ops->statfs(fs, &st), 0);
	assert_int_equal(st.blocks, 5);
	assert_int_equal(st.bfree, 0);
	assert_int_equal(st.ffree, 1);
	assert_int_equal(touch(&x->w, "/m/g", 0644), 0);
	assert_int_equal(touch(&x->w, "/m/h", 0644), -ENOSPC);
	file_put(f);
	assert_int_equal(vfs_unlink(&x->w, "/m/f"), 0);
	assert_int_equal(touch(&x->w, "/m/h", 0644), 0);
	assert_int_equal(fs->ops->statfs(fs, &st), 0);
	assert_int_equal(st.bfree, 5);
	fs_put(fs);
}

struct seen {
	char names[64][16];
	unsigned count, room;
	int64_t next;
};

static bool see(void *arg, const char *name, size_t size, uint64_t ino, uint8_t type, int64_t next)
{
	struct seen *s = arg;
	(void)ino;
	(void)type;
	if (s->room == 0)
		return false;
	s->room--;
	memcpy(s->names[s->count++], name, size + 1);
	s->next = next;
	return true;
}

/* Removing what was read, and adding, must neither repeat nor skip what was there all the time. */
static void readdir_is_stable_while_names_go(void **state)
{
	struct world *x = *state;
	struct seen s = {.room = 0};
	char name[16];
	int64_t pos = 0;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "/f%02d", i);
		assert_int_equal(touch(&x->w, name, 0644), 0);
	}
	struct file *d;
	assert_int_equal(vfs_open(&x->w, "/", O_RDONLY | O_DIRECTORY, 0, &d), 0);
	for (unsigned before = 99; before != s.count;) {
		before = s.count;
		s.room = 3;
		assert_int_equal(d->ops->readdir(d, &pos, see, &s), 0);
		for (unsigned i = before; i < s.count; i++) {
			snprintf(name, sizeof name, "/%s", s.names[i]);
			if (s.names[i][0] == 'f')
				assert_int_equal(vfs_unlink(&x->w, name), 0);
		}
	}
	assert_int_equal(s.count, 22);
	assert_string_equal(s.names[0], ".");
	assert_string_equal(s.names[1], "..");
	assert_string_equal(s.names[2], "f00");
	assert_string_equal(s.names[21], "f19");
	file_put(d);
}

static uint32_t nlink_of(struct world *x, const char *name)
{
	struct kstat st;
	struct path p;
	assert_int_equal(path_walk(&x->w, name, &p), 0);
	assert_int_equal(vfs_getattr(&p, &st), 0);
	path_put(&p);
	return st.nlink;
}

static void rename_keeps_link_counts(void **state)
{
	struct world *x = *state;
	assert_int_equal(vfs_mkdir(&x->w, "/a", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/b", 0755), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/a/d", 0755), 0);
	assert_int_equal(touch(&x->w, "/b/f", 0644), 0);
	assert_int_equal(nlink_of(x, "/"), 4);
	assert_int_equal(nlink_of(x, "/a"), 3);
	assert_int_equal(vfs_rename(&x->w, "/a/d", &x->w, "/b/d", 0), 0);
	assert_int_equal(nlink_of(x, "/a"), 2);
	assert_int_equal(nlink_of(x, "/b"), 3);
	assert_int_equal(vfs_rename(&x->w, "/b/d", &x->w, "/a", RENAME_EXCHANGE), 0);
	assert_int_equal(nlink_of(x, "/b"), 3);
	assert_int_equal(nlink_of(x, "/"), 4);
	assert_int_equal(vfs_rename(&x->w, "/a", &x->w, "/b/f", RENAME_EXCHANGE), 0);
	assert_int_equal(nlink_of(x, "/b"), 4);
	assert_int_equal(nlink_of(x, "/"), 3);
	assert_int_equal(nlink_of(x, "/a"), 1);
	/* Onto an empty directory: that one goes. */
	assert_int_equal(vfs_mkdir(&x->w, "/c", 0755), 0);
	assert_int_equal(vfs_rename(&x->w, "/b/d", &x->w, "/c", 0), 0);
	assert_int_equal(nlink_of(x, "/"), 4);
	assert_int_equal(vfs_rename(&x->w, "/c", &x->w, "/b", 0), -ENOTEMPTY);
}

static void xattr_total_is_bounded(void **state)
{
	struct world *x = *state;
	static char value[65536];
	char name[32];
	struct path p;
	int err = 0, n = 0;
	assert_int_equal(touch(&x->w, "/f", 0644), 0);
	assert_int_equal(path_walk(&x->w, "/f", &p), 0);
	for (; err == 0 && n < 100; n++) {
		snprintf(name, sizeof name, "user.n%d", n);
		err = vfs_setxattr(&p, x->root, name, value, sizeof value, 0);
	}
	assert_int_equal(err, -ENOSPC);
	path_put(&p);
}

static int reopen(void *arg, int fd)
{
	char path[32];
	(void)arg;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* How the host lets a mapping of f be made. */
static int mapped_mode(struct file *f, bool shared)
{
	struct mmap_source src;
	assert_int_equal(f->ops->mmap(f, 1, shared, 0, 4096, &src), 0);
	return fcntl(src.fd, F_GETFL) & O_ACCMODE;
}

/* What reaches a stub can be written only where the guest may write. */
static void descriptors_allow_what_the_file_does(void **state)
{
	struct world *x = *state;
	struct mmap_source one, two;
	struct file *f;
	char c;
	assert_int_equal(memfs_file_new("m", x->root, O_RDWR, 0777, 0, &f), 0);
	assert_int_equal(fput(f, "abc", 3, 0), 3);
	assert_int_equal(mapped_mode(f, false), O_RDONLY);
	assert_int_equal(mapped_mode(f, true), O_RDWR);
	f->writable = false;
	assert_int_equal(mapped_mode(f, true), O_RDONLY);
	f->writable = true;
	/* Sealed: what was handed out before is another object now. */
	assert_int_equal(f->ops->mmap(f, 3, true, 0, 4096, &one), 0);
	assert_int_equal(memfs_add_seals(f, F_SEAL_WRITE), 0);
	assert_int_equal(mapped_mode(f, true), O_RDONLY);
	assert_int_equal(f->ops->mmap(f, 1, true, 0, 4096, &two), 0);
	assert_int_equal(host_pwrite(one.fd, "x", 1, 0), 1);
	assert_true(host_pread(two.fd, &c, 1, 0) == 1 && c == 'a');
	file_put(f);
}

static void seals(void **state)
{
	struct world *x = *state;
	struct mmap_source src;
	struct file *f;
	assert_int_equal(memfs_file_new("m", x->root, O_RDWR, 0777, 0, &f), 0);
	assert_int_equal(fput(f, "abc", 3, 0), 3);
	inode_map_writable(f->inode);
	assert_int_equal(memfs_add_seals(f, F_SEAL_WRITE), -EBUSY);
	assert_int_equal(memfs_get_seals(f), 0);
	assert_int_equal(fput(f, "abc", 3, 0), 3);
	inode_unmap_writable(f->inode);
	assert_int_equal(memfs_add_seals(f, F_SEAL_WRITE | F_SEAL_SHRINK), 0);
	assert_int_equal(fput(f, "abc", 3, 0), -EPERM);
	assert_int_equal(f->ops->mmap(f, 2, true, 0, 4096, &src), -EPERM);
	assert_int_equal(f->ops->mmap(f, 1, false, 0, 4096, &src), 0);
	const struct iattr cut = {.mask = ATTR_SIZE, .size = 1};
	assert_int_equal(vfs_setattr(&f->path, x->root, &cut), -EPERM);
	file_put(f);
}

int main(void)
{
	host_set_readonly(reopen, NULL);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pagetree_grows_prunes_and_finds),
		cmocka_unit_test(content_reads_the_same_from_pages_and_object),
		cmocka_unit_test(content_becomes_an_object_when_it_grows),
		cmocka_unit_test(content_knows_its_holes),
		cmocka_unit_test(pageset_is_a_set),
		cmocka_unit_test(object_knows_its_holes),
		VFS_TEST(descriptors_allow_what_the_file_does),
		VFS_TEST(limits_are_enospc),
		VFS_TEST(readdir_is_stable_while_names_go),
		VFS_TEST(rename_keeps_link_counts),
		VFS_TEST(xattr_total_is_bounded),
		VFS_TEST(seals),
	};
	return cmocka_run_group_tests_name("memfs", tests, NULL, NULL);
}
