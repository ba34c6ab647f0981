/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/cli.h"
#include "oci/env.h"
#include "oci/sandbox.h"
#include "oci/spec.h"

/* What LISTEN_FDS says, if it says it to us; 0: nothing. */
static unsigned long announced(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	char *end;
	if (!fds || *fds < '0' || *fds > '9')
		return 0;
	unsigned long n = strtoul(fds, &end, 10);
	if (*end || n > PRESERVE_MAX)
		return 0;
	long whose = pid ? strtol(pid, &end, 10) : 1;
	return (pid && *end) || (whose != 1 && whose != getpid()) ? 0 : n;
}

unsigned listen_count(void)
{
	unsigned long n = announced();
	unsigned open = 0;
	while (open < n && fcntl(3 + (int)open, F_GETFD) >= 0 &&
	       3 + (int)open != global_options.log_fd)
		open++;
	return open;
}

static char *variable(struct reader *r, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *s = reader_alloc(r, size, 1);
	if (s)
		snprintf(s, size, "%s=%s", name, value);
	return s;
}

int listen_env(struct spec *s)
{
	char **old = s->process.env, number[24];
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long count = announced();
	size_t n = 0;
	if (!count || *env_find(old, "LISTEN_FDS"))
		return 0;
	while (old[n])
		n++;
	char **env = reader_alloc(&s->reader, n + 4, sizeof *env);
	if (!env)
		return -ENOMEM;
	memcpy(env, old, n * sizeof *env);
	snprintf(number, sizeof number, "%lu", count);
	s->process.env = env;
	if (!(env[n++] = variable(&s->reader, "LISTEN_FDS", number)) ||
	    !(env[n++] = variable(&s->reader, "LISTEN_PID", "1")) ||
	    (names && !(env[n++] = variable(&s->reader, "LISTEN_FDNAMES", names))))
		return -ENOMEM;
	return 0;
}
