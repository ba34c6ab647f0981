/* SPDX-License-Identifier: Apache-2.0 */
/* A memfs over a gofer's tree that is walked: few questions, and answers as if each had been asked. */
#include <fcntl.h>

#include "overlay_fixture.h"

#include "fds.h"

enum { MANY = 40, CROWDS = 3, CROWD = GOFER_AHEAD_MAX + 20, IDLE_MAX = 128 };

static const char OWN_FDS[] = "/proc/self/fd";
static int before; /* descriptors of ours */

static void host_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* files/fN says "N"; dirs/dN holds N mod 4 files and a directory. */
static void make_lower(void)
{
	char path[64], text[16];
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("files", 0755) | mkdir("dirs", 0755) | mkdir("crowds", 0755), 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "files/f%d", i);
		snprintf(text, sizeof text, "%d", i);
		host_file(path, text);
		snprintf(path, sizeof path, "dirs/d%d", i);
		assert_int_equal(mkdir(path, 0755), 0);
		for (int k = 0; k < i % 4; k++) {
			snprintf(path, sizeof path, "dirs/d%d/%d", i, k);
			host_file(path, "x");
		}
		snprintf(path, sizeof path, "dirs/d%d/sub", i);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(chdir("/"), 0);
}

static void make_crowds(void)
{
	char path[64];
	assert_int_equal(chdir(top), 0);
	for (int i = 0; i < CROWDS; i++) {
		snprintf(path, sizeof path, "crowds/%d", i);
		assert_int_equal(mkdir(path, 0755), 0);
		for (int k = 0; k < CROWD; k++) {
			snprintf(path, sizeof path, "crowds/%d/%d", i, k);
			assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
		}
	}
	assert_int_equal(chdir("/"), 0);
}

/* A tree of its own for each test, because they change it. */
static int start(void **state)
{
	lower_begin(make_lower);
	before = count_fds(OWN_FDS);
	return overlay_new(state);
}

static int end(void **state)
{
	assert_int_equal(world_free(state), 0);
	/* What was opened ahead and never wanted is closed too. */
	assert_int_equal(count_fds(OWN_FDS), before);
	return lower_end();
}

struct names {
	char name[CROWD + 8][16];
	int n;
};

static bool collect(void *arg, const char *name, size_t size, uint64_t ino, uint8_t type,
		    int64_t next)
{
	struct names *l = arg;
	(void)ino;
	(void)type;
	(void)next;
	if (name[0] == '.')
		return true;
	assert_true(l->n < CROWD + 8 && size < sizeof l->name[0]);
	memcpy(l->name[l->n], name, size);
	l->name[l->n++][size] = '\0';
	return true;
}

/* In the directory's own order, as those who walk have it. */
static struct names *list(const char *path)
{
	struct names *l = calloc(1, sizeof *l);
	struct file *f;
	int64_t pos = 0;
	assert_non_null(l);
	assert_int_equal(vfs_open(&x->w, path, O_RDONLY | O_DIRECTORY, 0, &f), 0);
	assert_int_equal(f->ops->readdir(f, &pos, collect, l), 0);
	file_put(f);
	return l;
}

static int slurp(const char *path, char buf[64])
{
	struct file *f;
	struct uio u;
	int64_t pos = 0;
	int err = vfs_open(&x->w, path, O_RDONLY, 0, &f);
	if (err < 0)
		return err;
	uio_kernel(&u, buf, 63);
	ssize_t n = file_read(f, &u, &pos, false);
	assert_true(n >= 0);
	buf[n] = '\0';
	file_put(f);
	return 0;
}

__attribute__((noinline)) static char *at(const char *dir, const char *name)
{
	static char path[4][128]; /* the last four hold */
	static unsigned turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof *path, "%s/%s", dir, name);
	return p;
}

static void files_come_together(void **state)
{
	struct names *l = list("/o/files");
	uint64_t asked = gofer_client_asked(gofer);
	char buf[64];
	(void)state;
	assert_int_equal(l->n, MANY);
	for (int i = 0; i < l->n; i++) {
		assert_int_equal(slurp(at("/o/files", l->name[i]), buf), 0);
		assert_string_equal(buf, l->name[i] + 1);
	}
	/* 1, 4, 8, 16, 11 of them. */
	assert_int_equal(gofer_client_asked(gofer) - asked, 5);
	/* They are open already. */
	for (int i = 0; i < l->n; i++)
		assert_int_equal(slurp(at("/o/files", l->name[i]), buf), 0);
	assert_int_equal(gofer_client_asked(gofer) - asked, 5);
	free(l);
}

static void another_order_asks_for_each(void **state)
{
	struct names *l = list("/o/files");
	uint64_t asked = gofer_client_asked(gofer);
	char buf[64];
	(void)state;
	int fds = count_fds(OWN_FDS);
	for (int i = l->n; i-- > 0;)
		assert_int_equal(slurp(at("/o/files", l->name[i]), buf), 0);
	assert_int_equal(gofer_client_asked(gofer) - asked, MANY);
	assert_int_equal(count_fds(OWN_FDS) - fds, MANY);
	free(l);
}

/* The first two in order: now the four from the second on are open. */
static struct names *four_opened(void)
{
	struct names *l = list("/o/files");
	char buf[64];
	int fds = count_fds(OWN_FDS);
	assert_int_equal(slurp(at("/o/files", l->name[0]), buf), 0);
	assert_int_equal(slurp(at("/o/files", l->name[1]), buf), 0);
	assert_int_equal(count_fds(OWN_FDS) - fds, 5);
	return l;
}

/* What the host does to a file between then and when it is wanted is seen. */
static void changes_meanwhile_are_seen(void **state)
{
	struct names *l = four_opened();
	char buf[64], from[128];
	struct kstat st;
	struct path p;
	(void)state;
	strcpy(from, at(top, "new"));
	host_file(from, "another one");
	assert_int_equal(rename(from, at(at(top, "files"), l->name[2])), 0);
	FILE *f = fopen(at(at(top, "files"), l->name[3]), "a");
	assert_non_null(f);
	assert_true(fputs(" and more", f) >= 0 && fclose(f) == 0);
	assert_int_equal(unlink(at(at(top, "files"), l->name[4])), 0);
	assert_int_equal(slurp(at("/o/files", l->name[2]), buf), 0);
	assert_string_equal(buf, "another one");
	assert_int_equal(slurp(at("/o/files", l->name[3]), buf), 0);
	assert_string_equal(strchr(buf, ' '), " and more");
	assert_int_equal(path_walk(&x->w, at("/o/files", l->name[3]), &p), 0);
	assert_int_equal(vfs_getattr(&p, &st), 0);
	assert_int_equal(st.size, strlen(buf));
	path_put(&p);
	assert_int_equal(slurp(at("/o/files", l->name[4]), buf), -ENOENT);
	free(l);
}

/* A name that became a link, or something that must not be opened, is what it would have been. */
static void names_that_are_no_files_stay_away(void **state)
{
	struct names *l = list("/o/files");
	char buf[64];
	(void)state;
	assert_int_equal(unlink(at(at(top, "files"), l->name[2])), 0);
	assert_int_equal(symlink("/etc/passwd", at(at(top, "files"), l->name[2])), 0);
	assert_int_equal(unlink(at(at(top, "files"), l->name[3])), 0);
	assert_int_equal(mkfifo(at(at(top, "files"), l->name[3]), 0600), 0);
	assert_int_equal(slurp(at("/o/files", l->name[0]), buf), 0);
	assert_int_equal(slurp(at("/o/files", l->name[1]), buf), 0);
	assert_int_equal(slurp(at("/o/files", l->name[2]), buf), -ELOOP);
	assert_int_equal(slurp(at("/o/files", l->name[3]), buf), -ENXIO);
	assert_int_equal(slurp(at("/o/files", l->name[4]), buf), 0);
	assert_string_equal(buf, l->name[4] + 1);
	free(l);
}

/* A file that was opened ahead and is changed here first is this one. */
static void changed_here_is_ours(void **state)
{
	struct names *l = four_opened();
	struct file *f;
	struct uio u;
	int64_t pos = 0;
	char buf[64];
	(void)state;
	assert_int_equal(vfs_open(&x->w, at("/o/files", l->name[2]), O_WRONLY | O_TRUNC, 0, &f), 0);
	uio_kernel(&u, (char[]){"ours"}, 4);
	assert_int_equal(file_write(f, &u, &pos, false), 4);
	file_put(f);
	assert_int_equal(slurp(at("/o/files", l->name[2]), buf), 0);
	assert_string_equal(buf, "ours");
	assert_int_equal(vfs_unlink(&x->w, at("/o/files", l->name[3])), 0);
	assert_int_equal(slurp(at("/o/files", l->name[3]), buf), -ENOENT);
	free(l);
}

static void directories_come_together(void **state)
{
	struct names *l = list("/o/dirs");
	uint64_t asked = gofer_client_asked(gofer);
	(void)state;
	assert_int_equal(l->n, MANY);
	for (int i = 0; i < l->n; i++) {
		struct names *in = list(at("/o/dirs", l->name[i]));
		assert_int_equal(in->n, atoi(l->name[i] + 1) % 4 + 1);
		free(in);
	}
	assert_int_equal(gofer_client_asked(gofer) - asked, 5);
	free(l);
}

/* Depth first, as find(1) goes: what lies deeper does not end it. */
static void walks_come_together(void **state)
{
	struct names *l = list("/o/dirs");
	uint64_t asked = gofer_client_asked(gofer);
	char path[128];
	(void)state;
	for (int i = 0; i < l->n; i++) {
		free(list(at("/o/dirs", l->name[i])));
		snprintf(path, sizeof path, "/o/dirs/%s/sub", l->name[i]);
		free(list(path));
	}
	/* Each of the directories below is the only one of its own. */
	assert_int_equal(gofer_client_asked(gofer) - asked, 5 + MANY);
	free(l);
}

/* Each directory's files after its names, as grep -r goes: few questions, though few files each. */
static void files_of_small_directories_come_together(void **state)
{
	struct names *l = list("/o/dirs"), *in[MANY];
	char buf[64];
	(void)state;
	for (int i = 0; i < l->n; i++)
		in[i] = list(at("/o/dirs", l->name[i]));
	uint64_t asked = gofer_client_asked(gofer);
	int fds = count_fds(OWN_FDS), opened = 0;
	for (int i = 0; i < l->n; i++) {
		for (int k = 0; k < in[i]->n; k++) {
			if (in[i]->name[k][0] == 's')
				continue;
			assert_int_equal(slurp(at(at("/o/dirs", l->name[i]), in[i]->name[k]), buf), 0);
			assert_string_equal(buf, "x");
			opened++;
		}
		free(in[i]);
	}
	assert_int_equal(opened, MANY / 4 * 6);
	assert_int_equal(count_fds(OWN_FDS) - fds, opened);
	assert_true((int)(gofer_client_asked(gofer) - asked) < opened / 2);
	free(l);
}

/* More than the gofer tells at once: the rest is asked for, nothing is missing or there twice. */
static void crowds_are_whole(void **state)
{
	make_crowds();
	struct names *l = list("/o/crowds");
	(void)state;
	uint64_t asked = gofer_client_asked(gofer);
	for (int i = 0; i < l->n; i++) {
		struct names *in = list(at("/o/crowds", l->name[i]));
		bool seen[CROWD] = {false};
		assert_int_equal(in->n, CROWD);
		for (int k = 0; k < in->n; k++) {
			assert_false(seen[atoi(in->name[k])]);
			seen[atoi(in->name[k])] = true;
		}
		free(in);
	}
	assert_int_equal(gofer_client_asked(gofer) - asked, l->n);
	free(l);
}

/* Each exec asks whether its file has some, which hardly one has. */
static void capabilities_are_asked_for_once(void **state)
{
	static const char name[] = "security.capability";
	struct path p;
	(void)state;
	assert_int_equal(path_walk(&x->w, "/o/files/f0", &p), 0);
	struct inode *i = p.dentry->inode;
	uint64_t asked = gofer_client_asked(gofer);
	assert_int_equal(i->ops->getxattr(i, name, NULL, 0), -ENODATA);
	assert_int_equal(i->ops->getxattr(i, "security.other", NULL, 0), -ENODATA);
	assert_int_equal(i->ops->getxattr(i, name, NULL, 0), -ENODATA);
	assert_int_equal(gofer_client_asked(gofer) - asked, 2);
	/* Until it gets some here. */
	assert_int_equal(i->ops->setxattr(i, name, "12", 2, 0), 0);
	assert_int_equal(i->ops->getxattr(i, name, NULL, 0), 2);
	path_put(&p);
}

/* However many files are opened ahead, few are kept. */
static void descriptors_stay_few(void **state)
{
	char path[64], buf[64];
	(void)state;
	make_crowds();
	int fds = count_fds(OWN_FDS);
	for (int i = 0; i < CROWDS; i++) {
		snprintf(path, sizeof path, "/o/crowds/%d", i);
		struct names *l = list(path);
		for (int k = 0; k < l->n; k++) {
			assert_int_equal(slurp(at(path, l->name[k]), buf), 0);
			assert_true(count_fds(OWN_FDS) - fds <= IDLE_MAX);
		}
		free(l);
	}
}

#define AHEAD_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AHEAD_TEST(files_come_together),
		AHEAD_TEST(another_order_asks_for_each),
		AHEAD_TEST(changes_meanwhile_are_seen),
		AHEAD_TEST(names_that_are_no_files_stay_away),
		AHEAD_TEST(changed_here_is_ours),
		AHEAD_TEST(directories_come_together),
		AHEAD_TEST(walks_come_together),
		AHEAD_TEST(files_of_small_directories_come_together),
		AHEAD_TEST(crowds_are_whole),
		AHEAD_TEST(capabilities_are_asked_for_once),
		AHEAD_TEST(descriptors_stay_few),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
