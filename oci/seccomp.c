/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/base/cleanup.h"
#include "platform/base/types.h"
#include "syscalls/abi/seccomp.h"
#include "syscalls/report.h"

/* <linux/bpf_common.h> and <linux/filter.h> have the names, our abi header the struct. */
enum { ARGS_MAX = 6, FRONT_MAX = 8, X32_BIT = 0x40000000 };

static int compare_of(const struct spec_seccomp_arg *a, struct scmp_arg_cmp *out)
{
	*out = (struct scmp_arg_cmp){
		.arg = a->index,
		.op = (enum scmp_compare)a->op,
		.datum_a = a->value,
		.datum_b = a->value_two,
	};
	return 1 << a->index;
}

/* One rule for one call.  All conditions must hold, but several on one argument are choices. */
static int add_call(scmp_filter_ctx ctx, const struct spec_seccomp_rule *r, int nr)
{
	struct scmp_arg_cmp all[ARGS_MAX], one;
	int seen = 0, err = 0;
	bool choices = r->nargs > ARGS_MAX;
	for (size_t i = 0; i < r->nargs && !choices; i++) {
		int bit = compare_of(&r->args[i], &all[i]);
		choices = seen & bit;
		seen |= bit;
	}
	if (!choices)
		return seccomp_rule_add_exact_array(ctx, r->action, nr, (unsigned)r->nargs, all);
	for (size_t i = 0; i < r->nargs && err == 0; i++) {
		compare_of(&r->args[i], &one);
		err = seccomp_rule_add_exact_array(ctx, r->action, nr, 1, &one);
	}
	return err;
}

/* Calls newer than libseccomp are in our own table. */
static int number_of(const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
	return nr >= 0 ? nr : syscalls_number(name);
}

static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp *s,
		    const struct spec_seccomp_rule *r, int *last, const char **out_name)
{
	for (char **name = r->names; *name; name++) {
		int nr = number_of(*name);
		if (nr < 0)
			continue;
		*last = nr > *last ? nr : *last;
		*out_name = *name;
		if (r->action == s->action) /* libseccomp refuses to be told the default again */
			continue;
		int err = add_call(ctx, r, nr);
		if (err < 0 && err != -EEXIST)
			return err;
	}
	return 0;
}

/* A pipe, because libseccomp wants a descriptor: the longest program is half of what one holds. */
static int export_program(scmp_filter_ctx ctx, void *buf, size_t size, size_t *out_size)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	autoclose int in = ends[0];
	autoclose int to = ends[1];
	int err = seccomp_export_bpf(ctx, to);
	if (err < 0)
		return err == -ECANCELED ? -E2BIG : err;
	ssize_t n = read(in, buf, size);
	if (n < 0)
		return -errno;
	char more;
	if (read(in, &more, 1) > 0)
		return -E2BIG;
	*out_size = (size_t)n;
	return 0;
}

static bool refuses(uint32_t action)
{
	return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG &&
	       (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE;
}

#define STMT(code_, k_) ((struct abi_sock_filter){.code = (code_), .k = (k_)})
#define JUMP(code_, k_, t, f)                                                                      \
	((struct abi_sock_filter){.code = (code_), .jt = (t), .jf = (f), .k = (k_)})

static size_t make_front(const struct spec_seccomp *s, int last, struct abi_sock_filter *p)
{
	bool unknown = refuses(s->action) && last >= 0 && s->action != SCMP_ACT_ERRNO(ENOSYS);
	size_t n = 0;
	if (!unknown && !s->x32)
		return 0;
	p[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct abi_seccomp_data, nr));
	/* Over the check of the greatest number, to the answer or to libseccomp's program. */
	p[n++] = JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT, s->x32 ? unknown : 1 + unknown, 0);
	if (unknown)
		p[n++] = JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)last, 0, 1);
	else
		p[n - 1].jf = 1;
	p[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	return n;
}

static int compile(scmp_filter_ctx ctx, const struct spec_seccomp *s, const char *file,
		   struct abi_sock_filter **out, size_t *out_len, struct error *e)
{
	const char *name = "";
	size_t size = 0;
	int last = -1, err = 0;
	for (size_t i = 0; i < s->nrules && err == 0; i++)
		if ((err = add_rule(ctx, s, &s->rules[i], &last, &name)) < 0)
			return error_set(e, err,
					 "%s: linux.seccomp.syscalls[%zu]: no rule can be "
					 "made for '%s': %s",
					 file, i, name, strerror(-err));
	autofree struct abi_sock_filter *prog = calloc(BPF_MAXINSNS, sizeof *prog);
	if (!prog)
		return error_set(e, -ENOMEM, "out of memory");
	size_t front = make_front(s, last, prog);
	err = export_program(ctx, prog + front, (BPF_MAXINSNS - front) * sizeof *prog, &size);
	if (err < 0)
		return error_set(e, err, "%s: linux.seccomp: %s", file,
				 err == -E2BIG ? "the filter is longer than the 4096 instructions "
						 "of a program: it needs fewer rules"
					       : strerror(-err));
	*out_len = front + size / sizeof *prog;
	*out = STEAL(prog);
	return 0;
}

int seccomp_compile(const struct spec_seccomp *s, const char *file, struct abi_sock_filter **out,
		    size_t *out_len, struct error *e)
{
	scmp_filter_ctx ctx = seccomp_init(s->action);
	if (!ctx)
		return error_set(e, -ENOMEM, "%s: linux.seccomp: out of memory", file);
	int err = compile(ctx, s, file, out, out_len, e);
	seccomp_release(ctx);
	return err;
}
