/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags.def as data.  A file of its own, because it must see every constant.
 *
 * A constant that does not exist, a group that does not, a word other than YES and NO: each
 * is refused in the row's line.
 */
#include "syscalls/flags.h"

enum {
	NO,
	YES,
};

#define GROUP(group, mask)
#define FLAG(group, name, since, supported)                                                        \
	{FG_##group, #name, (uint64_t)(name), #since, supported},
const struct flag_row flag_rows[] = {
#include "syscalls/flags.def"
};
const size_t flag_row_count = sizeof(flag_rows) / sizeof(flag_rows[0]);

static const struct {
	const char *name;
	uint64_t mask;
} groups[FG_COUNT] = {
#define GROUP(group, mask) {#group, mask},
#define FLAG(...)
#include "syscalls/flags.def"
};

const char *flag_group_name(enum flag_group g)
{
	return groups[g].name;
}

uint64_t flag_group_mask(enum flag_group g)
{
	return groups[g].mask;
}

const struct flag_row *flag_group_rows(enum flag_group g, size_t *out_count)
{
	size_t first = 0, n = 0;

	while (first < flag_row_count && flag_rows[first].group != g)
		first++;
	while (first + n < flag_row_count && flag_rows[first + n].group == g)
		n++;
	*out_count = n;
	return &flag_rows[first];
}
