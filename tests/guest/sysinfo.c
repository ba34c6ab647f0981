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

static double minute(double *out_five)
{
	double one = -1;
	FILE *f = fopen("/proc/loadavg", "re");
	ASSERT(f);
	ASSERT_EQ(fscanf(f, "%lf %lf", &one, out_five), 2);
	fclose(f);
	return one;
}

/* Five seconds are one sample of the average. */
TEST(load_agrees_with_loadavg)
{
	double five_before, five_after;
	for (int64_t until = clock_ns(CLOCK_MONOTONIC) + 6000000000; clock_ns(CLOCK_MONOTONIC) < until;)
		;
	for (int tries = 0;; tries++) {
		double before = minute(&five_before);
		struct sysinfo s = get();
		double after = minute(&five_after), one = (double)s.loads[0] / 65536;
		double five = (double)s.loads[1] / 65536;
		if (before != after || five_before != five_after) {
			ASSERT(tries < 5);
			continue;
		}
		ASSERT(after > 0);
		ASSERT(one > after - 0.011 && one < after + 0.011);
		ASSERT(five > five_after - 0.011 && five < five_after + 0.011);
		break;
	}
}

TEST(memory_in_use_agrees_with_meminfo)
{
	char line[256];
	unsigned long kb, want[2] = {0, 0};
	FILE *f = fopen("/proc/meminfo", "re");
	ASSERT(f);
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "SwapFree: %lu kB", &kb) == 1)
			want[0] = kb;
		if (sscanf(line, "Shmem: %lu kB", &kb) == 1)
			want[1] = kb;
	}
	struct sysinfo s = get();
	/* Others use memory meanwhile. */
	unsigned long shared = s.sharedram * s.mem_unit / 1024, swap = s.freeswap * s.mem_unit / 1024;
	ASSERT(shared <= want[1] + (64 << 10) && want[1] <= shared + (64 << 10));
	ASSERT(swap <= want[0] + (64 << 10) && want[0] <= swap + (64 << 10));
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
