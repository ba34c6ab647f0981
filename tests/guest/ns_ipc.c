/* SPDX-License-Identifier: Apache-2.0 */
/* IPC namespaces: SysV objects and their limits. */
#include "ns.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x4e535f31 };

static void own(void)
{
	ASSERT_OK(unshare(CLONE_NEWIPC));
}

static int lines(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0;
	ASSERT(f);
	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

TEST(objects_of_one_are_not_seen_in_another)
{
	NEED_ROOT();
	JOIN(SPAWN({
		own();
		int shm = shmget(KEY, 4096, IPC_CREAT | 0600);
		int sem = semget(KEY, 1, IPC_CREAT | 0600);
		int msg = msgget(KEY, IPC_CREAT | 0600);
		ASSERT_OK(shm);
		ASSERT_OK(sem);
		ASSERT_OK(msg);
		ASSERT_EQ(lines("/proc/sysvipc/shm"), 2);
		ASSERT_EQ(lines("/proc/sysvipc/sem"), 2);
		ASSERT_EQ(lines("/proc/sysvipc/msg"), 2);
		JOIN(SPAWN({
			struct shmid_ds ds;
			struct msqid_ds qs;
			ASSERT_OK(shmget(KEY, 0, 0));
			own();
			ASSERT_ERR(shmget(KEY, 0, 0), ENOENT);
			ASSERT_ERR(semget(KEY, 0, 0), ENOENT);
			ASSERT_ERR(msgget(KEY, 0), ENOENT);
			ASSERT_ERR(shmctl(shm, IPC_STAT, &ds), EINVAL);
			ASSERT_ERR(semctl(sem, 0, GETVAL), EINVAL);
			ASSERT_ERR(msgctl(msg, IPC_STAT, &qs), EINVAL);
			ASSERT_ERR(shmat(shm, NULL, 0) == (void *)-1 ? -1 : 0, EINVAL);
			ASSERT_EQ(lines("/proc/sysvipc/shm"), 1);
			ASSERT_OK(shmget(KEY, 8192, IPC_CREAT | IPC_EXCL | 0600));
		}));
		ASSERT_ERR(shmget(KEY, 8192, 0), EINVAL);
	}));
}

TEST(an_attachment_outlives_its_namespace)
{
	NEED_ROOT();
	JOIN(SPAWN({
		int up = ns_open(getpid(), "ipc");
		own();
		int id = shmget(KEY, 4096, IPC_CREAT | 0600);
		char *p = shmat(id, NULL, 0);
		ASSERT(p != (char *)-1);
		strcpy(p, "still here");
		ASSERT_OK(setns(up, CLONE_NEWIPC));
		ASSERT(strcmp(p, "still here") == 0);
		p[0] = 'S';
		JOIN(SPAWN({ ASSERT_EQ(p[0], 'S'); }));
		ASSERT_OK(shmdt(p));
	}));
}

TEST(unshare_leaves_what_is_to_be_undone)
{
	NEED_ROOT();
	JOIN(SPAWN({
		own();
		int sem = semget(IPC_PRIVATE, 1, 0600);
		ASSERT_OK(semctl(sem, 0, SETVAL, 5));
		JOIN(SPAWN({
			struct sembuf op = {0, -3, SEM_UNDO};
			ASSERT_OK(semop(sem, &op, 1));
			own();
			_exit(0);
		}));
		ASSERT_EQ(semctl(sem, 0, GETVAL), 5);
	}));
}

TEST(limits_are_each_ones_own)
{
	NEED_ROOT();
	JOIN(SPAWN({
		struct msginfo info;
		own();
		int fd = open("/proc/sys/kernel/msgmax", O_RDWR);
		ASSERT_OK(fd);
		ASSERT_EQ(write(fd, "4711\n", 5), 5);
		ASSERT_OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
		ASSERT_EQ(info.msgmax, 4711);
		JOIN(SPAWN({
			own();
			ASSERT_OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&info));
			ASSERT_EQ(info.msgmax, 8192);
		}));
	}));
}

TEST(joining_shows_the_objects)
{
	int up[2], down[2];
	char c;
	NEED_ROOT();
	ASSERT_OK(pipe(up));
	ASSERT_OK(pipe(down));
	pid_t p = SPAWN({
		own();
		ASSERT_OK(msgget(KEY, IPC_CREAT | 0600));
		ASSERT_EQ(write(up[1], "x", 1), 1);
		ASSERT_EQ(read(down[0], &c, 1), 1);
	});
	ASSERT_EQ(read(up[0], &c, 1), 1);
	int fd = ns_open(p, "ipc");
	JOIN(SPAWN({
		ASSERT_ERR(msgget(KEY, 0), ENOENT);
		ASSERT_OK(setns(fd, CLONE_NEWIPC));
		ASSERT_OK(msgget(KEY, 0));
	}));
	ASSERT_EQ(write(down[1], "x", 1), 1);
	JOIN(p);
}

TEST_MAIN()
