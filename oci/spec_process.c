/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: process. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "oci/spec.h"
#include "platform/base/types.h"

/* By number. */
/* clang-format off */
static const char *const cap_names[] = {
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID",
	"SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
	"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
};
/* clang-format on */

const char *spec_capability_name(int cap)
{
	return cap >= 0 && cap < (int)ARRAY_SIZE(cap_names) ? cap_names[cap] : NULL;
}

uint64_t spec_capability(const char *name)
{
	for (size_t cap = 0; strncmp(name, "CAP_", 4) == 0 && cap < ARRAY_SIZE(cap_names); cap++)
		if (strcmp(name + 4, cap_names[cap]) == 0)
			return 1ull << cap;
	return 0;
}

static int read_caps(struct reader *r, json_t *v, void *out)
{
	uint64_t *set = out;
	char **list;
	int err = read_strings(r, v, &list);
	for (; err == 0 && *list; list++) {
		uint64_t cap = spec_capability(*list);
		if (!cap)
			reader_warn(r, "unknown capability '%s', ignored", *list);
		*set |= cap;
	}
	return err;
}

/* A capability that is ambient must be permitted and inheritable: the kernel drops it otherwise. */
static int read_capabilities(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"bounding", read_caps, CAPS_BOUNDING * sizeof(uint64_t), false},
		{"effective", read_caps, CAPS_EFFECTIVE * sizeof(uint64_t), false},
		{"permitted", read_caps, CAPS_PERMITTED * sizeof(uint64_t), false},
		{"inheritable", read_caps, CAPS_INHERITABLE * sizeof(uint64_t), false},
		{"ambient", read_caps, CAPS_AMBIENT * sizeof(uint64_t), false},
	};
	uint64_t *caps = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err < 0)
		return err;
	if (caps[CAPS_EFFECTIVE] & ~caps[CAPS_PERMITTED])
		return reader_fail(r, "effective has capabilities that permitted lacks");
	caps[CAPS_AMBIENT] &= caps[CAPS_PERMITTED] & caps[CAPS_INHERITABLE];
	return 0;
}

static int read_rlimit_type(struct reader *r, json_t *v, void *out)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "RLIMIT_CPU",	       [RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_DATA] = "RLIMIT_DATA",	       [RLIMIT_STACK] = "RLIMIT_STACK",
		[RLIMIT_CORE] = "RLIMIT_CORE",	       [RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",       [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",   [RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",       [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE", [RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",     [RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	};
	const char *name;
	int err = read_string(r, v, &name);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0) {
			*(unsigned *)out = i;
			return 0;
		}
	}
	return reader_fail(r, "unknown resource limit '%s' (getrlimit(2) has the names)", name);
}

static int read_rlimit(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"type", read_rlimit_type, offsetof(struct boot_rlimit, which), true},
		{"soft", read_u64, offsetof(struct boot_rlimit, soft), true},
		{"hard", read_u64, offsetof(struct boot_rlimit, hard), true},
	};
	struct boot_rlimit *l = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err == 0 && l->soft > l->hard)
		err = reader_fail(r, "the soft limit is above the hard limit");
	return err;
}

static int read_rlimits(struct reader *r, json_t *v, void *out)
{
	struct spec_process *p = out;
	uint32_t seen = 0;
	int err = read_array(r, v, sizeof *p->rlimits, read_rlimit, (void **)&p->rlimits,
			     &p->nrlimits);
	for (size_t i = 0; err == 0 && i < p->nrlimits; i++) {
		if (seen & 1u << p->rlimits[i].which)
			err = reader_fail(r, "element %zu sets a limit for the second time", i);
		seen |= 1u << p->rlimits[i].which;
	}
	return err;
}

static int read_groups(struct reader *r, json_t *v, void *out)
{
	struct spec_process *p = out;
	return read_array(r, v, sizeof *p->groups, read_u32, (void **)&p->groups, &p->ngroups);
}

/* UINT32_MAX is "no id" to the kernel. */
static int read_id(struct reader *r, json_t *v, void *out)
{
	int err = read_u32(r, v, out);
	if (err == 0 && *(uint32_t *)out == UINT32_MAX)
		err = reader_fail(r, "must be at most 4294967294");
	return err;
}

static int read_umask(struct reader *r, json_t *v, void *out)
{
	int err = read_u32(r, v, out);
	if (err == 0 && *(uint32_t *)out > 0777)
		err = reader_fail(r, "must be at most 511 (octal 777)");
	return err;
}

static int read_user(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"uid", read_id, offsetof(struct spec_process, uid), false},
		{"gid", read_id, offsetof(struct spec_process, gid), false},
		{"umask", read_umask, offsetof(struct spec_process, umask), false},
		{"additionalGids", read_groups, 0, false},
		{"username", read_without_effect, 0, false},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_args(struct reader *r, json_t *v, void *out)
{
	char ***args = out;
	int err = read_strings(r, v, out);
	if (err == 0 && !(*args)[0])
		err = reader_fail(r, "is empty: the first element is the program");
	if (err == 0 && !*(*args)[0])
		err = reader_fail(r, "its first element, the program, is empty");
	return err;
}

static int read_env(struct reader *r, json_t *v, void *out)
{
	char ***env = out;
	int err = read_strings(r, v, out);
	for (size_t i = 0; err == 0 && (*env)[i]; i++)
		if (!strchr((*env)[i], '=') || (*env)[i][0] == '=')
			err = reader_fail(r, "element %zu is not NAME=VALUE", i);
	return err;
}

static int read_oom_score(struct reader *r, json_t *v, void *out)
{
	struct spec_process *p = out;
	int err = read_i64(r, v, &p->oom_score_adj);
	if (err == 0 && (p->oom_score_adj < -1000 || p->oom_score_adj > 1000))
		err = reader_fail(r, "must be from -1000 to 1000");
	p->has_oom_score = true;
	return err;
}

static int read_console_size(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"height", read_u32, offsetof(struct spec_process, console_rows), true},
		{"width", read_u32, offsetof(struct spec_process, console_columns), true},
	};
	const struct spec_process *p = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), out);
	if (err == 0 && (p->console_rows > UINT16_MAX || p->console_columns > UINT16_MAX))
		err = reader_fail(r, "is larger than any terminal");
	return err;
}

int spec_read_process(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"args", read_args, offsetof(struct spec_process, args), true},
		{"cwd", read_absolute, offsetof(struct spec_process, cwd), true},
		{"env", read_env, offsetof(struct spec_process, env), false},
		{"terminal", read_bool, offsetof(struct spec_process, terminal), false},
		{"consoleSize", read_console_size, 0, false},
		{"user", read_user, 0, false},
		{"capabilities", read_capabilities, offsetof(struct spec_process, caps), false},
		{"rlimits", read_rlimits, 0, false},
		{"noNewPrivileges", read_bool, offsetof(struct spec_process, no_new_privs), false},
		{"oomScoreAdj", read_oom_score, 0, false},
		{"apparmorProfile", read_text, offsetof(struct spec_process, apparmor), false},
		{"selinuxLabel", read_text, offsetof(struct spec_process, selinux), false},
		{"scheduler", spec_read_scheduler, 0, false},
		{"ioPriority", spec_read_io_priority, 0, false},
		{"execCPUAffinity", spec_read_exec_cpus, 0, false},
		{"commandLine", read_without_effect, 0, false},
	};
	static char *nothing[] = {NULL};
	struct spec_process *p = out;
	p->umask = 022;
	p->env = nothing;
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}
