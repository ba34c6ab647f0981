/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the gofer.
 *
 *	server.c   roots and what the host can do
 *	serve.c    threads, connections, one packet in, packets out
 *	request.c  is this packet a request?  then its operation is run
 *	walk.c     from a root and a path to a descriptor, never through a link
 *	read.c list.c many.c write.c  the operations
 *	layers.h        roots of two layers: an overlay
 *	confine.c filter.c  what is given up before the first request
 *
 * The working directory is /proc/self/fd, so the path "N" is whatever object
 * descriptor N was opened on with O_PATH: every call that wants a path gets one
 * that nobody can exchange under it, a symbolic link included.
 *
 * Nothing here allocates while serving: the filter has no memory calls.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/gofer/gofer.h"
#include "sentry/fs/gofer/proto.h"

struct root {
	int fd; /* layered: the upper layer */
	bool writable, layered, submounts;
	unsigned propagation;
	uint64_t dev; /* st_dev of the root itself */
	/* layered: what holds upper and work, the work directory, and the lower layer */
	int base, work, lower;
	uint64_t lower_dev;
};

struct server {
	struct root *roots;
	size_t nroots;
	struct id_map uids, gids;
	int tmpfs;   /* -1: none */
	int inotify; /* -1: nothing is watched */
	uint32_t watches; /* a: how many times that was asked for */
	bool confined;
	bool has_openat2, has_statx, has_renameat2, has_tmpfile;
	struct sock_fprog *filter; /* each thread loads it for itself; NULL: none */
	uint32_t live;		   /* a: connections still open; futex */
	uint32_t files;		   /* a: names given to MEMFILE */
	pthread_mutex_t layers;	   /* changes of layered roots */
	int pid;		   /* for those names */
};

/* One thread and its connection. */
struct worker {
	struct server *s;
	int conn;
	/* Sends one packet with n descriptors.  0 or -errno, which ends the connection. */
	int (*emit)(struct worker *w, const struct gofer_rep *rep, const void *body, const int *fds,
		    size_t n);
	/* The request, checked and copied: nothing reads `in` again but `data`. */
	struct gofer_req req;
	const struct root *root;
	char path[GOFER_PATH_MAX + 1];
	char name[GOFER_PATH_MAX + 1];
	const uint8_t *data;
	int given; /* came with the request, or -1; closed after it */
	/* The reply as it is made */
	struct gofer_rep rep;
	/* Go out with the reply, then are closed. */
	int fds[GOFER_MANY_MAX];
	size_t nfds;
	bool keep_fd;	  /* they are not closed */
	const void *body; /* of the last packet; any size, cut in chunks */
	size_t body_size;
	_Alignas(16) uint8_t in[GOFER_PACKET_MAX];
	_Alignas(16) uint8_t out[GOFER_PACKET_MAX];
	_Alignas(16) uint8_t scratch[GOFER_CHUNK];
};

/* server.c: probes the host, checks the roots, changes the working directory. */
int gofer_init(struct server *s, const struct gofer_config *cfg);
/* Opens the upper and the work directory of a layered root below its base. */
int gofer_open_layers(struct root *r);
void gofer_fini(struct server *s);
/* serve.c: sends what w->rep and body hold, in as many packets as it takes. */
int gofer_reply(struct worker *w);
/* Sends one packet of a longer reply; w->rep.attr is cleared for the ones after it. */
int gofer_reply_more(struct worker *w, const void *body, size_t size);

/*
 * request.c: one request from `size` bytes at w->in, its reply through w->emit.  given: the
 * descriptor that came with it, or -1; stays the caller's.
 */
int gofer_handle(struct worker *w, size_t size, int given);

/* walk.c */
/* Any object as an O_PATH descriptor: the caller's. */
int pin_path(struct worker *w, const char *path, int *out_fd);
/* The same with its attributes; change: to be changed, so it must not be the lower layer's. */
int pin_object(struct worker *w, const char *path, bool change, int *out_fd,
	       struct gofer_attr *out);
/* The directory that holds path's last component, and that component (inside path): for changes. */
int pin_parent(struct worker *w, const char *path, int *out_fd, const char **out_name);
/* One component; flags: beside O_PATH.  A link where a directory must be is -ELOOP. */
int pin_step(int dir, const char *name, int flags, int *out_fd);
/*
 * 0, or -EACCES for what lies on a file system that is really a control panel
 * of the host's kernel (proc, sysfs, cgroup ...) unless the root does too: a
 * root of "/" must not bring them along.
 */
int pin_allowed(const struct worker *w, int fd, const struct gofer_attr *attr);
/* The name of a pinned object for calls that take a path. */
struct pin_name {
	char text[12];
};
struct pin_name pin_name(int fd);
/* attributes of `name` in dirfd, or of dirfd itself if name is "" */
int pin_attr(const struct server *s, int dirfd, const char *name, struct gofer_attr *out);
/* The same with the owner's numbers on the host. */
int pin_attr_host(const struct server *s, int dirfd, const char *name, struct gofer_attr *out);
/* rename(2) with GOFER_RENAME_* or RENAME_WHITEOUT; -EINVAL: the host is too old for flags. */
int rename_host(const struct server *s, int from, const char *from_name, int to,
		const char *to_name, unsigned flags);
/* Gives what fd is to ids of the sandbox, GOFER_KEEP_ID: as it is.  -EINVAL: none on the host. */
int pin_give(const struct server *s, int fd, uint32_t uid, uint32_t gid);

/* A descriptor more for the reply, which takes it over. */
void gofer_reply_fd(struct worker *w, int fd);
/* read.c: the file at w->path, with its attributes; flags: the protocol's. */
int open_path(struct worker *w, int flags, int *out_fd, struct gofer_attr *out);

/*
 * many.c: with each name of a request that has several: w->path is that of the name, status 0 or why
 * it is none.  < 0 from fn ends it, and is the result.
 */
int names_each(struct worker *w, int (*fn)(void *arg, unsigned i, int status), void *arg);

/*
 * read.c, list.c, many.c, write.c: fill w->rep, w->body, and give descriptors to gofer_reply_fd();
 * 0 or -errno.
 */
#define OP(name, fields) int gofer_op_##name(struct worker *w);
GOFER_OPS(OP)
#undef OP

/* confine.c, filter.c: called in this order while the process has one thread. */
int gofer_confine_tree(struct server *s);
int gofer_confine_close(const struct server *s, const struct gofer_config *cfg);
int gofer_confine_rights(const struct server *s, bool die_with_parent);
int gofer_filter_build(struct server *s);
/* In each thread, last. */
int gofer_filter_enter(const struct server *s);
