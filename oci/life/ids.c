/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/life/ids.h"

#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/life/state.h"
#include "platform/base/log.h"

static int add(struct ids *out, const char *id)
{
	char **more = realloc(out->id, (out->n + 1) * sizeof *more);
	if (!more)
		return -ENOMEM;
	out->id = more;
	if (!(more[out->n] = strdup(id)))
		return -ENOMEM;
	out->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* re: NULL, or what has to be found in an ID. */
static int collect(const regex_t *re, struct ids *out, struct error *e)
{
	struct error ignored;
	int err = 0, fd = state_root(e);
	if (fd < 0)
		return fd;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return error_set(e, err, "cannot read the directory of states: %s", strerror(-err));
	}
	for (struct dirent *d; err == 0 && (d = readdir(dir));)
		if (d->d_name[0] != '.' && state_check_id(d->d_name, &ignored) == 0 &&
		    (!re || regexec(re, d->d_name, 0, NULL, 0) == 0))
			err = add(out, d->d_name);
	closedir(dir);
	if (err < 0)
		return error_set(e, err, "out of memory");
	if (out->n > 1)
		qsort(out->id, out->n, sizeof *out->id, by_name);
	return 0;
}

int ids_read(const char *pattern, struct ids *out, struct error *e)
{
	regex_t re;
	char why[128];
	*out = (struct ids){.n = 0};
	if (!pattern)
		return collect(NULL, out, e);
	int bad = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);
	if (bad) {
		regerror(bad, &re, why, sizeof why);
		return error_set(e, -EINVAL, "'%.64s' is no regular expression: %s", pattern, why);
	}
	int err = collect(&re, out, e);
	regfree(&re);
	return err;
}

void ids_free(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free(ids->id[i]);
	free(ids->id);
}

int ids_each(const char *pattern, int (*fn)(const char *id, void *arg, struct error *e), void *arg,
	     struct error *e)
{
	struct ids ids;
	int err = ids_read(pattern, &ids, e);
	for (size_t i = 0; i < ids.n; i++) {
		if (e->msg[0])
			log_error("%s", e->msg);
		e->msg[0] = '\0';
		int one = fn(ids.id[i], arg, e);
		err = one < 0 ? one : err;
	}
	ids_free(&ids);
	return err;
}
