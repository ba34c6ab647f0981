/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SysV shared memory.
 *
 * A segment is a file of tmpfs without a name.  Each attachment opens it anew, so
 * that the file of an area is the attachment, and the areas that show it are the
 * count that shmctl(2) tells: struct file_attach of vfs/file.h.  A segment that was
 * removed goes with its last area.
 */
#pragma once

#include "sentry/ipc/ipc.h"

struct file;
struct text;

int shm_get(struct task *t, int32_t key, uint64_t size, uint32_t flags);
/* What shmat(2) maps: a new file for `size` bytes; shm_attached() when the mapping is there or not.
 */
int shm_attach(struct task *t, int id, uint32_t flags, struct file **out, uint64_t *out_size);
void shm_attached(struct file *f);

int shm_stat(struct task *t, int id, int cmd, struct abi_shmid_ds *out); /* *_STAT: the number */
int shm_set(struct task *t, int id, const struct abi_ipc_perm *in);
int shm_remove(struct task *t, int id);
int shm_lock(struct task *t, int id, bool on);
int shm_usage(const struct ipc_ns *n, struct abi_shm_info *out); /* the highest index */
int shm_top(const struct ipc_ns *n);

/* For /proc/sysvipc/shm: in order of index; false ends it. */
struct shm_row {
	int id;
	struct abi_shmid_ds ds;
	uint64_t rss; /* bytes */
};
/* The next one at or above *index, which moves on behind it; false: none. */
bool shm_next(const struct ipc_ns *n, int *index, struct shm_row *out);
void shm_clear(struct ipc_ns *n); /* at its end */
