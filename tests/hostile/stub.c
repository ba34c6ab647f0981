/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that runs the ptrace platform's stub: inside only; skipped where another one is.
 *
 * The code and data of the stub (platform/stub/) lie above the guest's memory, at one of four
 * places.  The guest can read and execute the code and write the data.  What must hold: a
 * `syscall` there is the guest's own, answered by the sentry; the code does not change; the
 * descriptors and mappings of the stub are out of reach.
 */
#include "../guest/task.h"

#include "../../platform/stub/stub.h"
#include "../../platform/trap/slot.h"

#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>
#include <sys/time.h>

static const uint64_t bases[] = {0x7fffff800000, 0x7fffff400000, 0x7fffffc00000, 0x7fffff200000};
static unsigned char text[STUB_TEXT_SIZE]; /* as it was in the beginning */
static uint64_t base;

static volatile uint64_t *progress; /* shared with children */
static sigjmp_buf back;
static volatile sig_atomic_t away, came_by;

static void come_back(int sig)
{
	came_by = sig;
	if (away)
		siglongjmp(back, 1);
}

static void catch_all(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGTRAP, SIGILL, SIGFPE, SIGALRM, SIGSYS};
	stack_t alt = {.ss_sp = map_anon(64 << 10), .ss_size = 64 << 10};
	ASSERT_OK(sigaltstack(&alt, NULL));
	for (size_t i = 0; i < sizeof sigs / sizeof sigs[0]; i++)
		on_signal(sigs[i], come_back, SA_ONSTACK | SA_NODEFER);
}

static void tick(long us)
{
	struct itimerval it = {{0, us}, {0, us}};
	setitimer(ITIMER_REAL, &it, NULL);
}

static int readable(uint64_t at)
{
	volatile unsigned char *p = (unsigned char *)at;
	int ok = 0;
	away = 1;
	if (sigsetjmp(back, 1) == 0) {
		(void)*p;
		ok = 1;
	}
	away = 0;
	return ok;
}

static void find_stub(void)
{
	catch_all();
	for (size_t i = 0; i < sizeof bases / sizeof bases[0] && !base; i++)
		if (readable(bases[i]))
			base = bases[i];
	if (!base || readable(SLOTS_AT))
		SKIP("not under ptrace");
	memcpy(text, (void *)base, sizeof text);
	on_signal(SIGALRM, SIG_DFL, 0);
	progress = (uint64_t *)map_shared(PAGE);
}

static void assert_text_is_whole(void)
{
	ASSERT(memcmp(text, (void *)base, sizeof text) == 0);
}

/* Goes to the address with these registers; comes back by a signal only. */
static void jump(uint64_t to, uint64_t rax, const uint64_t a[6])
{
	away = 1;
	if (sigsetjmp(back, 1) == 0) {
		register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4];
		register uint64_t r9 __asm__("r9") = a[5], r12 __asm__("r12") = 1;
		__asm__ volatile("jmp *%[to]"
				 :
				 : [to] "b"(to), "a"(rax), "D"(a[0]), "S"(a[1]), "d"(a[2]),
				   "r"(r10), "r"(r8), "r"(r9), "r"(r12)
				 : "memory");
		__builtin_unreachable();
	}
	away = 0;
}

/* fork, vfork, clone, clone3: the child would come back as well. */
static int makes_child(uint64_t nr)
{
	nr = (uint32_t)nr;
	return nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone || nr == SYS_clone3;
}

static char buf[PAGE] __attribute__((aligned(4096)));

static void arguments(int set, uint64_t a[6])
{
	const uint64_t sets[][6] = {
		{0},
		{STUB_CTL_FD, (uint64_t)buf, 8, 0, 0, 0},
		{base, STUB_SIZE, 7, 0x32, -1ull, 0},
		{base + STUB_TEXT_SIZE, base + STUB_TEXT_SIZE, base, base, base, base},
	};
	memcpy(a, sets[set], sizeof sets[set]);
}
enum { SETS = 4, NUMBERS = 520 };

/* The numbers there are, and some that look like one. */
static uint64_t number(uint64_t i)
{
	static const uint64_t odd[] = {-1ull,
				       0x100000000 | SYS_getpid,
				       0x40000000 | SYS_getpid,
				       0x80000000,
				       0x7fffffff,
				       -512ull,
				       -516ull,
				       1 << 20};
	return i < 512 ? i : odd[i - 512];
}

static void child_jumps(uint64_t site, int set)
{
	uint64_t a[6];
	pid_t me = getpid();
	catch_all();
	while (*progress < NUMBERS) {
		uint64_t i = (*progress)++, nr = number(i);
		if (makes_child(nr))
			continue;
		arguments((int)(i + (unsigned)set) % SETS, a);
		tick(500); /* it may sleep, or have stopped the last one */
		jump(site, nr, a);
		if (getpid() != me)
			_exit(0);
		/* Whatever it did to the signals, it did to us only. */
		catch_all();
	}
	assert_text_is_whole();
	_exit(0);
}

/* A call may have stopped the child's timer, or the child: then it is killed. */
static void reap(pid_t pid)
{
	int idle = 0;
	for (uint64_t seen = *progress; waitpid(pid, NULL, WNOHANG) == 0; nap(1)) {
		idle = *progress == seen ? idle + 1 : 0;
		seen = *progress;
		if (idle == 50)
			kill(pid, SIGKILL);
	}
}

/* A child that dies on the way is followed by one that goes on behind that number. */
static void site_jumps(uint64_t site, int set)
{
	*progress = 0;
	while (*progress < NUMBERS) {
		pid_t pid = fork();
		ASSERT_OK(pid);
		if (pid == 0)
			child_jumps(site, set);
		reap(pid);
	}
}

static int is_syscall(size_t i)
{
	return i + 1 < sizeof text && text[i] == 0x0f && text[i + 1] == 0x05;
}

static void every_site(int set)
{
	int sites = 0;
	find_stub();
	for (size_t i = 0; i < sizeof text; i++)
		if (is_syscall(i)) {
			test_goes_on();
			site_jumps(base + i, set);
			sites++;
		}
	ASSERT(sites > 10);
	assert_text_is_whole();
}

TEST(every_number_at_every_syscall_of_the_stub)
{
	every_site(0);
}
TEST(every_number_at_every_syscall_with_other_arguments)
{
	every_site(2);
}

/* Every byte of the code as an entry, with what the stub itself asks for. */
TEST(every_byte_of_the_stub_is_entered)
{
	static const uint64_t rax[] = {0, SYS_mmap, SYS_recvmsg, SYS_prctl, -1ull};
	uint64_t a[6];
	find_stub();
	for (size_t at = 0; at < 1024; at++) {
		pid_t pid = SPAWN({
			pid_t me = getpid();
			catch_all();
			for (int i = 0; i < 5; i++) {
				arguments(i % SETS, a);
				tick(500);
				jump(base + at, rax[i], a);
				if (getpid() != me)
					break;
			}
		});
		reap(pid);
	}
	assert_text_is_whole();
}

static int64_t call_at(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	int64_t ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a0), "S"(a1), "d"(a2)
			 : "rcx", "r11", "memory");
	return ret;
}

static volatile int64_t answer;

static void keep_answer(int sig, siginfo_t *si, void *uc)
{
	(void)si;
	answer = ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX];
	come_back(sig);
}

/* stub_call is the first instruction, an int3 follows. */
static int64_t stub_answers(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	const uint64_t a[6] = {a0, a1, a2, 0, 0, 0};
	on_siginfo(SIGTRAP, keep_answer, SA_NODEFER | SA_ONSTACK);
	jump(base, nr, a);
	ASSERT_EQ(came_by, SIGTRAP);
	return answer;
}

TEST(a_call_from_the_stub_is_the_guests_own)
{
	int fd[2];
	find_stub();
	ASSERT(is_syscall(0));
	ASSERT_EQ(stub_answers(SYS_getpid, 0, 0, 0), getpid());
	ASSERT_EQ(stub_answers(SYS_getppid, 0, 0, 0), getppid());
	/* The control socket is no descriptor of the guest, and nothing comes of it. */
	close(STUB_CTL_FD);
	ASSERT_EQ(stub_answers(SYS_write, STUB_CTL_FD, (uint64_t)buf, 8), -EBADF);
	ASSERT_EQ(stub_answers(SYS_recvmsg, STUB_CTL_FD, (uint64_t)buf, 0), -EBADF);
	ASSERT_EQ(stub_answers(SYS_dup2, STUB_CTL_FD, 9, 0), -EBADF);
	ASSERT_EQ(stub_answers(SYS_close, STUB_CTL_FD, 0, 0), -EBADF);
	/* A descriptor 3 of the guest is another thing altogether. */
	ASSERT_OK(pipe(fd));
	fd[0] = fcntl(fd[0], F_DUPFD, 20);
	ASSERT_EQ(dup2(fd[1], STUB_CTL_FD), STUB_CTL_FD);
	ASSERT_EQ(stub_answers(SYS_write, STUB_CTL_FD, (uint64_t) "12345678", 8), 8);
	ASSERT_EQ(read(fd[0], buf, 100), 8);
	ASSERT_EQ(stub_answers(SYS_close, STUB_CTL_FD, 0, 0), 0);
	/* Files can still be mapped: the socket is where it was. */
	int f = open("/proc/self/exe", O_RDONLY);
	ASSERT_OK(f);
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, f, 0);
	ASSERT(m != MAP_FAILED && memcmp(m, "\177ELF", 4) == 0);
}

TEST(the_stubs_pages_are_out_of_reach_of_calls)
{
	void *p;
	int fd[2];
	find_stub();
	p = (void *)base;
	ASSERT(mprotect(p, STUB_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) < 0);
	ASSERT(munmap(p, STUB_SIZE) < 0);
	ASSERT(madvise(p, STUB_SIZE, MADV_DONTNEED) < 0);
	ASSERT(madvise((char *)p + STUB_TEXT_SIZE, STUB_DATA_SIZE, MADV_DONTFORK) < 0);
	ASSERT(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	ASSERT(mremap(buf, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == MAP_FAILED);
	ASSERT(mmap(p, PAGE, PROT_READ, ANON_PRIV | MAP_FIXED, -1, 0) == MAP_FAILED);
	ASSERT(mmap((char *)p - PAGE, 4 * PAGE, PROT_READ, ANON_PRIV | MAP_FIXED, -1, 0) ==
	       MAP_FAILED);
	ASSERT(mlock(p, PAGE) < 0);
	ASSERT(msync(p, PAGE, MS_SYNC) < 0);
	ASSERT_OK(pipe(fd));
	ASSERT_ERR(write(fd[1], p, 8), EFAULT);
	ASSERT_EQ(write(fd[1], buf, 8), 8);
	ASSERT_ERR(read(fd[0], (char *)p + STUB_TEXT_SIZE, 8), EFAULT);
	ASSERT_EQ(call_at(SYS_mincore, (uint64_t)buf, PAGE, base + STUB_TEXT_SIZE), -EFAULT);
	assert_text_is_whole();
}

static volatile int stop;

/* Keeps the msghdr that the stub receives descriptors with in disorder. */
static void *spoil(void *arg)
{
	volatile uint64_t *data = arg;
	for (uint64_t i = 1; !stop; i++) {
		data[(STUB_MSG + 16) / 8] = i % 3 ? (uint64_t)buf : 1; /* msg_iov */
		data[(STUB_MSG + 24) / 8] = i % 5;		       /* msg_iovlen */
		data[(STUB_MSG + 32) / 8] = i % 2 ? (uint64_t)buf : 0; /* msg_control */
		data[(STUB_MSG + 40) / 8] = i % 7 * 8;		       /* msg_controllen */
		data[STUB_IOV / 8] = (uint64_t)buf;
		data[STUB_IOV / 8 + 1] = i % 2 ? -1ull : 0;
	}
	return NULL;
}

/* Never another file, never more than was asked for; refused, or the process ends. */
static void map_while_spoilt(void)
{
	pthread_t t;
	int a = file_of_pages("a", PAGE), fail = 0;
	int r = open("a", O_RDONLY), other = open("/proc/self/exe", O_RDONLY);
	ASSERT_EQ(pthread_create(&t, NULL, spoil, (void *)(base + STUB_TEXT_SIZE)), 0);
	(void)a;
	for (int i = 0; i < 2000; i++) {
		int fd = i % 2 ? r : other;
		char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
		if (m == MAP_FAILED) {
			fail++;
			continue;
		}
		ASSERT_EQ(m[0], i % 2 ? 'a' : '\177');
		ASSERT_OK(munmap(m, PAGE));
	}
	stop = 1;
	pthread_join(t, NULL);
	/* And afterwards all is well. */
	char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r, 0);
	ASSERT(m != MAP_FAILED && m[0] == 'a');
}

TEST(mapping_files_while_a_thread_writes_the_stubs_data)
{
	find_stub();
	test_tmpdir();
	for (int i = 0; i < 3; i++)
		wait_status(SPAWN({ map_while_spoilt(); }));
	/* Other processes have sockets of their own. */
	JOIN(SPAWN({
		int f = open("/proc/self/exe", O_RDONLY);
		char *m = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, f, 0);
		ASSERT(m != MAP_FAILED && memcmp(m, "\177ELF", 4) == 0);
	}));
}

/* Writes over all of the data page, all the time, while the process does ordinary things. */
static void *scribble(void *arg)
{
	for (unsigned i = 0; !stop; i++)
		memset(arg, (int)i, STUB_DATA_SIZE);
	return NULL;
}

TEST(forking_and_mapping_while_a_thread_scribbles)
{
	find_stub();
	wait_status(SPAWN({
		pthread_t t;
		ASSERT_EQ(pthread_create(&t, NULL, scribble, (void *)(base + STUB_TEXT_SIZE)), 0);
		for (int i = 0; i < 100; i++) {
			pid_t p = fork();
			if (p == 0)
				_exit(0);
			if (p > 0)
				wait_status(p);
			unsigned char vec[4];
			mincore(buf, PAGE, vec);
			munmap(map_anon(PAGE), PAGE);
		}
	}));
	JOIN(SPAWN({}));
}

TEST_MAIN()
