/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/log/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "oci/isolate.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

enum { LINE_SIZE = 16 * 1024, HEAD_SIZE = 64, RETRY_MS = 1000 };

struct stream {
	const char *name;
	int fd; /* -1: its end was read */
	size_t used;
	char line[LINE_SIZE];
};

struct writer {
	int dir, file;
	char name[300];
	uint64_t size, limit;
	struct stream streams[2];
	/* A record that could not be written whole. */
	char record[HEAD_SIZE + LINE_SIZE + 1];
	size_t record_size, record_done;
};

static int open_log(struct writer *w)
{
	struct stat st;
	int fd = openat(w->dir, w->name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0640);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = S_ISREG(st.st_mode) ? -errno : -EINVAL;
		close(fd);
		return err;
	}
	/* A follower waits for the old one's lock, and finds the new one locked. */
	if (w->file >= 0)
		close(w->file);
	w->file = fd;
	w->size = (uint64_t)st.st_size;
	return 0;
}

static void rotate(struct writer *w)
{
	char from[320], to[320];
	for (int i = LOG_OLD; i > 0; i--) {
		snprintf(to, sizeof to, "%s.%d", w->name, i);
		snprintf(from, sizeof from, i > 1 ? "%s.%d" : "%s", w->name, i - 1);
		renameat(w->dir, from, w->dir, to);
	}
	/* Where no new one can be made the old one goes on. */
	(void)open_log(w);
}

/* False: the disk is full; what is left is written later. */
static bool flush(struct writer *w)
{
	while (w->record_done < w->record_size) {
		ssize_t n =
			write(w->file, w->record + w->record_done, w->record_size - w->record_done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		w->record_done += (size_t)n;
		w->size += (uint64_t)n;
	}
	w->record_size = w->record_done = 0;
	return true;
}

/* The first n bytes of the stream's line become a record, without the newline that may follow. */
static void put(struct writer *w, struct stream *s, size_t n, bool full)
{
	struct timespec now;
	struct tm tm;
	char date[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	int head = snprintf(w->record, HEAD_SIZE, "%s.%09ldZ %s %c ", date, now.tv_nsec, s->name,
			    full ? 'F' : 'P');
	memcpy(w->record + head, s->line, n);
	w->record[(size_t)head + n] = '\n';
	w->record_size = (size_t)head + n + 1;
	w->record_done = 0;
	s->used -= n + full;
	memmove(s->line, s->line + n + full, s->used);
	if (w->size > 0 && w->size + w->record_size > w->limit)
		rotate(w);
}

/* Whole lines, or what fills the buffer, or is left at the end; false: the disk is full. */
static bool put_lines(struct writer *w, struct stream *s)
{
	while (flush(w) && s->used > 0) {
		const char *end = memchr(s->line, '\n', s->used);
		if (end)
			put(w, s, (size_t)(end - s->line), /*full=*/true);
		else if (s->used == sizeof s->line || s->fd < 0)
			put(w, s, s->used, /*full=*/false);
		else
			return true;
	}
	return w->record_size == 0;
}

static void take(struct stream *s)
{
	ssize_t n = read(s->fd, s->line + s->used, sizeof s->line - s->used);
	if (n < 0 && errno == EINTR)
		return;
	if (n > 0) {
		s->used += (size_t)n;
		return;
	}
	close(s->fd);
	s->fd = -1;
}

static void write_logs(struct writer *w)
{
	struct stream *s = w->streams;
	while (s[0].fd >= 0 || s[1].fd >= 0 || s[0].used || s[1].used || w->record_size) {
		bool room = put_lines(w, &s[0]) && put_lines(w, &s[1]);
		struct pollfd p[2] = {{.fd = room ? s[0].fd : -1, .events = POLLIN},
				      {.fd = room ? s[1].fd : -1, .events = POLLIN}};
		if (room && s[0].fd < 0 && s[1].fd < 0)
			continue;
		/* Nobody tells when a full disk has room again. */
		if (poll(p, 2, room ? -1 : RETRY_MS) <= 0)
			continue;
		for (int i = 0; i < 2; i++)
			if (p[i].revents)
				take(&s[i]);
	}
}

static _Noreturn void writer_main(struct writer *w)
{
	const int keep[] = {w->dir, w->file, w->streams[0].fd, w->streams[1].fd};
	sigset_t none;
	setsid();
	for (int sig = 1; sig <= 64; sig++)
		signal(sig, sig == SIGXFSZ ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "vedette-log");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (chdir("/") < 0 || isolate_close(keep, ARRAY_SIZE(keep)) < 0)
		_exit(1);
	write_logs(w);
	_exit(0);
}

static int start(struct writer *w, int out[2], struct error *e)
{
	int pipes[2][2];
	if (pipe2(pipes[0], O_CLOEXEC) < 0 || pipe2(pipes[1], O_CLOEXEC) < 0)
		return error_set(e, -errno, "cannot make pipes for the logs: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		w->streams[i] = (struct stream){.name = i ? "stderr" : "stdout", .fd = pipes[i][0]};
		out[i] = pipes[i][1];
	}
	/* Twice: nobody has to reap it. */
	pid_t pid = fork();
	if (pid == 0 && fork() == 0)
		writer_main(w);
	if (pid == 0)
		_exit(0);
	for (int i = 0; i < 2; i++)
		close(pipes[i][0]);
	return pid < 0 ? error_set(e, -errno, "cannot fork the writer of logs: %s", strerror(errno))
		       : 0;
}

int log_attach(const char *dir, const char *id, uint64_t size, int fds[2], struct error *e)
{
	struct writer *w = calloc(1, sizeof *w);
	int pipes[2];
	if (!w)
		return error_set(e, -ENOMEM, "out of memory");
	w->file = -1;
	w->limit = size;
	snprintf(w->name, sizeof w->name, "%s.log", id);
	w->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = w->dir < 0 ? -errno : open_log(w);
	if (err < 0)
		error_set(e, err, "--log-dir: cannot write %s/%s: %s", dir, w->name,
			  err == -EWOULDBLOCK ? "another container does" : strerror(-err));
	else
		err = start(w, pipes, e);
	if (w->dir >= 0)
		close(w->dir);
	if (w->file >= 0)
		close(w->file);
	free(w);
	for (int i = 0; i < 2 && err == 0; i++) {
		fds[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
		dup2(pipes[i], i + 1);
		close(pipes[i]);
	}
	return err;
}

void log_detach(const int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] < 0) {
			close(i + 1);
			continue;
		}
		dup2(fds[i], i + 1);
		close(fds[i]);
	}
}
