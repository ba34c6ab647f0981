/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/cgroup/properties.h"
#include "oci/cgroup/systemd.h"
#include "oci/who.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

#define PROGRAM "vedette-scope"

/* ---- the program that asks ---- */

/* Beside ours, where it was built, or where `make install' puts it. */
static int find_program(char *out, size_t size)
{
	static const char *const places[] = {"/" PROGRAM, "/../libexec/" PROGRAM};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0)
		return -errno;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (snprintf(out, size, "%s%s", self, places[i]) < (int)size &&
		    access(out, X_OK) == 0)
			return 0;
	snprintf(out, size, "%.*s" "/" PROGRAM, (int)(size - sizeof PROGRAM - 1), self);
	return -ENOENT;
}

static _Noreturn void child_main(const char *path, char **argv, char **env, int out)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);
	/* Nobody would wait for a scope that it makes later. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	execve(path, argv, env);
	dprintf(1, "cannot run %s: %s\n", path, strerror(errno));
	_exit(1);
}

/* All it says, without the last line's end. */
static void hear(int fd, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;
	while ((n = read(fd, out + used, size - 1 - used)) != 0)
		if (n > 0)
			used += (size_t)n;
		else if (errno != EINTR)
			break;
	while (used && out[used - 1] == '\n')
		used--;
	out[used] = '\0';
}

static int refused(const char *said, struct error *e)
{
	if (strstr(said, "loading shared libraries"))
		error_set(e, -ENOENT,
			  "--systemd-cgroup: libsystemd.so.0 is missing: install it (Debian: "
			  "apt-get install libsystemd0)");
	else
		error_set(e, -EIO, "--systemd-cgroup: %s",
			  *said ? said : PROGRAM " ended before it said why");
	error_sanitize(e);
	return e->err;
}

/* All that it says.  The caller may have children whom it does not want to be waited for. */
static int run(const char *path, struct words *argv, struct words *env, char *said, size_t size)
{
	char **args = words_vector(argv), **vars = words_vector(env);
	int fds[2];
	if (!args || !vars)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0)
		child_main(path, args, vars, fds[1]);
	int err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (pid > 0)
		hear(fds[0], said, size);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

/* What it says after "ok ". */
static int ask(const struct scope *s, const char *verb, const struct words *properties, char *out,
	       size_t size, struct error *e)
{
	struct words argv = {.list = NULL}, env = {.list = NULL};
	char path[PATH_MAX + 64], said[1024] = "";
	int err = find_program(path, sizeof path);
	if (err < 0)
		return error_set(e, err, "--systemd-cgroup: there is no %s, which belongs to vedette",
				 path);
	words_add(&argv, "%s", PROGRAM);
	if (s->user)
		words_add(&argv, "--user");
	words_add(&argv, "%s", verb);
	if (s->unit)
		words_add(&argv, "%s", s->unit);
	if (properties)
		words_append(&argv, properties);
	words_append(&env, &s->env);
	err = run(path, &argv, &env, said, sizeof said);
	words_free(&argv);
	words_free(&env);
	if (err < 0)
		return error_set(e, err, "--systemd-cgroup: cannot run %s: %s", path, strerror(-err));
	if (strcmp(said, "ok") != 0 && strncmp(said, "ok ", 3) != 0)
		return refused(said, e);
	if (out)
		snprintf(out, size, "%s", said[2] ? said + 3 : "");
	return 0;
}

/* ---- a scope ---- */

static void keep_environment(struct words *env)
{
	static const char *const names[] = {"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",
					    "DBUS_SYSTEM_BUS_ADDRESS"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]))
			words_add(env, "%s=%s", names[i], getenv(names[i]));
}

struct scope *scope_new(const char *path, const char *id, struct error *e)
{
	char slice[256], unit[512];
	if (systemd_check(e) < 0)
		return NULL;
	bool user = !caller_is_root();
	if (systemd_names(path, id, user, slice, sizeof slice, unit, sizeof unit, e) < 0)
		return NULL;
	struct scope *s = calloc(1, sizeof *s);
	if (s) {
		*s = (struct scope){.unit = strdup(unit), .slice = strdup(slice), .user = user};
		keep_environment(&s->env);
	}
	if (s && s->unit && s->slice && !s->env.lost)
		return s;
	scope_free(s);
	error_set(e, -ENOMEM, "out of memory");
	return NULL;
}

void scope_free(struct scope *s)
{
	if (!s)
		return;
	free(s->unit);
	free(s->slice);
	words_free(&s->env);
	words_free(&s->asked);
	free(s);
}

int scope_start(const struct scope *s, const struct settings *settings, bool v2, char *out,
		size_t size, struct error *e)
{
	static const char *const accounting[] = {"MemoryAccounting", "CPUAccounting", "TasksAccounting"};
	struct words w = {.list = NULL};
	char pid[16];
	words_property(&w, "Description", "s", "container of vedette");
	words_property(&w, "Slice", "s", s->slice);
	/* Also one that failed goes when nobody is in it. */
	words_property(&w, "CollectMode", "s", "inactive-or-failed");
	words_property(&w, "DefaultDependencies", "b", "0");
	words_property(&w, "Delegate", "b", "1");
	for (size_t i = 0; i < ARRAY_SIZE(accounting); i++)
		words_property(&w, accounting[i], "b", "1");
	words_property(&w, v2 ? "IOAccounting" : "BlockIOAccounting", "b", "1");
	words_append(&w, &s->asked);
	properties_of_settings(settings, v2, &w);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	words_property(&w, "PIDs", "au", pid);
	int err = w.lost ? error_set(e, -ENOMEM, "out of memory")
			 : ask(s, "start", &w, out, size, e);
	words_free(&w);
	return err;
}

int scope_set(const struct scope *s, const struct settings *settings, bool v2, struct error *e)
{
	struct words w = {.list = NULL};
	properties_of_settings(settings, v2, &w);
	int err = w.lost	 ? error_set(e, -ENOMEM, "out of memory")
		  : w.count == 0 ? 0
				 : ask(s, "set", &w, NULL, 0, e);
	words_free(&w);
	return err;
}

int scope_stop(const struct scope *s, struct error *e)
{
	return ask(s, "stop", NULL, NULL, 0, e);
}

int scope_check(char *out, size_t size, struct error *e)
{
	struct scope s = {.user = !caller_is_root()};
	int err = systemd_check(e);
	if (err < 0)
		return err;
	keep_environment(&s.env);
	err = ask(&s, "check", NULL, out, size, e);
	words_free(&s.env);
	return err;
}

/* ---- kept ---- */

json_t *scope_to_json(const struct scope *s)
{
	json_t *env = json_array();
	for (size_t i = 0; env && i < s->env.count; i++)
		json_array_append_new(env, json_string(s->env.list[i]));
	return json_pack("{s:s, s:s, s:b, s:o}", "unit", s->unit, "slice", s->slice, "user", s->user,
			 "env", env);
}

struct scope *scope_from_json(const json_t *j)
{
	const char *unit, *slice;
	json_t *env, *one;
	int user;
	size_t i;
	if (json_unpack((json_t *)(uintptr_t)j, "{s:s, s:s, s:b, s:o}", "unit", &unit, "slice", &slice,
			"user", &user, "env", &env) < 0)
		return NULL;
	struct scope *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct scope){.unit = strdup(unit), .slice = strdup(slice), .user = user};
	json_array_foreach(env, i, one)
		words_add(&s->env, "%s", json_is_string(one) ? json_string_value(one) : "");
	if (s->unit && s->slice && !s->env.lost)
		return s;
	scope_free(s);
	return NULL;
}
