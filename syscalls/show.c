/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values, names, strings and buffers as text.  Structs: show_struct.c.
 */
#include "syscalls/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "syscalls/abi/limits.h"
#include "syscalls/abi/uio.h"
#include "syscalls/sys.h"

/* Enough of a file's content to recognise it; names are shown whole. */
#define BYTES_SHOWN 32
#define NAME_SHOWN  512
#define ITEMS_SHOWN 16

void text_init(struct text *t, char *buf, size_t size)
{
	*t = (struct text){buf, size, 0};
	buf[0] = '\0';
}

void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void quote_byte(struct text *t, unsigned char c, bool digit_follows)
{
	static const char letters[] = "\nn\tt\rr\vv\ff\"\"\\\\";

	for (const char *p = letters; *p; p += 2) {
		if (*p == (char)c) {
			text_add(t, "\\%c", p[1]);
			return;
		}
	}
	if (c >= ' ' && c < 0x7f)
		text_add(t, "%c", c);
	else
		text_add(t, digit_follows ? "\\%03o" : "\\%o", c);
}

void text_quote(struct text *t, const char *bytes, size_t size, size_t max, bool more)
{
	size_t n = size < max ? size : max;

	text_add(t, "\"");
	for (size_t i = 0; i < n; i++) {
		bool digit = i + 1 < n && bytes[i + 1] >= '0' && bytes[i + 1] <= '9';

		quote_byte(t, (unsigned char)bytes[i], digit);
	}
	text_add(t, more || n < size ? "\"..." : "\"");
}

/* ABI_ only keeps our constant apart from libc's. */
static const char *plain_name(const char *name)
{
	return strncmp(name, "ABI_", 4) == 0 ? name + 4 : name;
}

/* The part of a value that is one of several; false if there is none to show. */
static bool text_choice(struct text *t, enum flag_group g, uint64_t value, uint64_t mask)
{
	size_t n;
	const struct flag_row *row = flag_group_rows(g, &n);
	bool has_choice = false;

	for (size_t i = 0; i < n; i++) {
		if (row[i].value & ~mask)
			continue;
		has_choice = true;
		if ((row[i].value & mask) == (value & mask)) {
			text_add(t, "%s", plain_name(row[i].name));
			return true;
		}
	}
	if ((value & mask) == 0 && !has_choice)
		return false;
	text_add(t, "%#lx /* %s_??? */", (unsigned long)(value & mask), flag_group_name(g));
	return true;
}

void text_flags(struct text *t, enum flag_group g, uint64_t value, unsigned int width)
{
	uint64_t all = width == 4 ? UINT32_MAX : UINT64_MAX, mask = flag_group_mask(g) & all;
	uint64_t left = value & all & ~mask;
	bool any = false;
	size_t n;
	const struct flag_row *row = flag_group_rows(g, &n);

	if (flag_group_mask(g) == ~0ULL) {
		text_choice(t, g, value, ~0ULL);
		return;
	}
	if (mask)
		any = text_choice(t, g, value, mask);
	for (size_t i = 0; i < n && left; i++) {
		if (!(row[i].value & ~mask) || (left & row[i].value) != row[i].value)
			continue;
		text_add(t, "%s%s", any ? "|" : "", plain_name(row[i].name));
		left &= ~row[i].value;
		any = true;
	}
	if (left || !any)
		text_add(t, left || any ? "%s%#lx" : "%s%lu", any ? "|" : "", (unsigned long)left);
}

void text_signal(struct text *t, int64_t sig)
{
	if (sig >= ABI_SIGRTMIN && sig <= ABI_SIGRTMAX)
		text_add(t, "SIGRT_%ld", (long)sig - ABI_SIGRTMIN);
	else if (sig > 0 && sig < ABI_SIGRTMIN)
		text_choice(t, FG_SIGNAL, (uint64_t)sig, ~0ULL);
	else
		text_add(t, "%ld", (long)sig);
}

static uint64_t value_of(const struct show *s, unsigned int i)
{
	return arg_value(s->row, i, s->args);
}

void show_ptr(struct show *s, unsigned int i)
{
	if (s->args[i] == 0)
		text_add(s->out, "NULL");
	else
		text_add(s->out, "%#lx", (unsigned long)s->args[i]);
}

/* Bytes the call wrote, which nobody wants to read here. */
void show_outptr(struct show *s, unsigned int i)
{
	show_ptr(s, i);
}

bool show_read(struct show *s, unsigned int i, void *dst, size_t size)
{
	uaddr_t from = s->args[i];

	if (from && !(s->after && s->ret < 0) && s->mem->read(s->mem->ctx, dst, from, size) == size)
		return true;
	show_ptr(s, i);
	return false;
}

void show_fd(struct show *s, unsigned int i)
{
	int fd = (int)s->args[i];

	if (fd == AT_FDCWD)
		text_add(s->out, "AT_FDCWD");
	else
		text_add(s->out, "%d", fd);
}

void show_int(struct show *s, unsigned int i)
{
	text_add(s->out, "%ld", (long)value_of(s, i));
}

void show_uint(struct show *s, unsigned int i)
{
	text_add(s->out, "%lu", (unsigned long)value_of(s, i));
}

void show_hex(struct show *s, unsigned int i)
{
	uint64_t v = value_of(s, i);

	if (argkinds[s->row->args[i].kind].width == 4)
		v = (uint32_t)v;
	text_add(s->out, v ? "%#lx" : "%lu", (unsigned long)v);
}

void show_oct(struct show *s, unsigned int i)
{
	text_add(s->out, "0%03lo", (unsigned long)value_of(s, i));
}

void show_dev(struct show *s, unsigned int i)
{
	uint64_t dev = value_of(s, i);

	text_add(s->out, "makedev(%#x, %#x)", abi_major(dev), abi_minor(dev));
}

void show_id(struct show *s, unsigned int i)
{
	uint32_t id = (uint32_t)s->args[i];

	if (id == UINT32_MAX)
		text_add(s->out, "-1");
	else
		text_add(s->out, "%u", id);
}

void show_signo(struct show *s, unsigned int i)
{
	text_signal(s->out, (int)s->args[i]);
}

void show_flags(struct show *s, unsigned int i)
{
	text_flags(s->out, s->aux, value_of(s, i), argkinds[s->row->args[i].kind].width);
}

void show_clone(struct show *s, unsigned int i)
{
	uint64_t flags = s->args[i];

	text_flags(s->out, FG_CLONE, flags & ~(uint64_t)CSIGNAL, 8);
	if (flags & CSIGNAL) {
		text_add(s->out, "|");
		text_signal(s->out, (int64_t)(flags & CSIGNAL));
	}
}

void show_sockopt(struct show *s, unsigned int i)
{
	if ((int)s->args[1] == SOL_SOCKET)
		show_flags(s, i);
	else
		show_int(s, i);
}

/* A string of the guest; false if nothing of it can be read. */
static bool text_string(struct text *out, const struct trace_mem *mem, uaddr_t from, size_t max)
{
	char buf[NAME_SHOWN];
	size_t n = mem->read(mem->ctx, buf, from, max < sizeof(buf) ? max : sizeof(buf));
	const char *end = memchr(buf, '\0', n);

	if (n == 0)
		return false;
	text_quote(out, buf, end ? (size_t)(end - buf) : n, max, !end);
	return true;
}

void show_str(struct show *s, unsigned int i)
{
	bool failed = s->after && s->ret < 0;

	if (!s->args[i] || failed || !text_string(s->out, s->mem, s->args[i], NAME_SHOWN))
		show_ptr(s, i);
}

void show_strv(struct show *s, unsigned int i)
{
	uint64_t p;

	if (!show_read(s, i, &p, sizeof(p)))
		return;
	text_add(s->out, "[");
	for (unsigned int n = 0; p; n++) {
		if (n > 0)
			text_add(s->out, ", ");
		if (n == ITEMS_SHOWN || s->out->used + 128 > s->out->size) {
			text_add(s->out, "...");
			break;
		}
		if (!text_string(s->out, s->mem, p, BYTES_SHOWN * 2))
			text_add(s->out, "%#lx", (unsigned long)p);
		if (s->mem->read(s->mem->ctx, &p, s->args[i] + 8 * (n + 1), 8) != 8)
			break;
	}
	text_add(s->out, "]");
}

/* How many, not which: an environment would fill the line. */
void show_envv(struct show *s, unsigned int i)
{
	uint64_t p;
	unsigned int n = 0;

	if (!show_read(s, i, &p, sizeof(p)))
		return;
	while (p && n < 10000) {
		n++;
		if (s->mem->read(s->mem->ctx, &p, s->args[i] + 8UL * n, 8) != 8)
			break;
	}
	text_add(s->out, "%#lx /* %u vars */", (unsigned long)s->args[i], n);
}

static void show_bytes_at(struct show *s, uaddr_t from, uint64_t size)
{
	char buf[BYTES_SHOWN];
	size_t want = size < sizeof(buf) ? (size_t)size : sizeof(buf);
	size_t n = from ? s->mem->read(s->mem->ctx, buf, from, want) : 0;

	if (n < want || !from)
		text_add(s->out, from ? "%#lx" : "NULL", (unsigned long)from);
	else
		text_quote(s->out, buf, n, BYTES_SHOWN, n < size);
}

void show_bytes(struct show *s, unsigned int i)
{
	int64_t size = arg_size(s->row, i, s->args, s->ret);

	if (size < 0 || (s->after && s->ret < 0))
		show_ptr(s, i);
	else
		show_bytes_at(s, s->args[i], (uint64_t)size);
}

static void show_vec(struct show *s, unsigned int i, bool content)
{
	struct abi_iovec v[ITEMS_SHOWN];
	uint64_t count = s->args[i + 1], left = s->after && s->ret >= 0 ? (uint64_t)s->ret : ~0ULL;
	size_t n = count < ITEMS_SHOWN ? (size_t)count : ITEMS_SHOWN;

	if (n == 0 ||
	    s->mem->read(s->mem->ctx, v, s->args[i], n * sizeof(v[0])) != n * sizeof(v[0])) {
		show_ptr(s, i);
		return;
	}
	text_add(s->out, "[");
	for (size_t k = 0; k < n; k++) {
		uint64_t size = v[k].iov_len < left ? v[k].iov_len : left;

		text_add(s->out, k ? ", {iov_base=" : "{iov_base=");
		if (content)
			show_bytes_at(s, v[k].iov_base, size);
		else
			text_add(s->out, "%#lx", (unsigned long)v[k].iov_base);
		text_add(s->out, ", iov_len=%lu}", (unsigned long)v[k].iov_len);
		left -= size;
	}
	text_add(s->out, n < count ? ", ...]" : "]");
}

void show_iov(struct show *s, unsigned int i)
{
	show_vec(s, i, !(s->after && s->ret < 0));
}

void show_iovaddr(struct show *s, unsigned int i)
{
	show_vec(s, i, false);
}

void show_fcntl_arg(struct show *s, unsigned int i)
{
	switch ((uint32_t)s->args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_SETOWN:
	case F_SETPIPE_SZ:
	case F_DUPFD_QUERY:
		text_add(s->out, "%d", (int)s->args[i]);
		break;
	case F_SETFD:
		text_flags(s->out, FG_FD_FLAGS, s->args[i], 4);
		break;
	case F_SETFL:
		text_flags(s->out, FG_OPEN, s->args[i], 4);
		break;
	case F_ADD_SEALS:
		text_flags(s->out, FG_SEALS, s->args[i], 4);
		break;
	case F_SETSIG:
		show_signo(s, i);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		show_flock(s, i);
		break;
	default:
		show_ptr(s, i);
	}
}

typedef void show_fn(struct show *s, unsigned int i);

#define ARGKIND(kind, type, dir, len, when, fn, x) [KIND_##kind] = {fn, x},
static const struct {
	show_fn *show;
	unsigned int aux;
} shows[KIND_COUNT] = {
#include "syscalls/argkind.def"
};

void show_arg(struct show *s, unsigned int i)
{
	enum argkind_id kind = s->row->args[i].kind;

	s->aux = shows[kind].aux;
	shows[kind].show(s, i);
}
