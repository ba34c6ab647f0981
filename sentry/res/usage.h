/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox uses, as the host counts it: files of its cgroup, which
 * whoever made the sandbox has opened and handed in; they are read again at
 * each question.  A further container of a pod has its own, if its processes are in a
 * cgroup of its own; the caller is told of its container's.
 *
 * Without a cgroup of its own nothing is known, and usage_own() says so: the
 * caller then shows what the sentry measured itself, or 0.  A cgroup that the
 * sandbox shares with others counts only for the memory that is left of its limit.
 */
#pragma once

#include "platform/base/types.h"

struct resources;

enum usage_file {
#define USAGE(name, v2, controller, v1) USAGE_##name,
#include "sentry/res/usage.def"
#undef USAGE
	USAGE_FILES,
};

/* The table, by enum usage_file: "" where that version has none. */
struct usage_name {
	const char *v2, *controller, *v1;
};
extern const struct usage_name usage_names[USAGE_FILES];

enum { USAGE_TEXT_MAX = 8192 };

struct usage_files {
	/* Descriptors for reading, -1: not there.  Which version each is of is seen by its text. */
	int fd[USAGE_FILES];
	bool own; /* the cgroup is the sandbox's alone */
};

/* Before the first task; the descriptors are taken over.  NULL: there is no cgroup. */
void usage_set(const struct usage_files *files);
/* For one container of several, whose view *r is; both stay. */
void usage_set_view(struct resources *r, const struct usage_files *files);
/* The cgroup is the caller's sandbox' or container's alone, so all that it counts is ours. */
bool usage_own(void);
/* The descriptors are closed. */
void usage_release(const struct usage_files *files);

/* Any thread.  The text of a file in buf, NUL-terminated; false if there is none. */
bool usage_text(enum usage_file which, char buf[USAGE_TEXT_MAX]);
/* A file that is one number, or -1. */
int64_t usage_number(enum usage_file which);

/* The value in a line "name 123" or "name: 123 kB" (unscaled); 0 if there is no such line. */
uint64_t usage_counter(const char *text, const char *name);

struct usage_cpu {
	int64_t time_us; /* -1: not known */
	uint64_t periods, throttled, throttled_us, bursts, burst_us;
};
void usage_cpu(struct usage_cpu *out);

struct usage_events {
	uint64_t low, high, max, oom, oom_kill;
};
/*
 * Since the sandbox began.  v1 counts failed charges (max) and kills only: there,
 * oom is the number of kills.
 */
void usage_events(struct usage_events *out);
/* Bytes of swap, 0 if that is not known. */
uint64_t usage_swap(void);

/*
 * io.stat's lines, made from v1's texts: `bytes` and `counts` are blkio.throttle.io_*.
 * Returns the length; what does not fit is left out, whole lines.
 */
size_t usage_io_convert(const char *bytes, const char *counts, char *out, size_t size);
