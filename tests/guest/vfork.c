/* SPDX-License-Identifier: Apache-2.0 */
/* vfork: the child borrows the parent's memory, and the parent waits for it to let go. */
#include "task.h"

static volatile int shared;

TEST(the_child_writes_into_the_parents_memory)
{
	volatile int local = 0;
	pid_t p = vfork();
	if (p == 0) {
		shared = 7;
		local = 8;
		_exit(0);
	}
	ASSERT_EQ(shared, 7);
	ASSERT_EQ(local, 8);
	JOIN(p);
}

TEST(the_parent_waits_for_the_childs_exit)
{
	volatile int64_t before = now_ns();
	pid_t p = vfork();
	if (p == 0) {
		nap(200);
		_exit(3);
	}
	ASSERT(now_ns() - before >= 200000000);
	ASSERT_EQ(wait_status(p), 3 << 8);
}

TEST(the_parent_waits_for_the_childs_exec)
{
	char *argv[] = {"vfork", "--pause", NULL}, *envp[] = {NULL};
	volatile int64_t before = now_ns();
	pid_t p = vfork();
	if (p == 0) {
		nap(100);
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	/* It went on without the child having exited. */
	ASSERT(now_ns() - before >= 100000000);
	ASSERT_EQ(waitpid(p, NULL, WNOHANG), 0);
	kill_and_reap(p);
}

TEST(memory_is_the_parents_own_again_after_exec)
{
	char *argv[] = {"vfork", "--exit", NULL}, *envp[] = {NULL};
	shared = 1;
	pid_t p = vfork();
	if (p == 0) {
		shared = 2;
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	ASSERT_EQ(wait_status(p), 42 << 8);
	ASSERT_EQ(shared, 2);
	JOIN(SPAWN({ shared = 3; }));
	ASSERT_EQ(shared, 2);
}

TEST(a_failed_exec_leaves_the_child_in_the_parents_memory)
{
	char *argv[] = {"x", NULL};
	pid_t p = vfork();
	if (p == 0) {
		execve("/does/not/exist", argv, argv + 1);
		shared = errno;
		_exit(127);
	}
	ASSERT_EQ(shared, ENOENT);
	ASSERT_EQ(wait_status(p), 127 << 8);
}

TEST(a_killed_child_releases_the_parent)
{
	pid_t p = vfork();
	if (p == 0) {
		kill((pid_t)syscall(SYS_getpid), SIGKILL);
		_exit(0);
	}
	ASSERT_EQ(wait_status(p), SIGKILL);
}

TEST(descriptors_are_a_copy)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = vfork();
	if (p == 0) {
		close(fd[0]);
		_exit(0);
	}
	JOIN(p);
	ASSERT_OK(fcntl(fd[0], F_GETFD));
}

TEST(signal_handlers_are_a_copy)
{
	pid_t p = vfork();
	if (p == 0) {
		struct sigaction ign = {.sa_handler = SIG_IGN};
		sigaction(SIGUSR1, &ign, NULL);
		_exit(0);
	}
	JOIN(p);
	struct sigaction sa;
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == SIG_DFL);
}

TEST(the_child_has_its_own_pid_and_this_parent)
{
	static volatile pid_t pid, ppid;
	pid_t p = vfork();
	if (p == 0) {
		pid = getpid();
		ppid = getppid();
		_exit(0);
	}
	ASSERT_EQ(pid, p);
	ASSERT_EQ(ppid, getpid());
	JOIN(p);
}

TEST(sigchld_is_sent)
{
	on_signal(SIGCHLD, count_signal, 0);
	pid_t p = vfork();
	if (p == 0)
		_exit(0);
	JOIN(p);
	ASSERT_EQ(signal_count, 1);
}

TEST(fifty_times_in_a_row)
{
	shared = 0;
	for (volatile int i = 0; i < 50; i = i + 1) {
		pid_t p = vfork();
		if (p == 0) {
			shared = shared + 1;
			_exit(0);
		}
		JOIN(p);
	}
	ASSERT_EQ(shared, 50);
}

TEST(vfork_inside_vfork)
{
	shared = 0;
	pid_t p = vfork();
	if (p == 0) {
		pid_t q = vfork();
		if (q == 0) {
			shared = 5;
			_exit(0);
		}
		shared = shared * 10;
		_exit(wait_status(q));
	}
	JOIN(p);
	ASSERT_EQ(shared, 50);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 42;
	if (argc > 1 && !strcmp(argv[1], "--pause"))
		for (;;)
			pause();
	return test_main(argc > 1 ? argv[1] : NULL);
}
