/* SPDX-License-Identifier: Apache-2.0 */
/* Trace lines of calls, over a memory of one page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "syscalls/abi/errno.h"
#include "syscalls/flags.h"
#include "syscalls/show.h"
#include "syscalls/strace.h"
#include "syscalls/sys.h"

#define BASE 0x10000ULL

static char page[4096];
static char last[8192];
static unsigned int lines;

static size_t read_page(void *ctx, void *dst, uaddr_t src, size_t size)
{
	(void)ctx;
	if (src < BASE || src >= BASE + sizeof(page))
		return 0;
	if (size > BASE + sizeof(page) - src)
		size = BASE + sizeof(page) - src;
	memcpy(dst, page + (src - BASE), size);
	return size;
}

static const struct trace_mem mem = {read_page, NULL};

static void take_line(void *ctx, const char *line, size_t size)
{
	(void)ctx;
	lines++;
	assert_true(size < sizeof(last));
	memcpy(last, line, size);
	last[size] = '\0';
	assert_int_equal(last[size - 1], '\n');
	assert_null(memchr(last, '\n', size - 1));
	last[size - 1] = '\0';
}

static struct strace call;

static void enter(uint32_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		  uint64_t f)
{
	const uint64_t args[6] = {a, b, c, d, e, f};

	strace_enter(&call, 12, nr, args, &mem);
}

static void expect(long ret, const char *want)
{
	strace_exit(&call, ret, &mem);
	assert_string_equal(last, want);
}

static uint64_t put(unsigned int at, const void *bytes, size_t size)
{
	memcpy(page + at, bytes, size);
	return BASE + at;
}

static uint64_t put_string(unsigned int at, const char *s)
{
	return put(at, s, strlen(s) + 1);
}

static int setup(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	lines = 0;
	last[0] = '\0';
	strace_setup(take_line, NULL);
	return 0;
}

static void shows_results_after_the_call(void **state)
{
	const int32_t fds[2] = {3, 4};

	(void)state;
	enter(NR_pipe2, BASE, O_CLOEXEC, 0, 0, 0, 0);
	assert_int_equal(lines, 0);
	put(0, fds, sizeof(fds));
	expect(0, "12 pipe2([3, 4], O_CLOEXEC) = 0");
	enter(NR_pipe2, BASE, O_CLOEXEC | 1 << 28, 0, 0, 0, 0);
	expect(-EINVAL, "12 pipe2(0x10000, O_CLOEXEC|0x10000000) = -1 EINVAL (Invalid argument)");
	enter(NR_getpid, 1, 2, 3, 0, 0, 0);
	expect(7, "12 getpid() = 7");
}

/* What the caller asked is what was there before the handler ran. */
static void reads_arguments_before_the_call(void **state)
{
	uint64_t path = put_string(100, "/etc/\"passwd\"\n\x01");

	(void)state;
	enter(NR_openat, (uint64_t)AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0777, 0, 0);
	put_string(100, "changed");
	expect(3, "12 openat(AT_FDCWD, \"/etc/\\\"passwd\\\"\\n\\1\", O_RDWR|O_CLOEXEC) = 3");
	enter(NR_openat, 5, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, 0, 0);
	expect(-ENOENT, "12 openat(5, \"changed\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = "
			"-1 ENOENT (No such file or directory)");
	enter(NR_open, path, O_TMPFILE | O_RDWR | O_SYNC, 0600, 0, 0, 0);
	expect(4, "12 open(\"changed\", O_RDWR|O_SYNC|O_TMPFILE, 0600) = 4");
}

static void shows_buffers(void **state)
{
	char text[100];
	uint64_t buf;

	(void)state;
	memset(text, 'x', sizeof(text));
	buf = put(0, text, sizeof(text));
	enter(NR_write, 1, buf, 5, 0, 0, 0);
	expect(5, "12 write(1, \"xxxxx\", 5) = 5");
	enter(NR_write, 1, buf, 100, 0, 0, 0);
	expect(100, "12 write(1, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., 100) = 100");
	enter(NR_read, 0, buf, 4096, 0, 0, 0);
	memcpy(page, "ab\0007", 4);
	expect(4, "12 read(0, \"ab\\0007\", 4096) = 4");
	enter(NR_read, 0, buf, 4096, 0, 0, 0);
	expect(-ERESTARTSYS,
	       "12 read(0, 0x10000, 4096) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
	enter(NR_read, 0, buf, 4096, 0, 0, 0);
	expect(0, "12 read(0, \"\", 4096) = 0");
}

/* Nothing the guest passes is followed beyond what can be read. */
static void survives_hostile_pointers(void **state)
{
	uint64_t argv[3] = {BASE + 8, 1, 0};

	(void)state;
	enter(NR_write, 1, 8, UINT64_MAX, 0, 0, 0);
	expect(-EFAULT, "12 write(1, 0x8, 18446744073709551615) = -1 EFAULT (Bad address)");
	enter(NR_openat, 0, 0, 0, 0, 0, 0);
	expect(-EFAULT, "12 openat(0, NULL, O_RDONLY) = -1 EFAULT (Bad address)");
	enter(NR_stat, UINT64_MAX, 0, 0, 0, 0, 0);
	expect(-EFAULT, "12 stat(0xffffffffffffffff, NULL) = -1 EFAULT (Bad address)");
	enter(NR_execve, BASE, put(4096 - 24, argv, sizeof(argv)), 0, 0, 0, 0);
	expect(-ENOENT,
	       "12 execve(\"\", [\"\", 0x1], NULL) = -1 ENOENT (No such file or directory)");
	/* A vector that runs off the page. */
	enter(NR_execve, BASE, put(4096 - 8, argv, 8), 0, 0, 0, 0);
	expect(0, "12 execve(\"\", [\"\"], NULL) = 0");
	/* A string that has no end. */
	memset(page, 'a', sizeof(page));
	enter(NR_chdir, BASE + 4093, 0, 0, 0, 0, 0);
	expect(0, "12 chdir(\"aaa\"...) = 0");
	enter(NR_poll, BASE, 0xffffffff, 0, 0, 0, 0);
	strace_exit(&call, -EINVAL, &mem);
	enter(NR_select, 0x7fffffff, BASE, BASE, BASE, BASE, 0);
	strace_exit(&call, 5, &mem);
	enter(NR_getgroups, 0x7fffffff, BASE, 0, 0, 0, 0);
	strace_exit(&call, 0x7fffffff, &mem);
	enter(NR_epoll_wait, 1, BASE, 0x7fffffff, 0, 0, 0);
	strace_exit(&call, 0x7fffffff, &mem);
	enter(NR_writev, 1, BASE, UINT64_MAX, 0, 0, 0);
	strace_exit(&call, -EINVAL, &mem);
}

/* Every kind, with arguments of all sorts, before and after, failed and not. */
static void survives_every_row(void **state)
{
	static const uint64_t values[] = {0, 1, 4096, BASE, BASE + 4000, UINT64_MAX, 0x80000000};

	(void)state;
	for (unsigned int fill = 0; fill < 3; fill++) {
		memset(page, fill == 0 ? 0 : fill == 1 ? 0xff : 1, sizeof(page));
		for (uint32_t nr = 0; nr <= NR_END; nr++) {
			for (size_t v = 0; v < 7; v++) {
				uint64_t x = values[v], y = values[(v + 3) % 7];

				enter(nr, x, y, x, y, x, y);
				strace_exit(&call, (long)y, &mem);
				enter(nr, y, x, x, BASE, y, y);
				strace_exit(&call, -EBADF, &mem);
			}
		}
	}
}

static void exit_prints_at_once(void **state)
{
	(void)state;
	enter(NR_exit_group, 3, 0, 0, 0, 0, 0);
	assert_int_equal(lines, 1);
	assert_string_equal(last, "12 exit_group(3) = ?");
}

static void shows_both_sides(void **state)
{
	struct abi_pollfd p[2] = {{3, POLLIN, 0}, {4, POLLIN | POLLOUT, 0}};
	uint64_t off = 10;

	(void)state;
	enter(NR_poll, put(0, p, sizeof(p)), 2, 0xffffffff, 0, 0, 0);
	p[1].revents = POLLOUT;
	put(0, p, sizeof(p));
	expect(1, "12 poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}] => "
		  "[{fd=4, revents=POLLOUT}], 2, -1) = 1");
	enter(NR_sendfile, 1, 2, put(0, &off, 8), 5, 0, 0);
	off = 15;
	put(0, &off, 8);
	expect(5, "12 sendfile(1, 2, [10] => [15], 5) = 5");
	enter(NR_sendfile, 1, 2, BASE, 5, 0, 0);
	expect(0, "12 sendfile(1, 2, [15], 5) = 0");
}

static void shows_names(void **state)
{
	(void)state;
	enter(NR_mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1,
	      0);
	expect(0x7f0000001000, "12 mmap(NULL, 8192, PROT_READ|PROT_WRITE, "
			       "MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000001000");
	enter(NR_mprotect, 0x1000, 4096, 0, 0, 0, 0);
	expect(0, "12 mprotect(0x1000, 4096, 0) = 0");
	enter(NR_madvise, 0x1000, 4096, 77, 0, 0, 0);
	expect(-EINVAL, "12 madvise(0x1000, 4096, 0x4d /* MADV_??? */) = "
			"-1 EINVAL (Invalid argument)");
	enter(NR_kill, 5, SIGTERM, 0, 0, 0, 0);
	expect(0, "12 kill(5, SIGTERM) = 0");
	enter(NR_tgkill, 5, 5, 34, 0, 0, 0);
	expect(0, "12 tgkill(5, 5, SIGRT_2) = 0");
	enter(NR_futex, 0x5000, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, 9, 9);
	expect(-EAGAIN, "12 futex(0x5000, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 2, NULL) = "
			"-1 EAGAIN (Resource temporarily unavailable)");
	enter(NR_futex, 0x5000, FUTEX_WAKE, 1, 0, 0, 0);
	expect(1, "12 futex(0x5000, FUTEX_WAKE, 1) = 1");
	enter(NR_clone, CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, 0, 0, 0x7000, 0, 0);
	expect(13, "12 clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x7000, "
		   "NULL) = 13");
	enter(NR_fcntl, 3, F_SETFD, FD_CLOEXEC, 0, 0, 0);
	expect(0, "12 fcntl(3, F_SETFD, FD_CLOEXEC) = 0");
	enter(NR_fcntl, 3, F_GETFL, 99, 0, 0, 0);
	expect(2, "12 fcntl(3, F_GETFL) = 2");
	enter(NR_ioctl, 1, TCGETS, 0x9000, 0, 0, 0);
	expect(-ENOTTY, "12 ioctl(1, TCGETS, 0x9000) = -1 ENOTTY (Inappropriate ioctl for device)");
	enter(NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	expect(3, "12 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3");
	enter(NR_waitid, ABI_P_PID, 13, 0, WEXITED | WNOHANG, 0, 0);
	expect(0, "12 waitid(P_PID, 13, NULL, WNOHANG|WEXITED, NULL) = 0");
	enter(NR_fchownat, (uint64_t)AT_FDCWD, put_string(0, "f"), 0xffffffff, 100,
	      AT_SYMLINK_NOFOLLOW, 0);
	expect(0, "12 fchownat(AT_FDCWD, \"f\", -1, 100, AT_SYMLINK_NOFOLLOW) = 0");
	enter(999, 1, 2, 3, 4, 5, 6);
	expect(-ENOSYS, "12 syscall_0x3e7(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = "
			"-1 ENOSYS (Function not implemented)");
}

static void shows_structs(void **state)
{
	struct abi_sigaction sa = {0x401000, SA_RESTART | SA_RESTORER, 0x402000,
				   abi_sigbit(SIGINT) | abi_sigbit(SIGCHLD)};
	struct abi_stat st = {.st_mode = S_IFREG | 0644, .st_size = 42};
	uint64_t all = ~abi_sigbit(SIGSEGV);
	int32_t status = 3 << 8;

	(void)state;
	enter(NR_rt_sigaction, SIGINT, put(0, &sa, sizeof(sa)), 0, 8, 0, 0);
	expect(0, "12 rt_sigaction(SIGINT, {sa_handler=0x401000, sa_mask=[INT CHLD], "
		  "sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8) = 0");
	enter(NR_rt_sigprocmask, SIG_BLOCK, put(0, &all, 8), 0, 8, 0, 0);
	expect(0, "12 rt_sigprocmask(SIG_BLOCK, ~[SEGV], NULL, 8) = 0");
	enter(NR_fstat, 3, BASE, 0, 0, 0, 0);
	put(0, &st, sizeof(st));
	expect(0, "12 fstat(3, {st_mode=S_IFREG|0644, st_size=42, ...}) = 0");
	enter(NR_wait4, (uint64_t)-1, BASE, 0, 0, 0, 0);
	put(0, &status, 4);
	expect(13, "12 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 13");
	status = SIGSEGV | 0x80;
	put(0, &status, 4);
	expect(13, "12 wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, "
		   "NULL) = 13");
	enter(NR_nanosleep, put(0, (int64_t[2]){1, 500}, 16), 0, 0, 0, 0, 0);
	expect(-ERESTART_RESTARTBLOCK, "12 nanosleep({tv_sec=1, tv_nsec=500}, NULL) = "
				       "? ERESTART_RESTARTBLOCK (Interrupted by signal)");
	enter(NR_connect, 3, put(0, "\1\0/tmp/s", 9), 9, 0, 0, 0);
	expect(0, "12 connect(3, {sa_family=AF_UNIX, sun_path=\"/tmp/s\"}, 9) = 0");
	enter(NR_connect, 3, put(0, "\1\0\0abc", 6), 6, 0, 0, 0);
	expect(0, "12 connect(3, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 6) = 0");
	enter(NR_prlimit64, 0, RLIMIT_NOFILE, 0, put(0, (uint64_t[2]){1024, ~0ULL}, 16), 0, 0);
	expect(0, "12 prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, "
		  "rlim_max=RLIM64_INFINITY}) = 0");
	enter(NR_select, 4, put(0, (uint64_t[1]){0xa}, 8), 0, 0, 0, 0);
	put(0, (uint64_t[1]){0x8}, 8);
	expect(1, "12 select(4, [1 3] => [3], NULL, NULL, NULL) = 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shows_results_after_the_call, setup),
		cmocka_unit_test_setup(reads_arguments_before_the_call, setup),
		cmocka_unit_test_setup(shows_buffers, setup),
		cmocka_unit_test_setup(survives_hostile_pointers, setup),
		cmocka_unit_test_setup(survives_every_row, setup),
		cmocka_unit_test_setup(exit_prints_at_once, setup),
		cmocka_unit_test_setup(shows_both_sides, setup),
		cmocka_unit_test_setup(shows_names, setup),
		cmocka_unit_test_setup(shows_structs, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
