/* SPDX-License-Identifier: Apache-2.0 */
/* Thirty-two threads at once. */
#include "task.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define N 32

static int counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;

static void run(void *(*fn)(void *), void **results)
{
	pthread_t t[N];
	for (long i = 0; i < N; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, fn, (void *)i), 0);
	for (int i = 0; i < N; i++) {
		void *r;
		ASSERT_EQ(pthread_join(t[i], &r), 0);
		if (results)
			results[i] = r;
	}
}

static void *my_tid(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	return (void *)(long)thread_id();
}

TEST(tids_are_distinct)
{
	void *tid[N];
	pthread_barrier_init(&barrier, NULL, N);
	run(my_tid, tid);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < i; j++)
			ASSERT(tid[i] != tid[j]);
}

static void *many_calls(void *arg)
{
	for (int i = 0; i < 500; i++) {
		ASSERT_EQ(getpid(), (pid_t)syscall(SYS_getpid));
		ASSERT(getppid() > 0);
		__atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
	}
	return arg;
}

TEST(calls_from_all_at_once)
{
	run(many_calls, NULL);
	ASSERT_EQ(counter, N * 500);
}

static void *lock_and_count(void *arg)
{
	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		if (i % 50 == 0)
			sched_yield();
	}
	return arg;
}

TEST(a_mutex_for_all)
{
	run(lock_and_count, NULL);
	ASSERT_EQ(counter, N * 300);
}

static void *take_turns(void *arg)
{
	for (int i = 0; i < 5; i++) {
		pthread_mutex_lock(&mutex);
		while (counter % N != (int)(long)arg)
			pthread_cond_wait(&cond, &mutex);
		counter++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(a_condition_passes_round)
{
	run(take_turns, NULL);
	ASSERT_EQ(counter, N * 5);
}

static void *barriers(void *arg)
{
	for (int i = 1; i <= 10; i++) {
		__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		ASSERT_EQ(__atomic_load_n(&counter, __ATOMIC_SEQ_CST), N * i);
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

TEST(ten_barriers)
{
	pthread_barrier_init(&barrier, NULL, N);
	run(barriers, NULL);
}

static void *own_file(void *arg)
{
	char name[32], c = (char)(long)arg, d;
	snprintf(name, sizeof name, "f%ld", (long)arg);
	for (int i = 0; i < 20; i++) {
		int fd = open(name, O_RDWR | O_CREAT, 0600);
		ASSERT_OK(fd);
		ASSERT_EQ(pwrite(fd, &c, 1, i), 1);
		ASSERT_EQ(pread(fd, &d, 1, i), 1);
		ASSERT_EQ(c, d);
		ASSERT_OK(close(fd));
	}
	return arg;
}

TEST(a_file_for_each)
{
	test_tmpdir();
	run(own_file, NULL);
}

static int shared_pipe[2];

static void *write_byte(void *arg)
{
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(write(shared_pipe[1], "x", 1), 1);
	return arg;
}

static void *drain(void *arg)
{
	char buf[64];
	long n = 0;
	ssize_t r;
	while ((r = read(shared_pipe[0], buf, sizeof buf)) > 0)
		n += r;
	(void)arg;
	return (void *)n;
}

TEST(all_write_one_pipe)
{
	pthread_t t;
	void *n;
	ASSERT_OK(pipe(shared_pipe));
	ASSERT_EQ(pthread_create(&t, NULL, drain, NULL), 0);
	run(write_byte, NULL);
	close(shared_pipe[1]);
	pthread_join(t, &n);
	ASSERT_EQ((long)n, N * 100);
}

static void *map_and_unmap(void *arg)
{
	for (int i = 0; i < 30; i++) {
		char *m = map_anon(4 * PAGE);
		memset(m, (int)(long)arg, 4 * PAGE);
		ASSERT_OK(mprotect(m, PAGE, PROT_READ));
		ASSERT_EQ(m[PAGE - 1], (char)(long)arg);
		ASSERT_OK(munmap(m, 4 * PAGE));
	}
	return arg;
}

TEST(all_change_the_address_space)
{
	run(map_and_unmap, NULL);
}

static void *fork_one(void *arg)
{
	pid_t p = fork();
	ASSERT_OK(p);
	if (p == 0)
		_exit((int)(long)arg);
	ASSERT_EQ(wait_status(p), (int)(long)arg << 8);
	return arg;
}

TEST(all_fork)
{
	run(fork_one, NULL);
	ASSERT_ERR(wait(NULL), ECHILD);
}

static sem_t ping[N];

static void *pass_on(void *arg)
{
	long me = (long)arg;
	for (int i = 0; i < 20; i++) {
		while (sem_wait(&ping[me]) < 0)
			;
		counter++;
		sem_post(&ping[(me + 1) % N]);
	}
	return NULL;
}

TEST(a_ring_of_semaphores)
{
	for (int i = 0; i < N; i++)
		sem_init(&ping[i], 0, 0);
	sem_post(&ping[0]);
	run(pass_on, NULL);
	ASSERT_EQ(counter, N * 20);
}

static void *count_signals(void *arg)
{
	sigset_t s = set_of(SIGUSR1);
	(void)arg;
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(sigwaitinfo(&s, NULL), SIGUSR1);
	return NULL;
}

TEST(each_waits_for_its_own_signals)
{
	pthread_t t[N];
	block_signal(SIGUSR1);
	pthread_barrier_init(&barrier, NULL, N + 1);
	for (int i = 0; i < N; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, count_signals, NULL), 0);
	pthread_barrier_wait(&barrier);
	/* Standard signals merge, so one more only when the last is taken; just keep sending. */
	for (int i = 0; i < N; i++)
		while (pthread_tryjoin_np(t[i], NULL) == EBUSY) {
			pthread_kill(t[i], SIGUSR1);
			sched_yield();
		}
}

static void *return_it(void *arg)
{
	return arg;
}

TEST(five_hundred_threads_one_after_the_other)
{
	for (long i = 0; i < 500; i++) {
		pthread_t t;
		void *r;
		ASSERT_EQ(pthread_create(&t, NULL, return_it, (void *)i), 0);
		ASSERT_EQ(pthread_join(t, &r), 0);
		ASSERT_EQ(r, i);
	}
}

TEST_MAIN()
