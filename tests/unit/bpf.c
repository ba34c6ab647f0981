/* SPDX-License-Identifier: Apache-2.0 */
/* Classic BPF: limits of the checker, and the same answers as the kernel at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_fixture.h"

enum { PROGRAMS = 400, LENGTH = 24 };

static void sizes_are_bounded(void **state)
{
	(void)state;
	struct abi_sock_filter *p = calloc(BPF_MAXINSNS + 1, sizeof *p);
	for (int i = 0; i <= BPF_MAXINSNS; i++)
		p[i] = (struct abi_sock_filter){.code = BPF_RET | BPF_K, .k = 7};
	assert_int_equal(bpf_check(p, 0), -EINVAL);
	assert_int_equal(bpf_check(p, 1), 0);
	assert_int_equal(bpf_check(p, BPF_MAXINSNS), 0);
	assert_int_equal(bpf_check(p, BPF_MAXINSNS + 1), -EINVAL);
	p[0] = (struct abi_sock_filter){.code = BPF_JMP | BPF_JA, .k = BPF_MAXINSNS - 2};
	assert_int_equal(bpf_check(p, BPF_MAXINSNS), 0);
	const struct abi_seccomp_data d = {.nr = 1};
	assert_int_equal(bpf_run(p, &d), 7);
	p[0].k++;
	assert_int_equal(bpf_check(p, BPF_MAXINSNS), -EINVAL);
	free(p);
}

static void a_constant_answer_holds_for_all_arguments(void **state)
{
	(void)state;
	struct abi_sock_filter p[LENGTH];
	unsigned constant = 0, taken = 0;
	for (int i = 0; i < 20000; i++) {
		uint32_t want;
		random_program(p, LENGTH);
		if (bpf_check(p, LENGTH) < 0)
			continue;
		taken++;
		struct abi_seccomp_data d = random_data();
		if (!bpf_run_constant(p, d.nr, &want))
			continue;
		constant++;
		assert_int_equal(bpf_run(p, &d), want);
	}
	assert_true(taken > 100 && constant > 20);
}

struct fprog {
	unsigned short len;
	const struct abi_sock_filter *filter;
};

/* In a child: installs it on dup2, makes that call, and exits with 0 refused, 1 taken; *out the errno. */
static int on_the_host(const struct abi_sock_filter *p, size_t n, struct abi_seccomp_data *d,
		       int *out_errno)
{
	struct abi_sock_filter all[LENGTH + 3] = {
		{.code = BPF_LD | BPF_W | BPF_ABS, .k = 0},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .k = SYS_dup2, .jt = 1},
		{.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW},
	};
	struct fprog prog = {.len = (unsigned short)(n + 3), .filter = all};
	int fd[2];
	struct {
		int taken, err;
		uint64_t ip;
	} told = {0, 0, 0};

	memcpy(all + 3, p, n * sizeof *p);
	assert_int_equal(pipe(fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		extern const char call_site[];
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		told.taken = prctl(PR_SET_SECCOMP, 2, &prog) == 0;
		told.ip = (uint64_t)(uintptr_t)call_site;
		if (told.taken) {
			register uint64_t r10 __asm__("r10") = d->args[3];
			register uint64_t r8 __asm__("r8") = d->args[4];
			register uint64_t r9 __asm__("r9") = d->args[5];
			long ret;
			__asm__ volatile("syscall\n.globl call_site\ncall_site:"
					 : "=a"(ret)
					 : "a"(SYS_dup2), "D"(d->args[0]), "S"(d->args[1]),
					   "d"(d->args[2]), "r"(r10), "r"(r8), "r"(r9)
					 : "rcx", "r11", "memory");
			told.err = (int)-ret;
		}
		_exit(write(fd[1], &told, sizeof told) != sizeof told);
	}
	close(fd[1]);
	ssize_t got = read(fd[0], &told, sizeof told);
	close(fd[0]);
	waitpid(pid, NULL, 0);
	d->instruction_pointer = told.ip;
	*out_errno = got == sizeof told ? told.err : -1; /* killed */
	return got == sizeof told ? told.taken : 1;
}

static void the_kernel_takes_and_answers_the_same(void **state)
{
	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* its runtime makes calls in the child that the filters refuse */
#endif
	const struct abi_sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct abi_sock_filter p[LENGTH];
	unsigned taken = 0, answered = 0;
	int err;
	struct abi_seccomp_data probe = random_data();
	if (!on_the_host(&allow, 1, &probe, &err))
		skip();
	for (int i = 0; i < PROGRAMS; i++) {
		size_t n = 4 + pick(LENGTH - 4);
		random_program(p, n);
		/* Where the part in front leaves A on the host. */
		p[0] = (struct abi_sock_filter){.code = BPF_LD | BPF_IMM, .k = word()};
		struct abi_seccomp_data d = random_data();
		d.nr = SYS_dup2;
		d.args[0] = d.args[1] = 100000; /* no descriptor */
		int host = on_the_host(p, n, &d, &err), ours = bpf_check(p, n) == 0;
		if (host != ours)
			printf("# program %d: host %d, ours %d\n", i, host, ours);
		assert_int_equal(host, ours);
		taken += (unsigned)ours;
		if (!ours || err < 0)
			continue;
		uint32_t ret = bpf_run(p, &d);
		if ((ret & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
			continue;
		answered++;
		assert_int_equal(min_u64(ret & SECCOMP_RET_DATA, 4095), err);
	}
	printf("# %u of %d taken, %u answers compared\n", taken, PROGRAMS, answered);
	assert_true(taken > 20 && answered > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(a_constant_answer_holds_for_all_arguments),
		cmocka_unit_test(the_kernel_takes_and_answers_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
