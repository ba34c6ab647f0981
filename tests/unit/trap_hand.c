/* SPDX-License-Identifier: Apache-2.0 */
/* Two of the sentry's threads wait for the same stub: its leader, and who reads its memory. */
#include "trap_slot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>

#include "platform/host.h"
#include "platform/trap/pool/pool.h"
#include "platform/trap/trap.h"

static const uint32_t BELL = TURN_BELL + 3;

static struct aspace as;
static struct ctx leader;

static int setup(void **state)
{
	(void)state;
	hand_init();
	leader.as = &as;
	leader.slot = slot_make();
	return 0;
}

static void set_turn(uint32_t turn)
{
	__atomic_store_n(&leader.slot->turn, turn, __ATOMIC_SEQ_CST);
}

static uint32_t value(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

struct waiter {
	pthread_t thread;
	int tid; /* a */
	int err;
	unsigned long host_calls;
};

static void *wait_main(void *arg)
{
	struct waiter *w = arg;
	trap_calls = 0;
	__atomic_store_n(&w->tid, gettid(), __ATOMIC_SEQ_CST);
	w->err = hand_wait(&as, NULL, leader.slot, INT64_MAX);
	w->host_calls = trap_calls;
	return NULL;
}

/* Without a limit, so that only a wake-up ends it.  One that looks instead is never seen asleep. */
static void start_and_sleep(struct waiter *w)
{
	char path[64], text[256];
	*w = (struct waiter){0};
	assert_int_equal(pthread_create(&w->thread, NULL, wait_main, w), 0);
	while (__atomic_load_n(&w->tid, __ATOMIC_SEQ_CST) == 0)
		usleep(1000);
	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", w->tid);
	for (;;) {
		FILE *f = fopen(path, "r");
		bool asleep = f && fgets(text, sizeof text, f) && strncmp(text, "202 ", 4) == 0;
		if (f)
			fclose(f);
		if (asleep)
			return;
		usleep(1000);
	}
}

/* As a stub does that was told to ring: it wakes nobody itself. */
static void speak_and_ring(void)
{
	assert_int_equal(__atomic_exchange_n(&leader.slot->turn, TURN_SENTRY, __ATOMIC_SEQ_CST),
			 BELL);
	hand_meet(&leader);
}

static void joined(struct waiter *w)
{
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	assert_int_equal(w->err, 0);
	assert_in_range(w->host_calls, 1, 2); /* a wait, and one more if the word changed */
	assert_int_equal(value(&as.awaited), 0);
}

static void a_slot_that_is_to_ring_is_slept_for(void **state)
{
	struct waiter w;
	(void)state;
	set_turn(BELL);
	start_and_sleep(&w);
	assert_int_equal(value(&as.awaited), 1);
	assert_int_equal(value(&leader.slot->turn), BELL);
	speak_and_ring();
	joined(&w);
}

static void a_leader_that_goes_to_sleep_later_tells_it_too(void **state)
{
	struct waiter w;
	(void)state;
	set_turn(TURN_STUB);
	start_and_sleep(&w);
	assert_int_equal(value(&leader.slot->turn), SENTRY_ASLEEP);
	assert_true(hand_tell(leader.slot, BELL));
	assert_int_equal(value(&leader.slot->turn), BELL);
	speak_and_ring();
	joined(&w);
}

static void many_who_wait_all_wake_up(void **state)
{
	struct waiter w[4];
	(void)state;
	set_turn(BELL);
	for (int i = 0; i < 4; i++)
		start_and_sleep(&w[i]);
	assert_int_equal(value(&as.awaited), 4);
	speak_and_ring();
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
	assert_int_equal(value(&as.awaited), 0);
}

static void the_end_of_the_process_ends_the_wait(void **state)
{
	struct waiter w;
	(void)state;
	set_turn(BELL);
	start_and_sleep(&w);
	__atomic_store_n(&as.doomed, 1, __ATOMIC_SEQ_CST);
	hand_over(&leader);
	assert_int_equal(pthread_join(w.thread, NULL), 0);
	assert_int_equal(w.err, -ESRCH);
	as.doomed = 0;
}

static void wait_for_newborn(void *arg)
{
	(void)arg;
	__atomic_store_n(&leader.slot->word[0], 1, __ATOMIC_SEQ_CST);
	_exit(-hand_first(&leader, SETTLE_NS));
}

static int sentry_main(void)
{
	if (pool_init(hand_cpus()) < 0 || pool_strands.start(wait_for_newborn, NULL) < 0)
		return 1;
	for (;;)
		pause();
}

/*
 * Sentry and stubs are frozen together (pause, a freezer, a machine that sleeps), and a new stub
 * speaks as soon as they go on: that it did not for so long before is not its fault.
 */
static void a_freeze_is_no_silence(void **state)
{
	int status;
	(void)state;
	set_turn(TURN_STUB);
	pid_t pid = fork();
	if (pid == 0)
		_exit(sentry_main());
	while (__atomic_load_n(&leader.slot->word[0], __ATOMIC_SEQ_CST) == 0)
		usleep(1000);
	usleep(50000); /* it waits by now; earlier would show less, but nothing wrong */
	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	usleep((useconds_t)(SETTLE_NS / 1000) + 200000);
	set_turn(TURN_SENTRY);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* From the moment the slot is given back a new thread may have it, and both stacks in it. */
static void the_last_word_needs_no_stack(void **state)
{
	int status;
	(void)state;
	set_turn(TURN_STUB);
	/* Not fork(3): a sanitizer's starts a thread in the child, which would not end. */
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		__asm__ volatile("xor %%esp, %%esp; jmp *%0" : : "r"(entry_exit), "D"(leader.slot));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(value(&leader.slot->turn), TURN_SENTRY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_freeze_is_no_silence),
		cmocka_unit_test(the_last_word_needs_no_stack),
		cmocka_unit_test(a_slot_that_is_to_ring_is_slept_for),
		cmocka_unit_test(a_leader_that_goes_to_sleep_later_tells_it_too),
		cmocka_unit_test(many_who_wait_all_wake_up),
		cmocka_unit_test(the_end_of_the_process_ends_the_wait),
	};
	alarm(60);
	return cmocka_run_group_tests(tests, setup, NULL);
}
