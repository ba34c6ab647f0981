/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of /proc that are about the machine, and /proc/sys/kernel.
 */
#include "fs.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

static long number(const char *path)
{
	char *end, *text = get(path);
	long v = strtol(text, &end, 10);
	ASSERT(end > text);
	ASSERT_STR(end, "\n");
	return v;
}

static int is_uuid(const char *s)
{
	const char *shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\n";
	if (strlen(s) != strlen(shape))
		return 0;
	for (; *shape; s++, shape++)
		if (*shape == 'x' ? !strchr("0123456789abcdef", *s) : *s != *shape)
			return 0;
	return 1;
}

TEST(proc_sys_pid_max)
{
	long v = number("/proc/sys/kernel/pid_max");
	ASSERT(v >= 301 && v <= 4194304);
	ASSERT(getpid() < v);
}

TEST(proc_sys_names_are_those_of_uname)
{
	struct utsname u;
	char want[256];
	ASSERT_OK(uname(&u));
	snprintf(want, sizeof want, "%s\n", u.nodename);
	ASSERT_FILE("/proc/sys/kernel/hostname", want);
	snprintf(want, sizeof want, "%s\n", u.sysname);
	ASSERT_FILE("/proc/sys/kernel/ostype", want);
	snprintf(want, sizeof want, "%s\n", u.release);
	ASSERT_FILE("/proc/sys/kernel/osrelease", want);
	snprintf(want, sizeof want, "%s\n", u.version);
	ASSERT_FILE("/proc/sys/kernel/version", want);
}

TEST(proc_version_starts_with_the_release)
{
	struct utsname u;
	char want[256];
	ASSERT_OK(uname(&u));
	snprintf(want, sizeof want, "%s version %s ", u.sysname, u.release);
	ASSERT(!strncmp(get("/proc/version"), want, strlen(want)));
}

TEST(proc_sys_boot_id_stays_and_uuid_changes)
{
	char a[64], b[64];
	snprintf(a, sizeof a, "%s", get("/proc/sys/kernel/random/boot_id"));
	ASSERT(is_uuid(a));
	ASSERT_FILE("/proc/sys/kernel/random/boot_id", a);
	snprintf(a, sizeof a, "%s", get("/proc/sys/kernel/random/uuid"));
	snprintf(b, sizeof b, "%s", get("/proc/sys/kernel/random/uuid"));
	ASSERT(is_uuid(a) && is_uuid(b));
	ASSERT(strcmp(a, b) != 0);
	/* Version 4, variant 1. */
	ASSERT_EQ(a[14], '4');
	ASSERT(strchr("89ab", a[19]));
}

TEST(proc_sys_limits)
{
	ASSERT_EQ(number("/proc/sys/kernel/ngroups_max"), 65536);
	ASSERT(number("/proc/sys/kernel/cap_last_cap") >= 36);
	ASSERT(number("/proc/sys/kernel/cap_last_cap") < 64);
	ASSERT(number("/proc/sys/kernel/threads-max") > 0);
	ASSERT(number("/proc/sys/fs/pipe-max-size") >= 65536);
	ASSERT(number("/proc/sys/fs/nr_open") >= 1024);
}

TEST(proc_sys_overflow_ids)
{
	ASSERT_EQ(number("/proc/sys/kernel/overflowuid"), 65534);
	ASSERT_EQ(number("/proc/sys/kernel/overflowgid"), 65534);
}

TEST(proc_sys_read_only_ones_cannot_be_opened_for_writing_by_a_user)
{
	AS_USER({ ASSERT_ERR(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES); });
}

TEST(proc_meminfo)
{
	long total, avail;
	struct sysinfo si;
	ASSERT_OK(sysinfo(&si));
	ASSERT_EQ(sscanf(get("/proc/meminfo"), "MemTotal: %ld kB\n", &total), 1);
	ASSERT_EQ(total, (long)(si.totalram * si.mem_unit / 1024));
	char *p = strstr(get("/proc/meminfo"), "\nMemAvailable:");
	ASSERT(p);
	avail = atol(p + 14);
	ASSERT(avail > 0 && avail <= total);
	ASSERT(strstr(get("/proc/meminfo"), "\nMemFree:"));
	ASSERT(strstr(get("/proc/meminfo"), "\nSwapTotal:"));
}

/* access(2) says what open(2) will: nobody writes what the mode does not let, root included. */
TEST(proc_sys_access_is_that_of_open)
{
	static const char *const fixed[] = {"/proc/sys/kernel/ostype", "/proc/sys/kernel/osrelease",
					    "/proc/sys/kernel/ngroups_max",
					    "/proc/sys/kernel/random/uuid"};
	for (int i = 0; i < 4; i++) {
		ASSERT_OK(access(fixed[i], R_OK));
		ASSERT_ERR(access(fixed[i], W_OK), EACCES);
		ASSERT_ERR(open(fixed[i], O_WRONLY), EACCES);
		ASSERT_ERR(truncate(fixed[i], 0), EACCES);
	}
	ASSERT_ERR(access("/proc/sys", W_OK), EACCES);
	ASSERT_ERR(access("/proc/sys/kernel", W_OK), EACCES);
	ASSERT_OK(access("/proc/sys/kernel", R_OK | X_OK));
	if (geteuid() == 0 && access("/proc/sys/kernel/hostname", W_OK) == 0)
		ASSERT_OK(close(open("/proc/sys/kernel/hostname", O_WRONLY)));
	if (geteuid() == 0)
		AS_USER({
			ASSERT_ERR(access("/proc/sys/kernel/hostname", W_OK), EACCES);
			ASSERT_ERR(open("/proc/sys/kernel/hostname", O_WRONLY), EACCES);
			ASSERT_ERR(access("/proc/sys/kernel/msgmax", W_OK), EACCES);
			ASSERT_OK(access("/proc/sys/kernel/msgmax", R_OK));
		});
}

TEST(proc_uptime)
{
	double up, idle, later;
	struct timespec t;
	ASSERT_EQ(sscanf(get("/proc/uptime"), "%lf %lf\n", &up, &idle), 2);
	ASSERT_OK(clock_gettime(CLOCK_BOOTTIME, &t));
	ASSERT(up >= 0 && up <= (double)t.tv_sec + 1);
	ASSERT_EQ(sscanf(get("/proc/uptime"), "%lf", &later), 1);
	ASSERT(later >= up);
}

TEST(proc_loadavg)
{
	double a, b, c;
	int run, all, last;
	ASSERT_EQ(sscanf(get("/proc/loadavg"), "%lf %lf %lf %d/%d %d\n", &a, &b, &c, &run, &all,
			 &last),
		  6);
	ASSERT(run >= 1 && all >= run && last > 0);
}

TEST(proc_stat_cpus_and_boot_time)
{
	long cpus = 0;
	char *p = get("/proc/stat");
	ASSERT(!strncmp(p, "cpu  ", 5));
	for (; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (!strncmp(p, "cpu", 3) && p[3] != ' ')
			cpus++;
	ASSERT_EQ(cpus, sysconf(_SC_NPROCESSORS_ONLN));
	struct timespec now;
	ASSERT_OK(clock_gettime(CLOCK_REALTIME, &now));
	p = strstr(get("/proc/stat"), "\nbtime ");
	ASSERT(p);
	ASSERT(atol(p + 7) <= now.tv_sec);
	ASSERT(strstr(get("/proc/stat"), "\nprocesses "));
	ASSERT(strstr(get("/proc/stat"), "\nprocs_running "));
}

TEST(proc_cpuinfo_has_a_block_per_cpu)
{
	long cpus = 0;
	for (char *p = get("/proc/cpuinfo"); (p = strstr(p, "processor\t: ")) != NULL; p++)
		cpus++;
	ASSERT_EQ(cpus, sysconf(_SC_NPROCESSORS_ONLN));
	ASSERT(strstr(get("/proc/cpuinfo"), "\nflags\t\t: "));
}

/* What is written here is what it was, rounded up again: nobody else notices. */
TEST(proc_sys_pipe_max_size_is_rounded_up)
{
	const char *path = "/proc/sys/fs/pipe-max-size";
	long size = number(path);
	char text[32];
	int fd = open(path, O_WRONLY);
	if (fd < 0)
		SKIP("not ours to write");
	int n = snprintf(text, sizeof text, "%ld\n", size - 1);
	ASSERT_EQ(write(fd, text, (size_t)n), n);
	ASSERT_EQ(number(path), size);
	ASSERT_ERR(write(fd, "4294967295\n", 11), EINVAL);
	ASSERT_ERR(write(fd, "many\n", 5), EINVAL);
	ASSERT_EQ(number(path), size);
	AS_USER({ ASSERT_ERR(open(path, O_WRONLY), EACCES); });
}

TEST(proc_filesystems)
{
	ASSERT(strstr(get("/proc/filesystems"), "nodev\tproc\n"));
	ASSERT(strstr(get("/proc/filesystems"), "nodev\ttmpfs\n"));
	ASSERT(strstr(get("/proc/filesystems"), "nodev\tdevpts\n"));
}

TEST(proc_root_directory)
{
	struct stat st = stat_of("/proc");
	ASSERT_EQ(st.st_mode, S_IFDIR | 0555);
	ASSERT_ERR(open("/proc/99999999", O_RDONLY), ENOENT);
	ASSERT_ERR(open("/proc/007", O_RDONLY), ENOENT);
}

TEST_MAIN()
