/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup/find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/base/cleanup.h"

int file_text(const char *path, char **out)
{
	size_t size = 0, room = 0;
	autofree char *text = NULL;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (ssize_t n = 1; n > 0; size += n > 0 ? (size_t)n : 0) {
		if (room - size < 2) {
			char *more = realloc(text, room = room ? room * 2 : 8192);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		n = read(fd, text + size, room - size - 1);
		if (n < 0)
			return -errno;
	}
	text[size] = '\0';
	*out = STEAL(text);
	return 0;
}

bool controllers_have(const char *list, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = list; *p; p += strcspn(p, ", \n"), p += *p != '\0')
		if (strncmp(p, name, n) == 0 && strchr(", \n", p[n]))
			return true;
	return false;
}

static bool is_octal(const char *p)
{
	for (int i = 0; i < 3; i++)
		if (p[i] < '0' || p[i] > '7')
			return false;
	return true;
}

/* "\040" is a blank. */
static void unescape(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (*s == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Which words of a v1 mount's options are controllers: all that is no option of every mount. */
static void v1_controllers(const char *options, char *out, size_t size)
{
	static const char *const not [] = {
		"rw",	      "ro",	  "xattr",	  "noprefix",	    "clone_children",
		"nsdelegate", "seclabel", "favordynmods", "cpuset_v2_mode", "release_agent"};
	out[0] = '\0';
	for (const char *p = options; *p; p += strcspn(p, ","), p += *p == ',') {
		int n = (int)strcspn(p, ",");
		bool skip = false;
		for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
			skip |= strncmp(p, not [i], strlen(not [i])) == 0 &&
				strchr(",=", p[strlen(not [i])]);
		size_t used = strlen(out);
		if (!skip)
			snprintf(out + used, size - used, "%s%.*s", used ? "," : "", n, p);
	}
}

/*
 * The line of /proc/self/cgroup for that hierarchy: "4:cpu,cpuacct:/path".  A
 * mount shows the tree from its root on, so that is taken off the front; a group
 * that does not lie below it cannot be seen, and counts as the root.
 */
static void find_own(const char *self, const char *root, struct hierarchy *h)
{
	strcpy(h->own, "/");
	for (const char *p = self; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		const char *list = strchr(p, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		size_t n = (size_t)(path - list - 1), rest = strcspn(path + 1, "\n");
		char names[CONTROLLERS_SIZE];
		snprintf(names, sizeof names, "%.*s", (int)n, list + 1);
		if (h->v2 ? n != 0 : strcmp(names, h->controllers) != 0)
			continue;
		size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
		if (rest >= sizeof h->own || rest < skip || strncmp(path + 1, root, skip) != 0)
			return;
		if (rest > skip && path[1 + skip] == '/')
			snprintf(h->own, sizeof h->own, "%.*s", (int)(rest - skip),
				 path + 1 + skip);
		return;
	}
}

static bool known(const struct hierarchies *h, const struct hierarchy *one)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->list[i].v2 == one->v2 &&
		    (one->v2 || strcmp(h->list[i].controllers, one->controllers) == 0))
			return true;
	return false;
}

/* ID PARENT DEV ROOT MOUNT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS; the first mount counts. */
static void parse_line(char *line, const char *self, struct hierarchies *out)
{
	char root[CGROUP_PATH_MAX], type[32], super[512];
	struct hierarchy *h = &out->list[out->count];
	char *dash = strstr(line, " - ");
	if (!dash || out->count == HIERARCHIES_MAX ||
	    sscanf(dash, " - %31s %*s %511s", type, super) != 2 ||
	    sscanf(line, "%*s %*s %*s %4095s %4095s", root, h->mount) != 2)
		return;
	h->v2 = strcmp(type, "cgroup2") == 0;
	if (h->mount[0] != '/')
		return;
	if (!h->v2 && strcmp(type, "cgroup") != 0)
		return;
	h->controllers[0] = '\0';
	if (!h->v2)
		v1_controllers(super, h->controllers, sizeof h->controllers);
	if (known(out, h))
		return;
	unescape(root);
	unescape(h->mount);
	find_own(self, root, h);
	out->count++;
}

void hierarchies_parse(const char *mountinfo, const char *self_cgroup, struct hierarchies *out)
{
	char line[CGROUP_PATH_MAX * 3];
	out->count = 0;
	for (const char *p = mountinfo; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		size_t n = strcspn(p, "\n");
		if (n >= sizeof line)
			continue;
		memcpy(line, p, n);
		line[n] = '\0';
		parse_line(line, self_cgroup, out);
	}
}

static void read_controllers(struct hierarchy *h)
{
	char path[CGROUP_PATH_MAX + 32];
	autofree char *text = NULL;
	snprintf(path, sizeof path, "%s/cgroup.controllers", h->mount);
	if (h->v2 && file_text(path, &text) == 0)
		snprintf(h->controllers, sizeof h->controllers, "%.*s", (int)strcspn(text, "\n"),
			 text);
}

int hierarchies_find(struct hierarchies *out)
{
	autofree char *mounts = NULL, *self = NULL;
	out->count = 0;
	int err = file_text("/proc/self/mountinfo", &mounts);
	if (err == 0)
		err = file_text("/proc/self/cgroup", &self);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	hierarchies_parse(mounts, self, out);
	for (size_t i = 0; i < out->count; i++)
		read_controllers(&out->list[i]);
	return 0;
}

const struct hierarchy *hierarchy_of(const struct hierarchies *h, const char *controller)
{
	for (size_t i = 0; i < h->count; i++)
		if (!h->list[i].v2 && controllers_have(h->list[i].controllers, controller))
			return &h->list[i];
	return NULL;
}

const struct hierarchy *hierarchy_v2(const struct hierarchies *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->list[i].v2)
			return &h->list[i];
	return NULL;
}
