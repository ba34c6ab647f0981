/* SPDX-License-Identifier: Apache-2.0 */
/* One writev per line, so that lines of several processes do not mix. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO;
static enum log_level log_max = LOG_WARNING;
static int log_json;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void log_setup(int fd, enum log_level max, int json)
{
	log_fd = fd;
	log_max = max;
	log_json = json;
}

static void json_escape(char *out, size_t size, const char *s)
{
	size_t n = 0;
	for (; *s && n + 7 < size; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			n += (size_t)sprintf(out + n, "\\%c", c);
		else if (c < 0x20)
			n += (size_t)sprintf(out + n, "\\u%04x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char msg[1024], line[2600];
	va_list ap;
	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	if (log_json) {
		char escaped[2200], stamp[32];
		struct timespec now;
		struct tm tm;
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
		json_escape(escaped, sizeof escaped, msg);
		snprintf(line, sizeof line, "{\"level\":\"%s\",\"msg\":\"%s\",\"time\":\"%s\"}\n",
			 level_names[level], escaped, stamp);
	} else {
		snprintf(line, sizeof line, "vedette: %s%s\n",
			 level == LOG_WARNING ? "warning: " : "", msg);
	}
	struct iovec iov = {.iov_base = line, .iov_len = strlen(line)};
	ssize_t n = writev(log_fd, &iov, 1);
	(void)n; /* nowhere left to say so */
}
