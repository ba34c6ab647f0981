/* SPDX-License-Identifier: Apache-2.0 */
/* sysinfo: plausible, and in agreement with the other sources of the same numbers. */
#include "task.h"

#include <sys/sysinfo.h>

static struct sysinfo get(void)
{
	struct sysinfo s;
	memset(&s, 0x55, sizeof s);
	ASSERT_OK(sysinfo(&s));
	return s;
}

TEST(memory_is_plausible)
{
	struct sysinfo s = get();
	ASSERT(s.mem_unit >= 1);
	ASSERT(s.totalram * s.mem_unit > 1 << 20);
	ASSERT(s.freeram <= s.totalram);
	ASSERT(s.bufferram <= s.totalram);
	ASSERT(s.freeswap <= s.totalswap);
}

TEST(memory_agrees_with_meminfo)
{
	struct sysinfo s = get();
	unsigned long kb = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	ASSERT(f);
	ASSERT_EQ(fscanf(f, "MemTotal: %lu kB", &kb), 1);
	ASSERT_EQ(kb, s.totalram * s.mem_unit / 1024);
}

TEST(uptime_agrees_with_the_clock)
{
	int64_t before = clock_ns(CLOCK_BOOTTIME) / 1000000000;
	long up = get().uptime;
	int64_t after = clock_ns(CLOCK_BOOTTIME) / 1000000000;
	/* Rounded up. */
	ASSERT(up >= before && up <= after + 1);
}

TEST(there_is_at_least_this_process)
{
	ASSERT(get().procs >= 1);
}

TEST(processors_are_counted)
{
	ASSERT(get_nprocs() >= 1);
	ASSERT(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	ASSERT(sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
}

TEST(a_bad_pointer_is_efault)
{
	ASSERT_ERR(syscall(SYS_sysinfo, 1), EFAULT);
}

TEST_MAIN()
