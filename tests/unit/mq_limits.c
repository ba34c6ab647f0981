/* SPDX-License-Identifier: Apache-2.0 */
/* What bounds the memory of POSIX message queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "sentry/ipc/mq_private.h"

static void users_are_counted_apart(void **state)
{
	(void)state;
	assert_int_equal(mq_charge(1, 60, 100), 0);
	assert_int_equal(mq_charge(1, 41, 100), -EMFILE);
	assert_int_equal(mq_charge(2, 100, 100), 0);
	assert_int_equal(mq_charge(1, 40, 100), 0);
	mq_uncharge(1, 60);
	assert_int_equal(mq_charge(1, 61, 100), -EMFILE);
	assert_int_equal(mq_charge(1, 60, 100), 0);
	mq_uncharge(1, 100);
	mq_uncharge(2, 100);
}

/* RLIM_INFINITY bounds nothing, but a sum that does not fit is no sum. */
static void sums_do_not_wrap(void **state)
{
	(void)state;
	assert_int_equal(mq_charge(1, UINT64_MAX - 5, UINT64_MAX), 0);
	assert_int_equal(mq_charge(1, 6, UINT64_MAX), -EMFILE);
	assert_int_equal(mq_charge(1, 5, UINT64_MAX), 0);
	mq_uncharge(1, UINT64_MAX - 5);
	mq_uncharge(1, 5);
}

static void messages_share_one_bound(void **state)
{
	struct mq_msg *a, *b;
	(void)state;
	mq_set_memory(4000);
	assert_int_equal(mq_msg_new(3000, &a), 0);
	assert_int_equal(mq_msg_new(1000, &b), -ENOMEM);
	assert_int_equal(mq_memory_take(4000), -ENOMEM);
	mq_msg_free(a);
	assert_int_equal(mq_msg_new(1000, &b), 0);
	mq_msg_free(b);
	mq_msg_free(NULL);
	assert_int_equal(mq_memory_take(4000), 0);
	mq_memory_give(4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_counted_apart),
		cmocka_unit_test(sums_do_not_wrap),
		cmocka_unit_test(messages_share_one_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
