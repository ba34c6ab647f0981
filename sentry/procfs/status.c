/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/status: proc_pid_status(5).
 *
 * Left out, because the sentry does not know them: VmPeak, VmPin, VmPTE, VmSwap
 * and the state of speculation.
 */
#include <string.h>

#include "sentry/mm/mm.h"
#include "sentry/procfs/pid.h"
#include "sentry/procfs/measure.h"
#include "sentry/res/resources.h"
#include "sentry/task/seccomp/seccomp.h"
#include "sentry/task/sigqueue.h"
#include "sentry/task/usage.h"
#include "sentry/vfs/fdtab.h"
#include "sentry/vfs/namei.h"
#include "syscalls/abi/mman.h"

static const char *state_word(char state)
{
	switch (state) {
	case TASK_RUNNING:
		return "running";
	case TASK_STOPPED:
		return "stopped";
	case TASK_TRACED:
		return "tracing stop";
	case TASK_ZOMBIE:
		return "zombie";
	case TASK_DEAD:
		return "dead";
	default:
		return "sleeping";
	}
}

static uint32_t umask_of(struct fsctx *fs)
{
	lock(&fs->lock);
	uint32_t mask = fs->umask;
	unlock(&fs->lock);
	return mask;
}

static void show_name(const struct proc_look *at, struct text *out)
{
	struct fsctx *fs = proc_fsctx(at->task);
	char comm[TASK_COMM_LEN];
	char state = measure_state(at->task);

	lock(&kernel.tasks_lock);
	memcpy(comm, at->task->comm, sizeof comm);
	unlock(&kernel.tasks_lock);
	text_str(out, "Name:\t");
	text_escaped(out, comm, "\n\\");
	if (fs) {
		text_printf(out, "\nUmask:\t%#04o", umask_of(fs));
		fsctx_put(fs);
	}
	text_printf(out, "\nState:\t%c (%s)\n", state, state_word(state));
}

/* The size Linux' table would have: descriptors in use, rounded up. */
static unsigned fd_room(struct task *t)
{
	struct fdtab *fds = proc_fdtab(t);
	unsigned room = 64;

	if (!fds)
		return 0;
	for (int fd = fd_next(fds, 0); fd >= 0; fd = fd_next(fds, fd + 1))
		while ((unsigned)fd >= room)
			room *= 2;
	fdtab_put(fds);
	return room;
}

/* From the file system's namespace inwards to that of the process. */
static void show_numbers(const struct proc_look *at, const char *label, int id, struct text *out)
{
	const struct pid_ns *way[PID_NS_LEVELS];
	int n = 0;

	for (const struct pid_ns *ns = at->task->group->pid_ns; ns; ns = ns->parent) {
		way[n++] = ns;
		if (ns == at->node->ns)
			break;
	}
	text_str(out, label);
	while (n-- > 0)
		text_printf(out, "\t%d", pid_in(way[n], id));
	text_put(out, "\n", 1);
}

static void show_ns_ids(const struct proc_look *at, struct text *out)
{
	const struct group *g = at->task->group;

	lock(&kernel.tasks_lock);
	int pgid = g->pgid, sid = g->sid, tid = at->task->tid;
	unlock(&kernel.tasks_lock);
	show_numbers(at, "NStgid:", g->tgid, out);
	show_numbers(at, "NSpid:", tid, out);
	show_numbers(at, "NSpgid:", pgid, out);
	show_numbers(at, "NSsid:", sid, out);
}

static void show_ids(const struct proc_look *at, struct text *out)
{
	struct group *g = at->task->group;
	autoput(cred) struct cred *c = task_cred(at->task);

	lock(&kernel.tasks_lock);
	int ppid = g->parent ? proc_nr_locked(at->node, g->parent->tgid) : 0;
	int tracer = at->task->tr.tracer ? proc_nr_locked(at->node, at->task->tr.tracer->tid) : 0;
	int tgid = proc_nr_locked(at->node, g->tgid), nr = proc_nr_locked(at->node, at->task->tid);
	unlock(&kernel.tasks_lock);
	text_printf(out, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", tgid, nr,
		    ppid, tracer);
	const struct user_ns *by = at->opener->user_ns;
	text_printf(out, "Uid:\t%u\t%u\t%u\t%u\n", uid_seen(by, c->ruid), uid_seen(by, c->euid),
		    uid_seen(by, c->suid), uid_seen(by, c->fsuid));
	text_printf(out, "Gid:\t%u\t%u\t%u\t%u\n", gid_seen(by, c->rgid), gid_seen(by, c->egid),
		    gid_seen(by, c->sgid), gid_seen(by, c->fsgid));
	text_printf(out, "FDSize:\t%u\nGroups:\t", fd_room(at->task));
	for (uint32_t i = 0; i < c->ngroups; i++)
		text_printf(out, i ? " %u" : "%u", gid_seen(by, c->groups[i]));
	text_str(out, " \n");
	show_ns_ids(at, out);
}

struct kinds {
	uint64_t stack, exec;
};

static bool add_kind(const struct area *a, void *arg)
{
	struct kinds *k = arg;
	uint64_t size = a->end - a->start;

	if (a->flags & AREA_GROWSDOWN || (a->name && strcmp(a->name, "[stack]") == 0))
		k->stack += size;
	else if ((a->prot & PROT_EXEC) && !(a->prot & PROT_WRITE))
		k->exec += size;
	return true;
}

static void show_kb(struct text *out, const char *name, uint64_t bytes)
{
	text_printf(out, "%s:\t%8llu kB\n", name, (unsigned long long)(bytes >> 10));
}

/* The peak is known while a process asks for itself. */
static void show_peak(struct task *t, uint64_t now, struct text *out)
{
	if (t != task_current())
		return;
	usage_update(t, /*thread=*/false);
	uint64_t peak = __atomic_load_n(&t->group->maxrss_kb, __ATOMIC_RELAXED) << 10;
	show_kb(out, "VmHWM", max_u64(peak, now));
}

static void show_memory(struct task *t, struct mm *mm, struct text *out)
{
	struct measured_memory used;
	struct kinds k = {0, 0};

	measure_memory(mm, &used);
	mm_for_each(mm, add_kind, &k);
	lock(&mm->lock);
	uint64_t total = mm->total, locked = mm->locked, data = mm->data;
	uint64_t code = PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK);
	unlock(&mm->lock);
	show_kb(out, "VmSize", total);
	show_kb(out, "VmLck", locked);
	show_peak(t, measured_resident(&used), out);
	show_kb(out, "VmRSS", measured_resident(&used));
	show_kb(out, "RssAnon", used.anon);
	show_kb(out, "RssFile", used.file);
	show_kb(out, "RssShmem", used.shared);
	show_kb(out, "VmData", data);
	show_kb(out, "VmStk", k.stack);
	show_kb(out, "VmExe", code);
	show_kb(out, "VmLib", k.exec > code ? k.exec - code : 0);
	text_printf(out, "HugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t%d\n",
		    !__atomic_load_n(&mm->thp_disabled, __ATOMIC_RELAXED));
}

static void show_signals(struct task *t, struct text *out)
{
	autoput(cred) struct cred *c = task_cred(t);
	struct pid_signals s;

	pid_signals_get(t, &s);
	lock(&kernel.tasks_lock);
	unsigned threads = t->group->nthreads ? t->group->nthreads : 1;
	unlock(&kernel.tasks_lock);
	text_printf(out, "Threads:\t%u\nSigQ:\t%u/%llu\n", threads, sigqueue_count(c->ruid),
		    (unsigned long long)task_rlimit(t, RLIMIT_SIGPENDING));
	text_printf(out, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
		    (unsigned long long)s.pending, (unsigned long long)s.shared,
		    (unsigned long long)s.blocked);
	text_printf(out, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (unsigned long long)s.ignored,
		    (unsigned long long)s.caught);
}

static void show_caps(struct task *t, struct text *out)
{
	autoput(cred) struct cred *c = task_cred(t);

	text_printf(out, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n",
		    (unsigned long long)c->cap_inheritable, (unsigned long long)c->cap_permitted,
		    (unsigned long long)c->cap_effective);
	text_printf(out, "CapBnd:\t%016llx\nCapAmb:\t%016llx\n", (unsigned long long)c->cap_bset,
		    (unsigned long long)c->cap_ambient);
	text_printf(out, "NoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%u\n",
		    task_no_new_privs(t), seccomp_mode(t), seccomp_depth(t));
}

static void show_cpus(struct task *t, struct text *out)
{
	uint64_t mask = resources_cpus_allowed(__atomic_load_n(&t->cpus_allowed, __ATOMIC_RELAXED));

	text_str(out, "Cpus_allowed:\t");
	text_mask(out, mask, resources_cpus());
	text_put(out, "\n", 1);
	text_str(out, "Cpus_allowed_list:\t");
	text_mask_list(out, mask);
	text_str(out, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
	if (t == task_current())
		usage_update(t, /*thread=*/true);
	text_printf(out, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		    (unsigned long long)__atomic_load_n(&t->nvcsw, __ATOMIC_RELAXED),
		    (unsigned long long)__atomic_load_n(&t->nivcsw, __ATOMIC_RELAXED));
}

int pid_status_show(const struct proc_look *at, struct text *out)
{
	struct mm *mm = task_mm_get(at->task);

	show_name(at, out);
	show_ids(at, out);
	if (mm) {
		show_memory(at->task, mm, out);
		mm_put(mm);
	}
	show_signals(at->task, out);
	show_caps(at->task, out);
	show_cpus(at->task, out);
	return 0;
}
