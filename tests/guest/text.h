/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls in every surrounding that code has them in, on two pages of their own.
 * Each function makes the call whose number it is given, with no arguments that matter.
 */
#pragma once

#include "task.h"

extern char sites[], sites_end[];
extern long site_one(long), site_before(long), site_with(long), site_behind(long);
extern long site_around(long), site_syscall(long);
/* The call instructions in them. */
extern char call_one[], call_before[], call_with[], call_behind[], call_around[];

/* getppid: no argument, no effect, and never the same as getpid. */
#define NR_PPID 110

__asm__(".pushsection .text.sites, \"ax\", @progbits\n"
	".balign 4096\n"
	"sites:\n"
#define SITE(name)                                                                                 \
	".balign 64\n"                                                                             \
	".type site_" name ", @function\n"                                                         \
	"site_" name ":\n"                                                                         \
	".cfi_startproc\n"
#define END(name) ".cfi_endproc\n.size site_" name ", . - site_" name "\n"
	SITE("one")
	"	mov $110, %eax\n"
	"call_one:	syscall\n"
	"	ret\n" END("one")
	SITE("before")
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"call_before:	syscall\n"
	"	ret\n" END("before")
	SITE("with")
	"	mov %rdi, %rax\n"
	"call_with:	syscall\n"
	"	ret\n" END("with")
	SITE("behind")
	"	mov %rdi, %rax\n"
	"	jmp call_behind\n"
	"	nop\n"
	"call_behind:	syscall\n"
	"	cmp $-4096, %rax\n"
	"	ja 1f\n"
	"	ret\n"
	"1:	neg %rax\n"
	"	ret\n" END("behind")
	SITE("around")
	"	mov %edi, %eax\n"
	"call_around:	syscall\n"
	"	test %eax, %eax\n"
	"	ret\n" END("around")
	SITE("syscall") /* on two pages, like libc's syscall(3) */
	".balign 4096\n"
	"	.fill 4096 - 7 - 3, 1, 0x90\n"
	".cfi_endproc\n"
	".cfi_startproc\n"
	"1:	mov %rdi, %rax\n"
	"	mov 8(%rsp), %r9\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	ret\n" END("syscall")
	".balign 4096\n"
	"sites_end:\n"
	".popsection\n");

typedef long site_fn(long nr);

HELPER long site_two_pages(long nr)
{
	return ((site_fn *)(void *)(sites_end - 4096 - 7 - 3))(nr);
}

static const struct {
	const char *name;
	site_fn *call;
} all_sites[] = {{"one", site_one},	  {"before", site_before}, {"with", site_with},
		 {"behind", site_behind}, {"around", site_around}, {"two pages", site_two_pages}};
enum { SITES = sizeof all_sites / sizeof all_sites[0], HOT = 64 };

/* Often enough that whoever makes hot calls cheaper has done so. */
HELPER void make_hot(void)
{
	for (int i = 0; i < HOT; i++)
		for (int k = 0; k < SITES; k++)
			ASSERT_EQ(all_sites[k].call(NR_PPID), getppid());
}

/* The same functions in another mapping of their pages. */
HELPER long call_at(const char *base, int k, long nr)
{
	char *there = (char *)(uintptr_t)base + ((char *)(void *)all_sites[k].call - sites);
	if (all_sites[k].call == site_two_pages)
		there = (char *)(uintptr_t)base + (sites_end - sites - 4096 - 7 - 3);
	return ((site_fn *)(void *)there)(nr);
}

/* Where the pages are in the program's file. */
HELPER off_t sites_offset(int *out_fd)
{
	static const char mark[] = "\xb8\x6e\0\0\0\x0f\x05\xc3"; /* site_one */
	struct stat st;
	*out_fd = open("/proc/self/exe", O_RDONLY);
	ASSERT(*out_fd >= 0 && fstat(*out_fd, &st) == 0);
	char *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, *out_fd, 0);
	ASSERT(p != MAP_FAILED);
	off_t at = 0;
	while (at < st.st_size && memcmp(p + at, mark, sizeof mark - 1))
		at += 4096;
	ASSERT(at < st.st_size);
	munmap(p, (size_t)st.st_size);
	return at;
}

HELPER char *map_sites(void *where)
{
	int fd;
	off_t off = sites_offset(&fd);
	char *p = mmap(where, (size_t)(sites_end - sites), PROT_READ | PROT_EXEC,
		       MAP_PRIVATE | (where ? MAP_FIXED : 0), fd, off);
	ASSERT(p != MAP_FAILED);
	close(fd);
	return p;
}
