/* SPDX-License-Identifier: Apache-2.0 */
/*
 * umask(2).
 */
#include "fs.h"

TEST(umask_returns_the_old_one)
{
	umask(022);
	ASSERT_EQ(umask(077), 022);
	ASSERT_EQ(umask(0), 077);
}

TEST(umask_keeps_nine_bits)
{
	umask(07777);
	ASSERT_EQ(umask(0), 0777);
}

TEST(umask_applies_to_everything_created)
{
	test_tmpdir();
	umask(0137);
	ASSERT_OK(close(open("f", O_CREAT | O_RDWR, 0777)));
	ASSERT_OK(mkdir("d", 0777));
	ASSERT_OK(mkfifo("p", 0777));
	ASSERT_EQ(mode_of("f"), 0640);
	ASSERT_EQ(mode_of("d"), 0640);
	ASSERT_EQ(mode_of("p"), 0640);
}

TEST(umask_is_inherited_by_fork_not_shared)
{
	umask(011);
	JOIN(SPAWN({ ASSERT_EQ(umask(077), 011); }));
	ASSERT_EQ(umask(0), 011);
}

static void *set_umask(void *arg)
{
	umask(055);
	return arg;
}

TEST(umask_is_shared_by_threads)
{
	pthread_t t;
	umask(0);
	ASSERT_EQ(pthread_create(&t, NULL, set_umask, NULL), 0);
	ASSERT_EQ(pthread_join(t, NULL), 0);
	ASSERT_EQ(umask(0), 055);
}

TEST(umask_shows_in_proc_status)
{
	umask(027);
	ASSERT(strstr(get("/proc/self/status"), "\nUmask:\t0027\n"));
}

TEST_MAIN()
