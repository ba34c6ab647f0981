/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages for the person who runs vedette: one line each, on stderr and in
 * --log.  Never used for what the guest prints.
 */
#pragma once

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/* fd: where lines go (kept, not owned); json: runc's {"level","msg","time"} lines. */
void log_setup(int fd, enum log_level max, int json);
/* One line; a newline is added.  Safe from any thread, never fails. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)
