/* SPDX-License-Identifier: Apache-2.0 */
/* ELF headers that lie, each in one way; and "#!" lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "elf_fixture.h"

static struct loader loader;

static int setup(void **state)
{
	(void)state;
	loader_new(&loader);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loader_free(&loader);
	return 0;
}

/* elf_read's answer to that much of it, or elf_map's if it accepts; 0 if both do. */
static int answer(const struct good_elf *g, size_t size)
{
	struct elf_image e;
	int err = image_load(&loader, g, size, &e);
	if (err < 0)
		return err;
	image_check(&e);
	err = image_map(&loader, &e);
	elf_free(&e);
	return err;
}

static void test_good(void **state)
{
	(void)state;
	struct good_elf g = good_elf();
	struct elf_image e;
	assert_int_equal(image_load(&loader, &g, sizeof g, &e), 0);
	assert_string_equal(e.interp, "/lib64/ld-good.so.1");
	assert_int_equal(e.low, 0);
	assert_int_equal(e.high, 0x8000);
	assert_false(e.exec_stack);
	assert_int_equal(image_map(&loader, &e), 0);
	assert_int_equal(e.start_code, e.bias);
	assert_int_equal(e.brk, e.bias + 0x2000 + 64 + 0x5000);
	assert_int_equal(e.ph_addr,
			 e.bias + 0x2000 + 64); /* in both segments: the later one counts */
	elf_free(&e);
}

/* Cut off anywhere, it is refused or whole enough; never read beyond its end. */
static void test_truncated(void **state)
{
	(void)state;
	const struct good_elf g = good_elf();
	for (size_t size = 0; size <= sizeof g; size++) {
		struct good_elf *exact = malloc(size ? size : 1);
		memcpy(exact, &g, size);
		int err = answer(exact, size);
		if (size < offsetof(struct good_elf, interp))
			assert_int_equal(err, -ENOEXEC);
		else if (size < offsetof(struct good_elf, interp) + 20)
			assert_int_equal(err, -EIO);
		else
			assert_int_equal(err, 0);
		free(exact);
	}
}

/* One field of the good image is overwritten. */
#define FIELD(member, value, want)                                                                 \
	{                                                                                          \
#member " = " #value, offsetof(struct good_elf, member),                           \
			sizeof((struct good_elf *)0)->member, (uint64_t)(value), want              \
	}
static const struct lie {
	const char *name;
	size_t at, size;
	uint64_t value;
	int want;
} lies[] = {
	/* clang-format off */
	FIELD(h.e_ident[0], 0x7e, -ENOEXEC),
	FIELD(h.e_ident[EI_CLASS], 1, -ENOEXEC),
	FIELD(h.e_ident[EI_DATA], 2, -ENOEXEC),
	FIELD(h.e_type, 1, -ENOEXEC),
	FIELD(h.e_type, 4, -ENOEXEC),
	FIELD(h.e_machine, EM_386, -ENOEXEC),
	FIELD(h.e_phentsize, 55, -ENOEXEC),
	FIELD(h.e_phentsize, 0, -ENOEXEC),
	FIELD(h.e_phnum, 0, -ENOEXEC),
	FIELD(h.e_phnum, 5, -ENOEXEC),			/* more than the file holds */
	FIELD(h.e_phnum, 0xffff, -ENOEXEC),
	FIELD(h.e_phoff, UINT64_MAX, -ENOEXEC),
	FIELD(h.e_phoff, INT64_MAX, -ENOEXEC),
	FIELD(h.e_phoff, 1ull << 32, -ENOEXEC),
	FIELD(h.e_entry, UINT64_MAX, 0),		/* the program's own trouble */
	FIELD(ph[0].p_filesz, sizeof(struct good_elf) + 1, -EINVAL),	/* more than memsz */
	FIELD(ph[0].p_memsz, UINT64_MAX, -EINVAL),
	FIELD(ph[0].p_memsz, USER_TOP, -ENOMEM),	/* nowhere to put it */
	FIELD(ph[0].p_memsz, USER_TOP + 1, -EINVAL),
	FIELD(ph[0].p_vaddr, UINT64_MAX - 4095, -EINVAL),
	FIELD(ph[0].p_vaddr, USER_TOP, -EINVAL),
	FIELD(ph[0].p_vaddr, 1, -EINVAL),		/* not congruent with the offset */
	FIELD(ph[0].p_offset, INT64_MAX - 4095, -EOVERFLOW),
	FIELD(ph[0].p_offset, UINT64_MAX - 4095, -EINVAL),
	FIELD(ph[0].p_align, 3, 0),			/* nobody looks at it */
	FIELD(ph[1].p_memsz, USER_TOP - 0x2040, -ENOMEM),
	FIELD(ph[1].p_memsz, USER_TOP - 0x2040 + 1, -EINVAL),
	FIELD(ph[1].p_filesz, 0, 0),
	FIELD(ph[2].p_filesz, 0, -ENOEXEC),
	FIELD(ph[2].p_filesz, 1, -ENOEXEC),
	FIELD(ph[2].p_filesz, 19, -ENOEXEC),		/* no NUL at its end */
	FIELD(ph[2].p_filesz, 4097, -ENOEXEC),
	FIELD(ph[2].p_filesz, UINT64_MAX, -ENOEXEC),
	FIELD(ph[2].p_offset, UINT64_MAX, -EIO),
	FIELD(ph[2].p_offset, INT64_MAX, -EIO),
	/* clang-format on */
};

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct good_elf g = good_elf();
		memcpy((char *)&g + lies[i].at, &lies[i].value, lies[i].size);
		int err = answer(&g, sizeof g);
		if (err != lies[i].want)
			fail_msg("%s: %d, want %d", lies[i].name, err, lies[i].want);
	}
}

static void test_fixed(void **state)
{
	(void)state;
	struct good_elf g = good_elf();
	g.h.e_type = ET_EXEC;
	assert_int_equal(answer(&g, sizeof g), -EPERM); /* at 0 */
	g.ph[0].p_vaddr = 0x400000;
	g.ph[1].p_vaddr = USER_TOP - 0x5000 + 64;
	g.ph[1].p_memsz = 0x5000 - 64;
	assert_int_equal(answer(&g, sizeof g), 0);
	/* Segments over each other: the later one wins, as with MAP_FIXED. */
	g.ph[1].p_vaddr = 0x400000 + 64;
	assert_int_equal(answer(&g, sizeof g), 0);
}

static void test_no_segment(void **state)
{
	(void)state;
	struct good_elf g = good_elf();
	g.ph[0].p_type = g.ph[1].p_type = PT_NOTE;
	assert_int_equal(answer(&g, sizeof g), -ENOEXEC);
	g.ph[0].p_type = PT_LOAD;
	g.ph[0].p_filesz = g.ph[0].p_memsz = 0;
	assert_int_equal(answer(&g, sizeof g), -ENOEXEC);
}

static void test_many_headers(void **state)
{
	(void)state;
	enum { MANY = 65536 / sizeof(struct abi_elf_phdr) };
	struct {
		struct abi_elf_ehdr h;
		struct abi_elf_phdr ph[MANY + 1];
	} *big = calloc(1, sizeof *big);
	struct good_elf g = good_elf();
	big->h = g.h;
	big->h.e_phnum = MANY;
	for (unsigned i = 0; i < MANY; i++) {
		big->ph[i] = g.ph[0];
		big->ph[i].p_vaddr = i * 8192ull;
	}
	assert_int_equal(answer((struct good_elf *)big, sizeof *big), 0);
	big->h.e_phnum++;
	assert_int_equal(answer((struct good_elf *)big, sizeof *big), -ENOEXEC);
	free(big);
}

static void test_scripts(void **state)
{
	(void)state;
	static const struct {
		const char *line, *interp, *arg;
	} lines[] = {
		{"#!/bin/sh\nrest", "/bin/sh", NULL},
		{"#! \t /bin/sh \t \n", "/bin/sh", NULL},
		{"#!/bin/sh -x  -y \n", "/bin/sh", "-x  -y"},
		{"#!/bin/sh", "/bin/sh", NULL},
		{"#!/bin/sh -e", "/bin/sh", "-e"},
		{"#!sh\n", "sh", NULL},
		{"#!\n", NULL, NULL},
		{"#!  \t\n/bin/sh\n", NULL, NULL},
		{"#!", NULL, NULL},
		{"#!   ", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char line[SCRIPT_LINE] = {0}, *interp, *arg;
		strncpy(line, lines[i].line, sizeof line - 1);
		int err = script_parse(line, &interp, &arg);
		assert_int_equal(err, lines[i].interp ? 0 : -ENOEXEC);
		if (err < 0)
			continue;
		assert_string_equal(interp, lines[i].interp);
		assert_true(!arg == !lines[i].arg);
		if (arg)
			assert_string_equal(arg, lines[i].arg);
	}
}

/* Longer than what is looked at: a name must be whole, an argument is shortened. */
static void test_long_scripts(void **state)
{
	(void)state;
	char line[SCRIPT_LINE], *interp, *arg;
	memset(line, 'x', sizeof line);
	memcpy(line, "#!/", 3);
	assert_int_equal(script_parse(line, &interp, &arg), -ENOEXEC);
	memset(line, 'x', sizeof line);
	memcpy(line, "#!/bin/sh ", 10);
	assert_int_equal(script_parse(line, &interp, &arg), 0);
	assert_string_equal(interp, "/bin/sh");
	assert_int_equal(strlen(arg), SCRIPT_LINE - 1 - 10);
	memset(line, ' ', sizeof line);
	memcpy(line, "#!", 2);
	assert_int_equal(script_parse(line, &interp, &arg), -ENOEXEC);
	memset(line, 'x', sizeof line);
	memcpy(line, "#!/", 3);
	line[SCRIPT_LINE - 1] = '\n';
	assert_int_equal(script_parse(line, &interp, &arg), 0);
	assert_int_equal(strlen(interp), SCRIPT_LINE - 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_good),	    T(test_truncated),	  T(test_lies),	   T(test_fixed),
		T(test_no_segment), T(test_many_headers), T(test_scripts), T(test_long_scripts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
