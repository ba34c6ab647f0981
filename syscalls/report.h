/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table for people and programs: `vedette syscalls`, docs/syscalls.md, the version report.
 *
 * All that oci/ knows of the table.
 */
#pragma once

#include <stdio.h>

/* format: "table" (also NULL), "csv", "json" or "md".  0, or -EINVAL for another one. */
int syscalls_show(const char *format, FILE *out);
/*
 * For each kernel up to this version ("6.1"; NULL: all) how many of the calls and flags it
 * added we offer, and which calls not.  0, or -EINVAL if it is no version.
 */
int syscalls_since(const char *version, FILE *out);
/* The number of a call of the table, or -1. */
int syscalls_number(const char *name);
