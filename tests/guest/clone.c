/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone: each sharing flag on and off, the tid words, the exit signal, and the
 * combinations the kernel refuses.
 *
 * Children that share memory run on their own stack but on the parent's TLS
 * (no CLONE_SETTLS), so they make plain calls only, while the parent waits.
 */
#include "task.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#define STACK (256 * 1024)

static volatile int word;
static int pipe_fd[2];

/* Runs fn(arg) in a clone on a fresh stack. */
static int clone_fn(int (*fn)(void *), unsigned long flags, void *arg, pid_t *ptid, void *tls,
		    pid_t *ctid)
{
	char *stack = map_at(NULL, STACK, RW, ANON_PRIV | MAP_STACK);
	return clone(fn, stack + STACK, (int)flags, arg, ptid, tls, ctid);
}

/* The bare call without a stack: the child continues here, as after fork. */
static long clone_raw(unsigned long flags, void *ptid, void *ctid)
{
	return syscall(SYS_clone, flags, 0, ptid, ctid, 0);
}

static int set_word(void *arg)
{
	word = *(int *)arg;
	return 0;
}

TEST(vm_shares_memory)
{
	int v = 5;
	JOIN(clone_fn(set_word, CLONE_VM | SIGCHLD, &v, NULL, NULL, NULL));
	ASSERT_EQ(word, 5);
}

TEST(without_vm_memory_is_copied)
{
	int v = 5;
	JOIN(clone_fn(set_word, SIGCHLD, &v, NULL, NULL, NULL));
	ASSERT_EQ(word, 0);
}

TEST(without_a_stack_it_is_fork)
{
	long p = clone_raw(SIGCHLD, NULL, NULL);
	ASSERT_OK(p);
	if (p == 0) {
		word = 1;
		_exit(getpid() == thread_id() ? 9 : 1);
	}
	ASSERT_EQ(wait_status((pid_t)p), 9 << 8);
	ASSERT_EQ(word, 0);
}

static int close_pipe(void *arg)
{
	(void)arg;
	return close(pipe_fd[0]) || dup2(pipe_fd[1], 77) != 77;
}

TEST(files_shares_the_descriptor_table)
{
	ASSERT_OK(pipe(pipe_fd));
	JOIN(clone_fn(close_pipe, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT_ERR(fcntl(pipe_fd[0], F_GETFD), EBADF);
	ASSERT_OK(fcntl(77, F_GETFD));
}

TEST(without_files_the_descriptor_table_is_copied)
{
	ASSERT_OK(pipe(pipe_fd));
	JOIN(clone_fn(close_pipe, SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT_OK(fcntl(pipe_fd[0], F_GETFD));
	ASSERT_ERR(fcntl(77, F_GETFD), EBADF);
}

static int change_fs(void *arg)
{
	(void)arg;
	umask(0123);
	return chdir("/proc");
}

TEST(fs_shares_cwd_and_umask)
{
	char dir[PATH_MAX];
	umask(022);
	JOIN(clone_fn(change_fs, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT(getcwd(dir, sizeof dir));
	ASSERT_EQ(strcmp(dir, "/proc"), 0);
	ASSERT_EQ(umask(0), 0123);
}

TEST(without_fs_cwd_and_umask_are_copied)
{
	char dir[PATH_MAX];
	ASSERT_OK(chdir("/"));
	umask(022);
	JOIN(clone_fn(change_fs, SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT(getcwd(dir, sizeof dir));
	ASSERT_EQ(strcmp(dir, "/"), 0);
	ASSERT_EQ(umask(0), 022);
}

static int ignore_usr1(void *arg)
{
	struct sigaction ign = {.sa_handler = SIG_IGN};
	(void)arg;
	block_signal(SIGUSR2);
	return sigaction(SIGUSR1, &ign, NULL);
}

TEST(sighand_shares_dispositions_but_not_the_mask)
{
	struct sigaction sa;
	sigset_t mask;
	JOIN(clone_fn(ignore_usr1, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == SIG_IGN);
	ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &mask));
	ASSERT(!sigismember(&mask, SIGUSR2));
}

TEST(vm_alone_does_not_share_dispositions)
{
	struct sigaction sa;
	JOIN(clone_fn(ignore_usr1, CLONE_VM | SIGCHLD, NULL, NULL, NULL, NULL));
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == SIG_DFL);
}

TEST(sighand_needs_vm)
{
	ASSERT_ERR(clone_raw(CLONE_SIGHAND | SIGCHLD, NULL, NULL), EINVAL);
}

TEST(thread_needs_sighand)
{
	ASSERT_ERR(clone_raw(CLONE_THREAD | SIGCHLD, NULL, NULL), EINVAL);
	ASSERT_ERR(clone_raw(CLONE_THREAD | CLONE_VM | SIGCHLD, NULL, NULL), EINVAL);
}

TEST(fs_and_a_new_mount_namespace_exclude_each_other)
{
	ASSERT_ERR(clone_raw(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL), EINVAL);
}

TEST(fs_and_a_new_user_namespace_exclude_each_other)
{
	ASSERT_ERR(clone_raw(CLONE_FS | CLONE_NEWUSER | SIGCHLD, NULL, NULL), EINVAL);
}

TEST(a_thread_cannot_have_its_own_pid_namespace)
{
	unsigned long thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	ASSERT_ERR(clone_raw(thread | CLONE_NEWPID, NULL, NULL), EINVAL);
}

/* The kernel wins: the memory was copied before the word was written. */
TEST(parent_settid_writes_in_the_parents_memory_only)
{
	pid_t tid = 0;
	long p = clone_raw(CLONE_PARENT_SETTID | SIGCHLD, &tid, NULL);
	if (p == 0)
		_exit(tid == 0 ? 0 : 1);
	ASSERT_EQ(tid, p);
	JOIN((pid_t)p);
}

static int check_tid(void *arg)
{
	return *(pid_t *)arg != (pid_t)syscall(SYS_gettid);
}

TEST(parent_settid_writes_before_the_child_runs)
{
	pid_t tid = 0;
	unsigned long flags = CLONE_VM | CLONE_PARENT_SETTID | SIGCHLD;
	JOIN(clone_fn(check_tid, flags, &tid, &tid, NULL, NULL));
}

/* The kernel wins: copy_process has succeeded when the word is written, the result is ignored. */
TEST(parent_settid_ignores_a_bad_pointer)
{
	long p = clone_raw(CLONE_PARENT_SETTID | SIGCHLD, (void *)1, NULL);
	if (p == 0)
		_exit(0);
	JOIN((pid_t)p);
}

TEST(child_settid_writes_in_the_childs_memory_only)
{
	pid_t tid = 0;
	long p = clone_raw(CLONE_CHILD_SETTID | SIGCHLD, NULL, &tid);
	if (p == 0)
		_exit(tid == thread_id() ? 0 : 1);
	JOIN((pid_t)p);
	ASSERT_EQ(tid, 0);
}

TEST(child_settid_ignores_a_bad_pointer)
{
	long p = clone_raw(CLONE_CHILD_SETTID | SIGCHLD, NULL, (void *)1);
	if (p == 0)
		_exit(0);
	JOIN((pid_t)p);
}

static int return_zero(void *arg)
{
	(void)arg;
	return 0;
}

TEST(child_cleartid_clears_and_wakes)
{
	static pid_t tid = -1;
	int p = clone_fn(return_zero, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL,
			 &tid);
	ASSERT_OK(p);
	while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &tid, FUTEX_WAIT, -1, NULL, NULL, 0);
	JOIN(p);
}

/* Only when somebody else still uses the memory is there anybody to tell. */
TEST(child_cleartid_leaves_shared_memory_alone_when_the_mm_is_not_shared)
{
	pid_t *tid = (pid_t *)map_shared(PAGE);
	*tid = 1234;
	long p = clone_raw(CLONE_CHILD_CLEARTID | SIGCHLD, NULL, tid);
	if (p == 0)
		_exit(0);
	JOIN((pid_t)p);
	ASSERT_EQ(*tid, 1234);
}

TEST(clone_parent_makes_a_sibling)
{
	struct gate g = gate_new();
	pid_t me = getpid();
	pid_t p = SPAWN({
		long q = clone_raw(CLONE_PARENT | SIGCHLD, NULL, NULL);
		if (q == 0) {
			ASSERT_EQ(getppid(), me);
			gate_open(g);
			_exit(0);
		}
		gate_wait(g);
		ASSERT_ERR(waitpid((pid_t)q, NULL, 0), ECHILD);
	});
	JOIN(p);
	int st;
	ASSERT(wait(&st) > 0);
	ASSERT_EQ(st, 0);
}

static int thread_body(void *arg)
{
	pid_t *ids = arg;
	ids[0] = getpid();
	ids[1] = getppid();
	ids[2] = (pid_t)syscall(SYS_gettid);
	return 0;
}

#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID)

static void thread_join(volatile pid_t *tid)
{
	pid_t v;
	while ((v = __atomic_load_n(tid, __ATOMIC_SEQ_CST)))
		syscall(SYS_futex, tid, FUTEX_WAIT, v, NULL, NULL, 0);
}

TEST(thread_shares_pid_and_parent)
{
	static pid_t ids[3], tid;
	int p = clone_fn(thread_body, THREAD_FLAGS, ids, &tid, NULL, &tid);
	ASSERT_OK(p);
	thread_join(&tid);
	ASSERT_EQ(ids[0], getpid());
	ASSERT_EQ(ids[1], getppid());
	ASSERT_EQ(ids[2], p);
	ASSERT(p != getpid());
}

TEST(a_thread_is_not_a_child)
{
	static pid_t ids[3], tid;
	int p = clone_fn(thread_body, THREAD_FLAGS, ids, &tid, NULL, &tid);
	thread_join(&tid);
	ASSERT_ERR(waitpid(p, NULL, __WALL), ECHILD);
	ASSERT_ERR(wait(NULL), ECHILD);
}

TEST(a_thread_sends_no_signal_when_it_exits)
{
	static pid_t ids[3], tid;
	on_signal(SIGUSR1, count_signal, 0);
	ASSERT_OK(clone_fn(thread_body, THREAD_FLAGS | SIGUSR1, ids, &tid, NULL, &tid));
	thread_join(&tid);
	nap(20);
	ASSERT_EQ(signal_count, 0);
}

static int read_tls(void *arg)
{
	unsigned long v;
	__asm__ volatile("mov %%fs:0, %0" : "=r"(v));
	*(unsigned long *)arg = v;
	return 0;
}

TEST(settls_sets_the_fs_base)
{
	static unsigned long tls[64] = {0x1234567}, seen;
	int p = clone_fn(read_tls, CLONE_VM | CLONE_SETTLS | SIGCHLD, &seen, NULL, tls, NULL);
	ASSERT_OK(p);
	JOIN(p);
	ASSERT_EQ(seen, 0x1234567);
}

TEST(settls_refuses_a_kernel_address)
{
	void *tls = (void *)0xffff800000000000ul;
	ASSERT_ERR(clone_fn(return_zero, CLONE_VM | CLONE_SETTLS | SIGCHLD, NULL, NULL, tls, NULL),
		   EPERM);
}

TEST(exit_signal_is_what_the_parent_gets)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGCHLD, count_signal, 0);
	long p = clone_raw(SIGUSR1, NULL, NULL);
	if (p == 0)
		_exit(4);
	ASSERT_EQ(wait_status((pid_t)p), 4 << 8);
	ASSERT_EQ(signal_count, 1);
	ASSERT_EQ(signal_last, SIGUSR1);
}

TEST(a_clone_child_is_hidden_from_plain_wait)
{
	long p = clone_raw(0, NULL, NULL);
	if (p == 0)
		_exit(4);
	ASSERT_ERR(waitpid((pid_t)p, NULL, 0), ECHILD);
	ASSERT_EQ(waitpid((pid_t)p, NULL, __WCLONE), p);
}

TEST(wclone_does_not_see_an_ordinary_child)
{
	pid_t p = SPAWN({});
	ASSERT_ERR(waitpid(p, NULL, __WCLONE), ECHILD);
	JOIN(p);
}

TEST(no_exit_signal_means_no_signal)
{
	on_signal(SIGCHLD, count_signal, 0);
	long p = clone_raw(0, NULL, NULL);
	if (p == 0)
		_exit(0);
	ASSERT_EQ(wait_status((pid_t)p), 0);
	ASSERT_EQ(signal_count, 0);
}

TEST(exec_in_a_clone_child_makes_the_exit_signal_sigchld)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGCHLD, count_signal, 0);
	long p = clone_raw(SIGUSR1, NULL, NULL);
	if (p == 0) {
		char *argv[] = {"x", "--no-such-test", NULL};
		close(1);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	ASSERT_EQ(wait_status((pid_t)p), 0);
	ASSERT_EQ(signal_last, SIGCHLD);
	ASSERT_EQ(signal_count, 1);
}

static int slow_word(void *arg)
{
	(void)arg;
	nap(100);
	word = 6;
	return 0;
}

TEST(vfork_flag_makes_the_parent_wait)
{
	int p = clone_fn(slow_word, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
	ASSERT_EQ(word, 6);
	JOIN(p);
}

TEST(pidfd_flag_gives_a_close_on_exec_pidfd)
{
	int fd = -1;
	long p = clone_raw(CLONE_PIDFD | SIGCHLD, &fd, NULL);
	if (p == 0)
		_exit(0);
	ASSERT(fd >= 0);
	ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	siginfo_t si;
	ASSERT_OK(waitid(P_PIDFD, (id_t)fd, &si, WEXITED));
	ASSERT_EQ(si.si_pid, p);
}

TEST(pidfd_and_parent_settid_exclude_each_other)
{
	int fd;
	ASSERT_ERR(clone_raw(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, &fd, NULL), EINVAL);
}

TEST(pidfd_and_detached_exclude_each_other)
{
	int fd;
	ASSERT_ERR(clone_raw(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, &fd, NULL), EINVAL);
}

TEST(detached_alone_is_ignored)
{
	long p = clone_raw(CLONE_DETACHED | SIGCHLD, NULL, NULL);
	if (p == 0)
		_exit(0);
	ASSERT_OK(p);
	JOIN((pid_t)p);
}

TEST(pidfd_pointer_must_be_writable)
{
	ASSERT_ERR(clone_raw(CLONE_PIDFD | SIGCHLD, (void *)1, NULL), EFAULT);
	ASSERT_ERR(wait(NULL), ECHILD);
}

TEST(init_has_no_siblings)
{
	if (unshare(CLONE_NEWPID) < 0)
		SKIP("no pid namespaces");
	JOIN(SPAWN({
		ASSERT_EQ(getpid(), 1);
		ASSERT_ERR(clone_raw(CLONE_PARENT | SIGCHLD, NULL, NULL), EINVAL);
	}));
}

TEST(glibc_refuses_a_null_function)
{
	ASSERT_ERR(clone(NULL, NULL, SIGCHLD, NULL), EINVAL);
}

TEST_MAIN()
