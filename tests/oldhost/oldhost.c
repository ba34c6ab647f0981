/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oldhost VERSION [-l] -- CMD...: runs CMD on a host that answers like an older kernel.
 *
 * Every system call that syscalls/table.def says is newer than VERSION, and
 * every number the table does not know, answers ENOSYS.  Made from the same
 * table as the sandbox's own claims, so that the two cannot disagree.  What a
 * filter cannot show: flags that an old kernel ignores, structs in memory,
 * /proc, uname.  -l lists the calls that are taken away and exits.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct call {
	unsigned nr;
	const char *name, *since;
};

static const struct call calls[] = {
#define SYSCALL(nr, name, since, ...) {nr, #name, #since},
#define LATER(nr, name, since, ...)   {nr, #name, #since},
#define NOSYS(nr, name, since, ...)   {nr, #name, #since},
#include "syscalls/table.def"
};
enum { CALLS = sizeof calls / sizeof calls[0], X32_BIT = 0x40000000 };

/* "2.6.27" as one comparable number; "never" is newer than everything. */
static unsigned version_code(const char *s)
{
	unsigned part[3] = {0};
	if (sscanf(s, "%u.%u.%u", &part[0], &part[1], &part[2]) < 1)
		return UINT32_MAX;
	return part[0] << 20 | part[1] << 10 | part[2];
}

static struct sock_filter program[4 + 2 * CALLS + 4];
static unsigned count;

static void emit(uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	program[count++] = (struct sock_filter){code, yes, no, k};
}

static unsigned build(unsigned host, int list)
{
	unsigned newest = 0, gone = 0;
	for (unsigned i = 0; i < CALLS; i++)
		newest = calls[i].nr > newest ? calls[i].nr : newest;
	emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	/* Numbers nobody knew then, x32's among them. */
	emit(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1);
	emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	for (unsigned i = 0; i < CALLS; i++) {
		if (version_code(calls[i].since) <= host)
			continue;
		gone++;
		if (list)
			printf("%u %s %s\n", calls[i].nr, calls[i].name, calls[i].since);
		emit(BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, 1);
		emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
	}
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	return gone;
}

int main(int argc, char **argv)
{
	int list = argc > 2 && strcmp(argv[2], "-l") == 0;
	int first = argc > 2 && strcmp(argv[2], "--") == 0 ? 3 : 2;
	unsigned host = argc > 1 ? version_code(argv[1]) : UINT32_MAX;
	if (host == UINT32_MAX || (!list && argc <= first)) {
		fprintf(stderr, "usage: oldhost VERSION [-l] -- CMD...   (VERSION as in 3.6)\n");
		return 2;
	}
	build(host, list);
	if (list)
		return 0;
	struct sock_fprog prog = {.len = (unsigned short)count, .filter = program};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
		perror("oldhost: cannot load the filter");
		return 125;
	}
	execvp(argv[first], argv + first);
	perror(argv[first]);
	return 127;
}
