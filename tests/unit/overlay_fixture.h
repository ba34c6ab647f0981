/* SPDX-License-Identifier: Apache-2.0 */
/* A memfs over the tree of a gofer process. */
#pragma once

#include "vfs_fixture.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/gofer/gofer.h"
#include "platform/host.h"
#include "sentry/fs/gofer/client.h"

static char top[] = "/tmp/overlay.XXXXXX"; /* the gofer's root */
static struct gofer *gofer;
static pid_t gofer_pid;
static struct world *x;

static _Noreturn void lower_serve(int conn)
{
	struct gofer_root root = {.fd = open(top, O_PATH | O_CLOEXEC)};
	struct gofer_config cfg = {.roots = &root,
				   .nroots = 1,
				   .conns = &conn,
				   .nconns = 1,
				   .tmpfs_fd = -1,
				   .die_with_parent = true};
	_exit(gofer_serve(&cfg) < 0);
}

/* A new directory, filled by that, and its gofer. */
static void lower_begin(void (*fill)(void))
{
	int pair[2];
	memcpy(strrchr(top, '.'), ".XXXXXX", sizeof ".XXXXXX");
	assert_non_null(mkdtemp(top));
	fill();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	gofer_pid = fork();
	if (gofer_pid == 0) {
		close(pair[0]);
		lower_serve(pair[1]);
	}
	close(pair[1]);
	assert_int_equal(gofer_client_new(&pair[0], 1, &gofer), 0);
}

static int lower_end(void)
{
	char cmd[64];
	int status;
	gofer_client_free(gofer);
	assert_int_equal(waitpid(gofer_pid, &status, 0), gofer_pid);
	assert_int_equal(status, 0);
	snprintf(cmd, sizeof cmd, "rm -rf %s", top);
	return system(cmd);
}

/* A new world with it at /o. */
static int overlay_new(void **state)
{
	const struct memfs_options o = {.name = "overlay",
					.lower = {.gofer = gofer, .root = 0, .path = ""}};
	struct fs *fs;
	struct path p;
	assert_int_equal(world_new(state), 0);
	x = *state;
	assert_int_equal(memfs_new(&o, &fs), 0);
	assert_int_equal(vfs_mkdir(&x->w, "/o", 0755), 0);
	assert_int_equal(path_walk(&x->w, "/o", &p), 0);
	assert_int_equal(mount_add(x->ns, fs, NULL, &p, "overlay", 0), 0);
	path_put(&p);
	return 0;
}
