/* SPDX-License-Identifier: Apache-2.0 */
/* execve: which files can be executed, with what arguments; see exec_state.c for what survives. */
#include "exec.h"

#include <elf.h>
#include <stddef.h>
#include <sys/auxv.h>

extern char **environ;

static int reporter(const char *mode, int argc, char **argv)
{
	if (!strcmp(mode, "exit"))
		return 42;
	if (!strcmp(mode, "args")) {
		for (int i = 0; i < argc; i++)
			printf("[%s]", argv[i]);
		for (char **e = environ; *e; e++)
			printf("{%s}", *e);
	}
	if (!strcmp(mode, "length"))
		printf("%zu", strlen(argv[1]));
	if (!strcmp(mode, "auxv")) {
		unsigned char *r = (unsigned char *)getauxval(AT_RANDOM);
		for (int i = 0; i < 16; i++)
			printf("%02x", r[i]);
		printf(" %s", (char *)getauxval(AT_EXECFN));
	}
	fflush(stdout);
	return 0;
}

static char *args_env[] = {"MODE=args", NULL};

/* The output of path run in mode "args" without its own MODE. */
static void expect_args(const char *path, char **argv, const char *want)
{
	char full[1 << 12];
	int st = run_command(&(struct command){path, argv, args_env, NULL});
	snprintf(full, sizeof full, "%s{MODE=args}", want);
	if (st != 0 || strcmp(output, full) != 0)
		FAIL("status %#x, output %s, want %s", st, output, full);
}

TEST(argv_and_envp_arrive_in_order)
{
	char *argv[] = {"zero", "one", "", "three", NULL};
	char *envp[] = {"B=2", "MODE=args", "A=", "no-equals-sign", "B=3", NULL};
	ASSERT_EQ(run_command(&(struct command){SELF, argv, envp, NULL}), 0);
	const char *want = "[zero][one][][three]{B=2}{MODE=args}{A=}{no-equals-sign}{B=3}";
	ASSERT_EQ(strcmp(output, want), 0);
}

/* Since Linux 5.18 a program always has an argv[0]. */
TEST(an_empty_argv_gets_one_empty_string)
{
	char *argv[] = {NULL};
	expect_args(SELF, argv, "[]");
	expect_args(SELF, NULL, "[]");
}

static int run_length(size_t n)
{
	char *s = malloc(n + 1);
	memset(s, 'x', n);
	s[n] = 0;
	return run_mode("MODE=length", s, NULL);
}

TEST(one_argument_may_have_131071_bytes)
{
	ASSERT_EQ(run_length(131071), 0);
	ASSERT_EQ(atoi(output), 131071);
}

TEST(one_argument_of_131072_bytes_is_e2big)
{
	ASSERT_EQ(run_length(131072), (200 + E2BIG) << 8);
}

TEST(ten_megabytes_of_arguments_are_e2big)
{
	char *s = malloc(100001), *argv[102];
	memset(s, 'x', 100000);
	s[100000] = 0;
	for (int i = 0; i < 101; i++)
		argv[i] = s;
	argv[101] = NULL;
	ASSERT_ERR(execve(SELF, argv, NULL), E2BIG);
}

TEST(five_thousand_arguments)
{
	char *argv[5001];
	for (int i = 0; i < 5000; i++)
		argv[i] = "y";
	argv[5000] = NULL;
	ASSERT_EQ(run_command(&(struct command){SELF, argv, args_env, NULL}), 0);
	ASSERT_EQ(strlen(output), 3 * 5000 + strlen("{MODE=args}"));
}

/* Two pages, with nothing behind them. */
static char *two_pages(void)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(p != MAP_FAILED);
	ASSERT_OK(munmap(p + 2 * 4096, 4096));
	return p;
}

TEST(arguments_may_lie_across_pages_and_end_where_memory_does)
{
	char *text = two_pages(), *list = two_pages();
	char **argv = (char **)(list + 4096 - 12); /* the second pointer has a part in each page */
	char *last = text + 2 * 4096 - 5, *across = text + 4096 - 3;
	memcpy(last, "last", 5);
	memcpy(across, "across", 7);
	memcpy(&argv[0], &last, sizeof last);
	memcpy(&argv[1], &across, sizeof across);
	memcpy(&argv[2], &last, sizeof last);
	memset(&argv[3], 0, sizeof last);
	expect_args(SELF, argv, "[last][across][last]");
	argv = (char **)(list + 2 * 4096 - 2 * sizeof *argv);
	argv[0] = across;
	argv[1] = NULL;
	expect_args(SELF, argv, "[across]");
}

TEST(arguments_that_go_on_where_no_memory_is_are_efault)
{
	char *text = two_pages(), *list = two_pages();
	char **argv = (char **)(list + 2 * 4096 - 2 * sizeof *argv);
	argv[0] = argv[1] = "fine";
	ASSERT_ERR(execve(SELF, argv, NULL), EFAULT);
	memset(text + 4096, 'x', 4096);
	char *open_end[] = {"fine", text + 4096, NULL};
	ASSERT_ERR(execve(SELF, open_end, NULL), EFAULT);
	char *kernel[] = {(char *)-8, NULL};
	ASSERT_ERR(execve(SELF, kernel, NULL), EFAULT);
}

TEST(at_random_differs_between_two_runs)
{
	char first[33] = {0};
	ASSERT_EQ(run_mode("MODE=auxv", NULL, NULL), 0);
	memcpy(first, output, 32);
	ASSERT_EQ(run_mode("MODE=auxv", NULL, NULL), 0);
	ASSERT(memcmp(first, output, 32) != 0);
}

TEST(at_execfn_is_the_path_as_given)
{
	test_tmpdir();
	link_self();
	char *argv[] = {"other name", NULL}, *envp[] = {"MODE=auxv", NULL};
	ASSERT_EQ(run_command(&(struct command){"././self", argv, envp, NULL}), 0);
	ASSERT_EQ(strcmp(output + 33, "././self"), 0);
}

/* The vector itself: glibc's getauxval answers AT_HWCAP with its own idea. */
static unsigned long aux(unsigned long type)
{
	char **e = environ;
	while (*e++)
		;
	for (const Elf64_auxv_t *a = (const Elf64_auxv_t *)e; a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a->a_un.a_val;
	FAIL("no auxv entry %lu", type);
}

TEST(auxv_describes_the_machine)
{
	ASSERT_EQ(aux(AT_PAGESZ), 4096);
	ASSERT_EQ(aux(AT_CLKTCK), 100);
	ASSERT_EQ(strcmp((char *)aux(AT_PLATFORM), "x86_64"), 0);
	unsigned eax = 1, ebx, ecx, edx;
	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	/* A kernel may leave out what it does not use. */
	ASSERT_EQ(aux(AT_HWCAP) & ~(unsigned long)edx, 0);
	ASSERT(aux(AT_HWCAP) & 1 << 26); /* SSE2 */
}

TEST(auxv_carries_the_ids)
{
	ASSERT_EQ(aux(AT_UID), getuid());
	ASSERT_EQ(aux(AT_EUID), geteuid());
	ASSERT_EQ(aux(AT_GID), getgid());
	ASSERT_EQ(aux(AT_EGID), getegid());
	ASSERT_EQ(aux(AT_SECURE), 0);
}

TEST(auxv_locates_the_program)
{
	extern void _start(void);
	const Elf64_Phdr *ph = (const Elf64_Phdr *)aux(AT_PHDR);
	ASSERT_EQ(aux(AT_PHENT), sizeof *ph);
	ASSERT(aux(AT_PHNUM) > 2);
	ASSERT_EQ(aux(AT_ENTRY), _start);
	ASSERT_EQ(aux(AT_BASE), 0);
	unsigned loads = 0;
	for (unsigned i = 0; i < aux(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	ASSERT(loads >= 2);
}

TEST(auxv_points_at_a_vdso)
{
	const unsigned char *e = (const unsigned char *)aux(AT_SYSINFO_EHDR);
	ASSERT(e != NULL);
	ASSERT_EQ(memcmp(e, ELFMAG, SELFMAG), 0);
	ASSERT_EQ(((const Elf64_Ehdr *)e)->e_machine, EM_X86_64);
}

TEST(the_strings_lie_on_the_stack_in_order)
{
	const char *fn = (const char *)aux(AT_EXECFN);
	ASSERT(environ[0] < fn);
	ASSERT(fn - environ[0] < 1 << 20);
	for (char **e = environ; e[0] && e[1]; e++)
		ASSERT(e[1] == e[0] + strlen(e[0]) + 1);
}

TEST(a_script_gets_interpreter_path_and_arguments)
{
	char *argv[] = {"dropped", "a", "b c", NULL};
	test_tmpdir();
	link_self();
	write_script("s", "#!./self\n");
	expect_args("./s", argv, "[./self][./s][a][b c]");
}

TEST(a_script_line_has_one_optional_argument)
{
	char *argv[] = {"dropped", "a", NULL};
	test_tmpdir();
	link_self();
	write_script("s", "#! \t./self  -x  y z \t \nrest");
	expect_args("./s", argv, "[./self][-x  y z][./s][a]");
}

TEST(a_script_needs_no_newline)
{
	char *argv[] = {"dropped", NULL};
	test_tmpdir();
	link_self();
	write_script("s", "#!./self arg");
	expect_args("./s", argv, "[./self][arg][./s]");
}

TEST(a_script_may_be_the_interpreter_of_a_script)
{
	char *argv[] = {"dropped", "z", NULL};
	test_tmpdir();
	link_self();
	write_script("in", "#!./self inner\n");
	write_script("out", "#!./in outer\n");
	expect_args("./out", argv, "[./self][inner][./in][outer][./out][z]");
}

static void script_chain(int depth)
{
	char name[16], text[32];
	test_tmpdir();
	link_self();
	write_script("s1", "#!./self\n");
	for (int i = 2; i <= depth; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(text, sizeof text, "#!./s%d\n", i - 1);
		write_script(name, text);
	}
}

TEST(five_nested_scripts_are_allowed)
{
	char *argv[] = {"dropped", NULL};
	script_chain(5);
	expect_args("./s5", argv, "[./self][./s1][./s2][./s3][./s4][./s5]");
}

TEST(six_nested_scripts_are_eloop)
{
	script_chain(6);
	ASSERT_EQ(exec_errno("./s6"), ELOOP);
}

TEST(a_script_that_interprets_itself_is_eloop)
{
	test_tmpdir();
	write_script("s", "#!./s\n");
	ASSERT_EQ(exec_errno("./s"), ELOOP);
}

TEST(a_script_with_a_missing_interpreter_is_enoent)
{
	test_tmpdir();
	write_script("s", "#!/no/such/thing\n");
	ASSERT_EQ(exec_errno("./s"), ENOENT);
}

TEST(a_script_whose_interpreter_is_not_executable_is_eacces)
{
	test_tmpdir();
	write_file("plain", "x", 1, 0644);
	write_script("s", "#!./plain\n");
	ASSERT_EQ(exec_errno("./s"), EACCES);
	write_script("t", "#!.\n");
	ASSERT_EQ(exec_errno("./t"), EACCES);
}

TEST(a_script_without_an_interpreter_is_enoexec)
{
	test_tmpdir();
	write_script("s", "#!  \n./self");
	ASSERT_EQ(exec_errno("./s"), ENOEXEC);
}

TEST(a_truncated_interpreter_path_is_enoexec)
{
	char text[400] = "#!/";
	test_tmpdir();
	memset(text + 3, 'x', 300);
	strcpy(text + 303, "\n");
	write_script("s", text);
	ASSERT_EQ(exec_errno("./s"), ENOEXEC);
}

TEST(a_long_script_argument_is_cut_at_256_bytes)
{
	char text[400] = "#!./self ";
	char *argv[] = {"dropped", NULL};
	test_tmpdir();
	link_self();
	memset(text + 9, 'x', 300);
	strcpy(text + 309, "\n");
	write_script("s", text);
	ASSERT_EQ(run_command(&(struct command){"./s", argv, args_env, NULL}), 0);
	/* 256 bytes are read, the last of them is taken for the end. */
	ASSERT_EQ(strspn(output + strlen("[./self]["), "x"), 255 - 9);
}

TEST(files_that_are_no_program_are_enoexec)
{
	test_tmpdir();
	write_file("empty", "", 0, 0755);
	write_file("text", "echo hello\n", 11, 0755);
	write_file("elf", "\177ELF", 4, 0755);
	write_file("one", "#", 1, 0755);
	ASSERT_EQ(exec_errno("./empty"), ENOEXEC);
	ASSERT_EQ(exec_errno("./text"), ENOEXEC);
	ASSERT_EQ(exec_errno("./elf"), ENOEXEC);
	ASSERT_EQ(exec_errno("./one"), ENOEXEC);
}

/* Overwrites len bytes of the copy ./prog at offset at. */
static void patch_program(size_t at, const void *bytes, size_t len)
{
	copy_self("prog", 0755);
	int fd = open("prog", O_WRONLY);
	ASSERT_EQ(pwrite(fd, bytes, len, (off_t)at), len);
	close(fd);
}

TEST(a_damaged_elf_header_is_enoexec)
{
	const Elf64_Half machine = EM_AARCH64, size = 7, zero = 0, reloc = ET_REL;
	test_tmpdir();
	patch_program(offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
	ASSERT_EQ(exec_errno("./prog"), ENOEXEC);
	patch_program(offsetof(Elf64_Ehdr, e_phentsize), &size, sizeof size);
	ASSERT_EQ(exec_errno("./prog"), ENOEXEC);
	patch_program(offsetof(Elf64_Ehdr, e_phnum), &zero, sizeof zero);
	ASSERT_EQ(exec_errno("./prog"), ENOEXEC);
	patch_program(offsetof(Elf64_Ehdr, e_type), &reloc, sizeof reloc);
	ASSERT_EQ(exec_errno("./prog"), ENOEXEC);
}

/* Gives ./prog a PT_INTERP with this path, in place of a header that a static program can miss. */
static void set_interp(const char *path)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph = {0};
	off_t at = 0;
	copy_self("prog", 0755);
	int fd = open("prog", O_RDWR);
	off_t end = lseek(fd, 0, SEEK_END);
	ASSERT_EQ(pread(fd, &eh, sizeof eh, 0), sizeof eh);
	for (int i = 0; i < eh.e_phnum; i++) {
		at = (off_t)eh.e_phoff + i * (off_t)sizeof ph;
		ASSERT_EQ(pread(fd, &ph, sizeof ph, at), sizeof ph);
		if (ph.p_type == PT_NOTE)
			break;
	}
	ASSERT_EQ(ph.p_type, PT_NOTE);
	ph.p_type = PT_INTERP;
	ph.p_offset = (Elf64_Off)end;
	ph.p_filesz = strlen(path) + 1;
	ASSERT_EQ(pwrite(fd, &ph, sizeof ph, at), sizeof ph);
	ASSERT_EQ(pwrite(fd, path, strlen(path) + 1, end), strlen(path) + 1);
	close(fd);
}

TEST(a_missing_elf_interpreter_is_enoent)
{
	test_tmpdir();
	set_interp("/no/such/ld.so");
	ASSERT_EQ(exec_errno("./prog"), ENOENT);
}

TEST(an_elf_interpreter_that_is_not_elf_is_elibbad)
{
	char text[256] = "this is not an ELF file";
	test_tmpdir();
	write_file("ld", text, sizeof text, 0755);
	set_interp("./ld");
	ASSERT_EQ(exec_errno("./prog"), ELIBBAD);
}

TEST(path_errors)
{
	char longname[300], longpath[5000];
	test_tmpdir();
	memset(longname, 'n', sizeof longname - 1);
	longname[sizeof longname - 1] = 0;
	memset(longpath, '/', sizeof longpath - 1);
	longpath[sizeof longpath - 1] = 0;
	write_file("plain", "x", 1, 0644);
	ASSERT_OK(symlink("loop", "loop"));
	ASSERT_EQ(exec_errno(""), ENOENT);
	ASSERT_EQ(exec_errno("./missing"), ENOENT);
	ASSERT_EQ(exec_errno("./missing/x"), ENOENT);
	ASSERT_EQ(exec_errno("./plain/x"), ENOTDIR);
	ASSERT_EQ(exec_errno("./loop"), ELOOP);
	ASSERT_EQ(exec_errno(longname), ENAMETOOLONG);
	ASSERT_EQ(exec_errno(longpath), ENAMETOOLONG);
}

TEST(even_root_needs_an_execute_bit)
{
	test_tmpdir();
	copy_self("prog", 0666);
	ASSERT_EQ(exec_errno("./prog"), EACCES);
	ASSERT_OK(chmod("prog", 0601));
	char *argv[] = {"x", NULL}, *envp[] = {"MODE=exit", NULL};
	ASSERT_EQ(run_command(&(struct command){"./prog", argv, envp, NULL}), 42 << 8);
}

TEST(only_regular_files_can_be_executed)
{
	test_tmpdir();
	ASSERT_OK(mkdir("dir", 0755));
	ASSERT_OK(mkfifo("fifo", 0777));
	ASSERT_EQ(exec_errno("./dir"), EACCES);
	ASSERT_EQ(exec_errno("./fifo"), EACCES);
	ASSERT_EQ(exec_errno("/dev/null"), EACCES);
}

TEST(a_directory_without_search_permission_is_eacces)
{
	test_tmpdir();
	ASSERT_OK(mkdir("dir", 0700));
	copy_self("dir/prog", 0755);
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_EQ(exec_errno("dir/prog"), EACCES);
	}));
}

TEST(a_program_needs_no_read_permission)
{
	test_tmpdir();
	ASSERT_OK(chmod(".", 0755));
	copy_self("prog", 0711);
	pid_t p = SPAWN({
		char *argv[] = {"x", NULL};
		char *envp[] = {"MODE=exit", NULL};
		ASSERT_OK(setuid(NOBODY));
		execve("./prog", argv, envp);
	});
	ASSERT_EQ(wait_status(p), 42 << 8);
}

TEST(bad_pointers_are_efault)
{
	char *argv[] = {"x", NULL}, *bad[] = {(char *)1, NULL};
	char **volatile low = (char **)1, **volatile high = (char **)-4096l;
	ASSERT_ERR(execve((char *)low, argv, argv), EFAULT);
	ASSERT_ERR(execve(SELF, bad, argv), EFAULT);
	ASSERT_ERR(execve(SELF, low, argv), EFAULT);
	ASSERT_ERR(execve(SELF, argv, bad), EFAULT);
	ASSERT_ERR(execve(SELF, argv, high), EFAULT);
}

TEST(a_file_open_for_writing_is_etxtbsy)
{
	test_tmpdir();
	copy_self("prog", 0755);
	int fd = open("prog", O_WRONLY);
	ASSERT_OK(fd);
	ASSERT_EQ(exec_errno("./prog"), ETXTBSY);
	close(fd);
}

TEST(a_running_program_cannot_be_opened_for_writing)
{
	ASSERT_ERR(open(SELF, O_WRONLY), ETXTBSY);
	ASSERT_ERR(open(SELF, O_RDWR), ETXTBSY);
	ASSERT_ERR(truncate(SELF, 0), ETXTBSY);
}

TEST(thirty_programs_one_after_the_other)
{
	for (int i = 0; i < 30; i++)
		ASSERT_EQ(run_mode("MODE=exit", NULL, NULL), 42 << 8);
}

EXEC_MAIN()
