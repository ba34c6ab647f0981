/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of syscalls/table.def with every kind of wrong argument, one at a time.
 *
 * A case is (call, argument, pattern): the call is made in a child of its own, with sensible
 * values for the other arguments.  What a TEST demands: each child comes to an end, and this
 * kernel goes on.  What the calls answered is printed by
 *
 *	hostile_args -l		NAME ARGUMENT PATTERN ANSWER, a line a case
 *
 * and tests/programs/hostile.sh compares what the real kernel and ours say.
 */
#include "task.h"

#include "../../syscalls/map.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum kind {
#define ARGKIND(kind, type, dir, len, when, show, aux) K_##kind,
#include "../../syscalls/argkind.def"
	K_COUNT
};

static const struct {
	const char *dir, *aux;
	int width;
} kinds[] = {
#define ARGKIND(kind, type, dir, len, when, show, aux) {#dir, #aux, sizeof(#type) - 1},
#include "../../syscalls/argkind.def"
};

static const struct row {
	int nr;
	const char *name;
	int nargs;
	unsigned char kind[6];
} rows[] = {
#define KIND_OF(i, arg, kind) K_##kind,
#define ROW(nr, name, ...)                                                                         \
	{nr, #name, MAP_PAIR_COUNT(__VA_ARGS__), {MAP_PAIRS(KIND_OF __VA_OPT__(, ) __VA_ARGS__)}},
#define SYSCALL(nr, name, since, support, host, ...) ROW(nr, name __VA_OPT__(, ) __VA_ARGS__)
#define LATER(nr, name, since, support, host, ...)   ROW(nr, name __VA_OPT__(, ) __VA_ARGS__)
#define NOSYS(nr, name, since, why, ...)	     ROW(nr, name __VA_OPT__(, ) __VA_ARGS__)
#include "../../syscalls/table.def"
};
enum { ROWS = sizeof rows / sizeof rows[0], PATTERNS = 64 };

/* Would hurt a real kernel, or other processes on it. */
static const char *const left_out[] = {
	"reboot",
	"kexec_load",
	"kexec_file_load",
	"swapon",
	"swapoff",
	"init_module",
	"finit_module",
	"delete_module",
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"mount",
	"umount2",
	"pivot_root",
	"sethostname",
	"setdomainname",
	"acct",
	"syslog",
	"quotactl",
	"quotactl_fd",
	"iopl",
	"ioperm",
	"vhangup",
	"nfsservctl",
	"bpf",
	"perf_event_open",
	"kill",
	"setpriority",
	"ioprio_set",
	"move_pages",
	"migrate_pages",
	"process_madvise",
	"process_mrelease",
	"ptrace",
	"open_tree",
	"open_tree_attr",
	"move_mount",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"add_key",
	"request_key",
	"keyctl",
	"sync",
	"fchroot",
	"uretprobe",
	"uprobe",
	"fanotify_init",
	"fanotify_mark",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"seccomp",
};

enum {
	FD_FILE = 40,
	FD_CLOSED = 100,
};
static const char *const fd_names[] = {"file",	 "dir",	   "path",    "null",  "pipe_r",
				       "pipe_w", "stream", "dgram",   "event", "timer",
				       "epoll",	 "signal", "inotify", "memfd"};

enum class {
	POINTERS,
	NUMBERS,
	DESCRIPTORS,
	FLAGS,
};

struct pattern {
	char name[16];
	uint64_t value;
};

/* Two pages, then a hole; a page to read only; one of PROT_NONE; a page for each argument. */
static char *arena;
#define HOLE	  (arena + 2 * PAGE)
#define READ_ONLY (arena + 4 * PAGE)
#define NONE	  (arena + 6 * PAGE)
#define GOOD(arg) (arena + (8 + (arg)) * PAGE)

/* What a case answered: an errno, or one of these. */
enum { OK = 0, EXITED = 1000, NOT_RUN, DIED = 2000 };
static volatile int *answer;

/* Milliseconds until a call that sleeps is woken; many to be sure of the answer. */
static int patience = 15;

static int is_left_out(const char *name)
{
	for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
		if (strcmp(left_out[i], name) == 0)
			return 1;
	return 0;
}

static enum class class_of(int kind) {
	if (strcmp(kinds[kind].dir, "VAL") != 0 || kind == K_ADDR) return POINTERS;
	if (kind == K_FD || kind == K_DIRFD) return DESCRIPTORS;
	return strncmp(kinds[kind].aux, "FG_", 3) == 0 ? FLAGS : NUMBERS;
}

static void add(struct pattern *p, int *n, const char *name, uint64_t value)
{
	snprintf(p[*n].name, sizeof p->name, "%s", name);
	p[(*n)++].value = value;
}

static void add_pointers(struct pattern *p, int *n)
{
	static const uint64_t bad[] = {0,
				       1,
				       16,
				       0x7fffff800000,
				       0x7fffff801000,
				       0x7fffffffefff,
				       0x800000000000,
				       0x8000000000000000,
				       0xffff800000000000,
				       0xffffffffff600000,
				       -8ull,
				       -1ull};
	char name[16];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(name, sizeof name, "%llx",
			 (unsigned long long)bad[i] >> (bad[i] > 0xffffff ? 20 : 0));
		add(p, n, name, bad[i]);
	}
	add(p, n, "hole", (uint64_t)HOLE);
	add(p, n, "hole-1", (uint64_t)HOLE - 1);
	add(p, n, "hole-4", (uint64_t)HOLE - 4);
	add(p, n, "hole-12", (uint64_t)HOLE - 12);
	add(p, n, "read_only", (uint64_t)READ_ONLY);
	add(p, n, "none", (uint64_t)NONE);
}

static void add_numbers(struct pattern *p, int *n, int kind)
{
	static const uint64_t numbers[] = {0,
					   1,
					   2,
					   7,
					   16,
					   64,
					   65,
					   1024,
					   1025,
					   4095,
					   4096,
					   4097,
					   65536,
					   0x7fffffff,
					   0x80000000,
					   0xffffffff,
					   0x100000001,
					   0x7ffffffffffff000,
					   0x7fffffffffffffff,
					   0x8000000000000000,
					   -4096ull,
					   -1ull};
	char name[24];
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		/* Not other people's processes. */
		if (kind == K_PID && (int)numbers[i] != 0x7fffffff && (int)numbers[i] != 0)
			continue;
		snprintf(name, sizeof name, "%llx", (unsigned long long)numbers[i]);
		add(p, n, name, numbers[i]);
	}
}

static void add_descriptors(struct pattern *p, int *n)
{
	add(p, n, "minus1", (uint64_t)-1);
	add(p, n, "closed", FD_CLOSED);
	add(p, n, "int_max", 0x7fffffff);
	add(p, n, "int_min", 0x80000000);
	add(p, n, "high_bits", 0xffffffff00000000 | FD_FILE);
	for (size_t i = 0; i < sizeof fd_names / sizeof fd_names[0]; i++)
		add(p, n, fd_names[i], FD_FILE + i);
}

static void add_flags(struct pattern *p, int *n)
{
	char name[8];
	add(p, n, "all", (uint64_t)-1);
	for (int bit = 0; bit < 34; bit++) {
		snprintf(name, sizeof name, "bit%d", bit);
		add(p, n, name, 1ull << bit);
	}
	add(p, n, "bit63", 1ull << 63);
}

static int patterns_for(int kind, struct pattern *p)
{
	int n = 0;
	switch (class_of(kind)) {
	case POINTERS:
		add_pointers(p, &n);
		break;
	case NUMBERS:
		add_numbers(p, &n, kind);
		break;
	case DESCRIPTORS:
		add_descriptors(p, &n);
		break;
	case FLAGS:
		add_flags(p, &n);
		break;
	}
	return n;
}

static uint64_t sensible(int kind, int arg)
{
	switch (kind) {
	case K_FD:
		return FD_FILE;
	case K_DIRFD:
		return (uint64_t)AT_FDCWD;
	case K_PATH:
		return (uint64_t)strcpy(GOOD(arg), "f");
	case K_STRING:
		return (uint64_t)strcpy(GOOD(arg), "user.a");
	case K_PID:
		return (uint64_t)getpid();
	case K_SIZE:
		return 8;
	case K_INT:
	case K_UINT:
	case K_LONG:
	case K_ULONG:
		return 1;
	case K_MODE:
		return 0600;
	default:
		return class_of(kind) == POINTERS ? (uint64_t)GOOD(arg) : 0;
	}
}

static void at(int fd, int want)
{
	if (fd < 0 || dup2(fd, want) < 0)
		FAIL("descriptor %s: errno %d", fd_names[want - FD_FILE], errno);
	close(fd);
}

/* As root, fchmod would change the machine's own null device, which is our standard input, too. */
static int null_open(void)
{
	int fd = -1;
	if (mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0)
		fd = open("null", O_RDWR);
	return fd < 0 ? open("/dev/null", O_RDWR) : fd;
}

static void open_all(void)
{
	int p[2], fd = FD_FILE;
	sigset_t none = set_of(0);
	int null = null_open();
	ASSERT_EQ(dup2(null, 0), 0);
	at(open("f", O_RDWR | O_CREAT, 0600), fd++);
	at(open(".", O_RDONLY | O_DIRECTORY), fd++);
	at(open("f", O_PATH), fd++);
	at(null, fd++);
	ASSERT_OK(pipe(p));
	at(p[0], fd++);
	at(p[1], fd++);
	at(socket(AF_UNIX, SOCK_STREAM, 0), fd++);
	at(socket(AF_UNIX, SOCK_DGRAM, 0), fd++);
	at(eventfd(3, 0), fd++);
	at(timerfd_create(CLOCK_MONOTONIC, 0), fd++);
	at(epoll_create1(0), fd++);
	at(signalfd(-1, &none, 0), fd++);
	at(inotify_init1(0), fd++);
	at((int)syscall(SYS_memfd_create, "m", 0), fd++);
}

static void set_up(void)
{
	struct rlimit files = {200, 200}, size = {1 << 20, 1 << 20}, space = {64 << 20, 64 << 20};
	test_tmpdir();
	/* Where there are no neighbours: a length that is too large must run into nothing. */
	arena = map_at((void *)0x20000000, 16 * PAGE, RW, ANON_PRIV | MAP_FIXED);
	ASSERT_OK(munmap(HOLE, 2 * PAGE));
	ASSERT_OK(mprotect(READ_ONLY, PAGE, PROT_READ));
	ASSERT_OK(mprotect(NONE, PAGE, PROT_NONE));
	answer = (int *)map_shared(PAGE);
	open_all();
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &size));
	ASSERT_OK(setrlimit(RLIMIT_AS, &space));
	on_signal(SIGXFSZ, SIG_IGN, 0);
	on_signal(SIGALRM, count_signal, 0);
}

static void tick(int ms)
{
	struct itimerval it = {{0, ms * 1000}, {0, ms * 1000}};
	setitimer(ITIMER_REAL, &it, NULL);
}

/* A child that may share our stack ends at once. */
static long raw_call(long nr, const uint64_t a[6], long child_ends)
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4],
			      r9 __asm__("r9") = a[5];
	register long ends __asm__("r12") = child_ends;
	long ret;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "test %%r12, %%r12\n\t"
			 "jz 1f\n\t"
			 "mov $60, %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "1:"
			 : "=a"(ret)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9),
			   "r"(ends)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The files are as before whatever the last call did. */
static void make_files(void)
{
	char text[64];
	memset(text, 'x', sizeof text);
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, text, sizeof text);
	close(fd);
	unlink("n");
	lseek(FD_FILE, 0, SEEK_SET);
}

static void in_child(const struct row *row, int arg, uint64_t value)
{
	uint64_t a[6] = {0};
	make_files();
	for (int i = 0; i < row->nargs; i++)
		a[i] = i == arg ? value : sensible(row->kind[i], i);
	tick(patience);
	long r = raw_call(row->nr, a,
			  row->nr == SYS_clone || row->nr == SYS_clone3 || row->nr == SYS_vfork);
	*answer = r < 0 && r > -4096 ? (int)-r : OK;
	_exit(0);
}

static int run_case(const struct row *row, int arg, uint64_t value)
{
	int st = 0, ticks = 0;
	*answer = EXITED;
	pid_t pid = fork();
	ASSERT_OK(pid);
	if (pid == 0)
		in_child(row, arg, value);
	tick(1000);
	/* It may have blocked SIGALRM. */
	while (waitpid(pid, &st, __WALL) < 0) {
		ASSERT_EQ(errno, EINTR);
		if (++ticks > 5)
			FAIL("%s, argument %d = %#lx: a killed child does not end", row->name, arg,
			     value);
		kill(pid, SIGKILL);
	}
	tick(0);
	return WIFSIGNALED(st) ? DIED + WTERMSIG(st) : *answer;
}

static void print_case(const struct row *row, int arg, const char *pattern, int got)
{
	const char *name = got < EXITED ? strerrorname_np(got) : NULL;
	if (got == OK)
		printf("%s %d %s ok\n", row->name, arg, pattern);
	else if (name)
		printf("%s %d %s %s\n", row->name, arg, pattern, name);
	else
		printf("%s %d %s %s%d\n", row->name, arg, pattern, got >= DIED ? "signal" : "exit",
		       got % 1000);
}

static void row_cases(const struct row *row, enum class class, int print)
{
	struct pattern p[PATTERNS];
	for (int arg = 0; arg < row->nargs; arg++) {
		if (class_of(row->kind[arg]) != class)
			continue;
		int n = patterns_for(row->kind[arg], p);
		for (int i = 0; i < n; i++) {
			int got = run_case(row, arg, p[i].value);
			if (print)
				print_case(row, arg, p[i].name, got);
		}
	}
}

static void cases(enum class class, int from, int to)
{
	set_up();
	for (int i = 0; i < ROWS; i++)
		if (rows[i].nr >= from && rows[i].nr < to && !is_left_out(rows[i].name))
			row_cases(&rows[i], class, /*print=*/0);
	/* Still there, and in its right mind. */
	ASSERT_EQ(fcntl(FD_FILE, F_GETFD), 0);
	ASSERT_EQ(access("f", F_OK), 0);
}

#define RANGE(from, to)                                                                            \
	TEST(pointers_##from)                                                                      \
	{                                                                                          \
		cases(POINTERS, from, to);                                                         \
	}                                                                                          \
	TEST(numbers_##from)                                                                       \
	{                                                                                          \
		cases(NUMBERS, from, to);                                                          \
	}                                                                                          \
	TEST(descriptors_##from)                                                                   \
	{                                                                                          \
		cases(DESCRIPTORS, from, to);                                                      \
	}                                                                                          \
	TEST(flags_##from)                                                                         \
	{                                                                                          \
		cases(FLAGS, from, to);                                                            \
	}
/* clang-format off */
RANGE(0, 40)
RANGE(40, 80)
RANGE(80, 130)
RANGE(130, 180)
RANGE(180, 230)
RANGE(230, 280)
RANGE(280, 400)
RANGE(400, 500)
/* clang-format on */

static void print_all(const char *only)
{
	set_up();
	for (int i = 0; i < ROWS; i++)
		for (int class = POINTERS; class <= FLAGS; class ++)
			if (!is_left_out(rows[i].name) &&
			    (!only || strcmp(rows[i].name, only) == 0))
				row_cases(&rows[i], (enum class) class, /*print=*/1);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "-l") == 0) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		patience = 100;
		print_all(argc > 2 ? argv[2] : NULL);
		return 0;
	}
	return test_main(argc > 1 ? argv[1] : NULL);
}
