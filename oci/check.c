/* SPDX-License-Identifier: Apache-2.0 */
/* vedette check: what this host offers, what is lost without it, and the fix. */
#include <stdio.h>
#include <string.h>

#include "oci/cli.h"
#include "oci/probe.h"
#include "platform/base/types.h"

enum need {
	NEEDED, /* nothing runs without it */
	WALL,	/* one wall less between a guest and the host */
	USEFUL, /* there is another way, or a feature less */
};

/* How a controller comes back. */
#define CONTROLLER(name)                                                                           \
	"v1: mount -t cgroup -o " name " " name " /sys/fs/cgroup/" name                                \
	"; v2: echo +" name " >cgroup.subtree_control in the groups above"

/* clang-format off */
static const struct check {
	const char *name;
	enum need need;
	probe_fn probe;
	const char *lost, *fix;
} checks[] = {
	{"kernel", NEEDED, probe_kernel, "older than Linux 3.6, or not x86-64", "a newer kernel"},
	{"/proc", NEEDED, probe_proc, "it is read at start", "mount -t proc proc /proc"},
	{"/dev/urandom", NEEDED, probe_urandom, "random numbers for guests",
	 "mknod -m 666 /dev/urandom c 1 9"},
	{"ptrace SYSEMU", NEEDED, probe_trace, "guest system calls cannot be intercepted",
	 "no seccomp profile or ptrace_scope around vedette that forbids tracing a child"},
	{"process_vm_readv", NEEDED, probe_copy, "guest memory cannot be reached",
	 "a kernel with CONFIG_CROSS_MEMORY_ATTACH, no profile that forbids it"},
	{"seccomp filter", NEEDED, probe_filter, "the sentry cannot be confined",
	 "a kernel with CONFIG_SECCOMP_FILTER"},
	{"stub filter", WALL, probe_stub_filter,
	 "up to Linux 4.7 ptrace alone holds guest code, without a filter behind it",
	 "Linux 4.8 or newer"},
	{"EXITKILL", WALL, probe_exitkill,
	 "only PR_SET_PDEATHSIG ends stubs with their sentry", "Linux 3.8 or newer"},
	{"ptrace_scope", NEEDED, probe_yama, "vedette may not trace its own children",
	 "sysctl kernel.yama.ptrace_scope=1"},
	{"user namespace", WALL, probe_userns,
	 "the sentry keeps the caller's user id, and an ordinary user has no other namespaces",
	 "a kernel with CONFIG_USER_NS"},
	{"pid namespace", WALL, probe_pidns, "a taken-over sentry sees the host's processes",
	 "user namespaces, or run as root"},
	{"mount namespace", WALL, probe_mountns,
	 "sentry and gofer stand in the host's file system, held by their filters alone",
	 "user namespaces, or run as root"},
	{"net namespace", WALL, probe_netns, "the sentry shares the host's network, unused",
	 "user namespaces, or run as root"},
	{"ipc namespace", WALL, probe_ipcns, "the sentry shares the host's IPC objects, unused",
	 "user namespaces, or run as root"},
	{"uts namespace", WALL, probe_utsns, "the sentry shares the host's name, unused",
	 "user namespaces, or run as root"},
	{"memfd_create", USEFUL, probe_memfd, "shared memory is files in /dev/shm instead",
	 "Linux 3.17 or newer"},
	{"/dev/shm", USEFUL, probe_tmpfs, "no shared memory for guests where memfd_create is missing",
	 "mount -t tmpfs tmpfs /dev/shm"},
	{"openat2", USEFUL, probe_openat2, "the gofer walks paths one name at a time",
	 "Linux 5.6 or newer"},
	{"close_range", USEFUL, probe_close_range, "descriptors are closed one by one",
	 "Linux 5.9 or newer"},
	{"kcmp", USEFUL, probe_kcmp, "2>&1 is taken for two open files, with an offset each",
	 "a kernel with CONFIG_KCMP"},
	{"open files", USEFUL, probe_files, "few files can be open at once inside",
	 "ulimit -Hn 65536"},
	{"statx", USEFUL, probe_statx, "times of birth of host files are not shown", "Linux 4.11 or newer"},
	{"renameat2", USEFUL, probe_renameat2, "renames with flags are refused on host directories",
	 "Linux 3.15 or newer"},
	{"pidfd_open", USEFUL, probe_pidfd, "what is left of a container is killed by pid",
	 "Linux 5.3 or newer"},
	{"CAP_SYS_RESOURCE", USEFUL, probe_resource, "process.oomScoreAdj cannot be lowered",
	 "run as root, in a container with --cap-add=SYS_RESOURCE"},
	{"cgroups", USEFUL, probe_cgroup, "no limit of a container can be enforced",
	 "mount -t cgroup2 none /sys/fs/cgroup"},
	{"cgroup memory", USEFUL, probe_cg_memory, "limits on memory cannot be enforced", CONTROLLER("memory")},
	{"cgroup swap", USEFUL, probe_cg_swap, "limits on swap cannot be enforced",
	 "boot with swapaccount=1"},
	{"cgroup cpu", USEFUL, probe_cg_cpu, "shares and quota of CPU time cannot be enforced",
	 CONTROLLER("cpu")},
	{"cgroup cpuset", USEFUL, probe_cg_cpuset, "a container cannot be bound to CPUs",
	 CONTROLLER("cpuset")},
	{"cgroup pids", USEFUL, probe_cg_pids, "only vedette itself holds the limit of pids",
	 CONTROLLER("pids")},
	{"cgroup io", USEFUL, probe_cg_io, "limits on block devices cannot be enforced",
	 "v1: mount -t cgroup -o blkio blkio /sys/fs/cgroup/blkio; v2: echo +io >cgroup.subtree_control above"},
	{"cgroup freezer", USEFUL, probe_cg_freezer, "pause and resume do not work",
	 CONTROLLER("freezer")},
	{"systemd scopes", USEFUL, probe_systemd, "--systemd-cgroup, engines' systemd drivers",
	 "the cgroupfs driver of the engine (docs/engines.md)"},
	{"subordinate ids", USEFUL, probe_subids, "rootless engines have one user in a container",
	 "apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"},
	{"/dev/net/tun", USEFUL, probe_tun, "no tap device for a container's network",
	 "modprobe tun, and access to /dev/net/tun"},
};
/* clang-format on */

/* Missing: one line each for the cause, what is lost, and the fix. */
static bool show(const struct check *c)
{
	struct finding f = {.detail = ""};
	int err = c->probe(&f);
	printf("%-8s %-18s", err < 0 ? "missing" : "found", c->name);
	if (err >= 0) {
		printf("%s%s\n", *f.detail ? " " : "", f.detail);
		return true;
	}
	printf(" %s%s%s\n", strerror(-err), *f.detail ? ": " : "", f.detail);
	printf("%-8s %s: %s\n", "", c->need == NEEDED ? "needed" : "lost", c->lost);
	printf("%-8s fix: %s\n", "", *f.fix ? f.fix : c->fix);
	return false;
}

int command_check(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {
		.doc = "Say what this host offers vedette: found or missing, what is lost without "
		       "it, and how to get it.\vExit status: 0 if vedette can run here, else 1."};
	unsigned missing[3] = {0};
	(void)e;
	if (argp_parse(&parser, argc, argv, 0, NULL, NULL) != 0)
		return EXIT_USAGE;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		missing[checks[i].need] += !show(&checks[i]);
		fflush(stdout);
	}
	if (missing[NEEDED])
		printf("\nvedette cannot run here: %u of what it needs is missing.\n",
		       missing[NEEDED]);
	else if (missing[WALL])
		printf("\nvedette runs here, with %u of its walls missing.\n", missing[WALL]);
	else
		printf("\nvedette runs here.\n");
	return missing[NEEDED] ? 1 : 0;
}
