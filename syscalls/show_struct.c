/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs behind an argument as text: the members one looks for first.
 */
#include <string.h>

#include "syscalls/abi/un.h"
#include "syscalls/abi/utsname.h"
#include "syscalls/show.h"

#define ITEMS_SHOWN 16

void show_fd2(struct show *s, unsigned int i)
{
	int32_t fd[2];

	if (show_read(s, i, fd, sizeof(fd)))
		text_add(s->out, "[%d, %d]", fd[0], fd[1]);
}

void show_int32(struct show *s, unsigned int i)
{
	int32_t v;

	if (show_read(s, i, &v, sizeof(v)))
		text_add(s->out, "[%d]", v);
}

void show_int64(struct show *s, unsigned int i)
{
	int64_t v;

	if (show_read(s, i, &v, sizeof(v)))
		text_add(s->out, "[%ld]", (long)v);
}

void show_hex64(struct show *s, unsigned int i)
{
	uint64_t v;

	if (show_read(s, i, &v, sizeof(v)))
		text_add(s->out, "[%#lx]", (unsigned long)v);
}

void show_wstatus(struct show *s, unsigned int i)
{
	int32_t st;

	/* 0: nobody to report, nothing written. */
	if (s->ret == 0) {
		show_ptr(s, i);
		return;
	}
	if (!show_read(s, i, &st, sizeof(st)))
		return;
	if (st == 0xffff) {
		text_add(s->out, "[{WIFCONTINUED(s)}]");
	} else if ((st & 0x7f) == 0) {
		text_add(s->out, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", st >> 8 & 0xff);
	} else {
		bool stopped = (st & 0xff) == 0x7f;

		text_add(s->out, stopped ? "[{WIFSTOPPED(s) && WSTOPSIG(s) == "
					 : "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		text_signal(s->out, stopped ? st >> 8 & 0xff : st & 0x7f);
		text_add(s->out, !stopped && st & 0x80 ? " && WCOREDUMP(s)}]" : "}]");
	}
}

void show_groups(struct show *s, unsigned int i)
{
	uint32_t gid[ITEMS_SHOWN];
	int64_t count = s->after ? s->ret : (int)s->args[i - 1];
	size_t n = count > ITEMS_SHOWN ? ITEMS_SHOWN : (size_t)count;

	/* A size of 0 only asks how many there are. */
	if (count <= 0 || (int)s->args[i - 1] == 0) {
		show_ptr(s, i);
		return;
	}
	if (!show_read(s, i, gid, n * sizeof(gid[0])))
		return;
	for (size_t k = 0; k < n; k++)
		text_add(s->out, "%s%u", k ? ", " : "[", gid[k]);
	text_add(s->out, (size_t)count > n ? ", ...]" : "]");
}

/* The numbers of the set bits. */
static void text_bits(struct text *out, const uint64_t *word, size_t bits, const char *between)
{
	bool any = false;

	text_add(out, "[");
	for (size_t b = 0; b < bits; b++) {
		if (!(word[b / 64] >> (b % 64) & 1))
			continue;
		text_add(out, "%s%lu", any ? between : "", (unsigned long)b);
		any = true;
	}
	text_add(out, "]");
}

void show_mask(struct show *s, unsigned int i)
{
	uint64_t word[16] = {0};
	int64_t size = arg_size(s->row, i, s->args, s->ret);

	if (size <= 0 || size > (int64_t)sizeof(word))
		show_ptr(s, i);
	else if (show_read(s, i, word, (size_t)size))
		text_bits(s->out, word, (size_t)size * 8, ", ");
}

void show_fdset(struct show *s, unsigned int i)
{
	uint64_t word[16] = {0};
	int64_t size = arg_size(s->row, i, s->args, s->ret);
	size_t bits = (uint32_t)s->args[0];

	if (size <= 0 || size > (int64_t)sizeof(word))
		show_ptr(s, i);
	else if (show_read(s, i, word, (size_t)size))
		text_bits(s->out, word, bits, " ");
}

static const char *type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "S_IFREG";
	case S_IFDIR:
		return "S_IFDIR";
	case S_IFLNK:
		return "S_IFLNK";
	case S_IFCHR:
		return "S_IFCHR";
	case S_IFBLK:
		return "S_IFBLK";
	case S_IFIFO:
		return "S_IFIFO";
	case S_IFSOCK:
		return "S_IFSOCK";
	default:
		return "0";
	}
}

void show_stat(struct show *s, unsigned int i)
{
	struct abi_stat st;

	if (!show_read(s, i, &st, sizeof(st)))
		return;
	text_add(s->out, "{st_mode=%s|%04o, ", type_name(st.st_mode), st.st_mode & S_IALLUGO);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		text_add(s->out, "st_rdev=makedev(%#x, %#x), ...}", abi_major(st.st_rdev),
			 abi_minor(st.st_rdev));
	else
		text_add(s->out, "st_size=%ld, ...}", (long)st.st_size);
}

void show_statx(struct show *s, unsigned int i)
{
	struct abi_statx st;

	if (!show_read(s, i, &st, sizeof(st)))
		return;
	text_add(s->out, "{stx_mask=");
	text_flags(s->out, FG_STATX, st.stx_mask, 4);
	text_add(s->out, ", stx_mode=%s|%04o, stx_size=%lu, ...}", type_name(st.stx_mode),
		 st.stx_mode & S_IALLUGO, (unsigned long)st.stx_size);
}

void show_statfs(struct show *s, unsigned int i)
{
	struct abi_statfs st;

	if (show_read(s, i, &st, sizeof(st)))
		text_add(s->out, "{f_type=%#lx, f_bsize=%ld, f_blocks=%ld, f_bfree=%ld, ...}",
			 (unsigned long)st.f_type, (long)st.f_bsize, (long)st.f_blocks,
			 (long)st.f_bfree);
}

void show_open_how(struct show *s, unsigned int i)
{
	struct abi_open_how how;

	if (!show_read(s, i, &how, sizeof(how)))
		return;
	text_add(s->out, "{flags=");
	text_flags(s->out, FG_OPEN, how.flags, 8);
	if (how.mode || how.flags & O_CREAT)
		text_add(s->out, ", mode=0%03lo", (unsigned long)how.mode);
	text_add(s->out, ", resolve=");
	text_flags(s->out, FG_RESOLVE, how.resolve, 8);
	text_add(s->out, "}");
}

void show_clone_args(struct show *s, unsigned int i)
{
	struct abi_clone_args a = {0};
	uint64_t size = s->args[i + 1];

	if (size > sizeof(a))
		size = sizeof(a);
	if (size < CLONE_ARGS_SIZE_VER0) {
		show_ptr(s, i);
		return;
	}
	if (!show_read(s, i, &a, size))
		return;
	text_add(s->out, "{flags=");
	text_flags(s->out, FG_CLONE, a.flags, 8);
	text_add(s->out, ", exit_signal=");
	text_signal(s->out, (int64_t)a.exit_signal);
	text_add(s->out, ", stack=%#lx, stack_size=%#lx, tls=%#lx}", (unsigned long)a.stack,
		 (unsigned long)a.stack_size, (unsigned long)a.tls);
}

static void text_time(struct text *out, const char *frac, int64_t sec, int64_t part)
{
	text_add(out, "{tv_sec=%ld, tv_%s=", (long)sec, frac);
	if (part == UTIME_NOW || part == UTIME_OMIT)
		text_add(out, part == UTIME_NOW ? "UTIME_NOW}" : "UTIME_OMIT}");
	else
		text_add(out, "%ld}", (long)part);
}

/* aux of them; timeval and timespec differ only in the unit. */
static void show_times(struct show *s, unsigned int i, const char *frac)
{
	struct abi_timespec ts[2];

	if (!show_read(s, i, ts, s->aux * sizeof(ts[0])))
		return;
	if (s->aux == 2)
		text_add(s->out, "[");
	text_time(s->out, frac, ts[0].tv_sec, ts[0].tv_nsec);
	if (s->aux == 2) {
		text_add(s->out, ", ");
		text_time(s->out, frac, ts[1].tv_sec, ts[1].tv_nsec);
		text_add(s->out, "]");
	}
}

void show_timespec(struct show *s, unsigned int i)
{
	show_times(s, i, "nsec");
}

void show_timeval(struct show *s, unsigned int i)
{
	show_times(s, i, "usec");
}

static void show_interval(struct show *s, unsigned int i, const char *frac)
{
	struct abi_itimerspec it;

	if (!show_read(s, i, &it, sizeof(it)))
		return;
	text_add(s->out, "{it_interval=");
	text_time(s->out, frac, it.it_interval.tv_sec, it.it_interval.tv_nsec);
	text_add(s->out, ", it_value=");
	text_time(s->out, frac, it.it_value.tv_sec, it.it_value.tv_nsec);
	text_add(s->out, "}");
}

void show_itimerspec(struct show *s, unsigned int i)
{
	show_interval(s, i, "nsec");
}

void show_itimerval(struct show *s, unsigned int i)
{
	show_interval(s, i, "usec");
}

void show_futex_timeout(struct show *s, unsigned int i)
{
	switch (s->args[1] & 127) {
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
	case FUTEX_CMP_REQUEUE_PI:
		text_add(s->out, "%u", (uint32_t)s->args[i]);
		break;
	default:
		s->aux = 1;
		show_timespec(s, i);
	}
}

static void text_rlimit(struct text *out, const char *name, uint64_t v)
{
	if (v == RLIM64_INFINITY)
		text_add(out, "%s=RLIM64_INFINITY", name);
	else
		text_add(out, "%s=%lu", name, (unsigned long)v);
}

void show_rlimit(struct show *s, unsigned int i)
{
	struct abi_rlimit r;

	if (!show_read(s, i, &r, sizeof(r)))
		return;
	text_rlimit(s->out, "{rlim_cur", r.rlim_cur);
	text_rlimit(s->out, ", rlim_max", r.rlim_max);
	text_add(s->out, "}");
}

void show_utsname(struct show *s, unsigned int i)
{
	struct abi_utsname u;

	if (!show_read(s, i, &u, sizeof(u)))
		return;
	text_add(s->out, "{sysname=");
	text_quote(s->out, u.sysname, strnlen(u.sysname, ABI_UTS_LEN), ABI_UTS_LEN, false);
	text_add(s->out, ", nodename=");
	text_quote(s->out, u.nodename, strnlen(u.nodename, ABI_UTS_LEN), ABI_UTS_LEN, false);
	text_add(s->out, ", release=");
	text_quote(s->out, u.release, strnlen(u.release, ABI_UTS_LEN), ABI_UTS_LEN, false);
	text_add(s->out, ", ...}");
}

/* Without their SIG; a nearly full set as ~ and what is missing. */
static void text_sigset(struct text *out, uint64_t set)
{
	bool inverted = __builtin_popcountll(set) > 32, any = false;
	uint64_t shown = inverted ? ~set : set;

	text_add(out, inverted ? "~[" : "[");
	for (int sig = 1; sig <= ABI_NSIG; sig++) {
		char name[32];
		struct text t;

		if (!(shown & abi_sigbit(sig)))
			continue;
		text_init(&t, name, sizeof(name));
		text_signal(&t, sig);
		text_add(out, "%s%s", any ? " " : "", name + 3);
		any = true;
	}
	text_add(out, "]");
}

void show_sigset(struct show *s, unsigned int i)
{
	uint64_t set;

	if (show_read(s, i, &set, sizeof(set)))
		text_sigset(s->out, set);
}

void show_sigset_arg(struct show *s, unsigned int i)
{
	struct abi_sigset_arg a;
	uint64_t set;

	if (!show_read(s, i, &a, sizeof(a)))
		return;
	text_add(s->out, "{sigmask=");
	if (a.ss && s->mem->read(s->mem->ctx, &set, a.ss, sizeof(set)) == sizeof(set))
		text_sigset(s->out, set);
	else
		text_add(s->out, a.ss ? "%#lx" : "NULL", (unsigned long)a.ss);
	text_add(s->out, ", sigsetsize=%lu}", (unsigned long)a.ss_len);
}

void show_sigaction(struct show *s, unsigned int i)
{
	struct abi_sigaction a;

	if (!show_read(s, i, &a, sizeof(a)))
		return;
	text_add(s->out, "{sa_handler=");
	if (a.handler == ABI_SIG_DFL || a.handler == ABI_SIG_IGN)
		text_add(s->out, a.handler ? "SIG_IGN" : "SIG_DFL");
	else
		text_add(s->out, "%#lx", (unsigned long)a.handler);
	text_add(s->out, ", sa_mask=");
	text_sigset(s->out, a.mask);
	text_add(s->out, ", sa_flags=");
	text_flags(s->out, FG_SA, a.flags, 4);
	if (a.flags & SA_RESTORER)
		text_add(s->out, ", sa_restorer=%#lx", (unsigned long)a.restorer);
	text_add(s->out, "}");
}

void show_stack(struct show *s, unsigned int i)
{
	struct abi_stack st;

	if (!show_read(s, i, &st, sizeof(st)))
		return;
	text_add(s->out, "{ss_sp=%#lx, ss_flags=", (unsigned long)st.ss_sp);
	text_flags(s->out, FG_SS, (uint32_t)st.ss_flags, 4);
	text_add(s->out, ", ss_size=%lu}", (unsigned long)st.ss_size);
}

void show_siginfo(struct show *s, unsigned int i)
{
	struct abi_siginfo si;

	if (!show_read(s, i, &si, sizeof(si)))
		return;
	text_add(s->out, "{si_signo=");
	text_signal(s->out, si.signo);
	text_add(s->out, ", si_code=");
	/* Positive codes mean something else for each signal. */
	if (si.code <= 0 || si.code == SI_KERNEL)
		text_flags(s->out, FG_SIGCODE, (uint64_t)(int64_t)si.code, 8);
	else
		text_add(s->out, "%d", si.code);
	if (si.signo == SIGCHLD && si.code > 0)
		text_add(s->out, ", si_pid=%d, si_uid=%u, si_status=%d, ...}", si.child.pid,
			 si.child.uid, si.child.status);
	else if (si.code <= 0)
		text_add(s->out, ", si_pid=%d, si_uid=%u, ...}", si.kill.pid, si.kill.uid);
	else
		text_add(s->out, ", ...}");
}
