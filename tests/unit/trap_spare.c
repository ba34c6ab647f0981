/* SPDX-License-Identifier: Apache-2.0 */
/* The clean stub that the trap platform makes ahead: killed from outside, at its birth or later. */
#include "tests/unit/platform_guest.h"

#include <sys/wait.h>

#include "platform/trap/trap.h"

GUEST(loop, "1: mov $39, %eax; syscall; jmp 1b");

/* It is heard of while nobody wants it, and there is another. */
static void a_dead_spare_is_replaced(void **state)
{
	(void)state;
	struct guest g;
	guest_start(&g, loop); /* from now on ends are heard of */
	int last = g.as->pid;
	guest_end(&g);
	for (int i = 0; i < 5; i++) {
		int spare = spare_wait(last);
		if (spare == 0)
			skip(); /* no CONFIG_PROC_CHILDREN */
		assert_int_not_equal(spare, trap_zygote_first.pid);
		kill(spare, SIGKILL);
		last = spare;
	}
	assert_int_not_equal(spare_wait(last), last);
	guest_start(&g, loop);
	assert_int_equal(guest_run(&g), EV_SYSCALL);
	guest_end(&g);
}

/*
 * Whoever wants one gets one, wherever it is when it dies.  One that is about to die may look alive:
 * then it is the new address space that was killed, and the next one is good.
 */
static void nobody_waits_for_a_dead_spare(void **state)
{
	(void)state;
	struct guest g;
	int guest = 0;
	for (int i = 0; i < 20; i++) {
		int spare = spare_wait(guest);
		if (spare == 0)
			skip();
		kill(spare, SIGKILL);
		usleep((unsigned)i * 20);
		assert_int_equal(P->aspace_new(NULL, &g.as, &g.c), 0);
		guest_end(&g);
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		assert_int_not_equal(g.as->pid, spare);
		guest = g.as->pid;
		guest_end(&g);
	}
}

/* What has been made ahead lasts, then there is no more; forks go on. */
static void without_a_zygote_there_is_none(void **state)
{
	(void)state;
	struct guest g, other = {0}, child = {0};
	guest_start(&g, loop);
	kill(trap_zygote_first.pid, SIGKILL);
	while (!P->zygote_dead(NULL))
		usleep(1000);
	while (P->aspace_new(NULL, &other.as, &other.c) == 0)
		guest_end(&other);
	assert_int_equal(P->aspace_new(NULL, &other.as, &other.c), -EAGAIN);
	assert_null(other.as);
	assert_int_equal(P->aspace_fork(g.c, &child.as, &child.c), 0);
	assert_int_equal(P->ctx_adopt(child.c), 0);
	assert_int_equal(guest_run(&child), EV_SYSCALL);
	guest_end(&child);
	guest_end(&g);
}

static void the_end_leaves_nothing(void **state)
{
	int status;
	struct guest g;
	P->shutdown();
	assert_int_equal(waitpid(-1, &status, WNOHANG | __WALL), -1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(platform_setup(state), 0);
		guest_start(&g, loop);
		assert_int_equal(guest_run(&g), EV_SYSCALL);
		guest_end(&g);
		P->shutdown();
		assert_int_equal(waitpid(-1, &status, WNOHANG | __WALL), -1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_spare_is_replaced),
		cmocka_unit_test(nobody_waits_for_a_dead_spare),
		cmocka_unit_test(without_a_zygote_there_is_none),
		cmocka_unit_test(the_end_leaves_nothing),
	};
	setenv("VEDETTE_PLATFORM", "trap", 1);
	alarm(60);
	return cmocka_run_group_tests(tests, platform_setup, NULL);
}
