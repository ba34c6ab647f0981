/* SPDX-License-Identifier: Apache-2.0 */
/* Making and freeing tasks and groups, and small questions about them. */
#include "sentry/task/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/base/count.h"
#include "platform/base/local.h"
#include "platform/base/log.h"
#include "sentry/mm/mm.h"
#include "sentry/task/container.h"
#include "sentry/task/ctimer.h"
#include "sentry/task/errand.h"
#include "sentry/task/exit.h"
#include "sentry/task/facts.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pidns.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/signal.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/dispatch.h"

/* Handlers keep a few path buffers on the stack; sanitizers need much more. */
#ifdef VEDETTE_CHECK
enum { THREAD_STACK = 2 << 20 };
#else
enum { THREAD_STACK = 256 << 10 };
#endif

/* What the thread of a new task has been told. */
enum { BEGIN_WAIT, BEGIN_GO, BEGIN_DROP, BEGIN_DROPPED };

struct task_begin {
	struct ref ref;		/* a: the thread and its creator */
	struct task *task;	/* I  the thread's reference */
	uint32_t told;		/* a: BEGIN_* */
	struct waitq wq;	/* woken when that changes */
	struct regs regs;	/* I once told to go */
	void (*fn)(struct task *t, void *arg);	/* I  instead of regs */
	void *arg;		/* I */
	void (*drop)(struct task *t);	/* I once told to drop */
};

struct task *task_current(void)
{
	return local_get(LOCAL_TASK);
}

int task_install_file(struct task *t, struct file *f, bool cloexec)
{
	return fd_install(t->fds, f, cloexec, 0, task_rlimit(t, RLIMIT_NOFILE));
}

struct task *task_alloc(void)
{
	struct task *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	ref_init(&t->ref);
	list_init(&t->threads);
	lock_init(&t->cred_lock, RANK_CRED);
	sigpending_init(&t->pending);
	errand_init(t);
	list_init(&t->tr.link);
	list_init(&t->tracees);
	t->state = TASK_RUNNING;
	t->start_ns = clock_mono_ns();
	t->timer_slack_ns = t->default_slack_ns = 50000;
	t->waiter.sleeps = &t->nvcsw;
	t->waiter.rests = ctimer_rests;
	count_new(task);
	return t;
}

struct group *group_alloc(void)
{
	struct group *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	ref_init(&g->ref);
	list_init(&g->threads);
	list_init(&g->children);
	list_init(&g->siblings);
	list_init(&g->all);
	list_init(&g->parked);
	lock_init(&g->siglock, RANK_SIGHAND);
	lock_init(&g->rlimit_lock, RANK_LEAF);
	sigpending_init(&g->pending);
	waitq_init(&g->stop_wq);
	waitq_init(&g->wait_wq);
	waitq_init(&g->exit_wq);
	g->dumpable = 1;
	g->pid_ns = pid_ns_get(&pid_first);
	g->container = container_get(&container_first);
	g->exec_ns = user_ns_get(&user_first);
	count_new(group);
	return g;
}

struct task *task_get(struct task *t)
{
	ref_get(&t->ref);
	return t;
}

void task_put(struct task *t)
{
	if (!ref_put(&t->ref))
		return;
	if (t->cred)
		cred_put(t->cred);
	seccomp_put(t->seccomp);
	if (t->ns)
		nsset_put(t->ns);
	if (t->group)
		group_put(t->group);
	free(t);
	count_gone(task);
}

struct group *group_get(struct group *g)
{
	ref_get(&g->ref);
	return g;
}

void group_put(struct group *g)
{
	if (!ref_put(&g->ref))
		return;
	sigpending_flush(&g->pending);
	if (g->actions)
		sigactions_put(g->actions);
	if (g->parent)
		group_put(g->parent);
	pid_ns_put(g->pid_ns);
	container_put(g->container);
	user_ns_put(g->exec_ns);
	free(g);
	count_gone(group);
}

struct cred *task_cred(struct task *t)
{
	lock(&t->cred_lock);
	struct cred *c = cred_get(t->cred);
	unlock(&t->cred_lock);
	return c;
}

void task_set_cred(struct task *t, struct cred *c)
{
	lock(&t->cred_lock);
	struct cred *old = t->cred;
	t->cred = c;
	unlock(&t->cred_lock);
	facts_ids(t);
	if (old)
		cred_put(old);
}

uint64_t task_rlimit(struct task *t, unsigned which)
{
	struct group *g = t->group;
	lock(&g->rlimit_lock);
	uint64_t cur = g->rlimits[which].rlim_cur;
	unlock(&g->rlimit_lock);
	return cur;
}

struct mm *task_mm_get(struct task *t)
{
	lock(&kernel.tasks_lock);
	struct mm *mm = t->mm ? mm_get(t->mm) : NULL;
	unlock(&kernel.tasks_lock);
	return mm;
}

const struct user_ns *user_ns_here(void)
{
	const struct task *t = task_current();
	return t ? task_user_ns(t) : &user_first;
}

struct user_ns *group_exec_ns(struct group *g)
{
	lock(&g->rlimit_lock);
	struct user_ns *ns = user_ns_get(g->exec_ns);
	unlock(&g->rlimit_lock);
	return ns;
}

void group_set_exec_ns(struct group *g, struct user_ns *ns)
{
	user_ns_get(ns);
	lock(&g->rlimit_lock);
	struct user_ns *old = g->exec_ns;
	g->exec_ns = ns;
	unlock(&g->rlimit_lock);
	user_ns_put(old);
}

uint32_t group_uid_seen_locked(const struct group *g, uint32_t uid)
{
	if (!g->leader)
		return uid;
	autoput(cred) struct cred *c = task_cred(g->leader);
	return uid == ID_NONE ? ID_OVERFLOW : uid_seen(c->user_ns, uid);
}

/* As what the caller asks: its real ids, or those that file systems see. */
struct asker {
	uint32_t uid, gid;
	uint64_t caps;
};

/* What is not dumpable may be inspected by who has the right in the namespace it came from. */
static bool may_see_memory(const struct cred *c, struct group *g)
{
	if (__atomic_load_n(&g->dumpable, __ATOMIC_RELAXED) == 1)
		return true;
	struct user_ns *ns = group_exec_ns(g);
	bool may = cred_capable_in(c, ns, CAP_SYS_PTRACE);
	user_ns_put(ns);
	return may;
}

/* ptrace(2), "Ptrace access mode checking". */
static int may_access(struct task *by, struct task *target, const struct asker *as)
{
	const struct cred *c = task_cred_self(by);
	if (by->group == target->group)
		return 0;
	autoput(cred) struct cred *tc = task_cred(target);
	bool same = as->uid == tc->euid && as->uid == tc->suid && as->uid == tc->ruid &&
		    as->gid == tc->egid && as->gid == tc->sgid && as->gid == tc->rgid;
	bool able = cred_capable_in(c, tc->user_ns, CAP_SYS_PTRACE);
	if ((!same && !able) || !may_see_memory(c, target->group))
		return -EPERM;
	bool within = c->user_ns == tc->user_ns && !(tc->cap_permitted & ~as->caps);
	return within || able ? 0 : -EPERM;
}

int task_may_access(struct task *by, struct task *target)
{
	const struct cred *c = task_cred_self(by);
	return may_access(by, target, &(struct asker){c->ruid, c->rgid, c->cap_permitted});
}

int task_may_access_fs(struct task *by, struct task *target)
{
	const struct cred *c = task_cred_self(by);
	return may_access(by, target, &(struct asker){c->fsuid, c->fsgid, c->cap_effective});
}

/* From here on only the kernel itself is touched: boot waits for the last thread. */
static void count_end(struct container *c)
{
	lock(&kernel.tasks_lock);
	container_drop_task_locked(c);
	container_put(c);
	unlock(&kernel.tasks_lock);
}

static void begin_put(struct task_begin *b)
{
	if (!ref_put(&b->ref))
		return;
	waitq_destroy(&b->wq);
	free(b);
}

static void begin_tell(struct task_begin *b, uint32_t what)
{
	__atomic_store_n(&b->told, what, __ATOMIC_RELEASE);
	waitq_wake(&b->wq, 0);
}

static uint32_t begin_told(const struct task_begin *b)
{
	return __atomic_load_n(&b->told, __ATOMIC_ACQUIRE);
}

/* Nobody has seen t: it sleeps as one of the sentry's own, which nothing interrupts. */
static bool begin_wait(struct task_begin *b, struct task *t)
{
	struct waiter quiet = {0};
	waiter_set_self(&quiet);
	waitq_sleep(&b->wq, 0, WAIT_KILLABLE, WAIT_FOREVER, begin_told(b) != BEGIN_WAIT);
	waiter_set_self(NULL);
	if (begin_told(b) == BEGIN_GO)
		return true;
	b->drop(t);
	task_put(t);
	begin_tell(b, BEGIN_DROPPED);
	begin_put(b);
	return false;
}

static void task_main(struct task_begin *b)
{
	struct task *t = b->task;
	int err = platform->ctx_adopt(t->ctx);
	if (!begin_wait(b, t))
		return;
	waiter_set_self(&t->waiter);
	local_set(LOCAL_TASK, t);
	__atomic_add_fetch(&t->group->awake, 1, __ATOMIC_SEQ_CST);
	if (err < 0) {
		log_debug("task %d: the stub was lost before it ran", t->tid);
		/* Else it was abandoned before it began; another of the group may exec. */
		if (!__atomic_load_n(&t->exiting, __ATOMIC_ACQUIRE))
			task_exit_group(t, SIGKILL);
	} else if (!b->fn) {
		*platform->regs_mut(t->ctx) = b->regs;
		if (t->set_child_tid) /* not by its parent, who would have to wait for the stub */
			copy_out(t->mm, t->set_child_tid, &t->nr, sizeof t->nr);
	}
	if (b->fn)
		b->fn(t, b->arg);
	begin_put(b);
	task_run(t);
	__atomic_sub_fetch(&t->group->awake, 1, __ATOMIC_SEQ_CST);
	waiter_set_self(NULL);
	local_set(LOCAL_TASK, NULL);
	struct container *c = container_get(t->group->container);
	task_put(t);
	count_end(c);
}

static void *task_thread(void *arg)
{
	task_main(arg);
	return NULL;
}

static void task_strand(void *arg)
{
	task_main(arg);
	platform->strands->end();
}

/* Two references, of which one is the thread's. */
static struct task_begin *begin_new(struct task *t)
{
	struct task_begin *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	ref_init(&b->ref);
	ref_get(&b->ref);
	waitq_init(&b->wq);
	b->task = task_get(t);
	return b;
}

static int host_thread_start(struct task_begin *b)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int err = pthread_create(&thread, &attr, task_thread, b);
	pthread_attr_destroy(&attr);
	return -err;
}

static int thread_start(struct task_begin *b)
{
	int err = platform->strands ? platform->strands->start(task_strand, b)
				    : host_thread_start(b);
	if (err == 0)
		return 0;
	task_put(b->task);
	begin_put(b);
	begin_put(b);
	return -EAGAIN;
}

int task_prepare(struct task *t, struct task_begin **out)
{
	struct task_begin *b = begin_new(t);
	*out = b;
	return b ? thread_start(b) : -EAGAIN;
}

void task_begin(struct task_begin *b, const struct regs *regs)
{
	b->regs = *regs;
	begin_tell(b, BEGIN_GO);
	begin_put(b);
}

void task_begin_with(struct task_begin *b, void (*fn)(struct task *t, void *arg), void *arg)
{
	b->fn = fn;
	b->arg = arg;
	begin_tell(b, BEGIN_GO);
	begin_put(b);
}

void task_drop(struct task_begin *b, void (*drop)(struct task *t))
{
	b->drop = drop;
	begin_tell(b, BEGIN_DROP);
	/* Also when the caller is killed: its end may be the sandbox's. */
	struct waiter *self = waiter_self(), quiet = {0};
	waiter_set_self(&quiet);
	waitq_sleep(&b->wq, 0, WAIT_KILLABLE, WAIT_FOREVER, begin_told(b) == BEGIN_DROPPED);
	waiter_set_self(self);
	begin_put(b);
}

int task_start_with(struct task *t, void (*fn)(struct task *t, void *arg), void *arg)
{
	struct task_begin *b = begin_new(t);
	if (!b)
		return -EAGAIN;
	b->fn = fn;
	b->arg = arg;
	b->told = BEGIN_GO;
	int err = thread_start(b);
	if (err == 0)
		begin_put(b);
	return err;
}

bool task_call_rewritten(const struct task *t)
{
	return t->call_rewritten;
}

int task_tid_for_trace(const struct task *t)
{
	return t->tid;
}

struct mm *task_mm(struct task *t)
{
	return t->mm;
}
