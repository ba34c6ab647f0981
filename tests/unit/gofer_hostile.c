/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neither side trusts the other: nonsense sent to the gofer, nonsense sent to
 * the client, somebody on the host who exchanges names under the gofer's hands,
 * and a gofer that dies.
 */
#include "gofer_fixture.h"

#include "fds.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- requests ---- */

struct raw {
	struct gofer_req req;
	char bytes[80000];
};

static void raw_init(struct raw *r, enum gofer_op op, const char *path, const char *name)
{
	memset(r, 0, sizeof *r);
	r->req = (struct gofer_req){
		.magic = GOFER_MAGIC,
		.op = (uint16_t)op,
		.seq = 77,
		.path_size = (uint32_t)strlen(path),
		.name_size = (uint32_t)strlen(name),
	};
	sprintf(r->bytes, "%s%s", path, name);
}

/* The status of the one reply, which must be of one packet. */
static int raw_ask(int fd, const void *packet, size_t size)
{
	struct {
		struct gofer_rep rep;
		char body[GOFER_CHUNK];
	} answer;
	assert_int_equal(send(fd, packet, size, 0), size);
	ssize_t n = recv(fd, &answer, sizeof answer, 0);
	assert_true(n >= (ssize_t)sizeof answer.rep);
	assert_int_equal(answer.rep.magic, GOFER_MAGIC);
	assert_int_equal(answer.rep.size, (size_t)n - sizeof answer.rep);
	assert_int_equal(answer.rep.flags & GOFER_MORE, 0);
	return answer.rep.status;
}

static int raw_send(int fd, const struct raw *r)
{
	return raw_ask(fd, r,
		       sizeof r->req + r->req.path_size + r->req.name_size + r->req.data_size);
}

/* Connection 3 is not used by the client while one thread calls. */
static void refuses_short_and_long_packets(void **state)
{
	struct fixture *f = *state;
	static struct raw r;
	raw_init(&r, GOFER_STAT, "file", "");
	for (size_t n = 1; n < sizeof r.req + 8; n++)
		assert_int_equal(raw_ask(f->ends[3], &r, n), n == sizeof r.req + 4 ? 0 : -EINVAL);
	assert_int_equal(raw_ask(f->ends[3], &r, GOFER_PACKET_MAX), -EINVAL);
	assert_int_equal(raw_ask(f->ends[3], &r, GOFER_PACKET_MAX + 1), -EINVAL);
	assert_int_equal(raw_ask(f->ends[3], &r, sizeof r), -EINVAL);
	assert_int_equal(raw_send(f->ends[3], &r), 0);
}

/* Fields that STAT does not use, one after the other. */
static void refuses_stray_fields(void **state)
{
	struct fixture *f = *state;
	static struct raw r;
	for (size_t at = 0; at < sizeof r.req; at += 2) {
		bool seq = at >= offsetof(struct gofer_req, seq) &&
			   at < offsetof(struct gofer_req, flags);
		raw_init(&r, GOFER_STAT, "file", "");
		((uint8_t *)&r.req)[at] ^= 0x40;
		assert_int_equal(raw_ask(f->ends[3], &r, sizeof r.req + 4), seq ? 0 : -EINVAL);
	}
	for (unsigned op = 0; op < 65536; op += op < 40 ? 1 : 997) {
		raw_init(&r, op, "", "");
		if (op == GOFER_NONE || op >= GOFER_OP_COUNT)
			assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	}
}

static void refuses_bad_sizes(void **state)
{
	static const uint32_t sizes[][3] = {
		{UINT32_MAX, 5, 0},
		{5, UINT32_MAX, 0},
		{UINT32_MAX, UINT32_MAX, 6},
		{0x80000000, 0x80000004, 0},
		{3, 0, 1},
		{0, 4, 0},
		{0, 0, 4},
		{4, 0, UINT32_MAX},
		{5, 0, 0},
	};
	struct fixture *f = *state;
	static struct raw r;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		raw_init(&r, GOFER_STAT, "file", "");
		r.req.path_size = sizes[i][0];
		r.req.name_size = sizes[i][1];
		r.req.data_size = sizes[i][2];
		assert_int_equal(raw_ask(f->ends[3], &r, sizeof r.req + 4), -EINVAL);
	}
	raw_init(&r, GOFER_STAT, "file", "");
	r.bytes[2] = '\0';
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	raw_init(&r, GOFER_SYMLINK, "s", "to");
	r.bytes[2] = '\0';
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	raw_init(&r, GOFER_MEMFILE, "path", "");
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	raw_init(&r, GOFER_GETXATTR, "file", "user.a");
	r.req.size = GOFER_PACKET_MAX + 1;
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	raw_init(&r, GOFER_SETATTR, "file", "");
	r.req.mode = 0777; /* but not in the mask */
	r.req.uid = r.req.gid = GOFER_KEEP_ID;
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
}

/* One request with n descriptors; the status, and what comes back with it (-1: nothing). */
static int raw_give(int conn, enum gofer_op op, const char *path, const int *fds, size_t n,
		    int *out)
{
	static struct raw r;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} ctl = {0};
	struct gofer_rep rep;
	struct iovec iov = {.iov_base = &r, .iov_len = sizeof r.req + strlen(path)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = ctl.space,
			     .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	raw_init(&r, op, path, "");
	ctl.align.cmsg_level = SOL_SOCKET;
	ctl.align.cmsg_type = SCM_RIGHTS;
	ctl.align.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&ctl.align), fds, n * sizeof(int));
	assert_true(sendmsg(conn, &msg, 0) > 0);
	iov = (struct iovec){.iov_base = &rep, .iov_len = sizeof rep};
	msg.msg_controllen = sizeof ctl.space;
	assert_int_equal(recvmsg(conn, &msg, MSG_CMSG_CLOEXEC), sizeof rep);
	*out = -1;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(out, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof *out);
	assert_int_equal(*out >= 0, rep.status == 0);
	return rep.status;
}

static void drops_descriptors(void **state)
{
	struct fixture *f = *state;
	const int fds[4] = {f->ends[3], f->ends[3], f->ends[3], f->ends[3]};
	static struct raw r;
	char dir[32];
	int got;
	raw_init(&r, GOFER_STAT, "file", "");
	assert_int_equal(raw_send(f->ends[3], &r), 0);
	snprintf(dir, sizeof dir, "/proc/%d/fd", f->pid);
	int before = count_fds(dir);
	for (size_t n = 1; n <= ARRAY_SIZE(fds); n++)
		assert_int_equal(raw_give(f->ends[3], GOFER_STAT, "file", fds, n, &got), -EINVAL);
	/* What came is closed after the answer, and before the next request is read. */
	assert_int_equal(raw_send(f->ends[3], &r), 0);
	assert_int_equal(count_fds(dir), before);
}

/* READONLY takes rights away and gives none. */
static void reopens_to_be_read_and_no_more(void **state)
{
	struct fixture *f = *state;
	static const int modes[] = {O_RDONLY, O_RDWR, O_WRONLY, O_PATH};
	static struct raw r;
	char path[] = "/tmp/readonly.XXXXXX", dir[32];
	int ends[2], got, own = mkstemp(path);
	assert_true(own >= 0 && pipe(ends) == 0);
	assert_int_equal(write(own, "x", 1), 1);
	raw_init(&r, GOFER_READONLY, "", "");
	assert_int_equal(raw_send(f->ends[3], &r), -EINVAL);
	snprintf(dir, sizeof dir, "/proc/%d/fd", f->pid);
	int before = count_fds(dir);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		const int fd = open(path, modes[i]), two[2] = {fd, fd};
		int status = raw_give(f->ends[3], GOFER_READONLY, "", &fd, 1, &got);
		assert_int_equal(status, i < 2 ? 0 : -EACCES);
		if (status == 0) {
			char c;
			assert_int_equal(fcntl(got, F_GETFL) & O_ACCMODE, O_RDONLY);
			assert_true(pread(got, &c, 1, 0) == 1 && c == 'x');
			assert_ptr_equal(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, got, 0),
					 MAP_FAILED);
			close(got);
		}
		assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "", two, 2, &got), -EINVAL);
		assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "a", &fd, 1, &got), -EINVAL);
		close(fd);
	}
	/* Only regular files: not what another open of which would be another thing. */
	assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "", ends, 1, &got), -EACCES);
	assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "", &f->ends[3], 1, &got), -EACCES);
	int root = open("/", O_RDONLY);
	assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "", &root, 1, &got), -EACCES);
	/* One without a name. */
	unlink(path);
	assert_int_equal(raw_give(f->ends[3], GOFER_READONLY, "", &own, 1, &got), 0);
	close(got);
	close(root);
	close(own);
	close(ends[0]);
	close(ends[1]);
	/* It closes them after it has answered. */
	for (int i = 0; i < 2000 && count_fds(dir) != before; i++)
		usleep(1000);
	assert_int_equal(count_fds(dir), before);
}

/* ---- replies ---- */

struct fake {
	int fd;
	int fds;     /* descriptors to send along */
	size_t size; /* of packet; 0: close instead */
	bool twice;
	_Alignas(8) uint8_t packet[80000];
};

/* A gofer that answers one request with what the test prepared. */
static void *fake_main(void *arg)
{
	struct fake *k = arg;
	struct gofer_req req;
	struct gofer_rep rep;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} ctl = {0};
	if (recv(k->fd, &req, sizeof req, 0) < (ssize_t)sizeof req)
		return NULL;
	memcpy(&rep, k->packet, sizeof rep);
	rep.seq += req.seq;
	memcpy(k->packet, &rep, sizeof rep);
	struct iovec iov = {.iov_base = k->packet, .iov_len = k->size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (k->fds) {
		msg.msg_control = ctl.space;
		msg.msg_controllen = CMSG_SPACE(k->fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(k->fds * sizeof(int));
	}
	for (int i = 0; k->size && i < (k->twice ? 2 : 1); i++)
		sendmsg(k->fd, &msg, MSG_NOSIGNAL);
	shutdown(k->fd, SHUT_WR);
	return NULL;
}

static const struct gofer_attr good_attr = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2};

static struct fake *fake_new(enum gofer_op op)
{
	struct fake *k = calloc(1, sizeof *k);
	struct gofer_rep rep = {.magic = GOFER_MAGIC, .op = (uint16_t)op, .attr = good_attr};
	memcpy(k->packet, &rep, sizeof rep);
	k->size = sizeof rep;
	return k;
}

static struct gofer_rep *fake_rep(struct fake *k)
{
	return (struct gofer_rep *)(void *)k->packet;
}

/* Appends one entry; raw sizes, so that they can be wrong. */
static struct gofer_dirent *fake_entry(struct fake *k, const char *name, size_t name_size,
				       const char *link, size_t link_size)
{
	struct gofer_dirent *d = (void *)(k->packet + k->size);
	uint8_t *p = (uint8_t *)(d + 1);
	*d = (struct gofer_dirent){.attr = good_attr,
				   .name_size = (uint32_t)name_size,
				   .link_size = (uint32_t)link_size};
	d->attr.mode = link ? S_IFLNK | 0777 : S_IFREG | 0644;
	memcpy(p, name, strnlen(name, name_size));
	if (link)
		memcpy(p + name_size, link, strnlen(link, link_size));
	k->size += sizeof *d + ((name_size + link_size + 7) & ~7ul);
	fake_rep(k)->size = (uint32_t)(k->size - sizeof(struct gofer_rep));
	return d;
}

static int count_entry(void *arg, const struct gofer_entry *e)
{
	assert_true(e->name[0] != '\0');
	++*(int *)arg;
	return 0;
}

/* What the client makes of it; frees k.  Whatever failed once fails for ever. */
static int fake_call(struct fake *k, int *out_entries)
{
	int pair[2], before = count_fds("/proc/self/fd");
	struct gofer *g;
	struct gofer_attr a;
	pthread_t thread;
	int entries = 0, err;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(gofer_client_new(&pair[0], 1, &g), 0);
	k->fd = pair[1];
	uint16_t op = fake_rep(k)->op;
	pthread_create(&thread, NULL, fake_main, k);
	if (op == GOFER_LIST)
		err = gofer_list(g, 0, "", NULL, count_entry, &entries);
	else
		err = gofer_stat(g, 0, "", &a);
	if (err == -EIO)
		assert_int_equal(gofer_stat(g, 0, "", &a), -EIO);
	pthread_join(thread, NULL);
	close(pair[1]);
	gofer_client_free(g);
	free(k);
	assert_int_equal(count_fds("/proc/self/fd"), before);
	if (out_entries)
		*out_entries = entries;
	return err;
}

static void client_takes_good_replies(void **state)
{
	int n;
	(void)state;
	assert_int_equal(fake_call(fake_new(GOFER_STAT), NULL), 0);
	struct fake *k = fake_new(GOFER_LIST);
	fake_entry(k, "a", 2, NULL, 0);
	fake_entry(k, "link", 5, "to/there", 9);
	assert_int_equal(fake_call(k, &n), 0);
	assert_int_equal(n, 2);
	k = fake_new(GOFER_STAT);
	fake_rep(k)->status = -EACCES;
	fake_rep(k)->attr = (struct gofer_attr){0};
	assert_int_equal(fake_call(k, NULL), -EACCES);
}

static void client_refuses_headers(void **state)
{
	(void)state;
#define BAD(change)                                                                                \
	do {                                                                                       \
		struct fake *k = fake_new(GOFER_STAT);                                             \
		struct gofer_rep *rep = fake_rep(k);                                               \
		(void)rep;                                                                         \
		change;                                                                            \
		assert_int_equal(fake_call(k, NULL), -EIO);                                        \
	} while (0)
	BAD(k->size = 0);
	BAD(k->size = 1);
	BAD(k->size -= 1);
	BAD(k->size += 8);
	BAD(k->size = sizeof k->packet);
	BAD(rep->magic++);
	BAD(rep->seq++);
	BAD(rep->flags = 4);
	BAD(rep->flags = GOFER_FD);
	BAD(rep->flags = GOFER_MORE);
	BAD(rep->flags = GOFER_MORE; k->twice = true);
	BAD(rep->status = 1);
	BAD(rep->status = -4096);
	BAD(rep->status = -5; rep->flags = GOFER_MORE);
	BAD(rep->status = -5; rep->total = 9);
	BAD(rep->zero = 1);
	BAD(k->fds = 1);
	BAD(k->fds = 1; rep->flags = GOFER_FD);
	BAD(k->fds = 3; rep->flags = GOFER_FD);
	BAD(rep->size = 8; k->size += 8);
	BAD(rep->size = UINT32_MAX);
	BAD(rep->attr.mode = 0644);
	BAD(rep->attr.mode |= 1u << 20);
	BAD(rep->attr.size = UINT64_MAX);
	BAD(rep->attr.mtime_nsec = 1000000000);
	BAD(rep->attr.uid = 1ull << 32);
	BAD(rep->attr = (struct gofer_attr){0});
#undef BAD
}

static void client_refuses_entries(void **state)
{
	(void)state;
#define BAD(entry)                                                                                 \
	do {                                                                                       \
		struct fake *k = fake_new(GOFER_LIST);                                             \
		struct gofer_dirent *d = fake_entry(k, "ok", 3, NULL, 0);                          \
		(void)d;                                                                           \
		entry;                                                                             \
		assert_int_equal(fake_call(k, NULL), -EIO);                                        \
	} while (0)
	BAD(fake_entry(k, "", 1, NULL, 0));
	BAD(fake_entry(k, "", 0, NULL, 0));
	BAD(fake_entry(k, ".", 2, NULL, 0));
	BAD(fake_entry(k, "..", 3, NULL, 0));
	BAD(fake_entry(k, "a/b", 4, NULL, 0));
	BAD(fake_entry(k, "ab", 4, NULL, 0));
	BAD(fake_entry(k, "abc", 3, NULL, 0));
	BAD(fake_entry(k, "l", 2, "", 1));
	BAD(fake_entry(k, "l", 2, "xy", 2));
	BAD(fake_entry(k, "l", 2, "x", 5000));
	BAD(fake_entry(k, "l", 2, "x", 2)->attr.mode = S_IFREG);
	BAD(d->attr.mode = S_IFLNK | 0777);
	BAD(d->attr.mode = 0);
	BAD(d->attr.ctime_nsec = UINT64_MAX);
	BAD(d->name_size = UINT32_MAX);
	BAD(d->link_size = UINT32_MAX);
	BAD(d->name_size = 9);
	BAD(k->size -= 8; fake_rep(k)->size -= 8);
	BAD(k->size += 8; fake_rep(k)->size += 8);
	BAD(k->size += 1; fake_rep(k)->size += 1);
#undef BAD
	char name[300];
	memset(name, 'n', sizeof name);
	struct fake *k = fake_new(GOFER_LIST);
	fake_entry(k, name, 257, NULL, 0);
	assert_int_equal(fake_call(k, NULL), -EIO);
}

/* ---- names exchanged meanwhile ---- */

struct swap {
	int dir;
	const char *name, *other;
	bool stop;
};

/* Without renameat2: the name is now one thing, now the other, now missing. */
static void *swap_main(void *arg)
{
	struct swap *s = arg;
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		renameat(s->dir, s->name, s->dir, "aside");
		renameat(s->dir, s->other, s->dir, s->name);
		renameat(s->dir, s->name, s->dir, s->other);
		renameat(s->dir, "aside", s->dir, s->name);
	}
	return NULL;
}

/* Opens `path` while `name` is a link (or fifo) half of the time; what is read is ours. */
static void race(struct fixture *f, const char *name, const char *other, const char *path)
{
	struct swap s = {.dir = open_at(f, "rw"), .name = name, .other = other};
	struct gofer_change c = {.mask = GOFER_SET_MODE, .mode = 0604};
	int64_t end = now_ms() + 400;
	int opened = 0;
	pthread_t thread;
	pthread_create(&thread, NULL, swap_main, &s);
	while (now_ms() < end) {
		struct gofer_attr a;
		char buf[16] = "";
		int fd = -1, err = gofer_open(f->g, RW, path, O_RDWR, &a, &fd);
		assert_true(err == 0 || err == -ELOOP || err == -ENOENT || err == -ENXIO ||
			    err == -ENOTDIR);
		if (err == 0) {
			assert_true(pread(fd, buf, sizeof buf, 0) > 0);
			assert_string_not_equal(buf, "secret");
			close(fd);
			opened++;
		}
		gofer_setattr(f->g, RW, path, &c, NULL);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(s.dir);
	assert_true(opened > 0);
}

static void names_change_meanwhile(void **state)
{
	struct fixture *f = *state;
	char path[64], out[64];
	struct stat st;
	snprintf(out, sizeof out, "%s/out", f->dir);
	assert_int_equal(mkdir(out, 0700), 0);
	put_file(out, "inner", "secret");
	snprintf(path, sizeof path, "%s/rw/outlink", f->dir);
	assert_int_equal(symlink("../out", path), 0);
	race(f, "dir", "outlink", "dir/inner");
	race(f, "file", "link", "file");
	race(f, "file", "fifo", "file");
	snprintf(path, sizeof path, "%s/secret", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	snprintf(path, sizeof path, "%s/out/inner", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

/* ---- death ---- */

struct caller {
	struct gofer *g;
	int last, calls;
};

static void *call_until_error(void *arg)
{
	struct caller *c = arg;
	struct gofer_attr a;
	int64_t end = now_ms() + 20000;
	while ((c->last = gofer_stat(c->g, RW, "file", &a)) == 0 && now_ms() < end)
		__atomic_fetch_add(&c->calls, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void survives_a_dead_gofer(void **state)
{
	enum { THREADS = 8 };
	struct fixture *f = fixture_new(/*confine=*/true, /*old_host=*/false);
	struct caller c[THREADS];
	struct gofer_attr a;
	pthread_t threads[THREADS];
	int fd = -1;
	(void)state;
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct caller){.g = f->g};
		pthread_create(&threads[i], NULL, call_until_error, &c[i]);
	}
	while (__atomic_load_n(&c[THREADS - 1].calls, __ATOMIC_RELAXED) < 10)
		usleep(1000);
	kill(f->pid, SIGKILL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(c[i].last, -EIO);
	}
	assert_int_equal(gofer_open(f->g, RW, "file", O_RDONLY, &a, &fd), -EIO);
	assert_int_equal(gofer_memfile(f->g, "x"), -EIO);
	int status = fixture_free(f);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* One connection ends: the gofer lives on for the others, and ends with the last. */
static void ends_with_the_last_connection(void **state)
{
	struct fixture *f = fixture_new(/*confine=*/true, /*old_host=*/false);
	struct gofer_attr a;
	(void)state;
	shutdown(f->ends[3], SHUT_RDWR);
	shutdown(f->ends[2], SHUT_RDWR);
	for (int i = 0; i < 10; i++) {
		usleep(1000);
		assert_int_equal(gofer_stat(f->g, RW, "file", &a), 0);
	}
	assert_int_equal(fixture_free(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(refuses_short_and_long_packets),
		FACT(refuses_stray_fields),
		FACT(refuses_bad_sizes),
		FACT(drops_descriptors),
		FACT(reopens_to_be_read_and_no_more),
		FACT(names_change_meanwhile),
		cmocka_unit_test(client_takes_good_replies),
		cmocka_unit_test(client_refuses_headers),
		cmocka_unit_test(client_refuses_entries),
		cmocka_unit_test(survives_a_dead_gofer),
		cmocka_unit_test(ends_with_the_last_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
