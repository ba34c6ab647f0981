/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/layer/export.h"
#include "oci/thread.h"
#include "platform/base/cleanup.h"
#include "platform/host.h"

struct stream {
	struct boot_container *c; /* our reference */
	int link, pipe;
	uint32_t how;
};

static void answer(int link, uint32_t how, int err)
{
	struct control_msg m = {.kind = err < 0 ? CONTROL_ERROR : CONTROL_DONE,
				.sig = err,
				.foreground = err < 0 ? EXIT_CONFIG : 0};
	if (err == -ESRCH)
		snprintf(m.text, sizeof m.text, "container not running: it ended meanwhile");
	else if (err < 0)
		snprintf(m.text, sizeof m.text, "the %s is not complete: %s",
			 how & CHANGES_ARCHIVE ? "archive" : "list", strerror(-err));
	control_send(link, &m);
}

static void *stream_main(void *arg)
{
	struct stream *s = arg;
	struct layer_memory memory;
	layer_memory_init(&memory, s->c);
	int err = s->how & CHANGES_ARCHIVE
			  ? layer_export(&memory.source, s->how & CHANGES_ALL, s->pipe)
			  : layer_list(&memory.source, s->pipe);
	answer(s->link, s->how, err);
	host_close(s->pipe);
	host_close(s->link);
	boot_container_put(s->c);
	free(s);
	return NULL;
}

void stream_start(struct boot_container *c, const struct control_msg *m, const int *fds, size_t n)
{
	struct stream *s = n == 2 ? malloc(sizeof *s) : NULL;
	int err = n == 2 ? -ENOMEM : -EPROTO;
	if (s) {
		*s = (struct stream){.c = boot_container_get(c), .link = fds[0], .pipe = fds[1], .how = m->foreground};
		err = thread_start(stream_main, s);
	}
	if (err == 0)
		return;
	if (s)
		boot_container_put(c);
	free(s);
	if (n > 0)
		answer(fds[0], m->foreground, err);
	control_close(fds, n);
}

/* To the end of the pipe: what was read and could not be written anywhere is an error. */
static int copy(int from, int to)
{
	char buf[64 * 1024];
	ssize_t n, done, w;
	while ((n = read(from, buf, sizeof buf)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		for (done = 0; done < n; done += w < 0 ? 0 : w)
			if ((w = write(to, buf + done, (size_t)(n - done))) < 0 && errno != EINTR)
				return -errno;
	}
	return 0;
}

int stream_ask(const struct link *l, uint32_t how, int out_fd, struct error *e)
{
	const struct control_msg m = {.kind = CONTROL_CHANGES, .foreground = how};
	struct control_msg reply;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(e, -errno, "cannot make a pipe: %s", strerror(errno));
	autoclose int from = ends[0];
	int err = control_send_fds(l->fd, &m, &ends[1], 1);
	close(ends[1]);
	if (err == 0 && (err = copy(from, out_fd)) < 0)
		return error_set(e, err, "cannot write all of it: %s", strerror(-err));
	return err < 0 ? error_set(e, err, "container not running: %s", strerror(-err))
		       : link_hear(l, &reply, e);
}
