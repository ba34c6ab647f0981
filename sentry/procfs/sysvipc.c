/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sysvipc: what exists, as ipcs(1) reads it; and the limits of IPC namespaces in
 * /proc/sys/kernel and /proc/sys/fs/mqueue.
 */
#include <errno.h>
#include <string.h>

#include "sentry/ipc/msg.h"
#include "sentry/ipc/sem.h"
#include "sentry/ipc/shm.h"
#include "sentry/procfs/machine.h"
#include "syscalls/abi/mqueue.h"

typedef unsigned long long ull;

static void put_owners(const struct abi_ipc_perm *p, struct text *out)
{
	text_printf(out, " %5u %5u %5u %5u", p->uid, p->gid, p->cuid, p->cgid);
}

static int msg_show(const struct proc_look *at, struct text *out)
{
	struct abi_msqid_ds ds;
	int index = 0, id;
	(void)at;
	text_str(out, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
		      "cuid  cgid      stime      rtime      ctime\n");
	while (msgq_next(task_ipc(task_current()), &index, &id, &ds)) {
		text_printf(out, "%10d %10d  %4o  %10llu %10llu %5d %5d", ds.perm.key, id,
			    ds.perm.mode, (ull)ds.cbytes, (ull)ds.qnum, ds.lspid, ds.lrpid);
		put_owners(&ds.perm, out);
		text_printf(out, " %10llu %10llu %10llu\n", (ull)ds.stime, (ull)ds.rtime,
			    (ull)ds.ctime);
	}
	return 0;
}

static int sem_show(const struct proc_look *at, struct text *out)
{
	struct abi_semid_ds ds;
	int index = 0, id;
	(void)at;
	text_str(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime  "
		      "    ctime\n");
	while (sem_next(task_ipc(task_current()), &index, &id, &ds)) {
		text_printf(out, "%10d %10d  %4o %10llu", ds.perm.key, id, ds.perm.mode,
			    (ull)ds.nsems);
		put_owners(&ds.perm, out);
		text_printf(out, " %10llu %10llu\n", (ull)ds.otime, (ull)ds.ctime);
	}
	return 0;
}

static int shm_show(const struct proc_look *at, struct text *out)
{
	struct shm_row r;
	int index = 0;
	(void)at;
	text_str(out, "       key      shmid perms                  size  cpid  lpid nattch   uid "
		      "  gid  cuid  cgid      atime      dtime      ctime                   rss   "
		      "               swap\n");
	while (shm_next(task_ipc(task_current()), &index, &r)) {
		text_printf(out, "%10d %10d  %4o %21llu %5d %5d  %5llu", r.ds.perm.key, r.id,
			    r.ds.perm.mode, (ull)r.ds.segsz, r.ds.cpid, r.ds.lpid,
			    (ull)r.ds.nattch);
		put_owners(&r.ds.perm, out);
		text_printf(out, " %10llu %10llu %10llu %21llu %21u\n", (ull)r.ds.atime,
			    (ull)r.ds.dtime, (ull)r.ds.ctime, (ull)r.rss, 0);
	}
	return 0;
}

static const struct proc_entry entries[] = {
	PROC_FILE("msg", 0444, .show = msg_show),
	PROC_FILE("sem", 0444, .show = sem_show),
	PROC_FILE("shm", 0444, .show = shm_show),
};
const struct proc_table proc_sysvipc_table = PROC_TABLE(entries, IDS_SYSVIPC);

/* ---- limits ---- */

static const struct limit {
	const char *name;
	size_t at; /* in struct ipc_limits */
	bool wide;
	uint64_t max, min;
} limits[] = {
	{"shmmax", offsetof(struct ipc_limits, shmmax), true, UINT64_MAX, 0},
	{"shmall", offsetof(struct ipc_limits, shmall), true, UINT64_MAX, 0},
	{"shmmni", offsetof(struct ipc_limits, shmmni), false, IPC_MNI, 0},
	{"msgmax", offsetof(struct ipc_limits, msgmax), false, INT32_MAX, 0},
	{"msgmnb", offsetof(struct ipc_limits, msgmnb), false, INT32_MAX, 0},
	{"msgmni", offsetof(struct ipc_limits, msgmni), false, IPC_MNI, 0},
	{"queues_max", offsetof(struct ipc_limits, mq_queues_max), false, INT32_MAX, 0},
	{"msg_max", offsetof(struct ipc_limits, mq_msg_max), false, MQ_MAXMSG_HARD, 1},
	{"msg_default", offsetof(struct ipc_limits, mq_msg_default), false, MQ_MAXMSG_HARD, 1},
	{"msgsize_max", offsetof(struct ipc_limits, mq_msgsize_max), false, MQ_MSGSIZE_HARD, 128},
	{"msgsize_default", offsetof(struct ipc_limits, mq_msgsize_default), false, MQ_MSGSIZE_HARD,
	 128},
};

/* The reader's or writer's. */
static void *limit_at(size_t at)
{
	return (char *)&task_ipc(task_current())->limits + at;
}

static const struct limit *limit_of(const struct proc_look *at)
{
	unsigned i = 0;
	while (i + 1 < ARRAY_SIZE(limits) && strcmp(limits[i].name, at->node->entry->name) != 0)
		i++;
	return &limits[i];
}

int sysvipc_number_show(const struct proc_look *at, struct text *out)
{
	const struct limit *l = limit_of(at);
	const void *p = limit_at(l->at);
	uint64_t v = l->wide ? __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED)
			     : (uint64_t)__atomic_load_n((const int *)p, __ATOMIC_RELAXED);
	text_printf(out, "%llu\n", (ull)v);
	return 0;
}

int sysvipc_number_store(const struct proc_look *at, char *text, size_t size)
{
	const struct limit *l = limit_of(at);
	uint64_t v;
	(void)size;
	int err = text_number(&text, l->max, &v);
	if (err == 0 && v < l->min)
		err = -EINVAL;
	if (err == 0 && l->wide)
		__atomic_store_n((uint64_t *)limit_at(l->at), v, __ATOMIC_RELAXED);
	else if (err == 0)
		__atomic_store_n((int *)limit_at(l->at), (int)v, __ATOMIC_RELAXED);
	return err;
}

static const struct {
	size_t at; /* in struct ipc_limits: an int */
	uint64_t max;
} sem_limits[4] = {
	{offsetof(struct ipc_limits, semmsl), 65536},
	{offsetof(struct ipc_limits, semmns), INT32_MAX},
	{offsetof(struct ipc_limits, semopm), 65536},
	{offsetof(struct ipc_limits, semmni), IPC_MNI},
};

int sysvipc_sem_show(const struct proc_look *at, struct text *out)
{
	const struct ipc_ns *n = task_ipc(task_current());
	(void)at;
	text_printf(out, "%d\t%d\t%d\t%d\n", ipc_limit(n, semmsl), ipc_limit(n, semmns),
		    ipc_limit(n, semopm), ipc_limit(n, semmni));
	return 0;
}

/* As many as there are: the others stay. */
int sysvipc_sem_store(const struct proc_look *at, char *text, size_t size)
{
	uint64_t v[4];
	int n = 0, err = 0;
	(void)at;
	(void)size;
	for (; n < 4 && text[strspn(text, " \t\n")]; n++)
		if ((err = text_number(&text, sem_limits[n].max, &v[n])) < 0)
			return err;
	for (int i = 0; i < n; i++)
		__atomic_store_n((int *)limit_at(sem_limits[i].at), (int)v[i], __ATOMIC_RELAXED);
	return 0;
}
