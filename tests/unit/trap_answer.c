/* SPDX-License-Identifier: Apache-2.0 */
/* Calls answered in the stub from struct facts, and the host's vDSO as its clock. */
#include "trap_slot.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "platform/host.h"
#include "platform/trap/clock.h"
#include "platform/trap/facts.h"
#include "platform/trap/stub/answer.h"

enum { SLOT = 3 };

static struct facts *f;
static struct slot *s;

/* The real places, if this process has nothing there: shared, so that a child sees changes. */
static int setup(void **state)
{
	(void)state;
	f = mmap((void *)FACTS_AT, SLOTS_AT - FACTS_AT, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	s = mmap((void *)(SLOTS_AT + SLOT * SLOT_SIZE), SLOT_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (f != (void *)FACTS_AT || s != (void *)(SLOTS_AT + SLOT * SLOT_SIZE))
		exit(77);
	return 0;
}

static void tell_all(void)
{
	memset(f, 0, sizeof *f);
	facts_init(f, 2, /*yields=*/true);
	for (unsigned i = FACT_PID; i <= FACT_EGID; i++)
		facts_set(f, SLOT, (enum fact)i, 100 + i);
	facts_set(f, SLOT, FACT_TID, 4194303);
}

static bool ask(uint64_t nr, uint64_t a0, uint64_t a1, int64_t *out)
{
	const uint64_t args[6] = {a0, a1, 0, 0, 0, 0};
	*out = -1234567;
	return stub_answer(s, nr, args, out);
}

static void ids_are_the_thread_s_own(void **state)
{
	static const struct {
		uint64_t nr;
		int64_t is;
	} ids[] = {
		{NR_getpid, 100 + FACT_PID},   {NR_gettid, 4194303},
		{NR_getppid, 100 + FACT_PPID}, {NR_getuid, 100 + FACT_RUID},
		{NR_geteuid, 100 + FACT_EUID}, {NR_getgid, 100 + FACT_RGID},
		{NR_getegid, 100 + FACT_EGID},
	};
	int64_t ret;
	(void)state;
	tell_all();
	facts_set(f, SLOT + 1, FACT_PID, 7);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_true(ask(ids[i].nr, 0, 0, &ret));
		assert_int_equal(ret, ids[i].is);
		/* The kernel looks at 32 bits of the number. */
		assert_true(ask(ids[i].nr | 1ull << 40, 0, 0, &ret));
	}
	facts_set(f, SLOT, FACT_EUID, UINT32_MAX - 1);
	assert_true(ask(NR_geteuid, 0, 0, &ret));
	assert_int_equal(ret, 4294967294);
}

static void the_unknown_is_handed_over(void **state)
{
	int64_t ret;
	(void)state;
	memset(f, 0, sizeof *f);
	for (uint64_t nr = 0; nr < NR_END; nr++)
		assert_false(ask(nr, 0, 0, &ret));
	tell_all();
	facts_forget(f, SLOT);
	for (uint64_t nr = 0; nr < NR_END; nr++)
		assert_false(ask(nr, 0, 0, &ret));
	tell_all();
	assert_false(ask(UINT64_MAX, 0, 0, &ret));
	assert_false(ask(NR_read, 0, 0, &ret));
}

static void who_wants_to_see_all_sees_all(void **state)
{
	int64_t ret;
	(void)state;
	tell_all();
	facts_set(f, SLOT, FACT_SEEN, 1);
	for (uint64_t nr = 0; nr < NR_END; nr++)
		assert_false(ask(nr, 0, 0, &ret));
	/* Another fact does not take it back. */
	facts_set(f, SLOT, FACT_TID, 5);
	facts_set(f, SLOT, FACT_BOUND, 0);
	assert_false(ask(NR_gettid, 0, 0, &ret));
	facts_set(f, SLOT, FACT_SEEN, 0);
	assert_true(ask(NR_gettid, 0, 0, &ret));
	assert_int_equal(ret, 5);
}

static void uname_is_as_told(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	struct utsname u;
	int64_t ret;
	(void)state;
	tell_all();
	assert_false(ask(NR_uname, ADDR(g), 0, &ret));
	memset(&u, 'u', sizeof u);
	facts_uts(f, &u, sizeof u);
	assert_true(ask(NR_uname, ADDR(g), 0, &ret));
	assert_int_equal(ret, 0);
	assert_memory_equal(g, &u, sizeof u);
	assert_int_equal(g[sizeof u], 0);
	f->uts_seq++;
	assert_false(ask(NR_uname, ADDR(g), 0, &ret));
	f->uts_seq++;
	assert_false(ask(NR_uname, ADDR(g + PAGE_SIZE - 389), 0, &ret));
	assert_false(ask(NR_uname, 0, 0, &ret));
	facts_set(f, SLOT, FACT_RENAMED, 1);
	assert_false(ask(NR_uname, ADDR(g), 0, &ret));
}

static void without_a_clock_time_is_handed_over(void **state)
{
	char *g = guest_pages(1, PROT_READ | PROT_WRITE);
	int64_t ret;
	(void)state;
	tell_all();
	assert_int_equal(f->clock, 0);
	for (uint64_t id = 0; id < 40; id++)
		assert_false(ask(NR_clock_gettime, id, ADDR(g), &ret));
	assert_false(ask(NR_gettimeofday, ADDR(g), 0, &ret));
	assert_false(ask(NR_time, 0, 0, &ret));
	assert_false(ask(NR_getcpu, ADDR(g), 0, &ret));
	assert_true(ask(NR_sched_yield, 0, 0, &ret));
	f->yields = 0;
	assert_false(ask(NR_sched_yield, 0, 0, &ret));
}

static bool ns_between(const struct timespec *a, const struct timespec *x, const struct timespec *b)
{
	int64_t from = a->tv_sec * NSEC_PER_SEC + a->tv_nsec;
	int64_t at = x->tv_sec * NSEC_PER_SEC + x->tv_nsec;
	int64_t to = b->tv_sec * NSEC_PER_SEC + b->tv_nsec;
	return from <= at && at <= to;
}

static int check_clocks(char *g)
{
	struct timespec before, after;
	int64_t ret;
	for (int id = 0; id < 12; id++) {
		if (!(f->clocks >> id & 1)) {
			if (ask(NR_clock_gettime, (uint64_t)id, ADDR(g), &ret))
				return 10 + id;
			continue;
		}
		for (int n = 0; n < 1000; n++) {
			syscall(SYS_clock_gettime, id, &before);
			if (!ask(NR_clock_gettime, (uint64_t)id, ADDR(g), &ret) || ret != 0)
				return 30 + id;
			syscall(SYS_clock_gettime, id, &after);
			if (!ns_between(&before, (void *)g, &after))
				return 50 + id;
		}
	}
	return 0;
}

static int check_rest(char *g)
{
	struct timeval before, after, *now = (void *)g;
	int64_t ret, t = syscall(SYS_time, NULL);
	syscall(SYS_gettimeofday, &before, NULL);
	memset(g, 0xff, 64);
	if (!ask(NR_gettimeofday, ADDR(g), ADDR(g + 32), &ret) || ret != 0)
		return 1;
	syscall(SYS_gettimeofday, &after, NULL);
	if (timercmp(now, &before, <) || timercmp(now, &after, >) || g[16] != (char)0xff)
		return 2;
	if (*(uint64_t *)(void *)(g + 32) != 0 || g[40] != (char)0xff)
		return 3;
	if (!ask(NR_time, ADDR(g), 0, &ret) || ret < t || *(int64_t *)(void *)g != ret)
		return 4;
	if (!ask(NR_time, 0, 0, &ret) || ret < t)
		return 5;
	/* The sentry says what is wrong with an address. */
	if (ask(NR_time, 8, 0, &ret) || ask(NR_gettimeofday, USER_TOP, 0, &ret) ||
	    ask(NR_clock_gettime, 0, ADDR(g + PAGE_SIZE - 8), &ret) ||
	    ask(NR_clock_gettime, 0, 0, &ret) || ask(NR_clock_gettime, UINT32_MAX, ADDR(g), &ret))
		return 6;
	memset(g, 0xff, 64);
	if (f->getcpu &&
	    (!ask(NR_getcpu, ADDR(g), ADDR(g + 8), &ret) || *(uint32_t *)(void *)g > 1 ||
	     *(uint64_t *)(void *)(g + 8) != 0xffffffff00000000))
		return 7;
	facts_set(f, SLOT, FACT_BOUND, 1);
	return ask(NR_getcpu, ADDR(g), 0, &ret) ? 8 : 0;
}

/* A child whose vDSO is moved away, as the zygote's: it reads the same clock as the kernel does. */
static void time_is_the_host_s(void **state)
{
	char *g = guest_pages(2, PROT_READ | PROT_WRITE);
	const uint64_t text = FACTS_AT - 0x10000000;
	int go[2], ready[2], status;
	char c;
	(void)state;
	munmap(g + PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(pipe(go) | pipe(ready), 0);
	clock_find();
	pid_t pid = fork();
	if (pid == 0) {
		if (!clock_move(text))
			_exit(77);
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		int err = check_clocks(g);
		_exit(err ? err : check_rest(g));
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) == 1) {
		assert_int_equal(clock_gettime_at(), 0);
		clock_ready(pid, text);
		tell_all();
		assert_true(f->clock < text && f->clock >= text - CLOCK_SIZE);
		assert_true(f->clocks & 3);
	}
	assert_int_equal(write(go[1], "", 1), 1);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Each has a place of its own, and whoever reads them knows all. */
static void answered_calls_are_counted(void **state)
{
#define X(name) NR_##name,
	static const uint64_t known[] = {ANSWERED_CALLS(X)};
#undef X
	static uint64_t room[64];
	uint64_t places = 0;
	(void)state;
	tell_all();
	f->clocks = 0; /* it is in stubs only */
	f->getcpu = 0;
	for (uint64_t nr = 0; nr < 512; nr++) {
		int64_t out;
		bool listed = false;
		memset(s->answered, 0, sizeof s->answered);
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			listed = listed || known[i] == nr;
		bool yes = ask(nr, (uint64_t)(uintptr_t)room, 0, &out);
		assert_true(listed || !yes);
		assert_int_equal(s->answered[ANSWERED_AT(nr)], yes);
		assert_false(listed && places >> ANSWERED_AT(nr) & 1);
		places |= listed ? 1ull << ANSWERED_AT(nr) : 0;
	}
}

int main(void)
{
#define T(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		T(ids_are_the_thread_s_own),
		T(the_unknown_is_handed_over),
		T(who_wants_to_see_all_sees_all),
		T(uname_is_as_told),
		T(without_a_clock_time_is_handed_over),
		T(time_is_the_host_s),
		T(answered_calls_are_counted),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
