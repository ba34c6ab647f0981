/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: opening, order, waiting, attributes, limits.  mq_overview(7). */
#include "mqueue.h"

#include <sys/epoll.h>

TEST(open_needs_a_queue_or_creat)
{
	own_queues();
	ASSERT_ERR(mq_open("/q", O_RDWR), ENOENT);
	mqd_t q = mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	ASSERT_OK(q);
	ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
	ASSERT_OK(mq_open("/q", O_RDONLY));
	ASSERT_ERR(raw_open("q", O_RDWR | O_WRONLY, 0, NULL), EINVAL);
	ASSERT_ERR(raw_open("q", 3, 0, NULL), EINVAL);
}

TEST(descriptor_is_closed_by_exec)
{
	own_queues();
	mqd_t q = queue_new("/q", 1, 8, 0);
	ASSERT_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
	ASSERT_EQ(fcntl(q, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_CREAT), O_RDWR);
	ASSERT_OK(close(q));
	ASSERT_ERR(mq_getattr(q, &(struct mq_attr){0}), EBADF);
}

TEST(names_have_no_slash)
{
	own_queues();
	char name[300] = "";
	memset(name, 'n', sizeof name - 1);
	ASSERT_ERR(raw_open("", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	ASSERT_ERR(raw_open("/q", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	ASSERT_ERR(raw_open("a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	ASSERT_ERR(raw_open(".", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	ASSERT_ERR(raw_open("..", O_RDONLY, 0600, NULL), EACCES);
	ASSERT_ERR(raw_open(name, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	ASSERT_ERR(raw_open((char *)8, O_RDWR | O_CREAT, 0600, NULL), EFAULT);
	ASSERT_ERR(raw_open("q", O_RDWR | O_CREAT, 0600, (void *)8), EFAULT);
	name[255] = 0;
	ASSERT_OK(raw_open(name, O_RDWR | O_CREAT, 0600, NULL));
	ASSERT_OK(syscall(SYS_mq_unlink, name));
	ASSERT_ERR(syscall(SYS_mq_unlink, "a/b"), EACCES);
	ASSERT_ERR(syscall(SYS_mq_unlink, ""), ENOENT);
	ASSERT_ERR(syscall(SYS_mq_unlink, "nothing"), ENOENT);
}

TEST(messages_come_by_priority_then_age)
{
	own_queues();
	mqd_t q = queue_new("/q", 8, 16, 0);
	send_text(q, "low", 1);
	send_text(q, "high", 32767);
	send_text(q, "mid1", 5);
	send_text(q, "", 0);
	send_text(q, "mid2", 5);
	ASSERT_EQ(attr_of(q).mq_curmsgs, 5);
	expect(q, "high", 32767);
	expect(q, "mid1", 5);
	expect(q, "mid2", 5);
	expect(q, "low", 1);
	expect(q, "", 0);
	ASSERT_EQ(attr_of(q).mq_curmsgs, 0);
	ASSERT_ERR(mq_send(q, "x", 1, 32768), EINVAL);
}

TEST(sizes_are_checked)
{
	own_queues();
	char buf[64];
	mqd_t q = queue_new("/q", 2, 16, O_NONBLOCK);
	ASSERT_ERR(mq_send(q, buf, 17, 0), EMSGSIZE);
	ASSERT_ERR(mq_receive(q, buf, 15, NULL), EMSGSIZE);
	ASSERT_ERR(mq_receive(q, buf, 16, NULL), EAGAIN);
	ASSERT_ERR(mq_send(q, (char *)8, 3, 0), EFAULT);
	ASSERT_EQ(attr_of(q).mq_curmsgs, 0);
	send_text(q, "one", 0);
	send_text(q, "two", 0);
	ASSERT_ERR(mq_send(q, "3", 1, 0), EAGAIN);
	/* What cannot be told is gone. */
	ASSERT_ERR(mq_receive(q, (char *)8, 16, NULL), EFAULT);
	expect(q, "two", 0);
}

TEST(access_mode_is_that_of_open)
{
	own_queues();
	char buf[16];
	queue_new("/q", 2, 16, O_NONBLOCK);
	mqd_t r = mq_open("/q", O_RDONLY | O_NONBLOCK), w = mq_open("/q", O_WRONLY | O_NONBLOCK);
	ASSERT_ERR(mq_send(r, "x", 1, 0), EBADF);
	ASSERT_ERR(mq_receive(w, buf, sizeof buf, NULL), EBADF);
	send_text(w, "x", 0);
	expect(r, "x", 0);
	ASSERT_ERR(mq_send(0x7fff, "x", 1, 0), EBADF);
	int p[2];
	ASSERT_OK(pipe(p));
	ASSERT_ERR(mq_send(p[1], "x", 1, 0), EBADF);
	ASSERT_ERR(mq_receive(p[0], buf, sizeof buf, NULL), EBADF);
	ASSERT_ERR(mq_getattr(p[0], &(struct mq_attr){0}), EBADF);
	ASSERT_ERR(mq_notify(p[0], NULL), EBADF);
}

TEST(permissions_of_the_queue)
{
	own_queues();
	umask(0);
	struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 8};
	ASSERT_OK(mq_open("/own", O_RDWR | O_CREAT, 0600, &a));
	ASSERT_OK(mq_open("/read", O_RDWR | O_CREAT, 0644, &a));
	/* The creator is not asked. */
	ASSERT_OK(mq_open("/none", O_RDWR | O_CREAT, 0, &a));
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(mq_open("/own", O_RDONLY), EACCES);
		ASSERT_OK(mq_open("/read", O_RDONLY));
		ASSERT_ERR(mq_open("/read", O_WRONLY), EACCES);
		ASSERT_ERR(mq_open("/read", O_RDWR), EACCES);
		/* The directory is sticky. */
		ASSERT_ERR(syscall(SYS_mq_unlink, "read"), EPERM);
		ASSERT_OK(mq_open("/mine", O_RDWR | O_CREAT, 0600, &a));
		ASSERT_OK(mq_unlink("/mine"));
	}));
	ASSERT_OK(mq_unlink("/read"));
}

TEST(umask_cuts_the_mode)
{
	own_queues();
	umask(027);
	mqd_t q = mq_open("/q", O_RDWR | O_CREAT, 0666, NULL);
	struct stat st;
	ASSERT_OK(fstat(q, &st));
	ASSERT_EQ(st.st_mode, S_IFREG | 0640);
	ASSERT_EQ(st.st_size, 80);
	ASSERT_EQ(st.st_nlink, 1);
}

TEST(unlinked_queue_goes_on)
{
	own_queues();
	mqd_t q = queue_new("/q", 2, 8, 0);
	ASSERT_OK(mq_unlink("/q"));
	ASSERT_ERR(mq_open("/q", O_RDWR), ENOENT);
	send_text(q, "x", 0);
	mqd_t other = queue_new("/q", 2, 8, O_EXCL);
	ASSERT_EQ(attr_of(other).mq_curmsgs, 0);
	expect(q, "x", 0);
}

TEST(attributes_change_only_nonblock)
{
	own_queues();
	mqd_t q = queue_new("/q", 3, 16, 0), same = mq_open("/q", O_RDWR);
	struct mq_attr set = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 99, .mq_msgsize = 99}, old;
	ASSERT_OK(mq_setattr(q, &set, &old));
	ASSERT_EQ(old.mq_flags, 0);
	ASSERT_EQ(old.mq_maxmsg, 3);
	ASSERT_EQ(old.mq_msgsize, 16);
	ASSERT_EQ(attr_of(q).mq_flags, O_NONBLOCK);
	ASSERT_EQ(attr_of(q).mq_maxmsg, 3);
	ASSERT(fcntl(q, F_GETFL) & O_NONBLOCK);
	/* Of the description, not of the queue. */
	ASSERT_EQ(attr_of(same).mq_flags, 0);
	set.mq_flags = O_NONBLOCK | O_APPEND;
	ASSERT_ERR(mq_setattr(q, &set, NULL), EINVAL);
	set.mq_flags = 0;
	ASSERT_OK(mq_setattr(q, &set, NULL));
	ASSERT_EQ(fcntl(q, F_GETFL) & O_NONBLOCK, 0);
	ASSERT_ERR(syscall(SYS_mq_getsetattr, q, (void *)8, NULL), EFAULT);
	ASSERT_ERR(syscall(SYS_mq_getsetattr, q, NULL, (void *)8), EFAULT);
	ASSERT_EQ(syscall(SYS_mq_getsetattr, q, NULL, NULL), 0);
}

TEST(receiver_sleeps_until_a_message_comes)
{
	own_queues();
	mqd_t q = queue_new("/q", 2, 8, 0);
	pid_t p = SPAWN({ expect(q, "hello", 7); });
	until_asleep(p);
	send_text(q, "hello", 7);
	JOIN(p);
	ASSERT_EQ(attr_of(q).mq_curmsgs, 0);
}

TEST(sender_sleeps_until_there_is_room)
{
	own_queues();
	mqd_t q = queue_new("/q", 1, 8, 0);
	send_text(q, "a", 0);
	pid_t p = SPAWN({ send_text(q, "b", 9); });
	until_asleep(p);
	expect(q, "a", 0);
	/* It was put in at once by who made room. */
	ASSERT_EQ(attr_of(q).mq_curmsgs, 1);
	JOIN(p);
	expect(q, "b", 9);
}

TEST(receivers_are_served_in_order)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	pid_t a = SPAWN({ expect(q, "1", 0); });
	until_asleep(a);
	pid_t b = SPAWN({ expect(q, "2", 0); });
	until_asleep(b);
	send_text(q, "1", 0);
	send_text(q, "2", 0);
	JOIN(a);
	JOIN(b);
}

TEST(receiver_of_higher_priority_is_served_first)
{
	own_queues();
	mqd_t q = queue_new("/q", 4, 8, 0);
	pid_t a = SPAWN({
		ASSERT_OK(setpriority(PRIO_PROCESS, 0, 10));
		expect(q, "2", 0);
	});
	until_asleep(a);
	pid_t b = SPAWN({ expect(q, "1", 0); });
	until_asleep(b);
	send_text(q, "1", 0);
	send_text(q, "2", 0);
	JOIN(a);
	JOIN(b);
}

TEST(timeouts_are_absolute)
{
	own_queues();
	char buf[8];
	mqd_t q = queue_new("/q", 1, 8, 0);
	struct timespec past = {1, 0}, bad = {1, 1000000000}, ago = {-1, 0}, soon;
	ASSERT_ERR(mq_timedreceive(q, buf, 8, NULL, &past), ETIMEDOUT);
	ASSERT_ERR(mq_timedreceive(q, buf, 8, NULL, &bad), EINVAL);
	ASSERT_ERR(mq_timedreceive(q, buf, 8, NULL, &ago), EINVAL);
	ASSERT_ERR(mq_timedreceive(q, buf, 8, NULL, (void *)8), EFAULT);
	/* A time is looked at even by who need not wait. */
	ASSERT_ERR(mq_timedsend(q, "x", 1, 0, &bad), EINVAL);
	ASSERT_OK(mq_timedsend(q, "x", 1, 0, &past));
	ASSERT_ERR(mq_timedsend(q, "x", 1, 0, &past), ETIMEDOUT);
	ASSERT_EQ(mq_timedreceive(q, buf, 8, NULL, &past), 1);
	ASSERT_OK(clock_gettime(CLOCK_REALTIME, &soon));
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	ASSERT_ERR(mq_timedreceive(q, buf, 8, NULL, &soon), ETIMEDOUT);
	ASSERT(clock_ns(CLOCK_REALTIME) >= (int64_t)soon.tv_sec * 1000000000 + soon.tv_nsec);
}

TEST(signal_ends_the_wait)
{
	own_queues();
	char buf[8];
	mqd_t q = queue_new("/q", 1, 8, 0);
	on_signal(SIGUSR1, count_signal, 0);
	pid_t p = pester(SIGUSR1);
	ASSERT_ERR(mq_receive(q, buf, 8, NULL), EINTR);
	kill_and_reap(p);
	ASSERT(signal_count > 0);
}

TEST(signal_with_restart_does_not)
{
	own_queues();
	mqd_t q = queue_new("/q", 1, 8, 0);
	struct gate g = gate_new();
	pid_t p = SPAWN({
		on_signal(SIGUSR1, count_signal, SA_RESTART);
		gate_open(g);
		expect(q, "x", 0);
		ASSERT(signal_count > 0);
	});
	gate_wait(g);
	until_asleep(p);
	ASSERT_OK(kill(p, SIGUSR1));
	nap(20);
	until_asleep(p);
	send_text(q, "x", 0);
	JOIN(p);
}

TEST(poll_and_epoll_tell)
{
	own_queues();
	mqd_t q = queue_new("/q", 2, 8, 0);
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLOUT);
	send_text(q, "a", 0);
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN | POLLOUT);
	send_text(q, "b", 0);
	ASSERT_EQ(poll(&p, 1, 0), 1);
	ASSERT_EQ(p.revents, POLLIN);
	expect(q, "a", 0);
	expect(q, "b", 0);
	int e = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN};
	ASSERT_OK(epoll_ctl(e, EPOLL_CTL_ADD, q, &ev));
	ASSERT_EQ(epoll_wait(e, &ev, 1, 0), 0);
	pid_t child = SPAWN({ ASSERT_EQ(epoll_wait(e, &ev, 1, -1), 1); });
	until_asleep(child);
	send_text(q, "c", 0);
	JOIN(child);
	ASSERT_EQ(ev.events, EPOLLIN);
}

TEST(poll_wakes_when_there_is_room)
{
	own_queues();
	mqd_t q = queue_new("/q", 1, 8, 0);
	send_text(q, "a", 0);
	pid_t child = SPAWN({
		struct pollfd p = {.fd = q, .events = POLLOUT};
		ASSERT_EQ(poll(&p, 1, -1), 1);
		ASSERT_EQ(p.revents, POLLOUT);
	});
	until_asleep(child);
	expect(q, "a", 0);
	JOIN(child);
}

TEST(write_read_and_the_rest_are_no_messages)
{
	own_queues();
	char buf[128] = "";
	mqd_t q = queue_new("/q", 2, 8, 0);
	ASSERT_ERR(write(q, "x", 1), EINVAL);
	ASSERT(mmap(NULL, 4096, PROT_READ, MAP_SHARED, q, 0) == MAP_FAILED && errno == ENODEV);
	ASSERT_ERR(fsync(q), EINVAL);
	ASSERT_EQ(read(q, buf, sizeof buf), 60);
	ASSERT(strncmp(buf, "QSIZE:0  ", 9) == 0);
	ASSERT_EQ(read(q, buf, sizeof buf), 0);
	ASSERT_EQ(lseek(q, 6, SEEK_SET), 6);
	ASSERT_EQ(read(q, buf, 1), 1);
	ASSERT_EQ(buf[0], '0');
}

TEST(limits_bind_who_has_no_rights)
{
	own_queues();
	JOIN(SPAWN({
		become_nobody();
		struct mq_attr a = {.mq_maxmsg = 11, .mq_msgsize = 8};
		ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 8193};
		ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct mq_attr){.mq_maxmsg = 0, .mq_msgsize = 8};
		ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 0};
		ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct mq_attr){.mq_maxmsg = -1, .mq_msgsize = 8};
		ASSERT_ERR(mq_open("/q", O_RDWR | O_CREAT, 0600, &a), EINVAL);
		a = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8192};
		ASSERT_OK(mq_open("/q", O_RDWR | O_CREAT, 0600, &a));
	}));
}

TEST(queues_without_attributes_have_the_defaults)
{
	own_queues();
	mqd_t q = mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	ASSERT_EQ(attr_of(q).mq_maxmsg, 10);
	ASSERT_EQ(attr_of(q).mq_msgsize, 8192);
}

/* A queue of n messages of 8 bytes counts n * (48 + 48 + 8): each may need a header and a node. */
TEST(rlimit_counts_bytes_of_all_queues_of_a_user)
{
	own_queues();
	JOIN(SPAWN({
		become_nobody();
		struct rlimit r = {2 * 10 * 104 + 103, 2 * 10 * 104 + 103};
		struct mq_attr a = {.mq_maxmsg = 10, .mq_msgsize = 8};
		struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 8};
		struct mq_attr nine = {.mq_maxmsg = 9, .mq_msgsize = 8};
		ASSERT_OK(setrlimit(RLIMIT_MSGQUEUE, &r));
		mqd_t q = mq_open("/a", O_RDWR | O_CREAT, 0600, &a);
		ASSERT_OK(q);
		ASSERT_OK(mq_open("/b", O_RDWR | O_CREAT, 0600, &a));
		ASSERT_ERR(mq_open("/c", O_RDWR | O_CREAT, 0600, &one), EMFILE);
		/* Without its name it still counts, until it is closed. */
		ASSERT_OK(mq_unlink("/a"));
		ASSERT_ERR(mq_open("/c", O_RDWR | O_CREAT, 0600, &one), EMFILE);
		ASSERT_OK(mq_close(q));
		ASSERT_OK(mq_open("/c", O_RDWR | O_CREAT, 0600, &one));
		ASSERT_OK(mq_open("/a", O_RDWR | O_CREAT, 0600, &nine));
		ASSERT_ERR(mq_open("/d", O_RDWR | O_CREAT, 0600, &one), EMFILE);
	}));
}

TEST(fork_shares_the_description)
{
	own_queues();
	mqd_t q = queue_new("/q", 2, 8, 0);
	JOIN(SPAWN({
		ASSERT_OK(mq_setattr(q, &(struct mq_attr){.mq_flags = O_NONBLOCK}, NULL));
		send_text(q, "x", 3);
	}));
	ASSERT_EQ(attr_of(q).mq_flags, O_NONBLOCK);
	expect(q, "x", 3);
}

/* Many of each side at once: nothing is lost, nothing comes twice. */
TEST(many_senders_and_receivers)
{
	own_queues();
	enum { SIDES = 4, EACH = 200 };
	mqd_t q = queue_new("/q", 3, 8, 0);
	long *sum = (long *)map_shared(PAGE);
	pid_t p[2 * SIDES];
	for (int i = 0; i < SIDES; i++) {
		p[2 * i] = SPAWN({
			for (long n = 1; n <= EACH; n++)
				ASSERT_OK(mq_send(q, (char *)&n, sizeof n, (unsigned)(n % 5)));
		});
		p[2 * i + 1] = SPAWN({
			for (long n = 1, got; n <= EACH; n++) {
				ASSERT_EQ(mq_receive(q, (char *)&got, sizeof got, NULL), 8);
				__atomic_fetch_add(sum, got, __ATOMIC_RELAXED);
			}
		});
	}
	for (int i = 0; i < 2 * SIDES; i++)
		JOIN(p[i]);
	ASSERT_EQ(*sum, (long)SIDES * EACH * (EACH + 1) / 2);
	ASSERT_EQ(attr_of(q).mq_curmsgs, 0);
}
TEST_MAIN()
