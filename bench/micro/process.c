/* SPDX-License-Identifier: Apache-2.0 */
/* Births and deaths: processes, programs, threads. */
#include "micro.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SELF_STATUS = 7 };

/* Waits for the child; its status must be the one given. */
static int reap(pid_t child, int want)
{
	int status;

	if (child < 0)
		return wrong("fork: %s", strerror(errno));
	if (waitpid(child, &status, 0) != child)
		return wrong("waitpid: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		return wrong("the child's status is %#x, not %d", status, want);
	return 0;
}

static int run(const char *const argv[], int want)
{
	pid_t child = fork();

	if (child == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(126);
	}
	return reap(child, want);
}

static int batch_fork(long n)
{
	for (long i = 0; i < n; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit((int)(i & 63));
		if (reap(child, (int)(i & 63)) < 0)
			return -1;
	}
	return 0;
}

static int batch_exec_static(long n)
{
	const char *const argv[] = {self_path, "--exit", NULL};

	for (long i = 0; i < n; i++)
		if (run(argv, SELF_STATUS) < 0)
			return -1;
	return 0;
}

static int batch_exec_dynamic(long n)
{
	const char *const argv[] = {"/bin/true", NULL};

	for (long i = 0; i < n; i++)
		if (run(argv, 0) < 0)
			return -1;
	return 0;
}

static int batch_sh(long n)
{
	const char *const argv[] = {"/bin/sh", "-c", "true", NULL};

	for (long i = 0; i < n; i++)
		if (run(argv, 0) < 0)
			return -1;
	return 0;
}

static void *thread_main(void *arg)
{
	return (char *)arg + 1;
}

static int batch_thread(long n)
{
	for (long i = 0; i < n; i++) {
		pthread_t thread;
		void *ret = NULL;
		int err = pthread_create(&thread, NULL, thread_main, (void *)i);
		if (err)
			return wrong("pthread_create: %s", strerror(err));
		if (pthread_join(thread, &ret) != 0 || ret != (char *)i + 1)
			return wrong("a thread's result");
	}
	return 0;
}

const struct op ops_process[] = {
	{"fork", "fork, exit, wait", op_nothing, NULL, batch_fork, op_no_stop, 0, 0},
	{"exec_static", "fork, exec of a static program, wait", op_nothing, NULL, batch_exec_static,
	 op_no_stop, 0, 0},
	{"exec_dynamic", "fork, exec of /bin/true, wait", op_nothing, NULL, batch_exec_dynamic,
	 op_no_stop, 0, 0},
	{"sh_true", "fork, exec of sh -c true, wait", op_nothing, NULL, batch_sh, op_no_stop, 0, 0},
	{"thread", "pthread_create and join", op_nothing, NULL, batch_thread, op_no_stop, 0, 0},
	{0},
};
