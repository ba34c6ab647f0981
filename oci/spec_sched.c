/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: process.scheduler, process.ioPriority, process.execCPUAffinity. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "oci/spec.h"
#include "platform/base/types.h"

enum { NICE_MIN = -20, NICE_MAX = 19, RT_MAX = 99, IO_LEVELS = 8 };

static int read_policy(struct reader *r, json_t *v, void *out)
{
	static const struct {
		const char *name;
		int policy;
	} all[] = {
		{"SCHED_OTHER", SCHED_OTHER}, {"SCHED_BATCH", SCHED_BATCH},
		{"SCHED_IDLE", SCHED_IDLE},   {"SCHED_FIFO", SCHED_FIFO},
		{"SCHED_RR", SCHED_RR},
	};
	const char *name;
	int err = read_string(r, v, &name);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].name, name) == 0) {
			*(int *)out = all[i].policy;
			return 0;
		}
	}
	return err < 0 ? err
		       : reader_fail(r,
				     "the policy '%s' is not supported: SCHED_OTHER, BATCH, "
				     "IDLE, FIFO and RR are",
				     name);
}

static int read_int(struct reader *r, json_t *v, void *out, int64_t min, int64_t max)
{
	int64_t x = 0;
	int err = read_i64(r, v, &x);
	if (err == 0 && (x < min || x > max))
		err = reader_fail(r, "must be from %lld to %lld", (long long)min, (long long)max);
	*(int *)out = (int)x;
	return err;
}

static int read_nice(struct reader *r, json_t *v, void *out)
{
	return read_int(r, v, out, NICE_MIN, NICE_MAX);
}

static int read_rt_priority(struct reader *r, json_t *v, void *out)
{
	return read_int(r, v, out, 0, RT_MAX);
}

static int read_sched_flags(struct reader *r, json_t *v, void *out)
{
	char **list;
	int err = read_strings(r, v, &list);
	for (; err == 0 && *list; list++) {
		if (strcmp(*list, "SCHED_FLAG_RESET_ON_FORK") != 0)
			err = reader_fail(r,
					  "the flag '%s' is not supported: "
					  "SCHED_FLAG_RESET_ON_FORK is",
					  *list);
		else
			*(bool *)out = true;
	}
	return err;
}

static int read_nothing(struct reader *r, json_t *v, void *out)
{
	uint64_t x;
	(void)out;
	int err = read_u64(r, v, &x);
	return err == 0 && x ? reader_fail(r, "is for SCHED_DEADLINE, which is not supported")
			     : err;
}

int spec_read_scheduler(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"policy", read_policy, offsetof(struct boot_sched, policy), true},
		{"nice", read_nice, offsetof(struct boot_sched, nice), false},
		{"priority", read_rt_priority, offsetof(struct boot_sched, rt_priority), false},
		{"flags", read_sched_flags, offsetof(struct boot_sched, reset_on_fork), false},
		{"runtime", read_nothing, 0, false},
		{"deadline", read_nothing, 0, false},
		{"period", read_nothing, 0, false},
	};
	struct spec_process *p = out;
	struct boot_sched *s = &p->scheduler;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), s);
	if (err < 0)
		return err;
	bool rt = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	if (rt != (s->rt_priority > 0))
		return reader_fail(r, rt ? "priority must be from 1 to 99 with this policy"
					 : "priority is for SCHED_FIFO and SCHED_RR only");
	p->has_scheduler = true;
	return 0;
}

static int read_io_class(struct reader *r, json_t *v, void *out)
{
	const char *name;
	(void)out;
	int err = read_string(r, v, &name);
	if (err == 0 && strcmp(name, "IOPRIO_CLASS_RT") != 0 &&
	    strcmp(name, "IOPRIO_CLASS_BE") != 0 && strcmp(name, "IOPRIO_CLASS_IDLE") != 0)
		err = reader_fail(r, "unknown class '%s': there are IOPRIO_CLASS_RT, BE and IDLE",
				  name);
	return err;
}

static int read_io_level(struct reader *r, json_t *v, void *out)
{
	return read_int(r, v, out, 0, IO_LEVELS - 1);
}

/* The guest has no block devices, and the gofer reads for all: nobody could be preferred. */
int spec_read_io_priority(struct reader *r, json_t *v, void *out)
{
	static const struct field fields[] = {
		{"class", read_io_class, 0, true},
		{"priority", read_io_level, 0, false},
	};
	int level = 0;
	(void)out;
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &level);
	if (err == 0)
		reader_warn(r, "has no effect: there is one queue for all files here");
	return err;
}

/* "0-3,7": bits 0 to 3 and 7. */
static int read_cpu_list(struct reader *r, json_t *v, void *out)
{
	enum { CPUS = 64 };
	const char *text, *p;
	uint64_t mask = 0;
	int err = read_text(r, v, &text);
	for (p = text; err == 0 && *p;) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;
		bool bad = *p < '0' || *p > '9';
		if (!bad && *end == '-') {
			p = end + 1;
			bad = *p < '0' || *p > '9';
			to = strtoul(p, &end, 10);
		}
		bad |= to < from || (*end && (*end != ',' || !end[1]));
		if (bad)
			return reader_fail(r, "'%s' is no list of CPUs such as 0-3,7", text);
		for (unsigned long i = from; i <= to && i < CPUS; i++)
			mask |= 1ull << i;
		p = end + (*end == ',');
	}
	*(uint64_t *)out = mask;
	return err;
}

/* For processes of exec: where the runtime itself runs meanwhile (initial) is nothing here. */
int spec_read_exec_cpus(struct reader *r, json_t *v, void *out)
{
	struct affinity {
		uint64_t initial, final;
	} a = {0, 0};
	static const struct field fields[] = {
		{"initial", read_cpu_list, offsetof(struct affinity, initial), false},
		{"final", read_cpu_list, offsetof(struct affinity, final), false},
	};
	int err = read_object(r, v, fields, ARRAY_SIZE(fields), &a);
	((struct spec_process *)out)->exec_cpus = a.final;
	return err;
}
