/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vedette-scope: asks systemd for the scope of a container.
 *
 *	vedette-scope [--user] start UNIT PROPERTY...
 *	vedette-scope [--user] set UNIT PROPERTY...
 *	vedette-scope [--user] stop UNIT
 *	vedette-scope [--user] check
 *
 * A program of its own, since vedette is linked statically: it would have two C libraries in it if it
 * loaded libsystemd, and all who never ask systemd would carry its pages.  A PROPERTY is NAME
 * SIGNATURE COUNT VALUE...: MemoryMax t 1 1048576.  Says "ok", and for start the scope's cgroup,
 * for check systemd's version; or why not.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER SERVICE ".Manager"

enum { WAIT_US = 30000000, RULES = 4 };

struct session {
	sd_bus *bus;
	const char *service;	/* NULL: the manager itself is at the other end */
	int version;		/* of systemd; 0: not known */
	const char *job;	/* what is waited for */
	char result[32];	/* "": it goes on */
};

static _Noreturn void fail(const char *doing, int err, const sd_bus_error *error)
{
	printf("%s: %s\n", doing, error && error->message ? error->message : strerror(-err));
	exit(1);
}

/* ---- who is asked ---- */

/* Where there is no message bus, systemd listens itself, for root and for the manager's own user. */
static int open_direct(sd_bus **out, int user)
{
	char address[512] = "unix:path=/run/systemd/private";
	const char *run = getenv("XDG_RUNTIME_DIR");
	if (user && (!run || *run != '/' || strpbrk(run, ",;%=")))
		return -ENOENT;
	if (user && snprintf(address, sizeof address, "unix:path=%s/systemd/private", run) >=
			    (int)sizeof address)
		return -ENAMETOOLONG;
	int err = sd_bus_new(out);
	if (err >= 0)
		err = sd_bus_set_address(*out, address);
	return err < 0 ? err : sd_bus_start(*out);
}

static void open_session(struct session *s, int user)
{
	char *text = NULL;
	s->service = SERVICE;
	int err = user ? sd_bus_open_user(&s->bus) : sd_bus_open_system(&s->bus);
	if (err < 0) {
		s->service = NULL;
		if (open_direct(&s->bus, user) < 0)
			fail(user ? "cannot reach the user's message bus (is XDG_RUNTIME_DIR set, and "
				    "dbus-user-session installed?)"
				  : "cannot reach the system's message bus (is dbus installed?)",
			     err, NULL);
	}
	sd_bus_set_method_call_timeout(s->bus, WAIT_US);
	sd_bus_error error = SD_BUS_ERROR_NULL;
	err = sd_bus_get_property_string(s->bus, s->service, OBJECT, MANAGER, "Version", &error,
					 &text);
	if (err < 0)
		fail("systemd does not answer", err, &error);
	s->version = atoi(text + strcspn(text, "0123456789"));
	free(text);
}

/* ---- properties ---- */

static int too_new(const struct session *s, const char *name)
{
	static const struct {
		const char *name;
		int since;
	} all[] = {
		{"CollectMode", 236}, {"CPUQuotaPeriodUSec", 242}, {"AllowedCPUs", 244},
		{"AllowedMemoryNodes", 244},
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i].name, name) == 0)
			return s->version && s->version < all[i].since;
	return 0;
}

static int append_basic(sd_bus_message *m, char type, const char *text)
{
	int64_t i = strtoll(text, NULL, 10);
	uint64_t u = strtoull(text, NULL, 10);
	double d = strtod(text, NULL);
	int flag = i != 0;
	switch (type) {
	case 's':
		return sd_bus_message_append_basic(m, type, text);
	case 'b':
		return sd_bus_message_append_basic(m, type, &flag);
	case 'd':
		return sd_bus_message_append_basic(m, type, &d);
	case 'y':
		return sd_bus_message_append_basic(m, type, &(uint8_t){(uint8_t)u});
	case 'n':
		return sd_bus_message_append_basic(m, type, &(int16_t){(int16_t)i});
	case 'q':
		return sd_bus_message_append_basic(m, type, &(uint16_t){(uint16_t)u});
	case 'i':
		return sd_bus_message_append_basic(m, type, &(int32_t){(int32_t)i});
	case 'u':
		return sd_bus_message_append_basic(m, type, &(uint32_t){(uint32_t)u});
	case 'x':
		return sd_bus_message_append_basic(m, type, &i);
	case 't':
		return sd_bus_message_append_basic(m, type, &u);
	default:
		return -EINVAL;
	}
}

static int append_pairs(sd_bus_message *m, char **values, size_t n)
{
	int err = sd_bus_message_open_container(m, 'a', "(st)");
	for (size_t i = 0; err >= 0 && i + 1 < n; i += 2)
		err = sd_bus_message_append(m, "(st)", values[i], strtoull(values[i + 1], NULL, 10));
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const char *type, char **values, size_t n)
{
	int err = sd_bus_message_open_container(m, 'v', type);
	if (err < 0)
		return err;
	if (strcmp(type, "a(st)") == 0) {
		err = append_pairs(m, values, n);
	} else if (type[0] == 'a') {
		err = sd_bus_message_open_container(m, 'a', type + 1);
		for (size_t i = 0; err >= 0 && i < n; i++)
			err = append_basic(m, type[1], values[i]);
		if (err >= 0)
			err = sd_bus_message_close_container(m);
	} else {
		err = n == 1 ? append_basic(m, type[0], values[0]) : -EINVAL;
	}
	return err < 0 ? err : sd_bus_message_close_container(m);
}

/* a(sv) of NAME SIGNATURE COUNT VALUE... */
static int append_properties(const struct session *s, sd_bus_message *m, char **word)
{
	int err = sd_bus_message_open_container(m, 'a', "(sv)");
	while (err >= 0 && word[0]) {
		if (!word[1] || !word[2])
			return -EINVAL;
		size_t n = strtoul(word[2], NULL, 10), there = 0;
		char **values = word + 3;
		while (there < n && values[there])
			there++;
		if (there < n)
			return -EINVAL;
		if (!too_new(s, word[0])) {
			err = sd_bus_message_open_container(m, 'r', "sv");
			if (err >= 0)
				err = sd_bus_message_append(m, "s", word[0]);
			if (err >= 0)
				err = append_value(m, word[1], values, n);
			if (err >= 0)
				err = sd_bus_message_close_container(m);
		}
		word = values + n;
	}
	return err < 0 ? err : sd_bus_message_close_container(m);
}

/* ---- jobs ---- */

static int job_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct session *s = arg;
	const char *path, *unit, *result;
	uint32_t id;
	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &path, &unit, &result) >= 0 && s->job &&
	    strcmp(path, s->job) == 0)
		snprintf(s->result, sizeof s->result, "%s", result);
	return 0;
}

/* Before the job is asked for: else it may be over before we listen. */
static void listen_for_jobs(struct session *s)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int err = sd_bus_match_signal(s->bus, NULL, s->service, OBJECT, MANAGER, "JobRemoved",
				      job_removed, s);
	if (err >= 0 && s->service)
		err = sd_bus_call_method(s->bus, s->service, OBJECT, MANAGER, "Subscribe", &error,
					 NULL, "");
	if (err < 0)
		fail("cannot listen to systemd", err, &error);
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void await_job(struct session *s, sd_bus_message *reply, const char *unit)
{
	char doing[512];
	uint64_t end = now_us() + WAIT_US, now;
	int err = sd_bus_message_read(reply, "o", &s->job);
	while (err >= 0 && !*s->result) {
		if ((err = sd_bus_process(s->bus, NULL)) != 0)
			continue;
		if ((now = now_us()) >= end)
			err = -ETIMEDOUT;
		else
			err = sd_bus_wait(s->bus, end - now);
	}
	snprintf(doing, sizeof doing, "systemd's job for %s", unit);
	if (err < 0)
		fail(doing, err, NULL);
	if (strcmp(s->result, "done") != 0) {
		printf("%s did not succeed: %s\n", doing, s->result);
		exit(1);
	}
}

/* ---- the commands ---- */

static void reset_failed(struct session *s, const char *unit)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_call_method(s->bus, s->service, OBJECT, MANAGER, "ResetFailedUnit", &error, NULL,
			   "s", unit);
	sd_bus_error_free(&error);
}

static int call_start(struct session *s, const char *unit, char **properties, sd_bus_error *error,
		      sd_bus_message **reply)
{
	sd_bus_message *m = NULL;
	int err = sd_bus_message_new_method_call(s->bus, &m, s->service, OBJECT, MANAGER,
						 "StartTransientUnit");
	if (err >= 0)
		err = sd_bus_message_append(m, "ss", unit, "replace");
	if (err >= 0)
		err = append_properties(s, m, properties);
	if (err >= 0)
		err = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (err >= 0)
		err = sd_bus_call(s->bus, m, 0, error, reply);
	sd_bus_message_unref(m);
	return err;
}

static void start(struct session *s, const char *unit, char **properties)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	char *path = NULL, *group = NULL;
	listen_for_jobs(s);
	int err = call_start(s, unit, properties, &error, &reply);
	/* One that failed is kept for its result; one that is there is not ours to take. */
	if (err < 0 && sd_bus_error_has_name(&error, SERVICE ".UnitExists")) {
		sd_bus_error_free(&error);
		reset_failed(s, unit);
		err = call_start(s, unit, properties, &error, &reply);
	}
	if (err < 0)
		fail("systemd makes no scope", err, &error);
	await_job(s, reply, unit);
	err = sd_bus_path_encode(OBJECT "/unit", unit, &path);
	if (err >= 0)
		err = sd_bus_get_property_string(s->bus, s->service, path, SERVICE ".Scope",
						 "ControlGroup", &error, &group);
	if (err < 0 || !*group)
		fail("systemd does not say where the scope's cgroup is", err, &error);
	printf("ok %s\n", group);
	sd_bus_message_unref(reply);
	free(path);
	free(group);
}

static void set(struct session *s, const char *unit, char **properties)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	int err = sd_bus_message_new_method_call(s->bus, &m, s->service, OBJECT, MANAGER,
						 "SetUnitProperties");
	if (err >= 0)
		err = sd_bus_message_append(m, "sb", unit, /*runtime=*/1);
	if (err >= 0)
		err = append_properties(s, m, properties);
	if (err >= 0)
		err = sd_bus_call(s->bus, m, 0, &error, NULL);
	if (err < 0)
		fail("systemd does not take the limits", err, &error);
	sd_bus_message_unref(m);
	printf("ok\n");
}

/* A scope ends with its last process: mostly it is gone already. */
static void stop(struct session *s, const char *unit)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	listen_for_jobs(s);
	int err = sd_bus_call_method(s->bus, s->service, OBJECT, MANAGER, "StopUnit", &error, &reply,
				     "ss", unit, "replace");
	if (err >= 0)
		await_job(s, reply, unit);
	else if (!sd_bus_error_has_name(&error, SERVICE ".NoSuchUnit"))
		fail("systemd does not end the scope", err, &error);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&error);
	reset_failed(s, unit);
	printf("ok\n");
}

int main(int argc, char **argv)
{
	struct session s = {.bus = NULL};
	int user = argc > 1 && strcmp(argv[1], "--user") == 0;
	char **arg = argv + 1 + user;
	if (argc < 2 + user || (!arg[1] && strcmp(arg[0], "check") != 0)) {
		printf("usage: vedette-scope [--user] start|set|stop|check [UNIT] [PROPERTY...]\n");
		return 2;
	}
	open_session(&s, user);
	if (strcmp(arg[0], "start") == 0)
		start(&s, arg[1], arg + 2);
	else if (strcmp(arg[0], "set") == 0)
		set(&s, arg[1], arg + 2);
	else if (strcmp(arg[0], "stop") == 0)
		stop(&s, arg[1]);
	else
		printf("ok systemd %d, %s\n", s.version,
		       s.service ? (user ? "the user's bus" : "the system's bus") : "its own socket");
	sd_bus_flush_close_unref(s.bus);
	return fflush(stdout) != 0;
}
