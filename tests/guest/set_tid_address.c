/* SPDX-License-Identifier: Apache-2.0 */
/* set_tid_address: the word that is cleared and woken when the thread ends. */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/prctl.h>

static volatile int word = -1;

TEST(it_returns_the_thread_id)
{
	ASSERT_EQ(syscall(SYS_set_tid_address, &word), thread_id());
	JOIN(SPAWN({ ASSERT_EQ(syscall(SYS_set_tid_address, &word), thread_id()); }));
}

/* Nothing is checked or written at the call. */
TEST(a_bad_address_is_accepted)
{
	JOIN(SPAWN({ ASSERT_EQ(syscall(SYS_set_tid_address, 1), thread_id()); }));
	JOIN(SPAWN({ ASSERT_EQ(syscall(SYS_set_tid_address, -4096l), thread_id()); }));
	ASSERT_EQ(word, -1);
}

static void *move_word(void *arg)
{
	(void)arg;
	syscall(SYS_set_tid_address, &word);
	syscall(SYS_exit, 0);
	return NULL;
}

TEST(the_new_word_is_cleared_and_woken)
{
	pthread_t t;
	ASSERT_EQ(pthread_create(&t, NULL, move_word, NULL), 0);
	while (word)
		syscall(SYS_futex, &word, FUTEX_WAIT, -1, NULL, NULL, 0);
	ASSERT_EQ(word, 0);
}

TEST(the_last_user_of_the_memory_clears_nothing)
{
	volatile int *shared = (volatile int *)map_shared(PAGE);
	*shared = 7;
	JOIN(SPAWN({ syscall(SYS_set_tid_address, shared); }));
	ASSERT_EQ(*shared, 7);
}

TEST(the_address_can_be_read_by_prctl)
{
	int *p = NULL;
	syscall(SYS_set_tid_address, &word);
	if (prctl(PR_GET_TID_ADDRESS, &p) < 0 && errno == EINVAL)
		SKIP("no CONFIG_CHECKPOINT_RESTORE");
	ASSERT(p == &word);
}

TEST_MAIN()
