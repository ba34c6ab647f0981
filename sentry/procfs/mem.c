/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read out of the memory of a process: its arguments, its environment,
 * its auxiliary vector.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/pid.h"
#include "syscalls/abi/fcntl.h"

/* As much of a range as Linux would let execve(2) fill, and what a title may be long. */
enum { RANGE_MAX = 8 << 20, TITLE_MAX = 4096, BOUNCE = 64 << 10 };

/* What is there of [start, end), stopping at the first hole. */
static void put_range(struct mm *mm, uaddr_t start, uaddr_t end, struct text *out)
{
	uint64_t left = end > start ? min_u64(end - start, RANGE_MAX) : 0;
	autofree char *buf = left ? malloc(BOUNCE) : NULL;

	while (buf && left > 0) {
		size_t want = min_u64(left, BOUNCE);
		size_t n = copy_in_some(mm, buf, start, want);
		text_put(out, buf, n);
		if (n < want)
			break;
		start += n;
		left -= n;
	}
}

struct strings {
	uaddr_t arg_start, arg_end, env_start, env_end;
};

static void strings_get(struct mm *mm, struct strings *out)
{
	lock(&mm->lock);
	*out = (struct strings){mm->arg_start, mm->arg_end, mm->env_start, mm->env_end};
	unlock(&mm->lock);
}

/*
 * A program that has overwritten the NUL behind its last argument shows a title
 * (setproctitle): one string, which may go on into the environment.
 */
static bool put_title(struct mm *mm, const struct strings *s, struct text *out)
{
	char last = 0, title[TITLE_MAX];
	uaddr_t end = s->env_start == s->arg_end ? s->env_end : s->arg_end;

	if (s->arg_end <= s->arg_start || copy_in(mm, &last, s->arg_end - 1, 1) < 0 || !last)
		return false;
	size_t n = copy_in_some(mm, title, s->arg_start, min_u64(end - s->arg_start, TITLE_MAX));
	text_put(out, title, strnlen(title, n));
	return true;
}

int pid_cmdline_show(const struct proc_look *at, struct text *out)
{
	struct mm *mm = task_mm_get(at->task);
	struct strings s;

	if (!mm)
		return 0;
	strings_get(mm, &s);
	if (!put_title(mm, &s, out))
		put_range(mm, s.arg_start, s.arg_end, out);
	mm_put(mm);
	return 0;
}

int pid_environ_show(const struct proc_look *at, struct text *out)
{
	struct strings s;

	if (!at->mm)
		return 0;
	strings_get(at->mm, &s);
	put_range(at->mm, s.env_start, s.env_end, out);
	return 0;
}

int pid_auxv_show(const struct proc_look *at, struct text *out)
{
	uint64_t copy[ARRAY_SIZE(at->mm->auxv)];
	unsigned n;

	if (!at->mm)
		return 0;
	lock(&at->mm->lock);
	n = at->mm->auxv_count;
	memcpy(copy, at->mm->auxv, n * sizeof *copy);
	unlock(&at->mm->lock);
	text_put(out, copy, n * sizeof *copy);
	return 0;
}
