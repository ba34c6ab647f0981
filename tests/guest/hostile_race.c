/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second thread changes structures while a call reads them: what tests/guest/rw_race.c has for
 * buffers, vectors and messages, here for the others, and for the map itself.
 *
 * Each field is read once: the old value or the new one, never something checked as one and used
 * as the other.  Where that cannot be seen from here, it is enough that both kernels survive.
 */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <ucontext.h>

#define BAD ((void *)0xffff800000000000)

static volatile int stop;
static pthread_t racer;
static int64_t until;

/* Calls fn(0), fn(1), fn(0) ... until the test has made its rounds. */
static void *race(void *fn)
{
	void (*flip)(int) = (void (*)(int))(uintptr_t)fn;
	for (int turn = 0; !stop; turn ^= 1)
		flip(turn);
	return NULL;
}

static void start(void (*flip)(int))
{
	flip(0);
	until = now_ns() + 700000000;
	ASSERT_EQ(pthread_create(&racer, NULL, race, (void *)(uintptr_t)flip), 0);
}

static int going_on(void)
{
	return now_ns() < until;
}

static void finish(void)
{
	stop = 1;
	ASSERT_EQ(pthread_join(racer, NULL), 0);
}

/* linux/sched.h collides with libc's. */
struct args3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};
static volatile struct args3 args3;

static void flip_clone_args(int turn)
{
	args3.flags = turn ? 0xffffffff00000000 : CLONE_PARENT_SETTID;
	args3.exit_signal = turn ? 255 : SIGCHLD;
	args3.stack_size = turn ? 4096 : 0;
	args3.parent_tid = turn ? (uint64_t)BAD : (uint64_t)&stop + 64;
}

TEST(race_clone_args_change)
{
	start(flip_clone_args);
	while (going_on()) {
		long pid = syscall(SYS_clone3, &args3, sizeof args3);
		if (pid == 0)
			_exit(0);
		if (pid > 0)
			wait_status((pid_t)pid);
		else
			ASSERT(errno == EINVAL || errno == EFAULT);
	}
	finish();
}

struct kernel_action {
	void *handler;
	uint64_t flags;
	void *restorer;
	uint64_t mask;
};
static volatile struct kernel_action action;

static void flip_action(int turn)
{
	action.handler = turn ? (void *)1 : (void *)0;
	action.flags = turn ? ~0ull : SA_RESTART;
	action.mask = turn ? ~0ull : 0;
}

TEST(race_sigaction_changes)
{
	struct kernel_action old;
	start(flip_action);
	while (going_on()) {
		ASSERT_OK(syscall(SYS_rt_sigaction, SIGUSR1, &action, &old, 8));
		ASSERT(old.handler == (void *)0 || old.handler == (void *)1);
		/* SIGKILL and SIGSTOP never get into a mask. */
		ASSERT_EQ(old.mask & (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)), 0);
	}
	finish();
}

static volatile uint64_t mask;

static void flip_mask(int turn)
{
	mask = turn ? ~0ull : 0;
}

TEST(race_signal_masks_change)
{
	struct timespec none = {0, 0};
	uint64_t now;
	start(flip_mask);
	while (going_on()) {
		ASSERT_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &now, 8));
		ASSERT_EQ(now & (1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1)), 0);
		ASSERT_ERR(syscall(SYS_rt_sigtimedwait, &mask, NULL, &none, 8), EAGAIN);
		ASSERT_EQ(syscall(SYS_ppoll, NULL, 0, &none, &mask, 8), 0);
	}
	finish();
}

static union {
	struct sockaddr_un un;
	volatile uint64_t word[14];
} address;

static void flip_address(int turn)
{
	address.un.sun_family = turn ? AF_UNIX : AF_INET;
	for (int i = 1; i < 8; i++)
		address.word[i] = turn ? 0x6161616161616161 : 0x2f2f2f2f2f2f2f2f;
}

TEST(race_socket_addresses_change)
{
	test_tmpdir();
	start(flip_address);
	while (going_on()) {
		int s = socket(AF_UNIX, SOCK_DGRAM, 0);
		ASSERT_OK(s);
		bind(s, (struct sockaddr *)&address, 40);
		connect(s, (struct sockaddr *)&address, 40);
		sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&address, 40);
		close(s);
		/* Whatever name it got has these bytes only. */
		for (int n = 0; n <= 46; n++) {
			char name[64] = "";
			memset(name, 'a', (size_t)n);
			unlink(name);
		}
	}
	finish();
}

static volatile struct timespec moment;

static void flip_moment(int turn)
{
	moment.tv_sec = 0;
	moment.tv_nsec = turn ? 1000000000 : 1;
}

TEST(race_timespecs_change)
{
	struct itimerspec *both = (void *)map_anon(PAGE);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	ASSERT_OK(fd);
	start(flip_moment);
	while (going_on()) {
		ASSERT(nanosleep((struct timespec *)&moment, NULL) == 0 || errno == EINVAL);
		ASSERT(syscall(SYS_ppoll, NULL, 0, &moment, NULL, 8) == 0 || errno == EINVAL);
		both->it_value = *(struct timespec *)&moment;
		ASSERT(timerfd_settime(fd, 0, both, NULL) == 0 || errno == EINVAL);
		int word = 1;
		long r = syscall(SYS_futex, &word, FUTEX_WAIT, 1, &moment, NULL, 0);
		ASSERT(r == -1 && (errno == EINVAL || errno == ETIMEDOUT));
	}
	finish();
}

static volatile int words[4096];

static void flip_words(int turn)
{
	for (int i = 0; i < 4; i++)
		words[i] = turn;
}

TEST(race_futex_words_change)
{
	struct timespec soon = {0, 1000};
	start(flip_words);
	while (going_on()) {
		long r = syscall(SYS_futex, &words[0], FUTEX_WAIT, 0, &soon, NULL, 0);
		ASSERT(r == 0 || errno == EAGAIN || errno == ETIMEDOUT);
		r = syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE, 1, 1, &words[1], 0);
		ASSERT(r >= 0 || errno == EAGAIN);
		r = syscall(SYS_futex, &words[0], FUTEX_WAKE_OP, 1, 1, &words[2],
			    FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0));
		ASSERT(r >= 0);
	}
	finish();
}

static char *page;

static void flip_mapping(int turn)
{
	if (turn)
		munmap(page, PAGE);
	else
		map_at(page, PAGE, RW, ANON_PRIV | MAP_FIXED);
}

static char *three_pages(void)
{
	char *p = map_anon(3 * PAGE);
	page = p + PAGE;
	return p;
}

TEST(race_futex_page_comes_and_goes)
{
	struct timespec soon = {0, 1000};
	three_pages();
	start(flip_mapping);
	while (going_on()) {
		static const int ops[] = {FUTEX_WAIT, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, FUTEX_WAKE,
					  FUTEX_WAKE | FUTEX_PRIVATE_FLAG};
		for (int i = 0; i < 4; i++) {
			long r = syscall(SYS_futex, page, ops[i], 0, &soon, NULL, 0);
			ASSERT(r == 0 || errno == EFAULT || errno == ETIMEDOUT || errno == EAGAIN);
		}
	}
	finish();
}

/* Two threads change the same part of the map: the list and the memory must agree. */
static void flip_map(int turn)
{
	if (turn) {
		mmap(page, PAGE, PROT_READ, ANON_PRIV | MAP_FIXED, -1, 0);
		mprotect(page - PAGE, 2 * PAGE, PROT_READ);
	} else {
		munmap(page, 2 * PAGE);
		mmap(page - PAGE, 3 * PAGE, RW, ANON_SHR | MAP_FIXED, -1, 0);
	}
}

TEST(race_two_threads_change_the_map)
{
	unsigned char vec[3];
	char *p = three_pages();
	start(flip_map);
	while (going_on()) {
		char *to = map_anon(8 * PAGE);
		void *m = mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		ASSERT(m == to || m == MAP_FAILED);
		munmap(to, 8 * PAGE);
		mmap(p, 3 * PAGE, RW, ANON_PRIV | MAP_FIXED, -1, 0);
		madvise(p, 3 * PAGE, MADV_DONTNEED);
		mincore(p, 3 * PAGE, vec);
		mlock(p, PAGE);
		munlock(p, 3 * PAGE);
	}
	finish();
	/* Still in order: what is mapped now can be used. */
	map_at(p, 3 * PAGE, RW, ANON_PRIV | MAP_FIXED);
	memset(p, 1, 3 * PAGE);
}

TEST(race_fork_while_the_map_changes)
{
	three_pages();
	start(flip_map);
	while (going_on())
		JOIN(SPAWN({}));
	finish();
}

static void flip_brk(int turn)
{
	char *at = sbrk(turn ? 65536 : -65536);
	if (turn && at != (char *)-1)
		at[100] = 1;
}

TEST(race_brk_and_maps)
{
	start(flip_brk);
	while (going_on()) {
		char *p = map_anon(PAGE);
		p[0] = 1;
		ASSERT_OK(munmap(p, PAGE));
	}
	finish();
}

/* The frame is written to a stack that comes and goes; then the frame itself changes. */
static char *handler_stack;

static void flip_stack(int turn)
{
	mprotect(handler_stack, 65536, turn ? PROT_NONE : RW);
}

TEST(race_signal_stack_comes_and_goes)
{
	for (int i = 0; i < 20; i++) {
		int st = wait_status(SPAWN({
			handler_stack = map_anon(65536);
			stack_t alt = {.ss_sp = handler_stack, .ss_size = 65536};
			ASSERT_OK(sigaltstack(&alt, NULL));
			on_signal(SIGUSR1, count_signal, SA_ONSTACK);
			start(flip_stack);
			until = now_ns() + 30000000;
			while (going_on())
				raise(SIGUSR1);
			finish();
		}));
		ASSERT(st == 0 || st == SIGSEGV || st == (SIGSEGV | 0x80));
	}
}

static ucontext_t *volatile frame;

static void flip_frame(int turn)
{
	ucontext_t *f = frame;
	if (!f)
		return;
	f->uc_flags = turn ? ~0ul : 7;
	f->uc_mcontext.gregs[REG_CSGSFS] = turn ? 0x1234567812340023 : 0x2b000000000033;
	f->uc_mcontext.gregs[REG_EFL] = turn ? -1 : 0x202;
	f->uc_mcontext.fpregs = turn ? BAD : NULL;
	f->uc_sigmask.__val[0] = turn ? ~0ul : 0;
}

static void show_frame(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	frame = uc;
	for (volatile int i = 0; i < 1000; i++)
		;
}

TEST(race_signal_frame_changes_during_sigreturn)
{
	int ends = 0;
	for (int i = 0; i < 20; i++) {
		int st = wait_status(SPAWN({
			on_siginfo(SIGUSR1, show_frame, 0);
			start(flip_frame);
			until = now_ns() + 30000000;
			alarm(2); /* it may go anywhere */
			while (going_on())
				raise(SIGUSR1);
			_exit(0);
		}));
		ends += WIFEXITED(st) || WIFSIGNALED(st);
	}
	ASSERT_EQ(ends, 20);
}

struct robust {
	struct robust *next;
	long offset;
	struct robust *pending;
};
static struct robust list[3];

static void flip_list(int turn)
{
	((volatile struct robust *)list)[0].next = turn ? BAD : &list[1];
	((volatile struct robust *)list)[1].next = turn ? &list[1] : &list[0];
	((volatile struct robust *)list)[0].offset = turn ? 0x7fffffffffff : 8;
	((volatile struct robust *)list)[0].pending = turn ? (void *)1 : &list[2];
}

static void *dies_with_a_list(void *arg)
{
	(void)arg;
	syscall(SYS_set_robust_list, list, sizeof list[0]);
	return NULL;
}

TEST(race_robust_list_changes_at_exit)
{
	start(flip_list);
	while (going_on()) {
		pthread_t t;
		ASSERT_EQ(pthread_create(&t, NULL, dies_with_a_list, NULL), 0);
		ASSERT_EQ(pthread_join(t, NULL), 0);
	}
	finish();
}

static char *volatile strings[300];

static void flip_strings(int turn)
{
	static char text[70000];
	memset(text, turn ? 'x' : 'y', 60000);
	for (int i = 0; i < 290; i++)
		strings[i] = turn ? text : i % 7 ? text + 50000 : NULL;
	strings[3] = turn ? BAD : text;
}

/* A program that is not there: all of its arguments are looked at all the same. */
TEST(race_arguments_of_a_failing_execve)
{
	test_tmpdir();
	int fd = open("script", O_WRONLY | O_CREAT, 0700);
	ASSERT_EQ(write(fd, "#!/nonexistent x\n", 17), 17);
	close(fd);
	start(flip_strings);
	while (going_on()) {
		ASSERT_EQ(execve("script", (char **)strings, (char **)strings + 10), -1);
		ASSERT(errno == ENOENT || errno == E2BIG || errno == EFAULT || errno == ENOMEM);
	}
	finish();
}

static void *calls_for_ever(void *arg)
{
	char buf[64];
	(void)arg;
	for (;;) {
		getcwd(buf, sizeof buf);
		munmap(map_anon(PAGE), PAGE);
		close(open("/dev/null", O_RDONLY));
	}
	return NULL;
}

/* exec and exit with threads in the middle of calls. */
TEST(race_exec_and_exit_while_threads_call)
{
	for (int i = 0; i < 40; i++) {
		int st = wait_status(SPAWN({
			pthread_t t;
			for (int k = 0; k < 6; k++)
				pthread_create(&t, NULL, calls_for_ever, NULL);
			nap(i % 4);
			if (i % 2)
				execl("/bin/true", "true", NULL);
			_exit(0);
		}));
		ASSERT_EQ(st, 0);
	}
}

/* Two threads exec, one more exits the group: one of them wins. */
static void *execs(void *arg)
{
	execl("/bin/sh", "sh", "-c", arg, NULL);
	return NULL;
}

TEST(race_two_threads_exec)
{
	for (int i = 0; i < 30; i++) {
		int st = wait_status(SPAWN({
			pthread_t a, b;
			pthread_create(&a, NULL, execs, "exit 3");
			pthread_create(&b, NULL, execs, "exit 4");
			if (i % 3 == 0)
				_exit(5);
			pause();
		}));
		ASSERT(WIFEXITED(st) && WEXITSTATUS(st) >= 3 && WEXITSTATUS(st) <= 5);
	}
}

static pid_t victim;
static struct iovec remote;

static void flip_remote(int turn)
{
	remote.iov_base = turn ? BAD : page;
	*(volatile size_t *)&remote.iov_len = turn ? (size_t)-1 : 2 * PAGE;
}

/* The other process dies and is replaced while its memory is read. */
TEST(race_process_vm_with_a_dying_process)
{
	static char buf[2 * PAGE];
	struct iovec local = {buf, sizeof buf};
	three_pages();
	start(flip_remote);
	while (going_on()) {
		victim = SPAWN({ pause(); });
		for (int i = 0; i < 20; i++) {
			if (i == 5)
				kill(victim, SIGKILL);
			ssize_t n = process_vm_readv(victim, &local, 1, &remote, 1, 0);
			ASSERT(n <= (ssize_t)sizeof buf);
			n = process_vm_writev(victim, &local, 1, &remote, 1, 0);
			ASSERT(n <= (ssize_t)sizeof buf);
		}
		wait_status(victim);
	}
	finish();
}

TEST_MAIN()
