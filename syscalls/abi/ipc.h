/* SPDX-License-Identifier: Apache-2.0 */
/* SysV IPC: shared memory, semaphores, message queues. */
#pragma once
#pragma GCC system_header

#include <stdint.h>

#define IPC_PRIVATE    0
#define IPC_CREAT      00001000
#define IPC_EXCL       00002000
#define IPC_NOWAIT     00004000

#define IPC_RMID       0
#define IPC_SET	       1
#define IPC_STAT       2
#define IPC_INFO       3

#define SHM_LOCK       11
#define SHM_UNLOCK     12
#define SHM_STAT       13
#define SHM_INFO       14
#define SHM_STAT_ANY   15

#define SHM_HUGETLB    04000
#define SHM_NORESERVE  010000
#define SHM_RDONLY     010000
#define SHM_RND	       020000
#define SHM_REMAP      040000
#define SHM_EXEC       0100000
#define SHM_DEST       01000
#define SHM_LOCKED     02000

#define GETPID	       11
#define GETVAL	       12
#define GETALL	       13
#define GETNCNT	       14
#define GETZCNT	       15
#define SETVAL	       16
#define SETALL	       17
#define SEM_STAT       18
#define SEM_INFO       19
#define SEM_STAT_ANY   20
#define SEM_UNDO       0x1000

#define MSG_STAT       11
#define MSG_INFO       12
#define MSG_STAT_ANY   13
#define MSG_NOERROR    010000
#define MSG_EXCEPT     020000
#define MSG_COPY       040000

struct abi_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad2;
	uint32_t pad;
	uint64_t unused1, unused2;
};
_Static_assert(sizeof(struct abi_ipc_perm) == 48, "struct ipc64_perm");

struct abi_shmid_ds {
	struct abi_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused4, unused5;
};
_Static_assert(sizeof(struct abi_shmid_ds) == 112, "struct shmid64_ds");

struct abi_shminfo {
	uint64_t shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct abi_shm_info {
	int32_t used_ids, pad;
	uint64_t tot, rss, swp, swap_attempts, swap_successes;
};

struct abi_semid_ds {
	struct abi_ipc_perm perm;
	int64_t otime;
	uint64_t unused1;
	int64_t ctime;
	uint64_t unused2, nsems, unused3, unused4;
};
_Static_assert(sizeof(struct abi_semid_ds) == 104, "struct semid64_ds");

struct abi_sembuf {
	uint16_t num;
	int16_t op, flg;
};
_Static_assert(sizeof(struct abi_sembuf) == 6, "struct sembuf");

struct abi_seminfo {
	int32_t semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

struct abi_msqid_ds {
	struct abi_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused4, unused5;
};
_Static_assert(sizeof(struct abi_msqid_ds) == 120, "struct msqid64_ds");

struct abi_msginfo {
	int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t msgseg, pad;
};
