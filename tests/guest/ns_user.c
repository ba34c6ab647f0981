/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces: made, mapped, joined.  user_namespaces(7). */
#include "userns.h"

#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static uint64_t caps(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];
	ASSERT_OK(syscall(SYS_capget, &h, d));
	return d[0].effective | (uint64_t)d[1].effective << 32;
}

TEST(somebody_gets_all_capabilities_and_no_ids)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_EQ(caps(), 0);
		long old = ns_number("self", "user");
		ASSERT_OK(unshare(CLONE_NEWUSER));
		ASSERT(ns_number("self", "user") != old);
		ASSERT(caps() >> CAP_LAST_CAP & 1);
		ASSERT_EQ(getuid(), OVERFLOW);
		ASSERT_EQ(getegid(), OVERFLOW);
		ASSERT_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN), 1);
		ASSERT_TEXT("/proc/self/uid_map", "");
		ASSERT_TEXT("/proc/self/setgroups", "allow\n");
		/* Its creator owns it: that is looked at with the own ids. */
		ASSERT_EQ(prctl(PR_GET_DUMPABLE), 1);
	}));
}

TEST(clone_makes_one_for_the_child)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		long old = ns_number("self", "user");
		pid_t p = ns_fork(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET);
		if (p == 0) {
			ASSERT_EQ(getpid(), 1);
			ASSERT_EQ(getuid(), OVERFLOW);
			ASSERT(caps() != 0);
			_exit(0);
		}
		ASSERT_OK(p);
		JOIN(p);
		ASSERT_EQ(ns_number("self", "user"), old);
		ASSERT_EQ(caps(), 0);
	}));
}

TEST(what_cannot_be_combined)
{
	NEED_ROOT();
	ASSERT_ERR(ns_fork(CLONE_NEWUSER | CLONE_FS), EINVAL);
	ASSERT_ERR(syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0,
			   0, 0),
		   EINVAL);
	/* All that needs a capability, in one call: the user namespace comes first. */
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_ERR(unshare(CLONE_NEWUTS), EPERM);
		ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC |
				  CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP));
		ASSERT_OK(sethostname("inner", 5));
	}));
}

TEST(ids_are_translated_by_the_map)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER));
		map_own(17, SOMEBODY);
		uint32_t r;
		uint32_t e;
		uint32_t s;
		ASSERT_EQ(getuid(), 17);
		ASSERT_EQ(geteuid(), 17);
		ASSERT_EQ(getgid(), 17);
		ASSERT_OK(getresuid(&r, &e, &s));
		ASSERT_EQ(s, 17);
		ASSERT_TEXT("/proc/self/uid_map", "17 4711 1\n");
		ASSERT_TEXT("/proc/self/setgroups", "deny\n");
		/* An id that has no meaning inside cannot be had. */
		ASSERT_ERR(setuid(18), EINVAL);
		ASSERT_ERR(setresgid(-1, 0, -1), EINVAL);
		/* Nobody is root inside: nothing is lost with the ids. */
		ASSERT_OK(setuid(17));
		ASSERT(caps() >> CAP_LAST_CAP & 1);
		ASSERT_ERR(setgroups(0, NULL), EPERM);
		ASSERT(strstr(get("/proc/self/status"), "\nUid:\t17\t17\t17\t17\n"));
	}));
}

TEST(who_may_write_what)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER));
		/* Others' ids, more than one id, its group while setgroups(2) is allowed. */
		ASSERT_ERR(put("/proc/self/uid_map", "0 0 1"), EPERM);
		ASSERT_ERR(put("/proc/self/uid_map", "0 4711 2"), EPERM);
		ASSERT_ERR(put("/proc/self/uid_map", "0 4711 1\n5 0 1\n"), EPERM);
		ASSERT_ERR(put("/proc/self/gid_map", "0 4711 1"), EPERM);
		ASSERT_OK(put("/proc/self/setgroups", "deny\n"));
		ASSERT_ERR(put("/proc/self/setgroups", "allow"), EPERM);
		ASSERT_OK(put("/proc/self/gid_map", "0 4711 1"));
		ASSERT_OK(put("/proc/self/uid_map", "0 4711 1"));
		/* Once. */
		ASSERT_ERR(put("/proc/self/uid_map", "0 4711 1"), EPERM);
		ASSERT_ERR(put("/proc/self/setgroups", "deny"), EPERM);
	}));
}

TEST(malformed_maps)
{
	int down[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	pid_t p = INSIDE(down, {
		ASSERT_EQ(getuid(), OVERFLOW);
		ASSERT_TEXT("/proc/self/uid_map", "0 100000 10\n20 200000 5\n");
		ASSERT_OK(setuid(24));
		ASSERT_EQ(getuid(), 24);
	});
	static const char *const bad[] = {
		"",
		"\n",
		"0",
		"0 1",
		"0 0 0",
		"x 0 1",
		"0 0 1 1",
		"0 0 1x",
		"4294967295 0 1",
		"0 4294967295 1",
		"4294967294 0 2",
		"0 4294967290 10",
		"0 0 10\n5 100 1",
		"0 0 10\n20 5 1",
		"0 0 1\n\n1 1 1",
	};
	for (unsigned i = 1; i < sizeof bad / sizeof *bad; i++) {
		errno = 0;
		int r = put_of(p, "uid_map", bad[i]);
		if (r != -1 || errno != EINVAL)
			FAIL("map \"%s\": %d, errno %d", bad[i], r, errno);
	}
	static char most[8192];
	int at = 0;
	for (int i = 0; i < 341; i++)
		at += sprintf(most + at, "%d %d 1\n", i, i);
	ASSERT(at < 4096);
	ASSERT_ERR(put_of(p, "uid_map", most), EINVAL);
	memset(most, ' ', 4096);
	ASSERT_ERR(put_of(p, "uid_map", most), EINVAL);
	/* Lines may come in any order and be written with any white space. */
	ASSERT_OK(put_of(p, "uid_map", "0 100000 10\n\t 20   200000\t5 \n"));
	tell(down);
	JOIN(p);
}

TEST(root_outside_maps_what_it_likes)
{
	int down[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	pid_t p = INSIDE(down, {
		ASSERT_EQ(getuid(), 0);
		ASSERT_OK(setgroups(2, ((gid_t[]){7, 300})));
		gid_t g[4];
		ASSERT_EQ(getgroups(4, g), 2);
		ASSERT_EQ(g[0] + g[1], 307);
		ASSERT_ERR(setgroups(1, ((gid_t[]){5000})), EINVAL);
		ASSERT_OK(setresgid(0, 0, 0));
		ASSERT_OK(setresuid(9, 9, 9));
		/* Not root any more: no capability is left. */
		ASSERT_EQ(caps(), 0);
		ASSERT_ERR(setuid(0), EPERM);
	});
	ASSERT_OK(put_of(p, "uid_map", "0 0 1\n4 1004 6\n"));
	ASSERT_OK(put_of(p, "gid_map", "0 0 1000"));
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/uid_map", p);
	ASSERT_TEXT(path, "0 0 1\n4 1004 6\n");
	ASSERT_ERR(put_of(p, "setgroups", "deny"), EPERM);
	tell(down);
	JOIN(p);
}

TEST(three_hundred_and_forty_lines)
{
	int down[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	pid_t p = INSIDE(down, {
		ASSERT_OK(setuid(339 * 2));
		ASSERT_ERR(setuid(339 * 2 + 1), EINVAL);
	});
	static char most[8192];
	int at = 0;
	for (int i = 0; i < 340; i++)
		at += sprintf(most + at, "%d %d 1\n", i * 2, 339 - i);
	ASSERT(at < 4096);
	ASSERT_OK(put_of(p, "uid_map", most));
	tell(down);
	JOIN(p);
}

TEST(nested_maps_speak_of_the_parent)
{
	NEED_ROOT();
	JOIN(SPAWN({
		int down[2];
		ASSERT_OK(pipe(down));
		pid_t p = INSIDE(down, {
			ASSERT_EQ(getuid(), 0);
			int in[2];
			ASSERT_OK(pipe(in));
			pid_t q = INSIDE(in, {
				ASSERT_EQ(getuid(), 70);
				ASSERT_TEXT("/proc/self/uid_map", "70 0 1\n0 100 50\n");
				ASSERT_OK(setresuid(5, 5, 5));
				_exit(0);
			});
			/* Not mapped here. */
			ASSERT_ERR(put_of(q, "uid_map", "0 5000 1"), EPERM);
			ASSERT_OK(put_of(q, "uid_map", "70 0 1\n0 100 50\n"));
			ASSERT_TEXT("/proc/self/uid_map", "0 0 1\n1 100001 999\n");
			tell(in);
			siginfo_t info;
			ASSERT_OK(waitid(P_PID, (id_t)q, &info, WEXITED));
			ASSERT_EQ(info.si_status, 0);
			/* 5 there is 105 here, and 100105 outside. */
			ASSERT_EQ(info.si_uid, 105);
		});
		ASSERT_OK(put_of(p, "uid_map", "0 0 1\n1 100001 999\n"));
		ASSERT_OK(put_of(p, "gid_map", "0 0 1"));
		tell(down);
		JOIN(p);
	}));
}

TEST(thirty_two_levels)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		uint32_t id = SOMEBODY;
		int n = 0;
		while (unshare(CLONE_NEWUSER) == 0) {
			map_own(id + 1, id);
			id++;
			n++;
		}
		ASSERT_EQ(errno, ENOSPC);
		/* The test may itself be in one. */
		ASSERT(n == 33 || (n > 20 && n < 33));
	}));
}

TEST(a_map_is_needed_to_go_on)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER));
		ASSERT_ERR(unshare(CLONE_NEWUSER), EPERM);
		map_own(1, SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER));
	}));
}

TEST(not_from_a_chroot)
{
	NEED_ROOT();
	test_tmpdir();
	JOIN(SPAWN({
		ASSERT_OK(chroot("."));
		ASSERT_ERR(unshare(CLONE_NEWUSER), EPERM);
		ASSERT_ERR(ns_fork(CLONE_NEWUSER), EPERM);
	}));
}

TEST(setns_gives_all_capabilities_to_its_owner)
{
	int down[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	JOIN(SPAWN({
		become(SOMEBODY);
		pid_t p = INSIDE(down, {});
		int fd = ns_open(p, "user");
		int own = ns_open(getpid(), "user");
		ASSERT_OK(put_of(p, "uid_map", "0 4711 1"));
		JOIN(SPAWN({
			ASSERT_ERR(setns(own, CLONE_NEWUSER), EINVAL);
			ASSERT_OK(setns(fd, CLONE_NEWUSER));
			ASSERT_EQ(getuid(), 0);
			ASSERT(caps() >> CAP_SYS_ADMIN & 1);
			ASSERT_ERR(setns(fd, CLONE_NEWUSER), EINVAL);
			/* Not back. */
			ASSERT_ERR(setns(own, CLONE_NEWUSER), EPERM);
			ASSERT_EQ(ns_number("self", "user"), ns_number("self", "user"));
		}));
		tell(down);
		JOIN(p);
	}));
}

TEST(setns_is_not_for_others)
{
	int down[2];
	int up[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	pid_t p = SPAWN({
		become(SOMEBODY);
		ASSERT_OK(unshare(CLONE_NEWUSER));
		tell(up);
		hear(down);
	});
	hear(up);
	int fd = ns_open(p, "user");
	JOIN(SPAWN({
		become(SOMEBODY + 1);
		ASSERT_ERR(setns(fd, CLONE_NEWUSER), EPERM);
	}));
	/* Root has every capability in all below. */
	JOIN(SPAWN({
		ASSERT_OK(setns(fd, CLONE_NEWUSER));
		ASSERT_EQ(getuid(), OVERFLOW);
	}));
	tell(down);
	JOIN(p);
}

TEST(setns_by_pidfd_takes_the_user_namespace_first)
{
	int down[2];
	int up[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	JOIN(SPAWN({
		become(SOMEBODY);
		pid_t p = SPAWN({
			ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWNS));
			ASSERT_OK(sethostname("there", 5));
			tell(up);
			hear(down);
		});
		hear(up);
		int fd = (int)syscall(SYS_pidfd_open, p, 0);
		ASSERT_OK(fd);
		ASSERT_ERR(setns(fd, CLONE_NEWUTS), EPERM);
		JOIN(SPAWN({
			char name[65];
			ASSERT_OK(setns(fd, CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWNS));
			ASSERT_OK(gethostname(name, sizeof name));
			ASSERT(strcmp(name, "there") == 0);
		}));
		tell(down);
		JOIN(p);
	}));
}

TEST(ioctls_tell_owner_and_parent)
{
	int down[2];
	int up[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	JOIN(SPAWN({
		become(SOMEBODY);
		pid_t p = SPAWN({
			ASSERT_OK(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
			/* Above is nobody's business. */
			ASSERT_ERR(ioctl(ns_open(getpid(), "user"), NS_GET_PARENT), EPERM);
			ASSERT_ERR(ioctl(ns_open(getpid(), "user"), NS_GET_USERNS), EPERM);
			tell(up);
			hear(down);
		});
		hear(up);
		struct stat a;
		struct stat b;
		int user = ns_open(p, "user");
		int fd = ioctl(ns_open(p, "uts"), NS_GET_USERNS);
		uid_t uid = 0;
		ASSERT_OK(fd);
		ASSERT_OK(fstat(fd, &a));
		ASSERT_OK(fstat(user, &b));
		ASSERT_EQ(a.st_ino, b.st_ino);
		ASSERT_EQ(ioctl(user, NS_GET_NSTYPE), CLONE_NEWUSER);
		ASSERT_OK(ioctl(user, NS_GET_OWNER_UID, &uid));
		ASSERT_EQ(uid, SOMEBODY);
		fd = ioctl(user, NS_GET_PARENT);
		ASSERT_OK(fd);
		ASSERT_OK(fstat(fd, &a));
		ASSERT_EQ(a.st_ino, ns_number("self", "user"));
		tell(down);
		JOIN(p);
	}));
}

TEST(as_many_as_the_limit_says)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_root();
		ASSERT_OK(put("/proc/sys/user/max_user_namespaces", "1"));
		ASSERT_OK(put("/proc/sys/user/max_uts_namespaces", "0"));
		ASSERT_TEXT("/proc/sys/user/max_user_namespaces", "1\n");
		ASSERT_ERR(put("/proc/sys/user/max_user_namespaces", "-1"), EINVAL);
		ASSERT_ERR(unshare(CLONE_NEWUTS), ENOSPC);
		int down[2];
		ASSERT_OK(pipe(down));
		INSIDE(down, {});
		ASSERT_ERR(unshare(CLONE_NEWUSER), ENOSPC);
		ASSERT_OK(put("/proc/sys/user/max_user_namespaces", "2"));
		/* The next one down has limits of its own, and does not get past these. */
		ASSERT_OK(unshare(CLONE_NEWUSER));
		ASSERT_TEXT("/proc/sys/user/max_user_namespaces", "2147483647\n");
		map_own(0, 0);
		ASSERT_ERR(unshare(CLONE_NEWUSER), ENOSPC);
		tell(down);
	}));
}

TEST_MAIN()
