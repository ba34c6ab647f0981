/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a proc mount: hidepid=, gid=, subset=; each mount has its own.  proc(5). */
#include "userns.h"

#include <dirent.h>
#include <sys/mount.h>

/* Bound to the process that is looked at: root's, while the test becomes somebody. */
static char other[64];

static void proc_at(const char *options)
{
	NEED_ROOT();
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mkdir("p", 0755));
	ASSERT_OK(mount("proc", "p", "proc", 0, options));
	snprintf(other, sizeof other, "p/%d", getpid());
}

static int listed(const char *name)
{
	DIR *d = opendir("p");
	int found = 0;
	ASSERT(d);
	for (struct dirent *e; (e = readdir(d));)
		found |= strcmp(e->d_name, name) == 0;
	closedir(d);
	return found;
}

/* The line of ./p in /proc/self/mounts has that text among its options. */
static int shown(const char *text)
{
	char line[4096], dir[4096], want[4200];
	int found = 0;
	ASSERT(getcwd(dir, sizeof dir));
	snprintf(want, sizeof want, " %s/p proc ", dir);
	FILE *f = fopen("/proc/self/mounts", "re");
	ASSERT(f);
	while (fgets(line, sizeof line, f))
		found |= strstr(line, want) && strstr(line, text);
	fclose(f);
	return found;
}

static char file[96];
static const char *in_other(const char *name)
{
	snprintf(file, sizeof file, "%s/%s", other, name);
	return file;
}

/* What somebody without rights finds of root's process. */
static void as_somebody(void (*fn)(void))
{
	JOIN(SPAWN({
		become(SOMEBODY);
		fn();
	}));
}

static void sees_all(void)
{
	struct stat st;
	ASSERT(listed(other + 2));
	ASSERT_OK(stat(other, &st));
	ASSERT_OK(stat(in_other("status"), &st));
	ASSERT_OK(close(open(in_other("cmdline"), O_RDONLY)));
}

static void may_not_enter(void)
{
	struct stat st;
	ASSERT(listed(other + 2));
	ASSERT_OK(stat(other, &st));
	ASSERT_ERR(stat(in_other("status"), &st), EPERM);
	ASSERT_ERR(open(in_other("cmdline"), O_RDONLY), EPERM);
	ASSERT_ERR(stat(in_other("nothing"), &st), EPERM);
	ASSERT_ERR(open(other, O_RDONLY | O_DIRECTORY), EPERM);
	ASSERT_ERR(chdir(other), EPERM);
	ASSERT_ERR(access(other, R_OK), EPERM);
	ASSERT_ERR(access(other, F_OK), EPERM);
}

static void sees_nothing(void)
{
	struct stat st;
	ASSERT(!listed(other + 2));
	ASSERT_ERR(stat(other, &st), ENOENT);
	ASSERT_ERR(stat(in_other("status"), &st), ENOENT);
	ASSERT_ERR(open(other, O_RDONLY | O_DIRECTORY), ENOENT);
	ASSERT_ERR(chdir(other), ENOENT);
}

/* Whose own processes are there all the same, and what is about no process. */
static void sees_own(void)
{
	char own[64];
	struct stat st;
	snprintf(own, sizeof own, "%d", getpid());
	ASSERT(listed(own));
	ASSERT(listed("self"));
	ASSERT_OK(stat("p/self/status", &st));
	ASSERT_OK(close(open("p/meminfo", O_RDONLY)));
	snprintf(own, sizeof own, "p/self/task/%d/comm", getpid());
	ASSERT_OK(close(open(own, O_RDONLY)));
	ASSERT_OK(chdir("p/self"));
}

TEST(off_hides_nothing)
{
	proc_at("hidepid=0");
	as_somebody(sees_all);
	ASSERT(!shown("hidepid"));
}

TEST(noaccess_closes_the_directories)
{
	proc_at("hidepid=1");
	sees_all();
	as_somebody(may_not_enter);
	as_somebody(sees_own);
	ASSERT(shown(",hidepid=noaccess"));
}

TEST(invisible_hides_them)
{
	proc_at("hidepid=2");
	sees_all();
	as_somebody(sees_nothing);
	as_somebody(sees_own);
	ASSERT(shown(",hidepid=invisible"));
}

TEST(ptraceable_shows_what_may_be_traced)
{
	proc_at("hidepid=4");
	as_somebody(sees_nothing);
	as_somebody(sees_own);
	sees_all();
	ASSERT(shown(",hidepid=ptraceable"));
}

TEST(words_are_options_too)
{
	static const char *const words[] = {"off", "noaccess", "invisible", "ptraceable"};
	char option[64];
	proc_at(NULL);
	for (int i = 0; i < 4; i++) {
		snprintf(option, sizeof option, "hidepid=%s", words[i]);
		ASSERT_OK(umount("p"));
		ASSERT_OK(mount("proc", "p", "proc", 0, option));
		ASSERT_EQ(shown(option), i > 0);
	}
	ASSERT_ERR(mount("proc", "p", "proc", 0, "hidepid=3"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "hidepid=5"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "hidepid=some"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "hidepid"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "subset=all"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "gid=x"), EINVAL);
	ASSERT_ERR(mount("proc", "p", "proc", 0, "size=4"), EINVAL);
}

static void in_group(gid_t gid, void (*fn)(void))
{
	JOIN(SPAWN({
		ASSERT_OK(setgroups(1, &gid));
		ASSERT_OK(setresgid(SOMEBODY, SOMEBODY, SOMEBODY));
		ASSERT_OK(setresuid(SOMEBODY, SOMEBODY, SOMEBODY));
		ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
		fn();
	}));
}

TEST(group_sees_them)
{
	proc_at("hidepid=2,gid=815");
	as_somebody(sees_nothing);
	in_group(815, sees_all);
	in_group(0, sees_nothing);
	ASSERT(shown(",gid=815,hidepid=invisible"));
}

TEST(without_gid_it_is_that_of_root)
{
	proc_at("hidepid=1");
	in_group(0, sees_all);
	ASSERT(!shown("gid="));
}

TEST(ptraceable_asks_no_group)
{
	proc_at("hidepid=4,gid=815");
	in_group(815, sees_nothing);
}

TEST(remount_changes_what_it_names)
{
	proc_at("gid=815");
	as_somebody(sees_all);
	ASSERT_OK(mount(NULL, "p", NULL, MS_REMOUNT, "hidepid=2"));
	ASSERT(shown(",gid=815,hidepid=invisible"));
	as_somebody(sees_nothing);
	in_group(815, sees_all);
	ASSERT_OK(mount(NULL, "p", NULL, MS_REMOUNT, NULL));
	ASSERT(shown(",gid=815,hidepid=invisible"));
	ASSERT_ERR(mount(NULL, "p", NULL, MS_REMOUNT, "hidepid=7"), EINVAL);
	ASSERT_OK(mount(NULL, "p", NULL, MS_REMOUNT, "gid=0,hidepid=off"));
	ASSERT(!shown("gid=") && !shown("hidepid"));
	as_somebody(sees_all);
}

TEST(mounts_do_not_share_options)
{
	proc_at("hidepid=2");
	ASSERT_OK(mkdir("q", 0755));
	ASSERT_OK(mount("proc", "q", "proc", 0, NULL));
	as_somebody(sees_nothing);
	JOIN(SPAWN({
		struct stat st;
		become(SOMEBODY);
		other[0] = 'q';
		ASSERT_OK(stat(other, &st));
	}));
	/* A bind is the same one. */
	ASSERT_OK(umount("q"));
	ASSERT_OK(mount("p", "q", NULL, MS_BIND, NULL));
	JOIN(SPAWN({
		struct stat st;
		become(SOMEBODY);
		other[0] = 'q';
		ASSERT_ERR(stat(other, &st), ENOENT);
	}));
}

TEST(subset_has_processes_only)
{
	struct stat st;
	proc_at("subset=pid,hidepid=1");
	ASSERT(shown(",hidepid=noaccess,subset=pid"));
	ASSERT(listed(other + 2) && listed("self") && listed("thread-self"));
	ASSERT(!listed("meminfo") && !listed("sys"));
	ASSERT_ERR(stat("p/meminfo", &st), ENOENT);
	ASSERT_ERR(stat("p/sys", &st), ENOENT);
	ASSERT_OK(stat("p/self/status", &st));
	as_somebody(may_not_enter);
}

TEST(subset_comes_with_remount)
{
	struct stat st;
	proc_at(NULL);
	ASSERT_OK(mount(NULL, "p", NULL, MS_REMOUNT, "subset=pid"));
	ASSERT(shown(",subset=pid"));
	ASSERT(!listed("meminfo"));
	ASSERT_ERR(stat("p/meminfo", &st), ENOENT);
	ASSERT_OK(stat("p/self/status", &st));
}

TEST(root_of_a_namespace_is_somebody)
{
	proc_at("hidepid=2");
	JOIN(SPAWN({
		become(SOMEBODY);
		own_root();
		sees_nothing();
		sees_own();
	}));
}
TEST_MAIN()
