/* SPDX-License-Identifier: Apache-2.0 */
/* --trace: where the lines go, and the summary at the end. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "oci/cli.h"
#include "platform/host.h"
#include "syscalls/dispatch.h"
#include "syscalls/strace.h"
#include "syscalls/summary.h"

int trace_parse(const char *arg, struct trace_options *out, struct error *e)
{
	bool summary = arg && strcmp(arg, "summary") == 0;
	out->flags |= summary ? TRACE_SUMMARY : TRACE_LINES;
	if (summary && out->fd >= 0)
		return 0;
	if (!arg || !*arg || summary)
		out->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		out->fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (out->fd >= 0)
		return 0;
	return error_set(e, -errno, "--trace: cannot write to %s: %s", arg ? arg : "stderr",
			 strerror(errno));
}

static void emit(void *ctx, const char *line, size_t size)
{
	const struct trace_options *o = ctx;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)line, .iov_len = size};
	host_writev(o->fd, &iov, 1);
}

void trace_begin(const struct trace_options *o)
{
	if (!o || o->fd < 0)
		return;
	host_count_start();
	strace_setup(emit, (void *)(uintptr_t)o);
	syscall_trace = o->flags;
}

/* What the sentry asked of the host for all this. */
static void print_host_calls(FILE *f)
{
	uint64_t total = 0;
	for (int i = 0; i < HOST_CALLS; i++)
		total += host_count((enum host_call)i);
	fprintf(f, "\nhost calls of the sentry: %" PRIu64 "\n", total);
	for (int i = 0; i < HOST_CALLS; i++)
		if (host_count((enum host_call)i))
			fprintf(f, "%10" PRIu64 " %s\n", host_count((enum host_call)i),
				host_call_name((enum host_call)i));
}

/* Printed into memory first: the filter knows neither write(2) nor the files of stdio. */
void trace_end(const struct trace_options *o)
{
	char *text = NULL;
	size_t size = 0;
	if (!o || o->fd < 0 || !(o->flags & TRACE_SUMMARY))
		return;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return;
	summary_print(f);
	print_host_calls(f);
	fclose(f);
	emit((void *)(uintptr_t)o, text, size);
	free(text);
}
