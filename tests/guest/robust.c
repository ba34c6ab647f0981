/* SPDX-License-Identifier: Apache-2.0 */
/* Robust futexes: the kernel marks and wakes what a dying thread held. */
#include "task.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>

struct lock {
	struct robust_list node;
	uint32_t word;
};

static long set_list(struct robust_list_head *h)
{
	return syscall(SYS_set_robust_list, h, sizeof *h);
}

/* A list head in shared memory with n locks behind it, all "held" by the caller. */
struct shared {
	struct robust_list_head head;
	struct lock lock[3];
};

static void hold_all(struct shared *s, int n)
{
	struct robust_list *at = &s->head.list;
	for (int i = 0; i < n; i++) {
		s->lock[i].word = (uint32_t)thread_id();
		at->next = &s->lock[i].node;
		at = at->next;
	}
	at->next = &s->head.list;
	s->head.futex_offset = offsetof(struct lock, word) - offsetof(struct lock, node);
	s->head.list_op_pending = NULL;
	ASSERT_OK(set_list(&s->head));
}

TEST(the_size_must_match)
{
	struct robust_list_head h = {.list = {&h.list}};
	ASSERT_ERR(syscall(SYS_set_robust_list, &h, 23), EINVAL);
	ASSERT_ERR(syscall(SYS_set_robust_list, &h, 25), EINVAL);
	ASSERT_OK(syscall(SYS_set_robust_list, &h, 24));
	/* The address is not looked at before the thread dies. */
	ASSERT_OK(syscall(SYS_set_robust_list, 1, 24));
}

TEST(the_list_can_be_read_back)
{
	struct robust_list_head h = {.list = {&h.list}}, *out = NULL;
	size_t len = 0;
	ASSERT_OK(set_list(&h));
	ASSERT_OK(syscall(SYS_get_robust_list, 0, &out, &len));
	ASSERT(out == &h);
	ASSERT_EQ(len, sizeof h);
	ASSERT_OK(syscall(SYS_get_robust_list, thread_id(), &out, &len));
	ASSERT(out == &h);
}

TEST(get_errors)
{
	void *out;
	size_t len;
	ASSERT_ERR(syscall(SYS_get_robust_list, dead_pid(), &out, &len), ESRCH);
	ASSERT_ERR(syscall(SYS_get_robust_list, 0, 1, &len), EFAULT);
	ASSERT_ERR(syscall(SYS_get_robust_list, 0, &out, 1), EFAULT);
	pid_t me = getpid();
	JOIN(SPAWN({
		ASSERT_OK(setuid(NOBODY));
		ASSERT_ERR(syscall(SYS_get_robust_list, me, &out, &len), EPERM);
	}));
}

TEST(a_child_starts_without_a_list)
{
	struct robust_list_head h = {.list = {&h.list}}, *out = &h;
	size_t len;
	ASSERT_OK(set_list(&h));
	long p = syscall(SYS_clone, SIGCHLD, 0, NULL, NULL, 0);
	if (p == 0) {
		ASSERT_OK(syscall(SYS_get_robust_list, 0, &out, &len));
		ASSERT(out == NULL);
		_exit(0);
	}
	JOIN((pid_t)p);
}

TEST(held_locks_are_marked_when_the_owner_dies)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	JOIN(SPAWN({ hold_all(s, 3); }));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(s->lock[i].word, FUTEX_OWNER_DIED);
}

TEST(a_killed_owner_dies_too)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	struct gate up = gate_new();
	pid_t p = SPAWN({
		hold_all(s, 1);
		gate_open(up);
		pause();
	});
	gate_wait(up);
	ASSERT_EQ(s->lock[0].word, p);
	kill_and_reap(p);
	ASSERT_EQ(s->lock[0].word, FUTEX_OWNER_DIED);
}

TEST(exec_counts_as_death)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	pid_t p = SPAWN({
		char *argv[] = {"robust", "no such test", NULL};
		hold_all(s, 1);
		close(1);
		execv("/proc/self/exe", argv);
	});
	JOIN(p);
	ASSERT_EQ(s->lock[0].word, FUTEX_OWNER_DIED);
}

TEST(someone_elses_lock_is_left_alone)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	JOIN(SPAWN({
		hold_all(s, 2);
		s->lock[0].word = 1;
	}));
	ASSERT_EQ(s->lock[0].word, 1);
	ASSERT_EQ(s->lock[1].word, FUTEX_OWNER_DIED);
}

TEST(the_pending_lock_is_marked)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	JOIN(SPAWN({
		hold_all(s, 0);
		s->lock[2].word = (uint32_t)thread_id();
		s->head.list_op_pending = &s->lock[2].node;
	}));
	ASSERT_EQ(s->lock[2].word, FUTEX_OWNER_DIED);
}

TEST(a_waiter_is_woken_and_the_waiters_bit_kept)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	struct gate up = gate_new();
	struct gate die = gate_new();
	pid_t p = SPAWN({
		hold_all(s, 1);
		gate_open(up);
		gate_wait(die);
	});
	gate_wait(up);
	uint32_t v = s->lock[0].word | FUTEX_WAITERS;
	s->lock[0].word = v;
	gate_open(die);
	while (__atomic_load_n(&s->lock[0].word, __ATOMIC_SEQ_CST) == v)
		syscall(SYS_futex, &s->lock[0].word, FUTEX_WAIT, v, NULL, NULL, 0);
	ASSERT_EQ(s->lock[0].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
	JOIN(p);
}

TEST(a_broken_list_does_no_harm)
{
	struct shared *s = (struct shared *)map_shared(PAGE);
	JOIN(SPAWN({
		hold_all(s, 1);
		s->lock[0].node.next = (struct robust_list *)8;
	}));
	ASSERT_EQ(s->lock[0].word, FUTEX_OWNER_DIED);
	JOIN(SPAWN({ ASSERT_OK(syscall(SYS_set_robust_list, 1, 24)); }));
	/* A circle that never comes back to the head ends too. */
	JOIN(SPAWN({
		hold_all(s, 3);
		s->lock[2].node.next = &s->lock[1].node;
	}));
}

static pthread_mutex_t *mutex;

static void *lock_and_die(void *arg)
{
	(void)arg;
	pthread_mutex_lock(mutex);
	return NULL;
}

TEST(pthread_robust_mutex_reports_eownerdead)
{
	pthread_mutexattr_t a;
	pthread_t t;
	mutex = (pthread_mutex_t *)map_shared(PAGE);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &a);
	ASSERT_EQ(pthread_create(&t, NULL, lock_and_die, NULL), 0);
	pthread_join(t, NULL);
	ASSERT_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
	ASSERT_EQ(pthread_mutex_consistent(mutex), 0);
	pthread_mutex_unlock(mutex);
	ASSERT_EQ(wait_status(SPAWN({ pthread_mutex_lock(mutex); })), 0);
	ASSERT_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
}

TEST_MAIN()
