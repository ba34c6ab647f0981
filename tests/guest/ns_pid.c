/* SPDX-License-Identifier: Apache-2.0 */
/* PID namespaces: pid_namespaces(7). */
#include "ns.h"

#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static pid_t init_fork(void)
{
	pid_t p = ns_fork(CLONE_NEWPID);
	ASSERT_OK(p);
	return test_forked = p;
}

/* A child in a new PID namespace: pid 1 of it runs the block. */
#define INIT(...)                                                                                  \
	({                                                                                         \
		if (init_fork() == 0) {                                                            \
			__VA_ARGS__;                                                               \
			_exit(0);                                                                  \
		}                                                                                  \
		test_forked;                                                                       \
	})

static int status_of(pid_t p)
{
	int st = -1;
	ASSERT_EQ(waitpid(p, &st, 0), p);
	return st;
}

/* One byte through a pipe: one side has come to some point. */
static void tell(int fd[2])
{
	ASSERT_EQ(write(fd[1], "x", 1), 1);
}
static void hear(int fd[2])
{
	char c;
	ASSERT_EQ(read(fd[0], &c, 1), 1);
}

TEST(the_first_process_is_number_1)
{
	NEED_ROOT();
	JOIN(INIT({
		ASSERT_EQ(getpid(), 1);
		ASSERT_EQ(syscall(SYS_gettid), 1);
		ASSERT_EQ(getppid(), 0);
		ASSERT_EQ(getpgid(0), 0);
		ASSERT_EQ(getsid(0), 0);
		pid_t p = SPAWN({
			ASSERT_EQ(getpid(), 2);
			ASSERT_EQ(getppid(), 1);
			ASSERT_EQ(setsid(), 2);
			ASSERT_EQ(getsid(0), 2);
		});
		ASSERT_EQ(p, 2);
		JOIN(p);
		JOIN(SPAWN({ ASSERT_EQ(getpid(), 3); }));
	}));
}

TEST(unshare_is_for_the_children)
{
	NEED_ROOT();
	JOIN(SPAWN({
		pid_t self = getpid();
		long mine = ns_number("self", "pid");
		ASSERT_OK(unshare(CLONE_NEWPID));
		ASSERT_EQ(getpid(), self);
		ASSERT_EQ(ns_number("self", "pid"), mine);
		char text[64];
		/* Nobody is in it yet. */
		ASSERT_ERR(readlink("/proc/self/ns/pid_for_children", text, sizeof text), ENOENT);
		ASSERT_ERR(unshare(CLONE_NEWPID), EINVAL);
		ASSERT_ERR(ns_fork(CLONE_NEWPID), EINVAL);
		int up[2];
		int down[2];
		ASSERT_OK(pipe(up));
		ASSERT_OK(pipe(down));
		pid_t p = SPAWN({
			ASSERT_EQ(getpid(), 1);
			tell(up);
			hear(down);
		});
		ASSERT(p > 1);
		hear(up);
		ASSERT(ns_number("self", "pid_for_children") != mine);
		JOIN(SPAWN({ ASSERT_EQ(getpid(), 2); }));
		tell(down);
		JOIN(p);
		/* Its first process has ended: there can be no other. */
		ASSERT_ERR(fork(), ENOMEM);
	}));
}

TEST(threads_cannot_be_in_another_than_their_process)
{
	NEED_ROOT();
	JOIN(SPAWN({
		ASSERT_OK(unshare(CLONE_NEWPID));
		ASSERT_ERR(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0),
			   EINVAL);
	}));
}

TEST(numbers_outside_are_others)
{
	NEED_ROOT();
	int up[2], down[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = INIT({
		tell(up);
		hear(down);
	});
	hear(up);
	ASSERT(p > 1);
	ASSERT_OK(kill(p, 0));
	ASSERT_EQ(getpgid(p), getpgid(0));
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/status", p);
	FILE *f = fopen(path, "r");
	ASSERT(f);
	int seen = 0;
	while (fgets(line, sizeof line, f)) {
		int outer, inner;
		if (sscanf(line, "NSpid: %d %d", &outer, &inner) == 2) {
			/* The outermost may be above this test's own. */
			ASSERT_EQ(inner, 1);
			ASSERT_EQ(outer, p);
			seen++;
		}
		if (sscanf(line, "NSpgid: %d %d", &outer, &inner) == 2) {
			ASSERT_EQ(inner, 0);
			seen++;
		}
	}
	ASSERT_EQ(seen, 2);
	fclose(f);
	tell(down);
	JOIN(p);
}

TEST(who_is_outside_cannot_be_named)
{
	NEED_ROOT();
	pid_t outer = getpid();
	JOIN(INIT({
		ASSERT_ERR(kill(outer, 0), ESRCH);
		ASSERT_ERR(getpgid(outer), ESRCH);
		ASSERT_ERR(syscall(SYS_pidfd_open, outer, 0), ESRCH);
		ASSERT_ERR(kill(-1, 0), ESRCH);
	}));
}

TEST(its_first_process_ignores_signals_from_inside)
{
	NEED_ROOT();
	JOIN(INIT({
		JOIN(SPAWN({
			ASSERT_OK(kill(1, SIGTERM));
			ASSERT_OK(kill(1, SIGKILL));
			ASSERT_OK(kill(1, SIGSTOP));
			ASSERT_OK(syscall(SYS_tgkill, 1, 1, SIGKILL));
		}));
		ASSERT_OK(kill(getpid(), SIGKILL));
		ASSERT_OK(raise(SIGTERM));
	}));
}

static volatile sig_atomic_t from = -1;
static void note(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)uc;
	from = info->si_pid;
}

static void note_signal(int sig)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
	ASSERT_OK(sigaction(sig, &sa, NULL));
}

TEST(handlers_run_and_tell_who_sent)
{
	NEED_ROOT();
	int up[2], down[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = INIT({
		note_signal(SIGUSR1);
		JOIN(SPAWN({ ASSERT_OK(kill(1, SIGUSR1)); }));
		ASSERT_EQ(from, 2);
		from = -1;
		tell(up);
		hear(down);
		/* From outside: nobody there has a number here. */
		ASSERT_EQ(from, 0);
	});
	hear(up);
	ASSERT_OK(kill(p, SIGUSR1));
	tell(down);
	JOIN(p);
}

TEST(from_outside_it_can_be_killed)
{
	NEED_ROOT();
	pid_t p = INIT({ pause(); });
	ASSERT_OK(kill(p, SIGTERM)); /* ignored: no handler */
	ASSERT_OK(kill(p, SIGSTOP));
	int st;
	ASSERT_EQ(waitpid(p, &st, WUNTRACED), p);
	ASSERT(WIFSTOPPED(st));
	ASSERT_OK(kill(p, SIGCONT));
	ASSERT_OK(kill(p, SIGKILL));
	ASSERT_EQ(status_of(p), SIGKILL);
}

TEST(its_end_kills_all_and_comes_last)
{
	NEED_ROOT();
	int up[2], alive[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(alive));
	pid_t p = INIT({
		SPAWN({
			/* A session of its own, and a child that nobody will wait for. */
			setsid();
			SPAWN({
				signal(SIGTERM, SIG_IGN);
				tell(up);
				pause();
			});
			tell(up);
			pause();
		});
		hear(up);
		hear(up);
		_exit(7);
	});
	close(alive[1]);
	ASSERT_EQ(status_of(p), 7 << 8);
	/* Everybody has closed the pipe by now: nothing blocks. */
	char c;
	fcntl(alive[0], F_SETFL, O_NONBLOCK);
	ASSERT_EQ(read(alive[0], &c, 1), 0);
}

TEST(orphans_become_its_children)
{
	NEED_ROOT();
	int up[2], down[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	JOIN(INIT({
		JOIN(SPAWN({
			SPAWN({
				hear(down);
				ASSERT_EQ(getppid(), 1);
				_exit(5);
			});
		}));
		tell(down);
		ASSERT_EQ(status_of(3), 5 << 8);
	}));
}

TEST(sigchld_and_wait_speak_the_parents_numbers)
{
	NEED_ROOT();
	note_signal(SIGCHLD);
	pid_t p = INIT({ _exit(3); });
	siginfo_t info;
	ASSERT_OK(waitid(P_PID, (id_t)p, &info, WEXITED));
	ASSERT_EQ(info.si_pid, p);
	ASSERT_EQ(info.si_status, 3);
	ASSERT_EQ(from, p);
}

TEST(setns_joins_for_the_children)
{
	NEED_ROOT();
	int up[2], down[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = INIT({
		tell(up);
		hear(down);
	});
	hear(up);
	int fd = ns_open(p, "pid");
	JOIN(SPAWN({
		pid_t self = getpid();
		ASSERT_OK(setns(fd, CLONE_NEWPID));
		ASSERT_EQ(getpid(), self);
		pid_t q = SPAWN({
			ASSERT_EQ(getpid(), 2);
			ASSERT_EQ(getppid(), 0);
		});
		JOIN(q);
	}));
	tell(down);
	JOIN(p);
	/* It has no first process any more. */
	JOIN(SPAWN({
		ASSERT_OK(setns(fd, CLONE_NEWPID));
		ASSERT_ERR(fork(), ENOMEM);
	}));
}

TEST(setns_leads_only_down)
{
	NEED_ROOT();
	int fd = ns_open(getpid(), "pid");
	JOIN(INIT({ ASSERT_ERR(setns(fd, CLONE_NEWPID), EINVAL); }));
}

TEST(nested_ones)
{
	NEED_ROOT();
	JOIN(INIT({
		pid_t p = INIT({
			ASSERT_EQ(getpid(), 1);
			SPAWN({ pause(); });
			pause();
		});
		ASSERT_EQ(p, 2);
		ASSERT_OK(kill(p, SIGKILL));
		ASSERT_EQ(status_of(p), SIGKILL);
	}));
	/* The end of the outer one is the inner one's. */
	int alive[2];
	char c;
	ASSERT_OK(pipe(alive));
	pid_t p = INIT({
		int up[2];
		ASSERT_OK(pipe(up));
		INIT({
			tell(up);
			pause();
		});
		hear(up);
	});
	close(alive[1]);
	JOIN(p);
	fcntl(alive[0], F_SETFL, O_NONBLOCK);
	ASSERT_EQ(read(alive[0], &c, 1), 0);
}

/* In a mount namespace too, with a /proc that belongs here. */
static void own_proc(void)
{
	ASSERT_OK(unshare(CLONE_NEWNS));
	ASSERT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_OK(mount("proc", "/proc", "proc", 0, NULL));
}

TEST(proc_shows_its_own)
{
	NEED_ROOT();
	JOIN(INIT({
		char text[32];
		memset(text, 0, sizeof text);
		/* That of outside does not know us by our own number. */
		own_proc();
		ASSERT_OK(readlink("/proc/self", text, sizeof text));
		ASSERT(strcmp(text, "1") == 0);
		pid_t p = SPAWN({ pause(); });
		ASSERT_OK(access("/proc/2/stat", F_OK));
		ASSERT_ERR(access("/proc/3/stat", F_OK), ENOENT);
		int pid;
		int ppid;
		FILE *f = fopen("/proc/2/stat", "r");
		ASSERT(f && fscanf(f, "%d %*s %*s %d", &pid, &ppid) == 2);
		ASSERT_EQ(pid, 2);
		ASSERT_EQ(ppid, 1);
		fclose(f);
		ASSERT_OK(kill(p, SIGKILL));
		ASSERT_EQ(status_of(p), SIGKILL);
		ASSERT_ERR(access("/proc/2/stat", F_OK), ENOENT);
	}));
}

TEST(a_proc_from_outside_has_a_self_for_who_it_can_see)
{
	NEED_ROOT();
	pid_t p = INIT({
		char text[32];
		memset(text, 0, sizeof text);
		ASSERT_OK(readlink("/proc/self", text, sizeof text));
		ASSERT(atoi(text) > 1);
	});
	JOIN(p);
}

TEST(credentials_over_a_socket_are_translated)
{
	NEED_ROOT();
	int s[2], on = 1;
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ASSERT_OK(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	int down[2];
	ASSERT_OK(pipe(down));
	pid_t p = INIT({
		ASSERT_EQ(write(s[1], "x", 1), 1);
		hear(down);
	});
	char c, control[128];
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			   .msg_controllen = sizeof control};
	ASSERT_EQ(recvmsg(s[0], &m, 0), 1);
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	ASSERT(h && h->cmsg_type == SCM_CREDENTIALS);
	struct ucred u;
	memcpy(&u, CMSG_DATA(h), sizeof u);
	ASSERT_EQ(u.pid, p);
	tell(down);
	JOIN(p);
	/* And the other way: who made the pair has no number inside. */
	JOIN(INIT({
		struct ucred w;
		socklen_t size = sizeof w;
		ASSERT_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &w, &size));
		ASSERT_EQ(w.pid, 0);
	}));
}

TEST(parent_ioctl)
{
	NEED_ROOT();
	int up[2], down[2];
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = INIT({
		int own = open("/proc/self/ns/pid", O_RDONLY);
		ASSERT_ERR(ioctl(own, NS_GET_PARENT), EPERM);
		tell(up);
		hear(down);
	});
	hear(up);
	struct stat a, b;
	int fd = ioctl(ns_open(p, "pid"), NS_GET_PARENT);
	ASSERT_OK(fd);
	ASSERT_OK(fstat(fd, &a));
	ASSERT_OK(stat("/proc/self/ns/pid", &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	tell(down);
	JOIN(p);
}

TEST(locks_and_owners_are_translated)
{
	NEED_ROOT();
	char name[] = "/tmp/ns_pid.XXXXXX";
	int fd = mkstemp(name);
	ASSERT_OK(fd);
	unlink(name);
	struct flock l = {.l_type = F_WRLCK};
	ASSERT_OK(fcntl(fd, F_SETLK, &l));
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_OK(fcntl(p[0], F_SETOWN, getpid()));
	pid_t self = getpid();
	ASSERT_EQ(fcntl(p[0], F_GETOWN), self);
	JOIN(INIT({
		struct flock mine = {.l_type = F_WRLCK};
		ASSERT_OK(fcntl(fd, F_GETLK, &mine));
		ASSERT_EQ(mine.l_type, F_WRLCK);
		ASSERT_EQ(mine.l_pid, 0);
		ASSERT_EQ(fcntl(p[0], F_GETOWN), 0);
		ASSERT_OK(fcntl(p[1], F_SETOWN, 1));
		ASSERT_EQ(fcntl(p[1], F_GETOWN), 1);
	}));
}

TEST(a_subreaper_outside_gets_nothing)
{
	NEED_ROOT();
	JOIN(SPAWN({
		ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
		JOIN(INIT({
			int up[2];
			ASSERT_OK(pipe(up));
			JOIN(SPAWN({
				SPAWN({
					hear(up);
					ASSERT_EQ(getppid(), 1);
					_exit(9);
				});
			}));
			tell(up);
			ASSERT_EQ(status_of(3), 9 << 8);
		}));
		ASSERT_ERR(wait(NULL), ECHILD);
	}));
}

TEST(exec_by_a_thread_keeps_number_1)
{
	NEED_ROOT();
	JOIN(INIT({
		char *argv[] = {"/bin/true", NULL};
		if (access(argv[0], X_OK) == 0)
			execv(argv[0], argv);
	}));
}

TEST_MAIN()
