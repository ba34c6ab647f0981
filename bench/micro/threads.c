/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throughput: threads that do getpid and read 1 byte of /dev/zero at once.  The time of one
 * operation is wall time over the pairs of calls of all threads together.  They live as long as the
 * measuring and meet at barriers before and after each batch; batches are made long enough for
 * that.
 */
#include "micro.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EIGHT = 8, THREADS_MAX = 512, LOOPS = 8 };

static pthread_t threads[THREADS_MAX];
static pthread_barrier_t gate;
static int count, zero_fd = -1, failures;
static long todo; /* of each thread in this batch; 0: go home.  Written only while all wait. */
static pid_t pid;

static bool pair_ok(void)
{
	char byte = 1;

	return syscall(SYS_getpid) == pid && read(zero_fd, &byte, 1) == 1 && byte == 0;
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (;;) {
		pthread_barrier_wait(&gate);
		if (todo == 0)
			return NULL;
		for (long i = 0; i < todo; i++)
			if (!pair_ok())
				__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&gate);
	}
}

static int start_threads(int wanted)
{
	pid = getpid();
	failures = count = 0;
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero_fd < 0)
		return wrong("/dev/zero: %s", strerror(errno));
	pthread_barrier_init(&gate, NULL, (unsigned)wanted + 1);
	for (; count < wanted; count++) {
		int err = pthread_create(&threads[count], NULL, thread_main, NULL);
		/* The barrier cannot be left by fewer: there is no way back from here. */
		if (err) {
			wrong("pthread_create: %s", strerror(err));
			_exit(3);
		}
	}
	return 0;
}

static int start_eight(void)
{
	return start_threads(EIGHT);
}

static int start_crowd(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return start_threads(cpus < 1 ? 2 : 2 * cpus > THREADS_MAX ? THREADS_MAX : 2 * (int)cpus);
}

static int start_one(void)
{
	return start_threads(1);
}

static void stop_threads(void)
{
	if (count > 0) {
		todo = 0;
		pthread_barrier_wait(&gate);
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&gate);
	}
	if (zero_fd >= 0)
		close(zero_fd);
	zero_fd = -1;
	count = 0;
}

/* n is LOOPS pairs of the whole crowd, dealt out evenly. */
static int batch_threads(long n)
{
	long share = n * LOOPS / count;

	todo = share > 0 ? share : 1;
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	return failures == 0 ? 0 : wrong("%d wrong answers", failures);
}

const struct op ops_threads[] = {
	{"threads_1", "getpid and read by 1 thread: for comparison", start_one, NULL, batch_threads,
	 stop_threads, LOOPS, 0},
	{"threads_8", "getpid and read by 8 threads: wall time over pairs", start_eight, NULL,
	 batch_threads, stop_threads, LOOPS, 0},
	{"threads_2xcpus", "the same by 2 threads a CPU", start_crowd, NULL, batch_threads,
	 stop_threads, LOOPS, 0},
	{0},
};
