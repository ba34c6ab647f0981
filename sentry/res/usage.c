/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/res/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/res/resources.h"

const struct usage_name usage_names[USAGE_FILES] = {
#define USAGE(name, v2, controller, v1) {v2, controller, v1},
#include "sentry/res/usage.def"
#undef USAGE
};

static struct usage_files files; /* constant after usage_set() */

void usage_set(const struct usage_files *f)
{
	if (!f)
		return;
	files = *f;
	resources.usage = &files;
}

void usage_set_view(struct resources *r, const struct usage_files *f)
{
	r->usage = f;
}

void usage_release(const struct usage_files *f)
{
	for (int i = 0; i < USAGE_FILES; i++)
		if (f->fd[i] >= 0)
			host_close(f->fd[i]);
}

bool usage_own(void)
{
	const struct usage_files *f = resources_here()->usage;
	return f && f->own;
}

bool usage_text(enum usage_file which, char buf[USAGE_TEXT_MAX])
{
	const struct usage_files *f = resources_here()->usage;
	if (!f)
		f = resources.usage;
	int fd = f ? f->fd[which] : -1;
	ssize_t n = fd < 0 ? -1 : host_pread(fd, buf, USAGE_TEXT_MAX - 1, 0);

	buf[n < 0 ? 0 : n] = 0;
	return n >= 0;
}

int64_t usage_number(enum usage_file which)
{
	char buf[USAGE_TEXT_MAX];

	return usage_text(which, buf) && *buf ? strtoll(buf, NULL, 10) : -1;
}

uint64_t usage_counter(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, name, n) == 0 && (p[n] == ':' || p[n] == ' '))
			return strtoull(p + n + 1, NULL, 10);
	return 0;
}

/* v2 has the time in cpu.stat; v1 in nanoseconds in a file of its own, as are its other times. */
void usage_cpu(struct usage_cpu *out)
{
	char b[USAGE_TEXT_MAX];

	*out = (struct usage_cpu){.time_us = -1};
	if (!usage_own() || !usage_text(USAGE_CPU_STAT, b))
		return;
	out->periods = usage_counter(b, "nr_periods");
	out->throttled = usage_counter(b, "nr_throttled");
	out->bursts = usage_counter(b, "nr_bursts");
	if (strstr(b, "usage_usec")) {
		out->time_us = (int64_t)usage_counter(b, "usage_usec");
		out->throttled_us = usage_counter(b, "throttled_usec");
		out->burst_us = usage_counter(b, "burst_usec");
		return;
	}
	out->throttled_us = usage_counter(b, "throttled_time") / 1000;
	out->burst_us = usage_counter(b, "burst_time") / 1000;
	int64_t ns = usage_number(USAGE_CPU_TIME);
	out->time_us = ns < 0 ? -1 : ns / 1000;
}

void usage_events(struct usage_events *out)
{
	char b[USAGE_TEXT_MAX];

	*out = (struct usage_events){0};
	if (!usage_own() || !usage_text(USAGE_MEMORY_EVENTS, b))
		return;
	out->oom_kill = usage_counter(b, "oom_kill");
	if (strstr(b, "oom_kill_disable")) {
		int64_t fails = usage_number(USAGE_MEMORY_FAILS);
		out->max = fails < 0 ? 0 : (uint64_t)fails;
		out->oom = out->oom_kill;
		return;
	}
	out->low = usage_counter(b, "low");
	out->high = usage_counter(b, "high");
	out->max = usage_counter(b, "max");
	out->oom = usage_counter(b, "oom");
}

uint64_t usage_swap(void)
{
	int64_t swap = usage_own() ? usage_number(USAGE_SWAP) : 0;
	int64_t both = usage_own() ? usage_number(USAGE_MEMORY_AND_SWAP) : -1;

	if (both >= 0) {
		int64_t memory = usage_number(USAGE_MEMORY);
		swap = memory >= 0 && both > memory ? both - memory : 0;
	}
	return swap < 0 ? 0 : (uint64_t)swap;
}

/* The value of "MAJ:MIN Word N"; 0 if it is not there. */
static uint64_t device_value(const char *text, const char *device, size_t size, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, device, size) == 0 && p[size] == ' ' &&
		    strncmp(p + size + 1, word, n) == 0 && p[size + 1 + n] == ' ')
			return strtoull(p + size + 1 + n, NULL, 10);
	return 0;
}

size_t usage_io_convert(const char *bytes, const char *counts, char *out, size_t size)
{
	size_t used = 0;

	for (const char *p = bytes; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		size_t n = strcspn(p, " \n");
		/* One line a device: where its reads stand. */
		if (!memchr(p, ':', n) || strncmp(p + n, " Read ", 6) != 0)
			continue;
		int len = snprintf(out + used, size - used,
				   "%.*s rbytes=%llu wbytes=%llu rios=%llu wios=%llu dbytes=%llu "
				   "dios=%llu\n",
				   (int)n, p, (unsigned long long)device_value(bytes, p, n, "Read"),
				   (unsigned long long)device_value(bytes, p, n, "Write"),
				   (unsigned long long)device_value(counts, p, n, "Read"),
				   (unsigned long long)device_value(counts, p, n, "Write"),
				   (unsigned long long)device_value(bytes, p, n, "Discard"),
				   (unsigned long long)device_value(counts, p, n, "Discard"));
		if (len < 0 || (size_t)len >= size - used)
			break;
		used += (size_t)len;
	}
	if (size)
		out[used] = 0;
	return used;
}
