/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/spec.h"
#include "platform/base/cleanup.h"
#include "platform/base/log.h"
#include "platform/base/types.h"

static bool host_has_apparmor(void)
{
	char yes = 'N';
	autoclose int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &yes, 1) == 1 && yes == 'Y';
}

static bool host_has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static bool begins_with_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	return false;
}

/* What a container gets that asked for nothing. */
static bool profile_is_default(const char *name)
{
	static const char *const list[] = {
		"docker-default", "containers-default", "cri-containerd.apparmor.d",
		"crio-default",	  "nerdctl-default",	NULL};
	return begins_with_one_of(name, list);
}

/* The third part of user:role:type:level. */
static bool label_is_default(const char *label)
{
	static const char *const list[] = {"container_t:",
					   "container_init_t:",
					   "container_kvm_t:",
					   "container_file_t:",
					   "container_ro_file_t:",
					   "svirt_lxc_net_t:",
					   "svirt_sandbox_file_t:",
					   "spc_t:",
					   NULL};
	const char *type = strchr(label, ':');
	type = type ? strchr(type + 1, ':') : NULL;
	return type && begins_with_one_of(type + 1, list);
}

static int check(const char *field, const char *value, bool on_host, const char *module,
		 bool is_default, const char *file, struct error *e)
{
	struct error shown;
	if (on_host && is_default) {
		error_set(&shown, 0,
			  "%s: %s: '%s' has no effect: programs inside are no processes "
			  "of the host, the sandbox confines them",
			  file, field, value);
		error_sanitize(&shown);
		log_warning("%s", shown.msg);
		return 0;
	}
	if (on_host)
		error_set(e, -EOPNOTSUPP,
			  "%s: %s: '%s' cannot confine programs inside, which are no "
			  "processes of the host: leave it out, the sandbox confines them",
			  file, field, value);
	else
		error_set(e, -EOPNOTSUPP, "%s: %s: '%s' was asked for, but this host has no %s",
			  file, field, value, module);
	error_sanitize(e);
	return -EOPNOTSUPP;
}

/* It lets processes with a label in, and keeps none out that has none. */
static void warn_mount_label(const char *label, const char *file)
{
	struct error shown;
	error_set(&shown, 0,
		  "%s: linux.mountLabel: '%s' has no effect: files inside have no labels", file,
		  label);
	error_sanitize(&shown);
	log_warning("%s", shown.msg);
}

int spec_check_labels(const struct spec_process *p, const char *mount_label, const char *file,
		      struct error *e)
{
	int err = 0;
	if (mount_label && *mount_label)
		warn_mount_label(mount_label, file);
	if (p->apparmor && *p->apparmor && strcmp(p->apparmor, "unconfined") != 0)
		err = check("process.apparmorProfile", p->apparmor, host_has_apparmor(), "AppArmor",
			    profile_is_default(p->apparmor), file, e);
	if (err == 0 && p->selinux && *p->selinux)
		err = check("process.selinuxLabel", p->selinux, host_has_selinux(), "SELinux",
			    label_is_default(p->selinux), file, e);
	return err;
}
