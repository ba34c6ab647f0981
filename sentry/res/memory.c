/* SPDX-License-Identifier: Apache-2.0 */
#include "sentry/res/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/host.h"
#include "sentry/res/resources.h"

enum { FILE_MAX_SIZE = 8192 };

static int meminfo_fd = -1;	/* I  the host's /proc/meminfo */
static uint64_t host_total;	/* I */
static int usage_fd = -1;	/* I  of the cgroup; -1: it has no limit */
static int stat_fd = -1;	/* I */

/* Linux' defaults, for a host that does not tell. */
struct memory_policy memory_policy = {
	.overcommit_memory = 0, .overcommit_ratio = 50, .swappiness = 60,
};

/* A counter of a text with lines "Name: 123 kB" or "name 123"; 0 if it is not there. */
static uint64_t counter(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, name, n) == 0 && (p[n] == ':' || p[n] == ' '))
			return strtoull(p + n + 1, NULL, 10);
	return 0;
}

static bool read_text(int fd, char buf[FILE_MAX_SIZE])
{
	ssize_t n = fd < 0 ? -1 : host_pread(fd, buf, FILE_MAX_SIZE - 1, 0);
	buf[n < 0 ? 0 : n] = 0;
	return n > 0;
}

int64_t memory_charged(void)
{
	char buf[FILE_MAX_SIZE];
	return read_text(usage_fd, buf) ? strtoll(buf, NULL, 10) : -1;
}

uint64_t memory_limit(void)
{
	return resources.mem_total < host_total ? resources.mem_total : 0;
}

static void from_host(struct memory_info *m)
{
	char b[FILE_MAX_SIZE];

	if (!read_text(meminfo_fd, b))
		return;
	m->free = counter(b, "MemFree") << 10;
	m->available = counter(b, "MemAvailable") << 10;
	m->buffers = counter(b, "Buffers") << 10;
	m->cached = counter(b, "Cached") << 10;
	m->shmem = counter(b, "Shmem") << 10;
	m->slab_reclaimable = counter(b, "SReclaimable") << 10;
	m->active = counter(b, "Active") << 10;
	m->inactive = counter(b, "Inactive") << 10;
	m->anon = counter(b, "AnonPages") << 10;
	m->mapped = counter(b, "Mapped") << 10;
	m->dirty = counter(b, "Dirty") << 10;
	m->writeback = counter(b, "Writeback") << 10;
	m->swap_free = counter(b, "SwapFree") << 10;
	/* MemAvailable is 3.14. */
	if (m->available == 0)
		m->available = m->free + m->cached + m->buffers;
}

/* "file" and "anon" are v2's words, "cache" and "rss" v1's. */
static void from_cgroup(struct memory_info *m, uint64_t used)
{
	char b[FILE_MAX_SIZE];

	m->free = used < m->total ? m->total - used : 0;
	if (read_text(stat_fd, b)) {
		uint64_t file = counter(b, "file"), anon = counter(b, "anon");
		m->cached = file ? file : counter(b, "cache");
		m->anon = anon ? anon : counter(b, "rss");
		m->shmem = counter(b, "shmem");
		m->slab_reclaimable = counter(b, "slab_reclaimable");
		m->active = counter(b, "active_file") + counter(b, "active_anon");
		m->inactive = counter(b, "inactive_file") + counter(b, "inactive_anon");
		m->mapped = counter(b, "file_mapped") + counter(b, "mapped_file");
		m->dirty = counter(b, "file_dirty") + counter(b, "dirty");
		m->writeback = counter(b, "file_writeback") + counter(b, "writeback");
		m->available = counter(b, "inactive_file") + counter(b, "active_file") +
			       m->slab_reclaimable;
	}
	m->available += m->free;
	m->swap_free = m->swap_total;
}

void memory_get(struct memory_info *out)
{
	struct memory_info m = {.total = resources.mem_total, .swap_total = resources.swap_total};
	int64_t used = memory_charged();

	if (used >= 0)
		from_cgroup(&m, (uint64_t)used);
	else
		from_host(&m);
	/* A limit of the spec without a cgroup of its own: no part is larger than the whole. */
	uint64_t *parts[] = {&m.available, &m.buffers, &m.cached, &m.shmem, &m.slab_reclaimable,
			     &m.active, &m.inactive, &m.anon, &m.mapped};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*parts[i] = min_u64(*parts[i], m.total);
	m.free = min_u64(m.free, m.available);
	m.swap_free = min_u64(m.swap_free, m.swap_total);
	*out = m;
}

static uint64_t free_now(void)
{
	struct memory_info m;
	memory_get(&m);
	return m.free;
}

static int open_in(const char *dir, const char *group, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s%s/%s", dir, group, name);
	return n < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

static void limit_from(const char *dir, const char *group, const char *limit_name,
		       const char *usage_name)
{
	char b[FILE_MAX_SIZE];
	int fd = open_in(dir, group, limit_name);
	uint64_t limit = read_text(fd, b) ? strtoull(b, NULL, 10) : 0;

	host_close(fd);
	/* "max" is no number, and v1's "unlimited" is more than any machine has. */
	if (limit == 0 || limit >= resources.mem_total)
		return;
	resources.mem_total = limit;
	usage_fd = open_in(dir, group, usage_name);
	stat_fd = open_in(dir, group, "memory.stat");
}

/* The controller list of a line of /proc/self/cgroup, "5:cpu,memory:/path", names memory. */
static bool has_memory(const char *list)
{
	for (const char *p = list; *p && *p != ':'; p += strcspn(p, ",:"), p += *p == ',')
		if (strncmp(p, "memory", 6) == 0 && (p[6] == ',' || p[6] == ':'))
			return true;
	return false;
}

static void find_cgroup(void)
{
	char b[FILE_MAX_SIZE], *save, *line;
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);

	bool have = read_text(fd, b);
	host_close(fd);
	for (line = have ? strtok_r(b, "\n", &save) : NULL; line && usage_fd < 0;
	     line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		if (list[1] == ':')
			limit_from("/sys/fs/cgroup", path + 1, "memory.max", "memory.current");
		else if (has_memory(list + 1))
			limit_from("/sys/fs/cgroup/memory", path + 1, "memory.limit_in_bytes",
				   "memory.usage_in_bytes");
	}
}

static void read_number(const char *path, int *out)
{
	char b[FILE_MAX_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (read_text(fd, b))
		*out = (int)strtol(b, NULL, 10);
	host_close(fd);
}

void memory_from_host(void)
{
	char b[FILE_MAX_SIZE];

	host_total = resources.mem_total;
	meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	find_cgroup();
	/* What swap a cgroup may use is a matter of its own; without a limit it is the host's. */
	if (usage_fd < 0 && read_text(meminfo_fd, b))
		resources.swap_total = counter(b, "SwapTotal") << 10;
	resources.mem_free = free_now;
	read_number("/proc/sys/vm/overcommit_memory", &memory_policy.overcommit_memory);
	read_number("/proc/sys/vm/overcommit_ratio", &memory_policy.overcommit_ratio);
	read_number("/proc/sys/vm/swappiness", &memory_policy.swappiness);
}
