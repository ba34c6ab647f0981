/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/guest.h"

#include <string.h>

#include "syscalls/flags.h"
#include "syscalls/map.h"

#define KIND_OF(i, arg, kind) K_##kind,
#define ROW(nr, name, offered, ...)                                                                \
	{nr,                                                                                       \
	 #name,                                                                                    \
	 offered,                                                                                  \
	 MAP_PAIR_COUNT(__VA_ARGS__),                                                              \
	 {MAP_PAIRS(KIND_OF __VA_OPT__(, ) __VA_ARGS__)}},
const struct call_row call_rows[] = {
#define SYSCALL(nr, name, since, support, host, ...) ROW(nr, name, 1 __VA_OPT__(, ) __VA_ARGS__)
#define LATER(nr, name, since, support, host, ...)   ROW(nr, name, 0 __VA_OPT__(, ) __VA_ARGS__)
#define NOSYS(nr, name, since, why, ...)	     ROW(nr, name, 0 __VA_OPT__(, ) __VA_ARGS__)
#include "syscalls/table.def"
};
const int call_row_count = sizeof call_rows / sizeof call_rows[0];

/* aux is a group, or a small number that means something else to show. */
static const struct {
	const char *dir, *aux;
} kinds[] = {
#define ARGKIND(kind, type, dir, len, when, show, aux) {#dir, #aux},
#include "syscalls/argkind.def"
};

int kind_is_pointer(int kind)
{
	return strcmp(kinds[kind].dir, "VAL") != 0;
}

/* FG_ and the name, or -1. */
static int group_of(int kind)
{
	const char *aux = kinds[kind].aux;
	if (strncmp(aux, "FG_", 3) != 0)
		return -1;
	for (int g = 0; g < FG_COUNT; g++)
		if (strcmp(flag_group_name((enum flag_group)g), aux + 3) == 0)
			return g;
	return -1;
}

int kind_flags(int kind, struct rng *r, uint64_t *out)
{
	static signed char group[K_COUNT]; /* 0: not looked up */
	if (group[kind] == 0)
		group[kind] = (signed char)(group_of(kind) < 0 ? -1 : group_of(kind) + 1);
	if (group[kind] < 0)
		return 0;
	size_t n;
	const struct flag_row *rows = flag_group_rows((enum flag_group)(group[kind] - 1), &n);
	uint64_t v = 0;
	for (uint64_t left = n ? rng_below(r, 3) + 1 : 0; left; left--) {
		v |= rows[rng_below(r, n)].value;
		if (flag_group_mask(rows->group) == ~0ull || rng_one_in(r, 2))
			break;
	}
	*out = v;
	return 1;
}
