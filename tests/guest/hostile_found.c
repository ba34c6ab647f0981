/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzzing has found: each of these ended, hung or misled the sentry once. */
#include "task.h"

#include <grp.h>
#include <pthread.h>

/* Sorting more than a kilobyte made glibc ask the host for its memory. */
TEST(found_setgroups_of_a_thousand)
{
	gid_t in[1000], out[1000];
	for (int i = 0; i < 1000; i++)
		in[i] = (gid_t)(i * 7919 % 1000 + 1);
	ASSERT_OK(setgroups(1000, in));
	ASSERT_EQ(getgroups(1000, out), 1000);
	for (int i = 1; i < 1000; i++)
		ASSERT(out[i - 1] <= out[i]);
}

/* One directory in the other, and the name looked up is of one that is locked. */
TEST(found_rename_between_proc_directories)
{
	ASSERT(rename("/proc/self/fd", "/proc/self/fd/1") < 0);
	ASSERT(rename("/proc/self/fd/1", "/proc/self/fd") < 0);
	ASSERT(rename("/proc/self/task/self", "/proc/self/fd/0") < 0);
	ASSERT_OK(access("/proc/self/fd", F_OK));
}

/* The number of a clone's exit signal has eight bits; signals end at 64. */
TEST(found_clone_with_exit_signal_255)
{
	static const long signals[] = {65, 127, 200, 255};
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		long pid = syscall(SYS_clone, signals[i], 0, 0, 0, 0);
		if (pid == 0)
			_exit(3);
		ASSERT_OK(pid);
		int st;
		ASSERT_EQ(waitpid((pid_t)pid, &st, __WALL), pid);
		ASSERT_EQ(st, 3 << 8);
	}
}

static pid_t child;
static volatile int stop;

static const char *name_of(char *buf, const char *file)
{
	sprintf(buf, "/proc/%d/%s", __atomic_load_n(&child, __ATOMIC_RELAXED), file);
	return buf;
}

static void *rename_there(void *arg)
{
	char from[64], to[64];
	(void)arg;
	while (!stop) {
		ASSERT(rename(name_of(from, "fd"), name_of(to, "fd/1")) < 0);
		ASSERT(rename(name_of(from, "task/x"), name_of(to, "task")) < 0);
	}
	return NULL;
}

static void *look_there(void *arg)
{
	static const char *const files[] = {"task", "fd/0", "fd/77", "ns/mnt", "fdinfo", "x"};
	char name[64], deep[64];
	(void)arg;
	for (int i = 0; !stop; i++) {
		int pid = __atomic_load_n(&child, __ATOMIC_RELAXED);
		access(name_of(name, files[i % 6]), F_OK);
		sprintf(deep, "/proc/%d/task/%d/%s", pid, pid, i % 2 ? "stat" : "fd/1");
		access(deep, F_OK);
	}
	return NULL;
}

/* Names of a process that ends are dropped while others look them up and hold them locked. */
static void while_processes_end(void *(*fn)(void *))
{
	pthread_t t[3];
	int64_t until = now_ns() + 1500000000;
	child = getpid();
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, fn, NULL), 0);
	while (now_ns() < until) {
		pid_t pid = SPAWN({});
		__atomic_store_n(&child, pid, __ATOMIC_RELAXED);
		wait_status(pid);
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
}

TEST(found_rename_in_proc_while_processes_end)
{
	while_processes_end(rename_there);
}

TEST(found_lookups_in_proc_while_processes_end)
{
	while_processes_end(look_there);
}

TEST_MAIN()
