/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.resources as what is to be written into which files: settings of v1 or
 * of v2.  Made from the description alone; nothing of the host is asked.
 */
#pragma once

#include "oci/error.h"
#include "oci/spec_resources.h"

struct setting {
	const char *controller;	/* "memory"; its hierarchy in v1 */
	char file[80];
	char *value;
	const char *field;	/* of config.json, for messages */
	bool optional;		/* a file that is not there does not matter */
};

struct settings {
	struct setting *list;
	size_t count, room;
};

/* 0, -ENOMEM, -EINVAL with *e filled.  settings_free() in either case; *out is empty before. */
int settings_v1(const struct spec_resources *r, struct settings *out, struct error *e);
int settings_v2(const struct spec_resources *r, struct settings *out, struct error *e);
void settings_free(struct settings *s);
