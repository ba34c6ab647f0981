/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both decoders of the gofer's protocol.
 *
 * The first byte chooses: a request packet for the gofer's handler, which
 * works on a real temporary tree with a writable root, a read-only one, and one of
 * two layers over the read-only one; or reply packets for the client.  Links that
 * lead out are in all of them.  Checked beside the sanitizers: one well formed
 * reply to every request, no descriptor kept, none of a file outside the roots,
 * nothing changed outside the writable root and the upper layer.
 *
 *	clang -fsanitize=fuzzer,address ... -DFUZZER    libFuzzer
 *	program [runs [seed]]                           mutations of good packets
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/gofer/private.h"
#include "platform/base/types.h"
#include "sentry/fs/gofer/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[] = "/tmp/gofer-fuzz.XXXXXX";
static struct server server;
static struct worker worker;
static ino_t secret;
static unsigned replies;
static bool more;

/* What may not change: the read-only root, which is the lower layer too, and what is in no root. */
static const char *const fixed[] = {"secret", "ro",	      "ro/file",
				    "ro/dir", "ro/dir/inner", "ro/other"};
static struct stat fixed_was[ARRAY_SIZE(fixed)];

static void fixed_stat(size_t i, struct stat *out)
{
	char path[64];
	snprintf(path, sizeof path, "%s/%s", top, fixed[i]);
	assert(lstat(path, out) == 0);
}

static void fixed_check(void)
{
	struct stat st;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		const struct stat *was = &fixed_was[i];
		fixed_stat(i, &st);
		assert(st.st_ino == was->st_ino && st.st_mode == was->st_mode &&
		       st.st_ctim.tv_sec == was->st_ctim.tv_sec &&
		       st.st_ctim.tv_nsec == was->st_ctim.tv_nsec);
	}
}

static bool is_below(ino_t ino)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed_was[i].st_ino == ino)
			return true;
	return false;
}

static void fd_check(const struct worker *w, int fd)
{
	struct stat st;
	bool writes = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	assert(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino != secret);
	assert(w->root == NULL || w->root->writable || !writes);
	assert(!writes || (!is_below(st.st_ino) && w->req.op != GOFER_OPENS));
}

static int emit(struct worker *w, const struct gofer_rep *rep, const void *body, const int *fds,
		size_t nfds)
{
	assert(rep->magic == GOFER_MAGIC && rep->status <= 0 && rep->status >= -4095);
	assert(rep->size <= GOFER_CHUNK && (rep->size == 0 || body));
	assert(!(rep->flags & GOFER_FD) == (nfds == 0));
	assert(nfds <= (w->req.op == GOFER_OPENS ? GOFER_MANY_MAX : 1));
	assert(rep->status == 0 || (rep->size == 0 && nfds == 0));
	for (size_t i = 0; i < nfds && w->req.op != GOFER_NOTIFY; i++)
		fd_check(w, fds[i]);
	more = rep->flags & GOFER_MORE;
	replies++;
	return 0;
}

/* (Re)makes the tree; the guest's part may have lost anything. */
static void fill(const char *dir)
{
	static const char *const files[] = {"file", "dir/inner", "other"};
	int d = open(dir, O_DIRECTORY);
	assert(d >= 0);
	mkdirat(d, "dir", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = openat(d, files[i], O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0644);
		if (fd >= 0)
			close(fd);
	}
	(void)!symlinkat("../secret", d, "link");
	(void)!symlinkat("../../secret", d, "uplink");
	(void)!symlinkat("../..", d, "dirlink");
	mkfifoat(d, "fifo", 0600);
	close(d);
}

static void clean_up(void)
{
	char cmd[64];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
	(void)!system(cmd);
}

static void start(void)
{
	static char rw[64], ro[64], over[64], path[80];
	struct gofer_root roots[3];
	assert(mkdtemp(top));
	atexit(clean_up);
	snprintf(rw, sizeof rw, "%s/rw", top);
	snprintf(ro, sizeof ro, "%s/ro", top);
	snprintf(over, sizeof over, "%s/over", top);
	assert(mkdir(rw, 0755) == 0 && mkdir(ro, 0755) == 0 && mkdir(over, 0755) == 0);
	fill(rw);
	fill(ro);
	snprintf(path, sizeof path, "%s/work", over);
	assert(mkdir(path, 0700) == 0);
	snprintf(path, sizeof path, "%s/upper", over);
	assert(mkdir(path, 0755) == 0);
	snprintf(path, sizeof path, "%s/secret", top);
	int fd = open(path, O_CREAT | O_WRONLY, 0644);
	assert(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		fixed_stat(i, &fixed_was[i]);
	secret = fixed_was[0].st_ino;
	roots[0] = (struct gofer_root){.fd = open(rw, O_PATH), .writable = true};
	roots[1] = (struct gofer_root){.fd = open(ro, O_PATH), .writable = false};
	roots[2] = (struct gofer_root){.fd = open(over, O_PATH),
				       .writable = true,
				       .layered = true,
				       .lower_fd = open(ro, O_PATH)};
	const struct gofer_config cfg = {.roots = roots,
					 .nroots = 3,
					 .nconns = 1,
					 .tmpfs_fd = -1,
					 .watch = true,
					 .old_host = getenv("OLD_HOST") != NULL};
	assert(gofer_init(&server, &cfg) == 0);
	worker.s = &server;
	worker.emit = emit;
}

/* The lowest free descriptor number: rises if one was kept. */
static int next_fd(void)
{
	int fd = dup(server.roots[0].fd);
	close(fd);
	return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (at->level > 0)
		(void)!remove(path);
	return 0;
}

static void empty(const char *dir)
{
	char path[PATH_MAX];
	(void)!fchmodat(AT_FDCWD, dir, 0755, 0);
	assert(realpath(dir, path));
	nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void fuzz_request(const uint8_t *data, size_t size)
{
	static unsigned count;
	int fd = next_fd();
	if (size > sizeof worker.in)
		size = sizeof worker.in;
	memcpy(worker.in, data, size);
	replies = 0;
	assert(gofer_handle(&worker, size, -1) == 0);
	assert(replies > 0 && !more && next_fd() == fd);
	fixed_check();
	if (++count % 64 == 0) {
		const char *rw = pin_name(server.roots[0].fd).text;
		(void)!fchmodat(AT_FDCWD, rw, 0755, 0);
		fill(rw);
	}
	/* An upper layer as a guest may have left it, and one with nothing in it. */
	if (count % 64 == 32)
		fill(pin_name(server.roots[2].fd).text);
	if (count % 1024 == 0)
		empty(pin_name(server.roots[2].fd).text);
}

static int each(void *arg, const struct gofer_entry *e)
{
	size_t n = strlen(e->name);
	(void)arg;
	assert(n > 0 && n <= GOFER_NAME_MAX && !strchr(e->name, '/'));
	assert(!e->link || strlen(e->link) <= GOFER_PATH_MAX);
	return 0;
}

static void each_of_many(void *arg, unsigned i, const struct gofer_entry *e, int status)
{
	unsigned *at = arg;
	assert(i == *at && status <= 0 && status >= -4095);
	if (e)
		each(NULL, e);
	else
		++*at;
}

static void lists(struct gofer *g, const struct gofer_names *names)
{
	unsigned at = 0;
	gofer_lists(g, 0, "x", names, each_of_many, &at);
	assert(at == names->count);
}

static void opens(struct gofer *g, const struct gofer_names *names)
{
	struct gofer_opened opened[GOFER_MANY_MAX];
	int fds[GOFER_MANY_MAX];
	if (gofer_opens(g, 0, "x", names, opened, fds) < 0)
		return;
	for (unsigned i = 0; i < names->count; i++) {
		assert(fds[i] >= 0 || (fds[i] >= -4095 && fds[i] < 0));
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* Packets of the reply, each with its 16-bit size in front, are there before the request. */
static void fuzz_reply(const uint8_t *data, size_t size)
{
	static uint8_t buf[GOFER_PACKET_MAX];
	struct gofer_attr attr;
	struct gofer_statfs fs;
	struct gofer_names names = {.text = "a\0b", .size = 4, .count = 2};
	struct gofer *g;
	int pair[2], before = next_fd();
	uint8_t which = size ? data[0] : 0;

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	assert(gofer_client_new(pair, 1, &g) == 0);
	for (size_t at = 1, n; at + 2 < size; at += n) {
		n = data[at] | (size_t)data[at + 1] << 8;
		at += 2;
		n = min_u64(n, size - at);
		if (send(pair[1], data + at, n, MSG_DONTWAIT) < 0)
			break;
	}
	shutdown(pair[1], SHUT_WR);
	switch (which % 7) {
	case 0:
		gofer_stat(g, 0, "x", &attr);
		break;
	case 1:
		gofer_list(g, 0, "x", &attr, each, NULL);
		break;
	case 2:
		gofer_getxattr(g, 0, "x", "y", buf, 100);
		break;
	case 3:
		gofer_statfs(g, 0, "x", &fs);
		break;
	case 4:
		lists(g, &names);
		break;
	case 5:
		opens(g, &names);
		break;
	default:
		gofer_readlink(g, 0, "x", (char *)buf, 100);
	}
	gofer_client_free(g);
	close(pair[1]);
	assert(next_fd() == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	if (!started)
		start();
	started = true;
	if (size == 0)
		return 0;
	if (data[0] & 1)
		fuzz_reply(data + 1, size - 1);
	else
		fuzz_request(data + 1, size - 1);
	return 0;
}

static uint64_t random_state = 88172645463325252ull;

static uint32_t pick(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % n;
}

static const char *const words[] = {
	"",	   "file",	"dir",	       "dir/inner", "link", "link/x", "fifo",
	"new",	   "..",	"dir/../file", "dir/new",   ".",    "other",  "dirlink/secret",
	"uplink",  "new/x",	"dirlink",     "new2",	    "a//b", "user.a", "/etc",
	"dir/x/y", "../ro/file"};

/* Names for one request, most of them good ones; their size. */
static size_t good_names(uint8_t *out)
{
	size_t size = 0;
	for (uint32_t i = 1 + pick(8) * pick(6); i > 0; i--) {
		const char *word = words[pick(8) ? 1 + pick(2) : pick(ARRAY_SIZE(words))];
		size_t n = strlen(word) + 1;
		memcpy(out + size, word, n);
		size += n;
	}
	return size;
}

/* A request that is right but for its values. */
static size_t good_request(uint8_t *out)
{
	const char *path = words[pick(ARRAY_SIZE(words))], *name = "";
	struct gofer_req r = {.magic = GOFER_MAGIC,
			      .op = (uint16_t)(1 + pick(GOFER_OP_COUNT - 1)),
			      .root = (uint16_t)pick(3)};
	static const unsigned fields[] = {
#define OP(op, f) [GOFER_##op] = (f),
		GOFER_OPS(OP)
#undef OP
	};
	unsigned f = fields[r.op];
	if (f & GOFER_F_NOROOT)
		path = "", r.root = 0;
	if (f & GOFER_F_NAME)
		name = words[pick(ARRAY_SIZE(words))];
	if (f & GOFER_F_FLAGS)
		r.flags = pick(3) | (r.op == GOFER_OPEN ? pick(2) << 9 | pick(2) << 10 : 0);
	if (f & GOFER_F_ATTR) {
		r.mask = pick(64);
		r.mode = r.mask & GOFER_SET_MODE ? pick(010000) : 0;
		r.uid = r.mask & GOFER_SET_UID ? pick(10) : GOFER_KEEP_ID;
		r.gid = r.mask & GOFER_SET_GID ? pick(10) : GOFER_KEEP_ID;
		r.size = r.mask & GOFER_SET_SIZE ? pick(100000) : 0;
	} else {
		if (f & GOFER_F_MODE)
			r.mode = pick(010000) | (f & GOFER_F_RDEV ? pick(16) << 12 : 0);
		if (f & GOFER_F_SIZE)
			r.size = pick(3) * 100;
	}
	r.path_size = (uint32_t)strlen(path);
	r.name_size = (uint32_t)strlen(name);
	uint8_t *data = out + sizeof r + r.path_size + r.name_size;
	if (f & GOFER_F_NAMES)
		r.data_size = (uint32_t)good_names(data);
	else if (f & GOFER_F_DATA)
		memset(data, 'd', r.data_size = pick(20));
	memcpy(out, &r, sizeof r);
	memcpy(out + sizeof r, path, r.path_size);
	memcpy(out + sizeof r + r.path_size, name, r.name_size);
	return sizeof r + r.path_size + r.name_size + r.data_size;
}

static size_t good_packet(uint8_t *out, uint16_t op, bool entries)
{
	struct gofer_rep rep = {
		.magic = GOFER_MAGIC, .seq = 1, .op = op, .flags = (uint16_t)pick(2)};
	size_t size = sizeof rep;
	rep.attr.mode = op == GOFER_STAT || op == GOFER_LIST ? S_IFDIR | 0755 : 0;
	for (uint32_t i = entries ? pick(6) : 0; i > 0; i--) {
		struct gofer_dirent d = {
			.attr.mode = S_IFLNK | 0777, .name_size = 5, .link_size = 3};
		memcpy(out + size, &d, sizeof d);
		memcpy(out + size + sizeof d, "name\0to\0", 8);
		size += sizeof d + 8;
	}
	if (op == GOFER_LISTS) {
		const struct gofer_dirent ends[2] = {{.link_size = pick(2)}, {.link_size = 7}};
		memcpy(out + size, ends, sizeof ends);
		size += sizeof ends[0] * (1 + pick(2));
	} else if (op == GOFER_OPENS) {
		const struct gofer_opened two[2] = {{.status = -2},
						    {.status = -(int)pick(2),
						     .attr.mode = S_IFREG}};
		memcpy(out + size, two, sizeof two);
		size += sizeof two[0] * (1 + pick(2));
	} else if (!entries && pick(2)) {
		rep.total = pick(100);
		memset(out + size, 'x', rep.total);
		size += rep.total;
	}
	rep.size = (uint32_t)(size - sizeof rep);
	memcpy(out, &rep, sizeof rep);
	return size;
}

static size_t good_reply(uint8_t *out)
{
	static const uint16_t op[] = {GOFER_STAT, GOFER_LIST, GOFER_GETXATTR, GOFER_STATFS,
				      GOFER_LISTS, GOFER_OPENS, GOFER_READLINK};
	uint32_t which = pick(7);
	size_t size = 1;
	out[0] = (uint8_t)which;
	for (uint32_t i = 1 + pick(3); i > 0; i--) {
		size_t n = good_packet(out + size + 2, op[which], which == 1 || which == 4);
		out[size] = (uint8_t)n;
		out[size + 1] = (uint8_t)(n >> 8);
		size += 2 + n;
	}
	return size;
}

/* The first byte, and what it stands for. */
static size_t good_input(uint8_t *out)
{
	out[0] = (uint8_t)pick(2);
	return 1 + (out[0] ? good_reply(out + 1) : good_request(out + 1));
}

#ifdef FUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* By itself it would not find the magic number: now and then a good packet is thrown in. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t good[GOFER_PACKET_MAX];
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	if (size > 1 && pick(8))
		return LLVMFuzzerMutate(data, size, max);
	size = min_u64(good_input(good), max);
	memcpy(data, good, size);
	return size;
}
#else
static void mutate(uint8_t *p, size_t *size)
{
	static const uint8_t special[] = {0, 1, 0x7f, 0x80, 0xff, '/', '.', 8};
	for (uint32_t i = pick(4); i > 0 && *size > 1; i--) {
		uint32_t at = pick((uint32_t)*size);
		switch (pick(4)) {
		case 0:
			p[at] ^= (uint8_t)(1u << pick(8));
			break;
		case 1:
			p[at] = special[pick(sizeof special)];
			break;
		case 2:
			*size = at + 1;
			break;
		default:
			memset(p + at, special[pick(sizeof special)], min_u64(4, *size - at));
		}
	}
}

int main(int argc, char **argv)
{
	static uint8_t input[GOFER_PACKET_MAX];
	long runs = argc > 1 ? atol(argv[1]) : 20000;
	if (argc > 2)
		random_state ^= strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull;
	for (long i = 0; i < runs; i++) {
		size_t size = good_input(input) - 1;
		mutate(input + 1, &size);
		LLVMFuzzerTestOneInput(input, 1 + size);
	}
	printf("gofer: %ld packets\n", runs);
	return 0;
}
#endif
