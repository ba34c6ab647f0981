/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic BPF as seccomp uses it: the checker and the interpreter.
 *
 * What the checker has taken ends (jumps go forward, the last instruction returns), stays in
 * bounds (jumps, scratch memory, data) and reads no scratch word that it has not written.
 */
#pragma once

#include "platform/base/types.h"
#include "syscalls/abi/seccomp.h"

/* 0 or -EINVAL; n is 1 to BPF_MAXINSNS. */
int bpf_check(const struct abi_sock_filter *prog, size_t n);

/* Runs a program that was checked. */
uint32_t bpf_run(const struct abi_sock_filter *prog, const struct abi_seccomp_data *data);

/*
 * The same with number and architecture alone: false if the answer depends on more than these.
 */
bool bpf_run_constant(const struct abi_sock_filter *prog, int nr, uint32_t *out);
