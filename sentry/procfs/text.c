/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/procfs/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_START = 1024 };

static bool text_reserve(struct text *t, size_t more)
{
	size_t room = t->room ? t->room : TEXT_START;

	if (t->err)
		return false;
	while (room - t->size < more && room <= TEXT_MAX)
		room *= 2;
	if (room == t->room)
		return true;
	char *p = room <= TEXT_MAX ? realloc(t->p, room) : NULL;
	if (!p) {
		t->err = -ENOMEM;
		return false;
	}
	t->p = p;
	t->room = room;
	return true;
}

void text_put(struct text *t, const void *data, size_t size)
{
	if (size == 0 || !text_reserve(t, size))
		return;
	memcpy(t->p + t->size, data, size);
	t->size += size;
}

void text_str(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	char small[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < (int)sizeof small) {
		text_put(t, small, (size_t)n);
		return;
	}
	if (!text_reserve(t, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(t->p + t->size, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->size += (size_t)n;
}

void text_escaped(struct text *t, const char *s, const char *set)
{
	for (; *s; s++) {
		if (strchr(set, *s))
			text_printf(t, "\\%03o", (unsigned char)*s);
		else
			text_put(t, s, 1);
	}
}

void text_pad(struct text *t, size_t column)
{
	const char *line = t->size ? memrchr(t->p, '\n', t->size) : NULL;
	size_t used = line ? (size_t)(t->p + t->size - line) - 1 : t->size;

	for (; used < column && !t->err; used++)
		text_put(t, " ", 1);
}

void text_mask(struct text *t, uint64_t mask, unsigned n)
{
	if (n > 32)
		text_printf(t, "%0*x,%08x", (int)(n - 32 + 3) / 4, (unsigned)(mask >> 32),
			    (unsigned)mask);
	else
		text_printf(t, "%0*x", (int)(n + 3) / 4, (unsigned)mask);
}

void text_mask_list(struct text *t, uint64_t mask)
{
	const char *sep = "";

	for (unsigned i = 0; i < 64; i++) {
		unsigned first = i;
		if (!(mask >> i & 1))
			continue;
		while (i < 63 && (mask >> (i + 1) & 1))
			i++;
		if (i > first)
			text_printf(t, "%s%u-%u", sep, first, i);
		else
			text_printf(t, "%s%u", sep, i);
		sep = ",";
	}
}

int text_number(char **at, uint64_t max, uint64_t *out)
{
	char *from = *at + strspn(*at, " \t\n"), *end;
	if (*from < '0' || *from > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(from, &end, 10);
	if (errno || *out > max || (*end && !strchr(" \t\n", *end)))
		return -EINVAL;
	*at = end;
	return 0;
}
