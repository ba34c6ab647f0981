/* SPDX-License-Identifier: Apache-2.0 */
#include "syscalls/strace.h"

#include <string.h>

#include "syscalls/abi/errno.h"
#include "syscalls/show.h"
#include "syscalls/sys.h"

static void (*emit_line)(void *ctx, const char *line, size_t size);
static void *emit_ctx;

void strace_setup(void (*emit)(void *ctx, const char *line, size_t size), void *ctx)
{
	emit_line = emit;
	emit_ctx = ctx;
}

static unsigned int args_of_futex(const uint64_t args[6])
{
	switch (args[1] & 127) {
	case FUTEX_WAKE:
	case FUTEX_FD:
		return 3;
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI:
		return 2;
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return 4;
	case FUTEX_REQUEUE:
	case FUTEX_WAIT_REQUEUE_PI:
		return 5;
	default:
		return 6;
	}
}

/* How many arguments mean anything: some calls ignore the last ones. */
static unsigned int args_shown(uint32_t nr, const struct sysrow *row, const uint64_t args[6])
{
	const uint64_t creates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);

	switch (nr) {
	case NR_open:
		return args[1] & creates ? 3 : 2;
	case NR_openat:
		return args[2] & creates ? 4 : 3;
	case NR_futex:
		return args_of_futex(args);
	case NR_mremap:
		return args[3] & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? 5 : 4;
	case NR_fcntl:
		switch ((uint32_t)args[1]) {
		case F_GETFD:
		case F_GETFL:
		case F_GETOWN:
		case F_GETSIG:
		case F_GETLEASE:
		case F_GETPIPE_SZ:
		case F_GET_SEALS:
			return 2;
		}
		return 3;
	}
	return row->nargs;
}

static struct show show_of(const struct strace *s, const struct sysrow *row, struct text *out,
			   const struct trace_mem *mem)
{
	return (struct show){.out = out, .mem = mem, .row = row, .args = s->args};
}

/* Notes the text of each argument that is known before the call. */
static void read_args(struct strace *s, const struct sysrow *row, const struct trace_mem *mem)
{
	struct text text;
	struct show show = show_of(s, row, &text, mem);

	text_init(&text, s->text, sizeof(s->text));
	for (unsigned int i = 0; i < s->nargs; i++) {
		s->at[i] = (unsigned int)text.used;
		if (argkinds[row->args[i].kind].when != SHOW_AFTER)
			show_arg(&show, i);
	}
	s->at[s->nargs] = (unsigned int)text.used;
}

static void put_before(const struct strace *s, struct text *line, unsigned int i)
{
	text_add(line, "%.*s", (int)(s->at[i + 1] - s->at[i]), s->text + s->at[i]);
}

/* `what it was => what it is`, if the call changed it. */
static void put_both(struct strace *s, struct show *show, unsigned int i)
{
	size_t was = s->at[i + 1] - s->at[i];
	char buf[512];
	struct text now, *line = show->out;

	put_before(s, line, i);
	if (show->ret < 0)
		return;
	text_init(&now, buf, sizeof(buf));
	show->out = &now;
	show_arg(show, i);
	show->out = line;
	if (now.used != was || memcmp(buf, s->text + s->at[i], was) != 0)
		text_add(line, " => %s", buf);
}

static void put_args(struct strace *s, const struct sysrow *row, struct text *line,
		     const struct trace_mem *mem, bool after, long ret)
{
	struct show show = show_of(s, row, line, mem);

	show.after = after;
	show.ret = ret;
	for (unsigned int i = 0; i < s->nargs; i++) {
		if (i > 0)
			text_add(line, ", ");
		switch (argkinds[row->args[i].kind].when) {
		case SHOW_BEFORE:
			put_before(s, line, i);
			break;
		case SHOW_AFTER:
			show_arg(&show, i);
			break;
		case SHOW_BOTH:
			put_both(s, &show, i);
			break;
		}
	}
}

static void put_error(struct text *line, long err)
{
	static const struct {
		int number;
		const char *name, *text;
	} restarts[] = {
		{ERESTARTSYS, "ERESTARTSYS", "To be restarted if SA_RESTART is set"},
		{ERESTARTNOINTR, "ERESTARTNOINTR", "To be restarted"},
		{ERESTARTNOHAND, "ERESTARTNOHAND", "To be restarted if no handler"},
		{ERESTART_RESTARTBLOCK, "ERESTART_RESTARTBLOCK", "Interrupted by signal"},
	};
	const char *name = strerrorname_np((int)err);

	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		if (restarts[i].number == err) {
			text_add(line, "? %s (%s)", restarts[i].name, restarts[i].text);
			return;
		}
	}
	if (name)
		text_add(line, "-1 %s (%s)", name, strerrordesc_np((int)err));
	else
		text_add(line, "-1 errno %ld", err);
}

static void put_result(struct text *line, uint32_t nr, long ret)
{
	text_add(line, " = ");
	if (ret < 0 && ret >= -MAX_ERRNO) {
		put_error(line, -ret);
		return;
	}
	switch (nr) {
	case NR_brk:
	case NR_mmap:
	case NR_mremap:
	case NR_shmat:
	case NR_map_shadow_stack:
		text_add(line, "%#lx", (unsigned long)ret);
		break;
	case NR_umask:
		text_add(line, "%#lo", (unsigned long)ret);
		break;
	default:
		text_add(line, "%ld", ret);
	}
}

static void put_line(struct strace *s, const struct trace_mem *mem, bool after, long ret)
{
	const struct sysrow *row = sysrow_get(s->nr);
	char buf[4096];
	struct text line;

	if (!emit_line)
		return;
	/* Room for the newline, whatever was cut. */
	text_init(&line, buf, sizeof(buf) - 1);
	if (row)
		text_add(&line, "%d %s(", s->tid, row->name);
	else
		text_add(&line, "%d syscall_%#x(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx", s->tid, s->nr,
			 s->args[0], s->args[1], s->args[2], s->args[3], s->args[4], s->args[5]);
	if (row)
		put_args(s, row, &line, mem, after, ret);
	text_add(&line, ")");
	if (after)
		put_result(&line, s->nr, ret);
	else
		text_add(&line, " = ?");
	buf[line.used++] = '\n';
	emit_line(emit_ctx, buf, line.used);
}

void strace_enter(struct strace *s, int tid, uint32_t nr, const uint64_t args[6],
		  const struct trace_mem *mem)
{
	const struct sysrow *row = sysrow_get(nr);

	s->tid = tid;
	s->nr = nr;
	memcpy(s->args, args, sizeof(s->args));
	s->nargs = row ? args_shown(nr, row, args) : 0;
	if (row)
		read_args(s, row, mem);
	if (nr == NR_exit || nr == NR_exit_group)
		put_line(s, mem, false, 0);
}

void strace_exit(struct strace *s, long ret, const struct trace_mem *mem)
{
	put_line(s, mem, true, ret);
}
