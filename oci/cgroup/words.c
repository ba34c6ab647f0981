/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void words_add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		char **list = reallocarray(w->list, room, sizeof *list);
		if (!list) {
			w->lost = true;
			return;
		}
		w->list = list;
		w->room = room;
	}
	va_start(ap, fmt);
	if (vasprintf(&w->list[w->count], fmt, ap) < 0)
		w->lost = true;
	else
		w->count++;
	va_end(ap);
}

void words_property(struct words *w, const char *name, const char *signature, const char *value)
{
	words_add(w, "%s", name);
	words_add(w, "%s", signature);
	words_add(w, "1");
	words_add(w, "%s", value);
}

void words_append(struct words *w, const struct words *more)
{
	for (size_t i = 0; i < more->count; i++)
		words_add(w, "%s", more->list[i]);
	w->lost |= more->lost;
}

char **words_vector(struct words *w)
{
	char **list = w->lost ? NULL : reallocarray(w->list, w->count + 1, sizeof *list);
	if (!list)
		return NULL;
	list[w->count] = NULL;
	w->list = list;
	w->room = w->count + 1;
	return list;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->list[i]);
	free(w->list);
	*w = (struct words){.list = NULL};
}
