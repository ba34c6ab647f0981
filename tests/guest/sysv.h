/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers for the tests of SysV IPC.  Objects outlive their makers: a test runs in a
 * child, and what it made with KEEP is removed when it has ended, however it did.
 */
#pragma once

#include "task.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum kind { SHM, SEM, MSG };
static struct kept {
	int count, id[64];
	enum kind kind[64];
} * kept;

HELPER void kept_remove(void)
{
	for (int i = 0; i < kept->count; i++) {
		int id = kept->id[i];
		if (kept->kind[i] == SHM)
			shmctl(id, IPC_RMID, NULL);
		else if (kept->kind[i] == SEM)
			semctl(id, 0, IPC_RMID);
		else
			msgctl(id, IPC_RMID, NULL);
	}
}

HELPER int keep(enum kind kind, int id)
{
	ASSERT_OK(id);
	ASSERT(kept->count < 64);
	kept->kind[kept->count] = kind;
	kept->id[kept->count++] = id;
	return id;
}

#define IPC_TEST(id_)                                                                              \
	static void body_##id_(void);                                                              \
	TEST(id_)                                                                                  \
	{                                                                                          \
		kept = (struct kept *)map_shared(PAGE);                                            \
		int status_ = wait_status(SPAWN({ body_##id_(); }));                               \
		kept_remove();                                                                     \
		if (status_)                                                                       \
			_exit(status_ >> 8 ? status_ >> 8 : 1);                                    \
	}                                                                                          \
	static void body_##id_(void)

/* A key that nobody else uses: they run at the same time natively. */
HELPER key_t new_key(void)
{
	static int count;
	return (key_t)(0x40000000 | (getpid() & 0xffffff) << 4 | (++count & 15));
}

/* The line of /proc/sysvipc/WHAT whose second number is id; 0: there is none. */
HELPER int sysvipc_line(const char *what, int id, char *line, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/sysvipc/%s", what);
	FILE *f = fopen(path, "re");
	ASSERT(f);
	int found = 0, key, nr;
	while (!found && fgets(line, (int)size, f))
		found = sscanf(line, "%d %d", &key, &nr) == 2 && nr == id;
	fclose(f);
	return found;
}

HELPER long sysctl_number(const char *name)
{
	char path[64], text[64] = {0};
	snprintf(path, sizeof path, "/proc/sys/kernel/%s", name);
	int fd = open(path, O_RDONLY);
	ASSERT_OK(fd);
	ASSERT(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return (long)strtoul(text, NULL, 10);
}

HELPER void become_nobody(void)
{
	ASSERT_OK(setgid(NOBODY));
	ASSERT_OK(setuid(NOBODY));
}
