/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host can do, found by doing it on a child: never by its version,
 * which distributions' backports make a lie.
 */
#include "platform/ptrace/ptrace.h"

#include <elf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/log.h"

/* Stops; then makes the call that its own filter would refuse; then ends. */
static _Noreturn void probe_child(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = ARRAY_SIZE(code), .filter = code};
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		_exit(1);
	for (;;) {
		syscall(SYS_kill, getpid(), SIGSTOP);
		syscall(SYS_getppid);
	}
}

static int probe_wait(int pid)
{
	int status, n;
	do
		n = host_wait(pid, &status, 0);
	while (n == -EINTR);
	if (n < 0)
		return n;
	return WIFSTOPPED(status) ? status : -ECHILD;
}

static int probe_seize(int pid)
{
	const uintptr_t options = PTRACE_O_TRACESYSGOOD;
	long err = host_ptrace(PTRACE_SEIZE, pid, 0, options | PTRACE_O_EXITKILL);
	ptrace_host.exitkill = err == 0;
	if (err == -EINVAL || err == -EIO)
		err = host_ptrace(PTRACE_SEIZE, pid, 0, options);
	if (err == 0)
		err = host_ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	return (int)err;
}

/* Lets the child run to its getppid under SYSEMU: is that stop ours, or the filter's answer? */
static int probe_sysemu(int pid)
{
	struct user_regs_struct regs;
	for (int i = 0; i < 8; i++) {
		int status = probe_wait(pid);
		if (status < 0)
			return status;
		if (host_ptrace(PTRACE_GETREGS, pid, 0, (uintptr_t)&regs) < 0)
			return -ESRCH;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			ptrace_host.filter = regs.orig_rax == SYS_getppid;
			return 0;
		}
		/* The SIGSTOP it sends itself comes with the call done: the next is getppid. */
		int request = WSTOPSIG(status) == SIGSTOP && status >> 16 == 0 ? PTRACE_SYSEMU
									       : PTRACE_CONT;
		if (host_ptrace(request, pid, 0, 0) < 0)
			return -ENOSYS;
	}
	return -ENOSYS;
}

static void probe_fpu(int pid)
{
	static unsigned char image[16384];
	struct iovec iov = {.iov_base = image, .iov_len = sizeof image};
	ptrace_host.xstate_size = 0;
	if (host_ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (uintptr_t)&iov) == 0)
		ptrace_host.xstate_size = (int)iov.iov_len;
}

static int probe_copy(int pid)
{
	static char word[8];
	char copy[8];
	struct iovec local = {.iov_base = copy, .iov_len = sizeof copy};
	struct iovec remote = {.iov_base = word, .iov_len = sizeof word};
	ssize_t n = host_vm_read(pid, &local, 1, &remote, 1);
	return n < 0 ? (int)n : 0;
}

static int probe_all(int pid)
{
	int err = probe_seize(pid);
	if (err < 0) {
		log_error("this host does not let us trace our own child: %s "
			  "(kernel.yama.ptrace_scope, or a seccomp profile without ptrace)",
			  strerror(-err));
		return err;
	}
	if ((err = probe_sysemu(pid)) < 0) {
		log_error("this host has no usable PTRACE_SYSEMU: %s", strerror(-err));
		return err;
	}
	if ((err = probe_copy(pid)) < 0) {
		log_error("this host refuses process_vm_readv: %s", strerror(-err));
		return err;
	}
	probe_fpu(pid);
	return 0;
}

int ptrace_probe(void)
{
	int pid = fork();
	if (pid == 0)
		probe_child();
	if (pid < 0)
		return -errno;
	int err = probe_all(pid);
	host_tgkill(pid, pid, SIGKILL);
	while (probe_wait(pid) >= 0)
		;
	return err;
}
