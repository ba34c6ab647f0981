/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for tests that execute themselves: the image after exec is this same
 * program, told what to report by the environment variable MODE, on its stdout.
 * Each program brings its own reporter() and uses EXEC_MAIN instead of TEST_MAIN.
 */
#pragma once

#include "task.h"

#define SELF "/proc/self/exe"

/* What the child of run() printed, and its wait status. */
static char output[1 << 16];

static int reporter(const char *mode, int argc, char **argv);

struct command {
	const char *path;
	char **argv, **envp;
	void (*before)(void); /* runs in the child just before exec; may be NULL */
};

HELPER int run_command(const struct command *c)
{
	int fd[2];
	size_t len = 0;
	ASSERT_OK(pipe(fd));
	pid_t p = SPAWN({
		dup2(fd[1], 1);
		close(fd[0]);
		close(fd[1]);
		if (c->before)
			c->before();
		execve(c->path, c->argv, c->envp);
		_exit(200 + (errno < 50 ? errno : 50));
	});
	close(fd[1]);
	for (;;) {
		ssize_t n = read(fd[0], output + len, sizeof output - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	output[len] = 0;
	close(fd[0]);
	return wait_status(p);
}

/* Runs this program in the given mode ("MODE=..."), with one more argument or NULL. */
HELPER int run_mode(const char *mode, char *arg, void (*before)(void))
{
	char *argv[] = {"self", arg, NULL}, *envp[] = {(char *)mode, NULL};
	return run_command(&(struct command){SELF, argv, envp, before});
}

/* The errno of an exec that must fail, in a child. */
HELPER int exec_errno(const char *path)
{
	char *argv[] = {"self", NULL}, *envp[] = {"MODE=exit", NULL};
	int *err = (int *)map_shared(PAGE);
	pid_t p = SPAWN({
		execve(path, argv, envp);
		*err = errno;
	});
	JOIN(p);
	return *err;
}

HELPER void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ASSERT_OK(fd);
	ASSERT_EQ(write(fd, data, len), len);
	ASSERT_OK(fchmod(fd, mode));
	ASSERT_OK(close(fd));
}

HELPER void write_script(const char *name, const char *text)
{
	write_file(name, text, strlen(text), 0755);
}

/* Copies this program to name. */
HELPER void copy_self(const char *name, mode_t mode)
{
	int in = open(SELF, O_RDONLY);
	struct stat st;
	ASSERT_OK(in);
	ASSERT_OK(fstat(in, &st));
	char *m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, in, 0);
	ASSERT(m != MAP_FAILED);
	write_file(name, m, (size_t)st.st_size, mode);
	munmap(m, (size_t)st.st_size);
	close(in);
}

/* Makes ./self a link to this program. */
HELPER void link_self(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink(SELF, path, sizeof path - 1);
	ASSERT(n > 0);
	path[n] = 0;
	ASSERT_OK(symlink(path, "self"));
}

#define EXEC_MAIN()                                                                                \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		const char *mode = getenv("MODE");                                                 \
		if (mode)                                                                          \
			return reporter(mode, argc, argv);                                         \
		return test_main(argc > 1 ? argv[1] : NULL);                                       \
	}
