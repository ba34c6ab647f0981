/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: what their tests share. */
#pragma once

#include "task.h"

#include <grp.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

/* A test's queues are in an IPC namespace of its own: nobody else sees them, and they go with it.
 */
HELPER void own_queues(void)
{
	if (geteuid() != 0)
		SKIP("only root makes namespaces");
	ASSERT_OK(unshare(CLONE_NEWIPC));
}

HELPER mqd_t queue_new(const char *name, long count, long size, int flags)
{
	struct mq_attr a = {.mq_maxmsg = count, .mq_msgsize = size};
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | flags, 0600, &a);
	ASSERT_OK(q);
	return q;
}

HELPER struct mq_attr attr_of(mqd_t q)
{
	struct mq_attr a;
	ASSERT_OK(mq_getattr(q, &a));
	return a;
}

/* Gives up root: no capabilities, and so the limits of the namespace. */
HELPER void become_nobody(void)
{
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_OK(setresgid(NOBODY, NOBODY, NOBODY));
	ASSERT_OK(setresuid(NOBODY, NOBODY, NOBODY));
}

/* The next message is that text with that priority. */
HELPER void expect(mqd_t q, const char *text, unsigned prio)
{
	char buf[8192];
	unsigned p = 99;
	ssize_t n = mq_receive(q, buf, sizeof buf, &p);
	ASSERT_OK(n);
	if ((size_t)n != strlen(text) || memcmp(buf, text, (size_t)n) != 0)
		FAIL("received \"%.*s\", want \"%s\"", (int)n, buf, text);
	ASSERT_EQ(p, prio);
}

HELPER void send_text(mqd_t q, const char *text, unsigned prio)
{
	ASSERT_OK(mq_send(q, text, strlen(text), prio));
}

HELPER long raw_open(const char *name, int flags, unsigned mode, void *attr)
{
	return syscall(SYS_mq_open, name, flags, mode, attr);
}

/* Sleeps until the process has gone to sleep: its state is S. */
HELPER void until_asleep(pid_t pid)
{
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (;;) {
		FILE *f = fopen(path, "re");
		ASSERT(f && fgets(line, sizeof line, f));
		fclose(f);
		char *at = strrchr(line, ')');
		ASSERT(at);
		if (at[2] == 'S')
			return;
		nap(2);
	}
}
