/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids: who may set which to what, what follows along, set-id programs.
 * The raw calls, because glibc's apply to all threads and the kernel's to one.
 */
#include "exec.h"

#include <grp.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static int reporter(const char *mode, int argc, char **argv)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	(void)mode, (void)argc, (void)argv;
	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	printf("%u %u %u %u %u %u %lu", r, e, s, gr, ge, gs, getauxval(AT_SECURE));
	fflush(stdout);
	return 0;
}

static void expect_uids(uid_t r, uid_t e, uid_t s)
{
	uid_t x, y, z;
	ASSERT_OK(getresuid(&x, &y, &z));
	ASSERT_EQ(x, r);
	ASSERT_EQ(y, e);
	ASSERT_EQ(z, s);
	ASSERT_EQ(getuid(), r);
	ASSERT_EQ(geteuid(), e);
}

static void expect_gids(gid_t r, gid_t e, gid_t s)
{
	gid_t x, y, z;
	ASSERT_OK(getresgid(&x, &y, &z));
	ASSERT_EQ(x, r);
	ASSERT_EQ(y, e);
	ASSERT_EQ(z, s);
}

/* setfsuid(-1) changes nothing and tells the present value. */
static int fsuid(void)
{
	return setfsuid((uid_t)-1);
}

TEST(setuid_by_root_sets_all_three)
{
	ASSERT_OK(setuid(1000));
	expect_uids(1000, 1000, 1000);
	ASSERT_EQ(fsuid(), 1000);
	ASSERT_ERR(setuid(0), EPERM);
	ASSERT_ERR(setuid(1001), EPERM);
	ASSERT_OK(setuid(1000));
}

TEST(setuid_by_others_sets_the_effective_id_only)
{
	ASSERT_OK(setresuid(1000, 1001, 1002));
	ASSERT_OK(setuid(1002));
	expect_uids(1000, 1002, 1002);
	ASSERT_OK(setuid(1000));
	expect_uids(1000, 1000, 1002);
	ASSERT_ERR(setuid(1001), EPERM);
}

TEST(seteuid_can_come_back)
{
	ASSERT_OK(seteuid(1000));
	expect_uids(0, 1000, 0);
	ASSERT_ERR(seteuid(1001), EPERM);
	ASSERT_OK(seteuid(0));
	expect_uids(0, 0, 0);
}

TEST(setresuid_minus_one_keeps)
{
	ASSERT_OK(setresuid(1, 2, 3));
	ASSERT_OK(setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
	expect_uids(1, 2, 3);
	ASSERT_OK(setresuid((uid_t)-1, 3, (uid_t)-1));
	expect_uids(1, 3, 3);
}

TEST(setresuid_permutes_what_one_has)
{
	ASSERT_OK(setresuid(1, 2, 3));
	ASSERT_OK(setresuid(3, 1, 2));
	expect_uids(3, 1, 2);
	ASSERT_ERR(setresuid(3, 1, 4), EPERM);
	expect_uids(3, 1, 2);
}

TEST(setreuid_saves_the_new_effective_id)
{
	ASSERT_OK(setreuid(1000, 1001));
	expect_uids(1000, 1001, 1001);
	ASSERT_OK(setreuid(1001, 1000));
	expect_uids(1001, 1000, 1000);
}

TEST(setreuid_by_others)
{
	ASSERT_OK(setresuid(1, 2, 3));
	/* The real id may become the real or effective one, the effective any of the three. */
	ASSERT_ERR(setreuid(3, (uid_t)-1), EPERM);
	ASSERT_OK(setreuid((uid_t)-1, 3));
	/* The saved id follows only when the real id is set, or the effective is not the real. */
	expect_uids(1, 3, 3);
	ASSERT_OK(setreuid((uid_t)-1, 1));
	expect_uids(1, 1, 3);
}

TEST(minus_one_is_no_user)
{
	ASSERT_ERR(setuid((uid_t)-1), EINVAL);
	ASSERT_ERR(setgid((gid_t)-1), EINVAL);
}

TEST(setfsuid_returns_the_old_one_always)
{
	ASSERT_EQ(setfsuid(1000), 0);
	ASSERT_EQ(fsuid(), 1000);
	ASSERT_EQ(geteuid(), 0);
	ASSERT_EQ(setfsuid(0), 1000);
	ASSERT_OK(setresuid(1, 2, 3));
	ASSERT_EQ(setfsuid(99), 2);
	ASSERT_EQ(fsuid(), 2);
	ASSERT_EQ(setfsuid(3), 2);
	ASSERT_EQ(fsuid(), 3);
}

TEST(the_fsuid_owns_new_files)
{
	struct stat st;
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	setfsuid(1234);
	setfsgid(4321);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	ASSERT_OK(fd);
	ASSERT_OK(fstat(fd, &st));
	ASSERT_EQ(st.st_uid, 1234);
	ASSERT_EQ(st.st_gid, 4321);
}

TEST(the_fsuid_decides_over_files)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	close(file_of_pages("f", 10));
	setfsuid(1234);
	ASSERT_ERR(open("f", O_RDONLY), EACCES);
	setfsuid(0);
	ASSERT_OK(open("f", O_RDONLY));
}

TEST(the_effective_id_takes_the_fsuid_along)
{
	ASSERT_OK(seteuid(1000));
	ASSERT_EQ(fsuid(), 1000);
	ASSERT_OK(seteuid(0));
	ASSERT_EQ(fsuid(), 0);
}

TEST(access_uses_the_real_id)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	close(file_of_pages("f", 10));
	ASSERT_OK(setresuid(1000, 0, 0));
	ASSERT_ERR(access("f", R_OK), EACCES);
	ASSERT_OK(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	ASSERT_OK(open("f", O_RDONLY));
}

TEST(group_ids_follow_the_same_rules)
{
	ASSERT_OK(setresgid(1, 2, 3));
	ASSERT_OK(setgid(5));
	expect_gids(5, 5, 5);
	ASSERT_OK(setresgid(1, 2, 3));
	ASSERT_OK(setresuid(1000, 1000, 1000));
	ASSERT_ERR(setgid(4), EPERM);
	ASSERT_OK(setgid(3));
	expect_gids(1, 3, 3);
	ASSERT_ERR(setresgid(9, (gid_t)-1, (gid_t)-1), EPERM);
	ASSERT_OK(setregid(3, 1));
	expect_gids(3, 1, 1);
}

TEST(setgid_takes_no_capability_away)
{
	ASSERT_OK(setgid(1000));
	ASSERT_OK(setuid(0));
	ASSERT_OK(setgid(0));
	ASSERT_OK(setuid(1000));
}

TEST(groups_are_set_and_read)
{
	gid_t g[5] = {30, 10, 20, 10, 50}, out[10];
	ASSERT_OK(setgroups(5, g));
	ASSERT_EQ(getgroups(0, NULL), 5);
	ASSERT_EQ(getgroups(10, out), 5);
	/* The kernel wins: it sorts them, and keeps doubles. */
	ASSERT(out[0] == 10 && out[1] == 10 && out[2] == 20 && out[3] == 30 && out[4] == 50);
	ASSERT_ERR(getgroups(4, out), EINVAL);
	ASSERT_ERR(syscall(SYS_getgroups, -1, out), EINVAL);
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_EQ(getgroups(0, NULL), 0);
}

TEST(setgroups_errors)
{
	gid_t g[1] = {1};
	ASSERT_ERR(syscall(SYS_setgroups, 65537, g), EINVAL);
	ASSERT_ERR(syscall(SYS_setgroups, -1, g), EINVAL);
	ASSERT_ERR(syscall(SYS_setgroups, 1, 1), EFAULT);
	ASSERT_OK(setuid(1000));
	ASSERT_ERR(setgroups(1, g), EPERM);
}

TEST(a_supplementary_group_opens_files)
{
	gid_t g[2] = {500, 600};
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	close(file_of_pages("f", 10));
	ASSERT_OK(chown("f", 0, 600));
	ASSERT_OK(chmod("f", 0040));
	ASSERT_OK(setgroups(2, g));
	ASSERT_OK(setgid(700));
	ASSERT_OK(setuid(1000));
	ASSERT_OK(open("f", O_RDONLY));
	ASSERT_ERR(open("f", O_WRONLY), EACCES);
}

TEST(the_child_inherits_everything)
{
	gid_t g[1] = {77}, out[4];
	ASSERT_OK(setgroups(1, g));
	ASSERT_OK(setresgid(4, 5, 6));
	ASSERT_OK(setresuid(1, 2, 3));
	JOIN(SPAWN({
		expect_uids(1, 2, 3);
		expect_gids(4, 5, 6);
		ASSERT_EQ(getgroups(4, out), 1);
		ASSERT_EQ(out[0], 77);
	}));
}

static void *raw_setuid(void *arg)
{
	ASSERT_OK(syscall(SYS_setuid, 1000));
	*(uid_t *)arg = (uid_t)syscall(SYS_geteuid);
	return NULL;
}

TEST(the_system_call_changes_one_thread)
{
	pthread_t t;
	uid_t theirs = 0;
	ASSERT_EQ(pthread_create(&t, NULL, raw_setuid, &theirs), 0);
	pthread_join(t, NULL);
	ASSERT_EQ(theirs, 1000);
	ASSERT_EQ(geteuid(), 0);
}

static void *wait_and_report(void *arg)
{
	gate_wait(*(struct gate *)arg);
	return (void *)(long)geteuid();
}

TEST(glibc_changes_all_threads)
{
	pthread_t t;
	void *uid;
	struct gate g = gate_new();
	ASSERT_EQ(pthread_create(&t, NULL, wait_and_report, &g), 0);
	ASSERT_OK(setuid(1000));
	gate_open(g);
	pthread_join(t, &uid);
	ASSERT_EQ((long)uid, 1000);
}

static void run_set_id(const char *path, void (*before)(void))
{
	char *argv[] = {"x", NULL}, *envp[] = {"MODE=ids", NULL};
	ASSERT_EQ(run_command(&(struct command){path, argv, envp, before}), 0);
}

static void become_user(void)
{
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_OK(setresgid(2000, 2000, 2000));
	ASSERT_OK(setresuid(1000, 1000, 1000));
}

static void make_program(uid_t uid, gid_t gid, mode_t mode)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	copy_self("prog", 0755);
	ASSERT_OK(chown("prog", uid, gid));
	ASSERT_OK(chmod("prog", mode));
}

TEST(a_set_user_id_program)
{
	make_program(3000, 4000, 04755);
	run_set_id("./prog", become_user);
	ASSERT_EQ(strcmp(output, "1000 3000 3000 2000 2000 2000 1"), 0);
}

TEST(a_set_group_id_program)
{
	make_program(3000, 4000, 02755);
	run_set_id("./prog", become_user);
	ASSERT_EQ(strcmp(output, "1000 1000 1000 2000 4000 4000 1"), 0);
}

TEST(set_group_id_without_group_execute_is_something_else)
{
	make_program(3000, 4000, 02745);
	run_set_id("./prog", become_user);
	ASSERT_EQ(strcmp(output, "1000 1000 1000 2000 2000 2000 0"), 0);
}

static void become_user_for_good(void)
{
	become_user();
	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

TEST(no_new_privs_ignores_set_id_bits)
{
	make_program(3000, 4000, 06755);
	run_set_id("./prog", become_user_for_good);
	ASSERT_EQ(strcmp(output, "1000 1000 1000 2000 2000 2000 0"), 0);
}

TEST(a_set_id_script_runs_as_the_caller)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	copy_self("self", 0755);
	write_script("s", "#!./self\n");
	ASSERT_OK(chown("s", 3000, 4000));
	ASSERT_OK(chmod("s", 06755));
	run_set_id("./s", become_user);
	ASSERT_EQ(strcmp(output, "1000 1000 1000 2000 2000 2000 0"), 0);
}

static void split_ids(void)
{
	ASSERT_OK(setresuid(1000, 1001, 1002));
}

TEST(exec_copies_the_effective_id_to_the_saved_one)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	copy_self("prog", 0755);
	run_set_id("./prog", split_ids);
	ASSERT_EQ(strncmp(output, "1000 1001 1001 ", 15), 0);
	ASSERT_EQ(output[strlen(output) - 1], '1');
}

TEST(chown_by_its_owner_clears_set_id_bits)
{
	struct stat st;
	make_program(1000, 1000, 06755);
	ASSERT_OK(chown("prog", 1000, 1000));
	ASSERT_OK(stat("prog", &st));
	ASSERT_EQ(st.st_mode & 07777, 0755);
}

TEST(write_by_others_clears_set_id_bits)
{
	struct stat st;
	make_program(1000, 1000, 06777);
	JOIN(SPAWN({
		become_user();
		ASSERT_OK(setuid(1000));
		int fd = open("prog", O_WRONLY);
		ASSERT_EQ(write(fd, "x", 1), 1);
	}));
	ASSERT_OK(stat("prog", &st));
	ASSERT_EQ(st.st_mode & 07777, 0777);
}

EXEC_MAIN()
