/* SPDX-License-Identifier: Apache-2.0 */
/* What a gofer has given up, seen from outside, and felt from inside. */
#include "gofer_fixture.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "oci/gofer/private.h"

/* A line "key:\t%llx" of a /proc status file. */
static uint64_t status_field(int pid, const char *key)
{
	char path[64], line[256];
	uint64_t value = UINT64_MAX;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof line, in))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtoull(line + strlen(key) + 1, NULL, 16);
	fclose(in);
	return value;
}

/* A reply has come, so the gofer has finished locking itself up. */
static void wait_ready(struct fixture *f)
{
	struct gofer_attr a;
	assert_int_equal(gofer_stat(f->g, RW, "", &a), 0);
}

static void every_thread_is_locked_up(void **state)
{
	struct fixture *f = *state;
	char path[64];
	int threads = 0;
	if (!f->confine)
		skip();
	wait_ready(f);
	snprintf(path, sizeof path, "/proc/%d/task", f->pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; (e = readdir(dir));) {
		int tid = atoi(e->d_name);
		if (tid == 0)
			continue;
		threads++;
		assert_int_equal(status_field(tid, "Seccomp"), 2);
		assert_int_equal(status_field(tid, "NoNewPrivs"), 1);
		uint64_t allowed = 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_DAC_OVERRIDE |
				   1ull << CAP_CHOWN | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |
				   1ull << CAP_MKNOD | 1ull << CAP_SETFCAP;
		assert_int_equal(status_field(tid, "CapPrm") & ~allowed, 0);
		assert_int_equal(status_field(tid, "CapEff") & ~allowed, 0);
		assert_int_equal(status_field(tid, "CapInh"), 0);
		assert_int_equal(status_field(tid, "CapBnd"), 0);
	}
	closedir(dir);
	assert_int_equal(threads, CONNS);
}

static void holds_nothing_else_open(void **state)
{
	struct fixture *f = *state;
	char path[64], target[256];
	int conns = 0, others = 0;
	if (!f->confine)
		skip();
	wait_ready(f);
	snprintf(path, sizeof path, "/proc/%d/fd", f->pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; (e = readdir(dir));) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:", 7) == 0)
			conns++;
		else if (atoi(e->d_name) > 2)
			others++;
	}
	closedir(dir);
	assert_int_equal(conns, CONNS);
	assert_int_equal(others, ROOTS + 1);
}

/* Only where mounting is allowed: elsewhere the gofer does without. */
static void sees_only_its_roots(void **state)
{
	static const char *const want[] = {"/", "/r0", "/r1", "/r2", "/m", "/fd"};
	struct fixture *f = *state;
	char path[64], line[1024], at[256], options[256];
	int lines = 0;
	if (!f->confine || !(status_field(getpid(), "CapEff") & 1ull << CAP_SYS_ADMIN))
		skip();
	wait_ready(f);
	snprintf(path, sizeof path, "/proc/%d/mountinfo", f->pid);
	FILE *in = fopen(path, "r");
	while (fgets(line, sizeof line, in)) {
		assert_int_equal(sscanf(line, "%*s %*s %*s %*s %255s %255s", at, options), 2);
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(want); i++)
			known |= strcmp(at, want[i]) == 0;
		assert_true(known);
		if (strcmp(at, "/r1") == 0 || strcmp(at, "/") == 0)
			assert_int_equal(strncmp(options, "ro", 2), 0);
		lines++;
	}
	fclose(in);
	assert_int_equal(lines, ARRAY_SIZE(want));
	snprintf(path, sizeof path, "/proc/%d/cwd", f->pid);
	assert_true(readlink(path, line, sizeof line) > 0);
	assert_int_equal(strncmp(line, "/fd", 3), 0);
}

/* ---- from inside: a child locks itself up like a gofer, then misbehaves ---- */

static void call_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}
static void call_execve(void)
{
	execl("/bin/true", "true", NULL);
}
static void call_fork(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static void call_mmap(void)
{
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void call_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
}
static void call_open(void)
{
	syscall(SYS_open, "/etc/passwd", O_RDONLY);
}
static void call_mount(void)
{
	syscall(SYS_mount, "a", "/", "tmpfs", 0, 0);
}
static void call_write(void)
{
	syscall(SYS_write, 2, "", 0);
}
static void call_mknod(void)
{
	mknodat(AT_FDCWD, "x", S_IFBLK | 0600, makedev(8, 0));
}
static void call_mknod_chr(void)
{
	mknodat(AT_FDCWD, "x", S_IFCHR | 0600, makedev(1, 1));
}
static void call_prctl(void)
{
	prctl(PR_SET_DUMPABLE, 1);
}
static void call_kill(void)
{
	kill(1, 0);
}
static void call_x32(void)
{
	syscall(0x40000000 | SYS_openat, AT_FDCWD, "x", O_RDONLY);
}
static void call_create(void)
{
	openat(AT_FDCWD, "x", O_CREAT | O_RDWR, 0600);
}
static void call_unlink(void)
{
	unlinkat(AT_FDCWD, "x", 0);
}
static void call_chmod(void)
{
	(void)!fchmodat(AT_FDCWD, "x", 0, 0);
}
static void call_stat(void)
{
	struct stat st;
	fstatat(AT_FDCWD, "x", &st, 0);
}

/* The wait status of a child that enters the filter and then does `call`. */
static int confined_call(bool writable, void (*call)(void))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct gofer_root root = {.fd = open("/tmp", O_PATH), .writable = writable};
		int conn = 0;
		struct gofer_config cfg = {.roots = &root,
					   .nroots = 1,
					   .conns = &conn,
					   .nconns = 1,
					   .tmpfs_fd = -1,
					   .confine = true};
		struct server s;
		if (gofer_init(&s, &cfg) < 0 || gofer_confine_rights(&s, false) < 0 ||
		    gofer_filter_build(&s) < 0 || gofer_filter_enter(&s) < 0)
			_exit(99);
		call();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void forbidden_calls_kill(void **state)
{
	void (*const never[])(void) = {
		call_socket, call_execve, call_fork,  call_mmap,  call_ptrace,
		call_open,   call_mount,  call_write, call_mknod, call_mknod_chr,
		call_prctl,  call_kill,	  call_x32,
	};
	void (*const if_writable[])(void) = {call_create, call_unlink, call_chmod};
	(void)state;
	if (SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		int status = confined_call(/*writable=*/true, never[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(if_writable); i++) {
		int status = confined_call(/*writable=*/false, if_writable[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		assert_int_equal(confined_call(/*writable=*/true, if_writable[i]), 0);
	}
	assert_int_equal(confined_call(/*writable=*/false, call_stat), 0);
}

static void readonly_gofer_keeps_one_capability(void **state)
{
	int ready[2], hold[2];
	char c;
	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(hold), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct root root = {.writable = false};
		struct server s = {.roots = &root, .nroots = 1};
		close(hold[1]);
		if (gofer_confine_rights(&s, false) == 0)
			(void)!write(ready[1], "x", 1);
		(void)!read(hold[0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(status_field(pid, "CapEff") & ~(1ull << CAP_DAC_READ_SEARCH), 0);
	assert_int_equal(status_field(pid, "CapPrm") & ~(1ull << CAP_DAC_READ_SEARCH), 0);
	close(ready[0]);
	close(ready[1]);
	close(hold[0]);
	close(hold[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- what is below a root but is the kernel's ---- */

static void leaves_proc_alone(void **state)
{
	int pair[2], status, fd = -1;
	struct gofer_attr a;
	struct gofer *g;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct gofer_root roots[] = {{.fd = open("/", O_PATH), .writable = true, .submounts = true},
					     {.fd = open("/proc/sys", O_PATH), .writable = false}};
		struct gofer_config cfg = {.roots = roots,
					   .nroots = 2,
					   .conns = &pair[1],
					   .nconns = 1,
					   .tmpfs_fd = -1,
					   .confine = !SANITIZED};
		close(pair[0]);
		_exit(gofer_serve(&cfg) < 0);
	}
	close(pair[1]);
	assert_int_equal(gofer_client_new(pair, 1, &g), 0);
	assert_int_equal(gofer_stat(g, 0, "proc/version", &a), 0);
	assert_int_equal(gofer_open(g, 0, "proc/version", O_RDONLY, &a, &fd), -EACCES);
	assert_int_equal(gofer_open(g, 0, "proc/sys/kernel/ostype", O_RDONLY, &a, &fd), -EACCES);
	assert_int_equal(gofer_open(g, 0, "sys/kernel/uevent_seqnum", O_RDONLY, &a, &fd), -EACCES);
	assert_int_equal(gofer_mkdir(g, 0, "sys/kernel/x", 0700, -1, -1, &a), -EACCES);
	assert_int_equal(gofer_open(g, 0, "etc/passwd", O_RDONLY, &a, &fd), 0);
	close(fd);
	/* Given as a root of its own, it is meant. */
	assert_int_equal(gofer_open(g, 1, "kernel/ostype", O_RDONLY, &a, &fd), 0);
	close(fd);
	gofer_client_free(g);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the end of the parent ---- */

static void dies_with_its_parent(void **state)
{
	int report[2], conns[CONNS], theirs[CONNS];
	pid_t gofer;
	(void)state;
	if (SANITIZED)
		skip();
	struct fixture *f = calloc(1, sizeof *f);
	f->confine = true;
	make_tree(f);
	assert_int_equal(pipe(report), 0);
	for (int i = 0; i < CONNS; i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		conns[i] = pair[0];
		theirs[i] = pair[1];
	}
	memcpy(f->ends, conns, sizeof conns);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t pid = fork();
		if (pid == 0)
			run_gofer(f, theirs);
		(void)!write(report[1], &pid, sizeof pid);
		pause();
		_exit(0);
	}
	assert_int_equal(read(report[0], &gofer, sizeof gofer), sizeof gofer);
	for (int i = 0; i < CONNS; i++)
		close(theirs[i]);
	assert_int_equal(gofer_client_new(conns, CONNS, &f->g), 0);
	wait_ready(f);
	/* Our ends stay open: only the parent's death can be the reason. */
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	struct gofer_attr a;
	int err = 0;
	for (int i = 0; i < 2000 && err == 0; i++) {
		err = gofer_stat(f->g, RW, "", &a);
		usleep(1000);
	}
	assert_int_equal(err, -EIO);
	gofer_client_free(f->g);
	close(report[0]);
	close(report[1]);
	char cmd[64];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	free(f);
}

static void table_is_narrow(void **state)
{
	(void)state;
	size_t at_once = 0;
	for (size_t i = 0; i < gofer_hostcalls_count; i++)
		at_once += !gofer_hostcalls[i].older;
	assert_in_range(at_once, 1, 30);
	for (size_t i = 0; i < gofer_hostcalls_count; i++) {
		int major = atoi(gofer_hostcalls[i].since);
		const char *dot = strchr(gofer_hostcalls[i].since, '.');
		bool after_3_6 = major > 3 || (major == 3 && atoi(dot + 1) > 6);
		/* Newer than the host floor: only with a fallback. */
		assert_int_equal(after_3_6, gofer_hostcalls[i].optional);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(every_thread_is_locked_up),
		FACT(holds_nothing_else_open),
		FACT(sees_only_its_roots),
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(readonly_gofer_keeps_one_capability),
		cmocka_unit_test(leaves_proc_alone),
		cmocka_unit_test(dies_with_its_parent),
		cmocka_unit_test(table_is_narrow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
