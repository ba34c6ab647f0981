/* SPDX-License-Identifier: Apache-2.0 */
/* UTS namespaces, and what all kinds have in common: clone, unshare, setns, /proc/PID/ns. */
#include "ns.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

static void name_is(const char *want)
{
	struct utsname u;
	ASSERT_OK(uname(&u));
	if (strcmp(u.nodename, want) != 0)
		FAIL("nodename is %s, want %s", u.nodename, want);
}

TEST(unshare_gives_a_copy_of_the_names)
{
	struct utsname before, after;
	NEED_ROOT();
	uname(&before);
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWUTS));
		name_is(before.nodename);
		ASSERT_OK(sethostname("inner", 5));
		ASSERT_OK(setdomainname("dom", 3));
		name_is("inner");
		JOIN(SPAWN({ name_is("inner"); }));
	}));
	uname(&after);
	ASSERT(memcmp(&before, &after, sizeof before) == 0);
}

TEST(proc_sys_shows_and_sets_those_of_the_reader)
{
	NEED_ROOT();
	JOIN(SPAWN({
		char text[80] = "";
		ASSERT_OK(unshare(CLONE_NEWUTS));
		int fd = open("/proc/sys/kernel/hostname", O_RDWR);
		ASSERT_OK(fd);
		ASSERT_OK(sethostname("one", 3));
		ASSERT_EQ(pread(fd, text, sizeof text, 0), 4);
		ASSERT(strcmp(text, "one\n") == 0);
		ASSERT_EQ(pwrite(fd, "two\n", 4, 0), 4);
		name_is("two");
	}));
}

TEST(numbers_differ_and_children_inherit)
{
	NEED_ROOT();
	long mine = ns_number("self", "uts");
	JOIN(SPAWN({
		ASSERT_EQ(ns_number("self", "uts"), mine);
		ASSERT_OK(unshare(CLONE_NEWUTS));
		long own = ns_number("self", "uts");
		ASSERT(own != mine);
		JOIN(SPAWN({ ASSERT_EQ(ns_number("self", "uts"), own); }));
		ASSERT_EQ(ns_number("thread-self", "uts"), own);
	}));
	ASSERT_EQ(ns_number("self", "uts"), mine);
}

TEST(clone_makes_one_for_the_child)
{
	NEED_ROOT();
	long mine = ns_number("self", "uts");
	pid_t p = ns_fork(CLONE_NEWUTS);
	if (p == 0) {
		ASSERT(ns_number("self", "uts") != mine);
		_exit(0);
	}
	JOIN(p);
	ASSERT_EQ(ns_number("self", "uts"), mine);
}

TEST(setns_joins_and_comes_back)
{
	int up[2], down[2];
	char c;
	NEED_ROOT();
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = SPAWN({
		ASSERT_OK(unshare(CLONE_NEWUTS));
		ASSERT_OK(sethostname("joined", 6));
		ASSERT_EQ(write(up[1], "x", 1), 1);
		ASSERT_EQ(read(down[0], &c, 1), 1);
		name_is("changed");
	});
	ASSERT_EQ(read(up[0], &c, 1), 1);
	int own = ns_open(getpid(), "uts"), other = ns_open(p, "uts");
	struct utsname before;
	uname(&before);
	ASSERT_OK(setns(other, CLONE_NEWUTS));
	name_is("joined");
	ASSERT_OK(sethostname("changed", 7));
	ASSERT_OK(setns(own, 0));
	name_is(before.nodename);
	ASSERT_EQ(write(down[1], "x", 1), 1);
	JOIN(p);
	/* A descriptor keeps it when all who were in it are gone. */
	ASSERT_OK(setns(other, 0));
	name_is("changed");
	ASSERT_OK(setns(own, 0));
}

TEST(setns_by_pidfd)
{
	int up[2], down[2];
	char c;
	NEED_ROOT();
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = SPAWN({
		ASSERT_OK(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
		ASSERT_OK(sethostname("bypidfd", 7));
		ASSERT_EQ(write(up[1], "x", 1), 1);
		ASSERT_EQ(read(down[0], &c, 1), 1);
	});
	ASSERT_EQ(read(up[0], &c, 1), 1);
	int fd = (int)syscall(SYS_pidfd_open, p, 0);
	ASSERT_OK(fd);
	char who[16];
	snprintf(who, sizeof who, "%d", p);
	JOIN(SPAWN({
		ASSERT_ERR(setns(fd, 0), EINVAL);
		ASSERT_ERR(setns(fd, CLONE_NEWUTS | CLONE_VM), EINVAL);
		ASSERT_OK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
		name_is("bypidfd");
		ASSERT_EQ(ns_number("self", "ipc"), ns_number(who, "ipc"));
	}));
	ASSERT_EQ(write(down[1], "x", 1), 1);
	JOIN(p);
	ASSERT_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
}

TEST(setns_refuses_what_is_no_namespace)
{
	NEED_ROOT();
	int uts = ns_open(getpid(), "uts"), null = open("/dev/null", O_RDONLY);
	ASSERT_ERR(setns(-1, 0), EBADF);
	ASSERT_ERR(setns(null, 0), EINVAL);
	ASSERT_ERR(setns(uts, CLONE_NEWIPC), EINVAL);
	ASSERT_ERR(setns(uts, 1), EINVAL);
	int path = open("/proc/self/ns/uts", O_PATH);
	ASSERT_OK(path);
	ASSERT_ERR(setns(path, 0), EBADF);
}

TEST(ioctls_tell_kind_and_owner)
{
	NEED_ROOT();
	int uts = ns_open(getpid(), "uts");
	ASSERT_EQ(ioctl(uts, NS_GET_NSTYPE), CLONE_NEWUTS);
	int owner = ioctl(uts, NS_GET_USERNS);
	ASSERT_OK(owner);
	ASSERT_EQ(ioctl(owner, NS_GET_NSTYPE), CLONE_NEWUSER);
	ASSERT_EQ(fcntl(owner, F_GETFD), FD_CLOEXEC);
	struct stat a, b;
	ASSERT_OK(fstat(owner, &a));
	ASSERT_OK(stat("/proc/self/ns/user", &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	ASSERT_EQ(a.st_dev, b.st_dev);
	ASSERT_ERR(ioctl(uts, NS_GET_PARENT), EINVAL);
	ASSERT_ERR(ioctl(uts, NS_GET_OWNER_UID, &a), EINVAL);
	ASSERT_ERR(ioctl(uts, 0x1234), ENOTTY);
}

TEST(the_same_namespace_is_the_same_file)
{
	struct stat a, b;
	NEED_ROOT();
	int fd = ns_open(getpid(), "uts");
	ASSERT_OK(fstat(fd, &a));
	ASSERT_OK(stat("/proc/self/ns/uts", &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	ASSERT_EQ(a.st_dev, b.st_dev);
	ASSERT_EQ(a.st_ino, ns_number("self", "uts"));
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWUTS));
		ASSERT_OK(stat("/proc/self/ns/uts", &b));
		ASSERT(a.st_ino != b.st_ino);
		ASSERT_EQ(a.st_dev, b.st_dev);
	}));
}

TEST(without_rights_there_are_none)
{
	NEED_ROOT();
	int fd = ns_open(getpid(), "uts");
	JOIN(SPAWN({
		ASSERT_OK(setuid(12345));
		ASSERT_ERR(unshare(CLONE_NEWUTS), EPERM);
		ASSERT_ERR(ns_fork(CLONE_NEWUTS), EPERM);
		ASSERT_ERR(setns(fd, 0), EPERM);
		ASSERT_ERR(sethostname("x", 1), EPERM);
	}));
}

TEST(flags_that_contradict_each_other)
{
	NEED_ROOT();
	ASSERT_ERR(ns_fork(CLONE_NEWNS | CLONE_FS), EINVAL);
	ASSERT_ERR(ns_fork(CLONE_NEWIPC | CLONE_SYSVSEM), EINVAL);
	ASSERT_ERR(ns_fork(CLONE_NEWUSER | CLONE_FS), EINVAL);
	ASSERT_ERR(ns_fork(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM), EINVAL);
	ASSERT_ERR(unshare(CLONE_NEWUTS | 1), EINVAL);
}

TEST_MAIN()
