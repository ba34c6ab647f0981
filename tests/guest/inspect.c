/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may look at whom: ptrace(2), "Ptrace access mode checking".  Files of /proc
 * ask for the ids that file systems see, system calls for the real ones.
 */
#include "task.h"

#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/uio.h>

enum { THEM = 1001, OTHER = 1000 };

static char word[8] = "secret";

/* A process of THEM that everybody of its kind may look at; it ends with the test. */
static pid_t somebody(void)
{
	int ready[2];
	char c;
	if (geteuid() != 0)
		SKIP("only root can become somebody");
	ASSERT_OK(pipe(ready));
	pid_t pid = SPAWN({
		ASSERT_OK(setgroups(0, NULL));
		ASSERT_OK(setresgid(THEM, THEM, THEM));
		ASSERT_OK(setresuid(THEM, THEM, THEM));
		ASSERT_OK(prctl(PR_SET_DUMPABLE, 1));
		ASSERT_EQ(write(ready[1], "x", 1), 1);
		pause();
	});
	ASSERT_EQ(read(ready[0], &c, 1), 1);
	return pid;
}

static void become(uid_t real, uid_t effective)
{
	ASSERT_OK(setgroups(0, NULL));
	ASSERT_OK(setresgid(real, effective, effective));
	ASSERT_OK(setresuid(real, effective, effective));
}

static ssize_t peek(pid_t pid)
{
	char got[8];
	struct iovec l = {got, sizeof got}, r = {word, sizeof got};
	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static int opens(pid_t pid, const char *what)
{
	char name[64], target[256];
	snprintf(name, sizeof name, "/proc/%d/%s", pid, what);
	return strcmp(what, "cwd") == 0 ? (int)readlink(name, target, sizeof target)
					: open(name, O_RDONLY);
}

TEST(inspect_proc_asks_for_the_ids_of_file_systems)
{
	pid_t pid = somebody();
	JOIN(SPAWN({
		become(OTHER, THEM);
		ASSERT_OK(opens(pid, "cwd"));
		ASSERT_OK(opens(pid, "environ"));
		ASSERT_OK(opens(pid, "maps"));
		ASSERT_ERR(peek(pid), EPERM);
	}));
	ASSERT_OK(kill(pid, SIGKILL));
}

TEST(inspect_calls_ask_for_the_real_ids)
{
	pid_t pid = somebody();
	JOIN(SPAWN({
		become(THEM, OTHER);
		ASSERT_EQ(peek(pid), (ssize_t)sizeof word);
		ASSERT_ERR(opens(pid, "cwd"), EACCES);
		ASSERT_ERR(opens(pid, "maps"), EACCES);
	}));
	ASSERT_OK(kill(pid, SIGKILL));
}

TEST(inspect_the_same_user_may)
{
	pid_t pid = somebody();
	JOIN(SPAWN({
		become(THEM, THEM);
		ASSERT_OK(opens(pid, "cwd"));
		ASSERT_EQ(peek(pid), (ssize_t)sizeof word);
	}));
	ASSERT_OK(kill(pid, SIGKILL));
}

TEST(inspect_a_stranger_may_not)
{
	pid_t pid = somebody();
	JOIN(SPAWN({
		become(OTHER, OTHER);
		ASSERT_ERR(opens(pid, "cwd"), EACCES);
		ASSERT_ERR(opens(pid, "environ"), EACCES);
		ASSERT_ERR(peek(pid), EPERM);
		/* What everybody may read. */
		ASSERT_OK(opens(pid, "stat"));
		ASSERT_OK(opens(pid, "cmdline"));
	}));
	ASSERT_OK(kill(pid, SIGKILL));
}

TEST(inspect_proc_is_not_mounted_with_nonsense)
{
	char dir[] = "/tmp/guest.XXXXXX";
	ASSERT(mkdtemp(dir));
	int r = mount("proc", dir, "proc", 0, "nonsense=1"), err = errno;
	if (r == 0)
		umount2(dir, MNT_DETACH);
	rmdir(dir);
	if (r < 0 && err == EPERM)
		SKIP("mount is not allowed here");
	ASSERT_EQ(r, -1);
	ASSERT_EQ(err, EINVAL);
}

TEST_MAIN()
