/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execve(2): everything that can be refused is refused before exec_commit().
 */
#include "sentry/task/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/cred/filecaps.h"
#include "sentry/mm/mm.h"
#include "sentry/task/container.h"
#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/ptimer.h"
#include "sentry/task/ptrace/trace.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/mount.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/elf.h"
#include "syscalls/abi/errno.h"
#include "syscalls/abi/fcntl.h"
#include "syscalls/abi/sched.h"
#include "syscalls/abi/stat.h"

enum { SCRIPT_DEPTH = 5, STACK_DEFAULT = 8 << 20 };

/* All that is known before the old program is given up. */
struct exec {
	struct file *file;	/* our reference */
	struct file *interp_file;
	struct elf_image elf, interp;
	char *name;		/* malloc'ed: AT_EXECFN */
	char *script;		/* malloc'ed: the interpreter of the last "#!" line, or NULL */
	bool hidden;		/* nothing can open it by name again */
	struct cred *cred;	/* the new program's; our reference */
	bool secure;		/* it gained rights: AT_SECURE, not dumpable */
	bool denied;		/* nobody may write to file any more */
	bool unreadable;	/* by the user who runs it: not dumpable either */
	struct user_ns *exec_ns; /* struct group's; borrowed from the task's */
};

struct mm_limits task_mm_limits(struct task *t)
{
	return (struct mm_limits){
		.as = task_rlimit(t, RLIMIT_AS),
		.data = task_rlimit(t, RLIMIT_DATA),
		.stack = task_rlimit(t, RLIMIT_STACK),
		.memlock = task_rlimit(t, RLIMIT_MEMLOCK),
		.ipc_lock = task_capable(t, CAP_IPC_LOCK),
		.read_exec = t->personality & READ_IMPLIES_EXEC,
	};
}

/* Only its own user may change an address space under it: not a vfork child its parent's. */
void task_stack_limit(struct task *t)
{
	struct mm_limits lim = task_mm_limits(t);
	if (__atomic_load_n(&t->mm->users, __ATOMIC_ACQUIRE) <=
	    __atomic_load_n(&t->group->nthreads, __ATOMIC_ACQUIRE))
		mm_stack_limit(t->mm, t->ctx, &lim);
}

int exec_open(struct task *t, const struct path *p, struct file **out)
{
	struct inode *i = p->dentry->inode;
	if (!mode_is(i->mode, S_IFREG) ||
	    (__atomic_load_n(&p->mnt->flags, __ATOMIC_RELAXED) & MNT_NOEXEC))
		return -EACCES;
	int err = path_permission(p, t->cred, MAY_EXEC);
	if (err < 0)
		return err;
	/* Not vfs_open_path(): a program may be executable without being readable. */
	lock(&i->lock);
	bool written = i->writers > 0;
	unlock(&i->lock);
	if (written)
		return -ETXTBSY;
	struct path copy = *p;
	path_get(&copy);
	err = i->ops->open(i, copy, t->cred, O_RDONLY, out);
	if (err < 0)
		path_put(&copy);
	return err;
}

int exec_open_name(struct task *t, const char *name, struct file **out)
{
	struct walk w = {.fs = t->fs, .cred = t->cred};
	struct path p;
	int err = path_walk(&w, name, &p);
	if (err < 0)
		return err;
	err = exec_open(t, &p, out);
	path_put(&p);
	return err;
}

/* The name of the script takes argv[0]'s place behind its interpreter and the argument. */
static int script_step(struct task *t, struct exec *x, char *line, struct exec_strings *s)
{
	char *interp, *arg;
	const char *front[3];
	size_t n = 0;
	struct file *f;
	int err = script_parse(line, &interp, &arg);
	/* What the interpreter would be told to open, it will not find. */
	if (err == 0 && x->hidden)
		err = -ENOENT;
	if (err == 0)
		err = exec_open_name(t, interp, &f);
	if (err < 0)
		return err;
	file_put(x->file);
	x->file = f;
	front[n++] = interp;
	if (arg)
		front[n++] = arg;
	front[n++] = x->script ? x->script : x->name;
	if ((err = exec_strings_shift(s, front, n)) < 0)
		return err;
	free(x->script);
	x->script = strdup(interp);
	return x->script ? 0 : -ENOMEM;
}

/* Follows "#!" lines down to a binary. */
static int resolve(struct task *t, struct exec *x, struct exec_strings *s)
{
	for (int depth = 0;; depth++) {
		char line[SCRIPT_LINE] = {0};
		struct uio u;
		int64_t pos = 0;
		uio_kernel(&u, line, SCRIPT_LINE);
		ssize_t n = file_read(x->file, &u, &pos, /*nonblock=*/true);
		if (n < 0)
			return (int)n;
		if (n < 2 || line[0] != '#' || line[1] != '!')
			return 0;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		int err = script_step(t, x, line, s);
		if (err < 0)
			return err;
	}
}

static int read_images(struct task *t, struct exec *x)
{
	int err = elf_read(x->file, &x->elf);
	if (err < 0 || !x->elf.interp)
		return err;
	if ((err = exec_open_name(t, x->elf.interp, &x->interp_file)) < 0)
		return err;
	err = elf_read(x->interp_file, &x->interp);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* What the program's file gives; a mount without set-id bits has no capabilities either. */
static int program_caps(struct task *t, struct exec *x, struct cred *c)
{
	struct file_caps caps = {.present = false};
	struct abi_vfs_cap_data attr;
	struct inode *i = x->file->inode;
	ssize_t size = -ENODATA;

	if (mount_may_suid(x->file->path.mnt, t->fs->mounts, c))
		size = i->ops->getxattr(i, "security.capability", &attr, sizeof attr);
	int err = size < 0 ? 0 : file_caps_read(&attr, (size_t)size, c->user_ns, &caps);
	if (err < 0 && err != -ENODATA)
		return err;
	x->secure = c->ruid != cred_root(c) && caps.effective;
	return cred_exec_caps(c, &caps);
}

/* Set-id bits and the capabilities of root: capabilities(7), "Transformation ... during execve". */
static int new_cred(struct task *t, struct exec *x)
{
	const struct cred *old = task_cred_self(t);
	struct inode *i = x->file->inode;
	struct cred *c = cred_copy(old, old->ngroups);
	if (!c)
		return -ENOMEM;
	/* Also what came with a filter: from here on it is its own. */
	c->no_new_privs = task_no_new_privs(t);
	lock(&i->lock);
	uint32_t mode = i->mode, uid = i->uid, gid = i->gid;
	unlock(&i->lock);
	/* Who has no name here cannot be become. */
	bool nosuid = c->no_new_privs ||
		      !mount_may_suid(x->file->path.mnt, t->fs->mounts, old) ||
		      !ids_have_names(old->user_ns, uid, gid);
	if ((mode & S_ISUID) && !nosuid)
		c->euid = uid;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !nosuid)
		c->egid = gid;
	int err = program_caps(t, x, c);
	if (err < 0) {
		cred_put(c);
		return err;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	x->secure = x->secure || c->ruid != c->euid || c->rgid != c->egid ||
		    (c->ruid != cred_root(c) && (c->cap_permitted & ~c->cap_ambient));
	x->cred = c;
	x->unreadable = path_permission(&x->file->path, old, MAY_READ) < 0;
	x->exec_ns = old->user_ns;
	/* Who may look at it must be able to read the program. */
	while (x->unreadable && !ids_have_names(x->exec_ns, uid, gid))
		x->exec_ns = user_ns_parent(x->exec_ns);
	return 0;
}

/* Ends all other threads of the group and takes the leader's number over. */
static int de_thread(struct task *t)
{
	struct group *g = t->group;
	struct group *child;
	lock(&g->siglock);
	if (g->exiting || g->exec_task) {
		unlock(&g->siglock);
		return -ERESTARTNOINTR; /* the task is about to die anyway */
	}
	g->exec_task = t;
	unlock(&g->siglock);
	signal_kill_threads(g, t);
	int err = waitq_sleep(&g->exit_wq, 0, WAIT_KILLABLE, WAIT_FOREVER,
			      __atomic_load_n(&g->nthreads, __ATOMIC_ACQUIRE) == 1);
	lock(&g->siglock);
	g->exec_task = NULL;
	if (!g->exiting)
		g->ends_by_ns = 0;
	unlock(&g->siglock);
	if (err < 0)
		return err;
	lock(&kernel.tasks_lock);
	if (g->leader != t) {
		struct task *old = g->leader;
		/* Its tracer hears of t under this number from now on. */
		struct task *tracer = old->tr.tracer;
		if (tracer) {
			trace_cut_locked(old);
			waitq_wake(&tracer->group->wait_wq, 0);
		}
		pid_clear_task_locked(t->tid);
		pid_clear_task_locked(g->tgid);
		list_for_each(child, &g->children, siblings)
			if (child->parent_tid == t->tid)
				child->parent_tid = g->tgid;
		t->tid = g->tgid;
		t->nr = g->nr;
		pid_set_locked(t->tid, t, NULL);
		g->leader = task_get(t);
		task_put(old);
	}
	unlock(&kernel.tasks_lock);
	return 0;
}

/* A private, empty address space: the old one if nobody else runs in it, else a new one. */
static int new_memory(struct task *t)
{
	struct ctx *ctx;
	struct mm *mm, *old = t->mm;
	if (platform->aspace_reset && __atomic_load_n(&old->users, __ATOMIC_ACQUIRE) == 1)
		return mm_reset(old, t->ctx);
	int err = mm_new(t->group->container->zygote, &mm, &ctx);
	if (err < 0)
		return err;
	err = platform->ctx_adopt(ctx);
	if (err == 0 && t->no_tsc)
		err = platform->set_tsc(ctx, /*allowed=*/false);
	if (err < 0) {
		platform->ctx_destroy(ctx);
		mm_unuse(mm);
		mm_put(mm);
		return err;
	}
	mm->thp_disabled = __atomic_load_n(&old->thp_disabled, __ATOMIC_RELAXED);
	lock(&kernel.tasks_lock);
	lock(&t->group->siglock);
	struct ctx *old_ctx = t->ctx;
	t->ctx = ctx;
	t->mm = mm;
	unlock(&t->group->siglock);
	unlock(&kernel.tasks_lock);
	task_ctx_destroy(old_ctx);
	mm_unuse(old);
	mm_put(old);
	return 0;
}

static void set_comm(struct task *t, const char *name)
{
	const char *base = strrchr(name, '/');
	char comm[TASK_COMM_LEN] = {0};
	strncpy(comm, base ? base + 1 : name, sizeof comm - 1);
	lock(&kernel.tasks_lock);
	memcpy(t->comm, comm, sizeof comm);
	t->group->did_exec = true;
	__atomic_fetch_add(&t->group->execs, 1, __ATOMIC_RELAXED);
	t->group->exit_signal = SIGCHLD;
	unlock(&kernel.tasks_lock);
}

static void reset_personality(struct task *t, const struct exec *x)
{
	struct group *g = t->group;
	t->personality &= ~(uint32_t)READ_IMPLIES_EXEC;
	if (!x->secure)
		return;
	lock(&kernel.tasks_lock);
	t->pdeath_signal = 0;
	unlock(&kernel.tasks_lock);
	t->personality &= ~(uint32_t)(ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO);
	/* A program that gained rights starts on a stack of sane size. */
	lock(&g->rlimit_lock);
	struct abi_rlimit *stack = &g->rlimits[RLIMIT_STACK];
	stack->rlim_cur = min_u64(stack->rlim_cur, STACK_DEFAULT);
	unlock(&g->rlimit_lock);
}

struct sharer {
	const struct task *of;
	bool found;
};

static bool look_for_sharer(struct group *g, void *arg)
{
	struct sharer *s = arg;
	struct task *t;
	lock(&g->siglock);
	list_for_each(t, &g->threads, threads)
		s->found |= t != s->of && t->fs == s->of->fs;
	unlock(&g->siglock);
	return !s->found;
}

/* Another process could change the new program's directory, root and umask (CLONE_FS). */
static bool shares_fs_locked(const struct task *t)
{
	struct sharer s = {.of = t};
	if (ref_count(&t->fs->ref) > 1) /* or somebody only looks at it */
		group_for_each_locked(look_for_sharer, &s);
	return s.found;
}

/*
 * The new program's rights.  Who could not have them itself must not get at them through it, as
 * its tracer or because it shares what paths begin with: then there are none to gain,
 * capabilities(7).  Under tasks_lock, where such come and go.
 */
static void set_rights(struct task *t, struct exec *x)
{
	const struct cred *old = task_cred_self(t);
	struct cred *c = x->cred;
	bool hidden = x->unreadable;
	bool gains = x->secure || (c->cap_permitted & ~old->cap_permitted);

	lock(&kernel.tasks_lock);
	if (gains && (!trace_allows_gain_locked(t) || shares_fs_locked(t))) {
		if (!cred_capable_own(old, CAP_SETUID)) {
			c->euid = c->suid = c->fsuid = c->ruid;
			c->egid = c->sgid = c->fsgid = c->rgid;
		}
		c->cap_permitted &= old->cap_permitted;
		c->cap_effective &= c->cap_permitted;
		hidden = hidden || c->euid != c->ruid || c->egid != c->rgid;
	} else {
		hidden = hidden || x->secure;
	}
	__atomic_store_n(&t->group->dumpable, hidden ? 0 : 1, __ATOMIC_RELAXED);
	group_set_exec_ns(t->group, x->exec_ns);
	task_set_cred(t, STEAL(x->cred));
	unlock(&kernel.tasks_lock);
}

/* Until de_thread() another thread could bring a filter, and with it that nothing may be gained. */
static int look_again(struct task *t, struct exec *x)
{
	if (x->cred->no_new_privs || !task_no_new_privs(t))
		return 0;
	cred_put(STEAL(x->cred));
	return new_cred(t, x);
}

/* What exec resets besides memory: execve(2), "effect on process attributes". */
static int reset_attributes(struct task *t, struct exec *x)
{
	/* Before descriptors close: a parent that sees the end of a pipe must find the exec done. */
	set_comm(t, x->name);
	int err = signal_exec(t);
	if (err < 0)
		return err;
	ptimers_exit(t->group);
	t->robust_list = 0;
	t->clear_child_tid = t->set_child_tid = 0;
	t->rseq.addr = 0;
	if (fdtab_shared(t->fds)) {
		struct fdtab *own;
		if ((err = fdtab_copy(t->fds, &own)) < 0)
			return err;
		lock(&kernel.tasks_lock);
		struct fdtab *old = t->fds;
		t->fds = own;
		unlock(&kernel.tasks_lock);
		fdtab_put(old);
	}
	fdtab_exec(t->fds);
	if ((err = look_again(t, x)) < 0)
		return err;
	reset_personality(t, x);
	set_rights(t, x);
	return 0;
}

uint64_t exec_random_pages(const struct task *t, uint64_t mask)
{
	uint64_t random;
	if (t->personality & ADDR_NO_RANDOMIZE)
		return 0;
	host_random(&random, sizeof random);
	return (random & mask) * PAGE_SIZE;
}

static void choose_layout(struct task *t)
{
	uint64_t gap = PAGE_ALIGN(min_u64(task_rlimit(t, RLIMIT_STACK), 256ull << 20));
	/* Below the stack wherever it lands in its 4 GiB window, then some more. */
	t->mm->mmap_base = USER_TOP - (5ull << 30) - gap - exec_random_pages(t, 0xfffffff);
}

/* A program without an interpreter lies among the mappings: its heap goes elsewhere. */
static void note_memory(struct task *t, const struct elf_image *e)
{
	struct mm *mm = t->mm;
	uaddr_t brk = e->type == ET_DYN && !e->interp ? PIE_BASE : PAGE_ALIGN(e->brk);
	mm->start_code = e->start_code;
	mm->end_code = e->end_code;
	mm->start_data = e->start_data;
	mm->end_data = e->end_data;
	mm->brk_start = mm->brk_end = brk + exec_random_pages(t, 0x1fff);
}

static int load(struct task *t, struct exec *x, const struct exec_strings *s)
{
	struct elf_image *interp = x->interp_file ? &x->interp : NULL;
	choose_layout(t);
	mm_set_exe(t->mm, file_get(x->file));
	x->denied = false;
	int err = elf_map(t, &x->elf, /*interp=*/false);
	if (err == 0 && interp)
		err = elf_map(t, interp, /*interp=*/true);
	if (err < 0)
		return err;
	note_memory(t, &x->elf);
	t->mm->vdso = vdso_map(t);
	int64_t rsp = exec_stack_build(t, &x->elf, interp, x->name, s, x->secure);
	if (rsp < 0)
		return (int)rsp;
	if ((err = platform->fpu_reset(t->ctx)) < 0)
		return err;
	struct regs *r = platform->regs_mut(t->ctx);
	uint64_t cs = 0x33, ss = 0x2b; /* the kernel's __USER_CS and __USER_DS */
	/* A tracer still sees which call this was. */
	uint64_t nr = t->in_syscall ? t->restart_nr : UINT64_MAX;
	*r = (struct regs){.cs = cs, .ss = ss, .eflags = 0x202, .orig_rax = nr};
	r->rip = interp ? interp->entry + interp->bias : x->elf.entry + x->elf.bias;
	r->rsp = (uint64_t)rsp;
	return 0;
}

/* The point of no return.  A failure below ends the process: it has no program any more. */
static int exec_commit(struct task *t, struct exec *x, const struct exec_strings *s)
{
	int old_tid = t->tid, err = de_thread(t);
	if (err < 0)
		return err;
	task_leave_memory(t);
	err = new_memory(t);
	lock(&kernel.tasks_lock);
	facts_tell_locked(t);
	unlock(&kernel.tasks_lock);
	vfork_done(t);
	if (err == 0)
		err = reset_attributes(t, x);
	if (err == 0)
		err = load(t, x, s);
	if (err < 0)
		task_exit_group(t, SIGKILL);
	else
		trace_exec(t, old_tid);
	return 0;
}

static void exec_drop(struct exec *x)
{
	elf_free(&x->elf);
	elf_free(&x->interp);
	if (x->denied)
		inode_allow_write(x->file->inode);
	if (x->file)
		file_put(x->file);
	if (x->interp_file)
		file_put(x->interp_file);
	if (x->cred)
		cred_put(x->cred);
	free(x->name);
	free(x->script);
}

static int nproc_check(struct task *t)
{
	if (!t->nproc_exceeded)
		return 0;
	lock(&kernel.tasks_lock);
	unsigned count = task_count_uid_locked(t->cred->ruid);
	unlock(&kernel.tasks_lock);
	if (count > task_rlimit(t, RLIMIT_NPROC))
		return -EAGAIN;
	t->nproc_exceeded = false;
	return 0;
}

int task_exec(struct task *t, struct file *file, const char *name, bool hidden,
	      struct exec_strings *s)
{
	struct exec x = {.file = file_get(file), .name = strdup(name), .hidden = hidden};
	int err = x.name ? nproc_check(t) : -ENOMEM;
	if (err == 0)
		err = resolve(t, &x, s);
	if (err == 0 && (err = inode_deny_write(x.file->inode)) == 0)
		x.denied = true;
	if (err == 0)
		err = read_images(t, &x);
	if (err == 0)
		err = new_cred(t, &x);
	if (err == 0)
		err = exec_commit(t, &x, s);
	exec_drop(&x);
	return err;
}
