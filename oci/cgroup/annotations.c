/* SPDX-License-Identifier: Apache-2.0 */
/* org.systemd.property.NAME: what a configuration asks of its unit. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/cgroup/properties.h"
#include "platform/base/types.h"

#define PREFIX "org.systemd.property."

/* GVariant's words for types, and D-Bus' letters. */
static const struct {
	const char *word;
	char letter;
} types[] = {
	{"byte", 'y'},	 {"int16", 'n'},  {"uint16", 'q'}, {"int32", 'i'},   {"uint32", 'u'},
	{"int64", 'x'},	 {"uint64", 't'}, {"double", 'd'}, {"boolean", 'b'}, {"string", 's'},
};

static const char *blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

/* The text between quotes, which p is at; NULL: it does not end. */
static const char *parse_text(const char *p, struct words *out)
{
	char text[4096], end = *p++;
	size_t n = 0;
	for (; *p && *p != end && n < sizeof text - 1; p++) {
		if (*p == '\\' && p[1])
			p++;
		text[n++] = *p;
	}
	if (*p != end)
		return NULL;
	text[n] = '\0';
	words_add(out, "%s", text);
	return p + 1;
}

/* A number must end where strto...() says, and fit. */
static const char *parse_number(const char *p, char letter, struct words *out)
{
	char *end;
	errno = 0;
	if (letter == 'd')
		strtod(p, &end);
	else if (strchr("yqut", letter))
		*p == '-' ? (void)(end = (char *)(uintptr_t)p) : (void)strtoull(p, &end, 0);
	else
		strtoll(p, &end, 0);
	if (end == p || errno)
		return NULL;
	if (letter == 'd')
		words_add(out, "%.*s", (int)(end - p), p);
	else if (strchr("yqut", letter))
		words_add(out, "%llu", strtoull(p, NULL, 0));
	else
		words_add(out, "%lld", strtoll(p, NULL, 0));
	return end;
}

/* One value that is no array; *letter is its type, which must be that of those before unless 0. */
static const char *parse_value(const char *p, char *letter, struct words *out)
{
	char is = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t n = strlen(types[i].word);
		if (strncmp(p, types[i].word, n) == 0 && isspace((unsigned char)p[n])) {
			is = types[i].letter;
			p = blanks(p + n);
			break;
		}
	}
	bool yes = strncmp(p, "true", 4) == 0, no = strncmp(p, "false", 5) == 0;
	bool quoted = *p == '\'' || *p == '"';
	if (!is) /* of a list the first one says it for all */
		is = *letter	      ? *letter
		     : yes || no      ? 'b'
		     : quoted	      ? 's'
		     : strchr(p, '.') ? 'd'
				      : 'i';
	if ((*letter && *letter != is) || (is == 'b') != (yes || no) || (is == 's') != quoted)
		return NULL;
	*letter = is;
	if (is == 's')
		return parse_text(p, out);
	if (is != 'b')
		return parse_number(p, is, out);
	words_add(out, "%d", yes);
	return p + (yes ? 4 : 5);
}

/* 0: the signature and the values; -EINVAL. */
static int parse(const char *text, bool *array, char *letter, struct words *out)
{
	const char *p = blanks(text);
	*letter = 0;
	*array = *p == '[';
	if (*array) {
		do {
			p = parse_value(blanks(p + 1), letter, out);
			p = p ? blanks(p) : p;
		} while (p && *p == ',');
		p = p && *p == ']' ? p + 1 : NULL;
	} else {
		p = parse_value(p, letter, out);
	}
	return p && !*blanks(p) ? 0 : -EINVAL;
}

/* "TimeoutStopSec", "uint64 5": D-Bus knows only TimeoutStopUSec. */
static int seconds(char *name, size_t size, bool array, char *letter, struct words *values)
{
	size_t n = strlen(name);
	uint64_t us;
	if (n < 4 || strcmp(name + n - 3, "Sec") != 0 || name[n - 4] == 'U')
		return 0;
	if (array || !strchr("yqutnixd", *letter) || values->list[0][0] == '-' || n + 2 > size)
		return -EINVAL;
	if (*letter == 'd') {
		double d = strtod(values->list[0], NULL) * 1e6;
		if (!(d < 1e18))
			return -EINVAL;
		us = (uint64_t)d;
	} else if (__builtin_mul_overflow(strtoull(values->list[0], NULL, 10), 1000000ULL, &us)) {
		return -EINVAL;
	}
	strcpy(name + n - 3, "USec");
	*letter = 't';
	words_free(values);
	words_add(values, "%llu", (unsigned long long)us);
	return 0;
}

static int one(const char *key, const char *text, struct words *out, struct error *e)
{
	struct words values = {.list = NULL};
	char name[128], letter;
	bool array;
	const char *rest = key + sizeof PREFIX - 1;
	int err = 0;
	if (snprintf(name, sizeof name, "%s", rest) >= (int)sizeof name || strlen(name) < 3)
		err = -EINVAL;
	for (const char *p = name; *p; p++)
		if (!isalpha((unsigned char)*p))
			err = -EINVAL;
	if (err < 0)
		return error_set(e, err, "annotations: %.120s: this is no property of a unit", key);
	err = parse(text, &array, &letter, &values);
	if (err == 0 && !values.lost)
		err = seconds(name, sizeof name, array, &letter, &values);
	if (err < 0) {
		words_free(&values);
		return error_set(e, err,
				 "annotations: %s: '%.64s' is no value as GVariant writes it: true, "
				 "uint64 5, 'text', ['a', 'b']%s",
				 key, text,
				 strcmp(name + strlen(name) - 3, "Sec") ? "" : "; seconds, a number");
	}
	words_add(out, "%s", name);
	words_add(out, "%s%c", array ? "a" : "", letter);
	words_add(out, "%zu", values.count);
	words_append(out, &values);
	words_free(&values);
	return 0;
}

int properties_of_annotations(const json_t *annotations, struct words *out, struct error *e)
{
	const char *key;
	json_t *value;
	int err = 0;
	json_object_foreach((json_t *)(uintptr_t)annotations, key, value)
	{
		if (strncmp(key, PREFIX, sizeof PREFIX - 1) != 0 || !json_is_string(value))
			continue;
		if ((err = one(key, json_string_value(value), out, e)) < 0)
			break;
	}
	return err;
}
