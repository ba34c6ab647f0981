/* SPDX-License-Identifier: Apache-2.0 */
/* Probes that change or trace a process: a child does it, and its exit status is the errno. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/probe.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

static int run_child(int (*fn)(unsigned long arg), unsigned long arg)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(-fn(arg));
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

static int write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* A user namespace whose ids mean something, and in it the one asked for. */
static int try_unshare(unsigned long flag)
{
	char map[32];
	unsigned uid = geteuid();
	if (uid == 0 && flag != CLONE_NEWUSER)
		return unshare((int)flag) < 0 ? -errno : 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	snprintf(map, sizeof map, "0 %u 1", uid);
	int err = write_text("/proc/self/uid_map", map);
	if (err == 0 && flag != CLONE_NEWUSER && unshare((int)flag) < 0)
		err = -errno;
	return err;
}

static int try_mounts(unsigned long flag)
{
	int err = try_unshare(flag);
	if (err == 0 && (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			 mount("none", "/proc", "tmpfs", MS_RDONLY, NULL) < 0))
		err = -errno;
	return err;
}

static bool sysctl_is(const char *path, char value)
{
	char c = 0;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &c, 1) == 1 && c == value;
}

static void advise_userns(struct finding *f)
{
	static const struct {
		const char *path, *fix;
		char bad;
	} known[] = {
		{"/proc/sys/kernel/unprivileged_userns_clone",
		 "sysctl kernel.unprivileged_userns_clone=1", '0'},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		 "sysctl kernel.apparmor_restrict_unprivileged_userns=0", '1'},
		{"/proc/sys/user/max_user_namespaces", "sysctl user.max_user_namespaces=10000",
		 '0'},
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (sysctl_is(known[i].path, known[i].bad))
			snprintf(f->fix, sizeof f->fix, "%s", known[i].fix);
}

/* clone, not unshare: a host may have only the former for a pid namespace. */
static int try_clone(unsigned long flag)
{
	int status = 0;
	unsigned long user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
	pid_t pid = (pid_t)syscall(SYS_clone, flag | user | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -EPERM;
}

static int probe_namespace(struct finding *f, int (*try)(unsigned long arg), unsigned long flag)
{
	int err = run_child(try, flag);
	if (err < 0)
		advise_userns(f);
	return err;
}

int probe_userns(struct finding *f)
{
	return probe_namespace(f, try_unshare, CLONE_NEWUSER);
}

int probe_pidns(struct finding *f)
{
	return probe_namespace(f, try_clone, CLONE_NEWPID);
}

int probe_mountns(struct finding *f)
{
	return probe_namespace(f, try_mounts, CLONE_NEWNS);
}

int probe_netns(struct finding *f)
{
	return probe_namespace(f, try_clone, CLONE_NEWNET);
}

int probe_ipcns(struct finding *f)
{
	return probe_namespace(f, try_clone, CLONE_NEWIPC);
}

int probe_utsns(struct finding *f)
{
	return probe_namespace(f, try_clone, CLONE_NEWUTS);
}

/* Refuses getppid with EDOM, so that its effect can be seen. */
static int try_filter(unsigned long arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = ARRAY_SIZE(code), .filter = code};
	(void)arg;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return -errno;
	return syscall(SYS_getppid) < 0 && errno == EDOM ? 0 : -ENOSYS;
}

int probe_filter(struct finding *f)
{
	(void)f;
	return run_child(try_filter, 0);
}

/* A child that calls getppid and getuid for ever, the former under the filter if asked. */
static pid_t start_tracee(bool filter)
{
	int ready[2];
	char byte;
	fflush(NULL);
	if (pipe(ready) < 0)
		return -1;
	pid_t pid = fork();
	if (pid != 0) {
		close(ready[1]);
		/* The end of the pipe: it has its filter, or is dead. */
		if (pid > 0 && read(ready[0], &byte, 1) < 0)
			kill(pid, SIGKILL);
		close(ready[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (filter && try_filter(0) < 0)
		_exit(1);
	close(ready[0]);
	close(ready[1]);
	for (;;) {
		syscall(SYS_getppid);
		syscall(SYS_getuid);
	}
}

static int wait_stop(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, __WALL) < 0)
		return -errno;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -ECHILD;
}

/*
 * Does a call under SYSEMU come to us, or does the filter answer it first?  Then
 * all that comes is getuid.
 */
static int tracee_sysemu(pid_t pid)
{
	int others = 0;
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return -errno;
	while (others < 3) {
		int sig = wait_stop(pid);
		if (sig < 0)
			return sig;
		long nr = ptrace(PTRACE_PEEKUSER, pid, 15 * 8 /* orig_rax */, 0);
		if (sig == (SIGTRAP | 0x80) && nr == SYS_getppid)
			return 0;
		others += sig == (SIGTRAP | 0x80) && nr == SYS_getuid;
		if (ptrace(PTRACE_SYSEMU, pid, 0, 0) < 0)
			return -errno;
	}
	return -ENOSYS;
}

static int tracee_try(bool filter, long options)
{
	pid_t pid = start_tracee(filter);
	if (pid < 0)
		return -errno;
	int err = ptrace(PTRACE_SEIZE, pid, 0, options) < 0 ? -errno : tracee_sysemu(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return err;
}

int probe_trace(struct finding *f)
{
	(void)f;
	return tracee_try(/*filter=*/false, PTRACE_O_TRACESYSGOOD);
}

int probe_stub_filter(struct finding *f)
{
	(void)f;
	return tracee_try(/*filter=*/true, PTRACE_O_TRACESYSGOOD);
}

int probe_exitkill(struct finding *f)
{
	(void)f;
	return tracee_try(/*filter=*/false, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
}

int probe_copy(struct finding *f)
{
	static char word[8];
	char copy[8];
	struct iovec local = {.iov_base = copy, .iov_len = sizeof copy};
	struct iovec remote = {.iov_base = word, .iov_len = sizeof word};
	(void)f;
	pid_t pid = start_tracee(/*filter=*/false);
	if (pid < 0)
		return -errno;
	int err = syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0) < 0 ? -errno : 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return err;
}
