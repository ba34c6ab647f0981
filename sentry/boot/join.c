/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Further containers of a sandbox: a pod's.
 *
 * Each has a mount namespace over a root of its own, which a gofer of its own serves, and a pid
 * namespace that nobody else sees into, unless it was to share another container's.  What
 * keeps them apart is what keeps namespaces apart; what ends them is the end of
 * their first process.
 *
 * Its namespaces are chosen before its first process is made; its mounts come on that process'
 * thread, where /proc and terminals are its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "platform/host.h"
#include "sentry/boot/internal.h"
#include "sentry/task/container.h"
#include "sentry/task/nsset.h"
#include "sentry/task/pause.h"
#include "sentry/task/pidns.h"
#include "sentry/task/uts.h"
#include "sentry/tty/tty.h"

/* Honest threads come at once. */
static const int64_t PAUSE_WAIT_NS = 10ll * NSEC_PER_SEC;

static struct list containers = LIST_INIT(containers); /* tasks_lock: all but the first */

bool container_lives_locked(const struct boot_container *c)
{
	return c->main && !c->main->zombie && !c->main->pid_ns->over;
}

static bool is_called(const struct boot_container *c, const char *id)
{
	const struct boot_spec *s = c->process.spec;
	return s && s->id && strcmp(s->id, id) == 0;
}

static struct boot_container *find_locked(const char *id)
{
	struct boot_container *c;
	if (is_called(boot_first, id))
		return boot_first;
	list_for_each (c, &containers, all)
		if (is_called(c, id))
			return c;
	return NULL;
}

static struct nsset *set_of_locked(const struct boot_container *c)
{
	return c->set ? nsset_get(c->set) : nsset_first();
}

/* Everything that is shared; *out_theirs: references, to be put.  -ESRCH. */
static int find_shared(const struct boot_spec *s, struct nsset *theirs[NS_KINDS],
		       struct ns *shared[NS_KINDS])
{
	int err = 0;
	lock(&kernel.tasks_lock);
	for (int i = 0; err == 0 && i < NS_KINDS; i++) {
		struct boot_container *c = s->join[i] ? find_locked(s->join[i]) : NULL;
		if (!s->join[i])
			continue;
		if (!c || !container_lives_locked(c))
			err = -ESRCH;
		else if (!(theirs[i] = set_of_locked(c)))
			err = -ENOMEM;
		else
			shared[i] = theirs[i]->of[i];
	}
	unlock(&kernel.tasks_lock);
	return err;
}

static void set_name(struct uts_ns *u, char *field, const char *name)
{
	char text[ABI_UTS_LEN + 1] = "";
	if (!name)
		return;
	strncpy(text, name, sizeof text - 1);
	uts_name_set(u, field, text);
}

static int make_set(struct boot_container *c, const struct boot_spec *s)
{
	struct nsset *theirs[NS_KINDS] = {NULL};
	struct ns *shared[NS_KINDS] = {NULL};
	int err = find_shared(s, theirs, shared);
	if (err == 0)
		err = nsset_new(shared, &c->set);
	if (err == 0 && !shared[NS_UTS]) {
		struct uts_ns *u = container_of(c->set->of[NS_UTS], struct uts_ns, ns);
		set_name(u, u->hostname, s->hostname);
		set_name(u, u->domainname, s->domainname);
	}
	for (int i = 0; i < NS_KINDS; i++)
		if (theirs[i])
			nsset_put(theirs[i]);
	c->own_pids = !shared[NS_PID];
	return err;
}

int boot_zygote(int sock)
{
	if (!boot_enter(boot_first))
		return -ESRCH;
	int err = platform->zygote_ask(sock);
	boot_leave(boot_first);
	return err;
}

/* Descriptors of a container that has not come to be. */
static void close_all(const struct boot_spec *s)
{
	process_close(s, 0);
	if (s->usage)
		usage_release(s->usage);
}

static int take_zygote(const struct boot_spec *s, struct zygote **out)
{
	*out = NULL;
	return s->zygote_pid ? platform->zygote_take(s->zygote_fd, s->zygote_pid, out) : 0;
}

static struct boot_container *container_alloc(const struct boot_spec *s, struct zygote *z)
{
	struct boot_container *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	ref_init(&c->ref);
	list_init(&c->all);
	waitq_init(&c->wq);
	c->process.spec = s;
	c->found = c->result = NOT_YET;
	c->container = container_new();
	if (!c->container || devpts_begin(c->container) < 0) {
		boot_container_put(c);
		return NULL;
	}
	c->container->zygote = z;
	if (z && s->usage) {
		c->container->usage = *s->usage;
		usage_set_view(&c->container->resources, &c->container->usage);
	}
	boot_limit(c, &s->limits);
	return c;
}

struct boot_container *boot_container_get(struct boot_container *c)
{
	ref_get(&c->ref);
	return c;
}

void boot_container_put(struct boot_container *c)
{
	if (!ref_put(&c->ref))
		return;
	if (c->container)
		container_put(c->container);
	waitq_destroy(&c->wq);
	free(c);
}

/* What nobody needs any more when its last process has gone, and no visitor is left. */
static void give_back(struct boot_container *c)
{
	lock(&kernel.tasks_lock);
	struct hosttty_set ttys = c->process.ttys;
	c->process.ttys = (struct hosttty_set){{NULL}};
	struct group *main = STEAL(c->main);
	list_del(&c->all);
	unlock(&kernel.tasks_lock);
	if (main)
		group_put(main);
	hosttty_release(&ttys);
	if (c->container && c->container->devpts)
		devpts_end(c->container);
	boot_changes_release(c);
	if (c->container && c->container->zygote)
		platform->zygote_end(STEAL(c->container->zygote));
	if (c->mounts)
		mount_ns_put(STEAL(c->mounts));
	if (c->set)
		nsset_put(STEAL(c->set));
	c->process.spec = NULL;
}

static int publish(struct boot_container *c, const struct boot_spec *s)
{
	struct task *t = c->process.task;
	lock(&kernel.tasks_lock);
	int err = boot_host ? process_publish_locked(t, boot_host, s->as_init && c->own_pids)
			    : -EINVAL;
	if (err == 0) {
		c->main = group_get(t->group);
		list_append(&containers, &c->all);
	}
	unlock(&kernel.tasks_lock);
	return err;
}

/* Its first process, which container_main() takes from here. */
static int begin(struct boot_container *c, const struct boot_spec *s)
{
	struct task_begin *begin;
	struct task *t = NULL;
	int err = process_build(c, s, &t);
	if (err == 0)
		err = task_prepare(t, &begin);
	if (err < 0) {
		if (t)
			task_discard(t);
		return err;
	}
	c->process.task = task_get(t);
	if ((err = publish(c, s)) < 0) {
		task_put(STEAL(c->process.task));
		task_drop(begin, task_discard);
		return err;
	}
	task_begin_with(begin, container_main, boot_container_get(c));
	task_put(t);
	return 0;
}

static int make(struct boot_container *c, const struct boot_spec *s, struct boot_error *err)
{
	int e = make_set(c, s);
	if (e == -ESRCH)
		return boot_fail(err, e,
				 "the container whose namespaces it was to share has ended");
	if (e == 0 && (e = container_root(c, s, err)) < 0)
		return e;
	if (e == 0)
		e = begin(c, s);
	return e < 0 ? boot_fail(err, e, "cannot make the container: %s", strerror(-e)) : 0;
}

int boot_join(const struct boot_spec *s, struct boot_container **out, struct boot_error *err)
{
	struct boot_container *c = NULL;
	struct zygote *z;
	*out = NULL;
	if (!boot_enter(boot_first)) {
		close_all(s);
		if (s->zygote_pid) /* it ends when its socket is closed */
			host_close(s->zygote_fd);
		return boot_fail(err, -ESRCH, "the sandbox of this container has ended");
	}
	int e = take_zygote(s, &z);
	if (e == 0)
		e = (c = container_alloc(s, z)) ? make(c, s, err) : -ENOMEM;
	if (e < 0 && c) {
		process_close(s, 0);
		give_back(c);
		boot_container_put(c);
	} else if (e < 0) {
		boot_fail(err, e, "out of memory");
		close_all(s);
		if (z)
			platform->zygote_end(z);
	}
	if (e < 0) {
		boot_leave(boot_first);
		return e;
	}
	*out = c;
	return container_found(c, err);
}

static bool has_ended(const struct boot_container *c)
{
	lock(&kernel.tasks_lock);
	bool yes = c->main->zombie;
	unlock(&kernel.tasks_lock);
	return yes;
}

static bool is_empty(const struct boot_container *c)
{
	lock(&kernel.tasks_lock);
	bool yes = c->container->ntasks == 0 && c->container->ngroups == 0 && c->visitors == 0;
	unlock(&kernel.tasks_lock);
	return yes;
}

int boot_part(struct boot_container *c)
{
	waitq_sleep(&boot_host->wait_wq, 0, WAIT_KILLABLE, WAIT_FOREVER, has_ended(c));
	int status = c->main->exit_code;
	/* As the end of a pid namespace, where it had none of its own. */
	lock(&kernel.tasks_lock);
	container_kill_locked(c->container);
	unlock(&kernel.tasks_lock);
	container_resume(c->container);
	waitq_sleep(&c->container->wq, 0, WAIT_KILLABLE, WAIT_FOREVER, is_empty(c));
	give_back(c);
	return status;
}

void boot_parted(struct boot_container *c)
{
	boot_container_put(c);
	boot_leave(boot_first);
}

int boot_pause(struct boot_container *c, bool on)
{
	int err = 0;
	if (!boot_enter(c))
		return -ESRCH;
	if (on)
		err = container_pause(c->container, clock_mono_ns() + PAUSE_WAIT_NS);
	else
		container_resume(c->container);
	boot_leave(c);
	return err;
}
