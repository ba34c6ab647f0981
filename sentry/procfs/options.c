/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a proc mount: hidepid=, gid=, subset=; and what only they, or nobody, may do.
 *
 * hidepid hides processes from who could not trace them: 1 closes their directories, 2 takes
 * them out of sight, and so does 4, which asks for no group.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sentry/procfs/machine.h"
#include "sentry/procfs/tree.h"
#include "sentry/vfs/namei.h"

static const struct {
	const char *word;
	uint32_t hide;
} words[] = {
	{"off", HIDE_NOTHING},
	{"noaccess", HIDE_NOACCESS},
	{"invisible", HIDE_INVISIBLE},
	{"ptraceable", HIDE_PTRACEABLE},
};

/* All of it is one number. */
static bool is_number(const char *s, uint32_t *out)
{
	char *end;
	if (*s < '0' || *s > '9')
		return false;
	unsigned long long v = strtoull(s, &end, 10);
	*out = (uint32_t)v;
	return !*end && v <= UINT32_MAX;
}

static int hide_of(const char *value, uint32_t *out)
{
	uint32_t nr;
	bool number = is_number(value, &nr);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (number ? nr != words[i].hide : strcmp(value, words[i].word) != 0)
			continue;
		*out = words[i].hide;
		return 0;
	}
	return -EINVAL;
}

static int gid_of(const char *value, const struct cred *cred, uint32_t *out)
{
	uint32_t nr;
	if (!is_number(value, &nr))
		return -EINVAL;
	*out = gid_meant(cred->user_ns, nr);
	return *out == ID_NONE ? -EINVAL : 0;
}

static int option_set(struct proc_fs *p, char *option, const struct cred *cred)
{
	char *value = strchr(option, '=');
	if (!value)
		return -EINVAL;
	*value++ = 0;
	if (strcmp(option, "hidepid") == 0)
		return hide_of(value, &p->hide);
	if (strcmp(option, "gid") == 0)
		return gid_of(value, cred, &p->gid);
	if (strcmp(option, "subset") != 0 || strcmp(value, "pid") != 0)
		return -EINVAL;
	p->subset = true;
	return 0;
}

static struct proc_fs options_now(const struct proc_fs *p)
{
	return (struct proc_fs){
		.hide = __atomic_load_n(&p->hide, __ATOMIC_RELAXED),
		.gid = __atomic_load_n(&p->gid, __ATOMIC_RELAXED),
		.subset = __atomic_load_n(&p->subset, __ATOMIC_RELAXED),
	};
}

int proc_options_set(struct fs *fs, const char *data, const struct cred *cred)
{
	struct proc_fs *p = proc_fs_of(fs), to = options_now(p);
	char *copy = strdup(data), *rest = copy, *option;
	int err = copy ? 0 : -ENOMEM;
	while (err == 0 && (option = strsep(&rest, ",")))
		if (*option)
			err = option_set(&to, option, cred);
	free(copy);
	if (err < 0)
		return err;
	__atomic_store_n(&p->hide, to.hide, __ATOMIC_RELAXED);
	__atomic_store_n(&p->gid, to.gid, __ATOMIC_RELAXED);
	__atomic_store_n(&p->subset, to.subset, __ATOMIC_RELAXED);
	return 0;
}

void proc_options_show(struct fs *fs, char *buf, size_t size)
{
	const struct proc_fs p = options_now(proc_fs_of(fs));
	char gid[32] = "", hide[32] = "";
	if (p.gid != 0)
		snprintf(gid, sizeof gid, ",gid=%u", gid_seen(&user_first, p.gid));
	for (size_t i = 1; i < ARRAY_SIZE(words); i++)
		if (words[i].hide == p.hide)
			snprintf(hide, sizeof hide, ",hidepid=%s", words[i].word);
	snprintf(buf, size, "%s%s%s", gid, hide, p.subset ? ",subset=pid" : "");
}

static bool hidden_from(const struct proc_fs *p, const struct proc_node *n, const struct cred *c,
			unsigned least)
{
	const struct proc_fs o = options_now(p);
	if (o.hide < least || (o.hide != HIDE_PTRACEABLE && cred_in_group(c, o.gid)))
		return false;
	autoput(task) struct task *t = proc_task(n);
	return t && proc_may_inspect(t) < 0;
}

bool proc_hidden(const struct fs *fs, const struct proc_node *n, unsigned least)
{
	const struct task *by = task_current();
	return by && n->kind == IDS_NUMBERS &&
	       hidden_from(proc_fs_of(fs), n, task_cred_self(by), least);
}

bool proc_left_out(const struct fs *fs, const struct proc_node *n)
{
	/* All but the first two: self, thread-self. */
	return n->kind >= IDS_ROOT + 2 && n->kind < IDS_PID &&
	       __atomic_load_n(&proc_fs_of(fs)->subset, __ATOMIC_RELAXED);
}

/* Mode bits and capabilities say nothing of what nobody has made to be written. */
static int sysctl_permission(const struct proc_entry *e, const struct cred *cred)
{
	if (mode_is(e->mode, S_IFDIR))
		return -EACCES;
	if ((e->flags & PROC_SYSCTL) && !e->store)
		return -EACCES;
	return e->admin && cred->euid != 0 && !e->admin(cred) ? -EACCES : 0;
}

static bool is_sysctl(const struct proc_node *n)
{
	return (n->kind >= IDS_SYS && n->kind < IDS_SYSFS) || n->entry->table == &proc_sys_table;
}

int proc_permission(struct inode *i, const struct cred *cred, unsigned may)
{
	const struct proc_node *n = proc_node_of(i);
	if ((may & MAY_WRITE) && is_sysctl(n))
		return sysctl_permission(n->entry, cred);
	if (n->kind != IDS_NUMBERS || !task_current() ||
	    !hidden_from(proc_fs_of(i->fs), n, cred, HIDE_NOACCESS))
		return 0;
	return __atomic_load_n(&proc_fs_of(i->fs)->hide, __ATOMIC_RELAXED) == HIDE_NOACCESS
		       ? -EPERM
		       : -ENOENT;
}
