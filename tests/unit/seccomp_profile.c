/* SPDX-License-Identifier: Apache-2.0 */
/* linux.seccomp: what the compiled profile answers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "oci/seccomp.h"
#include "sentry/task/seccomp/bpf.h"

enum { X32 = 0x40000000, ALLOW = 0x7fff0000, ERR = 0x50000 };

static struct abi_sock_filter *prog;

static void compile(const char *seccomp)
{
	char text[4096];
	struct spec s;
	struct error e = {.msg = ""};
	size_t len = 0;
	free(prog);
	prog = NULL;
	snprintf(text, sizeof text,
		 "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"args\":"
		 "[\"a\"],\"cwd\":\"/\"},\"linux\":{\"seccomp\":%s}}",
		 seccomp);
	if (spec_parse(&s, "c", text, strlen(text), &e) < 0 ||
	    seccomp_compile(&s.seccomp, "c", &prog, &len, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(bpf_check(prog, len), 0);
	spec_free(&s);
}

static uint32_t ask(int nr, uint64_t a0, uint64_t a1)
{
	struct abi_seccomp_data data = {.nr = nr, .arch = AUDIT_ARCH_X86_64, .args = {a0, a1}};
	return bpf_run(prog, &data);
}

static void allows_by_default(void **state)
{
	(void)state;
	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],"
		"\"action\":\"SCMP_ACT_ERRNO\"}]}");
	assert_int_equal(ask(SYS_mkdir, 0, 0), ERR | EPERM);
	assert_int_equal(ask(SYS_read, 0, 0), ALLOW);
	/* No refusal by default, so what is newer than the profile is no business of it. */
	assert_int_equal(ask(5000, 0, 0), ALLOW);
}

#define STRICT(more, names)                                                                        \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\"" more ",\"syscalls\":[{\"names\":[" names "],"      \
	"\"action\":\"SCMP_ACT_ALLOW\"}]}"

static void newer_calls_do_not_exist(void **state)
{
	(void)state;
	compile(STRICT("", "\"read\",\"openat\""));
	assert_int_equal(ask(SYS_read, 0, 0), ALLOW);
	assert_int_equal(ask(SYS_openat, 0, 0), ALLOW);
	assert_int_equal(ask(SYS_write, 0, 0), ERR | EPERM);
	assert_int_equal(ask(SYS_openat + 1, 0, 0), ERR | ENOSYS);
	compile(STRICT(",\"defaultErrnoRet\":38", "\"read\""));
	assert_int_equal(ask(SYS_openat, 0, 0), ERR | ENOSYS);
	compile("{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ALLOW\"}]}");
	assert_int_equal(ask(SYS_openat, 0, 0), ERR | ENOSYS);
	compile("{\"defaultAction\":\"SCMP_ACT_LOG\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ALLOW\"}]}");
	assert_int_equal(ask(SYS_openat, 0, 0), 0x7ffc0000);
}

static void x32_is_refused(void **state)
{
	(void)state;
	compile(STRICT("", "\"read\""));
	assert_int_equal(ask(X32 | SYS_read, 0, 0), 0); /* killed, as on another machine */
	compile(STRICT(",\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"]", "\"read\""));
	assert_int_equal(ask(X32 | SYS_read, 0, 0), ERR | ENOSYS);
	assert_int_equal(ask(SYS_read, 0, 0), ALLOW);
	compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X32\"]}");
	assert_int_equal(ask(X32 | SYS_read, 0, 0), ERR | ENOSYS);
	assert_int_equal(ask(SYS_read, 0, 0), ALLOW);
}

#define ONE(op, value, two)                                                                        \
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"kill\"],"               \
	"\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":1,\"op\":\"SCMP_CMP_" op               \
	"\",\"value\":" value ",\"valueTwo\":" two "}]}]}"

static void compares_all_64_bits(void **state)
{
	static const struct {
		const char *profile;
		uint64_t refused, passes;
	} cases[] = {
		{ONE("EQ", "4294967297", "0"), 4294967297, 1},
		{ONE("NE", "4294967297", "0"), 1, 4294967297},
		{ONE("GT", "4294967295", "0"), 4294967296, 4294967295},
		{ONE("GE", "4294967296", "0"), 4294967296, 4294967295},
		{ONE("LT", "4294967296", "0"), 4294967295, 4294967296},
		{ONE("LE", "4294967295", "0"), 4294967295, 4294967296},
		{ONE("MASKED_EQ", "4294967296", "4294967296"), 4294967301, 5},
		/* Read with doubles, because it does not fit into 63 bits. */
		{ONE("EQ", "18446744073709551615", "0"), UINT64_MAX, INT64_MAX},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		compile(cases[i].profile);
		assert_int_equal(ask(SYS_kill, 0, cases[i].refused), ERR | EPERM);
		assert_int_equal(ask(SYS_kill, 0, cases[i].passes), ALLOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_by_default),
		cmocka_unit_test(newer_calls_do_not_exist),
		cmocka_unit_test(x32_is_refused),
		cmocka_unit_test(compares_all_64_bits),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(prog);
	return failed;
}
