/* SPDX-License-Identifier: Apache-2.0 */
/* SysV semaphores: semget, semop, semtimedop, semctl, and what a process's end undoes. */
#include "sysv.h"

#include <pthread.h>
#include <sched.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int new_set(int n)
{
	return keep(SEM, semget(IPC_PRIVATE, n, 0600));
}

static int op(int id, int num, int by, int flags)
{
	struct sembuf s = {(unsigned short)num, (short)by, (short)flags};
	return semop(id, &s, 1);
}

static int value(int id, int num)
{
	return semctl(id, num, GETVAL);
}

static void set_value(int id, int num, int val)
{
	ASSERT_OK(semctl(id, num, SETVAL, (union semun){.val = val}));
}

static struct semid_ds stat_of(int id)
{
	struct semid_ds ds;
	ASSERT_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	return ds;
}

/* Until that many sleep on it. */
static void await(int id, int num, int cmd, int count)
{
	while (semctl(id, num, cmd) != count)
		sched_yield();
}

IPC_TEST(a_new_set_is_zero_and_described)
{
	time_t now = time(NULL);
	int id = keep(SEM, semget(IPC_PRIVATE, 3, 0640));
	struct semid_ds ds = stat_of(id);
	ASSERT_EQ(ds.sem_nsems, 3);
	ASSERT_EQ(ds.sem_otime, 0);
	ASSERT(ds.sem_ctime >= now - 1 && ds.sem_ctime <= now + 5);
	ASSERT_EQ(ds.sem_perm.mode, 0640);
	ASSERT_EQ(ds.sem_perm.cuid, geteuid());
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(value(id, i), 0);
		ASSERT_EQ(semctl(id, i, GETPID), 0);
		ASSERT_EQ(semctl(id, i, GETNCNT), 0);
		ASSERT_EQ(semctl(id, i, GETZCNT), 0);
	}
}

IPC_TEST(a_key_finds_its_set)
{
	key_t key = new_key();
	ASSERT_ERR(semget(key, 2, 0600), ENOENT);
	int id = keep(SEM, semget(key, 2, 0600 | IPC_CREAT | IPC_EXCL));
	ASSERT_EQ(semget(key, 2, 0600), id);
	ASSERT_EQ(semget(key, 1, 0600 | IPC_CREAT), id);
	ASSERT_EQ(semget(key, 0, 0), id);
	ASSERT_ERR(semget(key, 3, 0600), EINVAL);
	ASSERT_ERR(semget(key, 2, 0600 | IPC_CREAT | IPC_EXCL), EEXIST);
}

IPC_TEST(sizes_have_limits)
{
	ASSERT_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	ASSERT_ERR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
	ASSERT_ERR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
	int id = new_set(32000);
	ASSERT_EQ(value(id, 31999), 0);
}

IPC_TEST(operations_add_and_subtract)
{
	int id = new_set(1);
	ASSERT_OK(op(id, 0, 5, 0));
	ASSERT_EQ(value(id, 0), 5);
	ASSERT_OK(op(id, 0, -3, 0));
	ASSERT_EQ(value(id, 0), 2);
	ASSERT_ERR(op(id, 0, -3, IPC_NOWAIT), EAGAIN);
	ASSERT_ERR(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	ASSERT_OK(op(id, 0, -2, IPC_NOWAIT));
	ASSERT_OK(op(id, 0, 0, IPC_NOWAIT));
	ASSERT_EQ(semctl(id, 0, GETPID), getpid());
	ASSERT(stat_of(id).sem_otime > 0);
}

IPC_TEST(several_operations_are_one)
{
	int id = new_set(3);
	struct sembuf up[] = {{0, 1, 0}, {1, 2, 0}, {2, 3, 0}};
	ASSERT_OK(semop(id, up, 3));
	/* The last fails, so the first two did not happen. */
	struct sembuf down[] = {{0, -1, IPC_NOWAIT}, {1, -1, IPC_NOWAIT}, {2, -4, IPC_NOWAIT}};
	ASSERT_ERR(semop(id, down, 3), EAGAIN);
	ASSERT(value(id, 0) == 1 && value(id, 1) == 2 && value(id, 2) == 3);
	/* In order, one after the other, on the same one too. */
	struct sembuf both[] = {{0, -1, 0}, {0, 0, 0}, {0, 4, 0}, {0, -2, 0}};
	ASSERT_OK(semop(id, both, 4));
	ASSERT_EQ(value(id, 0), 2);
}

IPC_TEST(operation_errors)
{
	int id = new_set(1);
	struct sembuf s = {0, 1, 0};
	struct sembuf many[501];
	ASSERT_ERR(semop(id, &s, 0), EINVAL);
	ASSERT_ERR(semop(-1, &s, 1), EINVAL);
	ASSERT_ERR(semop(0x7ffffff0, &s, 1), EINVAL);
	ASSERT_ERR(semop(id, (void *)1, 1), EFAULT);
	ASSERT_ERR(semop(id, many, 501), E2BIG);
	ASSERT_ERR(op(id, 1, 1, 0), EFBIG);
	ASSERT_ERR(op(id, 0xffff, 1, 0), EFBIG);
	set_value(id, 0, 32767);
	ASSERT_ERR(op(id, 0, 1, 0), ERANGE);
	for (int i = 0; i < 500; i++)
		many[i] = (struct sembuf){0, i % 2 ? 1 : -1, 0};
	ASSERT_OK(semop(id, many, 500));
	ASSERT_EQ(value(id, 0), 32767);
}

IPC_TEST(a_sleeper_is_woken_by_what_it_waits_for)
{
	int id = new_set(1);
	pid_t p = SPAWN({ ASSERT_OK(op(id, 0, -2, 0)); });
	await(id, 0, GETNCNT, 1);
	ASSERT_OK(op(id, 0, 1, 0));
	ASSERT_EQ(value(id, 0), 1);
	ASSERT_EQ(semctl(id, 0, GETNCNT), 1);
	ASSERT_OK(op(id, 0, 1, 0));
	JOIN(p);
	ASSERT_EQ(value(id, 0), 0);
	ASSERT_EQ(semctl(id, 0, GETPID), p);
	ASSERT_EQ(semctl(id, 0, GETNCNT), 0);
}

IPC_TEST(a_sleeper_waits_for_zero)
{
	int id = new_set(1);
	set_value(id, 0, 2);
	pid_t p = SPAWN({ ASSERT_OK(op(id, 0, 0, 0)); });
	await(id, 0, GETZCNT, 1);
	ASSERT_EQ(semctl(id, 0, GETNCNT), 0);
	ASSERT_OK(op(id, 0, -2, 0));
	JOIN(p);
}

/* One change lets one go on, whose change lets the next. */
IPC_TEST(wakes_go_in_a_chain)
{
	int id = new_set(4);
	pid_t p[3];
	for (int i = 0; i < 3; i++) {
		p[i] = SPAWN({
			struct sembuf s[] = {{(unsigned short)i, -1, 0},
					     {(unsigned short)(i + 1), 1, 0}};
			ASSERT_OK(semop(id, s, 2));
		});
		await(id, i, GETNCNT, 1);
	}
	ASSERT_OK(op(id, 0, 1, 0));
	for (int i = 0; i < 3; i++)
		JOIN(p[i]);
	ASSERT_EQ(value(id, 3), 1);
}

IPC_TEST(setval_and_setall_wake_too)
{
	int id = new_set(2);
	unsigned short all[2] = {0, 1};
	pid_t p = SPAWN({ ASSERT_OK(op(id, 0, -1, 0)); });
	await(id, 0, GETNCNT, 1);
	set_value(id, 0, 1);
	JOIN(p);
	p = SPAWN({ ASSERT_OK(op(id, 1, -1, 0)); });
	await(id, 1, GETNCNT, 1);
	ASSERT_OK(semctl(id, 0, SETALL, (union semun){.array = all}));
	JOIN(p);
	ASSERT_EQ(value(id, 1), 0);
}

IPC_TEST(removal_wakes_with_eidrm)
{
	int id = new_set(1);
	pid_t p = SPAWN({ ASSERT_ERR(op(id, 0, -1, 0), EIDRM); });
	await(id, 0, GETNCNT, 1);
	ASSERT_OK(semctl(id, 0, IPC_RMID));
	JOIN(p);
	ASSERT_ERR(op(id, 0, 1, 0), EINVAL);
	ASSERT_ERR(semctl(id, 0, GETVAL), EINVAL);
}

IPC_TEST(a_signal_ends_the_sleep_whatever_sa_restart_says)
{
	int id = new_set(1);
	on_signal(SIGUSR1, count_signal, SA_RESTART);
	pid_t p = SPAWN({
		ASSERT_ERR(op(id, 0, -1, 0), EINTR);
		ASSERT_EQ(signal_count, 1);
	});
	await(id, 0, GETNCNT, 1);
	ASSERT_OK(kill(p, SIGUSR1));
	JOIN(p);
	ASSERT_EQ(semctl(id, 0, GETNCNT), 0);
}

IPC_TEST(a_sleep_can_have_an_end)
{
	int id = new_set(1);
	struct sembuf s = {0, -1, 0};
	struct timespec ts = {0, 50000000};
	struct timespec bad = {0, 1000000000};
	int64_t start = now_ns();
	ASSERT_ERR(semtimedop(id, &s, 1, &ts), EAGAIN);
	ASSERT(now_ns() - start >= 50000000);
	ASSERT_ERR(semtimedop(id, &s, 1, &bad), EINVAL);
	ts.tv_sec = -1;
	ASSERT_ERR(semtimedop(id, &s, 1, &ts), EINVAL);
	ASSERT_ERR(syscall(SYS_semtimedop, id, &s, 1, (void *)1), EFAULT);
	set_value(id, 0, 1);
	ts.tv_sec = 100;
	ASSERT_OK(semtimedop(id, &s, 1, &ts));
	ASSERT_ERR(syscall(SYS_semop, id, &s, 0), EINVAL);
}

IPC_TEST(undo_happens_at_exit)
{
	int id = new_set(2);
	set_value(id, 0, 10);
	pid_t p = SPAWN({
		ASSERT_OK(op(id, 0, -3, SEM_UNDO));
		ASSERT_OK(op(id, 0, -1, 0));
		ASSERT_OK(op(id, 1, 2, SEM_UNDO));
		ASSERT_OK(op(id, 1, 1, 0));
		ASSERT_EQ(value(id, 0), 6);
	});
	JOIN(p);
	ASSERT_EQ(value(id, 0), 9);
	ASSERT_EQ(value(id, 1), 1);
	ASSERT_EQ(semctl(id, 0, GETPID), p);
}

IPC_TEST(undo_happens_when_killed_and_wakes)
{
	int id = new_set(1);
	set_value(id, 0, 1);
	pid_t holder = SPAWN({
		ASSERT_OK(op(id, 0, -1, SEM_UNDO));
		pause();
	});
	while (value(id, 0) != 0)
		sched_yield();
	pid_t p = SPAWN({ ASSERT_OK(op(id, 0, -1, 0)); });
	await(id, 0, GETNCNT, 1);
	kill_and_reap(holder);
	JOIN(p);
}

IPC_TEST(undo_stops_at_zero)
{
	int id = new_set(1);
	JOIN(SPAWN({
		ASSERT_OK(op(id, 0, 5, SEM_UNDO));
		ASSERT_OK(op(id, 0, -4, 0));
	}));
	ASSERT_EQ(value(id, 0), 0);
}

IPC_TEST(undo_is_not_inherited_but_kept_over_exec)
{
	char *argv[] = {"true", NULL};
	int id = new_set(1);
	set_value(id, 0, 5);
	ASSERT_OK(op(id, 0, -1, SEM_UNDO));
	JOIN(SPAWN({}));
	ASSERT_EQ(value(id, 0), 4);
	JOIN(SPAWN({
		ASSERT_OK(op(id, 0, -1, SEM_UNDO));
		execv("/bin/true", argv);
		_exit(1);
	}));
	ASSERT_EQ(value(id, 0), 4);
}

IPC_TEST(setting_a_value_forgets_its_undo)
{
	int id = new_set(2);
	unsigned short all[2] = {7, 7};
	JOIN(SPAWN({
		ASSERT_OK(op(id, 0, 3, SEM_UNDO));
		set_value(id, 0, 5);
		ASSERT_OK(op(id, 1, 3, SEM_UNDO));
	}));
	ASSERT_EQ(value(id, 0), 5);
	ASSERT_EQ(value(id, 1), 0);
	JOIN(SPAWN({
		ASSERT_OK(op(id, 0, 3, SEM_UNDO));
		ASSERT_OK(semctl(id, 0, SETALL, (union semun){.array = all}));
	}));
	ASSERT_EQ(value(id, 0), 7);
}

IPC_TEST(undo_has_a_range)
{
	int id = new_set(1);
	ASSERT_OK(op(id, 0, 32767, SEM_UNDO));
	ASSERT_OK(op(id, 0, -32767, 0));
	/* One more would make -32768: that still is in range; the next is not. */
	ASSERT_OK(op(id, 0, 1, SEM_UNDO));
	ASSERT_ERR(op(id, 0, 1, SEM_UNDO), ERANGE);
	ASSERT_EQ(value(id, 0), 1);
}

static int undo_id;

static void *undo_in_thread(void *arg)
{
	ASSERT_OK(op(undo_id, 0, 1, SEM_UNDO));
	return arg;
}

IPC_TEST(threads_share_what_is_to_undo)
{
	pthread_t t;
	undo_id = new_set(1);
	JOIN(SPAWN({
		ASSERT_EQ(pthread_create(&t, NULL, undo_in_thread, NULL), 0);
		ASSERT_EQ(pthread_join(t, NULL), 0);
		/* The thread has ended, the process has not. */
		ASSERT_EQ(value(undo_id, 0), 1);
	}));
	ASSERT_EQ(value(undo_id, 0), 0);
}

IPC_TEST(unshare_undoes)
{
	int id = new_set(1);
	ASSERT_OK(op(id, 0, 1, SEM_UNDO));
	ASSERT_OK(unshare(CLONE_SYSVSEM));
	ASSERT_EQ(value(id, 0), 0);
}

/* kcmp(2), KCMP_SYSVSEM. */
static long same_undo(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, 6, 0, 0);
}

IPC_TEST(kcmp_tells_who_shares_what_is_to_undo)
{
	ASSERT_OK(op(new_set(1), 0, 1, SEM_UNDO));
	ASSERT_EQ(same_undo(getpid(), getpid()), 0);
	JOIN(SPAWN({ ASSERT(same_undo(getpid(), getppid()) > 0); }));
	pid_t p = (pid_t)syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, NULL, NULL, NULL, NULL);
	if (p == 0)
		_exit(same_undo(getpid(), getppid()) != 0);
	JOIN(p);
}

IPC_TEST(values_are_set_and_read)
{
	int id = new_set(3);
	unsigned short in[3] = {1, 32767, 3}, out[3] = {0}, bad[3] = {1, 32768, 3};
	ASSERT_OK(semctl(id, 0, SETALL, (union semun){.array = in}));
	ASSERT_OK(semctl(id, 0, GETALL, (union semun){.array = out}));
	ASSERT_EQ(memcmp(in, out, sizeof in), 0);
	ASSERT_ERR(semctl(id, 0, SETALL, (union semun){.array = bad}), ERANGE);
	ASSERT_EQ(value(id, 0), 1);
	ASSERT_ERR(semctl(id, 0, SETVAL, (union semun){.val = -1}), ERANGE);
	ASSERT_ERR(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
	ASSERT_ERR(semctl(id, 3, SETVAL, (union semun){.val = 1}), EINVAL);
	ASSERT_ERR(semctl(id, 3, GETVAL), EINVAL);
	ASSERT_ERR(semctl(id, -1, GETVAL), EINVAL);
	ASSERT_ERR(semctl(id, 0, GETALL, (union semun){.array = (void *)1}), EFAULT);
	ASSERT_ERR(semctl(id, 0, SETALL, (union semun){.array = (void *)1}), EFAULT);
	ASSERT_ERR(semctl(id, 0, 9999), EINVAL);
	ASSERT_EQ(semctl(id, 1, GETPID), getpid());
}

IPC_TEST(permissions_decide)
{
	key_t key = new_key();
	int id = keep(SEM, semget(key, 1, 0604 | IPC_CREAT));
	struct semid_ds ds;
	JOIN(SPAWN({
		become_nobody();
		ASSERT_EQ(semget(key, 1, 0004), id);
		ASSERT_ERR(semget(key, 1, 0002), EACCES);
		ASSERT_EQ(value(id, 0), 0);
		ASSERT_OK(op(id, 0, 0, IPC_NOWAIT));
		ASSERT_ERR(op(id, 0, 1, IPC_NOWAIT), EACCES);
		ASSERT_ERR(semctl(id, 0, SETVAL, (union semun){.val = 1}), EACCES);
		ASSERT_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
		ASSERT_ERR(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), EPERM);
		ASSERT_ERR(semctl(id, 0, IPC_RMID), EPERM);
	}));
	ds = stat_of(id);
	ds.sem_perm.uid = NOBODY;
	ds.sem_perm.mode = 0200;
	ASSERT_OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(value(id, 0), EACCES);
		ASSERT_ERR(op(id, 0, 0, IPC_NOWAIT), EACCES);
		ASSERT_OK(op(id, 0, 1, IPC_NOWAIT));
		ASSERT_OK(semctl(id, 0, IPC_RMID));
	}));
}

IPC_TEST(info_tells_limits_and_use)
{
	struct seminfo limits, use, after;
	struct semid_ds ds;
	int found = 0;
	ASSERT_OK(semctl(0, 0, IPC_INFO, (union semun){.info = &limits}));
	ASSERT_EQ(limits.semmni, 32000);
	ASSERT_EQ(limits.semmsl, 32000);
	ASSERT_EQ(limits.semmns, 1024000000);
	ASSERT_EQ(limits.semopm, 500);
	ASSERT_EQ(limits.semvmx, 32767);
	ASSERT_EQ(limits.semaem, 32767);
	ASSERT_EQ(limits.semume, 500);
	ASSERT_EQ(limits.semusz, 20);
	ASSERT_EQ(limits.semmap, limits.semmns);
	ASSERT_EQ(limits.semmnu, limits.semmns);
	ASSERT_EQ(sysctl_number("sem"), limits.semmsl);
	ASSERT_OK(semctl(0, 0, SEM_INFO, (union semun){.info = &use}));
	int id = new_set(17);
	int top = semctl(0, 0, SEM_INFO, (union semun){.info = &after});
	ASSERT_EQ(after.semusz - use.semusz, 1);
	ASSERT_EQ(after.semaem - use.semaem, 17);
	for (int i = 0; i <= top; i++)
		found += semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id;
	ASSERT_EQ(found, 1);
}

IPC_TEST(proc_lists_sets)
{
	char line[512];
	int key, nr;
	unsigned mode, n;
	int id = new_set(9);
	ASSERT(sysvipc_line("sem", id, line, sizeof line));
	ASSERT_EQ(sscanf(line, "%d %d %o %u", &key, &nr, &mode, &n), 4);
	ASSERT(key == 0 && mode == 0600 && n == 9);
	ASSERT_EQ(strlen(line), 85);
}

/* As a mutex that dies with its holder. */
IPC_TEST(four_processes_take_turns)
{
	pid_t p[4];
	int id = new_set(1);
	volatile int *shared = (volatile int *)map_shared(PAGE);
	set_value(id, 0, 1);
	for (int i = 0; i < 4; i++)
		p[i] = SPAWN({
			for (int n = 0; n < 100; n++) {
				ASSERT_OK(op(id, 0, -1, SEM_UNDO));
				int was = *shared;
				if (n % 10 == 0)
					sched_yield();
				*shared = was + 1;
				ASSERT_OK(op(id, 0, 1, SEM_UNDO));
			}
		});
	for (int i = 0; i < 4; i++)
		JOIN(p[i]);
	ASSERT_EQ(*shared, 400);
	ASSERT_EQ(value(id, 0), 1);
}

TEST_MAIN()
