/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/self: the shape of its files, and the values that follow from calls.
 */
#include "fs.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static const char *link_of(const char *path)
{
	static char buf[4096];
	ssize_t n = readlink(path, buf, sizeof buf - 1);
	ASSERT_OK(n);
	buf[n] = 0;
	return buf;
}

/* The value behind "Name:\t" in /proc/self/status. */
static const char *status(const char *name)
{
	static char line[256];
	char key[64];
	snprintf(key, sizeof key, "\n%s:\t", name);
	char *p = strstr(get("/proc/self/status"), key);
	if (!p)
		FAIL("no %s in status", name);
	snprintf(line, sizeof line, "%.*s", (int)strcspn(p + strlen(key), "\n"), p + strlen(key));
	return line;
}

/* Field n (from 1) of /proc/self/stat. */
static long long stat_field(int n)
{
	char *p = strrchr(get("/proc/self/stat"), ')');
	ASSERT(p && n >= 3);
	for (n -= 2; n > 0; n--)
		p = strchr(p, ' ') + 1;
	return strtoll(p, NULL, 10);
}

TEST(proc_self_is_this_process)
{
	char want[32];
	snprintf(want, sizeof want, "%d", getpid());
	ASSERT_STR(link_of("/proc/self"), want);
	snprintf(want, sizeof want, "%d/task/%d", getpid(), gettid());
	ASSERT_STR(link_of("/proc/thread-self"), want);
}

TEST(proc_exe_is_the_program)
{
	struct stat a, b;
	ASSERT_OK(stat("/proc/self/exe", &a));
	ASSERT_OK(stat(link_of("/proc/self/exe"), &b));
	ASSERT_EQ(a.st_ino, b.st_ino);
	char magic[4];
	ASSERT_EQ(read(open("/proc/self/exe", O_RDONLY), magic, 4), 4);
	ASSERT(!memcmp(magic, ELFMAG, 4));
}

TEST(proc_cwd_and_root)
{
	test_tmpdir();
	char cwd[4096];
	ASSERT(getcwd(cwd, sizeof cwd));
	ASSERT_STR(link_of("/proc/self/cwd"), cwd);
	ASSERT_STR(link_of("/proc/self/root"), "/");
}

TEST(proc_fd_lists_exactly_the_open_ones)
{
	int fd = dup(0);
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ASSERT(S_ISLNK(stat_of(name).st_mode));
	ASSERT_OK(close(fd));
	ASSERT_ERR(access(name, F_OK), ENOENT);
	ASSERT_ERR(access("/proc/self/fd/nonsense", F_OK), ENOENT);
}

TEST(proc_fd_link_mode_tells_the_access)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", open("/dev/null", O_RDONLY));
	ASSERT_EQ(mode_of(name), 0500);
	snprintf(name, sizeof name, "/proc/self/fd/%d", open("/dev/null", O_WRONLY));
	ASSERT_EQ(mode_of(name), 0300);
	snprintf(name, sizeof name, "/proc/self/fd/%d", open("/dev/null", O_RDWR));
	ASSERT_EQ(mode_of(name), 0700);
}

TEST(proc_fdinfo)
{
	test_tmpdir();
	char name[64];
	long long pos;
	unsigned flags;
	put("f", "hello");
	int fd = open("f", O_RDWR | O_APPEND | O_CLOEXEC);
	ASSERT_EQ(lseek(fd, 3, SEEK_SET), 3);
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	ASSERT_EQ(sscanf(get(name), "pos:\t%lld\nflags:\t%o\nmnt_id:", &pos, &flags), 2);
	ASSERT_EQ(pos, 3);
	ASSERT_EQ(flags, O_RDWR | O_APPEND | O_CLOEXEC | 0100000);
}

TEST(proc_stat_fields)
{
	ASSERT_EQ(atoi(get("/proc/self/stat")), getpid());
	ASSERT_EQ(*(strrchr(get("/proc/self/stat"), ')') + 2), 'R');
	ASSERT_EQ(stat_field(4), getppid());
	ASSERT_EQ(stat_field(5), getpgrp());
	ASSERT_EQ(stat_field(6), getsid(0));
	ASSERT_EQ(stat_field(20), 1);
	ASSERT(stat_field(23) > 0);
	int fields = 0;
	for (char *p = strrchr(get("/proc/self/stat"), ')'); (p = strchr(p + 1, ' ')) != NULL;)
		fields++;
	ASSERT_EQ(fields, 50);
}

TEST(proc_stat_nice_and_priority)
{
	ASSERT_OK(setpriority(PRIO_PROCESS, 0, 5));
	ASSERT_EQ(stat_field(19), 5);
	ASSERT_EQ(stat_field(18), 25);
}

TEST(proc_status_ids)
{
	ASSERT_EQ(atoi(status("Pid")), getpid());
	ASSERT_EQ(atoi(status("Tgid")), getpid());
	ASSERT_EQ(atoi(status("PPid")), getppid());
	ASSERT_EQ(atoi(status("TracerPid")), 0);
	ASSERT_OK(setresgid(11, 12, 13));
	ASSERT_OK(setresuid(21, 22, 23));
	ASSERT_STR(status("Uid"), "21\t22\t23\t22");
	ASSERT_STR(status("Gid"), "11\t12\t13\t12");
}

TEST(proc_status_groups)
{
	gid_t g[2] = {7, 5};
	ASSERT_OK(setgroups(2, g));
	ASSERT_STR(status("Groups"), "5 7 ");
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_STR(status("Groups"), " ");
}

TEST(proc_status_signals)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ASSERT_OK(sigprocmask(SIG_SETMASK, &set, NULL));
	signal(SIGUSR2, SIG_IGN);
	ASSERT_OK(raise(SIGUSR1));
	ASSERT_STR(status("SigBlk"), "0000000000000200");
	ASSERT_EQ(strtoull(status("SigIgn"), NULL, 16) & 0x800, 0x800);
	/* Raised with tgkill, so it waits for the thread, not for the process. */
	ASSERT_STR(status("SigPnd"), "0000000000000200");
	ASSERT_OK(kill(getpid(), SIGUSR1));
	ASSERT_STR(status("ShdPnd"), "0000000000000200");
}

TEST(proc_status_no_new_privs)
{
	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(atoi(status("NoNewPrivs")), 1);
}

static void *hold(void *arg)
{
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	return NULL;
}

TEST(proc_threads_are_counted_and_listed)
{
	pthread_t t;
	pthread_barrier_t b;
	char name[64];
	pthread_barrier_init(&b, NULL, 2);
	ASSERT_EQ(stat_of("/proc/self/task").st_nlink, 3);
	ASSERT_EQ(pthread_create(&t, NULL, hold, &b), 0);
	pthread_barrier_wait(&b);
	ASSERT_EQ(atoi(status("Threads")), 2);
	ASSERT_EQ(stat_field(20), 2);
	ASSERT_EQ(stat_of("/proc/self/task").st_nlink, 4);
	snprintf(name, sizeof name, "/proc/self/task/%d/comm", gettid());
	ASSERT_OK(access(name, F_OK));
	pthread_barrier_wait(&b);
	pthread_join(t, NULL);
}

TEST(proc_comm_follows_prctl_and_is_writable)
{
	ASSERT_OK(prctl(PR_SET_NAME, "hello"));
	ASSERT_FILE("/proc/self/comm", "hello\n");
	ASSERT(strstr(get("/proc/self/stat"), " (hello) R "));
	int fd = open("/proc/self/comm", O_WRONLY);
	ASSERT_EQ(write(fd, "a-name-that-is-too-long", 23), 23);
	ASSERT_FILE("/proc/self/comm", "a-name-that-is-\n");
	char name[16];
	ASSERT_OK(prctl(PR_GET_NAME, name));
	ASSERT_STR(name, "a-name-that-is-");
}

TEST(proc_cmdline_and_environ_after_exec)
{
	test_tmpdir();
	int p[2];
	char buf[64] = "";
	ASSERT_OK(pipe(p));
	JOIN(SPAWN({
		char *argv[] = {"first", "--cmdline", "", "last", NULL};
		char *envp[] = {"A=1", "B=two", NULL};
		dup2(p[1], 1);
		execve("/proc/self/exe", argv, envp);
	}));
	ASSERT_EQ(read(p[0], buf, sizeof buf), 34);
	ASSERT(!memcmp(buf, "first\0--cmdline\0\0last\0A=1\0B=two\0\0\0", 32));
}

TEST(proc_environ_is_private)
{
	pid_t parent = getpid();
	ASSERT_EQ(mode_of("/proc/self/environ"), 0400);
	AS_USER({
		char name[64];
		snprintf(name, sizeof name, "/proc/%d/environ", parent);
		ASSERT_ERR(open(name, O_RDONLY), EACCES);
	});
}

TEST(proc_maps_shows_a_new_mapping)
{
	char want[64];
	char *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(want, sizeof want, "%lx-%lx r--s 00000000 ", (long)p, (long)p + 3 * 4096);
	ASSERT(strstr(get("/proc/self/maps"), want));
	ASSERT_OK(munmap(p, 3 * 4096));
	ASSERT(!strstr(get("/proc/self/maps"), want));
}

TEST(proc_maps_names_files_stack_and_heap)
{
	test_tmpdir();
	char cwd[4000], want[4096];
	put("mapped", "x");
	ASSERT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("mapped", O_RDONLY), 0) != MAP_FAILED);
	ASSERT(getcwd(cwd, sizeof cwd));
	snprintf(want, sizeof want, " %s/mapped\n", cwd);
	ASSERT(strstr(get("/proc/self/maps"), want));
	ASSERT(strstr(get("/proc/self/maps"), "[stack]\n"));
	ASSERT(strstr(get("/proc/self/maps"), "[heap]\n") || sbrk(0) == (void *)-1);
	ASSERT_OK(unlink("mapped"));
	ASSERT(strstr(get("/proc/self/maps"), "/mapped (deleted)\n"));
}

TEST(proc_maps_is_sorted_and_contains_main)
{
	unsigned long a, b, last = 0, here = (unsigned long)(uintptr_t)&stat_field;
	int found = 0;
	char perms[8];
	for (char *l = strtok(get("/proc/self/maps"), "\n"); l; l = strtok(NULL, "\n")) {
		ASSERT_EQ(sscanf(l, "%lx-%lx %4s", &a, &b, perms), 3);
		ASSERT(a >= last && b > a);
		last = b;
		if (here >= a && here < b) {
			found = 1;
			ASSERT_STR(perms, "r-xp");
		}
	}
	ASSERT(found);
}

TEST(proc_limits_follow_setrlimit)
{
	struct rlimit rl = {123, 456};
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &rl));
	char *p = strstr(get("/proc/self/limits"), "Max open files ");
	ASSERT(p);
	unsigned a, b;
	char unit[16];
	ASSERT_EQ(sscanf(p + 15, "%u %u %15s", &a, &b, unit), 3);
	ASSERT_EQ(a, 123);
	ASSERT_EQ(b, 456);
	ASSERT_STR(unit, "files");
	ASSERT(!strncmp(get("/proc/self/limits"), "Limit                     Soft Limit", 36));
}

TEST(proc_mounts_and_mountinfo_agree_on_proc)
{
	ASSERT(strstr(get("/proc/self/mounts"), " /proc proc "));
	char *p = strstr(get("/proc/self/mountinfo"), " /proc ");
	ASSERT(p);
	char *end = strchr(p, '\n');
	ASSERT(end);
	*end = 0;
	ASSERT(strstr(p, " - proc "));
	ASSERT_STR(link_of("/proc/mounts"), "self/mounts");
	ASSERT(strstr(get("/proc/self/mountstats"), " mounted on /proc "));
}

TEST(proc_auxv_is_what_getauxval_says)
{
	Elf64_auxv_t a;
	int fd = open("/proc/self/auxv", O_RDONLY), seen = 0;
	while (read(fd, &a, sizeof a) == sizeof a && a.a_type != AT_NULL)
		if (a.a_type == AT_PAGESZ || a.a_type == AT_PHDR || a.a_type == AT_RANDOM) {
			ASSERT_EQ(a.a_un.a_val, getauxval(a.a_type));
			seen++;
		}
	ASSERT_EQ(seen, 3);
}

TEST(proc_statm_has_seven_numbers)
{
	long v[7];
	ASSERT_EQ(sscanf(get("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2,
			 v + 3, v + 4, v + 5, v + 6),
		  7);
	ASSERT(v[0] >= v[1] && v[1] > 0);
	ASSERT_EQ(v[4], 0);
	ASSERT_EQ(v[6], 0);
	/* Pages here, bytes in stat. */
	ASSERT_EQ(stat_field(23) / 4096, v[0]);
}

TEST(proc_oom_score_adj)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR);
	ASSERT_OK(fd);
	ASSERT_EQ(write(fd, "500", 3), 3);
	ASSERT_FILE("/proc/self/oom_score_adj", "500\n");
	ASSERT_ERR(write(fd, "1001", 4), EINVAL);
	ASSERT_ERR(write(fd, "x", 1), EINVAL);
	JOIN(SPAWN({ ASSERT_FILE("/proc/self/oom_score_adj", "500\n"); }));
}

TEST(proc_of_a_dead_process_is_gone)
{
	char name[64];
	int hold_open[2];
	char c;
	ASSERT_OK(pipe(hold_open));
	pid_t pid = SPAWN({ read(hold_open[0], &c, 1); });
	snprintf(name, sizeof name, "/proc/%d", pid);
	int dir = open(name, O_RDONLY | O_DIRECTORY);
	ASSERT_OK(dir);
	ASSERT_EQ(write(hold_open[1], "x", 1), 1);
	JOIN(pid);
	ASSERT_ERR(access(name, F_OK), ENOENT);
	/* An open directory of it outlives it, empty. */
	ASSERT(openat(dir, "stat", O_RDONLY) == -1 && (errno == ESRCH || errno == ENOENT));
}

TEST(proc_zombie_state)
{
	char name[64];
	siginfo_t si;
	pid_t pid = SPAWN({});
	ASSERT_OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	ASSERT_EQ(*(strrchr(get(name), ')') + 2), 'Z');
	snprintf(name, sizeof name, "/proc/%d/cmdline", pid);
	ASSERT_FILE(name, "");
	snprintf(name, sizeof name, "/proc/%d/exe", pid);
	char buf[8];
	ASSERT_ERR(readlink(name, buf, 8), ENOENT);
	JOIN(pid);
}

TEST(proc_mem_reads_and_writes_the_own_memory)
{
	static volatile int value = 42;
	int got = 0, fd = open("/proc/self/mem", O_RDWR);
	ASSERT_OK(fd);
	ASSERT_EQ(pread(fd, &got, sizeof got, (off_t)(uintptr_t)&value), sizeof got);
	ASSERT_EQ(got, 42);
	got = 7;
	ASSERT_EQ(pwrite(fd, &got, sizeof got, (off_t)(uintptr_t)&value), sizeof got);
	ASSERT_EQ(value, 7);
	ASSERT_ERR(pread(fd, &got, sizeof got, 8), EIO);
}

TEST(proc_is_read_only_where_it_should_be)
{
	ASSERT_ERR(open("/proc/self/new", O_CREAT | O_RDWR, 0600), ENOENT);
	ASSERT_ERR(mkdir("/proc/x", 0700), ENOENT);
	ASSERT_ERR(rename("/proc/self/stat", "/proc/self/x"), ENOENT);
	ASSERT_ERR(rename("/proc/self/stat", "/proc/self/status"), EPERM);
}

TEST(proc_files_have_size_zero_and_can_be_reread)
{
	char a[32], b[32];
	ASSERT_EQ(stat_of("/proc/self/stat").st_size, 0);
	int fd = open("/proc/self/stat", O_RDONLY);
	ASSERT_EQ(read(fd, a, 4), 4);
	ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
	ASSERT_EQ(read(fd, b, 4), 4);
	ASSERT(!memcmp(a, b, 4));
	/* Small reads continue where the last one ended. */
	ASSERT(read(fd, b, 1) == 1);
}

int main(int argc, char **argv, char **envp)
{
	if (argc > 1 && !strcmp(argv[1], "--cmdline")) {
		char *c = get("/proc/self/cmdline");
		ASSERT_EQ(write(1, c, 22), 22);
		char *e = get("/proc/self/environ");
		ASSERT_EQ(write(1, e, 12), 12);
		(void)envp;
		return 0;
	}
	return test_main(argc > 1 ? argv[1] : NULL);
}
