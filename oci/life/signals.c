/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name and number. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/life/command.h"

static const struct {
	const char *name;
	int number;
} others[] = {
	{"IOT", SIGABRT}, {"CLD", SIGCHLD}, {"POLL", SIGIO}, {"RTMIN", 34}, {"RTMAX", 64},
};

static int by_number(const char *text)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	return errno || *end || n < 0 || n > 64 ? -EINVAL : (int)n;
}

/* "RTMIN+3", "RTMAX-2" */
static int relative(const char *name)
{
	int base = strncasecmp(name, "RTMIN+", 6) == 0	 ? 34
		   : strncasecmp(name, "RTMAX-", 6) == 0 ? 64
							 : 0;
	int n = base ? by_number(name + 6) : -EINVAL;
	if (n < 0 || n > 30)
		return -EINVAL;
	return base == 34 ? base + n : base - n;
}

int signal_parse(const char *text)
{
	if (isdigit((unsigned char)*text))
		return by_number(text);
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	for (int sig = 1; sig < 32; sig++) {
		const char *abbrev = sigabbrev_np(sig);
		if (abbrev && strcasecmp(abbrev, name) == 0)
			return sig;
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcasecmp(others[i].name, name) == 0)
			return others[i].number;
	return relative(name);
}
