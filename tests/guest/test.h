/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest test harness: facts about Linux, one TEST() each.
 *
 * A test program runs natively first and then inside vedette, unchanged; a
 * fact that fails natively is a wrong test.  Each TEST runs in a forked child
 * with a time limit, so that a crash or a hang is one failure and not the end
 * of the program.  Output is TAP, the plan is counted from the table.
 *
 *	TEST(pipe2_rejects_unknown_flags)
 *	{
 *		int fd[2];
 *		ASSERT_ERR(pipe2(fd, 0x40000000), EINVAL);
 *	}
 *	TEST_MAIN()
 *
 * Exit status: 0 all passed or skipped, 1 something failed.
 * Usage: PROGRAM [NAME-SUBSTRING]; TEST_TIMEOUT seconds (default 20).
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;

#define TEST(id)                                                                                   \
	static void test_##id(void);                                                               \
	static struct test_case case_##id = {#id, test_##id, NULL};                                \
	__attribute__((constructor)) static void register_##id(void)                               \
	{                                                                                          \
		*test_last = &case_##id;                                                           \
		test_last = &case_##id.next;                                                       \
	}                                                                                          \
	static void test_##id(void)

/* Ends the running test as failed; usable in a child of the test too (exit status 1). */
#define FAIL(...)                                                                                  \
	do {                                                                                       \
		fprintf(stderr, "# %s:%d: ", __FILE__, __LINE__);                                  \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fprintf(stderr, "\n");                                                             \
		_exit(1);                                                                          \
	} while (0)
/* Ends the running test as skipped: the kernel at hand cannot say anything about this fact. */
#define SKIP(...)                                                                                  \
	do {                                                                                       \
		fprintf(stderr, "# skip: " __VA_ARGS__);                                           \
		fprintf(stderr, "\n");                                                             \
		_exit(77);                                                                         \
	} while (0)
#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			FAIL("%s (errno %d %s)", #cond, errno, strerror(errno));                   \
	} while (0)
#define ASSERT_EQ(a, b) test_eq(__FILE__, __LINE__, #a, #b, (long long)(a), (long long)(b))
/* The call succeeds (>= 0). */
#define ASSERT_OK(call) test_ok(__FILE__, __LINE__, #call, (errno = 0, (long long)(call)))
/* The call returns -1 with this errno. */
#define ASSERT_ERR(call, want)                                                                     \
	test_err(__FILE__, __LINE__, #call, (errno = 0, (long long)(call)), want, #want)

/* Forks; the parent gets the pid, the child runs the block and exits 0.
 *	pid_t p = SPAWN({ ASSERT_OK(close(0)); });
 */
#define SPAWN(...)                                                                                 \
	({                                                                                         \
		if (test_fork(__FILE__, __LINE__) == 0) {                                          \
			__VA_ARGS__;                                                               \
			_exit(0);                                                                  \
		}                                                                                  \
		test_forked;                                                                       \
	})
/* Waits for the child and fails unless it exited 0. */
#define JOIN(pid) test_join(__FILE__, __LINE__, pid)

/* Functions and no locals in the macros above, so that they nest: JOIN(SPAWN({ ASSERT_EQ(...) })).
 */
#define TEST_HELPER __attribute__((unused)) static

static __thread pid_t test_forked;

TEST_HELPER void test_eq(const char *file, int line, const char *as, const char *bs, long long a,
			 long long b)
{
	if (a == b)
		return;
	fprintf(stderr, "# %s:%d: %s is %lld, want %s = %lld (errno %d)\n", file, line, as, a, bs,
		b, errno);
	_exit(1);
}

TEST_HELPER void test_ok(const char *file, int line, const char *call, long long r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "# %s:%d: %s = %lld, errno %d %s\n", file, line, call, r, errno,
		strerror(errno));
	_exit(1);
}

TEST_HELPER void test_err(const char *file, int line, const char *call, long long r, int want,
			  const char *name)
{
	if (r == -1 && errno == want)
		return;
	fprintf(stderr, "# %s:%d: %s = %lld, errno %d %s; want %s\n", file, line, call, r, errno,
		strerror(errno), name);
	_exit(1);
}

TEST_HELPER pid_t test_fork(const char *file, int line)
{
	test_forked = fork();
	if (test_forked >= 0)
		return test_forked;
	fprintf(stderr, "# %s:%d: fork: errno %d\n", file, line, errno);
	_exit(1);
}

TEST_HELPER void test_join(const char *file, int line, pid_t pid)
{
	int st = 0;
	test_eq(file, line, "waitpid", "pid", waitpid(pid, &st, 0), pid);
	if (st == 0)
		return;
	fprintf(stderr, "# %s:%d: child status %#x\n", file, line, (unsigned)st);
	_exit(1);
}

/* The directories that the running test made, 32 bytes each, in memory shared with the runner. */
static char *test_dirs;

/* A fresh empty directory that is the cwd of the rest of the test; removed by the runner. */
TEST_HELPER void test_tmpdir(void)
{
	char dir[] = "/tmp/guest.XXXXXX";
	if (!mkdtemp(dir) || chdir(dir) < 0)
		FAIL("tmpdir: errno %d", errno);
	for (char *at = test_dirs; at && at < test_dirs + 4064; at += 32)
		if (!*at) {
			strcpy(at, dir);
			break;
		}
}

static int test_remove(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	remove(path);
	return 0;
}

/* Is something mounted there?  Then it is left alone: what is behind it is not ours to remove. */
static int test_has_mount(const char *dir)
{
	char line[4096];
	int found = 0;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && fgets(line, sizeof line, f))
		found |= strstr(line, dir) != NULL;
	if (f)
		fclose(f);
	return found;
}

static void test_remove_dirs(void)
{
	for (char *at = test_dirs; at && *at; at += 32) {
		if (!test_has_mount(at))
			nftw(at, test_remove, 16, FTW_DEPTH | FTW_PHYS);
		memset(at, 0, 32);
	}
}

static unsigned test_limit;

/* The limit begins again: for a test that is long on a slow machine, but in no step of it. */
TEST_HELPER void test_goes_on(void)
{
	alarm(test_limit);
}

static int test_one(struct test_case *c, unsigned seconds)
{
	fflush(NULL);
	if (!test_dirs) {
		void *m =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		test_dirs = m == MAP_FAILED ? NULL : m;
	}
	test_limit = seconds;
	pid_t p = fork();
	if (p == 0) {
		setpgid(0, 0);
		alarm(seconds);
		c->run();
		_exit(0);
	}
	int st = 0;
	if (p < 0 || waitpid(p, &st, 0) != p)
		return -1;
	kill(-p, SIGKILL);
	test_remove_dirs();
	if (WIFSIGNALED(st))
		fprintf(stderr, "# %s: killed by signal %d%s\n", c->name, WTERMSIG(st),
			WTERMSIG(st) == SIGALRM ? " (time limit)" : "");
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1;
}

static int test_main(const char *only)
{
	const char *limit = getenv("TEST_TIMEOUT");
	unsigned seconds = limit ? (unsigned)atoi(limit) : 20;
	int n = 0, failed = 0;
	for (struct test_case *c = test_first; c; c = c->next) {
		if (only && !strstr(c->name, only))
			continue;
		int r = test_one(c, seconds);
		if (r == 77) {
			printf("ok %d - %s # SKIP\n", ++n, c->name);
		} else if (r == 0) {
			printf("ok %d - %s\n", ++n, c->name);
		} else {
			failed = 1;
			printf("not ok %d - %s\n", ++n, c->name);
		}
	}
	printf("1..%d\n", n);
	return failed;
}

#define TEST_MAIN()                                                                                \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return test_main(argc > 1 ? argv[1] : NULL);                                       \
	}
