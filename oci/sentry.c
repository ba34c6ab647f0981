/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a fork of the command line to a running kernel.  The order matters:
 *
 *	ids            while we still have the rights
 *	descriptors    closed, before anything is forked from us
 *	zygote         after the last change of ids, before the root is gone
 *	gofer          answers, so it has left the mounts that we are about to lose; it
 *	               locks itself up while we do all this
 *	root, rights   given up
 *	filter         the only thread that is there loads it for all
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/confine.h"
#include "oci/control.h"
#include "oci/isolate.h"
#include "oci/sandbox.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"
#include "platform/host.h"
#include "platform/platform.h"
#include "platform/seccomp.h"
#include "sentry/fs/gofer/client.h"

const struct platform_ops *platform;

static int exec_status(int err)
{
	return err == -ENOENT || err == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}

static void *nothing(void *arg)
{
	return arg;
}

/* libc installs its signal handlers with the first thread it makes: before the filter forbids it.
 */
static int warm_threads(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, nothing, NULL);
	return err ? -err : -pthread_join(thread, NULL);
}

/* The CLI may have died before PDEATHSIG was set. */
static int parent_alive(int control)
{
	struct pollfd p = {.fd = control};
	return poll(&p, 1, 0) < 0 || !(p.revents & POLLHUP);
}

static int take_identity(const struct sentry_ends *ends, struct isolation *iso)
{
	struct control_msg go;
	int err = control_recv(ends->control, &go);
	if (err < 0)
		_exit(EXIT_INTERNAL);
	iso->flags = (unsigned long)(uint32_t)go.sig;
	iso->ids = go.foreground != 0;
	if (iso->ids)
		err = isolate_become();
	confine_begin();
	if (!parent_alive(ends->control))
		_exit(EXIT_INTERNAL);
	return err;
}

static int gofer_connect(const struct sentry_ends *ends, struct gofer **out)
{
	int err = gofer_client_new(ends->conns, GOFER_CONNS, out);
	if (err < 0)
		return err;
	host_set_memfile(gofer_memfile, *out);
	host_set_readonly(gofer_readonly, *out);
	return 0;
}

static int gofer_await(struct gofer *g)
{
	struct gofer_attr root;
	return gofer_stat(g, 0, "", &root);
}

static int close_rest(const struct sandbox *s, const struct sentry_ends *ends, int oom)
{
	int keep[1 + GOFER_CONNS + PRESERVE_MAX + 4 + USAGE_FILES], n = 0;
	for (int i = 0; i < GOFER_CONNS; i++)
		keep[n++] = ends->conns[i];
	keep[n++] = ends->control;
	for (int i = 0; s->spec.usage && i < USAGE_FILES; i++)
		if (s->spec.usage->fd[i] >= 0)
			keep[n++] = s->spec.usage->fd[i];
	for (unsigned i = 0; i < s->preserve; i++)
		keep[n++] = 3 + (int)i;
	if (oom >= 0)
		keep[n++] = oom;
	if (s->alive_fd > 0)
		keep[n++] = s->alive_fd;
	if (s->trace->fd >= 0)
		keep[n++] = s->trace->fd;
	if (global_options.log_fd >= 0)
		keep[n++] = global_options.log_fd;
	return isolate_close(keep, (size_t)n);
}

/* How much sooner than the sentry its stubs are picked: a fifth of the memory there is. */
enum { STUB_OOM_MORE = 200, OOM_MAX = 1000 };

/*
 * When the host runs out of memory it is to kill a guest's process, not the sentry and
 * with it all of them.  Raising one's own score takes no right, and neither does going
 * back to what it was: so stubs are forked while ours is higher.  fd: oom_score_adj, opened
 * before we became somebody who may not; -1: the host decides by size alone.
 */
static void stubs_first(int fd, const char *own, size_t size)
{
	char text[16];
	int score = atoi(own) + STUB_OOM_MORE;
	if (size == 0)
		return;
	snprintf(text, sizeof text, "%d", score > OOM_MAX ? OOM_MAX : score);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		log_debug("the score of stubs stays as it is: %s", strerror(errno));
}

/* The one that was asked for, else the best that works here. */
static int platform_start(unsigned tasks, struct error *e)
{
	static const struct platform_ops *const all[] = {&trap_platform, &ptrace_platform};
	const char *want = global_options.platform;
	if (want && strcmp(want, "auto") == 0)
		want = NULL;
	int err = -ENOSYS;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (want && strcmp(want, all[i]->name) != 0)
			continue;
		platform = all[i];
		if (platform->tasks)
			platform->tasks(tasks);
		if ((err = platform->init()) == 0)
			return 0;
		log_debug("the %s platform does not work here: %s", all[i]->name, strerror(-err));
	}
	if (err == -ENOSYS)
		return error_set(e, -EINVAL, "there is no platform '%s': trap or ptrace", want);
	return error_set(e, err,
			 "the %s platform does not work on this host (%s): "
			 "`vedette check' says what it lacks",
			 platform->name, strerror(-err));
}

static int take_preserved(const struct sandbox *s, struct boot_spec *spec)
{
	struct boot_stdio *more = calloc(s->preserve + 1, sizeof *more);
	for (unsigned i = 0; more && i < s->preserve; i++)
		stdio_look(3 + (int)i, &more[i]);
	spec->more = more;
	spec->nmore = s->preserve;
	return more ? 0 : -ENOMEM;
}

static int platform_start_below(int oom, unsigned tasks, struct error *e)
{
	char own[16] = "";
	ssize_t n = oom < 0 ? 0 : pread(oom, own, sizeof own - 1, 0);
	stubs_first(oom, own, n > 0 ? (size_t)n : 0);
	int err = platform_start(tasks, e);
	if (n > 0 && pwrite(oom, own, (size_t)n, 0) < 0)
		log_warning("the sentry may be killed as soon as a guest when memory is short: %s",
			    strerror(errno));
	return err;
}

/* All that comes before the filter. */
static int prepare(const struct sandbox *s, const struct sentry_ends *ends, struct boot_spec *spec,
		   struct error *e)
{
	struct boot_error be = {.text = ""};
	struct isolation iso;
	autoclose int oom = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	int err = take_identity(ends, &iso);
	if (err < 0)
		return error_set(e, err, "cannot enter the user namespace: %s", strerror(-err));
	numbers_inside(spec);
	stdio_take(&ends->stdio, spec->stdio);
	if (s->apart)
		stdio_forget_same(spec->stdio);
	if ((err = take_preserved(s, spec)) < 0)
		return error_set(e, err, "out of memory");
	if ((err = gofer_connect(ends, &spec->gofer)) < 0)
		return error_set(e, err, "cannot connect to the gofer: %s", strerror(-err));
	if ((err = close_rest(s, ends, oom)) < 0)
		return error_set(e, err, "cannot close descriptors: %s", strerror(-err));
	if ((err = host_init()) < 0)
		return error_set(e, err,
				 "cannot open /dev/urandom: %s (mknod it, or bind the host's)",
				 strerror(-err));
	if ((err = platform_start_below(oom, spec->task_limit ? spec->task_limit : BOOT_TASKS, e)) < 0)
		return err;
	if ((err = boot_init(spec, &be)) < 0)
		return error_set(e, err, "%s", be.text);
	if ((err = gofer_await(spec->gofer)) < 0)
		return error_set(e, err, "the gofer does not answer: %s", strerror(-err));
	if ((err = warm_threads()) < 0 || (err = confine_end((iso.flags & CLONE_NEWNS) != 0)) < 0 ||
	    (err = seccomp_load_sentry(/*with_ptrace=*/platform == &ptrace_platform)) < 0)
		return error_set(e, err, "cannot confine the sentry: %s", strerror(-err));
	return 0;
}

static int boot_failed(int err, const struct boot_error *be, struct error *e)
{
	error_set(e, err, "%s", be->text);
	if (!be->exec)
		return EXIT_INTERNAL;
	boot_wait();
	return exec_status(err);
}

static int start_and_wait(const struct sandbox *s, const struct sentry_ends *ends,
			  struct boot_spec *spec, struct error *e)
{
	struct boot_error be = {.text = ""};
	trace_begin(s->trace);
	int err = boot_mounts(spec, &be);
	if (err < 0 || (err = boot_create(spec, &be)) < 0)
		return boot_failed(err, &be, e);
	if ((err = control_start(ends->control)) < 0)
		log_warning("signals from outside do not reach the container: %s", strerror(-err));
	control_tell(ends->control, CONTROL_CREATED, 0);
	if (!s->hold)
		boot_go(boot_first);
	if ((err = boot_start(boot_first, &be)) < 0)
		return boot_failed(err, &be, e);
	control_tell(ends->control, CONTROL_STARTED, 0);
	int status = boot_wait();
	trace_end(s->trace);
	control_tell(ends->control, CONTROL_EXIT, status);
	if (boot_leaks(&be) > 0 || boot_broken(&be) < 0) {
		error_set(e, -ENOTEMPTY, "%s", be.text);
		return EXIT_INTERNAL;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int sentry_main(const struct sandbox *s, const struct sentry_ends *ends)
{
	struct boot_spec spec = s->spec;
	struct error e = {.msg = ""};
	int status = EXIT_INTERNAL;
	if (prepare(s, ends, &spec, &e) == 0)
		status = start_and_wait(s, ends, &spec, &e);
	if (e.msg[0]) {
		struct control_msg m = {.kind = CONTROL_ERROR, .sig = e.err};
		memcpy(m.text, e.msg, sizeof m.text);
		control_send(ends->control, &m);
	}
	return status;
}
