/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci/life/command.h"
#include "oci/life/hook_inside.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"

enum { PIPE_MAX = 1 << 20, SAID_MAX = 160 };

struct hook {
	const char *point, *path;
	char **args, **env; /* env NULL: ours */
	long timeout;	    /* seconds; 0: none */
	pid_t join;	    /* whose namespaces; 0: ours */
	const char *inside; /* a container whose program it is; NULL: the host's */
	const char *state;
};

static char **strings(const json_t *list, const char *first)
{
	size_t n = json_array_size(list);
	char **out = calloc(n + 2, sizeof *out);
	if (out && first && n == 0)
		out[0] = (char *)(uintptr_t)first;
	for (size_t i = 0; out && i < n; i++)
		out[i] = (char *)(uintptr_t)json_string_value(json_array_get(list, i));
	return out;
}

static void join_namespaces(pid_t pid)
{
	static const struct {
		const char *name;
		int flag;
	} all[] = {{"net", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}};
	char path[64];
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, all[i].name);
		autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			setns(fd, all[i].flag);
	}
}

static _Noreturn void child_main(const struct hook *h, int in, int out)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (h->join)
		join_namespaces(h->join);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	if (h->inside)
		_exit(hook_inside(h->inside, h->path, h->args, h->env));
	execve(h->path, h->args, h->env ? h->env : environ);
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

/* A pipe with the state in it, however long: a hook need not read it. */
static int state_pipe(const char *text)
{
	int ends[2];
	size_t size = strlen(text);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_MAX);
	ssize_t n = write(ends[1], text, size);
	int err = n == (ssize_t)size ? 0 : n < 0 ? -errno : -E2BIG;
	close(ends[1]);
	fcntl(ends[0], F_SETFL, 0);
	if (err == 0)
		return ends[0];
	close(ends[0]);
	return err;
}

/* What it says goes into a pipe that is read to its end or to the time-out; *status of its end. */
static int await(pid_t pid, long timeout, int *status)
{
	struct timespec now, end, left = {0, 0};
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout;
	for (;;) {
		pid_t got = waitpid(pid, status, WNOHANG);
		if (got != 0)
			return got < 0 ? -errno : 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = end.tv_sec - now.tv_sec;
		left.tv_nsec = end.tv_nsec - now.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_nsec += 1000000000;
			left.tv_sec--;
		}
		if (timeout && left.tv_sec < 0)
			return -ETIMEDOUT;
		sigtimedwait(&child, NULL, timeout ? &left : NULL);
	}
}

/* SIGCHLD is blocked for as long as await() may sleep. */
static int run_with(const struct hook *h, int in, const int *said, int *status)
{
	sigset_t child, old;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &old);
	pid_t pid = fork();
	if (pid == 0)
		child_main(h, in, said[1]);
	int err = pid < 0 ? -errno : await(pid, h->timeout, status);
	if (err == -ETIMEDOUT) {
		kill(pid, SIGKILL);
		waitpid(pid, status, 0);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

static int judge(const struct hook *h, int err, int status, const char *said, struct error *e)
{
	const char *colon = *said ? ": " : "";
	if (err == -ETIMEDOUT)
		return error_set(e, err, "hook %s: %s did not end in %ld seconds", h->point,
				 h->path, h->timeout);
	if (err < 0)
		return error_set(e, err, "hook %s: cannot run %s: %s", h->point, h->path,
				 strerror(-err));
	if (WIFSIGNALED(status))
		return error_set(e, -EIO, "hook %s: %s died of signal %d%s%s", h->point, h->path,
				 WTERMSIG(status), colon, said);
	if (WEXITSTATUS(status))
		return error_set(e, -EIO, "hook %s: %s: exit status %d%s%s", h->point, h->path,
				 WEXITSTATUS(status), colon, said);
	return 0;
}

static int run_one(const struct hook *h, struct error *e)
{
	char said[SAID_MAX] = "";
	int ends[2], status = 0;
	autoclose int in = state_pipe(h->state);
	if (in < 0)
		return judge(h, in, 0, "", e);
	/* Not blocking: what does not fit is lost, and the hook is told so, not stopped. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return judge(h, -errno, 0, "", e);
	int err = run_with(h, in, ends, &status);
	ssize_t n = read(ends[0], said, sizeof said - 1);
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	close(ends[0]);
	close(ends[1]);
	err = judge(h, err, status, said, e);
	if (err < 0)
		error_sanitize(e);
	return err;
}

static int run_hook(const json_t *j, const char *point, const struct target *t, const char *state,
		    struct error *e)
{
	const json_t *env = json_object_get(j, "env");
	struct hook h = {
		.point = point,
		.path = json_string_value(json_object_get(j, "path")),
		.timeout = (long)json_integer_value(json_object_get(j, "timeout")),
		.join = strcmp(point, "createContainer") == 0 ? t->state.pid : 0,
		.inside = strcmp(point, "startContainer") == 0 ? t->dir.id : NULL,
		.state = state,
	};
	autofree char **args = strings(json_object_get(j, "args"), h.path);
	autofree char **envp = env ? strings(env, NULL) : NULL;
	if (!args || (env && !envp))
		return error_set(e, -ENOMEM, "out of memory");
	h.args = args;
	h.env = envp;
	return run_one(&h, e);
}

bool hooks_any(const json_t *config)
{
	const char *point;
	json_t *list;
	json_object_foreach(json_object_get(config, "hooks"), point, list)
	{
		if (json_array_size(list) > 0)
			return true;
	}
	return false;
}

static const json_t *hooks_of(const struct target *t, const char *point)
{
	return json_object_get(json_object_get(t->state.json, "hooks"), point);
}

/* The pid as who reads it sees it. */
static char *state_text(const struct target *t, const char *point)
{
	json_t *state = target_json(t);
	if (state && strcmp(point, "startContainer") == 0)
		json_object_set_new(state, "pid", json_integer(1));
	char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
	json_decref(state);
	return text;
}

/* failed NULL: the first that fails is the last, and the error. */
static int run_list(const struct target *t, const char *point,
		    void (*failed)(const struct error *e), struct error *e)
{
	const json_t *list = hooks_of(t, point);
	if (json_array_size(list) == 0)
		return 0;
	autofree char *text = state_text(t, point);
	if (!text)
		return error_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		int err = run_hook(json_array_get(list, i), point, t, text, e);
		if (err < 0 && !failed)
			return err;
		if (err < 0)
			failed(e);
	}
	return 0;
}

int hooks_run(const struct state_dir *dir, enum state_status status, const char *point,
	      struct error *e)
{
	struct target t = {.dir = *dir, .status = status};
	int err = state_read(dir, &t.state, e);
	if (err == 0)
		err = run_list(&t, point, NULL, e);
	state_free(&t.state);
	return err;
}

int hooks_create(const struct state_dir *dir, struct error *e)
{
	static const char *const points[] = {"prestart", "createRuntime", "createContainer"};
	int err = 0;
	for (size_t i = 0; err == 0 && i < sizeof points / sizeof points[0]; i++)
		err = hooks_run(dir, STATE_CREATED, points[i], e);
	return err;
}

static void warn(const struct error *e)
{
	log_warning("%s", e->msg);
}

void hooks_try(const struct target *t, enum state_status status, const char *point)
{
	struct target now = {.dir = t->dir, .state = t->state, .status = status};
	struct error e = {.msg = ""};
	if (run_list(&now, point, warn, &e) < 0)
		warn(&e);
}
