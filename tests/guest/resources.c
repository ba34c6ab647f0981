/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine says of its size in one place, it says in all others. */
#include "test.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <time.h>

static char text[1 << 20];

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, used = 0;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + used, sizeof text - 1 - (size_t)used)) > 0)
		used += n;
	close(fd);
	text[used] = 0;
	return n < 0 ? NULL : text;
}

/* The number after the word at the start of a line; -1 if there is none. */
static long long value(const char *t, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = t; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, word, n) == 0 && strchr(": \t", p[n]))
			return strtoll(p + n + strspn(p + n, ": \t"), NULL, 10);
	return -1;
}

static int lines_with(const char *t, const char *word)
{
	int count = 0;

	for (const char *p = t; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		count += strncmp(p, word, strlen(word)) == 0;
	return count;
}

/* "0-1,4": how many. */
static int list_count(const char *p)
{
	int count = 0;

	while (*p >= '0' && *p <= '9') {
		char *end;
		long from = strtol(p, &end, 10), to = from;
		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		count += (int)(to - from) + 1;
		p = *end == ',' ? end + 1 : end;
	}
	return count;
}

TEST(all_count_the_same_cpus)
{
	cpu_set_t set;

	ASSERT(sched_getaffinity(0, sizeof set, &set) == 0);
	int online = list_count(slurp("/sys/devices/system/cpu/online"));
	ASSERT(online >= CPU_COUNT(&set));
	ASSERT_EQ(lines_with(slurp("/proc/cpuinfo"), "processor\t"), online);
	ASSERT_EQ(lines_with(slurp("/proc/stat"), "cpu"), online + 1);
	ASSERT_EQ(sysconf(_SC_NPROCESSORS_ONLN), online);
	char *list = strstr(slurp("/proc/self/status"), "Cpus_allowed_list:\t");
	ASSERT(list);
	ASSERT_EQ(list_count(list + 19), CPU_COUNT(&set));
}

TEST(the_line_of_all_cpus_is_the_sum_of_theirs)
{
	long long sum = 0, total = -1;

	for (char *p = slurp("/proc/stat"); p && strncmp(p, "cpu", 3) == 0;
	     p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		long long user = strtoll(p + strcspn(p, " "), NULL, 10);
		if (p[3] == ' ')
			total = user;
		else
			sum += user;
	}
	ASSERT(total >= sum - 16 && total <= sum + 16); /* each is rounded down */
}

TEST(meminfo_and_sysinfo_agree)
{
	struct sysinfo s;
	char *t = slurp("/proc/meminfo");

	ASSERT(sysinfo(&s) == 0);
	ASSERT_EQ((long long)(s.totalram * s.mem_unit >> 10), value(t, "MemTotal"));
	ASSERT_EQ((long long)(s.totalswap * s.mem_unit >> 10), value(t, "SwapTotal"));
	ASSERT(value(t, "MemFree") >= 0 && value(t, "MemFree") <= value(t, "MemTotal"));
	ASSERT(value(t, "MemAvailable") >= 0 && value(t, "MemAvailable") <= value(t, "MemTotal"));
	ASSERT(value(t, "SwapFree") <= value(t, "SwapTotal"));
	ASSERT_EQ((long long)sysconf(_SC_PHYS_PAGES) * 4, value(t, "MemTotal"));
}

TEST(swaps_has_a_header)
{
	ASSERT(strncmp(slurp("/proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
		       41) == 0);
}

static void is_pressure(const char *path)
{
	char *t = slurp(path);
	float a, b, c;
	long long total;

	if (!t)
		SKIP("no /proc/pressure here");
	ASSERT_EQ(sscanf(t, "some avg10=%f avg60=%f avg300=%f total=%lld", &a, &b, &c, &total), 4);
	ASSERT(a >= 0 && a <= 100 && b >= 0 && c >= 0 && total >= 0);
	ASSERT_EQ(sscanf(strchr(t, '\n') + 1, "full avg10=%f avg60=%f avg300=%f total=%lld", &a, &b,
			 &c, &total),
		  4);
}

TEST(pressure_has_two_lines)
{
	is_pressure("/proc/pressure/cpu");
	is_pressure("/proc/pressure/memory");
	is_pressure("/proc/pressure/io");
}

TEST(cgroups_has_four_columns)
{
	char *t = slurp("/proc/cgroups");
	char name[64];
	unsigned hierarchy, groups, enabled;

	ASSERT(t && strncmp(t, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n", 43) == 0);
	ASSERT(strstr(t, "\nmemory\t") && strstr(t, "\ncpu\t") && strstr(t, "\npids\t"));
	ASSERT_EQ(sscanf(strstr(t, "\nmemory\t"), "\n%63s %u %u %u", name, &hierarchy, &groups,
			 &enabled),
		  4);
	ASSERT_EQ(enabled, 1);
}

/* Where this process' cgroup of v2 is mounted. */
static bool group_dir(char *out, size_t size)
{
	char mount[256] = "", path[256] = "";
	char *t = slurp("/proc/self/mountinfo");

	for (char *p = t, *next; p && *p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		if (strstr(p, " - cgroup2 "))
			sscanf(p, "%*d %*d %*s %*s %255s", mount);
	}
	t = slurp("/proc/self/cgroup");
	char *line = t ? strstr(t, "0::") : NULL;
	if (!*mount || !line || sscanf(line, "0::%255s", path) != 1)
		return false;
	snprintf(out, size, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
	return true;
}

static char dir[600];

static char *group_file(const char *name)
{
	char path[700];

	if (!group_dir(dir, sizeof dir))
		SKIP("no cgroup2 is mounted");
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return slurp(path);
}

static bool has_number(const char *t, int n)
{
	for (const char *p = t; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (atoi(p) == n)
			return true;
	return false;
}

TEST(the_group_lists_its_processes)
{
	ASSERT(has_number(group_file("cgroup.procs"), getpid()));
	ASSERT(has_number(group_file("cgroup.threads"), getpid()));
}

TEST(cgroup2_is_known_by_its_magic)
{
	struct statfs s;

	group_file("cgroup.procs");
	ASSERT(statfs(dir, &s) == 0);
	ASSERT_EQ(s.f_type, 0x63677270);
}

TEST(a_group_s_cpu_time_grows)
{
	struct timespec t;
	long long before = value(group_file("cpu.stat"), "usage_usec");

	ASSERT(before >= 0);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec == 0 && t.tv_nsec < 30000000);
	char *now = group_file("cpu.stat");
	ASSERT(value(now, "usage_usec") >= before + 10000);
	long long parts = value(now, "user_usec") + value(now, "system_usec");
	ASSERT(parts >= value(now, "usage_usec") - 2 && parts <= value(now, "usage_usec") + 2);
}

TEST(a_group_has_pressure)
{
	group_file("cgroup.procs");
	strcat(dir, "/memory.pressure");
	is_pressure(dir);
}

/* Only groups below the root have limits. */
TEST(limits_are_numbers_or_max)
{
	static const char *const names[] = {"memory.max", "memory.high", "memory.swap.max",
					    "pids.max"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *t = group_file(names[i]);
		if (!t)
			SKIP("the root has no limits");
		ASSERT(strcmp(t, "max\n") == 0 || strtoull(t, NULL, 10) > 0);
	}
	unsigned long long quota, period;
	char *t = group_file("cpu.max");
	ASSERT(sscanf(t, "max %llu", &period) == 1 || sscanf(t, "%llu %llu", &quota, &period) == 2);
}

TEST_MAIN()
