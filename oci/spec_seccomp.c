/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: linux.seccomp. */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "oci/spec.h"
#include "platform/base/types.h"

enum { ERRNO_MAX = 4095, ARGS_MAX = 6 };

/* As it stands in the document, before it is one of libseccomp's numbers. */
struct raw_action {
	const char *name;
	int64_t err; /* -1: not there */
};
struct raw_rule {
	struct spec_seccomp_rule rule;
	struct raw_action raw;
};
struct raw_seccomp {
	struct spec_seccomp s;
	struct raw_action raw;
};

/* clang-format off */
static const struct {
	const char *name;
	uint32_t action;
	bool with_errno;
} actions[] = {
	{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, false},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, false},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, false},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP, false},
	{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), true},
	{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), true},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG, false},
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, false},
};
static const struct {
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};
static const char *const architectures[] = {
	"X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL",
	"MIPSEL64", "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC",
	"PARISC64", "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB",
};
/* clang-format on */

static int read_errno(struct reader *r, json_t *v, void *out)
{
	int64_t *err = out;
	int ret = read_i64(r, v, err);
	if (ret == 0 && (*err < 0 || *err > ERRNO_MAX))
		ret = reader_fail(r, "must be from 0 to %d", ERRNO_MAX);
	return ret;
}

/* EPERM is what runtimes answer where the document names no errno. */
static int take_action(struct reader *r, const struct raw_action *raw, uint32_t *out)
{
	if (strcmp(raw->name, "SCMP_ACT_NOTIFY") == 0)
		return reader_fail(r, "the action SCMP_ACT_NOTIFY is not supported: no agent "
				      "outside can answer for the guest's calls");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, raw->name) != 0)
			continue;
		if (!actions[i].with_errno && raw->err > 0)
			return reader_fail(r, "the action %s takes no errno", raw->name);
		*out = actions[i].action;
		if (actions[i].with_errno)
			*out |= raw->err < 0 ? EPERM : (uint32_t)raw->err;
		return 0;
	}
	return reader_fail(r,
			   "unknown action '%s': SCMP_ACT_ALLOW, ERRNO, KILL_PROCESS, "
			   "KILL_THREAD, LOG, TRACE and TRAP are known",
			   raw->name);
}

static int read_operator(struct reader *r, json_t *v, void *out)
{
	const char *name;
	int err = read_string(r, v, &name);
	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (strcmp(operators[i].name, name) == 0) {
			*(int *)out = (int)operators[i].op;
			return 0;
		}
	}
	return reader_fail(r, "unknown operator '%s'", name);
}

static int read_index(struct reader *r, json_t *v, void *out)
{
	int err = read_u32(r, v, out);
	if (err == 0 && *(uint32_t *)out >= ARGS_MAX)
		err = reader_fail(r, "a call has the arguments 0 to %d", ARGS_MAX - 1);
	return err;
}

static int read_arg(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"index", read_index, offsetof(struct spec_seccomp_arg, index), true},
		{"value", read_u64, offsetof(struct spec_seccomp_arg, value), true},
		{"valueTwo", read_u64, offsetof(struct spec_seccomp_arg, value_two), false},
		{"op", read_operator, offsetof(struct spec_seccomp_arg, op), true},
	};
	return read_object(r, v, fields, ARRAY_SIZE(fields), out);
}

static int read_args(struct reader *r, json_t *v, void *out)
{
	struct spec_seccomp_rule *rule = out;
	return read_array(r, v, sizeof *rule->args, read_arg, (void **)&rule->args, &rule->nargs);
}

static int read_names(struct reader *r, json_t *v, void *out)
{
	char ***names = out;
	int err = read_strings(r, v, names);
	if (err == 0 && !**names)
		err = reader_fail(r, "is empty: it lists names of system calls");
	return err;
}

static int read_rule(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"names", read_names, offsetof(struct raw_rule, rule.names), true},
		{"action", read_string, offsetof(struct raw_rule, raw.name), true},
		{"errnoRet", read_errno, offsetof(struct raw_rule, raw.err), false},
		{"args", read_args, offsetof(struct raw_rule, rule), false},
		{"comment", read_skip, 0, false},
	};
	struct raw_rule both = {.raw.err = -1};
	struct spec_seccomp_rule *rule = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &both);
	if (err == 0)
		err = take_action(r, &both.raw, &both.rule.action);
	*rule = both.rule;
	return err;
}

static int read_rules(struct reader *r, json_t *v, void *out)
{
	struct spec_seccomp *s = out;
	return read_array(r, v, sizeof *s->rules, read_rule, (void **)&s->rules, &s->nrules);
}

/* Guests are x86-64 programs: what is said of other machines never comes up. */
static int read_architectures(struct reader *r, json_t *v, void *out)
{
	struct spec_seccomp *s = out;
	char **list;
	int err = read_strings(r, v, &list);
	for (; err == 0 && *list; list++) {
		size_t i = ARRAY_SIZE(architectures);
		if (strncmp(*list, "SCMP_ARCH_", 10) == 0)
			for (i = 0; i < ARRAY_SIZE(architectures); i++)
				if (strcmp(*list + 10, architectures[i]) == 0)
					break;
		if (i == ARRAY_SIZE(architectures))
			err = reader_fail(r, "unknown architecture '%s'", *list);
		s->x32 |= strcmp(*list, "SCMP_ARCH_X32") == 0;
	}
	return err;
}

static int read_flags(struct reader *r, json_t *v, void *out)
{
	struct spec_seccomp *s = out;
	char **list;
	int err = read_strings(r, v, &list);
	for (; err == 0 && *list; list++) {
		if (strcmp(*list, "SECCOMP_FILTER_FLAG_LOG") == 0)
			s->log = true;
		/* One thread at that time, and no speculation that a filter could stop. */
		else if (strcmp(*list, "SECCOMP_FILTER_FLAG_TSYNC") != 0 &&
			 strcmp(*list, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") != 0)
			err = reader_fail(
				r,
				"the flag '%s' is not supported: SECCOMP_FILTER_FLAG_LOG, "
				"TSYNC and SPEC_ALLOW are",
				*list);
	}
	return err;
}

int spec_read_seccomp(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"defaultAction", read_string, offsetof(struct raw_seccomp, raw.name), true},
		{"defaultErrnoRet", read_errno, offsetof(struct raw_seccomp, raw.err), false},
		{"architectures", read_architectures, 0, false},
		{"flags", read_flags, 0, false},
		{"listenerPath", read_unsupported, 0, false},
		{"listenerMetadata", read_skip, 0, false},
		{"syscalls", read_rules, 0, false},
	};
	struct raw_seccomp both = {.raw.err = -1};
	struct spec_seccomp *s = out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &both);
	if (err == 0)
		err = take_action(r, &both.raw, &both.s.action);
	*s = both.s;
	s->present = true;
	return err;
}
