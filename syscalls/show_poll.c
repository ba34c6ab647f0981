/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of calls that wait for descriptors, and of sockets, as text.
 */
#include <stdio.h>
#include <string.h>

#include "syscalls/abi/un.h"
#include "syscalls/show.h"

#define ITEMS_SHOWN 16

void show_pollfds(struct show *s, unsigned int i)
{
	struct abi_pollfd p[ITEMS_SHOWN];
	uint32_t count = (uint32_t)s->args[i + 1];
	size_t n = count < ITEMS_SHOWN ? count : ITEMS_SHOWN;
	bool any = false;

	if (n == 0) {
		show_ptr(s, i);
		return;
	}
	if (!show_read(s, i, p, n * sizeof(p[0])))
		return;
	text_add(s->out, "[");
	for (size_t k = 0; k < n; k++) {
		if (s->after && !p[k].revents)
			continue;
		text_add(s->out, "%s{fd=%d, %s=", any ? ", " : "", p[k].fd,
			 s->after ? "revents" : "events");
		text_flags(s->out, FG_POLL, (uint16_t)(s->after ? p[k].revents : p[k].events), 4);
		text_add(s->out, "}");
		any = true;
	}
	text_add(s->out, n < count ? ", ...]" : "]");
}

static void text_epoll_event(struct text *out, const struct abi_epoll_event *e)
{
	text_add(out, "{events=");
	text_flags(out, FG_EPOLL, e->events, 4);
	text_add(out, ", data=%#lx}", (unsigned long)e->data);
}

void show_epoll_event(struct show *s, unsigned int i)
{
	struct abi_epoll_event e;

	if (show_read(s, i, &e, sizeof(e)))
		text_epoll_event(s->out, &e);
}

void show_epoll_events(struct show *s, unsigned int i)
{
	struct abi_epoll_event e[ITEMS_SHOWN];
	long count = s->ret;
	size_t n = count > ITEMS_SHOWN ? ITEMS_SHOWN : (size_t)count;

	if (count <= 0) {
		if (count == 0)
			text_add(s->out, "[]");
		else
			show_ptr(s, i);
		return;
	}
	if (!show_read(s, i, e, n * sizeof(e[0])))
		return;
	text_add(s->out, "[");
	for (size_t k = 0; k < n; k++) {
		if (k)
			text_add(s->out, ", ");
		text_epoll_event(s->out, &e[k]);
	}
	text_add(s->out, n < (size_t)count ? ", ...]" : "]");
}

static void text_unix_address(struct text *out, const struct abi_sockaddr_un *un, size_t size)
{
	size_t n = size - 2;

	text_add(out, "{sa_family=AF_UNIX");
	if (n > 0 && un->sun_path[0] == '\0') {
		text_add(out, ", sun_path=@");
		text_quote(out, un->sun_path + 1, n - 1, UNIX_PATH_MAX, false);
	} else if (n > 0) {
		text_add(out, ", sun_path=");
		text_quote(out, un->sun_path, strnlen(un->sun_path, n), UNIX_PATH_MAX, false);
	}
	text_add(out, "}");
}

/* Address and port are big endian. */
static void text_inet_address(struct text *out, const struct abi_sockaddr_in *in)
{
	const uint8_t *p = (const uint8_t *)&in->sin_port, *a = (const uint8_t *)&in->sin_addr;

	text_add(out,
		 "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")}",
		 p[0] << 8 | p[1], a[0], a[1], a[2], a[3]);
}

static void text_sockaddr(struct show *s, unsigned int i, uaddr_t from, size_t size)
{
	union {
		struct abi_sockaddr any;
		struct abi_sockaddr_un un;
		struct abi_sockaddr_in in;
		char raw[ABI_SOCKADDR_STORAGE_SIZE];
	} a = {.raw = {0}};

	if (size < 2 || size > sizeof(a) || !from ||
	    s->mem->read(s->mem->ctx, &a, from, size) != size) {
		show_ptr(s, i);
	} else if (a.any.sa_family == AF_UNIX && size <= sizeof(a.un)) {
		text_unix_address(s->out, &a.un, size);
	} else if (a.any.sa_family == AF_INET && size >= sizeof(a.in)) {
		text_inet_address(s->out, &a.in);
	} else {
		text_add(s->out, "{sa_family=");
		text_flags(s->out, FG_AF, a.any.sa_family, 8);
		text_add(s->out, ", ...}");
	}
}

void show_sockaddr(struct show *s, unsigned int i)
{
	const struct argkind *k = &argkinds[s->row->args[i].kind];
	uint64_t len_at = s->args[i + 1];
	uint32_t size = (uint32_t)len_at;

	if (s->after && s->ret < 0)
		size = 0;
	else if (k->len == LEN_BY_POINTER &&
		 (!len_at || s->mem->read(s->mem->ctx, &size, len_at, 4) != 4))
		size = 0;
	text_sockaddr(s, i, s->args[i], size);
}

void show_msg(struct show *s, unsigned int i)
{
	struct abi_msghdr m;

	if (!show_read(s, i, &m, sizeof(m)))
		return;
	text_add(s->out,
		 "{msg_name=%#lx, msg_namelen=%d, msg_iovlen=%lu, msg_controllen=%lu, "
		 "msg_flags=",
		 (unsigned long)m.msg_name, m.msg_namelen, (unsigned long)m.msg_iovlen,
		 (unsigned long)m.msg_controllen);
	text_flags(s->out, FG_MSG, m.msg_flags, 4);
	text_add(s->out, "}");
}

static const char *lock_type(int16_t type)
{
	switch (type) {
	case F_RDLCK:
		return "F_RDLCK";
	case F_WRLCK:
		return "F_WRLCK";
	case F_UNLCK:
		return "F_UNLCK";
	default:
		return "F_???";
	}
}

void show_flock(struct show *s, unsigned int i)
{
	struct abi_flock l;

	if (!show_read(s, i, &l, sizeof(l)))
		return;
	text_add(s->out, "{l_type=%s, l_whence=", lock_type(l.l_type));
	text_flags(s->out, FG_SEEK, (uint64_t)l.l_whence, 8);
	text_add(s->out, ", l_start=%ld, l_len=%ld}", (long)l.l_start, (long)l.l_len);
}
