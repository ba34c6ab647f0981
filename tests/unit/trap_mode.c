/* SPDX-License-Identifier: Apache-2.0 */
/* Who is taken for loaded, who is called back: the policy, with moments and clocks made up. */
#include "trap_slot.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "platform/base/ticks.h"
#include "platform/host.h"
#include "platform/trap/pool/pool.h"
#include "platform/trap/trap.h"

static struct pool pool;
static struct aspace as;
static struct ctx c;
static volatile sig_atomic_t calls;

/* Sanitizers deliver a signal when they find time. */
static int calls_now(void)
{
	for (int i = 0; i < 10; i++)
		usleep(1000);
	return calls;
}

static void called(int sig)
{
	(void)sig;
	calls++;
}

static int setup(void **state)
{
	(void)state;
	hand_init();
	signal(INTERRUPT_SIGNAL, called);
	as = (struct aspace){.pid = getpid(), .verified = 1};
	pool = (struct pool){.home = -1};
	c = (struct ctx){
		.as = &as, .pool = &pool, .slot = slot_make(), .tid = gettid(), .mode = APART};
	calls = 0;
	return 0;
}

static uint64_t us(uint64_t n)
{
	return n * ticks_a_us;
}

/* It has been in guest code for so long, of which its process has run for so long. */
static void was_out(uint64_t wall_us, int64_t ran_us)
{
	int64_t cpu = 0;
	assert_int_equal(host_clock_get(process_clock(getpid()), &cpu), 0);
	c.watched = ticks_now() - us(wall_us);
	c.watched_cpu = cpu - ran_us * 1000;
	c.watched_turn = pool.turns;
}

static void looks_without_a_gap_find_no_load(void **state)
{
	(void)state;
	mode_looks(&pool, 0, us(5000));
	mode_looks(&pool, us(5000), us(5100));
	assert_int_equal(pool.loaded_until, 0);
}

static void a_leader_off_its_cpu_finds_load(void **state)
{
	(void)state;
	mode_looks(&pool, us(5000), us(8000));
	assert_true(pool.loaded_until > ticks_now());
}

static void load_found_again_is_believed_for_longer_but_not_for_ever(void **state)
{
	(void)state;
	uint64_t before = 0;
	for (int i = 0; i < 100; i++) {
		mode_looks(&pool, us(5000), us(8000));
		assert_true(pool.loaded_span >= before);
		before = pool.loaded_span;
		if (i == 1)
			assert_true(before > 0);
		if (i == 2)
			assert_true(before > us(100000));
		pool.loaded_until = ticks_now() - 1; /* it is over */
	}
	assert_true(before <= us(5000000));
	pool.loaded_until = ticks_now() - us(100000000);
	mode_looks(&pool, us(5000), us(8000));
	assert_true(pool.loaded_span < before);
}

static void who_computes_is_called_back(void **state)
{
	(void)state;
	was_out(5000, 5000);
	mode_release(&c);
	assert_int_equal(calls_now(), 1);
	assert_true(c.called);
	assert_int_equal(pool.loaded_until, 0);
	mode_release(&c); /* it has not come yet */
	assert_int_equal(calls_now(), 1);
}

static void who_is_kept_off_its_cpu_is_not_called_but_is_load(void **state)
{
	(void)state;
	was_out(5000, 100);
	mode_release(&c);
	/* And is given more time, so that a stopped one does not keep the leader awake. */
	int64_t first = mode_keeps(&c), last = 0;
	assert_int_equal(calls_now(), 0);
	assert_true(pool.loaded_until > ticks_now());
	for (int i = 0; i < 20; i++) {
		was_out(5000000, 0);
		mode_release(&c);
		last = mode_keeps(&c);
	}
	assert_true(first > 2000000);
	assert_true(last > 500000000);
	assert_int_equal(calls_now(), 0);
}

static void who_shares_a_cpu_with_its_own_is_no_load(void **state)
{
	(void)state;
	was_out(5000, 100);
	pool.turns++;
	mode_back(&c);
	assert_int_equal(pool.loaded_until, 0);
	was_out(5000, 100);
	mode_back(&c);
	assert_true(pool.loaded_until > ticks_now());
}

static void a_short_run_is_no_load(void **state)
{
	(void)state;
	was_out(300, 0);
	mode_back(&c);
	assert_int_equal(pool.loaded_until, 0);
}

static void the_dead_are_not_called(void **state)
{
	(void)state;
	as.dead = 1;
	was_out(5000, 5000);
	mode_release(&c);
	assert_int_equal(calls_now(), 0);
}

static void one_that_huddles_is_called_when_others_call(void **state)
{
	(void)state;
	c.mode = HUDDLED;
	c.given = ticks_now() - us(1000);
	mode_vain(&c);
	assert_int_equal(calls_now(), 0);
	assert_true(mode_keeps(&c) == INT64_MAX);
	c.given = ticks_now() - us(50000);
	mode_vain(&c);
	assert_int_equal(calls_now(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(looks_without_a_gap_find_no_load, setup),
		cmocka_unit_test_setup(a_leader_off_its_cpu_finds_load, setup),
		cmocka_unit_test_setup(load_found_again_is_believed_for_longer_but_not_for_ever,
				       setup),
		cmocka_unit_test_setup(who_computes_is_called_back, setup),
		cmocka_unit_test_setup(who_is_kept_off_its_cpu_is_not_called_but_is_load, setup),
		cmocka_unit_test_setup(who_shares_a_cpu_with_its_own_is_no_load, setup),
		cmocka_unit_test_setup(a_short_run_is_no_load, setup),
		cmocka_unit_test_setup(the_dead_are_not_called, setup),
		cmocka_unit_test_setup(one_that_huddles_is_called_when_others_call, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
