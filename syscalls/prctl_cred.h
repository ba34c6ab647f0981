/* SPDX-License-Identifier: Apache-2.0 */
/* The half of prctl(2) that is about credentials: capabilities(7). */
#pragma once

#include <stdint.h>

struct task;

long prctl_bset_read(struct task *t, uint64_t cap);
long prctl_bset_drop(struct task *t, uint64_t cap);
long prctl_set_securebits(struct task *t, uint64_t bits);
long prctl_set_keepcaps(struct task *t, uint64_t on);
long prctl_ambient(struct task *t, uint64_t op, uint64_t cap, uint64_t arg4, uint64_t arg5);
long prctl_no_new_privs(struct task *t);

/* seccomp.c */
long prctl_set_seccomp(struct task *t, uint64_t mode, uint64_t filter);
long prctl_get_seccomp(struct task *t);
long prctl_get_no_new_privs(struct task *t);
