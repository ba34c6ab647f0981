/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gofer process on a temporary tree, and a client for it.
 *
 *	T/rw   root 0, writable          T/one     root 2, writable, a single file
 *	T/ro   root 1, read-only         T/secret  in no root
 *
 * Included by the gofer tests only.  cmocka wants its four headers first.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/gofer/gofer.h"
#include "platform/base/types.h"
#include "platform/host.h"
#include "sentry/fs/gofer/client.h"

enum { RW, RO, ONE, ROOTS, CONNS = 4 };

/* The sanitizers map memory whenever they like, which the gofer's filter forbids. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Whether the gofer tells of changes: defined before this is included. */
#ifndef FIXTURE_WATCH
#define FIXTURE_WATCH false
#endif

struct fixture {
	char dir[32];
	struct gofer *g;
	int ends[CONNS]; /* ours; the client's once g is made */
	pid_t pid;
	bool confine, old_host;
};

static void put_file(const char *dir, const char *path, const char *text)
{
	char full[256];
	snprintf(full, sizeof full, "%s/%s", dir, path);
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void make_tree(struct fixture *f)
{
	char path[64];
	strcpy(f->dir, "/tmp/gofer.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", f->dir, i == RW ? "rw" : "ro");
		assert_int_equal(mkdir(path, 0755), 0);
		int top = open(path, O_DIRECTORY);
		put_file(path, "file", "hello");
		assert_int_equal(mkdirat(top, "dir", 0755), 0);
		put_file(path, "dir/inner", "inside");
		assert_int_equal(symlinkat("../secret", top, "link"), 0);
		assert_int_equal(symlinkat("dir", top, "dirlink"), 0);
		assert_int_equal(mkfifoat(top, "fifo", 0600), 0);
		close(top);
	}
	put_file(f->dir, "one", "only me");
	put_file(f->dir, "secret", "secret");
}

static int open_at(struct fixture *f, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	int fd = open(path, O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* In the child: never comes back. */
static void run_gofer(struct fixture *f, const int *conns)
{
	struct gofer_root roots[ROOTS] = {
		{.fd = open_at(f, "rw"), .writable = true}, {.fd = open_at(f, "ro"), .writable = false}, {.fd = open_at(f, "one"), .writable = true}};
	struct gofer_config cfg = {
		.roots = roots,
		.nroots = ROOTS,
		.conns = conns,
		.nconns = CONNS,
		.tmpfs_fd = open("/dev/shm", O_PATH | O_DIRECTORY),
		.confine = f->confine,
		.die_with_parent = true,
		.watch = FIXTURE_WATCH,
		.old_host = f->old_host,
	};
	for (int i = 0; i < CONNS; i++)
		close(f->ends[i]);
	_exit(gofer_serve(&cfg) < 0 ? 1 : 0);
}

static struct fixture *fixture_new(bool confine, bool old_host)
{
	struct fixture *f = calloc(1, sizeof *f);
	int theirs[CONNS];
	f->confine = confine && !SANITIZED;
	f->old_host = old_host;
	make_tree(f);
	for (int i = 0; i < CONNS; i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		f->ends[i] = pair[0];
		theirs[i] = pair[1];
	}
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		run_gofer(f, theirs);
	for (int i = 0; i < CONNS; i++)
		close(theirs[i]);
	assert_int_equal(gofer_client_new(f->ends, CONNS, &f->g), 0);
	host_set_readonly(gofer_readonly, f->g);
	return f;
}

/* The wait status of the gofer once its connections are closed. */
static int fixture_free(struct fixture *f)
{
	char cmd[64];
	int status = -1;
	gofer_client_free(f->g);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", f->dir);
	assert_int_equal(system(cmd), 0);
	free(f);
	return status;
}

static int setup_modern(void **state)
{
	*state = fixture_new(/*confine=*/true, /*old_host=*/false);
	return 0;
}

static int setup_old(void **state)
{
	*state = fixture_new(/*confine=*/true, /*old_host=*/true);
	return 0;
}

static int setup_open(void **state)
{
	*state = fixture_new(/*confine=*/false, /*old_host=*/false);
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(fixture_free(*state), 0);
	return 0;
}

/* Each fact three times: locked up, locked up on a host of 2012, and not locked up. */
#define FACT(fn)                                                                                   \
	{#fn, fn, setup_modern, teardown, NULL},                                                   \
		{#fn " (old host)", fn, setup_old, teardown, NULL},                                \
	{                                                                                          \
#fn " (not confined)", fn, setup_open, teardown, NULL                              \
	}
