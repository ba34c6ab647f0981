/* SPDX-License-Identifier: Apache-2.0 */
/* execve: what the process keeps and what it loses, and execveat. */
#include "exec.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

static int data = 1;

/* One letter per signal: d default, i ignored, h handled; then mask and pending. */
static void report_signals(void)
{
	sigset_t mask, pending;
	struct sigaction sa;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	for (int i = 0; i < 2; i++) {
		int sig = i ? SIGUSR2 : SIGUSR1;
		sigaction(sig, NULL, &sa);
		printf("%c", sa.sa_handler == SIG_DFL ? 'd' : sa.sa_handler == SIG_IGN ? 'i' : 'h');
		printf("%d%d ", sigismember(&mask, sig), sigismember(&pending, sig));
	}
}

static void report_state(const char *mode)
{
	char text[PATH_MAX];
	if (!strcmp(mode, "ids"))
		printf("%d %d %d %d %d", getpid(), thread_id(), getppid(), getpgrp(), getsid(0));
	if (!strcmp(mode, "signals"))
		report_signals();
	if (!strcmp(mode, "altstack")) {
		stack_t ss;
		sigaltstack(NULL, &ss);
		printf("%d", ss.ss_flags);
	}
	if (!strcmp(mode, "dirs"))
		printf("%s %o", getcwd(text, sizeof text), umask(0));
	if (!strcmp(mode, "alarm"))
		printf("%u", alarm(0));
	if (!strcmp(mode, "comm")) {
		prctl(PR_GET_NAME, text);
		printf("%s", text);
	}
	if (!strcmp(mode, "nice"))
		printf("%d", getpriority(PRIO_PROCESS, 0));
	if (!strcmp(mode, "memory"))
		printf("%d", data);
	if (!strcmp(mode, "threads"))
		printf("%llu", status_field("Threads", 10));
	if (!strcmp(mode, "wait")) {
		int st;
		printf("%d", wait(&st) > 0 ? st : -1);
	}
}

static int reporter(const char *mode, int argc, char **argv)
{
	if (!strcmp(mode, "exit"))
		return 42;
	if (!strcmp(mode, "fd"))
		return fcntl(atoi(argv[1]), F_GETFD) < 0;
	if (!strcmp(mode, "mapped"))
		return page_is_mapped((void *)strtoul(argv[1], NULL, 16));
	if (!strcmp(mode, "args"))
		for (int i = 0; i < argc; i++)
			printf("[%s]", argv[i]);
	report_state(mode);
	fflush(stdout);
	return 0;
}

static void expect(const char *mode, void (*before)(void), const char *want)
{
	int st = run_mode(mode, NULL, before);
	if (st != 0 || strcmp(output, want) != 0)
		FAIL("status %#x, output %s, want %s", st, output, want);
}

static void use_signals(void)
{
	on_signal(SIGUSR1, count_signal, 0);
	on_signal(SIGUSR2, SIG_IGN, 0);
}

TEST(handlers_become_default_and_ignored_stays_ignored)
{
	expect("MODE=signals", use_signals, "d00 i00 ");
}

static void block_and_raise(void)
{
	use_signals();
	block_signal(SIGUSR1);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
}

TEST(mask_and_pending_signals_are_kept)
{
	expect("MODE=signals", block_and_raise, "d11 i00 ");
}

static void use_altstack(void)
{
	stack_t ss = {.ss_sp = map_anon(65536), .ss_size = 65536};
	ASSERT_OK(sigaltstack(&ss, NULL));
}

TEST(the_alternate_stack_is_dropped)
{
	char want[16];
	snprintf(want, sizeof want, "%d", SS_DISABLE);
	expect("MODE=altstack", use_altstack, want);
}

static void change_memory(void)
{
	data = 2;
}

TEST(memory_is_new)
{
	expect("MODE=memory", change_memory, "1");
}

TEST(shared_mappings_are_gone)
{
	char *m = map_at((void *)0x123450000000ul, PAGE, RW, ANON_SHR | MAP_FIXED), addr[32];
	ASSERT(page_is_mapped(m));
	snprintf(addr, sizeof addr, "%lx", (unsigned long)m);
	ASSERT_EQ(run_mode("MODE=mapped", addr, NULL), 0);
}

static void move_away(void)
{
	ASSERT_OK(chdir("/proc"));
	umask(051);
}

TEST(cwd_and_umask_are_kept)
{
	expect("MODE=dirs", move_away, "/proc 51");
}

static void set_alarm(void)
{
	alarm(5000);
}

TEST(the_alarm_is_kept)
{
	ASSERT_EQ(run_mode("MODE=alarm", NULL, set_alarm), 0);
	ASSERT(atoi(output) > 4000 && atoi(output) <= 5000);
}

static void be_nice(void)
{
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 7));
}

TEST(nice_is_kept)
{
	expect("MODE=nice", be_nice, "7");
}

static void have_child(void)
{
	(void)SPAWN({ _exit(5); });
}

TEST(children_are_kept)
{
	expect("MODE=wait", have_child, "1280");
}

static void set_name(void)
{
	prctl(PR_SET_NAME, "something");
}

TEST(the_name_becomes_the_files_name)
{
	char *argv[] = {"other", NULL}, *envp[] = {"MODE=comm", NULL};
	test_tmpdir();
	link_self();
	ASSERT_OK(rename("self", "a-name-longer-than-fifteen"));
	struct command c = {"./a-name-longer-than-fifteen", argv, envp, set_name};
	ASSERT_EQ(run_command(&c), 0);
	ASSERT_EQ(strcmp(output, "a-name-longer-t"), 0);
}

TEST(a_scripts_name_is_the_scripts)
{
	char *argv[] = {"other", NULL}, *envp[] = {"MODE=comm", NULL};
	test_tmpdir();
	link_self();
	write_script("script", "#!./self\n");
	ASSERT_EQ(run_command(&(struct command){"./script", argv, envp, NULL}), 0);
	ASSERT_EQ(strcmp(output, "script"), 0);
}

static int fd_survives(int fd)
{
	char arg[16];
	snprintf(arg, sizeof arg, "%d", fd);
	return run_mode("MODE=fd", arg, NULL) == 0;
}

TEST(descriptors_stay_open_unless_close_on_exec)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT(fd_survives(a));
	ASSERT(!fd_survives(b));
	ASSERT_OK(fcntl(b, F_SETFD, 0));
	ASSERT(fd_survives(b));
	ASSERT_OK(fcntl(a, F_SETFD, FD_CLOEXEC));
	ASSERT(!fd_survives(a));
}

TEST(dup_clears_close_on_exec_and_dup3_can_set_it)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT(fd_survives(dup(a)));
	ASSERT(fd_survives(dup2(a, 300)));
	ASSERT(!fd_survives(dup3(a, 301, O_CLOEXEC)));
	ASSERT(!fd_survives(fcntl(a, F_DUPFD_CLOEXEC, 302)));
}

static int exec_sharing_files(void *arg)
{
	char *argv[] = {"self", NULL}, *envp[] = {"MODE=exit", NULL};
	(void)arg;
	return execve(SELF, argv, envp);
}

TEST(a_shared_descriptor_table_is_unshared_first)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *stack = map_anon(65536) + 65536;
	int p = clone(exec_sharing_files, stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
	ASSERT_EQ(wait_status(p), 42 << 8);
	ASSERT_OK(fcntl(fd, F_GETFD));
}

TEST(exec_clears_the_child_tid_word_of_a_shared_mm)
{
	static pid_t tid = -1;
	char *stack = map_anon(65536) + 65536;
	int flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD;
	int p = clone(exec_sharing_files, stack, flags, NULL, NULL, NULL, &tid);
	while (__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &tid, FUTEX_WAIT, -1, NULL, NULL, 0);
	ASSERT_EQ(wait_status(p), 42 << 8);
}

TEST(a_failed_exec_changes_nothing)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *argv[] = {"x", NULL};
	struct sigaction sa;
	use_signals();
	data = 9;
	ASSERT_ERR(execve("/no/such/file", argv, argv + 1), ENOENT);
	ASSERT_EQ(data, 9);
	ASSERT_OK(fcntl(fd, F_GETFD));
	ASSERT_OK(sigaction(SIGUSR1, NULL, &sa));
	ASSERT(sa.sa_handler == count_signal);
}

static void *sleeper(void *arg)
{
	gate_open(*(struct gate *)arg);
	for (;;)
		pause();
	return NULL;
}

static void start_threads(void)
{
	struct gate up = gate_new();
	pthread_t t;
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(pthread_create(&t, NULL, sleeper, &up), 0);
		gate_wait(up);
	}
}

TEST(other_threads_are_gone)
{
	expect("MODE=threads", start_threads, "1");
}

static void *spin(void *arg)
{
	gate_open(*(struct gate *)arg);
	for (;;)
		__asm__ volatile("pause");
	return NULL;
}

static void start_spinners(void)
{
	struct gate up = gate_new();
	pthread_t t;
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(pthread_create(&t, NULL, spin, &up), 0);
	gate_wait(up);
}

TEST(threads_that_make_no_system_calls_are_killed_too)
{
	expect("MODE=threads", start_spinners, "1");
}

TEST(the_ids_are_kept)
{
	char want[80];
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		char *argv[] = {"self", NULL};
		char *envp[] = {"MODE=ids", NULL};
		dup2(fd[1], 1);
		execve(SELF, argv, envp);
	});
	JOIN(p);
	snprintf(want, sizeof want, "%d %d %d %d %d", p, p, getpid(), getpgrp(), getsid(0));
	ssize_t n = read(fd[0], output, sizeof output);
	ASSERT_EQ(n, strlen(want));
	ASSERT_EQ(memcmp(output, want, (size_t)n), 0);
}

/* Not SELF where the leader may be gone: /proc/self is the leader's, and a zombie has no exe. */
static const char *exec_path = SELF;

static void *exec_here(void *mode)
{
	char *argv[] = {"self", NULL}, *envp[] = {mode, NULL};
	execve(exec_path, argv, envp);
	_exit(1);
}

static void exec_from_thread(int leader_waits)
{
	int fd[2], ids[2] = {0};
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		pthread_t t;
		dup2(fd[1], 1);
		pthread_create(&t, NULL, exec_here, "MODE=ids");
		if (leader_waits)
			pthread_join(t, NULL);
		else
			syscall(SYS_exit, 0);
	});
	ASSERT_EQ(wait_status(p), 0);
	ASSERT(read(fd[0], output, sizeof output) > 0);
	ASSERT_EQ(sscanf(output, "%d %d", &ids[0], &ids[1]), 2);
	ASSERT_EQ(ids[0], p);
	ASSERT_EQ(ids[1], p);
}

TEST(a_thread_that_executes_becomes_the_leader)
{
	exec_from_thread(1);
}

TEST(a_thread_can_execute_after_the_leader_has_exited)
{
	test_tmpdir();
	link_self();
	exec_path = "./self";
	exec_from_thread(0);
}

TEST(two_threads_that_execute_at_once_are_one_program)
{
	for (int i = 0; i < 10; i++) {
		pid_t p = SPAWN({
			pthread_t t;
			pthread_create(&t, NULL, exec_here, "MODE=exit");
			exec_here("MODE=exit");
		});
		ASSERT_EQ(wait_status(p), 42 << 8);
	}
}

static int execveat_args(int dir, const char *path, int flags)
{
	int fd[2];
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		char *argv[] = {"zero", "one", NULL};
		char *envp[] = {"MODE=args", NULL};
		dup2(fd[1], 1);
		syscall(SYS_execveat, dir, path, argv, envp, flags);
		_exit(errno);
	});
	close(fd[1]);
	ssize_t n = read(fd[0], output, sizeof output - 1);
	output[n > 0 ? n : 0] = 0;
	close(fd[0]);
	return wait_status(p) >> 8;
}

TEST(execveat_is_relative_to_a_directory)
{
	test_tmpdir();
	link_self();
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	ASSERT_OK(chdir("/"));
	ASSERT_EQ(execveat_args(dir, "self", 0), 0);
	ASSERT_EQ(strcmp(output, "[zero][one]"), 0);
	ASSERT_EQ(execveat_args(AT_FDCWD, "self", 0), ENOENT);
	ASSERT_EQ(execveat_args(dir, "self", AT_SYMLINK_NOFOLLOW), ELOOP);
}

TEST(execveat_can_execute_a_descriptor)
{
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(execveat_args(fd, "", AT_EMPTY_PATH), 0);
	ASSERT_EQ(strcmp(output, "[zero][one]"), 0);
	fd = open(SELF, O_PATH | O_CLOEXEC);
	ASSERT_EQ(execveat_args(fd, "", AT_EMPTY_PATH), 0);
}

TEST(execveat_errors)
{
	int null = open("/dev/null", O_RDONLY);
	ASSERT_EQ(execveat_args(AT_FDCWD, SELF, 0x40000000), EINVAL);
	ASSERT_EQ(execveat_args(null, "", 0), ENOENT);
	ASSERT_EQ(execveat_args(null, "x", 0), ENOTDIR);
	ASSERT_EQ(execveat_args(999, "x", 0), EBADF);
	ASSERT_EQ(execveat_args(999, "", AT_EMPTY_PATH), EBADF);
	ASSERT_EQ(execveat_args(999, SELF, 0), 0);
}

TEST(execveat_of_a_script_names_it_by_descriptor)
{
	char want[80];
	test_tmpdir();
	link_self();
	write_script("s", "#!./self\n");
	int fd = open("s", O_RDONLY);
	ASSERT_EQ(execveat_args(fd, "", AT_EMPTY_PATH), 0);
	snprintf(want, sizeof want, "[./self][/dev/fd/%d][one]", fd);
	ASSERT_EQ(strcmp(output, want), 0);
}

TEST(execveat_of_a_close_on_exec_script_is_enoent)
{
	test_tmpdir();
	link_self();
	write_script("s", "#!./self\n");
	int fd = open("s", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(execveat_args(fd, "", AT_EMPTY_PATH), ENOENT);
}

EXEC_MAIN()
