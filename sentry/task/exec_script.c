/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "#! interpreter [one argument]", as fs/binfmt_script.c of Linux reads it.
 *
 * The line is what the first SCRIPT_LINE - 1 bytes of the file hold, up to a
 * newline.  Where it is cut off the argument is shortened, but an interpreter
 * whose name may be incomplete is refused.
 */
#include <errno.h>
#include <string.h>

#include "sentry/task/exec.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p, const char *end)
{
	while (p < end && blank(*p))
		p++;
	return p;
}

/* The first blank or NUL at or after p. */
static char *word_end(char *p, const char *end)
{
	while (p < end && !blank(*p) && *p)
		p++;
	return p;
}

int script_parse(char line[SCRIPT_LINE], char **out_interp, char **out_arg)
{
	char *last = line + SCRIPT_LINE - 1, *end = memchr(line, '\n', strnlen(line, SCRIPT_LINE));
	*out_arg = NULL;
	if (!end) {
		end = last;
		char *name = skip_blanks(line + 2, last);
		/* A word that reaches the last byte may go on behind it. */
		if (word_end(name, last) == last && !blank(*last) && *last)
			return -ENOEXEC;
	}
	while (end > line + 2 && blank(end[-1]))
		end--;
	*end = '\0';
	char *name = skip_blanks(line + 2, end);
	if (name == end || *name == '\0')
		return -ENOEXEC;
	*out_interp = name;
	char *sep = word_end(name, end);
	if (sep < end && *sep) {
		*sep++ = '\0';
		*out_arg = skip_blanks(sep, end);
	}
	return 0;
}
