/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers for the guest tests of seccomp: filters in a few words. */
#pragma once

#include "trace.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#define ST(code, k)	 BPF_STMT(code, k)
#define JP(code, k, t, f) BPF_JUMP(code, k, t, f)
#define LOAD_NR		 ST(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define LOAD_ARG(n)                                                                                \
	ST(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
#define RET(action) ST(BPF_RET | BPF_K, action)
/* Of one call the action, of all others that they may run. */
#define ON_CALL(nr, action) LOAD_NR, JP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RET(action)
#define ALLOW		    RET(SECCOMP_RET_ALLOW)
#define ERRNO(e)	    (SECCOMP_RET_ERRNO | (e))

#define PROG(...)                                                                                  \
	((struct sock_fprog){                                                                      \
		.len = sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter),   \
		.filter = (struct sock_filter[]){__VA_ARGS__}})

HELPER void no_new_privs(void)
{
	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

HELPER long seccomp(unsigned op, unsigned flags, void *arg)
{
	return syscall(SYS_seccomp, op, flags, arg);
}

HELPER long install(unsigned flags, struct sock_fprog prog)
{
	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &prog);
}

#define FILTER(...) ASSERT_OK(install(0, PROG(__VA_ARGS__)))
