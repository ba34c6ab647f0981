/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named pipes: who waits for whom at open.
 */
#include "fs.h"

#include <poll.h>

static void fifo(void)
{
	test_tmpdir();
	ASSERT_OK(mkfifo("p", 0600));
}

TEST(fifo_open_for_writing_nonblock_without_reader_is_enxio)
{
	fifo();
	ASSERT_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
}

TEST(fifo_open_for_reading_nonblock_succeeds)
{
	fifo();
	int r = open("p", O_RDONLY | O_NONBLOCK);
	ASSERT_OK(r);
	int w = open("p", O_WRONLY | O_NONBLOCK);
	ASSERT_OK(w);
	char c;
	ASSERT_ERR(read(r, &c, 1), EAGAIN);
	ASSERT_EQ(write(w, "x", 1), 1);
	ASSERT_EQ(read(r, &c, 1), 1);
}

TEST(fifo_open_rdwr_never_waits)
{
	fifo();
	char c;
	int fd = open("p", O_RDWR);
	ASSERT_OK(fd);
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_EQ(read(fd, &c, 1), 1);
}

TEST(fifo_reader_and_writer_meet)
{
	fifo();
	pid_t pid = SPAWN({
		int w = open("p", O_WRONLY);
		ASSERT_OK(w);
		ASSERT_EQ(write(w, "hi", 2), 2);
	});
	char buf[8];
	int r = open("p", O_RDONLY);
	ASSERT_OK(r);
	ASSERT_EQ(read(r, buf, 8), 2);
	ASSERT_EQ(read(r, buf, 8), 0);
	JOIN(pid);
}

TEST(fifo_writer_waits_for_a_reader)
{
	fifo();
	int p[2];
	char c;
	ASSERT_OK(pipe(p));
	pid_t pid = SPAWN({
		ASSERT_OK(open("p", O_WRONLY));
		ASSERT_EQ(write(p[1], "x", 1), 1);
	});
	settle();
	ASSERT_OK(set_nonblock(p[0]));
	ASSERT_ERR(read(p[0], &c, 1), EAGAIN);
	ASSERT_OK(open("p", O_RDONLY));
	JOIN(pid);
	ASSERT_EQ(read(p[0], &c, 1), 1);
}

TEST(fifo_second_writer_gives_data_after_end_of_file)
{
	fifo();
	char c;
	int r = open("p", O_RDONLY | O_NONBLOCK);
	int w = open("p", O_WRONLY);
	ASSERT_OK(close(w));
	ASSERT_EQ(read(r, &c, 1), 0);
	w = open("p", O_WRONLY);
	ASSERT_ERR(read(r, &c, 1), EAGAIN);
	ASSERT_EQ(write(w, "x", 1), 1);
	ASSERT_EQ(read(r, &c, 1), 1);
}

TEST(fifo_poll_fresh_reader_has_no_hangup)
{
	fifo();
	int r = open("p", O_RDONLY | O_NONBLOCK);
	struct pollfd pf = {r, POLLIN, 0};
	/* No writer has been there yet, so none has hung up. */
	ASSERT_EQ(poll(&pf, 1, 0), 0);
	ASSERT_OK(close(open("p", O_WRONLY)));
	ASSERT_EQ(poll(&pf, 1, 0), 1);
	ASSERT_EQ(pf.revents, POLLHUP);
}

TEST(fifo_content_is_lost_with_the_last_fd)
{
	fifo();
	char c;
	int fd = open("p", O_RDWR);
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_OK(close(fd));
	fd = open("p", O_RDWR | O_NONBLOCK);
	ASSERT_ERR(read(fd, &c, 1), EAGAIN);
}

TEST(fifo_write_without_reader_is_epipe)
{
	fifo();
	int r = open("p", O_RDONLY | O_NONBLOCK), w = open("p", O_WRONLY);
	ASSERT_OK(close(r));
	signal(SIGPIPE, SIG_IGN);
	ASSERT_ERR(write(w, "x", 1), EPIPE);
	/* A new reader makes it good again. */
	ASSERT_OK(open("p", O_RDONLY | O_NONBLOCK));
	ASSERT_EQ(write(w, "x", 1), 1);
}

TEST(fifo_size_is_zero_and_seek_is_espipe)
{
	fifo();
	int fd = open("p", O_RDWR);
	ASSERT_EQ(write(fd, "xyz", 3), 3);
	ASSERT_EQ(stat_of("p").st_size, 0);
	ASSERT_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(fifo_open_wait_is_interrupted)
{
	fifo();
	JOIN(SPAWN({
		struct sigaction sa = {.sa_handler = on_alarm};
		ASSERT_OK(sigaction(SIGALRM, &sa, NULL));
		ualarm(20000, 20000);
		ASSERT_ERR(open("p", O_RDONLY), EINTR);
	}));
	/* The reader that gave up does not count. */
	ASSERT_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
}

TEST(fifo_permissions)
{
	fifo();
	ASSERT_OK(chmod(".", 0755));
	AS_USER({ ASSERT_ERR(open("p", O_RDONLY | O_NONBLOCK), EACCES); });
}

TEST(fifo_unlinked_still_works)
{
	fifo();
	char c;
	int fd = open("p", O_RDWR);
	ASSERT_OK(unlink("p"));
	ASSERT_EQ(write(fd, "x", 1), 1);
	ASSERT_EQ(read(fd, &c, 1), 1);
}

TEST_MAIN()
