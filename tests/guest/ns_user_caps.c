/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces: over what their capabilities count, and ids at the borders. */
#include "userns.h"

#include <linux/capability.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

TEST(what_belongs_to_the_first_one_is_out_of_reach)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_root();
		ASSERT_ERR(sethostname("x", 1), EPERM);
		ASSERT_ERR(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
		ASSERT_ERR(umount("/tmp"), EPERM);
		ASSERT_ERR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
		struct rlimit r = {1 << 20, 1 << 20};
		ASSERT_OK(setrlimit(RLIMIT_CORE, &r));
		r.rlim_max++;
		ASSERT_ERR(setrlimit(RLIMIT_CORE, &r), EPERM);
		ASSERT_ERR(mknod("/tmp/ns_user.dev", S_IFCHR | 0600, 0x103), EPERM);
		char path[64];
		snprintf(path, sizeof path, "/proc/%d/environ", getppid());
		ASSERT_ERR(open(path, O_RDONLY), EACCES);
	}));
}

TEST(files_are_of_those_whose_ids_are_mapped)
{
	NEED_ROOT();
	test_tmpdir();
	ASSERT_OK(chmod(".", 0777));
	ASSERT_OK(close(creat("roots", 0600)));
	ASSERT_OK(close(creat("own", 0600)));
	ASSERT_OK(chown("own", SOMEBODY, SOMEBODY));
	ASSERT_OK(close(creat("half", 0600)));
	ASSERT_OK(chown("half", SOMEBODY, 0));
	JOIN(SPAWN({
		struct stat st;
		become(SOMEBODY);
		own_root();
		ASSERT_OK(stat("roots", &st));
		ASSERT_EQ(st.st_uid, OVERFLOW);
		ASSERT_EQ(st.st_gid, OVERFLOW);
		ASSERT_OK(stat("own", &st));
		ASSERT_EQ(st.st_uid, 0);
		ASSERT_ERR(open("roots", O_RDONLY), EACCES);
		ASSERT_ERR(chmod("roots", 0666), EPERM);
		ASSERT_ERR(chown("roots", 0, 0), EPERM);
		ASSERT_ERR(chown("own", 5, 0), EINVAL);
		ASSERT_OK(chown("own", 0, 0));
		/* What nobody may read its root may, but for those of others. */
		ASSERT_OK(chmod("own", 0));
		ASSERT_OK(close(open("own", O_RDWR)));
		ASSERT_OK(chmod("half", 0));
		ASSERT_ERR(open("half", O_RDWR), EACCES);
		ASSERT_OK(close(creat("new", 0600)));
		ASSERT_OK(stat("new", &st));
		ASSERT_EQ(st.st_uid, 0);
		ASSERT_OK(setxattr("new", "user.a", "b", 1, 0));
		ASSERT_ERR(setxattr("new", "trusted.a", "b", 1, 0), EPERM);
	}));
	struct stat st;
	ASSERT_OK(stat("new", &st));
	ASSERT_EQ(st.st_uid, SOMEBODY);
}

/* The program that has been made set-user-ID: who is it? */
__attribute__((constructor)) static void as_tool(void)
{
	const char *want = getenv("NS_USER_CAPS_SUID");
	if (want)
		_exit(geteuid() == (uid_t)atoi(want) ? 0 : 3);
}

TEST(setuid_programs_outside_the_map_are_just_programs)
{
	NEED_ROOT();
	test_tmpdir();
	char self[256] = "";
	ASSERT_OK(chmod(".", 0755));
	ASSERT_OK(readlink("/proc/self/exe", self, sizeof self - 1));
	int from = open(self, O_RDONLY);
	int to = open("suid", O_WRONLY | O_CREAT, 0755);
	char buf[65536];
	for (ssize_t n; (n = read(from, buf, sizeof buf)) > 0;)
		ASSERT_EQ(write(to, buf, (size_t)n), n);
	close(from);
	close(to);
	ASSERT_OK(chmod("suid", 04755));
	char *argv[] = {"suid", NULL};
	JOIN(SPAWN({
		become(SOMEBODY);
		char *outer[] = {"NS_USER_CAPS_SUID=0", NULL};
		JOIN(SPAWN({ ASSERT_OK(execve("./suid", argv, outer)); }));
		ASSERT_OK(unshare(CLONE_NEWUSER));
		map_own(5, SOMEBODY);
		char *inner[] = {"NS_USER_CAPS_SUID=5", NULL};
		ASSERT_OK(execve("./suid", argv, inner));
	}));
}

TEST(exec_keeps_the_capabilities_of_its_root_only)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		char *argv[] = {"sh", "-c", "grep -q 'CapEff:.000001ffffffffff' /proc/self/status",
				NULL};
		char *none[] = {"sh", "-c", "grep -q 'CapEff:.0000000000000000' /proc/self/status",
				NULL};
		JOIN(SPAWN({
			own_root();
			ASSERT_OK(execve("/bin/sh", argv, NULL));
		}));
		JOIN(SPAWN({
			ASSERT_OK(unshare(CLONE_NEWUSER));
			map_own(5, SOMEBODY);
			ASSERT_OK(execve("/bin/sh", none, NULL));
		}));
		ASSERT_OK(unshare(CLONE_NEWUSER));
		ASSERT_OK(execve("/bin/sh", none, NULL));
	}));
}

static volatile sig_atomic_t sender = -1;
static void note(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	sender = (int)info->si_uid;
}

TEST(signals_say_who_sent_them_in_ids_of_who_gets_them)
{
	int down[2];
	int up[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	JOIN(SPAWN({
		become(SOMEBODY);
		struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
		ASSERT_OK(sigaction(SIGUSR1, &sa, NULL));
		pid_t outer = getpid();
		pid_t p = SPAWN({
			ASSERT_OK(unshare(CLONE_NEWUSER));
			map_own(9, SOMEBODY);
			ASSERT_OK(raise(SIGUSR1));
			ASSERT_EQ(sender, 9);
			ASSERT_OK(kill(outer, SIGUSR1));
			sender = -1;
			tell(up);
			hear(down);
			ASSERT_EQ(sender, 9);
		});
		hear(up);
		ASSERT_EQ(sender, SOMEBODY);
		ASSERT_OK(kill(p, SIGUSR1));
		tell(down);
		siginfo_t info;
		ASSERT_OK(waitid(P_PID, (id_t)p, &info, WEXITED));
		ASSERT_EQ(info.si_status, 0);
		ASSERT_EQ(info.si_uid, SOMEBODY);
	}));
	/* Root has no id there. */
	pid_t p = SPAWN({
		struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
		ASSERT_OK(sigaction(SIGUSR1, &sa, NULL));
		become(SOMEBODY);
		own_root();
		tell(up);
		hear(down);
		ASSERT_EQ(sender, OVERFLOW);
	});
	hear(up);
	ASSERT_OK(kill(p, SIGUSR1));
	tell(down);
	JOIN(p);
}

TEST(kill_needs_the_capability_where_the_target_is)
{
	int down[2];
	int up[2];
	NEED_ROOT();
	ASSERT_OK(pipe(down));
	ASSERT_OK(pipe(up));
	pid_t other = SPAWN({ pause(); });
	JOIN(SPAWN({
		become(SOMEBODY);
		pid_t p = SPAWN({
			own_root();
			ASSERT_ERR(kill(other, 0), EPERM);
			ASSERT_ERR(ptrace(PTRACE_ATTACH, other, 0, 0), EPERM);
			tell(up);
			hear(down);
		});
		hear(up);
		/* Its owner, outside, has all capabilities in it. */
		ASSERT_OK(kill(p, 0));
		ASSERT_OK(ptrace(PTRACE_SEIZE, p, 0, 0));
		tell(down);
		int st;
		ASSERT_EQ(waitpid(p, &st, 0), p);
		ASSERT_EQ(st, 0);
	}));
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static struct ucred sent(int from, int to)
{
	char c = 'x';
	char control[128];
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof control};
	struct ucred u = {-1, 1, 1};
	if (from >= 0)
		ASSERT_EQ(write(from, "x", 1), 1);
	ASSERT_EQ(recvmsg(to, &m, 0), 1);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	ASSERT(h && h->cmsg_type == SCM_CREDENTIALS);
	memcpy(&u, CMSG_DATA(h), sizeof u);
	return u;
}

TEST(socket_credentials_are_those_of_the_reader)
{
	NEED_ROOT();
	int s[2];
	int on = 1;
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	ASSERT_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	JOIN(SPAWN({
		become(SOMEBODY);
		own_root();
		ASSERT_EQ(sent(s[1], s[0]).uid, 0);
		ASSERT_EQ(write(s[1], "x", 1), 1);
		struct ucred u;
		socklen_t size = sizeof u;
		ASSERT_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &size));
		ASSERT_EQ(u.uid, OVERFLOW);
		/* Named ids are mapped, and must be own ones or of an own namespace. */
		char c = 'y';
		char control[CMSG_SPACE(sizeof u)];
		struct iovec iov = {&c, 1};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof control};
		memset(control, 0, sizeof control);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		*h = (struct cmsghdr){CMSG_LEN(sizeof u), SOL_SOCKET, SCM_CREDENTIALS};
		u = (struct ucred){getpid(), 5, 0};
		memcpy(CMSG_DATA(h), &u, sizeof u);
		ASSERT_ERR(sendmsg(s[1], &m, 0), EINVAL);
		u.uid = 0;
		memcpy(CMSG_DATA(h), &u, sizeof u);
		ASSERT_EQ(sendmsg(s[1], &m, 0), 1);
	}));
	ASSERT_EQ(sent(-1, s[0]).uid, SOMEBODY);
	ASSERT_EQ(sent(-1, s[0]).gid, SOMEBODY);
}

TEST(sysv_objects_have_ids_of_who_looks)
{
	NEED_ROOT();
	int id = msgget(IPC_PRIVATE, 0666);
	int shm = shmget(IPC_PRIVATE, 4096, 0600);
	ASSERT_OK(id);
	ASSERT_OK(shm);
	JOIN(SPAWN({
		struct msqid_ds ds;
		become(SOMEBODY);
		own_root();
		ASSERT_OK(msgctl(id, IPC_STAT, &ds));
		ASSERT_EQ(ds.msg_perm.uid, OVERFLOW);
		ASSERT_ERR(msgctl(id, IPC_RMID, NULL), EPERM);
		ASSERT_ERR((long)shmat(shm, NULL, 0), EACCES);
		ASSERT_OK(unshare(CLONE_NEWIPC));
		int own = msgget(IPC_PRIVATE, 0);
		ASSERT_OK(msgctl(own, IPC_STAT, &ds));
		ASSERT_EQ(ds.msg_perm.cuid, 0);
		ds.msg_perm.uid = 77;
		ASSERT_ERR(msgctl(own, IPC_SET, &ds), EINVAL);
	}));
	ASSERT_OK(msgctl(id, IPC_RMID, NULL));
	ASSERT_OK(shmctl(shm, IPC_RMID, NULL));
}

TEST(prio_user_is_a_mapped_id)
{
	NEED_ROOT();
	JOIN(SPAWN({
		become(SOMEBODY);
		own_root();
		ASSERT_EQ(getpriority(PRIO_USER, 0), 0);
		errno = 0;
		ASSERT_ERR(getpriority(PRIO_USER, 5), ESRCH);
	}));
}

TEST(status_is_read_with_the_eyes_of_who_opened_it)
{
	NEED_ROOT();
	int fd = open("/proc/self/status", O_RDONLY);
	char text[4096] = "";
	ASSERT_OK(fd);
	JOIN(SPAWN({
		char path[64];
		pid_t outer = getppid();
		become(SOMEBODY);
		own_root();
		ASSERT(pread(fd, text, sizeof text - 1, 0) > 0);
		ASSERT(strstr(text, "\nUid:\t0\t0\t0\t0\n"));
		snprintf(path, sizeof path, "/proc/%d/status", outer);
		ASSERT(strstr(get(path), "\nUid:\t65534\t65534\t65534\t65534\n"));
		ASSERT(strstr(get("/proc/self/status"), "\nUid:\t0\t0\t0\t0\n"));
	}));
}

TEST(a_namespace_of_root_lets_go_of_the_capabilities_outside)
{
	NEED_ROOT();
	JOIN(SPAWN({
		int down[2];
		ASSERT_OK(pipe(down));
		pid_t p = INSIDE(down, {
			/* The same root as outside, and no more. */
			ASSERT_EQ(getuid(), 0);
			ASSERT_ERR(sethostname("x", 1), EPERM);
			ASSERT_ERR(mount("x", "/tmp", "tmpfs", 0, NULL), EPERM);
			ASSERT_ERR(mknod("/tmp/ns_user.dev", S_IFCHR | 0600, 0x103), EPERM);
			ASSERT_OK(unshare(CLONE_NEWUTS));
			ASSERT_OK(sethostname("x", 1));
			ASSERT_OK(chroot("/"));
		});
		ASSERT_OK(put_of(p, "uid_map", "0 0 4294967295"));
		ASSERT_OK(put_of(p, "gid_map", "0 0 4294967295"));
		tell(down);
		JOIN(p);
	}));
}

TEST_MAIN()
