/* SPDX-License-Identifier: Apache-2.0 */
/* SysV shared memory: shmget, shmat, shmdt, shmctl. */
#include "sysv.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static int new_segment(size_t size)
{
	return keep(SHM, shmget(IPC_PRIVATE, size, 0600 | IPC_CREAT));
}

static char *attach(int id, int flags)
{
	char *at = shmat(id, NULL, flags);
	ASSERT(at != (void *)-1);
	return at;
}

#define NO_ATTACH(err, ...)                                                                        \
	do {                                                                                       \
		ASSERT(shmat(__VA_ARGS__) == (void *)-1);                                          \
		ASSERT_EQ(errno, err);                                                             \
	} while (0)

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds ds;
	ASSERT_OK(shmctl(id, IPC_STAT, &ds));
	return ds;
}

IPC_TEST(a_new_segment_is_zero_and_described)
{
	time_t now = time(NULL);
	int id = keep(SHM, shmget(IPC_PRIVATE, 10000, 0640));
	struct shmid_ds ds = stat_of(id);
	ASSERT_EQ(ds.shm_segsz, 10000);
	ASSERT_EQ(ds.shm_nattch, 0);
	ASSERT_EQ(ds.shm_atime, 0);
	ASSERT_EQ(ds.shm_dtime, 0);
	ASSERT(ds.shm_ctime >= now - 1 && ds.shm_ctime <= now + 5);
	ASSERT_EQ(ds.shm_cpid, getpid());
	ASSERT_EQ(ds.shm_lpid, 0);
	ASSERT_EQ(ds.shm_perm.mode, 0640);
	ASSERT_EQ(ds.shm_perm.uid, geteuid());
	ASSERT_EQ(ds.shm_perm.cuid, geteuid());
	ASSERT_EQ(ds.shm_perm.gid, getegid());
	ASSERT_EQ(ds.shm_perm.cgid, getegid());
	ASSERT_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	char *m = attach(id, 0);
	/* Whole pages, all zero. */
	for (size_t i = 0; i < 3 * PAGE; i++)
		ASSERT_EQ(m[i], 0);
}

IPC_TEST(private_segments_are_all_different)
{
	ASSERT(new_segment(1) != new_segment(1));
}

IPC_TEST(a_key_finds_its_segment)
{
	key_t key = new_key();
	ASSERT_ERR(shmget(key, 100, 0600), ENOENT);
	int id = keep(SHM, shmget(key, 100, 0600 | IPC_CREAT | IPC_EXCL));
	ASSERT_EQ(stat_of(id).shm_perm.__key, key);
	ASSERT_EQ(shmget(key, 100, 0600), id);
	ASSERT_EQ(shmget(key, 100, 0600 | IPC_CREAT), id);
	ASSERT_EQ(shmget(key, 0, 0), id);
	ASSERT_ERR(shmget(key, 100, 0600 | IPC_CREAT | IPC_EXCL), EEXIST);
	ASSERT_ERR(shmget(key, 101, 0600), EINVAL);
	ASSERT_ERR(shmget(key, 101, 0600 | IPC_CREAT), EINVAL);
}

IPC_TEST(sizes_have_limits)
{
	ASSERT_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	ASSERT_ERR(shmget(IPC_PRIVATE, SIZE_MAX, 0600), EINVAL);
	ASSERT_ERR(shmget(new_key(), 0, 0600 | IPC_CREAT), EINVAL);
}

IPC_TEST(memory_is_shared_between_processes)
{
	int id = new_segment(PAGE);
	volatile char *m = attach(id, 0);
	m[0] = 1;
	JOIN(SPAWN({
		volatile char *other = attach(id, 0);
		ASSERT(other != m);
		ASSERT_EQ(other[0], 1);
		other[1] = 2;
		ASSERT_EQ(m[1], 2); /* the one inherited */
		m[2] = 3;
	}));
	ASSERT_EQ(m[1], 2);
	ASSERT_EQ(m[2], 3);
}

IPC_TEST(a_program_can_be_told_the_number)
{
	int id = new_segment(PAGE);
	JOIN(SPAWN({ strcpy(attach(id, 0), "left behind"); }));
	ASSERT_EQ(strcmp(attach(id, 0), "left behind"), 0);
}

IPC_TEST(attachments_are_counted)
{
	int id = new_segment(4 * PAGE);
	char *a = attach(id, 0), *b = attach(id, 0);
	ASSERT(a != b);
	ASSERT_EQ(stat_of(id).shm_nattch, 2);
	struct gate there = gate_new(), go = gate_new();
	pid_t p = SPAWN({
		gate_open(there);
		gate_wait(go);
	});
	gate_wait(there);
	ASSERT_EQ(stat_of(id).shm_nattch, 4);
	gate_open(go);
	JOIN(p);
	ASSERT_EQ(stat_of(id).shm_nattch, 2);
	ASSERT_OK(shmdt(a));
	ASSERT_EQ(stat_of(id).shm_nattch, 1);
	ASSERT_ERR(shmdt(a), EINVAL);
	ASSERT_OK(munmap(b, 4 * PAGE));
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
}

IPC_TEST(exec_and_exit_detach)
{
	char *argv[] = {"sleep", "0", NULL};
	int id = new_segment(PAGE);
	JOIN(SPAWN({ attach(id, 0); }));
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
	pid_t p = SPAWN({
		attach(id, 0);
		execv("/bin/sleep", argv);
		_exit(1);
	});
	JOIN(p);
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
	ASSERT_EQ(stat_of(id).shm_lpid, p);
}

IPC_TEST(times_and_pids_of_attach_and_detach)
{
	time_t now = time(NULL);
	int id = new_segment(PAGE);
	pid_t p = SPAWN({
		char *m = attach(id, 0);
		ASSERT_EQ(stat_of(id).shm_lpid, getpid());
		ASSERT(stat_of(id).shm_atime >= now - 1);
		ASSERT_EQ(stat_of(id).shm_dtime, 0);
		ASSERT_OK(shmdt(m));
	});
	JOIN(p);
	ASSERT_EQ(stat_of(id).shm_lpid, p);
	ASSERT(stat_of(id).shm_dtime >= now - 1);
	ASSERT_EQ(stat_of(id).shm_cpid, getpid());
}

IPC_TEST(removal_waits_for_the_last_detach)
{
	key_t key = new_key();
	int id = keep(SHM, shmget(key, PAGE, 0600 | IPC_CREAT));
	char *m = attach(id, 0);
	m[0] = 7;
	ASSERT_OK(shmctl(id, IPC_RMID, NULL));
	ASSERT_EQ(m[0], 7);
	struct shmid_ds ds = stat_of(id);
	ASSERT_EQ(ds.shm_perm.mode, 0600 | SHM_DEST);
	ASSERT_EQ(ds.shm_perm.__key, IPC_PRIVATE);
	/* The key is free again, the number still attaches. */
	int other = keep(SHM, shmget(key, PAGE, 0600 | IPC_CREAT | IPC_EXCL));
	ASSERT(other != id);
	char *again = attach(id, 0);
	ASSERT_EQ(again[0], 7);
	ASSERT_OK(shmdt(m));
	ASSERT_OK(shmdt(again));
	ASSERT_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
	NO_ATTACH(EINVAL, id, NULL, 0);
}

IPC_TEST(removal_of_an_unattached_segment_is_at_once)
{
	struct shmid_ds ds;
	int id = new_segment(PAGE);
	ASSERT_OK(shmctl(id, IPC_RMID, NULL));
	ASSERT_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
	ASSERT_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
}

IPC_TEST(numbers_are_not_used_again_soon)
{
	int id = new_segment(1);
	ASSERT_OK(shmctl(id, IPC_RMID, NULL));
	ASSERT(new_segment(1) != id);
	NO_ATTACH(EINVAL, id, NULL, 0);
}

IPC_TEST(read_only_attachments)
{
	int id = new_segment(PAGE);
	volatile char *m = attach(id, SHM_RDONLY);
	ASSERT_EQ(m[0], 0);
	ASSERT_ERR(mprotect((void *)m, PAGE, RW), EACCES);
	pid_t p = SPAWN({ m[0] = 1; });
	ASSERT_EQ(wait_status(p), SIGSEGV);
}

IPC_TEST(an_address_can_be_asked_for)
{
	int id = new_segment(2 * PAGE);
	char *m = map_anon(4 * PAGE);
	ASSERT_OK(munmap(m, 4 * PAGE));
	ASSERT(shmat(id, m + PAGE, 0) == m + PAGE);
	NO_ATTACH(EINVAL, id, m + PAGE + 1, 0);
	/* What is there already is not replaced ... */
	NO_ATTACH(EINVAL, id, m, 0);
	NO_ATTACH(EINVAL, id, m + 2 * PAGE, 0);
	/* ... unless that is asked for. */
	ASSERT(shmat(id, m + 2 * PAGE, SHM_REMAP) == m + 2 * PAGE);
	NO_ATTACH(EINVAL, id, NULL, SHM_REMAP);
	ASSERT_EQ(stat_of(id).shm_nattch, 2);
	/* The second page of the first attachment is gone, its first is still an attachment. */
	ASSERT_OK(shmdt(m + PAGE));
	ASSERT(!page_is_mapped(m + PAGE));
	ASSERT(page_is_mapped(m + 2 * PAGE));
}

IPC_TEST(an_address_can_be_rounded_down)
{
	int id = new_segment(PAGE);
	char *m = map_anon(2 * PAGE);
	ASSERT_OK(munmap(m, 2 * PAGE));
	ASSERT(shmat(id, m + PAGE + 123, SHM_RND) == m + PAGE);
	ASSERT_OK(shmdt(m + PAGE));
}

IPC_TEST(shmdt_wants_the_start)
{
	int id = new_segment(3 * PAGE);
	char *m = attach(id, 0);
	ASSERT_ERR(shmdt(m + PAGE), EINVAL);
	ASSERT_ERR(shmdt(m + 1), EINVAL);
	ASSERT_ERR(shmdt(map_anon(PAGE)), EINVAL);
	/* A hole in the middle changes nothing about what the attachment was. */
	ASSERT_OK(munmap(m + PAGE, PAGE));
	ASSERT_EQ(stat_of(id).shm_nattch, 2);
	ASSERT_OK(shmdt(m));
	ASSERT(!page_is_mapped(m) && !page_is_mapped(m + 2 * PAGE));
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
}

IPC_TEST(shmdt_finds_the_rest_of_a_cut_attachment)
{
	int id = new_segment(3 * PAGE);
	char *m = attach(id, 0);
	ASSERT_OK(munmap(m, PAGE));
	ASSERT_OK(shmdt(m));
	ASSERT(!page_is_mapped(m + PAGE));
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
}

IPC_TEST(only_the_attachment_at_the_address_goes)
{
	int id = new_segment(PAGE);
	char *a = attach(id, 0), *b = attach(id, 0);
	ASSERT_OK(shmdt(b));
	a[0] = 1;
	ASSERT(!page_is_mapped(b));
}

IPC_TEST(wrong_numbers)
{
	struct shmid_ds ds;
	NO_ATTACH(EINVAL, -1, NULL, 0);
	ASSERT_ERR(shmctl(-1, IPC_STAT, &ds), EINVAL);
	ASSERT_ERR(shmctl(0x7fffffff, IPC_STAT, &ds), EINVAL);
	int id = new_segment(PAGE);
	ASSERT_ERR(shmctl(id, 9999, &ds), EINVAL);
	ASSERT_ERR(shmctl(id, -1, &ds), EINVAL);
	ASSERT_ERR(shmctl(id, IPC_STAT, (void *)1), EFAULT);
	ASSERT_ERR(shmctl(id, IPC_SET, (void *)1), EFAULT);
}

IPC_TEST(permissions_decide)
{
	key_t key = new_key();
	int id = keep(SHM, shmget(key, PAGE, 0604 | IPC_CREAT));
	struct shmid_ds ds;
	JOIN(SPAWN({
		become_nobody();
		ASSERT_EQ(shmget(key, PAGE, 0), id);
		ASSERT_EQ(shmget(key, PAGE, 0004), id);
		ASSERT_ERR(shmget(key, PAGE, 0006), EACCES);
		ASSERT_ERR(shmget(key, PAGE, 0600), EACCES);
		NO_ATTACH(EACCES, id, NULL, 0);
		NO_ATTACH(EACCES, id, NULL, SHM_RDONLY | SHM_EXEC);
		attach(id, SHM_RDONLY);
		ASSERT_OK(shmctl(id, IPC_STAT, &ds));
		ASSERT_ERR(shmctl(id, IPC_SET, &ds), EPERM);
		ASSERT_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
	}));
	ds = stat_of(id);
	ds.shm_perm.mode = 0;
	ASSERT_OK(shmctl(id, IPC_SET, &ds));
	JOIN(SPAWN({
		become_nobody();
		ASSERT_ERR(shmctl(id, IPC_STAT, &ds), EACCES);
		NO_ATTACH(EACCES, id, NULL, SHM_RDONLY);
		ASSERT_EQ(shmget(key, PAGE, 0), id);
	}));
	/* Root needs none. */
	attach(id, 0);
}

IPC_TEST(set_changes_owner_and_mode)
{
	int id = new_segment(PAGE);
	struct shmid_ds ds = stat_of(id);
	ds.shm_perm.uid = 1234;
	ds.shm_perm.gid = 4321;
	ds.shm_perm.mode = 07777;
	ds.shm_segsz = 1;
	ASSERT_OK(shmctl(id, IPC_SET, &ds));
	ds = stat_of(id);
	ASSERT_EQ(ds.shm_perm.uid, 1234);
	ASSERT_EQ(ds.shm_perm.gid, 4321);
	ASSERT_EQ(ds.shm_perm.cuid, 0);
	ASSERT_EQ(ds.shm_perm.mode, 0777);
	ASSERT_EQ(ds.shm_segsz, PAGE);
	JOIN(SPAWN({
		ASSERT_OK(setgid(NOBODY));
		ASSERT_OK(setuid(1234));
		ASSERT_OK(shmctl(id, IPC_RMID, NULL));
	}));
}

IPC_TEST(lock_sets_a_flag)
{
	int id = new_segment(PAGE);
	ASSERT_OK(shmctl(id, SHM_LOCK, NULL));
	ASSERT_EQ(stat_of(id).shm_perm.mode, 0600 | SHM_LOCKED);
	ASSERT_OK(shmctl(id, SHM_UNLOCK, NULL));
	ASSERT_EQ(stat_of(id).shm_perm.mode, 0600);
	JOIN(SPAWN({
		struct rlimit none = {0, 0};
		ASSERT_OK(setrlimit(RLIMIT_MEMLOCK, &none));
		become_nobody();
		ASSERT_ERR(shmctl(id, SHM_LOCK, NULL), EPERM);
		ASSERT_ERR(shmctl(id, SHM_UNLOCK, NULL), EPERM);
		int own = shmget(IPC_PRIVATE, PAGE, 0600);
		ASSERT_OK(own);
		ASSERT_ERR(shmctl(own, SHM_LOCK, NULL), EPERM);
		ASSERT_OK(shmctl(own, SHM_UNLOCK, NULL));
		ASSERT_OK(shmctl(own, IPC_RMID, NULL));
	}));
}

IPC_TEST(info_tells_the_limits)
{
	struct shminfo info;
	ASSERT_OK(shmctl(0, IPC_INFO, (struct shmid_ds *)&info));
	ASSERT_EQ(info.shmmin, 1);
	ASSERT_EQ(info.shmmni, 4096);
	ASSERT_EQ(info.shmseg, info.shmmni);
	ASSERT(info.shmmax >= 1ul << 40);
	ASSERT_EQ(info.shmmax, sysctl_number("shmmax"));
	ASSERT_EQ(info.shmall, sysctl_number("shmall"));
	ASSERT_EQ(info.shmmni, sysctl_number("shmmni"));
}

IPC_TEST(usage_counts_segments_and_pages)
{
	struct shm_info before, after;
	ASSERT_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&before));
	int id = new_segment(3 * PAGE + 1);
	int top = shmctl(0, SHM_INFO, (struct shmid_ds *)&after);
	ASSERT(top >= 0);
	ASSERT_EQ(after.used_ids - before.used_ids, 1);
	ASSERT_EQ(after.shm_tot - before.shm_tot, 4);
	/* The table can be walked by index. */
	struct shmid_ds ds;
	int found = 0;
	for (int i = 0; i <= top; i++)
		found += shmctl(i, SHM_STAT, &ds) == id;
	ASSERT_EQ(found, 1);
	ASSERT_ERR(shmctl(top + 1, SHM_STAT, &ds), EINVAL);
}

IPC_TEST(touched_pages_are_resident_in_the_sum)
{
	struct shm_info before, after;
	char *m = attach(new_segment(64 * PAGE), 0);
	ASSERT_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&before));
	memset(m, 1, 64 * PAGE);
	ASSERT_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&after));
	ASSERT(after.shm_rss >= before.shm_rss + 64);
}

IPC_TEST(proc_lists_segments)
{
	char line[512];
	int key, id, nattch;
	unsigned mode;
	unsigned long size;
	int nr = new_segment(12345);
	attach(nr, 0);
	ASSERT(sysvipc_line("shm", nr, line, sizeof line));
	ASSERT_EQ(sscanf(line, "%d %d %o %lu %*d %*d %d", &key, &id, &mode, &size, &nattch), 5);
	ASSERT(key == 0 && mode == 0600 && size == 12345 && nattch == 1);
	/* Widths of the columns are what ipcs(1) and others count on. */
	ASSERT_EQ(strlen(line), 170);
	ASSERT_EQ(line[10], ' ');
}

IPC_TEST(maps_names_the_key)
{
	char line[512], want[64];
	key_t key = new_key();
	int id = keep(SHM, shmget(key, PAGE, 0600 | IPC_CREAT)), found = 0;
	char *m = attach(id, 0);
	FILE *f = fopen("/proc/self/maps", "re");
	snprintf(want, sizeof want, "/SYSV%08x (deleted)\n", (unsigned)key);
	while (fgets(line, sizeof line, f)) {
		unsigned long start, ino;
		if (sscanf(line, "%lx-%*x rw-s 00000000 %*x:%*x %lu", &start, &ino) != 2)
			continue;
		if (start != (unsigned long)m)
			continue;
		ASSERT_EQ(ino, id);
		ASSERT(strstr(line, want));
		found = 1;
	}
	ASSERT(found);
}

IPC_TEST(a_shared_futex_works_across_attachments)
{
	int id = new_segment(PAGE);
	uint32_t *a = (uint32_t *)attach(id, 0), *b = (uint32_t *)attach(id, 0);
	pid_t p = SPAWN({
		while (syscall(SYS_futex, a, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0) < 0)
			if (errno != EINTR)
				break;
	});
	while (syscall(SYS_futex, b, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0) != 1)
		sched_yield();
	JOIN(p);
}

IPC_TEST(dontneed_keeps_and_remove_drops_the_contents)
{
	char *m = attach(new_segment(2 * PAGE), 0);
	m[0] = m[PAGE] = 5;
	ASSERT_OK(madvise(m, 2 * PAGE, MADV_DONTNEED));
	ASSERT(m[0] == 5 && m[PAGE] == 5);
	ASSERT_OK(madvise(m, PAGE, MADV_REMOVE));
	ASSERT(m[0] == 0 && m[PAGE] == 5);
}

IPC_TEST(an_attachment_can_move)
{
	int id = new_segment(2 * PAGE);
	char *m = attach(id, 0), *to = map_anon(2 * PAGE);
	m[0] = 3;
	ASSERT(mremap(m, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	ASSERT_EQ(to[0], 3);
	ASSERT_EQ(stat_of(id).shm_nattch, 1);
	ASSERT_OK(shmdt(to));
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
}

IPC_TEST(the_address_space_limit_counts)
{
	int id = new_segment(64 << 20);
	JOIN(SPAWN({
		struct rlimit rl = {32 << 20, 32 << 20};
		ASSERT_OK(setrlimit(RLIMIT_AS, &rl));
		NO_ATTACH(ENOMEM, id, NULL, 0);
		ASSERT_EQ(stat_of(id).shm_nattch, 0);
	}));
}

static void *attach_often(void *arg)
{
	int id = *(int *)arg;
	for (int i = 0; i < 200; i++)
		ASSERT_OK(shmdt(attach(id, 0)));
	return NULL;
}

IPC_TEST(threads_attach_at_once)
{
	pthread_t t[4];
	int id = new_segment(PAGE);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_create(&t[i], NULL, attach_often, &id), 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(pthread_join(t[i], NULL), 0);
	ASSERT_EQ(stat_of(id).shm_nattch, 0);
}

TEST_MAIN()
