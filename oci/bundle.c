/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/env.h"
#include "oci/listen.h"
#include "oci/seccomp.h"
#include "platform/base/cleanup.h"
#include "platform/base/types.h"

enum { ROOTS_MAX = 1024 };

static int no_memory(struct error *e)
{
	return error_set(e, -ENOMEM, "out of memory");
}

/* A path of the configuration: relative ones start at the bundle. */
static int open_source(int dir_fd, const char *path, struct stat *st)
{
	int fd = openat(dir_fd, path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, st) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd < 0 ? -errno : fd;
}

static int open_root(struct bundle *b, int dir_fd, const struct overlay *overlay, struct error *e)
{
	const struct spec_root *root = &b->spec.root;
	struct stat st;
	int fd = open_source(dir_fd, root->path, &st);
	if (fd < 0)
		return error_set(e, fd, "%s: root.path: cannot open '%s': %s", b->file, root->path,
				 strerror(-fd));
	b->roots[0].fd = fd;
	b->nroots = 1;
	if (!S_ISDIR(st.st_mode))
		return error_set(e, -ENOTDIR, "%s: root.path: '%s' is not a directory", b->file,
				 root->path);
	b->sandbox.spec.root_readonly = root->readonly;
	b->sandbox.spec.root_layered = overlay->kind == OVERLAY_DIR;
	b->sandbox.spec.root_write_through =
		overlay->kind == OVERLAY_NONE || overlay->kind == OVERLAY_DIR;
	b->roots[0].writable = b->sandbox.spec.root_write_through;
	b->roots[0].submounts = true;
	b->roots[0].propagation = b->spec.propagation;
	return overlay->kind == OVERLAY_DIR ? overlay_open(overlay, &b->roots[0], e) : 0;
}

static int open_bind(struct bundle *b, int dir_fd, size_t i, const struct overlay *overlay,
		     struct error *e)
{
	const struct spec_mount *m = &b->spec.mounts[i];
	struct boot_mount *to = &b->mounts[i];
	struct stat st;
	if (b->nroots == ROOTS_MAX)
		return error_set(e, -E2BIG, "%s: mounts[%zu]: more than %d bind mounts", b->file, i,
				 ROOTS_MAX - 1);
	int fd = open_source(dir_fd, m->source, &st);
	if (fd < 0)
		return error_set(e, fd, "%s: mounts[%zu].source: cannot open '%s': %s", b->file, i,
				 m->source, strerror(-fd));
	to->root = (unsigned)b->nroots;
	to->is_file = !S_ISDIR(st.st_mode);
	to->write_through = overlay->kind != OVERLAY_ALL;
	b->roots[b->nroots++] = (struct gofer_root){
		.fd = fd,
		.writable = to->write_through && !m->readonly,
		.submounts = m->submounts,
		.propagation = m->propagation,
	};
	if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
		return 0;
	/* The gofer has no use for a device. */
	b->nroots--;
	close(fd);
	if (bundle_bound_device(b, i, &st) == 0)
		return 0;
	return error_set(e, -EOPNOTSUPP,
			 "%s: mounts[%zu].source: '%s' is a fifo or a socket: only files, "
			 "directories and devices can be used inside",
			 b->file, i, m->source);
}

static bool is_dev(const char *path)
{
	return strcmp(path, "/dev") == 0 || strcmp(path, "/dev/") == 0;
}

static int make_mounts(struct bundle *b, int dir_fd, const struct overlay *overlay, struct error *e)
{
	bool dev = false;
	size_t n = b->spec.nmounts;
	b->mounts = calloc(n + 1, sizeof *b->mounts);
	b->bound = calloc(n + 1, sizeof *b->bound);
	if (!b->mounts || !b->bound || bundle_devices(b) < 0)
		return no_memory(e);
	for (size_t i = 0; i < n; i++) {
		const struct spec_mount *m = &b->spec.mounts[i];
		b->mounts[i] = (struct boot_mount){
			.target = m->destination,
			.type = m->type,
			.source = m->source,
			.data = m->data,
			.flags = m->flags,
			.copy_up = m->copy_up,
		};
		dev |= is_dev(m->destination);
		int err = m->bind ? open_bind(b, dir_fd, i, overlay, e) : 0;
		if (err < 0)
			return err;
	}
	/* The devices a container is promised must be somewhere. */
	if (!dev) {
		memmove(b->mounts + 1, b->mounts, n * sizeof *b->mounts);
		b->mounts[0] = (struct boot_mount){.target = "/dev",
						   .type = "tmpfs",
						   .source = "tmpfs",
						   .data = "mode=755",
						   .flags = BOOT_RELATIME};
		n++;
	}
	b->sandbox.spec.mounts = b->mounts;
	b->sandbox.spec.nmounts = n;
	return 0;
}

int bundle_env(char **env, int root_fd, unsigned uid, char ***out)
{
	size_t n = 0;
	bool has = *env_find(env, "HOME");
	while (env[n])
		n++;
	autofree char *home = has ? NULL : home_of(root_fd, uid);
	const char *value = home ? home : "/";
	/* The list and, behind it, the one string that may be new. */
	char **list = malloc((n + 2) * sizeof *list + sizeof "HOME=" + strlen(value));
	if (!list)
		return -ENOMEM;
	memcpy(list, env, n * sizeof *list);
	if (!has) {
		list[n] = (char *)(list + n + 2);
		strcpy(stpcpy(list[n], "HOME="), value);
		n++;
	}
	list[n] = NULL;
	*out = list;
	return 0;
}

static int make_env(struct bundle *b, struct error *e)
{
	const struct spec_process *p = &b->spec.process;
	if (listen_env(&b->spec) < 0 ||
	    bundle_env(p->env, b->roots[0].fd, p->uid, &b->env) < 0)
		return no_memory(e);
	b->sandbox.spec.envp = b->env;
	return 0;
}

void bundle_process(const struct spec_process *p, struct boot_spec *s)
{
	s->argv = p->args;
	s->cwd = p->cwd;
	s->uid = p->uid;
	s->gid = p->gid;
	s->umask = p->umask;
	s->groups = p->groups;
	s->ngroups = p->ngroups;
	s->caps_bounding = p->caps[CAPS_BOUNDING];
	s->caps_effective = p->caps[CAPS_EFFECTIVE];
	s->caps_permitted = p->caps[CAPS_PERMITTED];
	s->caps_inheritable = p->caps[CAPS_INHERITABLE];
	s->caps_ambient = p->caps[CAPS_AMBIENT];
	s->no_new_privs = p->no_new_privs;
	s->rlimits = p->rlimits;
	s->nrlimits = p->nrlimits;
	s->terminal = p->terminal;
	s->oom_score_adj = (int)p->oom_score_adj;
	if (p->has_scheduler)
		s->sched = &p->scheduler;
}

static void set_process(struct bundle *b)
{
	const struct spec_process *p = &b->spec.process;
	struct boot_spec *s = &b->sandbox.spec;
	bundle_process(p, s);
	s->as_init = true;
	s->hostname = b->spec.hostname;
	s->domainname = b->spec.domainname;
	s->uid_map = b->sandbox.uids = b->spec.uid_map;
	s->gid_map = b->sandbox.gids = b->spec.gid_map;
	s->sysctls = b->spec.sysctls;
	numbers_outside(&b->spec, s);
	s->masked_paths = b->spec.masked_paths;
	s->readonly_paths = b->spec.readonly_paths;
	b->oom_score_adj = (int)p->oom_score_adj;
	if (p->has_oom_score)
		b->sandbox.oom_score_adj = &b->oom_score_adj;
	s->personality = b->spec.personality;
}

static int set_seccomp(struct bundle *b, struct error *e)
{
	struct boot_spec *s = &b->sandbox.spec;
	if (!b->spec.seccomp.present)
		return 0;
	int err = seccomp_compile(&b->spec.seccomp, b->file, &b->seccomp, &s->seccomp_len, e);
	s->seccomp = b->seccomp;
	s->seccomp_log = b->spec.seccomp.log;
	return err;
}

/* An engine does not say --overlay. */
static int choose_overlay(struct bundle *b, struct overlay given, struct error *e)
{
	const char *text = b->spec.overlay;
	b->overlay = given;
	if (given.given || !text)
		return 0;
	if (overlay_parse(text, &b->overlay))
		return 0;
	error_set(e, -EINVAL,
		  "%s: annotations: dev.vedette.overlay is " OVERLAY_HELP ", not '%.64s'", b->file,
		  text);
	error_sanitize(e);
	return -EINVAL;
}

int bundle_open(struct bundle *b, const char *dir, const char *config, struct overlay overlay,
		struct error *e)
{
	*b = (struct bundle){.dir = dir};
	bool whole = *config == '/';
	if (asprintf(&b->file, "%s%s%s", whole ? "" : dir, whole ? "" : "/", config) < 0) {
		b->file = NULL;
		return no_memory(e);
	}
	autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return error_set(e, -errno, "cannot open the bundle '%s': %s", dir,
				 strerror(errno));
	int err = spec_load(&b->spec, b->file, e);
	if (err < 0)
		return err;
	b->roots = calloc(b->spec.nmounts + 1, sizeof *b->roots);
	if (!b->roots)
		return no_memory(e);
	if ((err = bundle_keep_groups(&b->spec, e)) < 0)
		return err;
	set_process(b);
	if ((err = spec_check_labels(&b->spec.process, b->spec.mount_label, b->file, e)) < 0 ||
	    (err = set_seccomp(b, e)) < 0 ||
	    (err = choose_overlay(b, overlay, e)) < 0 ||
	    (err = open_root(b, dir_fd, &b->overlay, e)) < 0 ||
	    (err = make_mounts(b, dir_fd, &b->overlay, e)) < 0)
		return err;
	b->sandbox.roots = b->roots;
	b->sandbox.nroots = b->nroots;
	return make_env(b, e);
}

void bundle_close(struct bundle *b)
{
	for (size_t i = 0; i < b->nroots; i++) {
		if (b->roots[i].fd >= 0)
			close(b->roots[i].fd);
		if (b->roots[i].layered)
			close(b->roots[i].lower_fd);
	}
	free(b->roots);
	free(b->mounts);
	free(b->devices);
	free(b->bound);
	free(b->env);
	free(b->file);
	free(b->seccomp);
	spec_free(&b->spec);
}
