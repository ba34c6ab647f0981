/* SPDX-License-Identifier: Apache-2.0 */
/* vedette spec: a config.json to start from. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "oci/cli.h"
#include "platform/base/cleanup.h"

#define CAPS                                                                                       \
	"[\"CAP_CHOWN\", \"CAP_DAC_OVERRIDE\", \"CAP_FOWNER\", \"CAP_FSETID\", \"CAP_KILL\",\n"    \
	"\t\t\t\t\"CAP_SETGID\", \"CAP_SETUID\", \"CAP_SETPCAP\", \"CAP_NET_BIND_SERVICE\",\n"     \
	"\t\t\t\t\"CAP_SYS_CHROOT\", \"CAP_SETFCAP\"]"

/* clang-format off */
static const char text[] =
"{\n"
"\t\"ociVersion\": \"1.0.2\",\n"
"\t\"process\": {\n"
"\t\t\"terminal\": %s,\n"
"\t\t\"user\": {\"uid\": 0, \"gid\": 0},\n"
"\t\t\"args\": [\"sh\"],\n"
"\t\t\"env\": [\n"
"\t\t\t\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
"\t\t\t\"TERM=xterm\"\n"
"\t\t],\n"
"\t\t\"cwd\": \"/\",\n"
"\t\t\"capabilities\": {\n"
"\t\t\t\"bounding\": " CAPS ",\n"
"\t\t\t\"effective\": " CAPS ",\n"
"\t\t\t\"permitted\": " CAPS "\n"
"\t\t},\n"
"\t\t\"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 1024, \"hard\": 1048576}],\n"
"\t\t\"noNewPrivileges\": true\n"
"\t},\n"
"\t\"root\": {\"path\": \"rootfs\", \"readonly\": false},\n"
"\t\"hostname\": \"vedette\",\n"
"\t\"mounts\": [\n"
"\t\t{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
"\t\t{\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
"\t\t \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},\n"
"\t\t{\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
"\t\t \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\"%s]},\n"
"\t\t{\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
"\t\t \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},\n"
"\t\t{\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
"\t\t \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},\n"
"\t\t{\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
"\t\t \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},\n"
"\t\t{\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
"\t\t \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}\n"
"\t],\n"
"\t\"linux\": {\n"
"%s"
"\t\t\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"%s\"}, {\"type\": \"ipc\"},\n"
"\t\t\t{\"type\": \"uts\"}, {\"type\": \"mount\"}, {\"type\": \"cgroup\"}],\n"
"\t\t\"maskedPaths\": [\"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\",\n"
"\t\t\t\"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\",\n"
"\t\t\t\"/proc/sched_debug\", \"/proc/scsi\", \"/sys/firmware\"],\n"
"\t\t\"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\",\n"
"\t\t\t\"/proc/sysrq-trigger\"]\n"
"\t}\n"
"}\n";
/* clang-format on */

struct spec_options {
	const char *dir, *config;
	bool rootless;
};

enum { OPT_ROOTLESS = 256 };

static const struct argp_option options[] = {
	{"bundle", 'b', "DIR", 0, "Where to put config.json (default: .)", 0},
	{"config", 'f', "FILE", 0, "Its name, if not config.json; a relative one starts at DIR", 0},
	{"rootless", OPT_ROOTLESS, NULL, 0,
	 "For a user who is not root: a user namespace in which the caller is root, and the host's "
	 "network",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct spec_options *o = state->input;
	switch (key) {
	case 'b':
		o->dir = arg;
		return 0;
	case 'f':
		o->config = arg;
		return 0;
	case OPT_ROOTLESS:
		o->rootless = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* With --rootless as runc does it: no other ids are there, so none may be named. */
static int write_text(int fd, bool rootless)
{
	char maps[256] = "";
	if (rootless)
		snprintf(maps, sizeof maps,
			 "\t\t\"uidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n"
			 "\t\t\"gidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n",
			 (unsigned)geteuid(), (unsigned)getegid());
	return dprintf(fd, text, isatty(0) ? "true" : "false", rootless ? "" : ", \"gid=5\"", maps,
		       rootless ? "user" : "network");
}

int command_spec(int argc, char **argv, struct error *e)
{
	static const struct argp parser = {.options = options,
					   .parser = parse_option,
					   .doc = "Write a config.json that runs a shell in the "
						  "directory `rootfs' beside it."};
	struct spec_options o = {.dir = ".", .config = "config.json"};
	autofree char *file = NULL;
	if (argp_parse(&parser, argc, argv, 0, NULL, &o) != 0)
		return EXIT_USAGE;
	bool whole = *o.config == '/';
	if (asprintf(&file, "%s%s%s", whole ? "" : o.dir, whole ? "" : "/", o.config) < 0) {
		file = NULL;
		error_set(e, -ENOMEM, "out of memory");
		return EXIT_INTERNAL;
	}
	autoclose int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		error_set(e, -errno,
			  errno == EEXIST ? "%s exists; remove it first" : "cannot create %s: %m",
			  file);
		return EXIT_CONFIG;
	}
	if (write_text(fd, o.rootless) < 0) {
		error_set(e, -errno, "cannot write %s: %s", file, strerror(errno));
		return EXIT_CONFIG;
	}
	return 0;
}
