/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities of files: what security.capability gives and takes at execve. */
#include "exec.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define BIT(cap) (1ull << (cap))

static uint64_t sets[3]; /* effective, permitted, inheritable */

static void get_caps(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	ASSERT_OK(syscall(SYS_capget, &head, d));
	sets[0] = d[0].effective | (uint64_t)d[1].effective << 32;
	sets[1] = d[0].permitted | (uint64_t)d[1].permitted << 32;
	sets[2] = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
}

static void set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		 (uint32_t)(inheritable >> 32)}};
	ASSERT_OK(syscall(SYS_capset, &head, d));
}

static int reporter(const char *mode, int argc, char **argv)
{
	(void)mode, (void)argc, (void)argv;
	get_caps();
	printf("%llx %llx %lu %d", (unsigned long long)sets[0], (unsigned long long)sets[1],
	       getauxval(AT_SECURE),
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0));
	fflush(stdout);
	return 0;
}

static struct vfs_ns_cap_data attr(uint64_t permitted, uint64_t inheritable, int effective)
{
	return (struct vfs_ns_cap_data){
		.magic_etc = VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0),
		.data = {{(uint32_t)permitted, (uint32_t)inheritable},
			 {(uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}}};
}

/* This program as ./caps, with these capabilities. */
static void make(uint64_t permitted, uint64_t inheritable, int effective)
{
	struct vfs_ns_cap_data a = attr(permitted, inheritable, effective);
	if (geteuid() != 0)
		SKIP("not root");
	if (access("caps", F_OK) < 0)
		test_tmpdir();
	copy_self("caps", 0755);
	ASSERT_OK(chmod(".", 0755));
	if (setxattr("caps", "security.capability", &a, XATTR_CAPS_SZ_2, 0) < 0)
		SKIP("no capabilities of files here");
}

static int run_caps(void (*before)(void))
{
	char *argv[] = {"caps", NULL}, *envp[] = {"MODE=x", NULL};
	return run_command(&(struct command){"./caps", argv, envp, before});
}

static void nobody(void)
{
	setuid(NOBODY);
}

TEST(a_user_gets_what_the_file_permits)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(nobody), 0);
	ASSERT_EQ(strcmp(output, "2000 2000 1 0"), 0);
}

TEST(not_at_once_without_the_effective_bit)
{
	make(BIT(CAP_NET_RAW) | BIT(CAP_KILL), 0, 0);
	ASSERT_EQ(run_caps(nobody), 0);
	ASSERT_EQ(strcmp(output, "0 2020 1 0"), 0);
}

static void inherit_raw(void)
{
	set_caps(CAP_TO_MASK(CAP_SETUID), BIT(CAP_NET_RAW) | CAP_TO_MASK(CAP_SETUID),
		 BIT(CAP_NET_RAW) | BIT(CAP_KILL));
	setuid(NOBODY);
}

TEST(what_both_sides_inherit)
{
	make(0, BIT(CAP_NET_RAW) | BIT(CAP_CHOWN), 1);
	ASSERT_EQ(run_caps(inherit_raw), 0);
	ASSERT_EQ(strcmp(output, "2000 2000 1 0"), 0);
	ASSERT_EQ(run_caps(nobody), 0);
	ASSERT_EQ(strncmp(output, "0 0 ", 4), 0);
}

static void unbound_nobody(void)
{
	prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0);
	setuid(NOBODY);
}

static void unbound_root(void)
{
	prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0);
}

/* A program that cannot know is not run without what it counts on; one that can is. */
TEST(outside_the_bounding_set_is_eperm)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(unbound_nobody), (200 + EPERM) << 8);
	ASSERT_EQ(run_caps(unbound_root), (200 + EPERM) << 8);
	make(BIT(CAP_NET_RAW) | BIT(CAP_KILL), 0, 0);
	ASSERT_EQ(run_caps(unbound_nobody), 0);
	ASSERT_EQ(strcmp(output, "0 20 1 0"), 0);
}

static void no_new_privs(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setuid(NOBODY);
}

TEST(no_new_privileges_means_none)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(no_new_privs), 0);
	ASSERT_EQ(strncmp(output, "0 0 ", 4), 0);
}

/* Somebody else could send it to another directory at any moment. */
static void with_sharer(void)
{
	if (syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int fd = 0; fd < 100; fd++)
			close(fd);
		for (;;)
			pause();
	}
}

static void sharing_nobody(void)
{
	with_sharer();
	setuid(NOBODY);
}

static void sharing_limited_root(void)
{
	with_sharer();
	set_caps(BIT(CAP_KILL), BIT(CAP_KILL), 0);
}

TEST(who_shares_its_directory_gains_nothing)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(sharing_nobody), 0);
	ASSERT_EQ(strcmp(output, "0 0 1 0"), 0);
	ASSERT_OK(removexattr("caps", "security.capability"));
	ASSERT_OK(chmod("caps", 04755));
	ASSERT_EQ(run_caps(sharing_nobody), 0);
	ASSERT_EQ(strcmp(output, "0 0 1 0"), 0);
	ASSERT_OK(chmod("caps", 0755));
	ASSERT_EQ(run_caps(sharing_limited_root), 0);
	ASSERT_EQ(strcmp(output, "20 20 0 0"), 0);
}

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void threaded_nobody(void)
{
	pthread_t t;
	setuid(NOBODY);
	pthread_create(&t, NULL, sleep_for_ever, NULL);
}

TEST(its_own_threads_end_with_the_old_program)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(threaded_nobody), 0);
	ASSERT_EQ(strcmp(output, "2000 2000 1 0"), 0);
}

static void *bring_filter(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = {1, &allow};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0)
		_exit(1);
	return arg;
}

static void filtered_by_another_thread(void)
{
	pthread_t t;
	setuid(NOBODY);
	pthread_create(&t, NULL, bring_filter, NULL);
	pthread_join(t, NULL);
}

TEST(no_new_privileges_come_with_a_filter_for_all_threads)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_EQ(run_caps(filtered_by_another_thread), 0);
	ASSERT_EQ(strncmp(output, "0 0 ", 4), 0);
}

static void ambient_raw(void)
{
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	setuid(NOBODY);
	set_caps(0, BIT(CAP_NET_RAW), BIT(CAP_NET_RAW));
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
}

TEST(a_file_with_capabilities_ends_ambient_ones)
{
	make(BIT(CAP_KILL), 0, 1);
	ASSERT_EQ(run_caps(ambient_raw), 0);
	ASSERT_EQ(strcmp(output, "20 20 1 0"), 0);
	ASSERT_OK(removexattr("caps", "security.capability"));
	ASSERT_EQ(run_caps(ambient_raw), 0);
	ASSERT_EQ(strcmp(output, "2000 2000 0 1"), 0);
}

/* Who becomes root by the file gets what the file says, not all. */
TEST(set_user_id_root_with_capabilities)
{
	make(BIT(CAP_NET_RAW), 0, 1);
	ASSERT_OK(chmod("caps", 04755));
	ASSERT_EQ(run_caps(nobody), 0);
	ASSERT_EQ(strcmp(output, "2000 2000 1 0"), 0);
}

TEST(root_has_all_with_or_without)
{
	make(BIT(CAP_NET_RAW), 0, 0);
	get_caps();
	char want[64];
	uint64_t all = 0;
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			all |= BIT(cap);
	snprintf(want, sizeof want, "%llx %llx 0 0", (unsigned long long)all, (unsigned long long)all);
	ASSERT_EQ(run_caps(NULL), 0);
	ASSERT_EQ(strcmp(output, want), 0);
}

static void limited_root(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	set_caps(BIT(CAP_KILL), BIT(CAP_KILL), 0);
}

/* What root had given up, an exec gives back, but not to who may gain nothing. */
TEST(no_new_privileges_are_for_root_too)
{
	make(0, 0, 0);
	ASSERT_OK(removexattr("caps", "security.capability"));
	ASSERT_EQ(run_caps(limited_root), 0);
	ASSERT_EQ(strncmp(output, "20 20 ", 6), 0);
}

TEST(what_is_no_capability_cannot_be_set)
{
	struct vfs_ns_cap_data a = attr(1, 0, 1);
	make(1, 0, 0);
	ASSERT_ERR(setxattr("caps", "security.capability", &a, 7, 0), EINVAL);
	a.magic_etc = 0x07000000;
	ASSERT_ERR(setxattr("caps", "security.capability", &a, XATTR_CAPS_SZ_2, 0), EINVAL);
	a.magic_etc = VFS_CAP_REVISION_2;
	pid_t p = SPAWN({
		nobody();
		ASSERT_ERR(setxattr("caps", "security.capability", &a, XATTR_CAPS_SZ_2, 0), EPERM);
	});
	JOIN(p);
}

static int give(const char *path)
{
	struct vfs_ns_cap_data a = attr(BIT(CAP_NET_RAW), 0, 1);
	return setxattr(path, "security.capability", &a, XATTR_CAPS_SZ_2, 0);
}

TEST(a_change_of_content_or_owner_takes_them_away)
{
	if (geteuid() != 0)
		SKIP("not root");
	test_tmpdir();
	int fd = open("f", O_RDWR | O_CREAT, 0666);
	ASSERT_OK(fd);
	ASSERT_OK(give("f"));
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_ERR(getxattr("f", "security.capability", NULL, 0), ENODATA);
	ASSERT_OK(give("f"));
	ASSERT_OK(chown("f", 0, 0));
	ASSERT_ERR(getxattr("f", "security.capability", NULL, 0), ENODATA);
	ASSERT_OK(give("f"));
	ASSERT_OK(truncate("f", 5));
	ASSERT_ERR(getxattr("f", "security.capability", NULL, 0), ENODATA);
	ASSERT_OK(give("f"));
	ASSERT_OK(chmod("f", 0600));
	ASSERT_EQ(getxattr("f", "security.capability", NULL, 0), XATTR_CAPS_SZ_2);
}

static void map_self(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY);
	ASSERT_OK(fd);
	ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* The root of a user namespace is nobody outside, and so are the programs it gives rights to. */
TEST(what_a_user_namespace_gives_counts_there_only)
{
	struct vfs_ns_cap_data a = attr(BIT(CAP_NET_RAW), 0, 1);
	make(0, 0, 0);
	ASSERT_OK(removexattr("caps", "security.capability"));
	ASSERT_OK(chown("caps", NOBODY, NOBODY));
	pid_t p = SPAWN({
		nobody();
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(77);
	});
	if (wait_status(p) == 77 << 8)
		SKIP("no user namespaces");
	p = SPAWN({
		ASSERT_OK(setgid(NOBODY));
		nobody();
		prctl(PR_SET_DUMPABLE, 1);
		ASSERT_OK(unshare(CLONE_NEWUSER));
		map_self("/proc/self/setgroups", "deny");
		map_self("/proc/self/uid_map", "0 65534 1");
		map_self("/proc/self/gid_map", "0 65534 1");
		ASSERT_OK(setxattr("caps", "security.capability", &a, XATTR_CAPS_SZ_2, 0));
		ASSERT_EQ(getxattr("caps", "security.capability", &a, sizeof a), XATTR_CAPS_SZ_2);
	});
	JOIN(p);
	ASSERT_EQ(getxattr("caps", "security.capability", &a, sizeof a), XATTR_CAPS_SZ_3);
	ASSERT_EQ(a.magic_etc, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
	ASSERT_EQ(a.rootid, NOBODY);
	ASSERT_EQ(run_caps(nobody), 0);
	ASSERT_EQ(strcmp(output, "0 0 0 0"), 0);
}

EXEC_MAIN()
