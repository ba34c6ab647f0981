/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_check() on hostile programs, bpf_run() on what it takes.
 *
 * The input is instructions; the data they run on follows from their number.  Checked beside
 * the sanitizers: that a run ends, and that a constant answer is that of every run.
 *
 *	clang -fsanitize=fuzzer,address ... -DFUZZER    libFuzzer
 *	program [runs [seed]]                           random programs, nearly right
 */
#include <assert.h>
#include <stdio.h>

#include "../unit/bpf_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long taken;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size / sizeof(struct abi_sock_filter);
	struct abi_sock_filter *prog = malloc(n * sizeof *prog + 1);
	memcpy(prog, data, n * sizeof *prog);
	if (bpf_check(prog, n) == 0) {
		taken++;
		for (int i = 0; i < 4; i++) {
			const struct abi_seccomp_data d = random_data();
			uint32_t ret = bpf_run(prog, &d), constant;
			assert(!bpf_run_constant(prog, d.nr, &constant) || constant == ret);
		}
	}
	free(prog);
	return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
	long runs = argc > 1 ? atol(argv[1]) : 200000;
	if (argc > 2)
		random_state ^= strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
	for (long i = 0; i < runs; i++) {
		struct abi_sock_filter prog[64];
		size_t n = 1 + pick(64);
		random_program(prog, n);
		LLVMFuzzerTestOneInput((const uint8_t *)prog, n * sizeof *prog);
	}
	printf("bpf: %ld programs, %lu taken\n", runs, taken);
	return 0;
}
#endif
