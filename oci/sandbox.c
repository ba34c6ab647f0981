/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/confine.h"
#include "platform/base/log.h"
#include "platform/host.h"
#include "platform/platform.h"
#include "platform/seccomp.h"
#include "sentry/fs/gofer/client.h"

enum { GOFER_CONNS = 4 };

const struct platform_ops *platform;

static int gofer_start(const struct sandbox *s, struct gofer **out)
{
	int ours[GOFER_CONNS], theirs[GOFER_CONNS];
	for (int i = 0; i < GOFER_CONNS; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	int tmpfs = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		for (int i = 0; i < GOFER_CONNS; i++)
			close(ours[i]);
		struct gofer_config cfg = {
			.roots = s->roots,
			.nroots = s->nroots,
			.conns = theirs,
			.nconns = GOFER_CONNS,
			.tmpfs_fd = tmpfs,
			.confine = true,
			.die_with_parent = true,
		};
		int err = gofer_serve(&cfg);
		log_error("gofer: cannot start: %s", strerror(-err));
		_exit(EXIT_INTERNAL);
	}
	for (int i = 0; i < GOFER_CONNS; i++)
		close(theirs[i]);
	if (tmpfs >= 0)
		close(tmpfs);
	int err = gofer_client_new(ours, GOFER_CONNS, out);
	if (err < 0)
		return err;
	host_set_memfile(gofer_memfile, *out);
	/* It has confined itself once it answers; until then it needs the mounts we are about to hide. */
	struct gofer_attr root;
	return gofer_stat(*out, 0, "", &root);
}

static void stdio_look(struct boot_spec *spec)
{
	for (int i = 0; i < 3; i++) {
		struct boot_stdio *io = &spec->stdio[i];
		int flags = io->fd >= 0 ? fcntl(io->fd, F_GETFL) : -1;
		if (flags < 0) {
			io->fd = -1;
			continue;
		}
		io->flags = (uint32_t)flags;
		off_t pos = lseek(io->fd, 0, SEEK_CUR);
		io->pos = pos < 0 ? 0 : pos;
		/* KCMP_FILE 0; where the host has no kcmp(2) they are taken as different. */
		if (i > 0)
			io->same = syscall(SYS_kcmp, getpid(), getpid(), 0, spec->stdio[i - 1].fd,
					   io->fd) == 0;
	}
}

static int exec_status(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
		return EXIT_NOT_FOUND;
	case -EACCES:
	case -ENOEXEC:
	case -EPERM:
	case -EISDIR:
	case -ELIBBAD:
	case -EINVAL:
		return EXIT_CANNOT_EXEC;
	default:
		return EXIT_INTERNAL;
	}
}

static int fail(const struct boot_error *e, int code)
{
	log_error("%s", e->text);
	return code;
}

static void *nothing(void *arg)
{
	return arg;
}

/* libc installs its signal handlers with the first thread it makes: before the filter forbids it. */
static int warm_threads(void)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, nothing, NULL);
	return err ? -err : -pthread_join(thread, NULL);
}

/* All of the sentry's life, in its own process. */
static int sentry_main(const struct sandbox *s)
{
	struct boot_spec spec = s->spec;
	struct boot_error e = {.text = ""};
	sigset_t all;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	platform = &ptrace_platform;
	stdio_look(&spec);
	int err = host_init();
	if (err == 0)
		err = gofer_start(s, &spec.gofer);
	if (err < 0) {
		log_error("cannot start the gofer: %s", strerror(-err));
		return EXIT_INTERNAL;
	}
	if ((err = platform->init()) < 0) {
		log_error("the %s platform does not work on this host: %s", platform->name,
			  strerror(-err));
		return EXIT_INTERNAL;
	}
	if ((err = boot_init(&spec, &e)) < 0)
		return fail(&e, EXIT_INTERNAL);
	if ((err = warm_threads()) < 0 || (err = confine_sentry()) < 0 ||
	    (err = seccomp_load_sentry(/*with_ptrace=*/true)) < 0) {
		log_error("cannot confine the sentry: %s", strerror(-err));
		return EXIT_INTERNAL;
	}
	trace_begin(s->trace);
	if (boot_mounts(&spec, &e) < 0)
		return fail(&e, EXIT_INTERNAL);
	if ((err = boot_start(&spec, &e)) < 0) {
		boot_wait();
		return fail(&e, exec_status(err));
	}
	int status = boot_wait();
	trace_end(s->trace);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A fork into new namespaces; fewer of them where the host has not all. */
static pid_t fork_isolated(void)
{
	unsigned long want = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	pid_t pid = (pid_t)syscall(SYS_clone, want | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0 && (errno == EPERM || errno == EINVAL))
		pid = (pid_t)syscall(SYS_clone, want | CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL,
				     NULL);
	if (pid < 0 && (errno == EPERM || errno == EINVAL || errno == ENOSPC)) {
		log_info("no namespaces on this host: running without");
		pid = fork();
	}
	return pid;
}

int sandbox_run(const struct sandbox *s)
{
	int status;
	fflush(NULL);
	pid_t pid = fork_isolated();
	if (pid < 0) {
		log_error("cannot fork the sentry: %s", strerror(errno));
		return EXIT_INTERNAL;
	}
	if (pid == 0)
		_exit(sentry_main(s));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_INTERNAL;
	if (WIFSIGNALED(status)) {
		log_error("the sentry was killed by signal %d", WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}
