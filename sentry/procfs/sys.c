/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys: proc_sys(5).
 *
 * Each number here is what the sentry does, or what the host told when the
 * sandbox started (memory overcommit); what has no meaning is left out.
 */
#include <string.h>

#include "sentry/fs/pipe/pipe.h"
#include "sentry/procfs/machine.h"
#include "sentry/res/memory.h"
#include "sentry/res/random.h"
#include "sentry/task/nsset.h"
#include "sentry/task/uts.h"

/* ---- numbers ---- */

static int put_number(struct text *out, long long v)
{
	text_printf(out, "%lld\n", v);
	return 0;
}

#define NUMBER(name, value)                                                                        \
	static int name##_show(const struct proc_look *at, struct text *out)                       \
	{                                                                                          \
		(void)at;                                                                          \
		return put_number(out, value);                                                     \
	}

NUMBER(zero, 0)
NUMBER(pid_max, 32768)
NUMBER(threads_max, kernel.task_most)
NUMBER(ngroups_max, NGROUPS_LIMIT)
NUMBER(cap_last_cap, CAP_LAST)
NUMBER(overflow_id, ID_OVERFLOW)
NUMBER(randomize_va_space, 2)
NUMBER(entropy_bits, 256)
NUMBER(nr_open, 1 << 20)
NUMBER(pipe_max_size, pipe_max_size())
NUMBER(max_map_count, 65530)
NUMBER(mmap_min_addr, 65536)
NUMBER(inotify_queue, 16384)
NUMBER(inotify_watches, 1 << 17)

static int pipe_max_size_store(const struct proc_look *at, char *text, size_t size)
{
	uint64_t v;
	(void)at;
	(void)size;
	int err = text_number(&text, UINT32_MAX, &v);
	return err < 0 ? err : pipe_max_size_set(v);
}

/* ---- what the host decides ---- */

NUMBER(overcommit_memory, memory_policy.overcommit_memory)
NUMBER(overcommit_ratio, memory_policy.overcommit_ratio)
NUMBER(swappiness, memory_policy.swappiness)

/* ---- names of the machine ---- */

static int ostype_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "Linux\n");
	return 0;
}

static int osrelease_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "%s\n", kernel.release);
	return 0;
}

static int version_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_printf(out, "%s\n", kernel.version);
	return 0;
}

enum { UTS_SIZE = ABI_UTS_LEN + 1 };

static int uts_show(struct uts_ns *u, const char *field, struct text *out)
{
	char copy[UTS_SIZE];

	uts_name_get(u, field, copy);
	text_printf(out, "%s\n", copy);
	return 0;
}

/* The first line; longer ones are cut. */
static int uts_store(struct uts_ns *u, char *field, const char *text)
{
	char name[UTS_SIZE] = {0};
	size_t n = strcspn(text, "\n");

	memcpy(name, text, n < UTS_SIZE ? n : UTS_SIZE - 1);
	uts_name_set(u, field, name);
	return 0;
}

#define UTS_FILE(field)                                                                            \
	static int field##_show(const struct proc_look *at, struct text *out)                      \
	{                                                                                          \
		struct uts_ns *u = task_uts(task_current());                                       \
		(void)at;                                                                          \
		return uts_show(u, u->field, out);                                                 \
	}                                                                                          \
	static int field##_store(const struct proc_look *at, char *text, size_t size)              \
	{                                                                                          \
		struct uts_ns *u = task_uts(task_current());                                       \
		(void)at;                                                                          \
		(void)size;                                                                        \
		return uts_store(u, u->field, text);                                               \
	}
UTS_FILE(hostname)
UTS_FILE(domainname)

static int core_pattern_show(const struct proc_look *at, struct text *out)
{
	(void)at;
	text_str(out, "core\n");
	return 0;
}

/* ---- random ---- */

static int put_uuid(struct text *out, const uint8_t u[16])
{
	for (int i = 0; i < 16; i++)
		text_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", u[i]);
	text_put(out, "\n", 1);
	return 0;
}

/* Version 4: all random but for six bits. */
static void new_uuid(uint8_t u[16])
{
	random_bytes(u, 16);
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
}

static int uuid_show(const struct proc_look *at, struct text *out)
{
	uint8_t u[16];

	(void)at;
	new_uuid(u);
	return put_uuid(out, u);
}

static int boot_id_show(const struct proc_look *at, struct text *out)
{
	static struct lock boot_lock = LOCK_INIT(RANK_LEAF);
	static uint8_t boot_id[16]; /* boot_lock */
	static bool made;	    /* boot_lock */
	uint8_t u[16];

	(void)at;
	lock(&boot_lock);
	if (!made)
		new_uuid(boot_id);
	made = true;
	memcpy(u, boot_id, sizeof u);
	unlock(&boot_lock);
	return put_uuid(out, u);
}

/* ---- the tree; ids follow each other ---- */

static bool ipc_admin(const struct cred *c)
{
	return c->euid == uid_meant(nsset_owner(NS_IPC), 0);
}

#define RO(name_, show_)  PROC_FILE(name_, 0444, .flags = PROC_SYSCTL, .show = show_)
#define RW(name_, what)                                                                            \
	PROC_FILE(name_, 0644, .flags = PROC_SYSCTL, .show = what##_show, .store = what##_store)

/* Of the IPC namespace, whose root writes it, too. */
#define IPC(name_, what)                                                                           \
	PROC_FILE(name_, 0644, .flags = PROC_SYSCTL, .show = what##_show, .store = what##_store,   \
		  .admin = ipc_admin)

static const struct proc_entry random_entries[] = {
	RO("boot_id", boot_id_show),
	RO("uuid", uuid_show),
	RO("entropy_avail", entropy_bits_show),
	RO("poolsize", entropy_bits_show),
};
static const struct proc_table random_table = PROC_TABLE(random_entries, IDS_SYS + 20);

static const struct proc_entry kernel_entries[] = {
	RO("ostype", ostype_show),
	RO("osrelease", osrelease_show),
	RO("version", version_show),
	RW("hostname", hostname),
	RW("domainname", domainname),
	RO("pid_max", pid_max_show),
	RO("threads-max", threads_max_show),
	RO("ngroups_max", ngroups_max_show),
	RO("cap_last_cap", cap_last_cap_show),
	RO("overflowuid", overflow_id_show),
	RO("overflowgid", overflow_id_show),
	RO("randomize_va_space", randomize_va_space_show),
	RO("core_pattern", core_pattern_show),
	RO("core_uses_pid", zero_show),
	RO("panic", zero_show),
	RO("tainted", zero_show),
	IPC("sem", sysvipc_sem),
	IPC("msgmax", sysvipc_number),
	IPC("msgmnb", sysvipc_number),
	IPC("msgmni", sysvipc_number),
	IPC("shmmax", sysvipc_number),
	IPC("shmall", sysvipc_number),
	IPC("shmmni", sysvipc_number),
	RO("shm_rmid_forced", zero_show),
	PROC_DIR("random", 0555, .table = &random_table),
};
static const struct proc_table kernel_table = PROC_TABLE(kernel_entries, IDS_SYS + 30);

static const struct proc_entry inotify_entries[] = {
	RO("max_queued_events", inotify_queue_show),
	RO("max_user_watches", inotify_watches_show),
};
static const struct proc_table inotify_table = PROC_TABLE(inotify_entries, IDS_SYS + 60);

static const struct proc_entry mqueue_entries[] = {
	IPC("queues_max", sysvipc_number),
	IPC("msg_max", sysvipc_number),
	IPC("msgsize_max", sysvipc_number),
	IPC("msg_default", sysvipc_number),
	IPC("msgsize_default", sysvipc_number),
};
static const struct proc_table mqueue_table = PROC_TABLE(mqueue_entries, IDS_SYS + 65);

static const struct proc_entry fs_entries[] = {
	RO("file-max", nr_open_show),
	RO("nr_open", nr_open_show),
	RW("pipe-max-size", pipe_max_size),
	RO("protected_symlinks", zero_show),
	RO("protected_hardlinks", zero_show),
	RO("protected_fifos", zero_show),
	RO("protected_regular", zero_show),
	RO("suid_dumpable", zero_show),
	PROC_DIR("inotify", 0555, .table = &inotify_table),
	PROC_DIR("mqueue", 0555, .table = &mqueue_table),
};
static const struct proc_table fs_table = PROC_TABLE(fs_entries, IDS_SYS + 80);

static const struct proc_entry vm_entries[] = {
	RO("overcommit_memory", overcommit_memory_show),
	RO("overcommit_ratio", overcommit_ratio_show),
	RO("swappiness", swappiness_show),
	RO("max_map_count", max_map_count_show),
	RO("mmap_min_addr", mmap_min_addr_show),
	RO("nr_hugepages", zero_show),
};
static const struct proc_table vm_table = PROC_TABLE(vm_entries, IDS_SYS + 110);

static const struct proc_entry sys_entries[] = {
	PROC_DIR("kernel", 0555, .table = &kernel_table),
	PROC_DIR("fs", 0555, .table = &fs_table),
	PROC_DIR("vm", 0555, .table = &vm_table),
	PROC_DIR("net", 0555, .table = &proc_sys_net_table),
	PROC_DIR("user", 0555, .table = &proc_sys_user_table),
};
const struct proc_table proc_sys_table = PROC_TABLE(sys_entries, IDS_SYS);
