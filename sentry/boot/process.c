/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is started from outside: identity, descriptors, program.  The
 * first one and those of exec are made of the same pieces, on their own threads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "platform/base/sort.h"
#include "platform/host.h"
#include "sentry/boot/internal.h"
#include "sentry/fs/hostfile/hostfile.h"
#include "sentry/mm/mm.h"
#include "sentry/task/container.h"
#include "sentry/task/exec.h"
#include "sentry/task/facts.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pause.h"
#include "sentry/task/pidns.h"
#include "sentry/task/signal.h"
#include "sentry/task/task.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/resource.h"
#include "syscalls/abi/stat.h"

enum { STDIO_COUNT = 3 };

/* Linux' defaults, as a login shell on Debian sees them. */
static const struct boot_rlimit default_rlimits[] = {
	{RLIMIT_CPU, UINT64_MAX, UINT64_MAX},
	{RLIMIT_FSIZE, UINT64_MAX, UINT64_MAX},
	{RLIMIT_DATA, UINT64_MAX, UINT64_MAX},
	{RLIMIT_STACK, 8 << 20, UINT64_MAX},
	{RLIMIT_CORE, 0, UINT64_MAX},
	{RLIMIT_RSS, UINT64_MAX, UINT64_MAX},
	{RLIMIT_NPROC, 8192, 8192},
	{RLIMIT_NOFILE, 1024, 1048576},
	{RLIMIT_MEMLOCK, 8 << 20, 8 << 20},
	{RLIMIT_AS, UINT64_MAX, UINT64_MAX},
	{RLIMIT_LOCKS, UINT64_MAX, UINT64_MAX},
	{RLIMIT_SIGPENDING, 8192, 8192},
	{RLIMIT_MSGQUEUE, 819200, 819200},
	{RLIMIT_NICE, 0, 0},
	{RLIMIT_RTPRIO, 0, 0},
	{RLIMIT_RTTIME, UINT64_MAX, UINT64_MAX},
};

static void set_rlimits(struct group *g, const struct boot_rlimit *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].which < ABI_RLIM_NLIMITS)
			g->rlimits[r[i].which] = (struct abi_rlimit){r[i].soft, r[i].hard};
}

/* Ignored and blocked signals outlive execve(2); nohup(1) and sh -c '... &' count on it. */
static void set_signals(struct task *t, const struct boot_spec *s)
{
	for (int sig = 1; sig <= NSIG; sig++)
		if (s->sig_ignored & SIGBIT(sig))
			t->group->actions->action[sig - 1].handler = ABI_SIG_IGN;
	t->blocked = s->sig_blocked & ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static struct cred *make_cred(const struct boot_spec *s)
{
	struct cred *root = cred_new_root(s->caps_bounding);
	if (!root)
		return NULL;
	struct cred *c = cred_copy(root, (uint32_t)s->ngroups);
	cred_put(root);
	if (!c)
		return NULL;
	c->ruid = c->euid = c->suid = c->fsuid = s->uid;
	c->rgid = c->egid = c->sgid = c->fsgid = s->gid;
	c->cap_permitted = s->caps_permitted;
	c->cap_effective = s->caps_effective;
	c->cap_inheritable = s->caps_inheritable;
	c->cap_ambient = s->caps_ambient;
	c->no_new_privs = s->no_new_privs;
	if (s->ngroups)
		memcpy(c->groups, s->groups, s->ngroups * sizeof *s->groups);
	sort(c->groups, s->ngroups, sizeof *c->groups, compare_u32);
	return c;
}

static int open_null(struct task *t, struct file **out)
{
	struct walk w = {.fs = t->fs, .cred = t->cred};
	return vfs_open(&w, "/dev/null", O_RDWR, 0, out);
}

static bool is_null(const struct path *p)
{
	const struct inode *i = p->dentry->inode;
	return inode_is(i, S_IFCHR) && i->rdev == abi_makedev(1, 3);
}

/*
 * The host's null device becomes the guest's, which programs compare it with: grep and tar do
 * less for an output that nobody reads.  Where the guest has another thing there, it stays.
 */
static void replace_null(struct task *t, uint32_t flags, struct file **f)
{
	struct walk w = {.fs = t->fs, .cred = t->cred};
	struct file *own;
	struct path p;
	if (!is_null(&(*f)->path) || path_walk(&w, "/dev/null", &p) < 0)
		return;
	if (is_null(&p) && vfs_open_path(&p, t->cred, flags, &own) == 0) {
		file_put(*f);
		*f = own;
	}
	path_put(&p);
}

static int open_stdio(struct task *t, const struct boot_stdio *io, struct file **out)
{
	const uint32_t flags = io->flags & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	struct hostfile_options o = {
		.fd = io->fd,
		.flags = flags,
		.pos = io->pos,
		.uid = t->cred->fsuid,
		.gid = t->cred->fsgid,
		.nonblock = io->nonblock,
	};
	if (io->fd < 0)
		return open_null(t, out);
	int err = hostfile_new(&o, t->cred, out);
	if (err == 0)
		replace_null(t, flags, out);
	return err;
}

static const struct boot_stdio *nth_fd(const struct boot_spec *s, int i)
{
	return i < STDIO_COUNT ? &s->stdio[i] : &s->more[i - STDIO_COUNT];
}

static int count_fds(const struct boot_spec *s)
{
	return STDIO_COUNT + (int)s->nmore;
}

void process_close(const struct boot_spec *s, int from)
{
	for (int i = from; i < count_fds(s); i++)
		if (nth_fd(s, i)->fd >= 0)
			host_close(nth_fd(s, i)->fd);
}

/* Descriptors that are one open file on the host are one here: 2>&1 shares offset and flags. */
static int install_fd(struct boot_process *b, int i)
{
	struct task *t = b->task;
	const struct boot_stdio *io = nth_fd(b->spec, i);
	struct file *f;
	int err = 0;
	if (i > 0 && io->same) {
		f = fdtab_get(t->fds, i - 1);
		/* 0 to 2 are never free: something else of the sentry's would come to be there. */
		if (io->fd >= STDIO_COUNT)
			host_close(io->fd);
	} else
		err = open_stdio(t, io, &f);
	if (err < 0)
		return err;
	if (b->spec->terminal && i < STDIO_COUNT)
		boot_terminal(&b->ttys, t, &f);
	return fd_install(t->fds, f, /*cloexec=*/false, i, (uint64_t)i + 1);
}

static int install_fds(struct boot_process *b)
{
	for (int i = 0; i < count_fds(b->spec); i++) {
		int err = install_fd(b, i);
		if (err < 0) {
			process_close(b->spec, i);
			return boot_fail(&b->err, err, "descriptor %d: %s", i,
					 err == -EINVAL ? "a directory cannot be passed in"
							: strerror(-err));
		}
	}
	return 0;
}

static int set_cwd(struct task *t, const struct boot_spec *s)
{
	struct walk w = {.fs = t->fs, .cred = t->cred, .flags = WALK_DIRECTORY};
	struct path p;
	const char *cwd = s->cwd && *s->cwd ? s->cwd : "/";
	int err = path_walk(&w, cwd, &p);
	if (err < 0)
		return err;
	lock(&t->fs->lock);
	struct path old = t->fs->cwd;
	t->fs->cwd = p;
	unlock(&t->fs->lock);
	path_put(&old);
	return 0;
}

static const char *env_get(char *const *envp, const char *name)
{
	size_t n = strlen(name);
	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

static const char *program_of(const struct boot_spec *s)
{
	return s->program ? s->program : s->argv[0];
}

/* As execvp(3): a name with a slash is a path; else PATH, remembering a refusal. */
static int find_program(struct task *t, const struct boot_spec *s, char *name, size_t size,
			struct file **out)
{
	const char *cmd = program_of(s), *dirs = env_get(s->envp, "PATH");
	int worst = -ENOENT;
	if (strchr(cmd, '/')) {
		snprintf(name, size, "%s", cmd);
		return exec_open_name(t, name, out);
	}
	for (const char *d = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; d;) {
		size_t n = strcspn(d, ":");
		snprintf(name, size, "%.*s%s%s", (int)n, d, n ? "/" : "", cmd);
		int err = exec_open_name(t, name, out);
		if (err == 0)
			return 0;
		if (err != -ENOENT && err != -ENOTDIR)
			worst = err;
		d = d[n] ? d + n + 1 : NULL;
	}
	return worst;
}

/* Engines tell their users 127 and 126 by these words. */
static const char *cause(int err, bool path)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
		return path ? "no such file or directory (inside the container)"
			    : "executable file not found in $PATH (check the name, or give its "
			      "path)";
	case -EACCES:
		return "permission denied (a directory, or chmod +x it)";
	case -ENOEXEC:
		return "exec format error (not an x86-64 ELF program or a #! script)";
	default:
		return strerror(-err);
	}
}

/* The fault of the program, not of the sandbox. */
static int exec_fail(struct boot_process *b, int err, const char *why)
{
	b->err.exec = err != -ENOMEM && err != -EAGAIN && err != -ESRCH;
	return boot_fail(&b->err, err, "%s: %s", program_of(b->spec), why);
}

int process_find(struct boot_process *b, char *name, struct file **out)
{
	struct task *t = b->task;
	const struct boot_spec *s = b->spec;

	int err = set_cwd(t, s);
	if (err < 0) {
		process_close(s, 0);
		return boot_fail(&b->err, err, "working directory %s: %s", s->cwd, strerror(-err));
	}
	if ((err = install_fds(b)) < 0)
		return err;
	hosttty_away(&b->ttys, s->away);
	if (s->mounts && (err = boot_console(s, &b->ttys, t->fs)) < 0)
		return boot_fail(&b->err, err, "/dev/console: %s", strerror(-err));
	if (s->mounts && (err = boot_sysctls(s, &b->err)) < 0)
		return err;
	if (s->argv[0] && (err = find_program(t, s, name, PROCESS_NAME, out)) < 0)
		return exec_fail(b, err, cause(err, strchr(program_of(b->spec), '/')));
	return boot_attributes(t, s, &b->err);
}

int process_exec(struct boot_process *b, const char *name, struct file *f)
{
	struct task *t = b->task;
	struct exec_strings strings;
	if (!f) {
		b->err.exec = true;
		return boot_fail(&b->err, -EINVAL, "the configuration has no process to start");
	}
	int err = exec_strings_from(b->spec->argv, b->spec->envp, &strings);
	if (err == 0) {
		err = task_exec(t, f, name, /*hidden=*/false, &strings);
		exec_strings_free(&strings);
	}
	/* Killed from outside meanwhile: it has begun, and its status tells how it ended. */
	if (err < 0 && __atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE))
		return 0;
	if (err == -ENOENT)
		return exec_fail(b, err, "its #! interpreter or dynamic loader is not there");
	return err < 0 ? exec_fail(b, err, cause(err, strchr(program_of(b->spec), '/'))) : 0;
}

int process_publish_locked(struct task *t, struct group *parent, bool as_init)
{
	static const int one = 1;
	struct group *g = t->group;
	if (g->pid_ns->over)
		return -ESRCH;
	if (!container_room_locked(g->container))
		return -EAGAIN;
	int id = pid_alloc_locked(g->pid_ns, as_init ? &one : NULL, as_init);
	if (id < 0)
		return id;
	t->tid = g->tgid = id;
	t->nr = g->nr = pid_in_locked(g->pid_ns, id);
	if (as_init && g->pid_ns->ids)
		g->pid_ns->init = g;
	g->leader = task_get(t);
	if (parent) {
		g->parent = group_get(parent);
		list_append(&parent->children, &g->siblings);
	}
	list_append(&g->threads, &t->threads);
	g->nthreads = 1;
	kernel.ngroups++;
	container_add_task_locked(g->container);
	pid_set_locked(id, t, g);
	group_set_ids_locked(g, id, id);
	facts_tell_locked(t);
	pause_inherit_locked(t);
	return 0;
}

int process_build(struct boot_container *c, const struct boot_spec *s, struct task **out)
{
	struct task *t = task_alloc();
	struct group *g = group_alloc();
	struct path root;
	int err = -ENOMEM;
	*out = t;
	if (!t || !g) {
		if (g)
			group_put(g);
		return err;
	}
	t->group = g;
	g->actions = sigactions_new();
	t->cred = make_cred(s);
	t->ns = c->set ? nsset_get(c->set) : nsset_first();
	if (!g->actions || !t->cred || !t->ns)
		return err;
	pid_ns_put(g->pid_ns);
	g->pid_ns = pid_ns_get(pid_ns_of(t->ns->of[NS_PID]));
	container_put(g->container);
	g->container = container_get(c->container);
	g->is_init = s->as_init && c->own_pids;
	g->exit_signal = SIGCHLD;
	set_signals(t, s);
	set_rlimits(g, default_rlimits, ARRAY_SIZE(default_rlimits));
	set_rlimits(g, s->rlimits, s->nrlimits);
	mount_ns_root(c->mounts, &root);
	err = fsctx_new(c->mounts, root, root, &t->fs);
	path_put(&root);
	if (err < 0)
		return err;
	t->fs->umask = s->umask;
	if ((err = fdtab_new(&t->fds)) == 0)
		err = mm_new(g->container->zygote, &t->mm, &t->ctx);
	return err;
}
