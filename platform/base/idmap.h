/* SPDX-License-Identifier: Apache-2.0 */
/* User or group ids that the sandbox and the host number differently. */
#pragma once

#include "platform/base/types.h"

struct id_range {
	uint32_t inside, outside, count; /* does not wrap */
};

/* No id is in two ranges, on neither side.  n 0: both sides mean the same by a number. */
struct id_map {
	const struct id_range *range;
	size_t n;
};

/* /proc/sys/kernel/overflowuid: what stands for an id that has none inside. */
enum { ID_OVERFLOW = 65534 };

static inline uint32_t id_inside(const struct id_map *map, uint32_t outside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->range[i];
		if (outside >= r->outside && outside - r->outside < r->count)
			return r->inside + (outside - r->outside);
	}
	return map->n ? ID_OVERFLOW : outside;
}

/* false: it has none outside. */
static inline bool id_outside(const struct id_map *map, uint32_t inside, uint32_t *out)
{
	*out = inside;
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->range[i];
		if (inside < r->inside || inside - r->inside >= r->count)
			continue;
		*out = r->outside + (inside - r->inside);
		return true;
	}
	return map->n == 0;
}
