/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc, /sys and cgroup2 with processes that nobody runs: what is in the
 * directories, whom files are about, and what happens when processes end.
 */
#include "task_fixture.h"
#include "vfs_fixture.h"

#include <semaphore.h>
#include <unistd.h>

#include "platform/host.h"
#include "sentry/procfs/procfs.h"
#include "sentry/procfs/tree.h"
#include "sentry/res/memory.h"
#include "sentry/res/resources.h"
#include "sentry/task/uts.h"
#include "sentry/vfs/fdtab.h"
#include "syscalls/abi/epoll.h"

struct sandbox {
	struct family *f;
	struct world *x;
};

/* Who calls is who /proc thinks of: fn runs on the thread of t, which is then parked. */
struct job {
	void (*fn)(struct sandbox *s);
	struct sandbox *s;
	sem_t done;
};

static void job_main(struct task *t, void *arg)
{
	struct job *j = arg;
	(void)t;
	j->fn(j->s);
	sem_post(&j->done);
	for (;;)
		pause();
}

static void as(struct task *t, void (*fn)(struct sandbox *s), struct sandbox *s)
{
	struct job j = {fn, s, {{0}}};
	sem_init(&j.done, 0, 0);
	assert_int_equal(task_start_with(t, job_main, &j), 0);
	sem_wait(&j.done);
}

static int fake_adopt(struct ctx *c)
{
	(void)c;
	return 0;
}

static int fake_usage(struct ctx *by, bool thread, struct usage *out)
{
	(void)by;
	(void)thread;
	*out = (struct usage){.minflt = 77};
	return 0;
}

/* A test whose body runs as the first thread of process 20. */
#define AS_TASK(name)                                                                              \
	static void name##_body(struct sandbox *s);                                                \
	static void name(void **state)                                                             \
	{                                                                                          \
		struct sandbox *s = *state;                                                        \
		as(s->f->t[0], name##_body, s);                                                    \
	}                                                                                          \
	static void name##_body(struct sandbox *s)

static void publish(struct group *g)
{
	struct task *t;
	lock(&kernel.tasks_lock);
	pid_set_locked(g->tgid, NULL, g);
	list_for_each(t, &g->threads, threads)
		pid_set_locked(t->tid, t, NULL);
	kernel.ngroups++;
	unlock(&kernel.tasks_lock);
}

static void unpublish(struct group *g)
{
	struct task *t;
	lock(&kernel.tasks_lock);
	list_for_each(t, &g->threads, threads)
		pid_clear_task_locked(t->tid);
	pid_clear_group_locked(g->tgid);
	kernel.ngroups--;
	unlock(&kernel.tasks_lock);
}

static void mount_on(struct world *x, const char *name, fs_make_fn make)
{
	struct path where;
	struct fs *fs;
	assert_int_equal(vfs_mkdir(&x->w, name, 0755), 0);
	assert_int_equal(path_walk(&x->w, name, &where), 0);
	const struct fs_source s = {name, "", x->w.cred};
	assert_int_equal(make(&s, &fs), 0);
	assert_int_equal(mount_add(x->ns, fs, NULL, &where, "none", 0), 0);
	path_put(&where);
}

static int setup(void **state)
{
	static bool once;
	static struct platform_ops ops;
	struct sandbox *s = calloc(1, sizeof *s);
	assert_int_equal(family_setup((void **)&s->f), 0);
	assert_int_equal(world_new((void **)&s->x), 0);
	ops = fake_platform;
	ops.ctx_adopt = fake_adopt;
	ops.usage = fake_usage;
	platform = &ops;
	if (!once) {
		assert_int_equal(host_init(), 0);
		assert_int_equal(pid_init(), 0);
		resources_from_host();
		memory_from_host();
		procfs_from_host();
		kernel.boot_mono_ns = clock_mono_ns() - NSEC_PER_SEC;
		kernel.task_most = 100;
		strcpy(uts_first.hostname, "box");
		once = true;
	}
	kernel.ngroups = kernel.ntasks = 0;
	mount_on(s->x, "/proc", procfs_make);
	mount_on(s->x, "/sys", sysfs_make);
	mount_on(s->x, "/cg", cgroupfs_make);
	publish(s->f->group);
	publish(s->f->parent);
	for (int i = 0; i < TASKS_MAX; i++) {
		assert_int_equal(fdtab_new(&s->f->t[i]->fds), 0);
		s->f->t[i]->fs = fsctx_get(s->x->fs);
	}
	s->f->parent->leader->fs = fsctx_get(s->x->fs);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct sandbox *s = *state;
	if (group_find(20) == s->f->group) {
		group_put(s->f->group);
		unpublish(s->f->group);
	}
	unpublish(s->f->parent);
	for (int i = 0; i < TASKS_MAX; i++) {
		fdtab_put(STEAL(s->f->t[i]->fds));
		fsctx_put(STEAL(s->f->t[i]->fs));
	}
	fsctx_put(STEAL(s->f->parent->leader->fs));
	world_free((void **)&s->x);
	int err = family_teardown((void **)&s->f);
	free(s);
	return err;
}

/* The text of a file, or an errno. */
static ssize_t slurp(const struct walk *w, const char *name, char *buf, size_t size)
{
	autoput(file) struct file *f = NULL;
	struct uio u;
	int err = vfs_open(w, name, O_RDONLY, 0, &f);
	if (err < 0)
		return err;
	uio_kernel(&u, buf, size - 1);
	ssize_t n = file_read(f, &u, NULL, false);
	if (n >= 0)
		buf[n] = 0;
	return n;
}

static ssize_t spit(const struct walk *w, const char *name, const char *text)
{
	autoput(file) struct file *f = NULL;
	struct uio u;
	int err = vfs_open(w, name, O_WRONLY | O_TRUNC, 0, &f);
	if (err < 0)
		return err;
	uio_kernel(&u, (void *)(uintptr_t)text, strlen(text));
	return file_write(f, &u, NULL, false);
}

static void expect_text(struct sandbox *s, const char *name, const char *want)
{
	char buf[4096];
	assert_true(slurp(&s->x->w, name, buf, sizeof buf) >= 0);
	assert_string_equal(buf, want);
}

/* ---- all files ---- */

enum { SEEN_MAX = 4096 };

struct survey {
	struct sandbox *s;
	char path[4096];
	uint64_t seen[SEEN_MAX];
	unsigned count, files;
};

struct listing {
	char name[200][64];
	uint64_t ino[200];
	unsigned count;
};

static bool list_one(void *arg, const char *name, size_t size, uint64_t ino, uint8_t type,
		     int64_t next)
{
	struct listing *l = arg;
	(void)type;
	(void)next;
	assert_true(l->count < 200 && size < 64);
	memcpy(l->name[l->count], name, size);
	l->name[l->count][size] = 0;
	l->ino[l->count++] = ino;
	return true;
}

static void list_dir(struct sandbox *s, const char *path, struct listing *out)
{
	autoput(file) struct file *f = NULL;
	int64_t pos = 0;
	out->count = 0;
	assert_int_equal(vfs_open(&s->x->w, path, O_RDONLY | O_DIRECTORY, 0, &f), 0);
	assert_int_equal(f->ops->readdir(f, &pos, list_one, out), 0);
}

static void visit_file(struct survey *v, const struct kstat *st)
{
	static char buf[1 << 16];
	if (!mode_is(st->mode, S_IFREG))
		return;
	ssize_t n = slurp(&v->s->x->w, v->path, buf, sizeof buf);
	bool is_mem = strcmp(v->path + strlen(v->path) - 4, "/mem") == 0;
	bool unknown = strcmp(v->path, "/cg/memory.current") == 0;
	if (n < 0 && !is_mem && !unknown)
		fail_msg("%s: %zd", v->path, n);
	v->files++;
}

static void survey(struct survey *v)
{
	struct listing *l = malloc(sizeof *l);
	size_t end = strlen(v->path);

	list_dir(v->s, v->path, l);
	for (unsigned i = 2; i < l->count; i++) {
		struct walk w = v->s->x->w;
		struct kstat st;
		struct path p;
		snprintf(v->path + end, sizeof v->path - end, "/%s", l->name[i]);
		w.flags = WALK_NOFOLLOW;
		assert_int_equal(path_walk(&w, v->path, &p), 0);
		assert_int_equal(vfs_getattr(&p, &st), 0);
		path_put(&p);
		if (st.ino != l->ino[i])
			fail_msg("%s: inode %llx, listed as %llx", v->path,
				 (unsigned long long)st.ino, (unsigned long long)l->ino[i]);
		for (unsigned k = 0; k < v->count; k++)
			if (v->seen[k] == st.ino)
				fail_msg("%s: inode number used twice", v->path);
		assert_true(v->count < SEEN_MAX);
		v->seen[v->count++] = st.ino;
		if (mode_is(st.mode, S_IFDIR))
			survey(v);
		else
			visit_file(v, &st);
	}
	v->path[end] = 0;
	free(l);
}

AS_TASK(every_file_is_listed_once_and_can_be_read)
{
	static const char *const roots[] = {"/proc", "/sys", "/cg"};
	struct survey *v = calloc(1, sizeof *v);
	v->s = s;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		v->count = 0; /* numbers are unique in one file system */
		strcpy(v->path, roots[i]);
		survey(v);
	}
	assert_true(v->files > 300);
	free(v);
}

static bool take_one(void *arg, const char *name, size_t size, uint64_t ino, uint8_t type,
		     int64_t next)
{
	struct listing *l = arg;
	return l->count % 2 == 0 ? list_one(arg, name, size, ino, type, next) : false;
}

AS_TASK(a_listing_in_small_steps_is_the_same)
{
	autoput(file) struct file *f = NULL;
	struct listing *whole = calloc(1, sizeof *whole), *step = calloc(1, sizeof *step);
	int64_t pos = 0;

	list_dir(s, "/proc", whole);
	assert_int_equal(vfs_open(&s->x->w, "/proc", O_RDONLY | O_DIRECTORY, 0, &f), 0);
	for (unsigned i = 0; i < whole->count; i++) {
		step->count = 0;
		assert_int_equal(f->ops->readdir(f, &pos, take_one, step), 0);
		assert_int_equal(step->count, 1);
		assert_string_equal(step->name[0], whole->name[i]);
	}
	step->count = 0;
	assert_int_equal(f->ops->readdir(f, &pos, take_one, step), 0);
	assert_int_equal(step->count, 0);
	free(whole);
	free(step);
}

/* ---- names ---- */

AS_TASK(numbers_are_written_one_way_only)
{
	static const char *const wrong[] = {"/proc/020", "/proc/+20",	 "/proc/20x",
					    "/proc/0",	 "/proc/999999", "/proc/99999999999",
					    "/proc/-1",	 "/proc/self/fd/00",
					    "/sys/devices/system/cpu/cpu00"};
	assert_int_equal(walks(&s->x->w, "/proc/20", 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(walks(&s->x->w, wrong[i], 0), -ENOENT);
}

static void as_third(struct sandbox *s)
{
	char buf[64];
	struct path p;
	struct walk w = s->x->w;
	w.flags = WALK_NOFOLLOW;
	assert_int_equal(path_walk(&w, "/proc/thread-self", &p), 0);
	assert_int_equal(vfs_readlink(&p, buf, sizeof buf), 10);
	assert_memory_equal(buf, "20/task/22", 10);
	path_put(&p);
	strcpy(s->f->t[2]->comm, "third");
	expect_text(s, "/proc/thread-self/comm", "third\n");
	/* A thread that is no process has a directory, but the root does not list it. */
	expect_text(s, "/proc/22/comm", "third\n");
	assert_int_equal(walks(&s->x->w, "/proc/20/task/10", 0), -ENOENT);
}

static void self_is_the_calling_task(void **state)
{
	struct sandbox *s = *state;
	as(s->f->t[2], as_third, s);
	/* Nobody's thread: there is no self. */
	assert_int_equal(walks(&s->x->w, "/proc/self", 0), -ENOENT);
}

AS_TASK(nothing_can_be_made_or_taken_away)
{
	struct file *f;
	assert_int_equal(vfs_mkdir(&s->x->w, "/proc/x", 0755), -ENOENT);
	assert_int_equal(vfs_open(&s->x->w, "/proc/20/x", O_CREAT | O_RDWR, 0600, &f), -ENOENT);
	assert_int_equal(vfs_unlink(&s->x->w, "/proc/20/stat"), -EPERM);
	assert_int_equal(vfs_open(&s->x->w, "/proc/sys/kernel/ostype", O_WRONLY, 0, &f), -EACCES);
}

/* ---- whom files are about ---- */

static void as_parent(struct sandbox *s)
{
	autoput(file) struct file *f = NULL;
	autoput(file) struct file *dir = NULL;
	struct walk below = s->x->w;
	char buf[256];
	struct uio u;

	assert_int_equal(vfs_open(&s->x->w, "/proc/20/stat", O_RDONLY, 0, &f), 0);
	assert_int_equal(vfs_open(&s->x->w, "/proc/20", O_RDONLY, 0, &dir), 0);
	unpublish(s->f->group);
	assert_int_equal(walks(&s->x->w, "/proc/20", 0), -ENOENT);

	struct group *other = make_group(20);
	make_task(other, 20);
	publish(other);
	assert_int_equal(walks(&s->x->w, "/proc/20", 0), 0);
	uio_kernel(&u, buf, sizeof buf);
	assert_int_equal(file_read(f, &u, NULL, false), -ESRCH);
	below.dir = dir;
	assert_int_equal(walks(&below, "stat", 0), -ENOENT);
	unpublish(other);
	group_drop(other);
}

static void a_number_used_again_is_somebody_else(void **state)
{
	struct sandbox *s = *state;
	as(s->f->parent->leader, as_parent, s);
}

AS_TASK(descriptors_come_and_go)
{
	struct task *t = s->f->t[0];
	struct walk w = s->x->w;
	struct kstat st;
	struct file *f;
	struct path p;
	char buf[256];

	assert_int_equal(walks(&w, "/proc/self/fd/0", WALK_NOFOLLOW), -ENOENT);
	assert_int_equal(touch(&w, "/file", 0644), 0);
	assert_int_equal(vfs_open(&w, "/file", O_WRONLY, 0, &f), 0);
	assert_int_equal(fd_install(t->fds, f, /*cloexec=*/true, 0, 100), 0);
	w.flags = WALK_NOFOLLOW;
	assert_int_equal(path_walk(&w, "/proc/self/fd/0", &p), 0);
	assert_int_equal(vfs_getattr(&p, &st), 0);
	assert_int_equal(st.mode, S_IFLNK | 0300);
	assert_int_equal(vfs_readlink(&p, buf, sizeof buf), 5);
	assert_memory_equal(buf, "/file", 5);
	path_put(&p);
	assert_true(slurp(&s->x->w, "/proc/self/fdinfo/0", buf, sizeof buf) > 0);
	assert_non_null(strstr(buf, "flags:\t02100001\n"));
	/* Through the link, for reading, though the descriptor was for writing. */
	assert_int_equal(slurp(&s->x->w, "/proc/self/fd/0", buf, sizeof buf), 0);
	fd_close(t->fds, 0);
	assert_int_equal(walks(&w, "/proc/self/fd/0", WALK_NOFOLLOW), -ENOENT);
}

/* The rights of the calling task count, not those of the walk. */
AS_TASK(strangers_are_kept_out)
{
	static const char *const secret[] = {"/proc/10/mem", "/proc/10/maps", "/proc/10/environ",
					     "/proc/10/auxv", "/proc/10/fd"};
	struct task *t = s->f->t[0];
	struct cred *was = cred_get(t->cred);
	struct file *f;

	task_set_cred(t, cred_get(s->x->user));
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		assert_int_equal(vfs_open(&s->x->w, secret[i], O_RDONLY, 0, &f), -EACCES);
	assert_int_equal(walks(&s->x->w, "/proc/10/cwd", 0), -EACCES);
	assert_int_equal(walks(&s->x->w, "/proc/10/exe", 0), -EACCES);
	/* Without privileges of its own the mode says the same. */
	assert_int_equal(vfs_open(&s->x->u, "/proc/10/environ", O_RDONLY, 0, &f), -EACCES);
	assert_int_equal(spit(&s->x->w, "/proc/10/comm", "mine"), -EINVAL);
	task_set_cred(t, was);
}

AS_TASK(memory_stays_that_of_the_program_it_was_opened_for)
{
	struct mm *mm = &s->f->mm;
	autoput(file) struct file *f = NULL;
	struct file *exe[2];
	int64_t pos = (int64_t)(uintptr_t)arena;
	uint32_t got = 0;
	struct uio u;

	assert_int_equal(touch(&s->x->w, "/a", 0755), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(vfs_open(&s->x->w, "/a", O_RDONLY, 0, &exe[i]), 0);
	mm->exe = exe[0];
	arena[0] = 42;
	assert_int_equal(vfs_open(&s->x->w, "/proc/self/mem", O_RDWR, 0, &f), 0);
	uio_kernel(&u, &got, sizeof got);
	assert_int_equal(file_read(f, &u, &pos, false), sizeof got);
	assert_int_equal(got, 42);

	mm->exe = exe[1]; /* execve of the same file: a description of its own */
	pos = (int64_t)(uintptr_t)arena;
	uio_kernel(&u, &got, sizeof got);
	assert_int_equal(file_read(f, &u, &pos, false), 0);
	got = 7;
	uio_kernel(&u, &got, sizeof got);
	assert_int_equal(file_write(f, &u, &pos, false), 0);
	assert_int_equal(arena[0], 42);
	mm->exe = NULL;
	file_put(exe[0]);
	file_put(exe[1]);
}

AS_TASK(settings_are_checked)
{
	assert_int_equal(spit(&s->x->w, "/proc/self/oom_score_adj", "-1001"), -EINVAL);
	assert_int_equal(spit(&s->x->w, "/proc/self/oom_score_adj", "12 x"), -EINVAL);
	assert_int_equal(spit(&s->x->w, "/proc/self/oom_score_adj", "1000\n"), 5);
	expect_text(s, "/proc/self/oom_adj", "15\n");
	assert_int_equal(spit(&s->x->w, "/proc/self/oom_adj", "-17"), 3);
	expect_text(s, "/proc/self/oom_score_adj", "-1000\n");
	assert_int_equal(spit(&s->x->w, "/proc/self/comm", "a name of more than fifteen"), 27);
	expect_text(s, "/proc/self/comm", "a name of more \n");
	assert_int_equal(spit(&s->x->w, "/proc/sys/kernel/hostname", "new\nrest"), 8);
	expect_text(s, "/proc/sys/kernel/hostname", "new\n");
}

static void polling_tells_of_new_mounts(void **state)
{
	struct sandbox *s = *state;
	autoput(file) struct file *f = NULL;

	assert_int_equal(vfs_open(&s->x->w, "/proc/20/mountinfo", O_RDONLY, 0, &f), 0);
	assert_false(file_poll(f) & EPOLLPRI);
	mount_on(s->x, "/more", sysfs_make);
	assert_true(file_poll(f) & EPOLLPRI);
	assert_false(file_poll(f) & EPOLLPRI);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_file_is_listed_once_and_can_be_read),
		T(a_listing_in_small_steps_is_the_same),
		T(numbers_are_written_one_way_only),
		T(self_is_the_calling_task),
		T(nothing_can_be_made_or_taken_away),
		T(a_number_used_again_is_somebody_else),
		T(descriptors_come_and_go),
		T(strangers_are_kept_out),
		T(memory_stays_that_of_the_program_it_was_opened_for),
		T(settings_are_checked),
		T(polling_tells_of_new_mounts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
