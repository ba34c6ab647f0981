/* SPDX-License-Identifier: Apache-2.0 */
/* SysV message queues: msgget, msgsnd, msgrcv, msgctl. */
#include "sysv.h"

#include <limits.h>
#include <sched.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct message {
	long type;
	char text[9000];
};

static int new_queue(void)
{
	return keep(MSG, msgget(IPC_PRIVATE, 0600));
}

static int put(int id, long type, const char *text, int flags)
{
	struct message m = {.type = type};
	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

/* What comes next of that type, as a string; NULL and errno. */
static struct message taken;
static const char *take(int id, long type, int flags)
{
	ssize_t n = msgrcv(id, &taken, sizeof taken.text - 1, type, flags);
	if (n < 0)
		return NULL;
	taken.text[n] = '\0';
	return taken.text;
}

#define ASSERT_TAKES(want, ...)                                                                    \
	do {                                                                                       \
		const char *got_ = take(__VA_ARGS__);                                              \
		if (!got_ || strcmp(got_, want))                                                   \
			FAIL("took %s, want %s (errno %d)", got_ ? got_ : "nothing", want, errno); \
	} while (0)

static struct msqid_ds stat_of(int id)
{
	struct msqid_ds ds;
	ASSERT_OK(msgctl(id, IPC_STAT, &ds));
	return ds;
}

/* The child is in a call that sleeps: its state says so, and it made it that far. */
static void await_sleep(pid_t p)
{
	char path[32], text[256];
	snprintf(path, sizeof path, "/proc/%d/stat", p);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ASSERT_OK(fd);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		char *at = strrchr(text, ')');
		if (at && at[2] == 'S')
			return;
		sched_yield();
	}
}

IPC_TEST(a_new_queue_is_empty_and_described)
{
	time_t now = time(NULL);
	int id = keep(MSG, msgget(IPC_PRIVATE, 0640));
	struct msqid_ds ds = stat_of(id);
	ASSERT_EQ(ds.msg_qnum, 0);
	ASSERT_EQ(ds.msg_cbytes, 0);
	ASSERT_EQ(ds.msg_qbytes, sysctl_number("msgmnb"));
	ASSERT(ds.msg_stime == 0 && ds.msg_rtime == 0);
	ASSERT(ds.msg_lspid == 0 && ds.msg_lrpid == 0);
	ASSERT(ds.msg_ctime >= now - 1 && ds.msg_ctime <= now + 5);
	ASSERT_EQ(ds.msg_perm.mode, 0640);
	ASSERT_EQ(take(id, 0, IPC_NOWAIT), NULL);
	ASSERT_EQ(errno, ENOMSG);
}

IPC_TEST(a_key_finds_its_queue)
{
	key_t key = new_key();
	ASSERT_ERR(msgget(key, 0600), ENOENT);
	int id = keep(MSG, msgget(key, 0600 | IPC_CREAT | IPC_EXCL));
	ASSERT_EQ(msgget(key, 0600), id);
	ASSERT_ERR(msgget(key, 0600 | IPC_CREAT | IPC_EXCL), EEXIST);
}

IPC_TEST(messages_come_in_order)
{
	int id = new_queue();
	ASSERT_OK(put(id, 1, "one", 0));
	ASSERT_OK(put(id, 2, "two", 0));
	ASSERT_OK(put(id, 1, "three", 0));
	struct msqid_ds ds = stat_of(id);
	ASSERT_EQ(ds.msg_qnum, 3);
	ASSERT_EQ(ds.msg_cbytes, 11);
	ASSERT_EQ(ds.msg_lspid, getpid());
	ASSERT(ds.msg_stime > 0 && ds.msg_rtime == 0);
	ASSERT_TAKES("one", id, 0, 0);
	ASSERT_EQ(taken.type, 1);
	ASSERT_TAKES("two", id, 0, 0);
	ASSERT_EQ(taken.type, 2);
	ASSERT_TAKES("three", id, 0, 0);
	ASSERT_EQ(stat_of(id).msg_lrpid, getpid());
	ASSERT_EQ(stat_of(id).msg_cbytes, 0);
}

IPC_TEST(a_type_can_be_chosen)
{
	int id = new_queue();
	ASSERT_OK(put(id, 5, "five", 0));
	ASSERT_OK(put(id, 3, "three", 0));
	ASSERT_OK(put(id, 4, "four", 0));
	ASSERT_OK(put(id, 3, "again", 0));
	ASSERT_TAKES("four", id, 4, 0);
	/* The lowest type up to four, its first. */
	ASSERT_TAKES("three", id, -4, 0);
	ASSERT_TAKES("again", id, 5, MSG_EXCEPT);
	ASSERT_EQ(take(id, -4, IPC_NOWAIT), NULL);
	ASSERT_EQ(errno, ENOMSG);
	ASSERT_TAKES("five", id, LONG_MIN, 0);
}

IPC_TEST(a_message_may_be_empty)
{
	int id = new_queue();
	ASSERT_OK(put(id, 7, "", 0));
	ASSERT_EQ(msgrcv(id, &taken, 0, 0, 0), 0);
	ASSERT_EQ(taken.type, 7);
}

IPC_TEST(a_message_that_is_too_long_stays_or_is_cut)
{
	int id = new_queue();
	ASSERT_OK(put(id, 1, "0123456789", 0));
	ASSERT_ERR(msgrcv(id, &taken, 4, 0, 0), E2BIG);
	ASSERT_EQ(stat_of(id).msg_qnum, 1);
	memset(taken.text, 'x', 16);
	ASSERT_EQ(msgrcv(id, &taken, 4, 0, MSG_NOERROR), 4);
	ASSERT_EQ(memcmp(taken.text, "0123xx", 6), 0);
	ASSERT_EQ(stat_of(id).msg_qnum, 0);
}

IPC_TEST(argument_errors)
{
	struct message m = {.type = 1};
	struct msqid_ds ds;
	int id = new_queue();
	m.type = 0;
	ASSERT_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = -1;
	ASSERT_ERR(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = 1;
	ASSERT_ERR(msgsnd(id, &m, (size_t)-1, 0), EINVAL);
	ASSERT_ERR(msgsnd(id, &m, 8193, 0), EINVAL);
	ASSERT_ERR(msgsnd(-1, &m, 1, 0), EINVAL);
	ASSERT_ERR(msgsnd(0x7fffff00, &m, 1, 0), EINVAL);
	ASSERT_ERR(msgsnd(id, (void *)1, 1, 0), EFAULT);
	ASSERT_ERR(msgrcv(id, &m, (size_t)-1, 0, 0), EINVAL);
	ASSERT_ERR(msgrcv(-1, &m, 1, 0, 0), EINVAL);
	ASSERT_ERR(msgctl(id, 9999, &ds), EINVAL);
	ASSERT_ERR(msgctl(-1, IPC_STAT, &ds), EINVAL);
	ASSERT_ERR(msgctl(id, IPC_STAT, (void *)1), EFAULT);
	ASSERT_ERR(msgctl(id, IPC_SET, (void *)1), EFAULT);
	/* The message is gone, where it was to go was bad. */
	ASSERT_OK(put(id, 1, "lost", 0));
	ASSERT_ERR(msgrcv(id, (void *)1, 100, 0, 0), EFAULT);
	ASSERT_EQ(stat_of(id).msg_qnum, 0);
}

IPC_TEST(a_full_queue_is_eagain_or_sleep)
{
	struct message m = {.type = 1};
	int id = new_queue();
	ASSERT_OK(msgsnd(id, &m, 8192, IPC_NOWAIT));
	ASSERT_OK(msgsnd(id, &m, 8192, IPC_NOWAIT));
	ASSERT_ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
	pid_t p = SPAWN({ ASSERT_OK(put(id, 9, "later", 0)); });
	await_sleep(p);
	ASSERT_EQ(stat_of(id).msg_qnum, 2);
	ASSERT_EQ(msgrcv(id, &m, 8192, 0, 0), 8192);
	JOIN(p);
	ASSERT_TAKES("later", id, 9, 0);
}

IPC_TEST(the_number_of_messages_is_limited_too)
{
	int id = new_queue();
	struct msqid_ds ds = stat_of(id);
	ds.msg_qbytes = 3;
	ASSERT_OK(msgctl(id, IPC_SET, &ds));
	for (int i = 0; i < 3; i++)
		ASSERT_OK(put(id, 1, "", IPC_NOWAIT));
	ASSERT_ERR(put(id, 1, "", IPC_NOWAIT), EAGAIN);
}

IPC_TEST(a_receiver_sleeps_until_its_type_comes)
{
	int id = new_queue();
	pid_t p = SPAWN({ ASSERT_TAKES("yes", id, 2, 0); });
	await_sleep(p);
	ASSERT_OK(put(id, 1, "no", 0));
	ASSERT_OK(put(id, 2, "yes", 0));
	JOIN(p);
	ASSERT_EQ(stat_of(id).msg_qnum, 1);
	ASSERT_EQ(stat_of(id).msg_lrpid, p);
}

IPC_TEST(removal_wakes_with_eidrm)
{
	struct message m = {.type = 1};
	int id = new_queue(), full = new_queue();
	ASSERT_OK(msgsnd(full, &m, 8192, 0));
	ASSERT_OK(msgsnd(full, &m, 8192, 0));
	pid_t r = SPAWN({
		ASSERT_EQ(take(id, 0, 0), NULL);
		ASSERT_EQ(errno, EIDRM);
	});
	pid_t s = SPAWN({ ASSERT_ERR(put(full, 1, "x", 0), EIDRM); });
	await_sleep(r);
	await_sleep(s);
	ASSERT_OK(msgctl(id, IPC_RMID, NULL));
	ASSERT_OK(msgctl(full, IPC_RMID, NULL));
	JOIN(r);
	JOIN(s);
	ASSERT_ERR(put(id, 1, "x", 0), EINVAL);
}

IPC_TEST(a_signal_ends_the_sleep_whatever_sa_restart_says)
{
	int id = new_queue();
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t p = SPAWN({
		ASSERT_EQ(take(id, 0, 0), NULL);
		ASSERT_EQ(errno, EINTR);
	});
	await_sleep(p);
	ASSERT_OK(kill(p, SIGUSR1));
	JOIN(p);
}

IPC_TEST(a_copy_leaves_the_message)
{
	int id = new_queue();
	ASSERT_OK(put(id, 1, "first", 0));
	ASSERT_OK(put(id, 2, "second", 0));
	if (!take(id, 1, MSG_COPY | IPC_NOWAIT) && errno == ENOSYS)
		SKIP("no checkpoint support");
	ASSERT_TAKES("second", id, 1, MSG_COPY | IPC_NOWAIT);
	ASSERT_TAKES("first", id, 0, MSG_COPY | IPC_NOWAIT);
	ASSERT_EQ(take(id, 2, MSG_COPY | IPC_NOWAIT), NULL);
	ASSERT_EQ(errno, ENOMSG);
	ASSERT_EQ(take(id, 0, MSG_COPY), NULL);
	ASSERT_EQ(errno, EINVAL);
	ASSERT_EQ(take(id, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT), NULL);
	ASSERT_EQ(errno, EINVAL);
	ASSERT_EQ(stat_of(id).msg_qnum, 2);
}

IPC_TEST(set_changes_owner_mode_and_room)
{
	int id = new_queue();
	struct msqid_ds ds = stat_of(id);
	ds.msg_perm.uid = NOBODY;
	ds.msg_perm.mode = 0620;
	ds.msg_qbytes = 100;
	ASSERT_OK(msgctl(id, IPC_SET, &ds));
	ds = stat_of(id);
	ASSERT_EQ(ds.msg_perm.uid, NOBODY);
	ASSERT_EQ(ds.msg_perm.cuid, 0);
	ASSERT_EQ(ds.msg_perm.mode, 0620);
	ASSERT_EQ(ds.msg_qbytes, 100);
	JOIN(SPAWN({
		become_nobody();
		ds.msg_qbytes = 16384;
		ASSERT_OK(msgctl(id, IPC_SET, &ds));
		ds.msg_qbytes = 16385;
		ASSERT_ERR(msgctl(id, IPC_SET, &ds), EPERM);
		ASSERT_OK(msgctl(id, IPC_RMID, NULL));
	}));
}

IPC_TEST(permissions_decide)
{
	key_t key = new_key();
	int id = keep(MSG, msgget(key, 0602 | IPC_CREAT));
	struct msqid_ds ds;
	JOIN(SPAWN({
		become_nobody();
		ASSERT_EQ(msgget(key, 0002), id);
		ASSERT_ERR(msgget(key, 0004), EACCES);
		ASSERT_OK(put(id, 1, "in", 0));
		ASSERT_EQ(take(id, 0, IPC_NOWAIT), NULL);
		ASSERT_EQ(errno, EACCES);
		ASSERT_ERR(msgctl(id, IPC_STAT, &ds), EACCES);
		ASSERT_ERR(msgctl(id, IPC_RMID, NULL), EPERM);
	}));
	ASSERT_TAKES("in", id, 0, 0);
}

IPC_TEST(info_tells_limits_and_use)
{
	struct msginfo limits, use, after;
	struct msqid_ds ds;
	int found = 0;
	ASSERT_OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&limits));
	ASSERT_EQ(limits.msgmni, sysctl_number("msgmni"));
	ASSERT_EQ(limits.msgmax, sysctl_number("msgmax"));
	ASSERT_EQ(limits.msgmnb, sysctl_number("msgmnb"));
	ASSERT_EQ(limits.msgssz, 16);
	ASSERT_EQ(limits.msgseg, 0xffff);
	ASSERT_OK(msgctl(0, MSG_INFO, (struct msqid_ds *)&use));
	int id = new_queue();
	ASSERT_OK(put(id, 1, "12345", 0));
	int top = msgctl(0, MSG_INFO, (struct msqid_ds *)&after);
	ASSERT_EQ(after.msgpool - use.msgpool, 1);
	ASSERT_EQ(after.msgmap - use.msgmap, 1);
	ASSERT_EQ(after.msgtql - use.msgtql, 5);
	for (int i = 0; i <= top; i++)
		found += msgctl(i, MSG_STAT, &ds) == id;
	ASSERT_EQ(found, 1);
}

IPC_TEST(proc_lists_queues)
{
	char line[512];
	int key, nr;
	unsigned mode;
	unsigned long bytes, count;
	int id = new_queue();
	ASSERT_OK(put(id, 1, "12345", 0));
	ASSERT(sysvipc_line("msg", id, line, sizeof line));
	ASSERT_EQ(sscanf(line, "%d %d %o %lu %lu", &key, &nr, &mode, &bytes, &count), 5);
	ASSERT(key == 0 && mode == 0600 && bytes == 5 && count == 1);
	ASSERT_EQ(strlen(line), 120);
}

IPC_TEST(a_thousand_messages_between_two_processes)
{
	int id = new_queue();
	pid_t p = SPAWN({
		for (int i = 0; i < 1000; i++) {
			char text[16];
			snprintf(text, sizeof text, "%d", i);
			ASSERT_OK(put(id, 1 + i % 3, text, 0));
		}
	});
	for (int i = 0; i < 1000; i++) {
		ASSERT(take(id, 0, 0));
		ASSERT_EQ(atoi(taken.text), i);
		ASSERT_EQ(taken.type, 1 + i % 3);
	}
	JOIN(p);
}

TEST_MAIN()
