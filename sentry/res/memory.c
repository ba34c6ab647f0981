/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/res/memory.h"

#include <fcntl.h>
#include <stdlib.h>

#include "platform/host.h"
#include "sentry/res/resources.h"
#include "sentry/res/usage.h"

static int meminfo_fd = -1; /* I  the host's /proc/meminfo */

/* Linux' defaults, for a host that does not tell. */
struct memory_policy memory_policy = {
	.overcommit_memory = 0,
	.overcommit_ratio = 50,
	.swappiness = 60,
};

static bool read_text(int fd, char buf[USAGE_TEXT_MAX])
{
	ssize_t n = fd < 0 ? -1 : host_pread(fd, buf, USAGE_TEXT_MAX - 1, 0);
	buf[n < 0 ? 0 : n] = 0;
	return n > 0;
}

int64_t memory_charged(void)
{
	struct limits l;
	/* A group that counts the whole pod: against the limit of one container that says nothing. */
	resources_limits(&l);
	if (resources_here() != &resources && !resources_here()->usage && l.memory_max)
		return -1;
	return usage_number(USAGE_MEMORY);
}

/* MemAvailable is 3.14. */
static uint64_t host_available(const char *meminfo)
{
	uint64_t kb = usage_counter(meminfo, "MemAvailable");
	if (!kb)
		kb = usage_counter(meminfo, "MemFree") + usage_counter(meminfo, "Cached") +
		     usage_counter(meminfo, "Buffers");
	return kb << 10;
}

static void from_host(struct memory_info *m, const char *b)
{
	m->free = usage_counter(b, "MemFree") << 10;
	m->available = host_available(b);
	m->buffers = usage_counter(b, "Buffers") << 10;
	m->cached = usage_counter(b, "Cached") << 10;
	m->shmem = usage_counter(b, "Shmem") << 10;
	m->slab_reclaimable = usage_counter(b, "SReclaimable") << 10;
	m->active = usage_counter(b, "Active") << 10;
	m->inactive = usage_counter(b, "Inactive") << 10;
	m->anon = usage_counter(b, "AnonPages") << 10;
	m->mapped = usage_counter(b, "Mapped") << 10;
	m->dirty = usage_counter(b, "Dirty") << 10;
	m->writeback = usage_counter(b, "Writeback") << 10;
	m->swap_free = usage_counter(b, "SwapFree") << 10;
}

/* "file" and "anon" are v2's words, "cache" and "rss" v1's. */
static void from_cgroup(struct memory_info *m, uint64_t used)
{
	char b[USAGE_TEXT_MAX];

	m->free = used < m->total ? m->total - used : 0;
	if (usage_text(USAGE_MEMORY_STAT, b)) {
		uint64_t file = usage_counter(b, "file"), anon = usage_counter(b, "anon");
		m->cached = file ? file : usage_counter(b, "cache");
		m->anon = anon ? anon : usage_counter(b, "rss");
		m->shmem = usage_counter(b, "shmem");
		m->slab_reclaimable = usage_counter(b, "slab_reclaimable");
		m->active = usage_counter(b, "active_file") + usage_counter(b, "active_anon");
		m->inactive = usage_counter(b, "inactive_file") + usage_counter(b, "inactive_anon");
		m->mapped = usage_counter(b, "file_mapped") + usage_counter(b, "mapped_file");
		m->dirty = usage_counter(b, "file_dirty") + usage_counter(b, "dirty");
		m->writeback = usage_counter(b, "file_writeback") + usage_counter(b, "writeback");
		m->available = usage_counter(b, "inactive_file") + usage_counter(b, "active_file") +
			       m->slab_reclaimable;
	}
	m->available += m->free;
	m->swap_free = m->swap_total - min_u64(m->swap_total, usage_swap());
}

void memory_get(struct memory_info *out)
{
	struct memory_info m = {
		.total = resources_memory(),
		.swap_total = __atomic_load_n(&resources_here()->swap_total, __ATOMIC_RELAXED),
	};
	int64_t used = memory_charged();
	char b[USAGE_TEXT_MAX];
	bool known = read_text(meminfo_fd, b);

	if (used >= 0)
		from_cgroup(&m, (uint64_t)used);
	else if (known)
		from_host(&m, b);
	/* What is left of a limit may be more than the host has. */
	if (known)
		m.available = min_u64(m.available, host_available(b));
	/* A limit without a cgroup that counts: no part is larger than the whole. */
	uint64_t *parts[] = {&m.available, &m.buffers,	&m.cached, &m.shmem, &m.slab_reclaimable,
			     &m.active,	   &m.inactive, &m.anon,   &m.mapped};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*parts[i] = min_u64(*parts[i], m.total);
	m.free = min_u64(m.free, m.available);
	m.swap_free = min_u64(m.swap_free, m.swap_total);
	*out = m;
}

static void read_number(const char *path, int *out)
{
	char b[USAGE_TEXT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (read_text(fd, b))
		*out = (int)strtol(b, NULL, 10);
	host_close(fd);
}

void memory_from_host(void)
{
	char b[USAGE_TEXT_MAX];

	meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	if (read_text(meminfo_fd, b))
		resources_swap(usage_counter(b, "SwapTotal") << 10);
	read_number("/proc/sys/vm/overcommit_memory", &memory_policy.overcommit_memory);
	read_number("/proc/sys/vm/overcommit_ratio", &memory_policy.overcommit_ratio);
	read_number("/proc/sys/vm/swappiness", &memory_policy.swappiness);
}
