/* SPDX-License-Identifier: Apache-2.0 */
/* The sentry's filter: what a sentry thread needs works, everything else ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "platform/host.h"
#include "platform/platform.h"
#include "platform/seccomp.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Wait status of a child that loads the filter and then does `work`. */
static int status_of(void (*work)(void), bool with_ptrace)
{
	int status;
	int pid = fork();
	if (pid == 0) {
		host_init();
		if (seccomp_load_sentry(with_ptrace) < 0)
			syscall(SYS_exit_group, 99);
		work();
		syscall(SYS_exit_group, 7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool dies(void (*work)(void), bool with_ptrace)
{
	int status = status_of(work, with_ptrace);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void lives(void (*work)(void), bool with_ptrace)
{
	int status = status_of(work, with_ptrace);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void do_open(void)
{
	open("/dev/null", O_RDONLY);
}

static void do_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void do_socketpair_inet(void)
{
	int pair[2];
	socketpair(AF_INET, SOCK_STREAM, 0, pair);
}

static void do_execve(void)
{
	execl("/bin/true", "true", NULL);
}

static void do_fork(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void do_namespace(void)
{
	syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}

static void do_map_exec(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_protect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void do_sti(void)
{
	ioctl(0, TIOCSTI, "x");
}

static void do_kill(void)
{
	kill(getppid(), 0);
}

static void do_tgkill_other(void)
{
	syscall(SYS_tgkill, 1, 1, SIGSTOP);
}

static void do_prctl(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void do_attach(void)
{
	syscall(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
}

static void do_poketext(void)
{
	syscall(SYS_ptrace, PTRACE_POKETEXT, 1, 0, 0);
}

static void do_seize(void)
{
	syscall(SYS_ptrace, PTRACE_SEIZE, 0x7fffffff, 0, 0);
}

static void do_i386(void)
{
	long r = 20; /* getpid there, writev here */
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
}

static void do_x32(void)
{
	syscall(0x40000000 | SYS_close, 0);
}

static void test_forbidden(void **state)
{
	(void)state;
	if (SANITIZED)
		skip(); /* no filter is loaded there */
#define CALL(name)                                                                                 \
	{                                                                                          \
#name, do_##name                                                                   \
	}
	static const struct {
		const char *name;
		void (*work)(void);
	} calls[] = {
		CALL(open),	CALL(socket),	 CALL(socketpair_inet), CALL(execve),
		CALL(fork),	CALL(namespace), CALL(map_exec),	CALL(sti),
		CALL(kill),	CALL(prctl),	 CALL(protect_exec),	CALL(attach),
		CALL(poketext), CALL(i386),	 CALL(tgkill_other),	CALL(x32),
	};
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!dies(calls[i].work, /*with_ptrace=*/true))
			fail_msg("%s goes through", calls[i].name);
	}
	lives(do_seize, /*with_ptrace=*/true);
	assert_true(dies(do_seize, /*with_ptrace=*/false));
}

static void *thread_work(void *arg)
{
	int64_t now = 0;
	char *p = malloc(1 << 20);
	char *q = realloc(p, 8 << 20);
	if (!q)
		return NULL;
	memset(q, 1, 8 << 20);
	free(q);
	host_clock_get(CLOCK_MONOTONIC, &now);
	static uint32_t word;
	host_futex_wait(&word, 0, now + 1000000);
	*(int *)arg = 1;
	return arg;
}

/* Everyday sentry life: threads, heap, sockets, shared memory, sleeping. */
static void do_normal(void)
{
	enum { N = 20 };
	pthread_t t[N];
	int done[N] = {0}, pair[2], fd, got = -1;
	char byte;
	for (int i = 0; i < N; i++)
		if (pthread_create(&t[i], NULL, thread_work, &done[i]))
			syscall(SYS_exit_group, 10);
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		if (!done[i])
			syscall(SYS_exit_group, 11);
	}
	if (host_socketpair(SOCK_STREAM, pair) < 0 || host_send_fd(pair[0], "x", 1, pair[1]) < 0 ||
	    host_recv_fd(pair[1], &byte, 1, &got) < 0)
		syscall(SYS_exit_group, 12);
	int err = host_memfd("m", &fd);
	if (err == 0 && (host_ftruncate(fd, 4096) < 0 || host_pwrite(fd, "x", 1, 0) != 1))
		syscall(SYS_exit_group, 13);
	host_random(&byte, 1);
	host_close(got);
}

/* Whatever hostfile_ioctl() passes on: a guest whose terminal is the host's may ask for each. */
static void do_terminal(void)
{
	static const unsigned long commands[] = {
		TCGETS,	    TCSETS,	TCSETSW,    TCSETSF,	0x802c542a, 0x402c542b,
		0x402c542c, 0x402c542d, TIOCGWINSZ, TIOCSWINSZ, FIONREAD,   TIOCOUTQ,
		TCFLSH,	    TCXONC,	TCSBRK,	    TCSBRKP,
	};
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		host_ioctl(-1, commands[i], NULL);
}

static void test_allowed(void **state)
{
	(void)state;
	lives(do_normal, /*with_ptrace=*/false);
	lives(do_terminal, /*with_ptrace=*/false);
}

/* The ptrace platform, whole, behind the filter. */
static int guest_behind_filter(void)
{
	const struct platform_ops *p = &ptrace_platform;
	static const unsigned char code[] = {0x0f, 0x05, 0xeb, 0xfc};
	struct iovec l = {(void *)(uintptr_t)code, sizeof code},
		     r = {(void *)0x400000, sizeof code};
	struct map_req req = {.addr = 0x400000, .size = 4096, .prot = 7, .fd = -1};
	struct aspace *as, *as2;
	struct ctx *c, *c2, *c3;
	struct event ev;
	int fd;
	if (host_init() < 0 || p->init() < 0 || seccomp_load_sentry(/*with_ptrace=*/true) < 0)
		return 1;
	if (p->aspace_new(NULL, &as, &c) < 0 || p->ctx_adopt(c) < 0 || p->map(c, &req) < 0)
		return 2;
	if (p->write(as, &l, 1, &r, 1) != sizeof code)
		return 3;
	p->regs_mut(c)->rip = 0x400000;
	p->run(c, &ev);
	if (ev.kind != EV_SYSCALL || p->aspace_fork(c, &as2, &c2) < 0 || p->ctx_adopt(c2) < 0)
		return 4;
	p->interrupt(c2);
	p->run(c2, &ev);
	if (ev.kind != EV_INTERRUPT || p->ctx_create(c, &c3) < 0 || p->ctx_adopt(c3) < 0)
		return 5;
	if (host_memfd("m", &fd) == 0) {
		req.fd = fd;
		req.addr = 0x500000;
		if (host_ftruncate(fd, 4096) < 0 || p->map(c2, &req) < 0)
			return 6;
	}
	if (p->fpu_reset(c) < 0)
		return 8;
	p->ctx_destroy(c);
	p->ctx_destroy(c2);
	p->ctx_destroy(c3);
	p->aspace_destroy(as, NULL);
	p->aspace_destroy(as2, NULL);
	p->shutdown();
	return 7;
}

static void test_ptrace_platform(void **state)
{
	(void)state;
	int status, pid = fork();
	if (pid == 0)
		syscall(SYS_exit_group, guest_behind_filter());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_ptrace_platform),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
