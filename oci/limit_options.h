/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --memory, --cpus, --pids-limit, ...: limits from the command line, as the members of
 * linux.resources that they are, so that one reader checks both.
 */
#pragma once

#include <argp.h>
#include <jansson.h>

/* Child parsers whose input is a json_t **: NULL until the first of the options. */
extern const struct argp limit_argp;	/* of commands that start a sandbox */
extern const struct argp update_argp;	/* runc's names, all of them */
