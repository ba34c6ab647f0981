/* SPDX-License-Identifier: Apache-2.0 */
/* The table is whole and consistent; what is derived from it says what it says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/base/kver.h"
#include "syscalls/dispatch.h"
#include "syscalls/flags.h"
#include "syscalls/report.h"
#include "syscalls/summary.h"
#include "syscalls/sys.h"
#include "syscalls/table.h"

#define FOR_EACH_ROW(row)                                                                          \
	for (const struct sysrow *row = systab; row < systab + NR_END; row++)                      \
		if (row->name)

static void has_every_call(void **state)
{
	unsigned int n = 0;

	(void)state;
	FOR_EACH_ROW(row)
	n++;
	/* 0..336 and 424..472 */
	assert_int_equal(n, 337 + 49);
	assert_string_equal(systab[0].name, "read");
	assert_string_equal(systab[59].name, "execve");
	assert_string_equal(systab[231].name, "exit_group");
	assert_string_equal(systab[334].name, "rseq");
	assert_string_equal(systab[424].name, "pidfd_send_signal");
	assert_string_equal(systab[472].name, "fchroot");
	assert_int_equal(NR_fchroot, NR_END - 1);
	assert_null(sysrow_get(337));
	assert_null(sysrow_get(423));
	assert_null(sysrow_get(NR_END));
	assert_null(sysrow_get(UINT64_MAX));
	assert_ptr_equal(sysrow_find("statx"), &systab[332]);
	assert_null(sysrow_find("no_such_call"));
}

static void names_are_unique(void **state)
{
	(void)state;
	FOR_EACH_ROW(row)
	assert_ptr_equal(sysrow_find(row->name), row);
}

static void rows_are_consistent(void **state)
{
	(void)state;
	FOR_EACH_ROW(row)
	{
		uint32_t v;

		assert_int_equal(kver_parse(row->since, &v), 0);
		assert_int_equal(row->support != SUPPORT_NONE, row->call != NULL);
		assert_int_equal(row->support == SUPPORT_FULL, row->note == NULL);
		/* A reason is there, and report.c need not escape it. */
		if (row->note) {
			assert_true(strlen(row->note) > 3);
			assert_null(strpbrk(row->note, "\"\\|\n"));
		}
		if (v == KVER_NEVER)
			assert_null(row->call);
		assert_true(row->nargs <= SYSARGS_MAX);
	}
}

/* The argument that holds a length exists and is a number (or, for LENP, a pointer to one). */
static void lengths_name_an_argument(void **state)
{
	(void)state;
	FOR_EACH_ROW(row)
	{
		for (unsigned int i = 0; i < row->nargs; i++) {
			const struct argkind *k = &argkinds[row->args[i].kind];
			unsigned int at = i + (unsigned int)k->at;

			if (k->len == LEN_NONE)
				assert_int_equal(k->dir, DIR_VAL);
			if (k->at == 0)
				continue;
			assert_true(at < row->nargs);
			if (k->len == LEN_BY_POINTER)
				assert_int_equal(row->args[at].kind, KIND_INOUT_LEN);
			else
				assert_int_equal(argkinds[row->args[at].kind].dir, DIR_VAL);
		}
	}
}

static void registers_become_typed(void **state)
{
	const struct sysrow *openat = &systab[NR_openat], *mmap = &systab[NR_mmap];
	const uint64_t a[6] = {0xdeadbeefffffff9cULL, 0x7fff12345678ULL, 0xffffffff00000041ULL};
	const uint64_t b[6] = {0, 0xffffffff00001000ULL};

	(void)state;
	assert_int_equal((int64_t)arg_value(openat, 0, a), -100);
	assert_int_equal(arg_value(openat, 1, a), 0x7fff12345678ULL);
	assert_int_equal(arg_value(openat, 2, a), 0x41);
	assert_int_equal(arg_value(mmap, 1, b), 0xffffffff00001000ULL);
}

static int64_t size_of(const char *call, unsigned int i, long ret, uint64_t a0, uint64_t a1,
		       uint64_t a2, uint64_t a3)
{
	const uint64_t args[6] = {a0, a1, a2, a3};

	return arg_size(sysrow_find(call), i, args, ret);
}

static void sizes_come_from_arguments(void **state)
{
	const uint64_t buf = 0x10000;

	(void)state;
	assert_int_equal(size_of("write", 1, 0, 1, buf, 4096, 0), 4096);
	assert_int_equal(size_of("write", 1, 0, 1, 0, 4096, 0), 0);
	assert_int_equal(size_of("write", 1, 0, 1, buf, UINT64_MAX, 0), -EFAULT);
	assert_int_equal(size_of("read", 1, 10, 0, buf, 4096, 0), 10);
	assert_int_equal(size_of("read", 1, -EINTR, 0, buf, 4096, 0), 0);
	/* MSG_TRUNC returns more than the buffer holds. */
	assert_int_equal(size_of("recvfrom", 1, 9000, 0, buf, 100, 0), 100);
	assert_int_equal(size_of("fstat", 1, 0, 0, buf, 0, 0), 144);
	assert_int_equal(size_of("poll", 0, 0, buf, 3, 0, 0), 24);
	assert_int_equal(size_of("epoll_wait", 1, 2, 5, buf, 8, 0), 24);
	assert_int_equal(size_of("setgroups", 1, 0, 5, buf, 0, 0), 20);
	assert_int_equal(size_of("select", 1, 0, 65, buf, 0, 0), 16);
	assert_int_equal(size_of("select", 1, 0, 0xffffffffULL, buf, 0, 0), -EFAULT);
	assert_int_equal(size_of("mincore", 2, 0, buf, 8193, buf, 0), 3);
	assert_int_equal(size_of("openat", 1, 0, 0, buf, 0, 0), -ENODATA);
	assert_int_equal(size_of("close", 0, 0, 3, 0, 0, 0), 0);
	/* A negative int length is no length. */
	assert_int_equal(size_of("sethostname", 0, 0, buf, 0xffffffffULL, 0, 0), -EFAULT);
}

static void unknown_calls_are_enosys(void **state)
{
	const uint64_t args[6] = {0};

	(void)state;
	assert_int_equal(syscall_dispatch(NULL, 337, args), -ENOSYS);
	assert_int_equal(syscall_dispatch(NULL, 100000, args), -ENOSYS);
	assert_int_equal(syscall_dispatch(NULL, 0xffffffffULL, args), -ENOSYS);
	assert_int_equal(syscall_dispatch(NULL, NR_kexec_load, args), -ENOSYS);
	/* x32 numbers are none of ours, and the upper half does not count. */
	assert_int_equal(syscall_dispatch(NULL, 0x40000000ULL, args), -ENOSYS);
	assert_int_equal(syscall_dispatch(NULL, 0x100000000ULL + NR_kexec_load, args), -ENOSYS);
}

static void flags_have_masks(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(FLAGS_KNOWN(PIPE), 02000000 | 04000 | 040000);
	assert_int_equal(FLAGS_KNOWN(EFD), 1 | 02000000 | 04000);
	assert_int_equal(FLAGS_KNOWN(AT_UNLINK), 0x200);
	for (size_t i = 0; i < flag_row_count; i++) {
		uint32_t v;

		assert_int_equal(kver_parse(flag_rows[i].since, &v), 0);
		assert_true(v != KVER_NEVER);
		/* Consecutive rows: a group is found whole. */
		if (i > 0)
			assert_true(flag_rows[i].group >= 0);
	}
	n = 0;
	for (unsigned int g = 0; g < FG_COUNT; g++) {
		size_t count;

		assert_true(flag_group_rows(g, &count)->group == g && count > 0);
		n += count;
	}
	assert_int_equal(n, flag_row_count);
}

/* What a function prints; the caller frees. */
static char *printed(int (*print)(const char *, FILE *), const char *arg, int want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(print(arg, out), want);
	fclose(out);
	return text;
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void shows_all_formats(void **state)
{
	char *table = printed(syscalls_show, NULL, 0), *csv = printed(syscalls_show, "csv", 0);
	char *json = printed(syscalls_show, "json", 0), *md = printed(syscalls_show, "md", 0);
	char *none = printed(syscalls_show, "xml", -EINVAL);

	(void)state;
	assert_int_equal(count_lines(table), 386 + 2);
	assert_int_equal(count_lines(csv), 386 + 1);
	assert_int_equal(count_lines(json), 386 + 2);
	assert_non_null(strstr(csv, "\n39,getpid,1.0,"));
	assert_non_null(strstr(json, "\"name\": \"getpid\""));
	assert_non_null(strstr(md, "| 246 | kexec_load(entry, nr_segments, segments, flags) |"));
	assert_string_equal(none, "");
	free(table);
	free(csv);
	free(json);
	free(md);
	free(none);
}

static void reports_versions(void **state)
{
	char *upto = printed(syscalls_since, "3.17", 0),
	     *bad = printed(syscalls_since, "x", -EINVAL);
	char *all = printed(syscalls_since, NULL, 0);

	(void)state;
	assert_non_null(strstr(upto, "\n3.17 "));
	assert_null(strstr(upto, "\n3.18 "));
	/* Without those that never were: KERNELS.md counts 306 up to 3.17, 371 in all. */
	assert_non_null(strstr(upto, " of 306"));
	assert_non_null(strstr(all, " of 371"));
	assert_non_null(strstr(all, "kexec_file_load"));
	free(upto);
	free(bad);
	free(all);
}

static int print_summary(const char *arg, FILE *out)
{
	(void)arg;
	summary_print(out);
	return 0;
}

static void summary_counts(void **state)
{
	char *text;

	(void)state;
	summary_reset();
	summary_count(NR_getpid, 7, 1000, WAY_TRAPPED);
	summary_count(NR_getpid, 7, 3000, WAY_TRAPPED);
	summary_count(NR_openat, -ENOENT, 4000000, WAY_PATCHED);
	summary_count(NR_kexec_load, -ENOSYS, 0, WAY_TRAPPED);
	summary_count(500, -ENOSYS, 0, WAY_TRAPPED);
	summary_stub(NR_gettid, 12);
	text = printed(print_summary, NULL, 0);
	assert_non_null(
		strstr(text, "% time     seconds  usecs/call     calls    errors      stub   "
			     "patched   trapped syscall\n"));
	assert_non_null(
		strstr(text, " 99.90    0.004000        4000         1         1                   "
			     "1           openat\n"));
	assert_non_null(
		strstr(text, "  0.10    0.000004           2         2                             "
			     "          2 getpid\n"));
	assert_non_null(strstr(text, "        12                  12                     gettid\n"));
	assert_non_null(
		strstr(text, "100.00    0.004004         235        17         3        12         "
			     "1         4 total\n"));
	assert_non_null(strstr(text, "        1 kexec_load\n"));
	assert_non_null(strstr(text, "        1 syscall_500\n"));
	free(text);
	summary_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_call),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(rows_are_consistent),
		cmocka_unit_test(lengths_name_an_argument),
		cmocka_unit_test(registers_become_typed),
		cmocka_unit_test(sizes_come_from_arguments),
		cmocka_unit_test(unknown_calls_are_enosys),
		cmocka_unit_test(flags_have_masks),
		cmocka_unit_test(shows_all_formats),
		cmocka_unit_test(reports_versions),
		cmocka_unit_test(summary_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
